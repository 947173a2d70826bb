//! Texts that several checks share.

use std::error::Error;
use std::time::Duration;

use time::OffsetDateTime;

use crate::keys::Causes;

/// An error and its causes.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    Causes::of(error).to_string()
}

/// A duration in whole units, rounded: "1 second", "10 minutes", "3 days".
pub(super) fn span(duration: Duration) -> String {
    const UNITS: [(&str, u64); 3] = [("day", 86_400), ("hour", 3_600), ("minute", 60)];
    let seconds = duration.as_secs();
    // At least two of a unit: "90 minutes" says more than "1 hour".
    let (name, count) = UNITS
        .into_iter()
        .find(|(_, unit)| seconds >= 2 * unit)
        .map_or(("second", seconds), |(name, unit)| (name, (seconds + unit / 2) / unit));
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

/// A day in UTC, as ISO 8601 writes it.
pub(super) fn day(time: OffsetDateTime) -> String {
    let day = time.to_offset(time::UtcOffset::UTC).date();
    format!("{:04}-{:02}-{:02}", day.year(), u8::from(day.month()), day.day())
}

/// Words in a list: "a, b and 3 more".
pub(super) fn listed<T: AsRef<str>>(words: &[T]) -> String {
    const MOST: usize = 12;
    let shown: Vec<&str> = words.iter().take(MOST).map(AsRef::as_ref).collect();
    match words.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_at_least_two_of_its_unit() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (599, "10 minutes"),
            (5400, "90 minutes"),
            (7200, "2 hours"),
            (172_800, "2 days"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
        assert_eq!(day(OffsetDateTime::UNIX_EPOCH), "1970-01-01");
    }

    #[test]
    fn a_long_list_is_cut() {
        assert_eq!(listed(&["a", "b"]), "a, b");
        let many: Vec<String> = (0..15).map(|number| number.to_string()).collect();
        assert_eq!(listed(&many), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 3 more");
    }
}
