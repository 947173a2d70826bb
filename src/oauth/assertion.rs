use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::{Audience, AuthorizationServer, CLIENT_ASSERTION_TYPE, OAuthError, Profile};
use crate::jose::{Algorithm, Signature, base64url, jws};
use crate::keys::{Certificate, PrivateKey, Signer};

/// A signed client assertion (RFC 7521 §4.2, RFC 7523 §2.2): the proof of who the client is, good for one request.
///
/// It is a secret while it lives. `Debug` is redacted, there is no `Display`, and the text is wiped on drop.
///
/// ```
/// use private_key_jwt::{Algorithm, AuthorizationServer, ClientAssertion, PrivateKey};
/// use time::OffsetDateTime;
///
/// let server = AuthorizationServer::new("https://as.example", "https://as.example/token")?;
/// let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
///
/// // Two steps, no I/O: sign in between with whatever holds the key.
/// let unsigned = ClientAssertion::builder("client", &server).prepare(&key, OffsetDateTime::now_utc(), "a-fresh-jti")?;
/// let assertion = unsigned.attach(key.sign(unsigned.signing_input())?)?;
///
/// // The pairs that go into a form, for any HTTP or OAuth library.
/// let names: Vec<&str> = assertion.form().iter().map(|(name, _)| *name).collect();
/// assert_eq!(names, ["client_assertion_type", "client_assertion", "client_id"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ClientAssertion {
    jwt: Zeroizing<String>,
    client_id: String,
    sends_client_id: bool,
    expires_at: OffsetDateTime,
}

impl ClientAssertion {
    /// Starts an assertion of this client for this server, by the default [`Profile`].
    #[must_use]
    pub fn builder(client_id: impl Into<String>, server: &AuthorizationServer) -> ClientAssertionBuilder {
        ClientAssertionBuilder {
            client_id: client_id.into(),
            server: server.clone(),
            profile: Profile::default(),
            certificate_headers: Vec::new(),
            claims: Map::new(),
        }
    }

    /// Starts an assertion for an audience that is known as a string and nothing more, by the default [`Profile`]: for
    /// a request that something else makes and sends. The audience need not be a URL (RFC 7523 §3); every
    /// [`Audience`] but [`Audience::Exactly`] stands for it.
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

    /// The compact JWS, for the `client_assertion` parameter. Treat it as a password.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.jwt
    }

    /// The client id that the assertion speaks for.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// When the assertion ends (`exp`).
    #[must_use]
    pub const fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }

    /// The form pairs of RFC 7521 §4.2: `client_assertion_type`, `client_assertion`, and `client_id` unless it was
    /// left out. Not percent-encoded yet.
    #[must_use]
    pub fn form(&self) -> Vec<(&'static str, &str)> {
        let mut pairs =
            vec![("client_assertion_type", CLIENT_ASSERTION_TYPE), ("client_assertion", self.secret())];
        if self.sends_client_id {
            pairs.push(("client_id", &self.client_id));
        }
        pairs
    }
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

/// A header that names the key's certificate (RFC 7515 §4.1.6–4.1.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CertificateHeader {
    X5tS256,
    X5t,
    X5c,
}

/// What goes into an assertion. The same builder serves any number of assertions: time and `jti` come with
/// [`prepare`](Self::prepare).
#[derive(Clone, Debug)]
pub struct ClientAssertionBuilder {
    client_id: String,
    server: AuthorizationServer,
    profile: Profile,
    certificate_headers: Vec<CertificateHeader>,
    claims: Map<String, Value>,
}

impl ClientAssertionBuilder {
    /// The claims that the assertion sets itself (RFC 7523 §3).
    const RESERVED: [&str; 7] = ["iss", "sub", "aud", "jti", "exp", "iat", "nbf"];

    /// Follows the rules of a kind of server. It replaces what was set before it.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Whom the assertion is for; the issuer unless said otherwise.
    #[must_use]
    pub fn audience(mut self, audience: Audience) -> Self {
        self.profile.audience = Some(audience);
        self
    }

