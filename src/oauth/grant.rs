use std::borrow::Cow;
use std::time::Duration;

use serde_json::Value;
use time::OffsetDateTime;

use super::below::Territory;
use super::jwt::{Claims, ExtraClaims, Header, UnsignedJwt, check_token_id, life};
use super::{AuthorizationServer, Endpoint, OAuthError};
use crate::jose::secret_form::Shown;
use crate::jose::{Signature, Wiped};
use crate::keys::{PrivateKey, Signer};

/// A JWT in which an issuer that the server trusts vouches for a subject (RFC 7523 §2.1). It is an
/// authorization grant, not the assertion with which the client authenticates. Only their types
/// keep the two from being mistaken for each other, which is why this is a type of its own.
///
/// It is a secret until it expires. `Debug` is redacted, there is no `Display`, and the text is
/// wiped on drop.
///
/// ```
/// use private_key_jwt::{Algorithm, AuthorizationServer, PrivateKey, TokenRequest};
/// use private_key_jwt::oauth::JwtGrant;
/// use time::OffsetDateTime;
///
/// let server = AuthorizationServer::new("https://as.example", "https://as.example/token")?;
/// let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
/// let grant = JwtGrant::builder("https://issuer.example", "user-1", &server)?
///     .sign(&key, OffsetDateTime::now_utc(), "a-fresh-jti")?;
/// let request = TokenRequest::jwt_bearer(&grant).scope("api:read");
/// # let _ = request;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct JwtGrant(Wiped<String>);

impl JwtGrant {
    /// Starts a grant from this issuer for this subject. The audience is the server's issuer, or
    /// its token endpoint if no issuer is known (RFC 7523 §3). The [`Audience`](super::Audience) of
    /// client authentication does not affect it.
    ///
    /// # Errors
    ///
    /// [`OAuthError::EmptyClaim`] for an empty issuer or subject.
    pub fn builder(
        issuer: impl Into<String>,
        subject: impl Into<String>,
        server: &AuthorizationServer,
    ) -> Result<JwtGrantBuilder, OAuthError> {
        let builder = JwtGrantBuilder {
            issuer: issuer.into(),
            subject: subject.into(),
            audience: server.audience(None, Endpoint::Token, Territory::default())?.to_owned(),
            lifetime: Duration::from_secs(60),
            media_type: Some(Cow::Borrowed("JWT")),
            claims: ExtraClaims::default(),
        };
        for (claim, value) in [("iss", &builder.issuer), ("sub", &builder.subject)] {
            if value.trim().is_empty() {
                return Err(OAuthError::EmptyClaim { claim });
            }
        }
        Ok(builder)
    }

    /// Wraps a grant that was made elsewhere, such as by a security token service.
    #[must_use]
    pub fn from_jwt(jwt: impl Into<String>) -> Self {
        Self(Wiped::new(jwt.into()))
    }

    /// The JWT, for the `assertion` parameter. Treat it as a password.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for JwtGrant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JwtGrant([redacted])")
    }
}

/// Builds a [`JwtGrant`].
#[derive(Clone)]
pub struct JwtGrantBuilder {
    issuer: String,
    subject: String,
    audience: String,
    lifetime: Duration,
    media_type: Option<Cow<'static, str>>,
    claims: ExtraClaims,
}

impl std::fmt::Debug for JwtGrantBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JwtGrantBuilder")
            .field("issuer", &Shown(&self.issuer))
            .field("subject", &Shown(&self.subject))
            .field("audience", &Shown(&self.audience))
            .field("lifetime", &self.lifetime)
            .field("claims", &self.claims)
            .finish_non_exhaustive()
    }
}

