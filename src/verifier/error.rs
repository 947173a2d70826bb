use crate::jose::{Algorithm, JoseError};
use crate::keys::KeyError;

/// Why a client assertion or an access token is refused. A server answers each of an assertion's with `invalid_client` (RFC
/// 7523 §3.2), each of an access token's with `invalid_token` but for [`MissingScope`](Self::MissingScope) (RFC 6750 §3.1),
/// and keeps the reason to its own log.
///
/// No variant carries the JWT; text from it is cut to 64 characters and its control characters are escaped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifierError {
    /// A form longer than any honest one; it is not decoded.
    #[error("the form has {found} bytes, at most {limit} are read")]
    FormTooLarge {
        /// Its length in bytes.
        found: usize,
        /// [`ClientAssertionVerifier::MAX_FORM_LEN`](super::ClientAssertionVerifier::MAX_FORM_LEN).
        limit: usize,
    },
    /// A JWT longer than any honest one; it is not decoded.
    #[error("the JWT has {found} bytes, at most {limit} are read")]
    TooLarge {
        /// Its length in bytes.
        found: usize,
        /// [`ClientAssertionVerifier::MAX_ASSERTION_LEN`](super::ClientAssertionVerifier::MAX_ASSERTION_LEN),
        /// [`AccessTokenVerifier::MAX_TOKEN_LEN`](super::AccessTokenVerifier::MAX_TOKEN_LEN).
        limit: usize,
    },
    /// A parameter that is not in the form.
    #[error("the form has no `{name}`")]
    MissingParameter {
        /// The parameter.
        name: &'static str,
    },
    /// A parameter that is there more than once (RFC 6749 §3.2, RFC 7523 §2.2).
    #[error("the form has `{name}` more than once")]
    DuplicateParameter {
        /// The parameter.
        name: String,
    },
    /// A `client_assertion_type` other than RFC 7523 §2.2's.
    #[error("the client_assertion_type is `{found}`")]
    AssertionType {
        /// The value.
        found: String,
    },
    /// A second way of authentication beside the assertion (RFC 6749 §2.3).
    #[error("the form has a `client_secret` beside the assertion")]
    TwoMethods,
    /// A `client_id` in the form that is not the assertion's (RFC 7521 §4.2).
    #[error("the form's client_id is `{form}`, the assertion's is `{assertion}`")]
    ClientIdMismatch {
        /// The one in the form.
        form: String,
        /// The one in the assertion.
        assertion: String,
    },
    /// Not a well-formed JWS, or no key of the client fits it.
    #[error(transparent)]
    Jose(#[from] JoseError),
    /// The key cannot be used, or the signature does not verify.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A `typ` that is another kind of token's (RFC 8725 §3.11), or none where one is demanded.
    #[error("the typ is {}", .found.as_deref().map_or_else(|| "missing".to_owned(), |typ| format!("`{typ}`")))]
    MediaType {
        /// The `typ`, if there is one.
        found: Option<String>,
    },
    /// An algorithm that the server does not allow, or that is not the one registered for the client (RFC 8725 §3.1).
    #[error("the algorithm is {found}, allowed is {}", list(.allowed))]
    Algorithm {
        /// The algorithm in the header.
        found: Algorithm,
        /// What is allowed.
        allowed: Vec<Algorithm>,
    },
    /// A claim that must be there (RFC 7523 §3, OpenID Connect Core §9).
    #[error("the claim `{claim}` is missing")]
    MissingClaim {
        /// The claim.
        claim: &'static str,
    },
    /// A claim of the wrong JSON type or length.
    #[error("the claim `{claim}` is not {expected}")]
    InvalidClaim {
        /// The claim.
        claim: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// `iss` and `sub` must both be the client id (RFC 7523 §3).
    #[error("iss is `{iss}`, sub is `{sub}`")]
    IssuerIsNotSubject {
        /// The `iss`.
        iss: String,
        /// The `sub`.
        sub: String,
    },
    /// An issuer other than the one whose tokens are accepted (RFC 9068 §4).
    #[error("the issuer is `{found}`, expected is `{expected}`")]
    Issuer {
        /// The issuer whose tokens are accepted.
        expected: String,
        /// What the token says.
        found: String,
    },
    /// A scope that is required and that the token does not have.
    #[error("the token does not have the scope `{scope}`")]
    MissingScope {
        /// The scope.
        scope: String,
    },
    /// Claims that do not fit the caller's own type.
    #[error("the claims do not fit the type that they are wanted as")]
    CustomClaims(#[source] JoseError),
    /// More or fewer than one audience (RFC 10070 §4.1).
    #[error("the assertion has {found} audiences, exactly one is accepted")]
    AudienceCount {
        /// How many.
        found: usize,
    },
    /// An audience that is not this server, by simple string comparison (RFC 7523 §3).
    #[error("the audience is `{found}`, expected is `{}`", expected.join("` or `"))]
    Audience {
        /// What is accepted.
        expected: Vec<String>,
        /// What the assertion says.
        found: String,
    },
    /// Past its `exp`.
    #[error("the JWT expired at {expired}, now is {now}")]
    Expired {
        /// Its `exp`, in seconds since 1970.
        expired: i64,
        /// The server's time, in seconds since 1970.
        now: i64,
    },
    /// Before its `nbf`, or issued in the future (`iat`).
    #[error("the claim `{claim}` is {found}, now is {now}")]
    NotYetValid {
        /// `nbf` or `iat`.
        claim: &'static str,
        /// Its value, in seconds since 1970.
        found: i64,
        /// The server's time, in seconds since 1970.
        now: i64,
    },
    /// A life longer than the server allows.
    #[error("the assertion lives {found} s, at most {limit} s are accepted")]
    Lifetime {
        /// The life, in seconds.
        found: i64,
        /// The server's limit, in seconds.
        limit: i64,
    },
    /// The assertion was used before (`jti`).
    #[error("the assertion was used before")]
    Replayed,
    /// The replay store has no room; an assertion that cannot be remembered is not accepted.
    #[error("the replay store is full")]
    ReplayStoreFull,
    /// The replay store has room, and the client holds its share of it. Other clients are not concerned.
    #[error("the client holds {held} assertions in the replay store, as many as are free ({free}) or more")]
    ReplayShareFull {
        /// How many assertions of the client are remembered.
        held: usize,
        /// How many more assertions the store has room for.
        free: usize,
    },
    /// The replay store failed; an assertion that cannot be remembered is not accepted.
    #[error("the replay store failed")]
    ReplayStore(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The names of algorithms, for an error message.
fn list(algorithms: &[Algorithm]) -> String {
    match algorithms {
        [] => "none".to_owned(),
        some => some.iter().map(|algorithm| algorithm.as_str()).collect::<Vec<_>>().join(", "),
    }
}
