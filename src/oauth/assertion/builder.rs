use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::beginning::{BeginningCache, Source};
use super::client_assertion::{Bound, ClientAssertion, UnsignedAssertion};
use super::header::{CertificateHeader, HeaderSource};
use crate::jose::jws;
use crate::jose::secret_form::Shown;
use crate::keys::{PrivateKey, Signer};
use crate::oauth::signing_input::{SigningInput, check_token_id, life};
use crate::oauth::{Audience, AuthorizationServer, Endpoint, OAuthError, Profile};

/// The settings of an assertion. One builder makes any number of assertions: time and `jti` are
/// arguments of [`prepare`](Self::prepare).
#[derive(Clone)]
pub struct ClientAssertionBuilder {
    client_id: Arc<str>,
    server: AuthorizationServer,
    profile: Profile,
    endpoint: Endpoint,
    certificate_headers: Vec<CertificateHeader>,
    beginning: BeginningCache,
    claims: Map<String, Value>,
}

impl fmt::Debug for ClientAssertionBuilder {
    /// Shows the names of the claims only: their values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAssertionBuilder")
            .field("client_id", &Shown(&self.client_id))
            .field("server", &self.server)
            .field("profile", &self.profile)
            .field("endpoint", &self.endpoint)
            .field("claims", &self.claims.keys().map(|name| Shown(name)).collect::<Vec<_>>())
            .finish_non_exhaustive()
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
    const RESERVED: [&str; 7] = ["iss", "sub", "aud", "jti", "exp", "iat", "nbf"];

    pub(super) fn new(client_id: String, server: AuthorizationServer) -> Self {
        Self {
            client_id: client_id.into(),
            server,
            profile: Profile::default(),
            endpoint: Endpoint::Token,
            certificate_headers: Vec::new(),
            beginning: BeginningCache::default(),
            claims: Map::new(),
        }
    }

    /// Follows the rules of a kind of server. Replaces the settings made before.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Audience of the assertion. Default: the issuer, or the token endpoint if no issuer is known.
    #[must_use]
    pub fn audience(mut self, audience: Audience) -> Self {
        self.profile.audience = Some(audience);
        self
    }

