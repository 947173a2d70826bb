use std::time::Duration;

use super::super::audience::AudiencePolicy;
use super::super::form;
use super::super::rules::JwtRules;
use crate::jose::Algorithm;
use crate::jose::secret_form::Shown;

/// Checks client assertions as an authorization server does. By default, only the issuer is
/// accepted as audience, every algorithm of this crate is allowed (the client's registered
/// algorithm decides), an assertion lives at most five minutes, and clocks may differ by ten
/// seconds (FAPI 2.0 §5.3.2.1).
///
/// [`parse_request`](Self::parse_request) looks at the header fields and the form of a request. For
/// a caller that has only the form, there is [`parse`](Self::parse). That caller must itself reject
/// a request with an `Authorization` header, which is a second authentication method (RFC 6749
/// §2.3).
///
/// ```
/// use private_key_jwt::verifier::{ClientAssertionVerifier, InMemoryReplayStore, ReplayStore};
/// use private_key_jwt::{
///     Algorithm, AuthorizationServer, ClientAssertion, JwkSet, PrivateKey, PublicKeySet, TokenRequest,
/// };
/// use time::OffsetDateTime;
///
/// # async fn handle() -> Result<(), Box<dyn std::error::Error>> {
/// // The client's side.
/// let server = AuthorizationServer::new("https://as.example", "https://as.example/token")?;
/// let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
/// let jwks = PublicKeySet::from(JwkSet::from(key.public_jwk().clone())); // kept: its keys are parsed once
/// let now = OffsetDateTime::now_utc();
/// let assertion = ClientAssertion::builder("client", &server).sign(&key, now, "jti-1")?;
/// let body = TokenRequest::client_credentials(()).to_http(&server, &assertion)?.into_body();
///
/// // The server's side.
/// let verifier = ClientAssertionVerifier::new("https://as.example");
/// let replay = InMemoryReplayStore::default();
/// let unverified = verifier.parse(&body)?;
/// assert_eq!(unverified.client_id(), "client"); // claimed: look up its keys
/// let verified = unverified.verify(&jwks, Algorithm::ES256, now)?;
/// assert_eq!(replay.spend(verified, now).await?, "client"); // proven
/// # Ok(()) }
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(handle())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ClientAssertionVerifier {
    pub(super) issuer: String,
    pub(super) audience: AudiencePolicy,
    pub(super) typed_only: bool,
    pub(super) accepts_missing_jti: bool,
    pub(super) rules: JwtRules,
}

impl std::fmt::Debug for ClientAssertionVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientAssertionVerifier")
            .field("issuer", &Shown(&self.issuer))
            .field("audience", &self.audience)
            .field("typed_only", &self.typed_only)
            .field("accepts_missing_jti", &self.accepts_missing_jti)
            .field("rules", &self.rules)
            .finish()
    }
}

impl ClientAssertionVerifier {
    /// The maximum length of a form, in bytes. Longer forms are not decoded.
    pub const MAX_FORM_LEN: usize = form::MAX_LEN;
    /// The maximum length of an assertion, in bytes. Longer assertions are not decoded.
    pub const MAX_ASSERTION_LEN: usize = JwtRules::MAX_LEN;
    /// The largest accepted [`leeway`](Self::leeway).
    pub const MAX_LEEWAY: Duration = JwtRules::MAX_LEEWAY;

    /// Accepts assertions for this issuer, compared byte for byte. If the issuer is empty or only
    /// white space, no assertion is accepted
    /// ([`VerifierError::EmptySetting`](crate::verifier::VerifierError::EmptySetting)).
    #[must_use]
    pub fn new(issuer: impl Into<String>) -> Self {
        let issuer = issuer.into();
        let mut rules = JwtRules::new(Duration::from_secs(300));
        rules.settings.text("issuer", &issuer);
        Self {
            issuer,
            audience: AudiencePolicy::Strict,
            typed_only: false,
            accepts_missing_jti: false,
            rules,
        }
    }

    /// Sets the audiences that an assertion may have. Default: [`AudiencePolicy::Strict`]. If an
    /// audience is empty or only white space, no assertion is accepted.
    #[must_use]
    pub fn audience_policy(mut self, policy: AudiencePolicy) -> Self {
        for audience in policy.others() {
            self.rules.settings.text("audience_policy", audience);
        }
        self.audience = policy;
        self
    }

    /// Allows only these algorithms (RFC 8725 §3.2). `EdDSA` and `Ed25519` count as one
    /// ([`Algorithm::is_same_as`]).
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.rules.allow(algorithms);
        self
    }

    /// Sets the maximum difference between the clocks, at most 60 s. Default: 10 s.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.rules.set_leeway(leeway);
        self
    }

    /// Sets the longest lifetime of an assertion. Default: 300 s. The replay store must remember a
    /// `jti` for that long.
    #[must_use]
    pub fn longest_lifetime(mut self, lifetime: Duration) -> Self {
        self.rules.set_longest_lifetime(lifetime);
        self
    }

    /// Rejects assertions without `typ: client-authentication+jwt`. By default, a missing `typ` and
    /// `JWT` are accepted too, as RFC 10070 §4.1 asks of servers, unless a claim shows that the JWT
    /// is of another kind: an authorization grant or request object (`scope`, `client_id` of
    /// another client, `redirect_uri`, …), an ID token (`nonce`, `at_hash`, …), a security event
    /// (`events`), a DPoP proof (`htm`). The `typ` of another kind is never accepted.
    ///
    /// One case remains by default: if a client signs a grant for itself (RFC 7523 §2.1) without a
    /// type and with none of these claims, that grant is also a valid client assertion. Only the
    /// type tells the two apart.
    #[must_use]
    pub const fn typed_only(mut self) -> Self {
        self.typed_only = true;
        self
    }

    /// Accepts assertions without `jti`, which RFC 7523 §3 leaves optional: kafka-clients sends
    /// none by default. By default, they are rejected, since OpenID Connect Core §9 requires it.
    ///
    /// The replay store then remembers a SHA-256 hash of the signed header and claims, so a copy is
    /// still rejected. The price is that clients lose their independence: if two processes make the
    /// same assertion in the same second, with nothing to tell them apart, the two use up one
    /// assertion, and the second is rejected
    /// ([`VerifierError::ReplayedWithoutJti`](crate::verifier::VerifierError::ReplayedWithoutJti)).
    #[must_use]
    pub const fn accept_missing_jti(mut self) -> Self {
        self.accepts_missing_jti = true;
        self
    }
}
