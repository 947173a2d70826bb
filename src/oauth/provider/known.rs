use crate::oauth::{Hint, Profile};

/// The facts about one kind of authorization server.
pub(super) struct Provider {
    /// Its rules for assertions.
    pub(super) profile: Option<Named>,
    /// The texts of its error bodies, as patterns, and the hint for each. `*` stands for any text.
    /// If several patterns match, the longest one counts.
    pub(super) texts: &'static [(&'static str, Hint)],
}

/// A profile, and the name by which [`Profile::known`] lists it.
pub(super) type Named = (&'static str, fn() -> Profile);
