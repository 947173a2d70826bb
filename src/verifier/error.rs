use super::BoundTo;
use crate::jose::moment::{Moment, Utc};
use crate::jose::{Algorithm, JoseError};
use crate::keys::{Cause, KeyError, caused};
use crate::oauth::{CLIENT_ASSERTION_TYPE, CLIENT_AUTHENTICATION_JWT};

/// Why a client assertion or an access token is rejected.
/// [`token_endpoint_response`](Self::token_endpoint_response) and
/// [`protected_resource_response`](Self::protected_resource_response) return what the server
/// responds. [`EmptySetting`](Self::EmptySetting) is the server's own fault.
///
/// No variant contains the JWT. Text from it is made printable and cut to 64 characters. Next to
/// the expected value, it is cut to 256 characters, or to the place where the two differ.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifierError {
    /// A setting of the verifier is empty or only white space. The verifier rejects everything
    /// until the setting has a value. This is the server's own mistake: no client can fix it.
    #[error("nothing is accepted: the setting `{setting}` is empty")]
    EmptySetting {
        /// The method that set it.
        setting: &'static str,
    },
    /// The form is longer than any honest one. It is not decoded.
    #[error("the form has {found} bytes, at most {limit} are read")]
    FormTooLarge {
        /// Its length in bytes.
        found: usize,
        /// [`ClientAssertionVerifier::MAX_FORM_LEN`](super::ClientAssertionVerifier::MAX_FORM_LEN).
        limit: usize,
    },
    /// The JWT is longer than any honest one. It is not decoded.
    #[error("the JWT has {found} bytes, at most {limit} are read")]
    TooLarge {
        /// Its length in bytes.
        found: usize,
        /// [`ClientAssertionVerifier::MAX_ASSERTION_LEN`](super::ClientAssertionVerifier::MAX_ASSERTION_LEN),
        /// [`AccessTokenVerifier::MAX_TOKEN_LEN`](super::AccessTokenVerifier::MAX_TOKEN_LEN).
        limit: usize,
    },
    /// The form lacks this parameter.
    #[error("the form has no `{name}`")]
    MissingParameter {
        /// The parameter.
        name: &'static str,
    },
    /// The parameter appears more than once (RFC 6749 §3.2, RFC 7523 §2.2).
    #[error("the form has `{name}` more than once")]
    DuplicateParameter {
        /// The parameter.
        name: String,
    },
    /// The `client_assertion_type` is not that of RFC 7523 §2.2.
    #[error("the client_assertion_type is `{found}`, expected `{CLIENT_ASSERTION_TYPE}`")]
    AssertionType {
        /// The value.
        found: String,
    },
    /// The form has no assertion, but a parameter of another authentication method (RFC 6749
    /// §2.3.1).
    #[error(
        "the form has a `{found}`, which is another authentication method; a `client_assertion` is needed"
    )]
    OtherMethod {
        /// The parameter of the other method.
        found: &'static str,
    },
    /// The request has an `Authorization` header, which is another authentication method: in place
    /// of the assertion, or in addition to it (RFC 6749 §2.3).
    #[error(
        "the request has an Authorization header ({}), which is another authentication method{}",
        or(.scheme.as_deref(), "without a scheme"),
        if *.has_assertion { " in addition to the assertion" } else { "; a `client_assertion` is needed" }
    )]
    AuthorizationHeader {
        /// Its scheme, if it has one.
        scheme: Option<String>,
        /// Whether the form has an assertion, too.
        has_assertion: bool,
    },
    /// The body of the request is not a form (RFC 6749 §3.2).
    #[error("the Content-Type is {}, expected `application/x-www-form-urlencoded`", or(.found.as_deref(), "missing"))]
    ContentType {
        /// The `Content-Type`, if there is one.
        found: Option<String>,
    },
    /// The request uses a second way of authentication in addition to the assertion (RFC 6749
    /// §2.3).
    #[error("the form has a `client_secret` in addition to the assertion")]
    TwoMethods,
    /// The `client_id` in the form is not the assertion's (RFC 7521 §4.2).
    #[error("the form's client_id is `{form}`, the assertion's is `{assertion}`")]
    ClientIdMismatch {
        /// The one in the form.
        form: String,
        /// The one in the assertion.
        assertion: String,
    },
    /// The JWS is not well-formed, or no key of the client matches it.
    #[error(transparent)]
    Jose(#[from] JoseError),
    /// The key cannot be used, or the signature does not verify.
    #[error(transparent)]
    Key(KeyError),
    /// The `typ` belongs to another kind of token (RFC 8725 §3.11), or is missing although one is
    /// required.
    #[error("the typ is {}, expected {expected}", .found.as_deref().map_or_else(|| "missing".to_owned(), |typ| format!("`{typ}`")))]
    MediaType {
        /// The `typ`, if there is one.
        found: Option<String>,
        /// The accepted types, in words.
        expected: &'static str,
    },
    /// The server does not allow the algorithm, or it is not the one registered for the client (RFC
    /// 8725 §3.1).
    #[error("the algorithm is {found}, allowed: {}", list(.allowed))]
    Algorithm {
        /// The algorithm in the header.
        found: Algorithm,
        /// The allowed algorithms.
        allowed: Vec<Algorithm>,
    },
    /// A required claim is missing (RFC 7523 §3, OpenID Connect Core §9).
    #[error("the claim `{claim}` is missing")]
    MissingClaim {
        /// The claim.
        claim: &'static str,
    },
    /// The assertion has no type of its own, and this claim shows that it is another kind of JWT,
    /// such as an authorization grant (RFC 8725 §3.12, RFC 9101 §10.8).
    #[error(
        "the claim `{claim}` belongs to {kind}; a client assertion with it needs the typ `{CLIENT_AUTHENTICATION_JWT}`"
    )]
    ForeignClaim {
        /// The claim.
        claim: &'static str,
        /// The kind of JWT that has such a claim.
        kind: &'static str,
    },
    /// The assertion is also another parameter of the same form. One JWT cannot be both (RFC 8725
    /// §3.12).
    #[error("the client_assertion is also the `{name}`; each needs its own JWT")]
    TwoPurposes {
        /// The other parameter.
        name: &'static str,
    },
    /// The claim has the wrong JSON type or length.
    #[error("the claim `{claim}` is {found}, not {expected}")]
    InvalidClaim {
        /// The claim.
        claim: &'static str,
        /// Its JSON type, or a number, but never text from it.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// `iss` and `sub` must both be the client id (RFC 7523 §3).
    #[error("iss is `{iss}`, sub is `{sub}`; both must be the client id")]
    IssuerIsNotSubject {
        /// The `iss`.
        iss: String,
        /// The `sub`.
        sub: String,
    },
    /// The issuer is not one of those whose tokens are accepted (RFC 9068 §4).
    #[error("the issuer is `{found}`, expected `{}`", expected.join("` or `"))]
    Issuer {
        /// The issuers whose tokens are accepted.
        expected: Vec<String>,
        /// The issuer in the token.
        found: String,
    },
    /// The profile does not accept the `typ` of the access token (RFC 9068 §4, RFC 8725 §3.11).
    #[error("the typ is {}, expected {}{}", or(.found.as_deref(), "missing"), types(.expected), type_hint(.found.as_deref(), .expected))]
    AccessTokenType {
        /// The `typ`, if there is one.
        found: Option<String>,
        /// The types that the profile accepts.
        expected: Vec<String>,
    },
    /// The claim differs from RFC 9068 §2.2.
    /// [`AccessTokenVerifier::relaxed`](super::AccessTokenVerifier::relaxed) accepts the token, and
    /// so may a preset of [`AccessTokenProfile`](super::AccessTokenProfile).
    #[error("the claim `{claim}` is {found}, RFC 9068 requires {expected}; {RELAXATION}")]
    NotRfc9068 {
        /// The claim.
        claim: &'static str,
        /// What it is: `missing`, or its JSON type.
        found: &'static str,
        /// What RFC 9068 requires.
        expected: &'static str,
    },
    /// A claim of the access token, named by the profile, has the wrong JSON type.
    #[error("the claim `{claim}` is not {expected}")]
    UnusableClaim {
        /// The claim.
        claim: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The claim shows that the token is another kind of token of the issuer, such as an ID token
    /// (RFC 8725 §3.12).
    #[error("not an access token by the profile `{profile}`: the claim `{claim}` {problem}")]
    NotAnAccessToken {
        /// The name of the [`AccessTokenProfile`](super::AccessTokenProfile).
        profile: String,
        /// The claim.
        claim: String,
        /// What is wrong with it.
        problem: Box<ClaimProblem>,
    },
    /// The access token has no `aud`, and its client may not send such tokens (RFC 9068 §4).
    #[error("the claim `aud` is missing{}", missing_audience(.expected, .client_id.as_deref(), .clients))]
    MissingAudience {
        /// The audiences that are accepted.
        expected: Vec<String>,
        /// The client id in the token, if there is one.
        client_id: Option<String>,
        /// The clients from which tokens without `aud` are accepted
        /// ([`accept_missing_audience_from`](super::AccessTokenVerifier::accept_missing_audience_from)).
        clients: Vec<String>,
    },
    /// The access token has an `aud`, but only tokens without one are accepted
    /// ([`AccessTokenVerifier::without_audience`](super::AccessTokenVerifier::without_audience)).
    #[error("the audience is `{found}`, expected none; `AccessTokenVerifier::accept_audience` accepts one")]
    UnexpectedAudience {
        /// The audience in the token.
        found: String,
    },
    /// The token is bound to a key (`cnf`), but the request has no proof of that key (RFC 9449
    /// §7.2, RFC 8705 §3).
    #[error(
        "the token is bound to a {to} (`cnf.{}`), but its proof was not checked; \
         check it, and pass it to `AccessTokenVerifier::verify_with_proof`",
        to.member()
    )]
    Unproven {
        /// What the token is bound to.
        to: BoundTo,
    },
    /// The token is bound to one key, but the request proves another (RFC 9449 §7.1, RFC 8705 §3).
    #[error("the token is bound to the {to} `{bound}`, the request proves `{proven}`")]
    OtherKeyProven {
        /// What the token is bound to.
        to: BoundTo,
        /// The thumbprint in the token, in base64url.
        bound: String,
        /// The thumbprint of the proven key.
        proven: String,
    },
    /// The token is not bound to a DPoP key, but the request has a DPoP proof (RFC 9449 §7.1).
    #[error("the request has a DPoP proof, but the token is not bound to a DPoP key (`cnf.jkt`)")]
    NotBound,
    /// The token is bound by a confirmation method that cannot be checked here (RFC 7800 §3).
    #[error(
        "the token is bound by `cnf.{method}`, which is not supported; \
         `AccessTokenVerifier::accept_bound_without_proof` accepts it if its proof is checked elsewhere"
    )]
    UnknownConfirmation {
        /// The name of the member of `cnf`.
        method: String,
    },
    /// The token lacks a required scope.
    #[error("the token does not have the scope `{scope}`")]
    MissingScope {
        /// The scope.
        scope: String,
    },
    /// The claims do not fit the caller's own type.
    #[error(fmt = custom_claims)]
    CustomClaims(#[source] JoseError),
    /// The number of audiences is not one (RFC 10070 §4.1).
    #[error("the assertion has {found} audiences, exactly one is accepted")]
    AudienceCount {
        /// How many.
        found: usize,
    },
    /// The audience is not this server, by simple string comparison (RFC 7523 §3).
    #[error("the audience is `{found}`, expected `{}`", expected.join("` or `"))]
    Audience {
        /// The accepted audiences.
        expected: Vec<String>,
        /// The audience in the assertion or the token.
        found: String,
    },
    /// The JWT is past its `exp`.
    #[error("the JWT expired at {}{}", moment(*expired, *now), lifetime_hint(*expired, *now))]
    Expired {
        /// Its `exp`, in seconds since 1970.
        expired: i64,
        /// The server's time, in seconds since 1970.
        now: i64,
    },
    /// The JWT is before its `nbf`, or issued in the future (`iat`).
    #[error("the claim `{claim}` is {}", moment(*found, *now))]
    NotYetValid {
        /// `nbf` or `iat`.
        claim: &'static str,
        /// Its value, in seconds since 1970.
        found: i64,
        /// The server's time, in seconds since 1970.
        now: i64,
    },
    /// The time cannot be in seconds (RFC 7519 §2): it is past the year 9999, as milliseconds are.
    #[error(
        "the claim `{claim}` is {found}, which is past the year 9999: it must be in seconds, not milliseconds"
    )]
    NotInSeconds {
        /// `exp`, `nbf` or `iat`.
        claim: &'static str,
        /// Its value.
        found: i64,
    },
    /// The lifetime is longer than the server allows.
    #[error("the assertion {} {found} s{}, at most {limit} s are accepted", lives(*.issued), clock(*.issued))]
    Lifetime {
        /// The lifetime, in seconds: from `iat` to `exp`, or from now if there is no `iat`.
        found: i64,
        /// The server's limit, in seconds.
        limit: i64,
        /// The `iat`, in seconds since 1970.
        issued: Option<i64>,
    },
    /// The lifetime of the access token is longer than the verifier allows.
    #[error(
        "the token {} {found} s{}, at most {limit} s are accepted; `AccessTokenVerifier::longest_lifetime` accepts more",
        lives(*.issued),
        clock(*.issued)
    )]
    TokenLifetime {
        /// The lifetime, in seconds: from `iat` to `exp`, or from now if there is no `iat`.
        found: i64,
        /// The limit, in seconds.
        limit: i64,
        /// The `iat`, in seconds since 1970.
        issued: Option<i64>,
    },
    /// The client has already used the `jti`: the assertion was sent twice, or two assertions have
    /// the same `jti`.
    #[error("the `jti` of the assertion was used before; every assertion needs a new one")]
    Replayed,
    /// The client has already used an assertion with the same header and claims, and neither has a
    /// `jti`
    /// ([`ClientAssertionVerifier::accept_missing_jti`](super::ClientAssertionVerifier::accept_missing_jti)).
    #[error("the assertion was used before; without a `jti`, two assertions made in one second are the same")]
    ReplayedWithoutJti,
    /// The replay store is full. An assertion that cannot be remembered is rejected.
    #[error("the replay store is full")]
    ReplayStoreFull,
    /// The replay store has room, but the client already holds its share. Other clients are not
    /// affected.
    #[error("the replay store already holds {held} assertions of the client, and has {free} free places")]
    ReplayShareFull {
        /// How many assertions of the client are remembered.
        held: usize,
        /// How many more assertions the store has room for.
        free: usize,
    },
    /// The replay store failed. An assertion that cannot be remembered is rejected.
    #[error(fmt = replay_store)]
    ReplayStore(#[source] Cause),
}

