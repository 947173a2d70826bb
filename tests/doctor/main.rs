//! The doctor, against the embedded dev server and against scripted servers: seeded mistakes, each
//! found by its true cause; healthy set-ups, about which nothing is wrong; and probes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod assertions;
mod healthy;
mod mistakes;
mod mistakes_of_keys;
mod more_mistakes;
mod own_settings;
mod probing;
#[path = "../support/mod.rs"]
mod support;
mod unreachable;
mod world;

use private_key_jwt::doctor::{Finding, Report, Verdict};

/// The checks with this verdict, as `step/check`.
fn checks(report: &Report, verdict: Verdict) -> Vec<String> {
    let findings = report.findings().iter().filter(|finding| finding.verdict == verdict);
    findings.map(|finding| format!("{}/{}", finding.step, finding.check)).collect()
}

fn finding<'a>(report: &'a Report, name: &str) -> Option<&'a Finding> {
    report.findings().iter().find(|finding| format!("{}/{}", finding.step, finding.check) == name)
}

/// Everything that a report shows, as JSON and as `Debug`. Checks that it shows no secret.
fn all_texts(report: &Report) -> String {
    let json = serde_json::to_string_pretty(report).unwrap();
    let texts = format!("{json}\n{report:?}");
    assert!(!support::has_mark(&texts), "a secret shows in: {texts}");
    assert!(!texts.contains("eyJ"), "a piece of a token shows in: {texts}");
    for finding in report.findings() {
        for text in [Some(&finding.text), finding.advice.as_ref()].into_iter().flatten() {
            assert!(!text.is_empty() && !text.contains(char::is_control), "not one printable line: {text:?}");
        }
        let needs_advice = finding.verdict == Verdict::Wrong;
        assert!(!needs_advice || finding.advice.is_some(), "no advice: {finding:?}");
    }
    json
}

/// A mistake, and how it must be found.
struct Mistake {
    name: &'static str,
    report: Report,
    /// Every check that finds something wrong.
    wrong: &'static [&'static str],
    /// The check that names the cause, a warning or wrong.
    cause: &'static str,
    /// A part of its text.
    text: &'static str,
}

/// Fails with all mistakes that were not found by their cause, or not by that alone.
fn assert_found(mistakes: Vec<Mistake>) {
    let mut failures = Vec::new();
    for Mistake { name, report, wrong, cause, text } in mistakes {
        let shown = all_texts(&report);
        let found = checks(&report, Verdict::Wrong);
        if found != wrong {
            failures.push(format!("{name}: wrong is {found:?}, not {wrong:?}\n{shown}"));
        }
        match finding(&report, cause) {
            Some(finding)
                if finding.text.contains(text)
                    && finding.advice.is_some()
                    && matches!(finding.verdict, Verdict::Wrong | Verdict::Warning) => {}
            found => failures.push(format!("{name}: {cause} is {found:#?}, without `{text}`")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
