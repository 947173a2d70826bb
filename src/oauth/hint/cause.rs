use std::borrow::Cow;
use std::fmt;

use super::kind::CauseKind;

/// How sure it is that a [`Cause`] is the actual cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Certainty {
    /// One of several things to check. Nothing singles it out.
    Possible,
    /// The server's words point to it, but stand for other causes too, or are known from other
    /// servers only. Or what was sent differs from what the server accepts.
    Likely,
    /// The words are known from this server and stand for no other cause. Or both the words and
    /// what was sent point to it.
    Certain,
}

/// A likely cause of a rejection, and what to change. `Display` shows both, such as
/// `kid is "k1"; register the public key under the kid that the assertion has`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    kind: CauseKind,
    certainty: Certainty,
    advice: Cow<'static, str>,
    contradiction: Option<Contradiction>,
    sent: Option<String>,
}

impl Cause {
    /// A cause with this advice, or with the general one if it is empty.
    pub(super) fn new(kind: CauseKind, certainty: Certainty, advice: &'static str) -> Self {
        let advice = if advice.is_empty() { kind.advice() } else { advice };
        Self { kind, certainty, advice: advice.into(), contradiction: None, sent: None }
    }

    /// A cause that the client itself knows.
    #[cfg(feature = "client")]
    pub(crate) fn certain(kind: CauseKind, advice: &'static str) -> Self {
        Self::new(kind, Certainty::Certain, advice)
    }

    pub(super) fn of_contradiction(kind: CauseKind, contradiction: Contradiction) -> Self {
        Self { contradiction: Some(contradiction), ..Self::new(kind, Certainty::Likely, "") }
    }

    pub(super) fn with_certainty(self, certainty: Certainty) -> Self {
        Self { certainty, ..self }
    }

    pub(super) fn with_advice(self, advice: impl Into<Cow<'static, str>>) -> Self {
        Self { advice: advice.into(), ..self }
    }

    pub(super) fn with_sent(self, sent: Option<String>) -> Self {
        Self { sent, ..self }
    }

    /// The kind of the cause.
    #[must_use]
    pub const fn kind(&self) -> CauseKind {
        self.kind
    }

    /// How sure it is.
    #[must_use]
    pub const fn certainty(&self) -> Certainty {
        self.certainty
    }

    /// What to change: at this server, if that is known, or else the advice of the [`CauseKind`].
    #[must_use]
    pub fn advice(&self) -> &str {
        &self.advice
    }

    /// What was sent, and what it differs from.
    #[must_use]
    pub const fn contradiction(&self) -> Option<&Contradiction> {
        self.contradiction.as_ref()
    }

    /// What the rejected assertion says about it, such as `kid is "k1"`, if the assertion is known.
    #[must_use]
    pub fn sent(&self) -> Option<&str> {
        self.sent.as_deref()
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.contradiction, &self.sent) {
            (Some(contradiction), _) => write!(f, "{contradiction}; ")?,
            (None, Some(sent)) => write!(f, "{sent}; ")?,
            (None, None) => {}
        }
        f.write_str(self.advice())
    }
}

/// A value of an assertion that differs from what the server accepts. All texts are safe to log.
/// `Display` shows both, such as `alg is ES256, but Auth0 takes RS256, RS384, PS256`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    pub(super) what: &'static str,
    pub(super) found: String,
    pub(super) source: Cow<'static, str>,
    pub(super) verb: &'static str,
    pub(super) expected: String,
}

impl Contradiction {
    /// The claim, the header or the parameter, such as `aud`.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        self.what
    }

    /// What was sent.
    #[must_use]
    pub fn found(&self) -> &str {
        &self.found
    }

    /// What the server accepts.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// Where the expectation comes from: the name of a profile, a member of the server's metadata,
    /// or a clock.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, found, source, verb, expected } = self;
        write!(f, "{what} is {found}, but {source} {verb} {expected}")
    }
}
