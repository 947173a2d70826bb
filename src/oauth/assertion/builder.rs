use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use time::OffsetDateTime;

use super::client_assertion::{Bound, ClientAssertion, UnsignedAssertion};
use crate::jose::secret_form::Shown;
use crate::keys::{PrivateKey, Signer};
use crate::oauth::certificate_headers::CertificateHeaders;
use crate::oauth::jwt::{Claims, ExtraClaims, Header, UnsignedJwt, check_token_id, key_id, life};
use crate::oauth::rules::Rules;
use crate::oauth::{Audience, AuthorizationServer, CLIENT_AUTHENTICATION_JWT, Endpoint, OAuthError, Profile};

/// The settings of an assertion. One builder makes any number of assertions: time and `jti` are
/// arguments of [`prepare`](Self::prepare).
///
/// Each setting takes precedence over the same setting of the [`Profile`], regardless of the order
/// of the calls.
#[derive(Clone)]
pub struct ClientAssertionBuilder {
    client_id: Arc<str>,
    server: AuthorizationServer,
    profile: Profile,
    /// What the user set, which takes precedence over the profile.
    rules: Rules,
    endpoint: Endpoint,
    claims: ExtraClaims,
}

impl std::fmt::Debug for ClientAssertionBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientAssertionBuilder")
            .field("client_id", &Shown(&self.client_id))
            .field("server", &self.server)
            .field("profile", &self.profile)
            .field("rules", &self.rules)
            .field("endpoint", &self.endpoint)
            .field("claims", &self.claims)
            .finish()
    }
}

impl ClientAssertion {
    /// Starts an assertion of this client for this server, with the default
    /// [`Profile`](crate::oauth::Profile).
    #[must_use]
    pub fn builder(client_id: impl Into<String>, server: &AuthorizationServer) -> ClientAssertionBuilder {
        ClientAssertionBuilder::new(client_id.into(), server.clone())
    }

    /// Starts an assertion for an audience known only as a string, with the default
    /// [`Profile`](crate::oauth::Profile): for a request that other code makes and sends. The
    /// audience need not be a URL (RFC 7523 §3). Every [`Audience`](crate::oauth::Audience) except
    /// [`Audience::Exactly`](crate::oauth::Audience::Exactly) means it.
    ///
    /// ```
    /// use private_key_jwt::{Algorithm, ClientAssertion, PrivateKey};
    /// use time::OffsetDateTime;
    ///
    /// let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
    /// let builder = ClientAssertion::builder_for_audience("client", "urn:example:as");
    /// let assertion = builder.sign(&key, OffsetDateTime::now_utc(), "a-fresh-jti")?;
    /// # let _ = assertion.secret();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn builder_for_audience(
        client_id: impl Into<String>,
        audience: impl Into<String>,
    ) -> ClientAssertionBuilder {
        Self::builder(client_id, &AuthorizationServer::of_audience(audience.into()))
    }
}

impl ClientAssertionBuilder {
    /// The claims that the assertion sets itself (RFC 7523 §3).
    pub(crate) const RESERVED: [&str; 7] = ["iss", "sub", "aud", "jti", "exp", "iat", "nbf"];

    pub(super) fn new(client_id: String, server: AuthorizationServer) -> Self {
        Self {
            client_id: client_id.into(),
            server,
            profile: Profile::default(),
            rules: Rules::default(),
            endpoint: Endpoint::Token,
            claims: ExtraClaims::default(),
        }
    }

    #[cfg(feature = "client")]
    pub(crate) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Follows the rules of a kind of server. Replaces an earlier profile. Settings made with the
    /// other methods take precedence, whether they come before or after this call.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Sets the audience of the assertion. Default: the issuer, or the token endpoint if no issuer
    /// is known.
    #[must_use]
    pub fn audience(mut self, audience: Audience) -> Self {
        self.rules.audience = Some(audience);
        self
    }

