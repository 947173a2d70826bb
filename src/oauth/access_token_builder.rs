use std::time::Duration;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use http::{HeaderValue, Response};
use serde_json::Value;
use time::OffsetDateTime;

use super::jwt::{ExtraClaims, Header, UnsignedJwt, check_token_id, key_id, life};
use super::{ACCESS_TOKEN_JWT, OAuthError, Scope};
use crate::jose::json::ObjectWriter;
use crate::jose::secret_form::Shown;
use crate::jose::{Algorithm, Signature, Wiped};
use crate::keys::{PrivateKey, Signer};

/// Issues access tokens as an authorization server does (RFC 9068): JWTs that an
/// [`AccessTokenVerifier`](crate::AccessTokenVerifier) accepts. Without further settings, a token
/// lives for one hour, its subject is the client itself, and it has no scope.
///
/// The time and the `jti` are arguments of [`prepare`](Self::prepare), so one builder issues any
/// number of tokens.
///
/// ```
/// use private_key_jwt::oauth::AccessTokenBuilder;
/// use private_key_jwt::{AccessTokenVerifier, Algorithm, JwkSet, PrivateKey, PublicKeySet};
/// use time::OffsetDateTime;
///
/// let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
/// let now = OffsetDateTime::now_utc();
/// let issued = AccessTokenBuilder::new("https://as.example", "https://api.example", "client")
///     .scope("api:read")
///     .sign(&key, now, "a-fresh-jti")?;
/// let response = issued.to_http(); // access_token, token_type, expires_in, scope
/// # assert_eq!(response.status(), 200);
///
/// let keys = PublicKeySet::from(JwkSet::from(key.public_jwk().clone()));
/// let verifier = AccessTokenVerifier::new("https://as.example", "https://api.example");
/// assert_eq!(verifier.verify(&keys, issued.secret(), now)?.client_id(), Some("client"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct AccessTokenBuilder {
    issuer: String,
    client_id: String,
    subject: Option<String>,
    audiences: Vec<String>,
    scope: Scope,
    lifetime: Duration,
    media_type: Option<String>,
    claims: ExtraClaims,
}

impl AccessTokenBuilder {
    /// The claims that the token sets itself (RFC 9068 §2.2).
    const RESERVED: [&str; 8] = ["iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope"];
    /// The default lifetime of a token: one hour.
    pub const LIFETIME: Duration = Duration::from_secs(3600);
    /// The longest lifetime of a token: 366 days, as an
    /// [`AccessTokenVerifier`](crate::AccessTokenVerifier) accepts by default.
    pub const LONGEST_LIFETIME: Duration = Duration::from_secs(366 * 24 * 3600);

