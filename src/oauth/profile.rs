use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::audience::{AudienceArray, TrailingSlash};
use super::below::Territory;
use super::certificate_headers::CertificateHeaders;
use super::rules::Rules;
use super::{AcceptedAudience, Audience};
use crate::jose::Algorithm;

/// The rules of one kind of authorization server for client assertions.
///
/// The default is the strict reading of RFC 10070 and FAPI 2.0: the issuer as the only audience, a
/// lifetime of 60 s, `typ: client-authentication+jwt`, `kid`, no `nbf`, and `client_id` in the
/// form. A named profile differs where the documentation of its server does.
/// [`Profile::rules`] returns the rules, and [`Profile::source`] where they come from.
///
/// # Settings that a profile refuses
///
/// A setting of [`ClientAssertionBuilder`](super::ClientAssertionBuilder) or of
/// `TokenClientBuilder` takes precedence over the same setting of the profile, regardless of the
/// order of the calls. But a profile also knows what its server rejects, whatever the settings
/// are. Building a client, or preparing an assertion, fails with
///
/// | the server rejects | error |
/// | --- | --- |
/// | the algorithm | [`ProfileAlgorithm`](super::OAuthError::ProfileAlgorithm) |
/// | the size of an RSA key | [`ProfileKeySize`](super::OAuthError::ProfileKeySize) |
/// | the lifetime | [`Lifetime`](super::OAuthError::Lifetime) |
/// | the issuer or an endpoint as audience | [`ProfileAudience`](super::OAuthError::ProfileAudience) |
/// | the `typ` | [`ProfileMediaType`](super::OAuthError::ProfileMediaType) |
/// | a missing `kid`, `client_id` or certificate | [`ProfileRequires`](super::OAuthError::ProfileRequires) |
///
/// An audience that is neither the issuer nor an endpoint of the server, such as the URL behind a
/// proxy, is not refused: only the user can know it.
///
/// If the server has changed its rules, change the profile:
/// `Profile::auth0().algorithms([Algorithm::ES256])`. [`audience`](Self::audience) and
/// [`media_type`](Self::media_type) also reset what the profile accepts.
///
/// # A profile of your own
///
/// Start with the server's documentation, or with what a client that works sends (`pkjwt inspect`
/// decodes it). Set what the server needs, then what it rejects, so that a mistake fails at
/// startup and not at the server:
///
/// ```
/// use std::time::Duration;
///
/// use private_key_jwt::oauth::AcceptedAudience;
/// use private_key_jwt::{Algorithm, Audience, AuthorizationServer, ClientAssertion, PrivateKey, Profile};
/// use time::OffsetDateTime;
///
/// let bank = Profile::new("my bank")
///     .audience(Audience::TokenEndpoint)
///     .accept_audiences([AcceptedAudience::CalledEndpoint])
///     .algorithms([Algorithm::PS256, Algorithm::ES256])
///     .longest_lifetime(Duration::from_secs(300))
///     .media_type(Some("JWT"))
///     .x5t_s256()
///     .documented("https://bank.example/oauth", "2026-11-21");
///
/// let server = AuthorizationServer::new("https://as.example", "https://as.example/token")?;
/// let key = PrivateKey::generate(Algorithm::ES384)?.private_key()?;
/// let builder = ClientAssertion::builder("client", &server).profile(bank);
/// let error = builder.sign(&key, OffsetDateTime::now_utc(), "a-fresh-jti").unwrap_err();
/// assert_eq!(error.to_string(), "my bank does not accept ES384, only PS256 or ES256");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Profile {
    pub(super) name: &'static str,
    pub(super) algorithms: Cow<'static, [Algorithm]>,
    pub(super) smallest_rsa_key: usize,
    pub(super) longest_lifetime: Option<Duration>,
    /// Empty if it is not known.
    pub(super) accepted_audiences: Cow<'static, [AcceptedAudience]>,
    pub(super) trailing_slash: TrailingSlash,
    /// The `typ` headers that the server accepts; `None` for a missing one. Empty if it accepts
    /// any, or if it is not known.
    pub(super) accepted_media_types: Cow<'static, [Option<Cow<'static, str>>]>,
    pub(super) audience_array: AudienceArray,
    pub(super) requires_token_id: bool,
    pub(super) requires_key_id: bool,
    pub(super) requires_client_id: bool,
    pub(super) required_certificate: CertificateHeaders,
    pub(super) source: Option<ProfileSource>,
    pub(super) note: Option<&'static str>,
    /// Which endpoints of the metadata may be the audience.
    pub(super) territory: Territory,
    pub(super) rules: Rules,
}

