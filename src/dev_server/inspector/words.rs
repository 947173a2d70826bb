//! Times in words.

use time::OffsetDateTime;

/// A time and its distance from another: `2023-11-14 22:13:20 UTC, in 60 seconds`.
pub(super) fn moment(time: OffsetDateTime, now: OffsetDateTime) -> String {
    format!("{}, {}", clock(time), distance(time.unix_timestamp(), now.unix_timestamp()))
}

/// A time in UTC: `2023-11-14 22:13:20 UTC`.
pub(super) fn clock(time: OffsetDateTime) -> String {
    let time = time.to_offset(time::UtcOffset::UTC);
    format!(
        "{}-{:02}-{:02} {:02}:{:02}:{:02} UTC",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// `in 4 minutes`, `3 days ago`, `now`.
fn distance(time: i64, now: i64) -> String {
    let seconds = time.abs_diff(now);
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        172_800..63_072_000 => (seconds / 86_400, "day"),
        _ => (seconds / 31_536_000, "year"),
    };
    let plural = if count == 1 { "" } else { "s" };
    match time.cmp(&now) {
        std::cmp::Ordering::Equal => "now".to_owned(),
        std::cmp::Ordering::Greater => format!("in {count} {unit}{plural}"),
        std::cmp::Ordering::Less => format!("{count} {unit}{plural} ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_by_the_clock_and_by_its_distance() {
        let now = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
        for (seconds, words) in [
            (0, "now"),
            (1, "in 1 second"),
            (119, "in 119 seconds"),
            (-120, "2 minutes ago"),
            (7_200, "in 2 hours"),
            (-172_800, "2 days ago"),
            (63_072_000, "in 2 years"),
        ] {
            assert_eq!(distance(now.unix_timestamp() + seconds, now.unix_timestamp()), words);
        }
        assert_eq!(moment(now + time::Duration::seconds(60), now), "2023-11-14 22:14:20 UTC, in 60 seconds");
    }
}
