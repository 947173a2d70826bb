use super::finding::{Finding, Verdict};
use super::setting::Setting;

/// What an examination found, in the order of its steps.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    pub(super) findings: Vec<Finding>,
    /// How many requests reached the token endpoint.
    pub(super) requests: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) setting: Option<Setting>,
}

impl Report {
    pub(super) fn of(mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.step);
        Self { findings, ..Self::default() }
    }

    /// The findings.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether nothing is wrong. Warnings, and checks that were not made, do not count.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.findings.iter().all(|finding| finding.verdict != Verdict::Wrong)
    }

    /// The settings that the server accepted in a [probe](super::Setup::probe).
    #[must_use]
    pub const fn setting(&self) -> Option<&Setting> {
        self.setting.as_ref()
    }

    /// How many token requests were sent.
    #[must_use]
    pub const fn requests(&self) -> usize {
        self.requests
    }
}
