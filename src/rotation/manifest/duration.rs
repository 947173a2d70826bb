//! Durations with one unit: `90s`, `10m`, `24h`, `7d`.

use std::time::Duration;

/// The units, the longest first.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

pub(super) fn parse(text: &str) -> Option<Duration> {
    let (digits, seconds) =
        UNITS.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(*unit)?, seconds)))?;
    // `parse` alone would take a sign.
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let count = is_number.then(|| digits.parse::<u64>().ok()).flatten()?;
    count.checked_mul(*seconds).map(Duration::from_secs)
}

/// The text of a duration, rounded up to a second.
pub(super) fn text(duration: Duration) -> String {
    let all = duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0));
    let whole = UNITS.iter().find(|(_, seconds)| all > 0 && all.is_multiple_of(*seconds));
    whole.map_or_else(|| "0s".to_owned(), |(unit, seconds)| format!("{}{unit}", all / seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_one_unit_and_the_longest_that_fits() {
        for (text_of, seconds, shortest) in [
            ("0s", 0, "0s"),
            ("0d", 0, "0s"),
            ("90s", 90, "90s"),
            ("60s", 60, "1m"),
            ("10m", 600, "10m"),
            ("24h", 86_400, "1d"),
            ("25h", 90_000, "25h"),
            ("7d", 604_800, "7d"),
            ("18446744073709551615s", u64::MAX, "18446744073709551615s"),
        ] {
            assert_eq!(parse(text_of), Some(Duration::from_secs(seconds)), "{text_of}");
            assert_eq!(text(Duration::from_secs(seconds)), shortest);
        }
        for wrong in
            ["", "s", "1", "-1s", "+1s", "1.5h", "1 s", "1h30m", "1D", "1w", "ä", "18446744073709551615m"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(text(Duration::from_millis(1)), "1s");
        assert_eq!(text(Duration::MAX), "18446744073709551615s");
    }
}
