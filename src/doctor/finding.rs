use std::fmt;

use crate::jose::Printable;

/// A step of an examination, in the order in which the steps are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Step {
    /// The private key: type, size, health, permissions of its file, dates of its certificate.
    Key,
    /// The server's metadata: issuer, token endpoint, methods, algorithms.
    Discovery,
    /// This machine's clock, compared with the server's `Date`.
    Clock,
    /// The client's published keys.
    Jwks,
    /// The assertion under its profile and the server's metadata.
    Profile,
    /// An assertion that another library made.
    Assertion,
    /// One real token request.
    Request,
    /// Further token requests with other settings.
    Probe,
}

impl Step {
    /// The name of the step, as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Discovery => "discovery",
            Self::Clock => "clock",
            Self::Jwks => "jwks",
            Self::Profile => "profile",
            Self::Assertion => "assertion",
            Self::Request => "request",
            Self::Probe => "probe",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The result of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// The check found nothing wrong.
    Good,
    /// It may fail at other servers, or later.
    Warning,
    /// Something is wrong.
    Wrong,
    /// The check was not made. The text says why.
    NotChecked,
}

/// What one check found. Its texts are one line each, without control characters and without
/// secrets.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The step that the check belongs to.
    pub step: Step,
    /// The name of the check within its step, such as `issuer`. Names do not change, so scripts can
    /// rely on them.
    pub check: &'static str,
    /// The result.
    pub verdict: Verdict,
    /// What was found.
    pub text: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Finding {
    fn new(step: Step, check: &'static str, verdict: Verdict, text: &str) -> Self {
        Self { step, check, verdict, text: Printable::new(text).to_string(), advice: None }
    }

    pub(super) fn good(step: Step, check: &'static str, text: impl AsRef<str>) -> Self {
        Self::new(step, check, Verdict::Good, text.as_ref())
    }

    pub(super) fn warning(step: Step, check: &'static str, text: impl AsRef<str>) -> Self {
        Self::new(step, check, Verdict::Warning, text.as_ref())
    }

    pub(super) fn wrong(step: Step, check: &'static str, text: impl AsRef<str>) -> Self {
        Self::new(step, check, Verdict::Wrong, text.as_ref())
    }

    pub(super) fn not_checked(step: Step, check: &'static str, text: impl AsRef<str>) -> Self {
        Self::new(step, check, Verdict::NotChecked, text.as_ref())
    }

    /// Adds what to do.
    pub(super) fn advise(mut self, advice: impl AsRef<str>) -> Self {
        self.advice = Some(Printable::new(advice.as_ref()).to_string());
        self
    }

    /// Whether it may be the reason for a rejection.
    pub(super) const fn is_problem(&self) -> bool {
        matches!(self.verdict, Verdict::Warning | Verdict::Wrong)
    }
}
