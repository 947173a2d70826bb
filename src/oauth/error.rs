use std::time::Duration;

use super::Refusal;
use crate::jose::{Algorithm, JoseError};
use crate::keys::KeyError;

/// What can be wrong with an assertion, a request, a response or a server's metadata.
///
/// No variant carries a token, a key or an assertion. Text that a server sent has its control
/// characters escaped, is cut to 512 characters, and whatever looks like a token in it is masked.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OAuthError {
    /// A client id that is empty or not of RFC 6749 A.1's characters.
    #[error("the client id is {reason}")]
    ClientId {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An issuer identifier outside RFC 8414 §2.
    #[error("the issuer {issuer} {reason}")]
    Issuer {
        /// The identifier.
        issuer: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An endpoint that must not be sent an assertion.
    #[error("the {endpoint} {url} {reason}")]
    Endpoint {
        /// The metadata name of the endpoint.
        endpoint: &'static str,
        /// Its URL.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Metadata of another issuer than the one asked for (RFC 8414 §3.3).
    #[error("the metadata is of issuer {found}, asked for was {expected}")]
    IssuerMismatch {
        /// The issuer asked for.
        expected: String,
        /// The issuer in the document.
        found: String,
    },
    /// Metadata that cannot be read.
    #[error("the authorization server's metadata cannot be used")]
    Metadata(#[source] JoseError),
    /// Something that only the metadata says, of a server that was given by hand.
    #[error("the authorization server has no {member}")]
    NotKnown {
        /// The metadata name.
        member: &'static str,
    },
    /// An endpoint that is taken from metadata and does not lie below the issuer would become the
    /// audience (CVE-2025-27370). If it is right, name it with
    /// [`Audience::Exactly`](super::Audience::Exactly), or the endpoint with
    /// [`AuthorizationServer::with_endpoint`](super::AuthorizationServer::with_endpoint).
    #[error(
        "the endpoint {endpoint} is not below the issuer {issuer}, so it may belong to another issuer; if it is right, \
         name it with Audience::Exactly or AuthorizationServer::with_endpoint"
    )]
    ForeignAudience {
        /// The endpoint.
        endpoint: String,
        /// The issuer.
        issuer: String,
    },
    /// An assertion for the token endpoint would be sent to another origin, and one of the two URLs
    /// is taken from metadata.
    #[error(
        "the assertion's audience {audience} and the endpoint {endpoint} are of different origins; if both are right, \
         name the audience with Audience::Exactly"
    )]
    OtherOrigin {
        /// The audience.
        audience: String,
        /// The endpoint.
        endpoint: String,
    },
    /// An audience that is empty.
    #[error("the audience is empty")]
    EmptyAudience,
    /// A `jti` that is empty or longer than 256 bytes.
    #[error("a jti has 1 to 256 bytes, found {found}")]
    TokenId {
        /// Its length in bytes.
        found: usize,
    },
    /// An assertion whose audience is one endpoint, in a request to another.
    #[error("the assertion is for the {assertion}, the request goes to the {request}")]
    OtherEndpoint {
        /// The metadata name of the endpoint that the assertion is for.
        assertion: &'static str,
        /// The metadata name of the endpoint that the request goes to.
        request: &'static str,
    },
    /// A PKCE verifier outside RFC 7636 §4.1.
    #[error("a code verifier has 43 to 128 of the characters A-Z a-z 0-9 - . _ ~")]
    CodeVerifier,
    /// A `resource` that is not an absolute URI without a fragment (RFC 8707 §2).
    #[error("the resource {resource} is not an absolute URI without a fragment")]
    Resource {
        /// The URI.
        resource: String,
    },
    /// A redirect with another `state` than the request (RFC 6749 §10.12): of another login, or
    /// forged. A login in progress ignores it and goes on waiting.
    #[error("the authorization response is of another state than the request")]
    AuthorizationState,
    /// A redirect with the `state` of the request that is no valid answer to it (RFC 6749 §4.1.2).
    #[error("the authorization response {reason}")]
    AuthorizationResponse {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An answer to the authorization request by another server than the one that was asked (RFC
    /// 9207 §2.4).
    #[error("the authorization response is of issuer {found}, asked was {expected}")]
    AuthorizationIssuer {
        /// The server's issuer.
        expected: String,
        /// The issuer in the response.
        found: String,
    },
    /// The server sent the user back without a code (RFC 6749 §4.1.2.1).
    #[error("the login was refused: {error}{}", description.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
    AuthorizationRefused {
        /// The `error` code, such as `access_denied`.
        error: String,
        /// The `error_description`.
        description: Option<String>,
    },
    /// The user did not log in in time (RFC 8628 §3.5). Start the device authorization anew.
    #[error("the device code has expired")]
    DeviceCodeExpired,
    /// A life of an assertion outside the profile's bounds.
    #[error("an assertion lives 1 s to {limit:?} with this profile, asked for was {found:?}")]
    Lifetime {
        /// The life asked for.
        found: Duration,
        /// The longest that the profile allows.
        limit: Duration,
    },
    /// A time outside the years 1970 to 9999.
    #[error("the time is outside 1970 to 9999")]
    Time,
    /// An algorithm that the profile's server does not take.
    #[error("{profile} does not take {algorithm}")]
    ProfileAlgorithm {
        /// The profile.
        profile: &'static str,
        /// The algorithm of the key.
        algorithm: Algorithm,
    },
    /// A certificate header for a key without certificates.
    #[error("the key has no certificate for {member}")]
    NoCertificate {
        /// The header member.
        member: &'static str,
    },
    /// A parameter that has to say something: without a value it counts as left out (RFC 6749
    /// §3.1).
    #[error("the parameter `{name}` is empty")]
    EmptyParameter {
        /// The parameter.
        name: &'static str,
    },
    /// A claim that has to say something.
    #[error("the claim `{claim}` is empty")]
    EmptyClaim {
        /// The claim.
        claim: &'static str,
    },
    /// An extra claim with a name that the assertion sets itself.
    #[error("the claim `{name}` is set by the assertion itself")]
    ReservedClaim {
        /// The name.
        name: String,
    },
    /// An extra parameter with a name that the request sets itself, or that would be a second way
    /// of authentication.
    #[error("the parameter `{name}` is set by the request itself")]
    ReservedParameter {
        /// The name.
        name: String,
    },
    /// A parameter that is there already (RFC 6749 §3.2).
    #[error("the parameter `{name}` is there already")]
    DuplicateParameter {
        /// The name.
        name: String,
    },
    /// A scope with characters outside RFC 6749 §3.3.
    #[error("a scope has a character that RFC 6749 §3.3 does not allow")]
    Scope,
    /// A signature of another algorithm than the header says.
    #[error("the header says {expected}, the signature is {found}")]
    SignatureAlgorithm {
        /// The algorithm in the header.
        expected: Algorithm,
        /// The algorithm of the signature.
        found: Algorithm,
    },
    /// The key could not sign.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The server refused: 400, 401 or 403, whatever the body, or 200 with an error in place of
    /// what was asked for.
    #[error("refused: {0}")]
    Refused(Box<Refusal>),
    /// The server did not answer the question: any other status that is not a success.
    #[error("the server answered {0}")]
    Unavailable(Box<Refusal>),
    /// The endpoint redirects. An assertion is never sent to another address than its own.
    #[error("the server answered {}", redirect(*status, location.as_deref()))]
    Redirect {
        /// The HTTP status.
        status: u16,
        /// Where to, if it says.
        location: Option<String>,
    },
    /// A success that is not what its endpoint answers with.
    #[error("{what} cannot be read ({})", content_type.as_deref().unwrap_or("no content type"))]
    Response {
        /// What it should be, such as `the token response`.
        what: &'static str,
        /// What is wrong with it.
        #[source]
        reason: JoseError,
        /// The content type of the body.
        content_type: Option<String>,
    },
    /// A success whose body is compressed, although the request said that it must not be (RFC 9110
    /// §12.5.3).
    #[error("{what} is encoded as {found}, which the client does not read")]
    ContentEncoding {
        /// What it should be, such as `the token response`.
        what: &'static str,
        /// The `Content-Encoding`.
        found: String,
    },
}

/// Whether it makes sense to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// The same request would meet the same answer.
    Never,
    /// Later, with growing pauses.
    BackOff,
    /// After this long, as the server says (`Retry-After`, RFC 9110 §10.2.3).
    After(Duration),
}

impl OAuthError {
    /// Whether it makes sense to try again, with a new assertion.
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

/// A redirect, in words.
pub(super) fn redirect(status: u16, location: Option<&str>) -> String {
    let to = location.map(|to| format!(" to {to}")).unwrap_or_default();
    format!("{status}, a redirect{to}, which is not followed")
}
