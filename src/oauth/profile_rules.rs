//! What a profile says, for tables, for checks of foreign assertions, and for messages.

use std::fmt;
use std::time::Duration;

use super::audience::TrailingSlash;
use super::{AcceptedAudience, Audience, CLIENT_AUTHENTICATION_JWT, Profile};
use crate::jose::Algorithm;
use crate::jose::secret_form::setting;

/// The rules of a [`Profile`]: what its assertions say by default, and what its server accepts.
#[derive(Clone, Copy, Debug)]
pub struct ProfileRules<'a> {
    profile: &'a Profile,
}

impl Profile {
    /// The longest lifetime of an assertion under a profile that sets none: 24 h.
    pub(super) const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 3600);

    /// The rules.
    ///
    /// ```
    /// use private_key_jwt::{Algorithm, Profile};
    ///
    /// let auth0 = Profile::auth0();
    /// assert_eq!(auth0.rules().algorithms(), [Algorithm::RS256, Algorithm::RS384, Algorithm::PS256]);
    /// assert_eq!(auth0.rules().longest_lifetime().as_secs(), 300);
    /// assert!(!auth0.rules().requires_key_id());
    /// ```
    #[must_use]
    pub const fn rules(&self) -> ProfileRules<'_> {
        ProfileRules { profile: self }
    }

    /// The table row of the profile: a name for each column, and its text. The
    /// [short name](Profile::known) of a provider is not part of it.
    #[must_use]
    pub fn row(&self) -> [(&'static str, String); 8] {
        let rules = self.rules();
        let source = self.source();
        [
            ("profile", self.name.to_owned()),
            ("audience", rules.audience_text()),
            ("typ", rules.media_type().map_or_else(|| "none".to_owned(), setting)),
            ("algorithms", rules.algorithms_text()),
            ("longest lifetime", self.longest_lifetime.map_or_else(|| "not known".to_owned(), span)),
            ("header", rules.header_text()),
            ("date", source.map_or_else(String::new, |source| source.date.to_owned())),
            ("source", source.map_or_else(String::new, |source| source.documents.to_owned())),
        ]
    }
}

/// The [row](Profile::row) as one of a Markdown table.
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("|")?;
        self.row().iter().try_for_each(|(_, text)| write!(f, " {text} |"))
    }
}

