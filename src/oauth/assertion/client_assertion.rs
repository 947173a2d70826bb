use std::sync::Arc;

use time::OffsetDateTime;

use crate::jose::{Algorithm, Signature, Wiped};
use crate::oauth::jwt::UnsignedJwt;
use crate::oauth::{AuthorizationServer, CLIENT_ASSERTION_TYPE, Endpoint, OAuthError};

/// A signed client assertion (RFC 7521 §4.2, RFC 7523 §2.2). It proves the client's identity for
/// one request.
///
/// It is a secret until it is used or expires. `Debug` is redacted, there is no `Display`, and the
/// text is wiped on drop.
///
/// ```
/// use private_key_jwt::{Algorithm, AuthorizationServer, ClientAssertion, PrivateKey};
/// use time::OffsetDateTime;
///
/// let server = AuthorizationServer::new("https://as.example", "https://as.example/token")?;
/// let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
///
/// // Two steps without I/O: the signature in between may come from elsewhere, such as an HSM.
/// let unsigned = ClientAssertion::builder("client", &server).prepare(&key, OffsetDateTime::now_utc(), "a-fresh-jti")?;
/// let assertion = unsigned.attach(key.sign(unsigned.signing_input())?)?;
///
/// // The pairs that go into a form, for any HTTP or OAuth library.
/// let names: Vec<&str> = assertion.form().iter().map(|(name, _)| *name).collect();
/// assert_eq!(names, ["client_assertion_type", "client_assertion", "client_id"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ClientAssertion {
    jwt: Wiped<String>,
    client_id: Arc<str>,
    sends_client_id: bool,
    bound_to: Option<Bound>,
    issued_at: OffsetDateTime,
    expires_at: OffsetDateTime,
}

/// Where an assertion may be sent if its audience is an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// Only to this endpoint, which is the audience.
    Endpoint(Endpoint),
    /// Only to the origin of the token endpoint, which is the audience.
    TokenOrigin,
}

impl ClientAssertion {
    /// The compact JWS, for the `client_assertion` parameter. Treat it as a password.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.jwt
    }

    /// The client id (`iss` and `sub`).
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// When the assertion was issued (`iat`).
    #[must_use]
    pub const fn issued_at(&self) -> OffsetDateTime {
        self.issued_at
    }

    /// When the assertion expires (`exp`).
    #[must_use]
    pub const fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }

    /// The form pairs of RFC 7521 §4.2, not percent-encoded: `client_assertion_type`,
    /// `client_assertion`, and `client_id` unless the builder [omits
    /// it](super::ClientAssertionBuilder::without_client_id).
    #[must_use]
    pub fn form(&self) -> Vec<(&'static str, &str)> {
        let mut pairs =
            vec![("client_assertion_type", CLIENT_ASSERTION_TYPE), ("client_assertion", self.secret())];
        if self.sends_client_id {
            pairs.push(("client_id", &self.client_id));
        }
        pairs
    }

    /// Whether [`ClientAssertion::form`] contains the client id.
    pub(in crate::oauth) const fn sends_client_id(&self) -> bool {
        self.sends_client_id
    }

    /// Refuses to send an assertion to an endpoint that could use it at another endpoint.
    pub(in crate::oauth) fn check_endpoint(
        &self,
        server: &AuthorizationServer,
        called: Endpoint,
    ) -> Result<(), OAuthError> {
        match self.bound_to {
            Some(Bound::Endpoint(expected)) if expected != called => Err(OAuthError::OtherEndpoint {
                assertion: expected.metadata_name(),
                request: called.metadata_name(),
            }),
            Some(Bound::TokenOrigin) => server.check_token_audience(called),
            _ => Ok(()),
        }
    }

    /// Adds [`ClientAssertion::form`], encoded, to a form. A JWS needs no encoding (RFC 7515 §7.1),
    /// so it is copied verbatim.
    pub(in crate::oauth) fn push_form(&self, form: &mut String) {
        let first = Self::FORM.strip_prefix('&').filter(|_| form.is_empty());
        form.push_str(first.unwrap_or(Self::FORM));
        form.push_str(&self.jwt);
        if self.sends_client_id {
            form.push_str(Self::FORM_CLIENT_ID);
            form.extend(form_urlencoded::byte_serialize(self.client_id.as_bytes()));
        }
    }

    /// The maximum number of bytes that [`ClientAssertion::push_form`] adds.
    pub(in crate::oauth) fn form_room(&self) -> usize {
        Self::FORM.len() + self.jwt.len() + Self::FORM_CLIENT_ID.len() + 3 * self.client_id.len()
    }

    /// [`CLIENT_ASSERTION_TYPE`], encoded, and the name of the next parameter.
    const FORM: &str = "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer\
        &client_assertion=";
    const FORM_CLIENT_ID: &str = "&client_id=";
}

impl std::fmt::Debug for ClientAssertion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientAssertion")
            .field("client_id", &self.client_id)
            .field("expires_at", &self.expires_at)
            .field("jwt", &"[redacted]")
            .finish()
    }
}

/// An assertion without its signature.
#[derive(Clone)]
pub struct UnsignedAssertion {
    pub(super) jwt: UnsignedJwt,
    pub(super) client_id: Arc<str>,
    pub(super) sends_client_id: bool,
    pub(super) bound_to: Option<Bound>,
    pub(super) issued_at: OffsetDateTime,
    pub(super) expires_at: OffsetDateTime,
}

impl UnsignedAssertion {
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

    /// The second step: attaches the signature. It is not verified here; the server does that.
    ///
    /// # Errors
    ///
    /// [`OAuthError::SignatureAlgorithm`] if its algorithm is not the one in the header.
    pub fn attach(&self, signature: Signature) -> Result<ClientAssertion, OAuthError> {
        self.clone().complete(&signature)
    }

    /// As [`UnsignedAssertion::attach`], in place: the signing input has room for the signature.
    pub(crate) fn complete(self, signature: &Signature) -> Result<ClientAssertion, OAuthError> {
        Ok(ClientAssertion {
            jwt: self.jwt.signed(signature)?,
            client_id: self.client_id,
            sends_client_id: self.sends_client_id,
            bound_to: self.bound_to,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
        })
    }
}

impl std::fmt::Debug for UnsignedAssertion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnsignedAssertion")
            .field("client_id", &self.client_id)
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}
