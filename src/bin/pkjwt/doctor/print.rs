//! Prints a report: a line for each finding, or JSON.

use private_key_jwt::doctor::{Finding, Report, Verdict};
use serde_json::json;

use crate::error::Failure;
use crate::output::{self, styled};

/// Prints a report on stdout.
pub(super) fn report(report: &Report, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return output::json(&json!({
            "healthy": report.is_healthy(),
            "findings": report.findings(),
            "requests": report.requests(),
            "setting": report.setting(),
        }));
    }
    let mut text = String::new();
    for finding in report.findings() {
        text.push_str(&line(finding));
    }
    if let Some(setting) = report.setting() {
        text.push_str(&format!("\nThe server accepts these options:\n  {}\n", setting.options()));
        text.push_str(&format!("In Rust:\n  {}\n", setting.rust()));
    }
    output::line(&text)
}

/// How many checks found something wrong.
pub(super) fn wrong(report: &Report) -> usize {
    report.findings().iter().filter(|finding| finding.verdict == Verdict::Wrong).count()
}

/// A mark, the step, what was found, and what to do. The library has made the texts printable.
fn line(finding: &Finding) -> String {
    const GREEN: &str = "32";
    const YELLOW: &str = "33";
    const RED: &str = "31";
    const DIM: &str = "2";
    let (mark, style) = match finding.verdict {
        Verdict::Good => ("✓", GREEN),
        Verdict::Warning => ("!", YELLOW),
        Verdict::Wrong => ("✗", RED),
        _ => ("-", DIM),
    };
    let not_checked = if finding.verdict == Verdict::NotChecked { "not checked: " } else { "" };
    let advice = finding.advice.as_ref().map(|advice| format!(" → {advice}")).unwrap_or_default();
    format!("{} {}: {not_checked}{}{advice}\n", styled(mark, style), finding.step, finding.text)
}
