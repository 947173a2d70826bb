use crate::oauth::{Hint, Profile};

/// What is known about one kind of authorization server.
pub(super) struct Provider {
    /// Its rules for assertions, and the name by which [`Profile::known`] lists them.
    pub(super) profile: Option<(&'static str, fn() -> Profile)>,
    /// What its error bodies say, as patterns, and what to do then. `*` stands for any text. If
    /// several patterns match, the longest one counts.
    pub(super) texts: &'static [(&'static str, Hint)],
}