    /// Sets the endpoint to which the assertion will be sent. It matters with
    /// [`Audience::CalledEndpoint`]. Default: the token endpoint.
    #[must_use]
    pub const fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = endpoint;
        self
    }

    /// Sets the lifetime of the assertion, in whole seconds. Default: 60 s.
    #[must_use]
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.rules.lifetime = Some(lifetime);
        self
    }

    /// Adds `nbf`, set to this long before `iat`, for servers that require one. By default, the
    /// assertion has no `nbf`: it adds no security, and a server whose clock is a second behind
    /// rejects the assertion.
    #[must_use]
    pub const fn not_before(mut self, set_back: Duration) -> Self {
        self.rules.not_before = Some(set_back);
        self
    }

    /// Sets the `typ` header (RFC 7515 §4.1.9). `None` or an empty one omits it. Default:
    /// `client-authentication+jwt`.
    #[must_use]
    pub fn media_type(mut self, media_type: Option<&str>) -> Self {
        self.rules.set_media_type(media_type);
        self
    }

    /// Omits `kid` from the header. The server must then try each key of the client.
    #[must_use]
    pub const fn without_key_id(mut self) -> Self {
        self.rules.sends_key_id = Some(false);
        self
    }

    /// Omits `client_id` from the form, where it is optional (RFC 7521 §4.2). By default, the form
    /// includes it.
    #[must_use]
    pub const fn without_client_id(mut self) -> Self {
        self.rules.sends_client_id = Some(false);
        self
    }

    /// Adds `x5t#S256`, the SHA-256 thumbprint of the key's certificate (RFC 7515 §4.1.8).
    #[must_use]
    pub const fn x5t_s256(mut self) -> Self {
        self.rules.certificate.x5t_s256 = true;
        self
    }

    /// Adds `x5t`, the SHA-1 thumbprint of the key's certificate (RFC 7515 §4.1.7), for servers
    /// without `x5t#S256`.
    #[must_use]
    pub const fn x5t(mut self) -> Self {
        self.rules.certificate.x5t = true;
        self
    }

    /// Adds `x5c`, the key's certificate chain (RFC 7515 §4.1.6).
    #[must_use]
    pub const fn x5c(mut self) -> Self {
        self.rules.certificate.x5c = true;
        self
    }

    /// Adds a claim. Replaces an earlier claim of the same name.
    ///
    /// # Errors
    ///
    /// [`OAuthError::ReservedClaim`] for `iss`, `sub`, `aud`, `jti`, `exp`, `iat` and `nbf`.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Result<Self, OAuthError> {
        self.claims.add(&Self::RESERVED, name, value)?;
        Ok(self)
    }

    /// Sends `kid` or omits it, whatever was set before.
    #[cfg(feature = "client")]
    #[must_use]
    pub(crate) const fn with_key_id_sent(mut self, is_sent: bool) -> Self {
        self.rules.sends_key_id = Some(is_sent);
        self
    }

    /// Whether the assertions have an `nbf`.
    #[cfg(feature = "client")]
    pub(crate) fn has_not_before(&self) -> bool {
        self.rule(|rules| rules.not_before).is_some()
    }

    /// The first step: everything but the signature. It uses only the algorithm and the public key
    /// of the signer. The `jti` must never have been used before; a UUID v4 is fine.
    ///
    /// # Errors
    ///
    /// An [`OAuthError`] if the settings do not fit together: [`ClientId`](OAuthError::ClientId),
    /// [`TokenId`](OAuthError::TokenId), [`Lifetime`](OAuthError::Lifetime),
    /// [`Time`](OAuthError::Time), [`NoCertificate`](OAuthError::NoCertificate),
    /// [`EmptyAudience`](OAuthError::EmptyAudience), [`NotKnown`](OAuthError::NotKnown),
    /// [`ForeignAudience`](OAuthError::ForeignAudience), [`OtherOrigin`](OAuthError::OtherOrigin).
    /// If the [server of the profile rejects them](Profile#settings-that-a-profile-refuses), the
    /// error names the profile.
    pub fn prepare<S: Signer + ?Sized>(
        &self,
        signer: &S,
        now: OffsetDateTime,
        jti: impl AsRef<str>,
    ) -> Result<UnsignedAssertion, OAuthError> {
        self.prepare_for(&self.server, self.endpoint, signer, now, jti.as_ref())
    }

    /// As [`Self::prepare`], for this server and endpoint instead of the builder's.
    pub(crate) fn prepare_for<S: Signer + ?Sized>(
        &self,
        server: &AuthorizationServer,
        endpoint: Endpoint,
        signer: &S,
        now: OffsetDateTime,
        jti: &str,
    ) -> Result<UnsignedAssertion, OAuthError> {
        self.check()?;
        let bound_to = self.bound_to(server, endpoint);
        if bound_to == Some(Bound::TokenOrigin) {
            server.check_token_audience(endpoint)?;
        }
        check_token_id(jti)?;
        let (algorithm, jwk) = (signer.algorithm(), signer.public_jwk());
        let lifetime = self.rule(|rules| rules.lifetime).unwrap_or(Profile::LIFETIME);
        self.profile.check_algorithm(algorithm)?;
        self.profile.check_key_size(jwk)?;
        self.profile.check_lifetime(lifetime)?;
        let (iat, exp) = life(now, lifetime)?;
        let time = |seconds| OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| OAuthError::Time);
        let (issued_at, expires_at) = (time(iat)?, time(exp)?);
        let aud = server.audience(self.wanted_audience(), endpoint, self.profile.territory)?;
        if aud.trim().is_empty() {
            return Err(OAuthError::EmptyAudience);
        }
        if server.is_undiscovered {
            self.profile.check_kind_of_audience(self.wanted_audience(), aud)?;
        } else {
            self.profile.check_audience(aud, server, endpoint)?;
        }
        let kid = self.rule(|rules| rules.sends_key_id).unwrap_or(true).then(|| key_id(jwk));
        self.profile.check_key_id(kid.is_some(), "the settings omit it")?;
        let typ = self.rule(Rules::media_type).unwrap_or(Some(CLIENT_AUTHENTICATION_JWT));
        self.profile.check_media_type(typ)?;
        let sends_client_id = self.rule(|rules| rules.sends_client_id).unwrap_or(true);
        self.profile.check_client_id(sends_client_id)?;
        let mut header = Header::new(algorithm, kid, typ);
        let (required, of_profile) = (self.rules.certificate, self.profile.rules.certificate);
        CertificateHeaders::add(required, of_profile, jwk, &mut header)?;
        self.profile.check_certificate(CertificateHeaders::of(&header), "the key has no certificate")?;
        let not_before = self.rule(|rules| rules.not_before);
        let claims = Claims {
            iss: &self.client_id,
            sub: &self.client_id,
            aud,
            jti,
            iat,
            exp,
            nbf: not_before.map(|set_back| iat.saturating_sub_unsigned(set_back.as_secs()).max(0)),
            extra: &self.claims,
        };
        Ok(UnsignedAssertion {
            jwt: UnsignedJwt::new(&header, &claims, jwk.parameters().signature_len()),
            client_id: Arc::clone(&self.client_id),
            sends_client_id,
            bound_to,
            issued_at,
            expires_at,
        })
    }

    /// What the user set, or else what the profile says.
    fn rule<'a, T>(&'a self, of: impl Fn(&'a Rules) -> Option<T>) -> Option<T> {
        of(&self.rules).or_else(|| of(&self.profile.rules))
    }

    fn wanted_audience(&self) -> Option<&Audience> {
        self.rule(|rules| rules.audience.as_ref())
    }

    fn bound_to(&self, server: &AuthorizationServer, endpoint: Endpoint) -> Option<Bound> {
        match self.wanted_audience() {
            Some(Audience::CalledEndpoint) => Some(Bound::Endpoint(endpoint)),
            Some(Audience::TokenEndpoint) => Some(Bound::TokenOrigin),
            None if server.issuer().is_none() => Some(Bound::TokenOrigin),
            None | Some(Audience::Issuer | Audience::Exactly(_)) => None,
        }
    }

    /// Runs both steps, with a key in this process.
    ///
    /// # Errors
    ///
    /// As [`ClientAssertionBuilder::prepare`], and [`OAuthError::Key`] if the key cannot sign.
    pub fn sign(
        &self,
        key: &PrivateKey,
        now: OffsetDateTime,
        jti: impl AsRef<str>,
    ) -> Result<ClientAssertion, OAuthError> {
        let unsigned = self.prepare(key, now, jti)?;
        let signature = key.sign(unsigned.signing_input())?;
        unsigned.complete(&signature)
    }

    /// Checks the client id, which depends on neither a key nor a time.
    ///
    /// # Errors
    ///
    /// [`OAuthError::ClientId`].
    pub(crate) fn check(&self) -> Result<(), OAuthError> {
        if self.client_id.trim().is_empty() {
            return Err(OAuthError::ClientId { reason: "empty" });
        }
        // RFC 6749 A.1
        if !self.client_id.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) {
            return Err(OAuthError::ClientId { reason: "not printable ASCII (RFC 6749 A.1)" });
        }
        Ok(())
    }

    #[cfg(feature = "client")]
    pub(crate) const fn chosen_profile(&self) -> &Profile {
        &self.profile
    }
}