    /// The endpoint to which the assertion will be sent. It matters with
    /// [`Audience::CalledEndpoint`]. Default: the token endpoint.
    #[must_use]
    pub const fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = endpoint;
        self
    }

    /// Lifetime of the assertion, in whole seconds. Default: 60 s.
    #[must_use]
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.profile.lifetime = lifetime;
        self
    }

    /// Adds `nbf`, set to this long before `iat`, for servers that require one. By default, the
    /// assertion has no `nbf`: it adds no security, and a server whose clock is a second behind
    /// rejects the assertion.
    #[must_use]
    pub const fn not_before(mut self, set_back: Duration) -> Self {
        self.profile.not_before = Some(set_back);
        self
    }

    /// The `typ` header (RFC 7515 §4.1.9). `None` or an empty one omits it. Default:
    /// `client-authentication+jwt`.
    #[must_use]
    pub fn media_type(mut self, media_type: Option<&str>) -> Self {
        self.profile.media_type = media_type.filter(|media_type| !media_type.is_empty()).map(str::to_owned);
        self
    }

    /// Omits `kid` from the header. The server must then try each key of the client.
    #[must_use]
    pub const fn without_key_id(mut self) -> Self {
        self.profile.sends_key_id = false;
        self
    }

    /// Omits `client_id` from the form, where it is optional (RFC 7521 §4.2). By default, the form
    /// includes it.
    #[must_use]
    pub const fn without_client_id(mut self) -> Self {
        self.profile.sends_client_id = false;
        self
    }

    /// Adds `x5t#S256`, the SHA-256 thumbprint of the key's certificate (RFC 7515 §4.1.8).
    #[must_use]
    pub fn x5t_s256(self) -> Self {
        self.certificate_header(CertificateHeader::X5tS256)
    }

    /// Adds `x5t`, the SHA-1 thumbprint of the key's certificate (RFC 7515 §4.1.7), for servers
    /// without `x5t#S256`.
    #[must_use]
    pub fn x5t(self) -> Self {
        self.certificate_header(CertificateHeader::X5t)
    }

    /// Adds `x5c`, the key's certificate chain (RFC 7515 §4.1.6).
    #[must_use]
    pub fn x5c(self) -> Self {
        self.certificate_header(CertificateHeader::X5c)
    }

    fn certificate_header(mut self, header: CertificateHeader) -> Self {
        if !self.certificate_headers.contains(&header) {
            self.certificate_headers.push(header);
        }
        self
    }

    /// Adds a claim. Replaces an earlier claim of the same name.
    ///
    /// # Errors
    ///
    /// [`OAuthError::ReservedClaim`] for `iss`, `sub`, `aud`, `jti`, `exp`, `iat` and `nbf`.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Result<Self, OAuthError> {
        let name = name.into();
        if Self::RESERVED.contains(&name.as_str()) {
            return Err(OAuthError::ReservedClaim { name });
        }
        self.claims.insert(name, value.into());
        Ok(self)
    }

    /// Whether the assertions have an `nbf`.
    #[cfg(feature = "client")]
    pub(crate) const fn has_not_before(&self) -> bool {
        self.profile.not_before.is_some()
    }

    /// The first step: everything but the signature. It uses only the algorithm and the public key
    /// of the signer. The `jti` must never have been used before; a UUID v4 is fine.
    ///
    /// # Errors
    ///
    /// An [`OAuthError`] if the settings do not fit together: [`ClientId`](OAuthError::ClientId),
    /// [`TokenId`](OAuthError::TokenId), [`Lifetime`](OAuthError::Lifetime),
    /// [`Time`](OAuthError::Time), [`ProfileAlgorithm`](OAuthError::ProfileAlgorithm),
    /// [`NoCertificate`](OAuthError::NoCertificate), [`EmptyAudience`](OAuthError::EmptyAudience),
    /// [`NotKnown`](OAuthError::NotKnown), [`ForeignAudience`](OAuthError::ForeignAudience),
    /// [`OtherOrigin`](OAuthError::OtherOrigin).
    pub fn prepare<S: Signer + ?Sized>(
        &self,
        signer: &S,
        now: OffsetDateTime,
        jti: impl AsRef<str>,
    ) -> Result<UnsignedAssertion, OAuthError> {
        self.prepare_for(self.endpoint, signer, now, jti.as_ref())
    }

    /// As [`Self::prepare`], for this endpoint instead of the builder's.
    pub(crate) fn prepare_for<S: Signer + ?Sized>(
        &self,
        endpoint: Endpoint,
        signer: &S,
        now: OffsetDateTime,
        jti: &str,
    ) -> Result<UnsignedAssertion, OAuthError> {
        self.check()?;
        let bound_to = self.bound_to(endpoint);
        if bound_to == Some(Bound::TokenOrigin) {
            self.server.check_token_audience(endpoint)?;
        }
        check_token_id(jti)?;
        let algorithm = signer.algorithm();
        self.profile.check(algorithm)?;
        let (iat, exp) = life(now, self.profile.lifetime)?;
        let time = |seconds: u64| {
            let seconds = i64::try_from(seconds).ok();
            let time = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
            time.ok_or(OAuthError::Time)
        };
        let (issued_at, expires_at) = (time(iat)?, time(exp)?);
        let claims = Claims {
            jti,
            iat,
            exp,
            nbf: self.profile.not_before.map(|set_back| iat.saturating_sub(set_back.as_secs())),
            more: &self.claims,
        };
        let source = Source {
            header: HeaderSource::new(signer, &self.profile, &self.certificate_headers),
            audience: self.profile.audience.as_ref().map(Cow::Borrowed),
            territory: self.profile.territory,
            endpoint,
        };
        let signature_len = signer.public_jwk().parameters().signature_len();
        let signing_input = self.beginning.with(
            source,
            |source| self.begin(source),
            |beginning| beginning.complete(claims.len(), signature_len, |writer| claims.write(writer)),
        )?;
        Ok(UnsignedAssertion {
            signing_input: SigningInput::new(signing_input, algorithm),
            client_id: Arc::clone(&self.client_id),
            sends_client_id: self.profile.sends_client_id,
            bound_to,
            issued_at,
            expires_at,
        })
    }

    fn bound_to(&self, endpoint: Endpoint) -> Option<Bound> {
        match self.profile.audience {
            Some(Audience::CalledEndpoint) => Some(Bound::Endpoint(endpoint)),
            Some(Audience::TokenEndpoint) => Some(Bound::TokenOrigin),
            None if self.server.issuer().is_none() => Some(Bound::TokenOrigin),
            None | Some(Audience::Issuer | Audience::Exactly(_)) => None,
        }
    }

    /// The first part of every assertion of one source.
    fn begin(&self, source: &Source<'_>) -> Result<jws::Beginning, OAuthError> {
        let aud = self.server.audience(source.audience.as_deref(), source.endpoint, source.territory)?;
        if aud.trim().is_empty() {
            return Err(OAuthError::EmptyAudience);
        }
        let parties = Parties { iss: &self.client_id, sub: &self.client_id, aud };
        Ok(jws::Beginning::new(&source.header.header()?, &parties))
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
    pub(crate) const fn server(&self) -> &AuthorizationServer {
        &self.server
    }
}

/// The first claims, identical in every assertion.
#[derive(Serialize)]
struct Parties<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
}

/// The remaining claims.
struct Claims<'a> {
    jti: &'a str,
    iat: u64,
    exp: u64,
    nbf: Option<u64>,
    more: &'a Map<String, Value>,
}

impl Claims<'_> {
    /// Writes piece by piece: serializing a structure took half of the instructions of a signing
    /// input.
    fn write(&self, mut writer: impl Write) -> io::Result<()> {
        writer.write_all(br#","jti":"#)?;
        serde_json::to_writer(&mut writer, self.jti)?;
        let times =
            [(r#","iat":"#, Some(self.iat)), (r#","exp":"#, Some(self.exp)), (r#","nbf":"#, self.nbf)];
        for (name, time) in times {
            if let Some(time) = time {
                writer.write_all(name.as_bytes())?;
                serde_json::to_writer(&mut writer, &time)?;
            }
        }
        for (name, value) in self.more {
            writer.write_all(b",")?;
            serde_json::to_writer(&mut writer, name)?;
            writer.write_all(b":")?;
            serde_json::to_writer(&mut writer, value)?;
        }
        Ok(())
    }

    /// An upper bound for the length if nothing needs escaping and no claim was added: names and
    /// numbers take less than 100 bytes.
    const fn len(&self) -> usize {
        100 + self.jti.len()
    }
}