    /// How long the assertion lives, in whole seconds; 60 s unless said otherwise.
    #[must_use]
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.profile.lifetime = lifetime;
        self
    }

    /// Adds `nbf`, set back by this much, for servers that demand one. By default there is none: with it, one second
    /// of clock drift breaks the assertion, and it buys nothing.
    #[must_use]
    pub const fn not_before(mut self, set_back: Duration) -> Self {
        self.profile.not_before = Some(set_back);
        self
    }

    /// The `typ` header (RFC 7515 §4.1.9); `None` leaves it out.
    #[must_use]
    pub fn media_type(mut self, media_type: Option<&str>) -> Self {
        self.profile.media_type = media_type.map(str::to_owned);
        self
    }

    /// Leaves `kid` out of the header. The server then has to try the client's keys.
    #[must_use]
    pub const fn without_key_id(mut self) -> Self {
        self.profile.sends_key_id = false;
        self
    }

    /// Leaves `client_id` out of the form, where it is optional (RFC 7521 §4.2).
    #[must_use]
    pub const fn without_client_id(mut self) -> Self {
        self.profile.sends_client_id = false;
        self
    }

    /// Adds `x5t#S256`, the SHA-256 hash of the key's certificate (RFC 7515 §4.1.8).
    #[must_use]
    pub fn x5t_s256(self) -> Self {
        self.certificate_header(CertificateHeader::X5tS256)
    }

    /// Adds `x5t`, the SHA-1 hash of the key's certificate (RFC 7515 §4.1.7), for servers that know nothing better.
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

    /// Adds a claim, replacing one of the same name that was added before.
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

    /// The first step: everything but the signature, for the token endpoint. The key, here or elsewhere, only says
    /// its algorithm and its public part. The `jti` must never have been used before; a UUID v4 will do.
    ///
    /// # Errors
    ///
    /// Every [`OAuthError`] of a builder whose parts do not fit: [`ClientId`](OAuthError::ClientId),
    /// [`TokenId`](OAuthError::TokenId), [`Lifetime`](OAuthError::Lifetime), [`Time`](OAuthError::Time),
    /// [`ProfileAlgorithm`](OAuthError::ProfileAlgorithm), [`NoCertificate`](OAuthError::NoCertificate),
    /// [`EmptyAudience`](OAuthError::EmptyAudience), [`NotKnown`](OAuthError::NotKnown),
    /// [`ForeignAudience`](OAuthError::ForeignAudience).
    pub fn prepare<S: Signer + ?Sized>(
        &self,
        signer: &S,
        now: OffsetDateTime,
        jti: impl AsRef<str>,
    ) -> Result<UnsignedAssertion, OAuthError> {
        self.check()?;
        let jti = jti.as_ref();
        if jti.is_empty() || jti.len() > 256 {
            return Err(OAuthError::TokenId { found: jti.len() });
        }
        let algorithm = signer.algorithm();
        self.profile.check(algorithm)?;
        let header = self.header(signer)?;

        let aud = self.server.audience(self.profile.audience.as_ref(), self.server.token_endpoint())?;
        if aud.is_empty() {
            return Err(OAuthError::EmptyAudience);
        }
        let iat = seconds(now)?;
        let exp = iat.checked_add(self.profile.lifetime.as_secs()).ok_or(OAuthError::Time)?;
        let expires_at = i64::try_from(exp)
            .ok()
            .and_then(|exp| OffsetDateTime::from_unix_timestamp(exp).ok())
            .ok_or(OAuthError::Time)?;
        let claims = Claims {
            iss: &self.client_id,
            sub: &self.client_id,
            aud,
            jti,
            iat,
            exp,
            nbf: self.profile.not_before.map(|set_back| iat.saturating_sub(set_back.as_secs())),
            more: &self.claims,
        };
        Ok(UnsignedAssertion {
            signing_input: jws::signing_input(&json(&header), &json(&claims)),
            algorithm,
            client_id: self.client_id.clone(),
            sends_client_id: self.profile.sends_client_id,
            expires_at,
        })
    }

    /// Both steps with a key in this process.
    ///
    /// # Errors
    ///
    /// As [`ClientAssertionBuilder::prepare`], and [`OAuthError::Key`] when the key cannot sign.
    pub fn sign(
        &self,
        key: &PrivateKey,
        now: OffsetDateTime,
        jti: impl AsRef<str>,
    ) -> Result<ClientAssertion, OAuthError> {
        let unsigned = self.prepare(key, now, jti)?;
        unsigned.attach(key.sign(unsigned.signing_input())?)
    }

    /// What can be said before there is a key and a time: the client id.
    ///
    /// # Errors
    ///
    /// [`OAuthError::ClientId`].
    pub(crate) fn check(&self) -> Result<(), OAuthError> {
        if self.client_id.is_empty() {
            return Err(OAuthError::ClientId { reason: "empty" });
        }
        // RFC 6749 A.1
        if !self.client_id.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) {
            return Err(OAuthError::ClientId { reason: "not printable ASCII (RFC 6749 A.1)" });
        }
        Ok(())
    }

    /// The server that the assertion is for.
    #[cfg(feature = "client")]
    pub(crate) const fn server(&self) -> &AuthorizationServer {
        &self.server
    }

    fn header<S: Signer + ?Sized>(&self, signer: &S) -> Result<Header<'_>, OAuthError> {
        let jwk = signer.public_jwk();
        let mut header = Header {
            alg: signer.algorithm(),
            kid: self.profile.sends_key_id.then(|| {
                jwk.key_id().map_or_else(|| jwk.thumbprint().to_string(), |key_id| key_id.as_str().to_owned())
            }),
            typ: self.profile.media_type.as_deref(),
            x5t_s256: None,
            x5t: None,
            x5c: None,
        };
        for wanted in &self.certificate_headers {
            let leaf = |member| {
                let der = jwk.certificates().first().ok_or(OAuthError::NoCertificate { member })?;
                Ok::<_, OAuthError>(Certificate::from_der(der.clone())?)
            };
            match wanted {
                CertificateHeader::X5tS256 => {
                    header.x5t_s256 = Some(base64url::encode(leaf("x5t#S256")?.sha256()));
                }
                CertificateHeader::X5t => header.x5t = Some(base64url::encode(leaf("x5t")?.sha1())),
                CertificateHeader::X5c => {
                    leaf("x5c")?;
                    header.x5c = Some(jwk.certificates().iter().map(base64url::encode_standard).collect());
                }
            }
        }
        Ok(header)
    }
}