/// Why a claim indicates another kind of token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimProblem {
    /// Access tokens have the claim, but this token does not.
    #[error("is missing")]
    Missing,
    /// Access tokens do not have the claim, but this token does.
    #[error("is present")]
    Present,
    /// The claim has another value than in access tokens.
    #[error("is {}, expected `{}`", or(.found.as_deref(), "not a string"), expected.join("` or `"))]
    Value {
        /// The value, if it is a string.
        found: Option<String>,
        /// The values of access tokens.
        expected: Vec<String>,
    },
}

caused! {
    custom_claims() by source: &JoseError => "the claims do not fit the requested type";
    replay_store() by source: &Cause => "the replay store failed";
}

const RELAXATION: &str =
    "`AccessTokenVerifier::relaxed` or the issuer's `AccessTokenProfile` accepts the token";

fn or(text: Option<&str>, otherwise: &str) -> String {
    text.map_or_else(|| otherwise.to_owned(), |text| format!("`{text}`"))
}

fn types(accepted: &[String]) -> String {
    if accepted.is_empty() { "none".to_owned() } else { format!("`{}`", accepted.join("` or `")) }
}

/// Suggests the relaxation if it helps: it accepts `JWT` and a missing `typ`, but no `typ` of
/// another kind of token.
fn type_hint(found: Option<&str>, accepted: &[String]) -> String {
    let is_untyped = found.is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"));
    if is_untyped && accepted == ["at+jwt"] { format!("; {RELAXATION}") } else { String::new() }
}