    /// Starts a token of this issuer for this resource server and this client.
    #[must_use]
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            client_id: client_id.into(),
            subject: None,
            audiences: vec![audience.into()],
            scope: Scope::default(),
            lifetime: Self::LIFETIME,
            media_type: Some(ACCESS_TOKEN_JWT.to_owned()),
            claims: ExtraClaims::default(),
        }
    }

    /// Sets the subject, such as a user. Default: the client (RFC 9068 §2.2).
    #[must_use]
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Adds another audience. With more than one, `aud` is an array.
    #[must_use]
    pub fn also_audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Sets the scope that was granted. By default, the token has no `scope`.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<Scope>) -> Self {
        self.scope = scope.into();
        self
    }

    /// Sets the lifetime of the token, in whole seconds. Default: [one hour](Self::LIFETIME).
    ///
    /// # Errors
    ///
    /// [`OAuthError::Lifetime`] for less than a second or more than [366
    /// days](Self::LONGEST_LIFETIME).
    pub fn lifetime(mut self, lifetime: Duration) -> Result<Self, OAuthError> {
        if lifetime < Duration::from_secs(1) || lifetime > Self::LONGEST_LIFETIME {
            return Err(OAuthError::Lifetime {
                found: lifetime,
                limit: Self::LONGEST_LIFETIME,
                profile: None,
            });
        }
        self.lifetime = lifetime;
        Ok(self)
    }

    /// As [`AccessTokenBuilder::lifetime`], for tests of clients: from zero to a thousand years.
    #[cfg(feature = "dev-server")]
    pub(crate) fn any_lifetime(mut self, lifetime: Duration) -> Self {
        // Times end with the year 9999.
        self.lifetime = lifetime.min(Duration::from_secs(1000 * 365 * 24 * 3600));
        self
    }

    /// Sets the `typ` header, for resource servers that do not follow RFC 9068. `None` omits it.
    /// Default: `at+jwt`, without which an ID token could be mistaken for an access token.
    #[must_use]
    pub fn media_type(mut self, media_type: Option<&str>) -> Self {
        self.media_type = media_type.map(str::to_owned);
        self
    }

    /// Adds a claim, such as `cnf` or `auth_time`. Replaces an earlier claim of the same name.
    ///
    /// # Errors
    ///
    /// [`OAuthError::ReservedClaim`] for `iss`, `exp`, `aud`, `sub`, `client_id`, `iat`, `jti` and
    /// `scope`.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Result<Self, OAuthError> {
        self.claims.add(&Self::RESERVED, name, value)?;
        Ok(self)
    }

    /// The first step: everything but the signature. It uses only the algorithm and the public key
    /// of the signer. The `jti` must never have been used before; a UUID v4 is fine.
    ///
    /// # Errors
    ///
    /// [`OAuthError::EmptyClaim`] for an empty issuer, subject or client id,
    /// [`OAuthError::EmptyAudience`], [`OAuthError::Scope`], [`OAuthError::TokenId`],
    /// [`OAuthError::Time`].
    pub fn prepare<S: Signer + ?Sized>(
        &self,
        signer: &S,
        now: OffsetDateTime,
        jti: impl AsRef<str>,
    ) -> Result<UnsignedAccessToken, OAuthError> {
        let jti = jti.as_ref();
        self.check()?;
        check_token_id(jti)?;
        let (iat, exp) = life(now, self.lifetime)?;
        let expires_at = OffsetDateTime::from_unix_timestamp(exp).map_err(|_| OAuthError::Time)?;
        let jwk = signer.public_jwk();
        let header = Header::new(signer.algorithm(), Some(key_id(jwk)), self.media_type.as_deref());
        let claims = self.json(jti, iat, exp);
        Ok(UnsignedAccessToken {
            jwt: UnsignedJwt::of_claims(&header, &claims, jwk.parameters().signature_len()),
            is_dpop_bound: self.claims.value("cnf").is_some_and(|cnf| cnf.get("jkt").is_some()),
            expires_in: self.lifetime.as_secs(),
            expires_at,
            scope: self.scope.clone(),
        })
    }

    /// Runs both steps, with a key in this process.
    ///
    /// # Errors
    ///
    /// As [`AccessTokenBuilder::prepare`], and [`OAuthError::Key`] if the key cannot sign.
    pub fn sign(
        &self,
        key: &PrivateKey,
        now: OffsetDateTime,
        jti: impl AsRef<str>,
    ) -> Result<IssuedToken, OAuthError> {
        let unsigned = self.prepare(key, now, jti)?;
        let signature = key.sign(unsigned.signing_input())?;
        unsigned.complete(&signature)
    }

    /// Runs both steps, with any key: the signature may come from a KMS or an HSM.
    ///
    /// # Errors
    ///
    /// As [`AccessTokenBuilder::prepare`], [`OAuthError::Key`] if the signer fails, and
    /// [`OAuthError::SignatureAlgorithm`] if its signature has another algorithm than it stated.
    pub async fn sign_with<S: Signer + ?Sized>(
        &self,
        signer: &S,
        now: OffsetDateTime,
        jti: impl AsRef<str>,
    ) -> Result<IssuedToken, OAuthError> {
        let unsigned = self.prepare(signer, now, jti)?;
        let signature = signer.sign(unsigned.signing_input()).await?;
        unsigned.complete(&signature)
    }

    fn subject_or_client(&self) -> &str {
        self.subject.as_deref().unwrap_or(&self.client_id)
    }

    fn check(&self) -> Result<(), OAuthError> {
        let texts =
            [("iss", &*self.issuer), ("sub", self.subject_or_client()), ("client_id", &*self.client_id)];
        if let Some((claim, _)) = texts.into_iter().find(|(_, text)| text.trim().is_empty()) {
            return Err(OAuthError::EmptyClaim { claim });
        }
        if self.audiences.iter().any(|audience| audience.trim().is_empty()) {
            return Err(OAuthError::EmptyAudience);
        }
        self.scope.check()
    }

    fn json(&self, jti: &str, iat: i64, exp: i64) -> Wiped<Vec<u8>> {
        let mut json = ObjectWriter::with_capacity(256);
        json.text("iss", &self.issuer);
        json.text("sub", self.subject_or_client());
        match self.audiences.as_slice() {
            [audience] => json.text("aud", audience),
            several => json.value("aud", &several),
        }
        json.text("client_id", &self.client_id);
        json.text("jti", jti);
        json.value("iat", &iat);
        json.value("exp", &exp);
        if !self.scope.is_empty() {
            json.text("scope", self.scope.as_str());
        }
        self.claims.write(&mut json);
        json.finish()
    }
}