#[derive(Serialize)]
struct Header<'a> {
    alg: Algorithm,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    typ: Option<&'a str>,
    #[serde(rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    x5t_s256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x5t: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x5c: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: String,
    jti: &'a str,
    iat: u64,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<u64>,
    #[serde(flatten)]
    more: &'a Map<String, Value>,
}

/// Structures of strings and numbers; serializing them to memory cannot fail.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

fn seconds(now: OffsetDateTime) -> Result<u64, OAuthError> {
    u64::try_from(now.unix_timestamp()).map_err(|_| OAuthError::Time)
}

/// An assertion that lacks its signature.
pub struct UnsignedAssertion {
    signing_input: String,
    algorithm: Algorithm,
    client_id: String,
    sends_client_id: bool,
    expires_at: OffsetDateTime,
}

impl UnsignedAssertion {
    /// The bytes to sign (RFC 7515 §5.1 step 5).
    #[must_use]
    pub fn signing_input(&self) -> &[u8] {
        self.signing_input.as_bytes()
    }

    /// The algorithm that the header names.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The second step: the signature, wherever it was made. Whether it is the key's own is for the server to say.
    ///
    /// # Errors
    ///
    /// [`OAuthError::SignatureAlgorithm`] when it is of another algorithm than the header names.
    pub fn attach(&self, signature: Signature) -> Result<ClientAssertion, OAuthError> {
        if signature.algorithm() != self.algorithm {
            let found = signature.algorithm();
            return Err(OAuthError::SignatureAlgorithm { expected: self.algorithm, found });
        }
        Ok(ClientAssertion {
            jwt: Zeroizing::new(jws::compact(&self.signing_input, &signature)),
            client_id: self.client_id.clone(),
            sends_client_id: self.sends_client_id,
            expires_at: self.expires_at,
        })
    }
}