const fn lives(issued: Option<i64>) -> &'static str {
    if issued.is_some() { "lives" } else { "expires in" }
}

const fn clock(issued: Option<i64>) -> &'static str {
    if issued.is_some() { "" } else { " by this clock (it has no `iat`)" }
}

/// A time of the JWT, and the time of the verifier's clock.
fn moment(at: i64, now: i64) -> String {
    format!("{} (now is {})", Moment { at: Utc(at), now: Utc(now) }, Utc(now))
}

/// Whether an `exp` is a lifetime by mistake: no JWT dates from before 1980.
fn lifetime_hint(expired: i64, now: i64) -> String {
    const TEN_YEARS: i64 = 315_360_000;
    if expired < TEN_YEARS && now > 2 * TEN_YEARS {
        format!("; `exp` is {expired}, but must be a time in seconds since 1970, not a lifetime")
    } else {
        String::new()
    }
}

fn missing_audience(expected: &[String], client_id: Option<&str>, clients: &[String]) -> String {
    if clients.is_empty() {
        const HOW: &str = "`AccessTokenVerifier::accept_missing_audience_from`";
        return format!(", expected {}; {HOW} accepts such tokens from named clients", types(expected));
    }
    let client = or(client_id, "not named");
    format!(" and the client is {client}, accepted without `aud`: `{}`", clients.join("` or `"))
}

/// The names of algorithms, for an error message.
fn list(algorithms: &[Algorithm]) -> String {
    match algorithms {
        [] => "none".to_owned(),
        some => some.iter().map(|algorithm| algorithm.as_str()).collect::<Vec<_>>().join(", "),
    }
}

impl From<KeyError> for VerifierError {
    /// Every problem with a JWS becomes [`VerifierError::Jose`], regardless of where it was found.
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Jose(error) => Self::Jose(error),
            error => Self::Key(error),
        }
    }
}