/// Where the rules of a [`Profile`] come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProfileSource {
    /// The documents, servers or sources, in words or as URLs.
    pub documents: &'static str,
    /// The day or month in which they were read, such as `2026-11-21`.
    pub date: &'static str,
    /// Open questions, if any: what the documents do not say, or what was not tried.
    pub unconfirmed: Option<&'static str>,
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
            smallest_rsa_key: 2048,
            longest_lifetime: None,
            accepted_audiences: Cow::Borrowed(&[]),
            trailing_slash: TrailingSlash::default(),
            accepted_media_types: Cow::Borrowed(&[]),
            audience_array: AudienceArray::default(),
            requires_token_id: false,
            requires_key_id: false,
            requires_client_id: false,
            required_certificate: CertificateHeaders::default(),
            source: None,
            note: None,
            territory: Territory::BelowIssuer,
            rules: Rules::default(),
        }
    }

    /// Sets the audience of the assertions, and accepts any other audience in the settings.
    /// Default: the issuer, or the token endpoint if no issuer is known.
    #[must_use]
    pub fn audience(mut self, audience: Audience) -> Self {
        self.rules.audience = Some(audience);
        self.accepted_audiences = Cow::Borrowed(&[]);
        self
    }

    /// Sets the audiences that the server accepts. Call it after [`audience`](Self::audience).
    /// Default: any.
    #[must_use]
    pub fn accept_audiences(mut self, audiences: impl Into<Vec<AcceptedAudience>>) -> Self {
        self.accepted_audiences = Cow::Owned(audiences.into());
        self
    }

    /// Sets how the server treats a slash at the end of an audience.
    pub(super) const fn trailing_slash(mut self, slash: TrailingSlash) -> Self {
        self.trailing_slash = slash;
        self
    }

    /// Sets how the server treats an array as audience.
    pub(super) const fn audience_array(mut self, array: AudienceArray) -> Self {
        self.audience_array = array;
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

    /// Sets the smallest RSA key that the server accepts, in bits. Default: 2048, which is also the
    /// smallest that this crate loads.
    #[must_use]
    pub const fn smallest_rsa_key(mut self, bits: usize) -> Self {
        self.smallest_rsa_key = bits;
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
        self.longest_lifetime = Some(lifetime);
        self
    }

    /// Adds `nbf`, set to this long before `iat`, for servers that require one.
    #[must_use]
    pub const fn not_before(mut self, set_back: Duration) -> Self {
        self.rules.not_before = Some(set_back);
        self
    }

    /// Sets the `typ` header (RFC 7515 §4.1.9), and accepts any other one in the settings. `None`
    /// or an empty one omits it. Default: `client-authentication+jwt`.
    #[must_use]
    pub fn media_type(mut self, media_type: Option<&str>) -> Self {
        self.rules.set_media_type(media_type);
        self.accepted_media_types = Cow::Borrowed(&[]);
        self
    }

    /// Sets the `typ` headers that the server accepts, compared as in RFC 7515 §4.1.9. `None`
    /// stands for a missing one. Call it after [`media_type`](Self::media_type). Default: any.
    #[must_use]
    pub fn accept_media_types(mut self, media_types: &[Option<&str>]) -> Self {
        let owned = |typ: &Option<&str>| typ.map(|typ| Cow::Owned(typ.to_owned()));
        self.accepted_media_types = media_types.iter().map(owned).collect();
        self
    }

    /// Omits `kid` from the header. The server must then try each key of the client.
    #[must_use]
    pub const fn without_key_id(mut self) -> Self {
        self.rules.sends_key_id = Some(false);
        self.requires_key_id = false;
        self
    }

    /// Refuses settings that omit `kid`.
    #[must_use]
    pub const fn require_key_id(mut self) -> Self {
        self.rules.sends_key_id = Some(true);
        self.requires_key_id = true;
        self
    }

    /// Lets [`examine`](Self::examine) reject a foreign assertion without `jti`. The assertions of
    /// this crate always have one.
    #[must_use]
    pub const fn require_token_id(mut self) -> Self {
        self.requires_token_id = true;
        self
    }

    /// Omits `client_id` from the form, where it is optional (RFC 7521 §4.2).
    #[must_use]
    pub const fn without_client_id(mut self) -> Self {
        self.rules.sends_client_id = Some(false);
        self.requires_client_id = false;
        self
    }

    /// Refuses settings that omit `client_id` from the form.
    #[must_use]
    pub const fn require_client_id(mut self) -> Self {
        self.rules.sends_client_id = Some(true);
        self.requires_client_id = true;
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

    /// Refuses a key without a certificate: the server needs the certificate headers that were set
    /// before this call.
    #[must_use]
    pub const fn require_certificate(mut self) -> Self {
        self.required_certificate = self.rules.certificate;
        self
    }

    /// Sets the source of the rules and the date on which it was read, for tables and messages.
    #[must_use]
    pub const fn documented(mut self, documents: &'static str, date: &'static str) -> Self {
        self.source = Some(ProfileSource { documents, date, unconfirmed: None });
        self
    }

    /// Sets what the documents do not say, or what was not tried.
    pub(super) const fn unconfirmed(mut self, questions: &'static str) -> Self {
        if let Some(source) = &mut self.source {
            source.unconfirmed = Some(questions);
        }
        self
    }

    /// Sets what else a user of this server must know.
    #[must_use]
    pub const fn noted(mut self, note: &'static str) -> Self {
        self.note = Some(note);
        self
    }

    /// The kind of server, for messages.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What else a user of this server must know, such as how a key must be registered.
    #[must_use]
    pub const fn note(&self) -> Option<&'static str> {
        self.note
    }

    /// Where the rules come from, if the profile says so.
    #[must_use]
    pub const fn source(&self) -> Option<&ProfileSource> {
        self.source.as_ref()
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("name", &self.name)
            .field("algorithms", &self.algorithms)
            .field("longest_lifetime", &self.longest_lifetime)
            .field("accepted_audiences", &self.accepted_audiences)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::new("the default profile")
    }
}