impl std::fmt::Debug for UnsignedAssertion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnsignedAssertion")
            .field("client_id", &self.client_id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::CompactJws;

    const NOW: i64 = 1_800_000_000;

    fn now() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(NOW).unwrap()
    }

    fn key() -> PrivateKey {
        let seed = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
            "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"k1"}"#;
        PrivateKey::from_bytes(seed.as_bytes()).unwrap()
    }

    fn builder() -> ClientAssertionBuilder {
        let server = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
        ClientAssertion::builder("client", &server)
    }

    fn parts(builder: &ClientAssertionBuilder) -> (String, String) {
        let assertion = builder.sign(&key(), now(), "j1").unwrap();
        let [header, claims] = [0, 1].map(|part| assertion.secret().split('.').nth(part).unwrap().to_owned());
        CompactJws::parse(assertion.secret()).unwrap();
        let text = |part: String| String::from_utf8(base64url::decode("x", &part).unwrap()).unwrap();
        (text(header), text(claims))
    }

    #[test]
    fn rfc7523_3_an_audience_alone_need_not_be_a_url() {
        let p256 = PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap();
        let builder = ClientAssertion::builder_for_audience("client", "urn:example:as");
        for builder in [builder.clone(), builder.clone().profile(Profile::ping_one())] {
            let unsigned = builder.audience(Audience::TokenEndpoint).prepare(&p256, now(), "j1");
            let claims = unsigned.unwrap().signing_input;
            let claims = base64url::decode("x", claims.split('.').nth(1).unwrap()).unwrap();
            assert!(String::from_utf8(claims).unwrap().contains(r#""aud":"urn:example:as""#));
        }
        let empty = ClientAssertion::builder_for_audience("client", "");
        assert!(matches!(empty.sign(&key(), now(), "j1"), Err(OAuthError::EmptyAudience)));
    }

    #[test]
    fn rfc7523_3_the_default_assertion_byte_for_byte() {
        let (header, claims) = parts(&builder());
        assert_eq!(header, r#"{"alg":"EdDSA","kid":"k1","typ":"client-authentication+jwt"}"#);
        assert_eq!(
            claims,
            r#"{"iss":"client","sub":"client","aud":"https://as.example","jti":"j1","iat":1800000000,"exp":1800000060}"#
        );
        let again = builder().sign(&key(), now(), "j1").unwrap();
        assert_eq!(again.secret(), builder().sign(&key(), now(), "j1").unwrap().secret());
        assert_eq!(again.expires_at(), now() + time::Duration::seconds(60));
    }

    #[test]
    fn every_option_shows_up() {
        let changed = builder()
            .audience(Audience::Exactly("urn:x".to_owned()))
            .lifetime(Duration::from_secs(10))
            .not_before(Duration::from_secs(5))
            .media_type(None)
            .without_key_id()
            .claim("tenant", "t1")
            .unwrap();
        let (header, claims) = parts(&changed);
        assert_eq!(header, r#"{"alg":"EdDSA"}"#);
        assert_eq!(
            claims,
            r#"{"iss":"client","sub":"client","aud":"urn:x","jti":"j1","iat":1800000000,"exp":1800000010,"nbf":1799999995,"tenant":"t1"}"#
        );
    }

    #[test]
    fn rfc7521_4_2_the_form_has_the_client_id_unless_it_is_left_out() {
        let assertion = builder().sign(&key(), now(), "j1").unwrap();
        assert_eq!(
            assertion.form(),
            [
                ("client_assertion_type", CLIENT_ASSERTION_TYPE),
                ("client_assertion", assertion.secret()),
                ("client_id", "client")
            ]
        );
        let assertion = builder().without_client_id().sign(&key(), now(), "j1").unwrap();
        assert_eq!(assertion.form().len(), 2);
    }

    #[test]
    fn extra_claims_cannot_overwrite() {
        for name in ["iss", "sub", "aud", "jti", "exp", "iat", "nbf"] {
            let result = builder().claim(name, "x");
            assert!(matches!(result, Err(OAuthError::ReservedClaim { name: found }) if found == name));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let server = builder().server;
        let error = |builder: ClientAssertionBuilder| builder.sign(&key(), now(), "j1").unwrap_err();
        assert!(matches!(
            error(ClientAssertion::builder("", &server)),
            OAuthError::ClientId { reason: "empty" }
        ));
        assert!(matches!(error(ClientAssertion::builder("a\nb", &server)), OAuthError::ClientId { .. }));
        let limit = Duration::from_secs(86_400);
        for found in [Duration::ZERO, Duration::from_millis(999), Duration::MAX] {
            assert!(matches!(
                error(builder().lifetime(found)),
                OAuthError::Lifetime { found: f, limit: l } if f == found && l == limit
            ));
        }
        assert!(matches!(
            error(builder().audience(Audience::Exactly(String::new()))),
            OAuthError::EmptyAudience
        ));
        assert!(matches!(error(builder().x5c()), OAuthError::NoCertificate { member: "x5c" }));
        assert!(matches!(
            error(builder().profile(Profile::ping_one())),
            OAuthError::ProfileAlgorithm { profile: "PingOne", algorithm: Algorithm::EdDSA }
        ));
        assert!(matches!(
            error(builder().profile(Profile::ping_one()).lifetime(Duration::from_secs(3601))),
            OAuthError::ProfileAlgorithm { .. }
        ));
        for jti in [String::new(), "x".repeat(257)] {
            let result = builder().prepare(&key(), now(), &jti);
            assert!(matches!(result, Err(OAuthError::TokenId { found }) if found == jti.len()));
        }
        let before_1970 = now() - time::Duration::seconds(NOW + 1);
        assert!(matches!(builder().prepare(&key(), before_1970, "j"), Err(OAuthError::Time)));
    }

    #[test]
    fn a_signature_of_another_algorithm_is_not_attached() {
        let unsigned = builder().prepare(&key(), now(), "j1").unwrap();
        let other = key().with_algorithm(Algorithm::Ed25519).unwrap().sign(unsigned.signing_input()).unwrap();
        assert!(matches!(
            unsigned.attach(other),
            Err(OAuthError::SignatureAlgorithm { expected: Algorithm::EdDSA, found: Algorithm::Ed25519 })
        ));
    }

    #[test]
    fn debug_is_redacted() {
        let assertion = builder().sign(&key(), now(), "j1").unwrap();
        let debug = format!("{assertion:?} {:?}", builder().prepare(&key(), now(), "j1").unwrap());
        assert!(!debug.contains("eyJ"), "{debug}");
    }
}
