use std::time::Duration;

use serde::ser::{SerializeMap, Serializer};
use time::Duration as Move;

use super::combination::Combination;
use super::request::Sent;
use super::words::span;
use crate::jose::Algorithm;
use crate::jose::error::excerpt;
use crate::oauth::{Audience, Profile, safe_url};

/// Settings that a server accepted in a [probe](super::Setup::probe), to be pasted: as a profile in
/// Rust ([`Setting::rust`]) or as options of `pkjwt` ([`Setting::options`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub(super) combination: Combination,
    /// The name of the profile that the settings start from, and the profile.
    base: Option<(&'static str, Profile)>,
    /// The URL of the audience, masked and cut so that it can be shown.
    audience_url: String,
    /// Whether `audience_url` is the audience, unmasked and in full.
    is_audience_shown: bool,
    /// The headers about the certificate that the profile does not add.
    certificate_headers: Vec<&'static str>,
    /// The algorithm that the key signs with by default.
    default_algorithm: Algorithm,
    /// The lifetime, if the profile has another.
    lifetime: Option<Duration>,
    /// How far `nbf` lies before `iat`, if the profile says otherwise.
    not_before: Option<Duration>,
    /// Whether the form lacks the `client_id`, which the profile sends.
    omits_client_id: bool,
    /// Whether the assertion has claims of the user's own, which are not shown.
    has_more_claims: bool,
}

impl Setting {
    /// The settings of an assertion that was accepted. It followed `base`, or else no profile.
    pub(super) fn new(
        combination: Combination,
        base: Option<(&'static str, Profile)>,
        sent: &Sent,
        default_algorithm: Algorithm,
    ) -> Self {
        let audience_url = safe_url(&sent.audience);
        let of_base = base.as_ref().map(|(_, profile)| profile.rules().certificate_headers());
        let of_base = of_base.unwrap_or_default();
        let is_added = |name: &&str| !of_base.contains(name);
        let standard = Profile::default();
        let rules = base.as_ref().map_or(&standard, |(_, profile)| profile).rules();
        let lifetime = Some(sent.lifetime).filter(|sent| *sent != rules.lifetime());
        let not_before = sent.not_before.filter(|sent| Some(*sent) != rules.not_before());
        let omits_client_id = !sent.sends_client_id && rules.sends_client_id();
        Self {
            combination,
            base,
            is_audience_shown: audience_url == sent.audience,
            audience_url,
            certificate_headers: sent.certificate_headers.iter().copied().filter(is_added).collect(),
            default_algorithm,
            lifetime,
            not_before,
            omits_client_id,
            has_more_claims: sent.has_more_claims,
        }
    }

    /// The audience.
    #[must_use]
    pub const fn audience(&self) -> &Audience {
        &self.combination.audience
    }

    /// The `typ` header. `None`: it is omitted.
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        self.combination.media_type.as_deref()
    }

    /// Whether the header has a `kid`.
    #[must_use]
    pub const fn sends_key_id(&self) -> bool {
        self.combination.sends_key_id
    }

