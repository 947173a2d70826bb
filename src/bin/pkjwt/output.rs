//! Results go to stdout, everything else to stderr. A closed pipe is no error.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use private_key_jwt::jose::Printable;
use serde::Serialize;
use serde_json::Value;

use crate::error::{Context, Failure};

/// Prints one line on stdout and flushes it. A closed pipe is ignored.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| if text.ends_with('\n') { Ok(()) } else { stdout.write_all(b"\n") })
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("stdout"),
    }
}

/// Prints a note for the person at the terminal on stderr.
pub(crate) fn note(text: &str) {
    // Without stderr there is no place for an error.
    let _ = writeln!(io::stderr().lock(), "{}", printable(text));
}

/// Says on a terminal what the command is doing. Silent if stderr is a file or a pipe.
pub(crate) fn progress(text: &str) {
    if io::stderr().is_terminal() {
        note(text);
    }
}

/// A duration in words, rounded: "45 seconds", "10 minutes", "3 days".
pub(crate) fn words(duration: Duration) -> String {
    /// From the longest: the name, and its seconds. A year has no leap day.
    const UNITS: [(&str, u64); 5] =
        [("year", 365 * 86_400), ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)];
    let millis = duration.as_millis();
    let count = |seconds: u64| (millis + u128::from(seconds) * 500) / (u128::from(seconds) * 1_000);
    // At least two of a unit: "90 minutes" says more than "2 hours".
    let (name, count) = UNITS
        .into_iter()
        .find(|(_, seconds)| count(1) >= 2 * u128::from(*seconds))
        .map_or_else(|| ("second", count(1)), |(name, seconds)| (name, count(seconds)));
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

/// A headline for stdout: bold on a terminal, unless `NO_COLOR` is set.
pub(crate) fn bold(text: &str) -> String {
    styled(text, "1")
}

/// Text for stdout in a style of ANSI terminals, such as `31` for red. Plain if stdout is no
/// terminal, and if `NO_COLOR` is set.
pub(crate) fn styled(text: &str, style: &str) -> String {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if io::stdout().is_terminal() && !plain { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
}

/// A table whose columns are aligned.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |row: &Vec<String>, column: usize| row.get(column).map_or(0, |text| text.chars().count());
    let widths: Vec<usize> =
        (0..columns).map(|column| rows.iter().map(|row| width(row, column)).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(text, width)| format!("{text:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Prints a value as JSON over several lines. Non-ASCII characters are escaped, so that foreign
/// text cannot control the terminal.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).context("stdout")?;
    line(&ascii(&text))
}

/// A response as an object: the known members that it has, and all others.
pub(crate) fn object<'a>(
    others: impl Iterator<Item = (&'a str, &'a Value)>,
    known: impl IntoIterator<Item = (&'a str, Option<Value>)>,
) -> Value {
    let others = others.map(|(name, value)| (name.to_owned(), value.clone()));
    let known = known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(others.chain(known).collect())
}

/// The same JSON in ASCII. Other characters occur only inside strings.
pub(crate) fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\n' || matches!(character, ' '..='~') {
            text.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

/// Escapes every character that is not visible.
pub(crate) fn printable(text: &str) -> String {
    Printable::new(text).to_string()
}

/// Quotes a word for a shell.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:,+@%".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_in_words_has_one_unit_and_is_rounded() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (569, "9 minutes"),
            (570, "10 minutes"),
            (7_199, "120 minutes"),
            (7_200, "2 hours"),
            (3 * 86_400 + 30, "3 days"),
            (2 * 365 * 86_400, "2 years"),
        ] {
            assert_eq!(words(Duration::from_secs(seconds)), text);
        }
        assert_eq!(words(Duration::from_millis(599_990)), "10 minutes");
        assert_eq!(words(Duration::from_millis(119_600)), "2 minutes");
        assert_eq!(words(Duration::MAX), "584942417355 years");
    }

    #[test]
    fn json_in_ascii_is_the_same_json() {
        let text = "\u{7f}\u{9b}2J\u{202e}ä\u{1f600}\n\"";
        let json = serde_json::to_string(text).map(|json| ascii(&json)).ok();
        assert_eq!(json.as_deref(), Some(r#""\u007f\u009b2J\u202e\u00e4\ud83d\ude00\n\"""#));
        assert_eq!(json.and_then(|json| serde_json::from_str::<String>(&json).ok()).as_deref(), Some(text));
    }

    #[test]
    fn a_word_is_quoted_for_a_shell_where_it_has_to_be() {
        for (word, expected) in [
            ("key.pem", "key.pem"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
            ("$HOME", "'$HOME'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