impl std::fmt::Debug for AccessTokenBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessTokenBuilder")
            .field("issuer", &Shown(&self.issuer))
            .field("client_id", &Shown(&self.client_id))
            .field("subject", &self.subject.as_deref().map(Shown))
            .field("audiences", &self.audiences.iter().map(|audience| Shown(audience)).collect::<Vec<_>>())
            .field("scope", &self.scope)
            .field("lifetime", &self.lifetime)
            .field("claims", &self.claims)
            .finish_non_exhaustive()
    }
}

/// An access token without its signature.
#[derive(Clone)]
pub struct UnsignedAccessToken {
    jwt: UnsignedJwt,
    is_dpop_bound: bool,
    expires_in: u64,
    expires_at: OffsetDateTime,
    scope: Scope,
}

impl UnsignedAccessToken {
    /// The bytes to sign (RFC 7515 §5.1 step 5).
    #[must_use]
    pub fn signing_input(&self) -> &[u8] {
        self.jwt.signing_input()
    }

    /// The algorithm that the header names.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.jwt.algorithm()
    }

    /// The second step: attaches the signature, regardless of where it was made.
    ///
    /// # Errors
    ///
    /// [`OAuthError::SignatureAlgorithm`] if its algorithm is not the one in the header.
    pub fn attach(&self, signature: Signature) -> Result<IssuedToken, OAuthError> {
        self.clone().complete(&signature)
    }

    fn complete(self, signature: &Signature) -> Result<IssuedToken, OAuthError> {
        let Self { jwt, is_dpop_bound, expires_in, expires_at, scope } = self;
        Ok(IssuedToken { jwt: jwt.signed(signature)?, is_dpop_bound, expires_in, expires_at, scope })
    }
}

impl std::fmt::Debug for UnsignedAccessToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnsignedAccessToken")
            .field("algorithm", &self.algorithm())
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// An access token that this server has issued. It is a secret: `Debug` is redacted, there is no
/// `Display`, and the text is wiped on drop.
pub struct IssuedToken {
    jwt: Wiped<String>,
    is_dpop_bound: bool,
    expires_in: u64,
    expires_at: OffsetDateTime,
    scope: Scope,
}

impl IssuedToken {
    /// The token. Treat it as a password.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.jwt
    }

    /// The `token_type`: `DPoP` if the token has a `cnf` with `jkt` (RFC 9449 §5), otherwise
    /// `Bearer`.
    #[must_use]
    pub const fn token_type(&self) -> &'static str {
        if self.is_dpop_bound { "DPoP" } else { "Bearer" }
    }

    /// When the token expires (`exp`).
    #[must_use]
    pub const fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }

    /// Returns the response with the token (RFC 6749 §5.1): `access_token`, `token_type`,
    /// `expires_in` and, if there is one, `scope`. No cache stores it.
    #[must_use]
    pub fn to_http(&self) -> Response<Vec<u8>> {
        let mut json = ObjectWriter::with_capacity(128 + self.jwt.len());
        json.text("access_token", &self.jwt);
        json.text("token_type", self.token_type());
        json.value("expires_in", &self.expires_in);
        if !self.scope.is_empty() {
            json.text("scope", self.scope.as_str());
        }
        let mut response = Response::new(json.finish().to_vec());
        let fields = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];
        for (name, value) in fields {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

impl std::fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedToken")
            .field("jwt", &"[redacted]")
            .field("token_type", &self.token_type())
            .field("expires_at", &self.expires_at)
            .field("scope", &self.scope)
            .finish()
    }
}