impl<'a> ProfileRules<'a> {
    /// The audience of the assertions. `None`: the issuer, or the token endpoint if no issuer is
    /// known.
    #[must_use]
    pub const fn audience(self) -> Option<&'a Audience> {
        self.profile.rules.audience.as_ref()
    }

    /// The audiences that the server is known to accept. Empty if the profile does not know, so
    /// that none is refused.
    #[must_use]
    pub fn accepted_audiences(self) -> &'a [AcceptedAudience] {
        &self.profile.accepted_audiences
    }

    /// Whether the issuer of such a server ends with a slash, which the audience must have.
    #[must_use]
    pub fn issuer_ends_with_slash(self) -> bool {
        self.profile.trailing_slash == TrailingSlash::EndsIssuer
    }

    /// Whether the server takes one audience for the other: login.gov ignores a slash at the end,
    /// and all others compare them byte for byte.
    pub(crate) fn is_same_audience(self, one: &str, other: &str) -> bool {
        match self.profile.trailing_slash {
            TrailingSlash::Ignored => without_slash(one) == without_slash(other),
            TrailingSlash::Significant | TrailingSlash::EndsIssuer => one == other,
        }
    }

    /// The `typ` of the assertions. `None`: they have none.
    #[must_use]
    pub fn media_type(self) -> Option<&'a str> {
        self.profile.rules.media_type().unwrap_or(Some(CLIENT_AUTHENTICATION_JWT))
    }

    /// The `typ` headers that the server is known to accept; `None` stands for a missing one. Empty
    /// if the server accepts any, or if the profile does not know.
    #[must_use]
    pub fn accepted_media_types(self) -> Vec<Option<&'a str>> {
        self.profile.accepted_media_types.iter().map(Option::as_deref).collect()
    }

    /// The algorithms that the server accepts.
    #[must_use]
    pub fn algorithms(self) -> &'a [Algorithm] {
        &self.profile.algorithms
    }

    /// The smallest RSA key that the server accepts, in bits.
    #[must_use]
    pub const fn smallest_rsa_key(self) -> usize {
        self.profile.smallest_rsa_key
    }

    /// The lifetime of the assertions.
    #[must_use]
    pub fn lifetime(self) -> Duration {
        self.profile.rules.lifetime.unwrap_or(Profile::LIFETIME)
    }

    /// The longest lifetime that the server accepts, or 24 h if the profile does not know.
    #[must_use]
    pub fn longest_lifetime(self) -> Duration {
        self.profile.longest_lifetime.unwrap_or(Profile::LONGEST_LIFETIME)
    }

    /// Whether the profile knows the longest lifetime that the server accepts.
    #[must_use]
    pub const fn knows_longest_lifetime(self) -> bool {
        self.profile.longest_lifetime.is_some()
    }

    /// How far `nbf` lies before `iat`. `None`: the assertions have no `nbf`.
    #[must_use]
    pub const fn not_before(self) -> Option<Duration> {
        self.profile.rules.not_before
    }

    /// Whether the header has a `kid`.
    #[must_use]
    pub fn sends_key_id(self) -> bool {
        self.profile.rules.sends_key_id.unwrap_or(true)
    }

    /// Whether the server rejects an assertion without `kid`.
    #[must_use]
    pub const fn requires_key_id(self) -> bool {
        self.profile.requires_key_id
    }

    /// Whether the server rejects an assertion without `jti`.
    #[must_use]
    pub const fn requires_token_id(self) -> bool {
        self.profile.requires_token_id
    }

    /// Whether the form has a `client_id`.
    #[must_use]
    pub fn sends_client_id(self) -> bool {
        self.profile.rules.sends_client_id.unwrap_or(true)
    }

    /// Whether the server rejects a form without `client_id`.
    #[must_use]
    pub const fn requires_client_id(self) -> bool {
        self.profile.requires_client_id
    }

    /// The certificate headers (RFC 7515 §4.1.6–4.1.8) that an assertion has if its key has a
    /// certificate.
    #[must_use]
    pub fn certificate_headers(self) -> Vec<&'static str> {
        self.profile.rules.certificate.names()
    }

    /// The certificate headers that the server requires.
    #[must_use]
    pub fn required_certificate_headers(self) -> Vec<&'static str> {
        self.profile.required_certificate.names()
    }

    fn audience_text(self) -> String {
        let sent = match self.audience() {
            None | Some(Audience::Issuer) => "issuer".to_owned(),
            Some(Audience::TokenEndpoint) => "token endpoint".to_owned(),
            Some(Audience::CalledEndpoint) => "called endpoint".to_owned(),
            Some(Audience::Exactly(audience)) => setting(audience),
        };
        let slash = if self.issuer_ends_with_slash() { " with its slash" } else { "" };
        format!("{sent}{slash}")
    }

    /// The algorithms, with a family in one word: `RS256-512`.
    fn algorithms_text(self) -> String {
        const FAMILIES: [(&str, [Algorithm; 3]); 3] = [
            ("RS256-512", [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512]),
            ("PS256-512", [Algorithm::PS256, Algorithm::PS384, Algorithm::PS512]),
            ("ES256-512", [Algorithm::ES256, Algorithm::ES384, Algorithm::ES512]),
        ];
        if *self.algorithms() == Algorithm::ALL {
            return "any".to_owned();
        }
        let mut names: Vec<&str> = Vec::new();
        for algorithm in self.algorithms() {
            let whole = FAMILIES.iter().find(|(_, family)| {
                family.contains(algorithm) && family.iter().all(|other| self.algorithms().contains(other))
            });
            let name = whole.map_or(algorithm.as_str(), |(name, _)| name);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.join(", ")
    }

    fn header_text(self) -> String {
        let required = self.required_certificate_headers();
        let mut members = Vec::new();
        if self.requires_key_id() {
            members.push("kid (required)".to_owned());
        } else if self.sends_key_id() {
            members.push("kid".to_owned());
        }
        members.extend(self.certificate_headers().into_iter().map(|name| {
            if required.contains(&name) { format!("{name} (required)") } else { name.to_owned() }
        }));
        members.join(", ")
    }
}

/// A URL without the slash at its end.
pub(super) fn without_slash(url: &str) -> &str {
    url.strip_suffix('/').unwrap_or(url)
}

/// A duration in its largest whole unit.
fn span(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}
