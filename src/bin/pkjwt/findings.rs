//! The findings of a command, the same for people and for machines. Most of the text comes from
//! elsewhere, so all of it is escaped.

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::Failure;
use crate::output;

/// A single finding.
pub(crate) enum Finding {
    Text(String),
    Words(Vec<String>),
    Bits(usize),
    Time(OffsetDateTime),
    /// Not verified, and the output must say so.
    Unverified,
    Object(Map<String, Value>),
    Group(Findings),
    Groups(Vec<Findings>),
}

impl From<String> for Finding {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Finding {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// The findings, in reading order.
#[derive(Default)]
pub(crate) struct Findings(Vec<(&'static str, Finding)>);

impl Findings {
    /// Appends a finding.
    pub(crate) fn add(&mut self, name: &'static str, finding: impl Into<Finding>) {
        self.0.push((name, finding.into()));
    }

    /// Whether nothing was found.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends a finding if there is one.
    pub(crate) fn add_some(&mut self, name: &'static str, finding: Option<impl Into<Finding>>) {
        if let Some(finding) = finding {
            self.add(name, finding);
        }
    }

    /// Prints the findings: lines of `name: value`, or JSON.
    pub(crate) fn print(self, as_json: bool, now: OffsetDateTime) -> Result<(), Failure> {
        if as_json {
            return output::json(&self.into_json());
        }
        let mut text = String::new();
        self.write(&mut text, "", now);
        output::line(&text)
    }

    /// Prints the findings on stderr, for a person.
    pub(crate) fn note(self, now: OffsetDateTime) {
        let mut text = String::new();
        self.write(&mut text, "", now);
        text.lines().for_each(output::note);
    }

    fn write(self, text: &mut String, indent: &str, now: OffsetDateTime) {
        for (name, finding) in self.0 {
            let value = match finding {
                Finding::Text(value) => value,
                Finding::Words(words) => words.join(", "),
                Finding::Bits(bits) => format!("{bits} bits"),
                Finding::Time(time) => format!("{}, {}", rfc3339(time), relative(time, now)),
                Finding::Unverified => {
                    "no, nothing was checked; anyone can write a token like this".to_owned()
                }
                Finding::Object(members) => {
                    // An object spans several lines. Line ends in its text are escaped.
                    text.push_str(&format!("{indent}{name}: {}\n", object(&members, indent)));
                    continue;
                }
                Finding::Group(group) => {
                    text.push_str(&format!("{indent}{name}:\n"));
                    group.write(text, &format!("{indent}  "), now);
                    continue;
                }
                Finding::Groups(groups) => {
                    let several = groups.len() > 1;
                    for (number, group) in (1_usize..).zip(groups) {
                        let number = if several { format!(" {number}") } else { String::new() };
                        text.push_str(&format!("{indent}{}{number}:\n", name.trim_end_matches('s')));
                        group.write(text, &format!("{indent}  "), now);
                    }
                    continue;
                }
            };
            text.push_str(&format!("{indent}{name}: {}\n", output::printable(&value)));
        }
    }

    fn into_json(self) -> Value {
        let member = |(name, finding): (&str, Finding)| (name.replace(' ', "_"), finding.into_json());
        Value::Object(self.0.into_iter().map(member).collect())
    }
}

impl Finding {
    fn into_json(self) -> Value {
        match self {
            Self::Text(text) => text.into(),
            Self::Words(words) => words.into(),
            Self::Bits(bits) => bits.into(),
            Self::Time(time) => rfc3339(time).into(),
            Self::Unverified => false.into(),
            Self::Object(members) => members.into(),
            Self::Group(group) => group.into_json(),
            Self::Groups(groups) => groups.into_iter().map(Findings::into_json).collect(),
        }
    }
}

fn object(members: &Map<String, Value>, indent: &str) -> String {
    let json = serde_json::to_string_pretty(members).unwrap_or_default();
    output::ascii(&json).replace('\n', &format!("\n{indent}"))
}

/// The time in UTC in the format of RFC 3339, or in seconds if RFC 3339 cannot express the year.
pub(crate) fn rfc3339(time: OffsetDateTime) -> String {
    let seconds = |_| time.unix_timestamp().to_string();
    time.to_offset(time::UtcOffset::UTC).format(&Rfc3339).unwrap_or_else(seconds)
}

/// "in 4 minutes", "3 days ago".
pub(crate) fn relative(time: OffsetDateTime, now: OffsetDateTime) -> String {
    let distance = time - now;
    let words = output::words(distance.unsigned_abs());
    match distance.whole_seconds() {
        0 => "now".to_owned(),
        1.. => format!("in {words}"),
        _ => format!("{words} ago"),
    }
}

/// Describes in words where a moment is in a validity period.
pub(crate) const fn state(not_yet_valid: bool, expired: bool) -> &'static str {
    match (not_yet_valid, expired) {
        (_, true) => "expired",
        (true, false) => "not yet valid",
        (false, false) => "within its dates",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn after(seconds: i64) -> OffsetDateTime {
        NOW + time::Duration::seconds(seconds)
    }

    #[test]
    fn times_are_told_in_words() {
        for (seconds, words) in [
            (0, "now"),
            (1, "in 1 second"),
            (-1, "1 second ago"),
            (60, "in 60 seconds"),
            (240, "in 4 minutes"),
            (-3600, "60 minutes ago"),
            (-3 * 86_400, "3 days ago"),
            (90 * 86_400, "in 90 days"),
            (100 * 365 * 86_400, "in 100 years"),
        ] {
            assert_eq!(relative(after(seconds), NOW), words);
        }
        assert_eq!(relative(NOW - time::Duration::milliseconds(999), NOW), "now");
        assert_eq!(rfc3339(after(1_800_000_000)), "2027-01-15T08:00:00Z");
        // RFC 3339 has four digits for a year and no sign.
        assert_eq!(rfc3339(after(-100_000_000_000)), "-100000000000");
    }

    #[test]
    fn what_is_from_elsewhere_drives_neither_a_terminal_nor_a_parser() {
        let mut inner = Findings::default();
        inner.add("subject", "CN=\u{1b}[2J\u{202e}");
        let mut findings = Findings::default();
        findings.add("kid", "a\nkid: b");
        findings.add("size", Finding::Bits(256));
        findings.add("valid until", Finding::Time(after(240)));
        findings.add("verified", Finding::Unverified);
        let claims = serde_json::json!({"a": "\u{9b}\n", "b": {"c": [1]}});
        findings.add("claims", Finding::Object(claims.as_object().cloned().unwrap_or_default()));
        findings.add("certificates", Finding::Groups(vec![inner]));
        let mut text = String::new();
        let json = {
            let again = Findings(findings.0.iter().filter_map(copy).collect());
            again.into_json()
        };
        findings.write(&mut text, "", NOW);
        assert_eq!(
            text,
            "kid: a\\u{a}kid: b\nsize: 256 bits\nvalid until: 1970-01-01T00:04:00Z, in 4 minutes\nverified: no, \
             nothing was checked; anyone can write a token like this\nclaims: {\n  \"a\": \
             \"\\u009b\\n\",\n  \"b\": {\n    \"c\": [\n      1\n    ]\n  }\n}\ncertificate:\n  subject: \
             CN=\\u{1b}[2J\\u{202e}\n"
        );
        assert_eq!(
            json,
            serde_json::json!({"kid": "a\nkid: b", "size": 256, "valid_until": "1970-01-01T00:04:00Z",
                "verified": false, "claims": claims})
        );
    }

    /// All but groups.
    fn copy((name, finding): &(&'static str, Finding)) -> Option<(&'static str, Finding)> {
        let finding = match finding {
            Finding::Text(text) => Finding::Text(text.clone()),
            Finding::Bits(bits) => Finding::Bits(*bits),
            Finding::Time(time) => Finding::Time(*time),
            Finding::Unverified => Finding::Unverified,
            Finding::Object(members) => Finding::Object(members.clone()),
            Finding::Words(_) | Finding::Group(_) | Finding::Groups(_) => return None,
        };
        Some((name, finding))
    }
}
