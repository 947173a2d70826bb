//! Build client assertions and token requests, and read the responses, with any HTTP client:
//! [`ClientAssertion`], [`TokenRequest`], [`TokenResponse`], and [`Profile`] for the differences
//! between providers.
//!
//! It covers the client assertion (RFC 7521, RFC 7523), the authorization server's metadata (RFC
//! 8414), and requests and responses (RFC 6749).
//!
//! Everything here is a function of its arguments: the caller passes the time and the `jti` as
//! values, and sends each [`http::Request`] itself.

mod access_token;
mod access_token_builder;
mod answer;
mod assertion;
mod audience;
mod authorization;
mod authorization_response;
mod authorization_server;
mod bearer_challenge;
mod below;
mod byte_list;
mod certificate_headers;
mod clock_mismatch;
mod device;
mod device_polling;
mod discovery;
mod echo;
mod endpoint;
mod error;
mod error_body;
mod error_text;
mod error_words;
mod exchange;
mod form;
mod grant;
mod grant_type;
mod hint;
mod hinted_token;
mod introspection;
mod jwks_uri;
mod jwt;
mod jwt_builder;
mod layer;
mod markup;
mod metadata;
mod parameters;
mod pattern;
mod pkce;
mod profile;
mod profile_check;
mod profile_rules;
mod protected_resource;
mod provider;
mod refusal;
mod request;
#[cfg(feature = "client")]
mod request_key;
mod resource;
mod response;
mod retry_after;
mod rules;
mod scope;
mod server_audience;
#[cfg(feature = "client")]
mod server_time;
mod signing_algorithms;
mod text;
mod time_fault;

pub use access_token::AccessToken;
pub use access_token_builder::{AccessTokenBuilder, IssuedToken, UnsignedAccessToken};
pub use assertion::{ClientAssertion, ClientAssertionBuilder, UnsignedAssertion};
pub use audience::{AcceptedAudience, Audience};
pub use authorization::{AuthorizationRequest, PushedAuthorization};
pub use authorization_response::AuthorizationResponse;
pub use authorization_server::AuthorizationServer;
pub use bearer_challenge::BearerChallenge;
pub use clock_mismatch::ClockMismatch;
pub use device::{DeviceAuthorization, DeviceAuthorizationRequest};
pub use device_polling::DevicePolling;
pub use discovery::Discovery;
pub use endpoint::Endpoint;
pub use error::{OAuthError, Retry};
pub use exchange::{TokenExchange, TokenKind};
pub use grant::{JwtGrant, JwtGrantBuilder, UnsignedGrant};
pub use grant_type::GrantType;
pub use hint::{
    Cause, CauseKind, Certainty, Contradiction, SentAssertion, contradictions, explain, explain_log,
};
pub use hinted_token::HintedToken;
pub use introspection::Introspection;
pub use jwks_uri::JwksUri;
pub use jwt::{SignedJwt, UnsignedJwt};
pub use jwt_builder::JwtBuilder;
pub use pkce::CodeVerifier;
pub use profile::{Profile, ProfileSource};
pub use profile_rules::ProfileRules;
pub use protected_resource::ProtectedResource;
pub use provider::{PingAccess, Region};
pub use refusal::Refusal;
pub use request::TokenRequest;
pub use response::TokenResponse;
pub use scope::Scope;
pub use signing_algorithms::UnlistedAlgorithm;

pub(crate) use provider::{
    ADFS_TOKENS, AUTH0_TOKENS, COGNITO_TOKENS, ENTRA_ID_TOKENS, ENTRA_ID_V1_TOKENS, ENTRA_ID_V2_TOKENS,
    HYDRA_TOKENS, KEYCLOAK_TOKENS, OKTA_TOKENS, PING_FEDERATE_TOKENS, PING_ONE_TOKENS, SPRING_TOKENS,
    TokenShape, ZITADEL_TOKENS,
};

#[cfg(feature = "client")]
pub(crate) use answer::{Answer, said};
#[cfg(feature = "dev-server")]
pub(crate) use authorization::with_query;
#[cfg(feature = "client")]
pub(crate) use echo::Secrets;
#[cfg(feature = "client")]
pub(crate) use endpoint::{PlainHttp, check_endpoint, is_loopback};
#[cfg(feature = "client")]
pub(crate) use error_body::content_coding;
#[cfg(feature = "client")]
pub(crate) use grant_type::Repetition;
#[cfg(feature = "client")]
pub(crate) use hint::{Context, profile_of};
#[cfg(feature = "dev-server")]
pub(crate) use resource::is_resource;
#[cfg(feature = "client")]
pub(crate) use server_time::ServerTime;
#[cfg(feature = "client")]
pub(crate) use text::safe_url;
#[cfg(feature = "client")]
pub(crate) use time_fault::TimeFault;

/// `client_assertion_type` of RFC 7523 §2.2.
pub const CLIENT_ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// `typ` of a client assertion (RFC 10070 §4.1).
pub(crate) const CLIENT_AUTHENTICATION_JWT: &str = "client-authentication+jwt";

/// `typ` of an access token (RFC 9068 §2.1).
pub(crate) const ACCESS_TOKEN_JWT: &str = "at+jwt";
