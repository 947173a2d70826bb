use serde_json::Value;

use super::OAuthError;
use super::jwt::{ExtraClaims, Header, SignedJwt, UnsignedJwt, key_id};
use crate::jose::json::ObjectWriter;
use crate::jose::secret_form::Shown;
use crate::keys::{PrivateKey, Signer};

/// Builds a JWT of any kind, such as an ID token or a logout token: every claim is the caller's.
/// For a client assertion, an authorization grant and an access token, use
/// [`ClientAssertion`](super::ClientAssertion), [`JwtGrant`](super::JwtGrant) and
/// [`AccessTokenBuilder`](super::AccessTokenBuilder), which know the claims that those need.
///
/// ```
/// use private_key_jwt::{Algorithm, PrivateKey};
/// use private_key_jwt::oauth::JwtBuilder;
/// use serde_json::json;
///
/// let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
/// let logout = JwtBuilder::new("logout+jwt")
///     .claim("iss", "https://as.example")
///     .claim("aud", "client")
///     .claim("events", json!({"http://schemas.openid.net/event/backchannel-logout": {}}))
///     .sign(&key)?;
/// # let _ = logout.secret();
/// # Ok::<(), private_key_jwt::OAuthError>(())
/// ```
#[derive(Clone, Default)]
pub struct JwtBuilder {
    media_type: Option<String>,
    claims: ExtraClaims,
}

impl JwtBuilder {
    /// Starts a JWT with this `typ` header, which keeps one kind of JWT from being mistaken for
    /// another (RFC 8725 §3.11). `None` omits it.
    #[must_use]
    pub fn new<'a>(media_type: impl Into<Option<&'a str>>) -> Self {
        Self { media_type: media_type.into().map(str::to_owned), claims: ExtraClaims::default() }
    }

    /// Adds a claim. Replaces an earlier claim of the same name.
    #[must_use]
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.set(name.into(), value.into());
        self
    }

    /// The first step: everything but the signature. It uses only the algorithm and the public key
    /// of the signer. The header has the key's `kid`, or its thumbprint.
    #[must_use]
    pub fn prepare<S: Signer + ?Sized>(&self, signer: &S) -> UnsignedJwt {
        let jwk = signer.public_jwk();
        let header = Header::new(signer.algorithm(), Some(key_id(jwk)), self.media_type.as_deref());
        let mut json = ObjectWriter::with_capacity(256);
        self.claims.write(&mut json);
        UnsignedJwt::of_claims(&header, &json.finish(), jwk.parameters().signature_len())
    }

    /// Runs both steps, with a key in this process.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Key`] if the key cannot sign.
    pub fn sign(&self, key: &PrivateKey) -> Result<SignedJwt, OAuthError> {
        let unsigned = self.prepare(key);
        let signature = key.sign(unsigned.signing_input())?;
        unsigned.signed(&signature).map(SignedJwt)
    }

    /// Runs both steps, with any key: the signature may come from a KMS or an HSM.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Key`] if the signer fails, [`OAuthError::SignatureAlgorithm`] if its signature
    /// has another algorithm than it stated.
    pub async fn sign_with<S: Signer + ?Sized>(&self, signer: &S) -> Result<SignedJwt, OAuthError> {
        let unsigned = self.prepare(signer);
        let signature = signer.sign(unsigned.signing_input()).await?;
        unsigned.signed(&signature).map(SignedJwt)
    }
}

impl std::fmt::Debug for JwtBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JwtBuilder")
            .field("media_type", &self.media_type.as_deref().map(Shown))
            .field("claims", &self.claims)
            .finish()
    }
}
