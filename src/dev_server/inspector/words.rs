//! Times in words.

use time::OffsetDateTime;

use crate::jose::moment::{Moment, Utc};

/// A time and its distance from another: `2023-11-14T22:14:20Z, 1 min in the future`.
pub(super) fn moment(time: OffsetDateTime, now: OffsetDateTime) -> String {
    let (at, now) = (Utc::from(time), Utc::from(now));
    if at.0 == now.0 { format!("{at}, now") } else { Moment { at, now }.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_by_the_clock_and_by_its_distance() {
        let now = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
        let told = |seconds| moment(now + time::Duration::seconds(seconds), now);
        assert_eq!(told(0), "2023-11-14T22:13:20Z, now");
        assert_eq!(told(59), "2023-11-14T22:14:19Z, 59 s in the future");
        assert_eq!(told(-100), "2023-11-14T22:11:40Z, 1 min 40 s ago");
    }
}
