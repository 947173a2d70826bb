use serde::ser::{SerializeMap, Serializer};
use time::Duration;

use super::combination::Combination;
use super::words::span;
use crate::jose::Algorithm;
use crate::jose::error::shown;
use crate::oauth::{Audience, Profile};

/// Settings that a server accepted in a [probe](super::Setup::probe), to be pasted: as a profile in
/// Rust ([`Setting::rust`]) or as options of `pkjwt` ([`Setting::options`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub(super) combination: Combination,
    /// The name of the profile that the settings start from, and the profile.
    base: Option<(&'static str, Profile)>,
    /// The URL of the audience.
    audience_url: String,
    /// The algorithm that the key signs with by default.
    default_algorithm: Algorithm,
}

impl Setting {
    pub(super) fn new(
        combination: Combination,
        profile: Option<&Profile>,
        audience_url: &str,
        default_algorithm: Algorithm,
    ) -> Self {
        let known = |profile: &Profile| Profile::known().find(|(_, known)| known == profile);
        Self {
            combination,
            base: profile.and_then(known),
            audience_url: audience_url.to_owned(),
            default_algorithm,
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
    pub const fn moved(&self) -> Duration {
        self.combination.moved
    }

    /// The profile with these settings.
    #[must_use]
    pub fn profile(&self) -> Profile {
        let (_, mut profile) = self.base.clone().unwrap_or_else(|| ("", Profile::new("probed")));
        profile = profile.audience(self.audience().clone()).media_type(self.media_type());
        if self.sends_key_id() { profile } else { profile.without_key_id() }
    }

    /// The profile as a Rust expression. If the key signs with another algorithm by default, a
    /// second expression changes that.
    #[must_use]
    pub fn rust(&self) -> String {
        let mut text = match &self.base {
            Some((name, _)) => format!("Profile::{}()", name.replace('-', "_")),
            None => "Profile::new(\"my server\")".to_owned(),
        };
        text.push_str(&match self.audience() {
            Audience::Exactly(_) => {
                format!(".audience(Audience::Exactly({:?}.into()))", shown(&self.audience_url, 512))
            }
            named => format!(".audience(Audience::{named:?})"),
        });
        text.push_str(&match self.media_type() {
            Some(media_type) => format!(".media_type(Some({:?}))", shown(media_type, 64)),
            None => ".media_type(None)".to_owned(),
        });
        if !self.sends_key_id() {
            text.push_str(".without_key_id()");
        }
        if self.algorithm() != self.default_algorithm {
            text.push_str(&format!("; key.with_algorithm(Algorithm::{})?", self.algorithm()));
        }
        text
    }

    /// The options of `pkjwt token` and its other commands.
    #[must_use]
    pub fn options(&self) -> String {
        let mut text = self.base.as_ref().map(|(name, _)| format!("--profile {name} ")).unwrap_or_default();
        text.push_str(&format!("--audience {} ", quoted(&shown(&self.audience_url, 512))));
        text.push_str(&format!("--typ {}", quoted(&shown(self.media_type().unwrap_or_default(), 64))));
        if !self.sends_key_id() {
            text.push_str(" --no-kid");
        }
        if self.algorithm() != self.default_algorithm {
            text.push_str(&format!(" --alg {}", self.algorithm()));
        }
        text
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
        map.serialize_entry("audience", &shown(&self.audience_url, 512))?;
        map.serialize_entry("typ", &self.media_type().map(|media_type| shown(media_type, 64)))?;
        map.serialize_entry("kid", &self.sends_key_id())?;
        map.serialize_entry("alg", &self.algorithm())?;
        map.serialize_entry("moved_seconds", &self.moved().whole_seconds())?;
        map.serialize_entry("rust", &self.rust())?;
        map.serialize_entry("options", &self.options())?;
        map.end()
    }
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