    /// The algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.combination.algorithm
    }

    /// How far the times were moved from this machine's clock. Not a setting: if it is not zero,
    /// the clock is wrong.
    #[must_use]
    pub const fn moved(&self) -> Move {
        self.combination.moved
    }

    /// The profile with these settings.
    #[must_use]
    pub fn profile(&self) -> Profile {
        let (_, mut profile) = self.base.clone().unwrap_or_else(|| ("", Profile::new("probed")));
        profile = profile.audience(self.audience().clone()).media_type(self.media_type());
        for header in &self.certificate_headers {
            profile = match *header {
                "x5t#S256" => profile.x5t_s256(),
                "x5t" => profile.x5t(),
                _ => profile.x5c(),
            };
        }
        if let Some(lifetime) = self.lifetime {
            profile = profile.lifetime(lifetime);
        }
        if let Some(set_back) = self.not_before {
            profile = profile.not_before(set_back);
        }
        if self.omits_client_id {
            profile = profile.without_client_id();
        }
        if self.sends_key_id() { profile } else { profile.without_key_id() }
    }

    /// The profile as a Rust expression. If the key signs with another algorithm by default, a
    /// second expression changes that. An audience or a `typ` that looks like a secret, or is too
    /// long to be shown, is the variable `audience` or `typ`.
    #[must_use]
    pub fn rust(&self) -> String {
        let mut text = match &self.base {
            Some((name, _)) => format!("Profile::{}()", name.replace('-', "_")),
            None => "Profile::new(\"my server\")".to_owned(),
        };
        text.push_str(&match self.audience() {
            Audience::Exactly(_) if self.is_audience_shown => {
                format!(".audience(Audience::Exactly({:?}.into()))", self.audience_url)
            }
            Audience::Exactly(_) => ".audience(Audience::Exactly(audience))".to_owned(),
            named => format!(".audience(Audience::{named:?})"),
        });
        text.push_str(&match self.media_type() {
            Some(media_type) if is_shown(media_type) => format!(".media_type(Some({media_type:?}))"),
            Some(_) => ".media_type(Some(typ))".to_owned(),
            None => ".media_type(None)".to_owned(),
        });
        if !self.sends_key_id() {
            text.push_str(".without_key_id()");
        }
        for header in &self.certificate_headers {
            text.push_str(match *header {
                "x5t#S256" => ".x5t_s256()",
                "x5t" => ".x5t()",
                _ => ".x5c()",
            });
        }
        for (method, span) in [("lifetime", self.lifetime), ("not_before", self.not_before)] {
            if let Some(span) = span {
                text.push_str(&format!(".{method}(Duration::from_secs({}))", span.as_secs()));
            }
        }
        if self.omits_client_id {
            text.push_str(".without_client_id()");
        }
        if self.algorithm() != self.default_algorithm {
            text.push_str(&format!("; key.with_algorithm(Algorithm::{})?", self.algorithm()));
        }
        text
    }

    /// The options of `pkjwt token` and its other commands. An audience or a `typ` that looks like
    /// a secret, or is too long to be shown, is the variable `$AUDIENCE` or `$TYP`.
    #[must_use]
    pub fn options(&self) -> String {
        let mut text = self.base.as_ref().map(|(name, _)| format!("--profile {name} ")).unwrap_or_default();
        let audience = self.is_audience_shown.then(|| quoted(&self.audience_url));
        let media_type = self.media_type().unwrap_or_default();
        let typ = is_shown(media_type).then(|| quoted(media_type));
        text.push_str(&format!(
            "--audience {} --typ {}",
            audience.as_deref().unwrap_or("\"$AUDIENCE\""),
            typ.as_deref().unwrap_or("\"$TYP\"")
        ));
        if !self.sends_key_id() {
            text.push_str(" --no-kid");
        }
        for header in &self.certificate_headers {
            text.push_str(match *header {
                "x5t#S256" => " --x5t-s256",
                "x5t" => " --x5t",
                _ => " --x5c",
            });
        }
        for (option, span) in [("lifetime", self.lifetime), ("not-before", self.not_before)] {
            if let Some(span) = span {
                text.push_str(&format!(" --{option} {}s", span.as_secs()));
            }
        }
        if self.omits_client_id {
            text.push_str(" --no-client-id");
        }
        if self.algorithm() != self.default_algorithm {
            text.push_str(&format!(" --alg {}", self.algorithm()));
        }
        text
    }

    /// Which of the settings [`options`](Self::options) and [`rust`](Self::rust) do not show.
    pub(super) fn hidden(&self) -> impl Iterator<Item = &'static str> {
        let is_typ_shown = self.media_type().is_none_or(is_shown);
        let all = [
            ("the audience is the one", self.is_audience_shown),
            ("the typ is the one", is_typ_shown),
            ("the other claims are those", !self.has_more_claims),
        ];
        all.into_iter().filter(|(_, is_shown)| !is_shown).map(|(name, _)| name)
    }

    /// What is wrong with the clock, if the server accepted moved times only.
    pub(super) fn clock(&self) -> Option<String> {
        let moved = self.moved();
        let direction = if moved.is_negative() { "back" } else { "forward" };
        (!moved.is_zero()).then(|| {
            format!(
                "it accepted times moved {direction} by {}, so correct the clock",
                span(moved.unsigned_abs())
            )
        })
    }
}

impl serde::Serialize for Setting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("audience", &self.audience_url)?;
        map.serialize_entry("typ", &self.media_type().map(excerpt))?;
        map.serialize_entry("kid", &self.sends_key_id())?;
        map.serialize_entry("alg", &self.algorithm())?;
        map.serialize_entry("moved_seconds", &self.moved().whole_seconds())?;
        map.serialize_entry("rust", &self.rust())?;
        map.serialize_entry("options", &self.options())?;
        map.end()
    }
}

/// Whether a media type can be shown as it is.
fn is_shown(media_type: &str) -> bool {
    excerpt(media_type) == media_type
}

/// Quotes a word for a shell.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:,+@%".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
