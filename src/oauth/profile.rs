use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::below::Territory;
use super::rules::Rules;
use super::{Audience, OAuthError};
use crate::jose::Algorithm;

/// The rules of one kind of authorization server for client assertions.
///
/// The default is the strict reading of RFC 10070 and FAPI 2.0: the issuer as the only audience, a
/// lifetime of 60 s, `typ: client-authentication+jwt`, `kid`, no `nbf`, and `client_id` in the
/// form. A named profile differs where the documentation of its server does.
///
/// A setting of [`ClientAssertionBuilder`](super::ClientAssertionBuilder) or of
/// `TokenClientBuilder` takes precedence over the same setting of the profile, regardless of the
/// order of the calls.
///
/// For a server without a named profile, write one:
///
/// ```
/// use std::time::Duration;
///
/// use private_key_jwt::{Algorithm, Audience, AuthorizationServer, ClientAssertion, PrivateKey, Profile};
/// use time::OffsetDateTime;
///
/// let bank = Profile::new("my bank")
///     .audience(Audience::TokenEndpoint)
///     .algorithms([Algorithm::PS256, Algorithm::ES256])
///     .longest_lifetime(Duration::from_secs(300))
///     .media_type(Some("JWT"))
///     .x5t_s256();
///
/// let server = AuthorizationServer::new("https://as.example", "https://as.example/token")?;
/// let key = PrivateKey::generate(Algorithm::ES384)?.private_key()?;
/// let builder = ClientAssertion::builder("client", &server).profile(bank);
/// let error = builder.sign(&key, OffsetDateTime::now_utc(), "a-fresh-jti").unwrap_err();
/// assert_eq!(error.to_string(), "my bank does not accept ES384");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Profile {
    name: &'static str,
    algorithms: Cow<'static, [Algorithm]>,
    longest_lifetime: Duration,
    /// Which endpoints of the metadata may be the audience.
    pub(super) territory: Territory,
    pub(super) rules: Rules,
}

impl Profile {
    /// The default lifetime of an assertion: 60 s.
    pub const LIFETIME: Duration = Duration::from_secs(60);

    /// Creates a profile with the default rules. Error messages contain its name.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            algorithms: Cow::Borrowed(&Algorithm::ALL),
            longest_lifetime: Duration::from_secs(24 * 3600),
            territory: Territory::BelowIssuer,
            rules: Rules::default(),
        }
    }

    /// Sets the audience of the assertions. Default: the issuer, or the token endpoint if no issuer
    /// is known.
    #[must_use]
    pub fn audience(mut self, audience: Audience) -> Self {
        self.rules.audience = Some(audience);
        self
    }

    /// Sets which endpoints of the metadata may be the audience.
    pub(super) const fn within(mut self, territory: Territory) -> Self {
        self.territory = territory;
        self
    }

    /// Sets the algorithms that the server accepts. Default: all.
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl Into<Vec<Algorithm>>) -> Self {
        self.algorithms = Cow::Owned(algorithms.into());
        self
    }

    /// Sets the lifetime of an assertion, in whole seconds. Default: 60 s.
    #[must_use]
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.rules.lifetime = Some(lifetime);
        self
    }

    /// Sets the longest lifetime that the server accepts. Default: 24 h.
    #[must_use]
    pub const fn longest_lifetime(mut self, lifetime: Duration) -> Self {
        self.longest_lifetime = lifetime;
        self
    }

    /// Adds `nbf`, set to this long before `iat`, for servers that require one.
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

    /// Omits `client_id` from the form, where it is optional (RFC 7521 §4.2).
    #[must_use]
    pub const fn without_client_id(mut self) -> Self {
        self.rules.sends_client_id = Some(false);
        self
    }

    /// Adds `x5t#S256`, the SHA-256 thumbprint of the certificate (RFC 7515 §4.1.8), if the key has
    /// a certificate.
    #[must_use]
    pub const fn x5t_s256(mut self) -> Self {
        self.rules.certificate.x5t_s256 = true;
        self
    }

    /// Adds `x5t`, the SHA-1 thumbprint of the certificate (RFC 7515 §4.1.7), if the key has a
    /// certificate.
    #[must_use]
    pub const fn x5t(mut self) -> Self {
        self.rules.certificate.x5t = true;
        self
    }

    /// Adds `x5c`, the certificate chain (RFC 7515 §4.1.6), if the key has one.
    #[must_use]
    pub const fn x5c(mut self) -> Self {
        self.rules.certificate.x5c = true;
        self
    }

    /// The kind of server, for messages.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn check(&self, algorithm: Algorithm, lifetime: Duration) -> Result<(), OAuthError> {
        if !self.algorithms.contains(&algorithm) {
            return Err(OAuthError::ProfileAlgorithm { profile: self.name, algorithm });
        }
        if lifetime < Duration::from_secs(1) || lifetime > self.longest_lifetime {
            return Err(OAuthError::Lifetime { found: lifetime, limit: self.longest_lifetime });
        }
        Ok(())
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("name", &self.name)
            .field("algorithms", &self.algorithms)
            .field("longest_lifetime", &self.longest_lifetime)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::new("the default profile")
    }
}
