use std::time::Duration;

use super::Refusal;
use super::error_text::{lifetime_limit, one_of, redirect, typ, typs};
use crate::jose::{Algorithm, JoseError};
use crate::keys::{KeyError, caused};

/// What can be wrong with an assertion, a request, a response or a server's metadata.
///
/// No variant contains a token, a key or an assertion. In text from a server, control characters
/// are escaped and anything that looks like a token is masked. The text is cut to 512 characters.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OAuthError {
    /// The client id is empty or contains characters outside RFC 6749 A.1.
    #[error("the client id is {reason}")]
    ClientId {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The issuer identifier violates RFC 8414 §2.
    #[error("the issuer {issuer} {reason}")]
    Issuer {
        /// The identifier.
        issuer: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An assertion must not be sent to this endpoint.
    #[error("the {endpoint} {url} {reason}")]
    Endpoint {
        /// The metadata name of the endpoint.
        endpoint: &'static str,
        /// Its URL.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The metadata has an issuer other than the requested one (RFC 8414 §3.3).
    #[error("the metadata names the issuer {found}, not {expected}")]
    IssuerMismatch {
        /// The requested issuer.
        expected: String,
        /// The issuer in the document.
        found: String,
    },
    /// The metadata cannot be read.
    #[error(fmt = metadata)]
    Metadata(#[source] JoseError),
    /// The metadata has a resource other than the requested one (RFC 9728 §3.3).
    #[error("the metadata names the resource {found}, not {expected}")]
    ResourceMismatch {
        /// The requested resource.
        expected: String,
        /// The resource in the document.
        found: String,
    },
    /// The metadata of a protected resource cannot be read.
    #[error(fmt = resource_metadata)]
    ResourceMetadata(#[source] JoseError),
    /// Neither the server's metadata nor the user names this value.
    #[error("the authorization server has no {member}")]
    NotKnown {
        /// The metadata name.
        member: &'static str,
    },
    /// An endpoint from metadata would become the audience, but does not lie below the issuer
    /// (CVE-2025-27370). If the endpoint is right, pass it as
    /// [`Audience::Exactly`](super::Audience::Exactly), or set it with
    /// [`AuthorizationServer::with_endpoint`](super::AuthorizationServer::with_endpoint).
    #[error(
        "the endpoint {endpoint} is not below the issuer {issuer}, so it may belong to another issuer; if it is right, \
         set it with Audience::Exactly or AuthorizationServer::with_endpoint"
    )]
    ForeignAudience {
        /// The endpoint.
        endpoint: String,
        /// The issuer.
        issuer: String,
    },
    /// An assertion for the token endpoint would be sent to another origin, and one of the two URLs
    /// comes from metadata.
    #[error(
        "the audience {audience} and the endpoint {endpoint} have different origins; if both are right, set the audience \
         with Audience::Exactly"
    )]
    OtherOrigin {
        /// The audience.
        audience: String,
        /// The endpoint.
        endpoint: String,
    },
    /// The audience is empty.
    #[error("the audience is empty")]
    EmptyAudience,
    /// The `jti` is empty or longer than 256 bytes.
    #[error("the jti has {found} bytes, not 1 to 256")]
    TokenId {
        /// Its length in bytes.
        found: usize,
    },
    /// The audience of the assertion is one endpoint, but the request goes to another.
    #[error("the assertion is for the {assertion}, but the request goes to the {request}")]
    OtherEndpoint {
        /// The metadata name of the endpoint that the assertion is for.
        assertion: &'static str,
        /// The metadata name of the endpoint that the request goes to.
        request: &'static str,
    },
    /// The PKCE verifier violates RFC 7636 §4.1.
    #[error("the code verifier is not 43 to 128 of the characters A-Z a-z 0-9 - . _ ~")]
    CodeVerifier,
    /// The `resource` is not an absolute URI without a fragment (RFC 8707 §2).
    #[error("the resource {resource} is not an absolute URI without a fragment")]
    Resource {
        /// The URI.
        resource: String,
    },
    /// The redirect has a `state` other than that of the request (RFC 6749 §10.12): it belongs to
    /// another login, or it is forged. A login in progress ignores it and keeps waiting.
    #[error("the state of the authorization response is not that of the request")]
    AuthorizationState,
    /// The redirect has the `state` of the request, but is not a valid response to it (RFC 6749
    /// §4.1.2).
    #[error("the authorization response {reason}")]
    AuthorizationResponse {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A server other than the one that was asked answered the authorization request (RFC 9207
    /// §2.4).
    #[error("the authorization response is from the issuer {found}, not {expected}")]
    AuthorizationIssuer {
        /// The server's issuer.
        expected: String,
        /// The issuer in the response.
        found: String,
    },
    /// The server sent the user back without a code (RFC 6749 §4.1.2.1).
    #[error("the server rejected the login: {error}{}", description.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
    AuthorizationRefused {
        /// The `error` code, such as `access_denied`.
        error: String,
        /// The `error_description`.
        description: Option<String>,
    },
    /// The user did not log in in time (RFC 8628 §3.5). Start the device authorization again.
    #[error("the device code has expired")]
    DeviceCodeExpired,
    /// The lifetime is less than a second, or longer than the profile's server accepts.
    #[error("the lifetime is {found:?}, {}", lifetime_limit(*limit, *profile))]
    Lifetime {
        /// The requested lifetime.
        found: Duration,
        /// The longest lifetime.
        limit: Duration,
        /// The profile whose server has this limit. `None` if the limit is one of this crate.
        profile: Option<&'static str>,
    },
    /// The time is outside the years 1970 to 9999.
    #[error("the time is outside 1970 to 9999")]
    Time,
    /// The profile's server does not accept the algorithm.
    #[error("{profile} does not accept {algorithm}, only {}", one_of(accepted))]
    ProfileAlgorithm {
        /// The profile.
        profile: &'static str,
        /// The algorithm of the key.
        algorithm: Algorithm,
        /// The algorithms that the server accepts.
        accepted: Vec<Algorithm>,
    },
    /// The header of an assertion names an algorithm that this crate does not know, such as `none`
    /// or one with a shared secret.
    #[error("{profile} does not accept {found}, only {}", one_of(accepted))]
    ProfileUnknownAlgorithm {
        /// The profile.
        profile: &'static str,
        /// The name in the header.
        found: String,
        /// The algorithms that the server accepts.
        accepted: Vec<Algorithm>,
    },
    /// The profile's server does not accept an RSA key of this size.
    #[error("{profile} does not accept an RSA key of {found} bits, only {smallest} bits or more")]
    ProfileKeySize {
        /// The profile.
        profile: &'static str,
        /// The size of the key, in bits.
        found: usize,
        /// The smallest size that the server accepts, in bits.
        smallest: usize,
    },
    /// The profile's server does not accept the audience, which is its issuer or one of its
    /// endpoints.
    #[error("{profile} does not accept the audience {found}, only {}", one_of(accepted))]
    ProfileAudience {
        /// The profile.
        profile: &'static str,
        /// The audience.
        found: String,
        /// The audiences that the server accepts, each with its URL if that is known.
        accepted: Vec<String>,
    },
    /// The profile's server does not accept an array as audience, or one with several values.
    #[error("{profile} does not accept an array of length {found} as audience, only one string")]
    ProfileAudienceArray {
        /// The profile.
        profile: &'static str,
        /// The number of audiences.
        found: usize,
    },
    /// The profile's server does not accept the `typ` header.
    #[error("{profile} does not accept {}, only {}", typ(found), one_of(&typs(accepted)))]
    ProfileMediaType {
        /// The profile.
        profile: &'static str,
        /// The `typ`. `None` if it is missing.
        found: Option<String>,
        /// The `typ` headers that the server accepts; `None` for a missing one.
        accepted: Vec<Option<String>>,
    },
    /// The profile's server requires a header, a claim or a parameter that the assertion or its
    /// form does not have.
    #[error("{profile} requires `{member}`, but {reason}")]
    ProfileRequires {
        /// The profile.
        profile: &'static str,
        /// The header member, the claim or the form parameter.
        member: &'static str,
        /// Why it is missing.
        reason: &'static str,
    },
    /// No provider's profile has this name.
    #[error("no profile is called `{found}`; the profiles are {}", known.join(", "))]
    UnknownProfile {
        /// The name.
        found: String,
        /// The names of all profiles.
        known: Vec<&'static str>,
    },
    /// A certificate header is set, but the key has no certificates.
    #[error("the key has no certificate for {member}")]
    NoCertificate {
        /// The header member.
        member: &'static str,
    },
    /// The parameter is empty. It needs a value, because an empty parameter counts as absent (RFC
    /// 6749 §3.1).
    #[error("the parameter `{name}` is empty")]
    EmptyParameter {
        /// The parameter.
        name: &'static str,
    },
    /// The claim is empty. It needs a value.
    #[error("the claim `{claim}` is empty")]
    EmptyClaim {
        /// The claim.
        claim: &'static str,
    },
    /// The extra claim has a name that the assertion sets itself.
    #[error("the claim `{name}` is set by the assertion itself")]
    ReservedClaim {
        /// The name.
        name: String,
    },
    /// The extra parameter has a name that the request sets itself, or would be a second way of
    /// authentication.
    #[error("the parameter `{name}` is set by the request itself")]
    ReservedParameter {
        /// The name.
        name: String,
    },
    /// The parameter is already present (RFC 6749 §3.2).
    #[error("the parameter `{name}` is already set")]
    DuplicateParameter {
        /// The name.
        name: String,
    },
    /// The scope contains characters outside RFC 6749 §3.3.
    #[error("the scope contains a character that RFC 6749 §3.3 does not allow")]
    Scope,
    /// The algorithm of the signature is not the one in the header.
    #[error("the signature is {found}, but the header says {expected}")]
    SignatureAlgorithm {
        /// The algorithm in the header.
        expected: Algorithm,
        /// The algorithm of the signature.
        found: Algorithm,
    },
    /// The key could not sign.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The server rejected the request: with 400, 401 or 403, regardless of the body, or with 200
    /// and an error in place of the requested document.
    #[error("refused: {0}")]
    Refused(Box<Refusal>),
    /// Any other unsuccessful status: the server did not answer the question.
    #[error("the server answered {0}")]
    Unavailable(Box<Refusal>),
    /// The endpoint redirects. An assertion is never sent to another address.
    #[error("the server answered {}", redirect(*status, location.as_deref()))]
    Redirect {
        /// The HTTP status.
        status: u16,
        /// The redirect target, if the response names one.
        location: Option<String>,
    },
    /// A success that is not the expected document of its endpoint.
    #[error(fmt = response)]
    Response {
        /// The expected document, such as `the token response`.
        what: &'static str,
        /// The content type of the body.
        content_type: Option<String>,
        /// What is wrong with it.
        #[source]
        reason: JoseError,
    },
    /// The body of a success is compressed, although the request asked for no compression (RFC 9110
    /// §12.5.3).
    #[error("{what} is encoded as {found}, which the client does not read")]
    ContentEncoding {
        /// The expected document, such as `the token response`.
        what: &'static str,
        /// The `Content-Encoding`.
        found: String,
    },
}

/// Whether and when to retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// Do not retry: the same request would get the same response.
    Never,
    /// Retry later, with growing pauses.
    BackOff,
    /// Retry after this long, as the server says (`Retry-After`, RFC 9110 §10.2.3).
    After(Duration),
}

impl OAuthError {
    /// Whether and when to retry, with a new assertion.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            // 408 may be repeated by its definition (RFC 9110 §15.5.9), 425 too (RFC 8470 §5.2).
            Self::Unavailable(answer) if matches!(answer.status(), 408 | 425 | 429 | 500..) => {
                answer.retry_after().map_or(Retry::BackOff, Retry::After)
            }
            _ => Retry::Never,
        }
    }
}

caused! {
    metadata() by source: &JoseError => "cannot read the authorization server's metadata";
    resource_metadata() by source: &JoseError => "cannot read the protected resource's metadata";
    response(what: &str, content_type: &Option<String>) by source: &JoseError =>
        "cannot read {what} ({})", content_type.as_deref().unwrap_or("no content type");
}
