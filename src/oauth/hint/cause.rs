use std::borrow::Cow;
use std::fmt;

use super::kind::Hint;

/// How sure it is that a [`Cause`] is the true one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Certainty {
    /// Nothing contradicts it, and nothing points to it either.
    Possible,
    /// The server's words stand for few causes and this is one of them, or what was sent differs
    /// from what the server takes.
    Likely,
    /// The words of a known server stand for this cause alone.
    Certain,
}

/// A likely cause of a rejection, and what to change. `Display` shows the contradiction, if there
/// is one, and the advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    hint: Hint,
    certainty: Certainty,
    advice: Option<Cow<'static, str>>,
    contradiction: Option<Contradiction>,
}

impl Cause {
    pub(super) const fn new(hint: Hint, certainty: Certainty) -> Self {
        Self { hint, certainty, advice: None, contradiction: None }
    }

    pub(super) fn of_contradiction(hint: Hint, contradiction: Contradiction) -> Self {
        Self { contradiction: Some(contradiction), ..Self::new(hint, Certainty::Likely) }
    }

    /// The kind of the cause.
    #[must_use]
    pub const fn hint(&self) -> Hint {
        self.hint
    }

    /// How sure it is.
    #[must_use]
    pub const fn certainty(&self) -> Certainty {
        self.certainty
    }

    /// What to change: for this server if something is known about it, or else the advice of the
    /// [`Hint`].
    #[must_use]
    pub fn advice(&self) -> &str {
        self.advice.as_deref().unwrap_or(self.hint.advice())
    }

    /// What was sent, and what it differs from.
    #[must_use]
    pub const fn contradiction(&self) -> Option<&Contradiction> {
        self.contradiction.as_ref()
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(contradiction) = &self.contradiction {
            write!(f, "{contradiction}; ")?;
        }
        f.write_str(self.advice())
    }
}

/// A value of a rejected assertion that differs from what the server takes. All texts are safe to
/// log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    pub(super) what: &'static str,
    pub(super) found: String,
    pub(super) expected: String,
    pub(super) source: Cow<'static, str>,
}

impl Contradiction {
    /// The claim, header or parameter, such as `aud`.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        self.what
    }

    /// Its value in the assertion.
    #[must_use]
    pub fn found(&self) -> &str {
        &self.found
    }

    /// What the server takes.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// Where that is from: the name of a profile, or a member of the server's metadata.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, found, expected, source } = self;
        write!(f, "{what} is {found}, but {source} wants {expected}")
    }
}