impl JwtGrantBuilder {
    /// The claims that the grant sets itself (RFC 7523 §3).
    const RESERVED: [&str; 6] = ["iss", "sub", "aud", "jti", "exp", "iat"];
    /// The longest lifetime of a grant: one day.
    pub const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 3600);

    /// Sets the audience of the grant. Default: the server's issuer, or its token endpoint if no
    /// issuer is known.
    ///
    /// # Errors
    ///
    /// [`OAuthError::EmptyAudience`] for an empty audience.
    pub fn audience(mut self, audience: impl Into<String>) -> Result<Self, OAuthError> {
        self.audience = audience.into();
        if self.audience.trim().is_empty() { Err(OAuthError::EmptyAudience) } else { Ok(self) }
    }

    /// Sets the lifetime of the grant, in whole seconds. Default: 60 s.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Lifetime`] for less than a second or more than [a
    /// day](Self::LONGEST_LIFETIME).
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

    /// Sets the `typ` header (RFC 7515 §4.1.9). `None` omits it. Default: `JWT`.
    #[must_use]
    pub fn media_type(mut self, media_type: Option<&str>) -> Self {
        self.media_type = media_type.map(|media_type| Cow::Owned(media_type.to_owned()));
        self
    }

    /// Adds a claim. Replaces an earlier claim of the same name.
    ///
    /// # Errors
    ///
    /// [`OAuthError::ReservedClaim`] for `iss`, `sub`, `aud`, `jti`, `exp` and `iat`.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Result<Self, OAuthError> {
        self.claims.add(&Self::RESERVED, name, value)?;
        Ok(self)
    }

    /// The first step: everything but the signature, for a key that is held elsewhere. The `jti`
    /// must never have been used before; a UUID v4 is fine.
    ///
    /// # Errors
    ///
    /// [`OAuthError::TokenId`], [`OAuthError::Time`].
    pub fn prepare<S: Signer + ?Sized>(
        &self,
        signer: &S,
        now: OffsetDateTime,
        jti: impl AsRef<str>,
    ) -> Result<UnsignedGrant, OAuthError> {
        let jti = jti.as_ref();
        check_token_id(jti)?;
        let (iat, exp) = life(now, self.lifetime)?;
        let jwk = signer.public_jwk();
        let kid = jwk.key_id().map(|key_id| Cow::Borrowed(key_id.as_str()));
        let header = Header::new(signer.algorithm(), kid, self.media_type.as_deref());
        let claims = Claims {
            iss: &self.issuer,
            sub: &self.subject,
            aud: &self.audience,
            jti,
            iat,
            exp,
            nbf: None,
            extra: &self.claims,
        };
        Ok(UnsignedGrant(UnsignedJwt::new(&header, &claims, jwk.parameters().signature_len())))
    }

    /// Runs both steps, with a key in this process.
    ///
    /// # Errors
    ///
    /// As [`JwtGrantBuilder::prepare`], and [`OAuthError::Key`] if the key cannot sign.
    pub fn sign(
        &self,
        key: &PrivateKey,
        now: OffsetDateTime,
        jti: impl AsRef<str>,
    ) -> Result<JwtGrant, OAuthError> {
        let unsigned = self.prepare(key, now, jti)?;
        let signature = key.sign(unsigned.signing_input())?;
        unsigned.attach(signature)
    }
}

/// A grant without its signature.
#[derive(Clone)]
pub struct UnsignedGrant(UnsignedJwt);

impl UnsignedGrant {
    /// The bytes to sign (RFC 7515 §5.1 step 5).
    #[must_use]
    pub fn signing_input(&self) -> &[u8] {
        self.0.signing_input()
    }

    /// The second step: attaches the signature, regardless of where it was made.
    ///
    /// # Errors
    ///
    /// [`OAuthError::SignatureAlgorithm`] if its algorithm is not the one in the header.
    pub fn attach(&self, signature: Signature) -> Result<JwtGrant, OAuthError> {
        self.0.clone().signed(&signature).map(JwtGrant)
    }
}

impl std::fmt::Debug for UnsignedGrant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnsignedGrant").field("algorithm", &self.0.algorithm()).finish_non_exhaustive()
    }
}
