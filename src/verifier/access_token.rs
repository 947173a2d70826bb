use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::VerifierError;
use super::claims::{
    audience, check_algorithm, check_signature, check_times, numeric_date, optional_text, present, text,
    whole_seconds,
};
use crate::jose::header::ReadHeaders;
use crate::jose::json::{self, Member};
use crate::jose::{Algorithm, CompactJws, Header, error::excerpt};
use crate::keys::PublicKeySet;
use crate::oauth::Scope;

/// Checks access tokens that are JWTs (RFC 9068), as a resource server does. Strict unless said otherwise: `typ:
/// at+jwt`, this issuer, this audience, every algorithm of this crate but the key decides, and ten seconds of clock skew.
///
/// ```no_run
/// use private_key_jwt::PublicKeySet;
/// use private_key_jwt::verifier::AccessTokenVerifier;
/// use time::OffsetDateTime;
///
/// #[derive(serde::Deserialize)]
/// struct Tenant {
///     tenant: String,
/// }
///
/// # fn handle(keys: &PublicKeySet, bearer: &str) -> Result<(), private_key_jwt::verifier::VerifierError> {
/// let verifier = AccessTokenVerifier::new("https://as.example", "https://api.example").require_scope("orders:read");
/// let claims = verifier.verify(keys, bearer, OffsetDateTime::now_utc())?;
/// let Tenant { tenant } = claims.custom()?;
/// println!("{} of {tenant}", claims.subject());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct AccessTokenVerifier {
    issuer: String,
    audience: String,
    algorithms: Vec<Algorithm>,
    scopes: Vec<String>,
    leeway: i64,
    accepts_jwt_type: bool,
    headers: Arc<ReadHeaders>,
}

impl AccessTokenVerifier {
    /// The longest token that is decoded, in bytes.
    pub const MAX_TOKEN_LEN: usize = 16 * 1024;
    /// The most that clocks may be told to differ.
    pub const MAX_LEEWAY: Duration = Duration::from_secs(60);

    /// Accepts tokens of this issuer for this audience, which is the resource server's own name. Both are compared byte
    /// for byte (RFC 9068 §4).
    #[must_use]
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            algorithms: Algorithm::ALL.to_vec(),
            scopes: Vec::new(),
            leeway: 10,
            accepts_jwt_type: false,
            headers: Arc::default(),
        }
    }

    /// Allows these algorithms only (RFC 8725 §3.2).
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// How much the clocks may differ, 60 s at most; 10 s unless said otherwise.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = whole_seconds(leeway.min(Self::MAX_LEEWAY));
        self
    }

    /// Refuses tokens without this scope; each call adds one or several.
    #[must_use]
    pub fn require_scope(mut self, scope: impl Into<Scope>) -> Self {
        self.scopes.extend(scope.into().iter().map(str::to_owned));
        self
    }

    /// Accepts `typ: JWT`, and none, beside `at+jwt`: for issuers that do not follow RFC 9068 §2.1 (Keycloak and Entra ID
    /// among them). It costs the one thing that tells an access token from every other JWT of the issuer: an ID token or a
    /// logout token with the same audience passes too (RFC 8725 §3.11). The claims that RFC 9068 §2.2 requires beside
    /// `iss`, `exp`, `aud` and `sub` may then be missing as well.
    #[must_use]
    pub const fn accept_untyped(mut self) -> Self {
        self.accepts_jwt_type = true;
        self
    }

    #[cfg(feature = "tower")]
    pub(crate) fn audience(&self) -> &str {
        &self.audience
    }

    /// All scopes that are required.
    #[cfg(feature = "tower")]
    pub(crate) fn required_scope(&self) -> Scope {
        Scope::from(self.scopes.as_slice())
    }

    /// Checks a token (RFC 9068 §4): type and algorithm, signature, then the claims.
    ///
    /// # Errors
    ///
    /// [`VerifierError`] for the first check that fails. RFC 6750 §3.1 has the answer: `insufficient_scope` for
    /// [`VerifierError::MissingScope`], `invalid_token` for the rest.
    pub fn verify(
        &self,
        keys: &PublicKeySet,
        token: &str,
        now: OffsetDateTime,
    ) -> Result<AccessTokenClaims, VerifierError> {
        if token.len() > Self::MAX_TOKEN_LEN {
            return Err(VerifierError::TooLarge { found: token.len(), limit: Self::MAX_TOKEN_LEN });
        }
        let jws = CompactJws::parse_with(token, |header| self.headers.read(header))?;
        self.check_header(jws.header())?;
        let header = jws.header();
        check_signature(keys, header, jws.signing_input(), jws.signature())?;
        let (_, payload, _) = jws.into_parts();
        self.check_claims(payload, now.unix_timestamp())
    }

    fn check_header(&self, header: &Header) -> Result<(), VerifierError> {
        let typ_fits = header.is_typed("at+jwt")
            || self.accepts_jwt_type && (header.media_type.is_none() || header.is_typed("JWT"));
        if !typ_fits {
            let expected = if self.accepts_jwt_type { "`at+jwt`, `JWT` or none" } else { "`at+jwt`" };
            return Err(VerifierError::MediaType {
                found: header.media_type.as_deref().map(excerpt),
                expected,
            });
        }
        check_algorithm(header.algorithm, self.algorithms.iter().copied())
    }

    fn check_claims(&self, payload: Vec<u8>, now: i64) -> Result<AccessTokenClaims, VerifierError> {
        let mut values = [const { None }; 9];
        json::read_members(AccessTokenClaims::WHAT, &payload, &AccessTokenClaims::NAMES, &mut values)?;
        let [iss, aud, sub, client_id, jti, scope, iat, exp, nbf] = values.each_ref().map(Option::as_ref);
        let issuer = text("iss", iss)?;
        if issuer != self.issuer {
            return Err(VerifierError::Issuer { expected: self.issuer.clone(), found: excerpt(issuer) });
        }
        let audience = audience(aud)?;
        if !audience.contains(&self.audience) {
            let found = excerpt(&audience.join(" "));
            return Err(VerifierError::Audience { expected: vec![self.audience.clone()], found });
        }
        let exp = numeric_date("exp", exp)?.ok_or(VerifierError::MissingClaim { claim: "exp" })?;
        let (iat, nbf) = (numeric_date("iat", iat)?, numeric_date("nbf", nbf)?);
        check_times(exp, nbf, iat, self.leeway, now)?;
        if iat.is_none() && !self.accepts_jwt_type {
            return Err(VerifierError::MissingClaim { claim: "iat" });
        }
        // RFC 9068 §2.2 requires these; with the relaxation they are taken where they are.
        let required = |claim, value: Option<&Member<'_>>| match value {
            value if present(value).is_none() && self.accepts_jwt_type => Ok(None),
            value => text(claim, value).map(|text| Some(text.to_owned())),
        };
        let (client_id, jti) = (required("client_id", client_id)?, required("jti", jti)?);
        let (issuer, subject) = (issuer.to_owned(), text("sub", sub)?.to_owned());
        let scope = optional_text("scope", scope)?;
        let scope = Scope::from(scope.unwrap_or_default());
        // Last: whoever lacks a scope has a token that is good otherwise (RFC 6750 §3.1).
        if let Some(missing) = self.scopes.iter().find(|wanted| !scope.iter().any(|scope| scope == *wanted)) {
            return Err(VerifierError::MissingScope { scope: missing.clone() });
        }
        drop(values);
        Ok(AccessTokenClaims {
            issuer,
            subject,
            client_id,
            token_id: jti,
            audience,
            scope,
            exp,
            iat,
            payload,
        })
    }
}

