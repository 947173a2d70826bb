use super::finding::{Finding, Step};
use super::report::Report;
use crate::oauth::{Certainty, explain_log};

/// Looks a message up: what a server answered, or a line of its log.
///
/// ```
/// use private_key_jwt::doctor::{self, Verdict};
///
/// let report = doctor::explain("invalid_client: Invalid token audience");
/// assert!(report.findings()[0].text.contains("audience"));
/// // There is no guess about an unknown message.
/// assert_eq!(doctor::explain("the printer is on fire").findings()[0].verdict, Verdict::NotChecked);
/// ```
#[must_use]
pub fn explain(message: &str) -> Report {
    let causes = explain_log(message);
    if causes.is_empty() {
        let text = "this message is not known, so there is no guess";
        return Report::of(vec![Finding::not_checked(Step::Request, "message", text)]);
    }
    let findings = causes.iter().map(|cause| {
        let how = match cause.certainty() {
            Certainty::Certain => "certainly",
            Certainty::Likely => "probably",
            _ => "perhaps",
        };
        Finding::warning(Step::Request, "message", format!("{how}: {cause}"))
    });
    Report::of(findings.collect())
}