/// The claims of an access token whose signature holds and which is meant for this resource server.
pub struct AccessTokenClaims {
    issuer: String,
    subject: String,
    client_id: Option<String>,
    token_id: Option<String>,
    audience: Vec<String>,
    scope: Scope,
    exp: i64,
    iat: Option<i64>,
    payload: Vec<u8>,
}

impl AccessTokenClaims {
    const WHAT: &str = "the claims set";
    const NAMES: [&str; 9] = ["iss", "aud", "sub", "client_id", "jti", "scope", "iat", "exp", "nbf"];

    /// The issuer (`iss`): the verifier's.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The subject (`sub`): a user, or the client where it asked for itself.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The client that asked for the token (`client_id`). It is there unless
    /// [`AccessTokenVerifier::accept_untyped`] was called.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// The name of the token (`jti`). It is there unless [`AccessTokenVerifier::accept_untyped`] was called.
    #[must_use]
    pub fn token_id(&self) -> Option<&str> {
        self.token_id.as_deref()
    }

    /// Everybody whom the token is for (`aud`); the verifier's audience is among them.
    #[must_use]
    pub fn audience(&self) -> &[String] {
        &self.audience
    }

    /// The scopes (`scope`).
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Whether the token has this scope.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scope.iter().any(|found| found == scope)
    }

    /// When the token ends (`exp`), where that is a time before the year 10 000.
    #[must_use]
    pub fn expires_at(&self) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp(self.exp).ok()
    }

    /// When it was issued (`iat`).
    #[must_use]
    pub fn issued_at(&self) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp(self.iat?).ok()
    }

    /// The claims as a type of your own, such as one with the claims of your issuer. It sees all of them; members that it
    /// does not have are passed over.
    ///
    /// # Errors
    ///
    /// [`VerifierError::CustomClaims`] when they do not fit it.
    pub fn custom<T: DeserializeOwned>(&self) -> Result<T, VerifierError> {
        serde_json::from_slice(&self.payload)
            .map_err(|error| VerifierError::CustomClaims(json::syntax(Self::WHAT, &error)))
    }

    /// All claims.
    #[must_use]
    pub fn all(&self) -> Map<String, Value> {
        // It has been read once.
        json::object(Self::WHAT, &self.payload).unwrap_or_default()
    }
}

impl std::fmt::Debug for AccessTokenClaims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessTokenClaims")
            .field("issuer", &self.issuer)
            .field("subject", &excerpt(&self.subject))
            .field("client_id", &self.client_id.as_deref().map(excerpt))
            .finish_non_exhaustive()
    }
}
