use std::time::{Duration, SystemTime};

use time::OffsetDateTime;

/// A year, which can be added to any clock without overflow.
const LONGEST_PAUSE: Duration = Duration::from_secs(365 * 24 * 3600);

/// RFC 9110 §10.2.3: seconds, or a date on the server's clock (§6.6.1). If the response shows that
/// clock, the pause counts from its time.
pub(super) fn retry_after(headers: &http::HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let text = |name| Some(headers.get(name)?.to_str().ok()?.trim());
    let value = text(http::header::RETRY_AFTER)?;
    if value.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty() {
        // More digits than fit exceed the limit, too.
        return Some(value.parse().map_or(LONGEST_PAUSE, Duration::from_secs).min(LONGEST_PAUSE));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let since = text(http::header::DATE).and_then(|date| httpdate::parse_http_date(date).ok());
    let pause = until.duration_since(since.unwrap_or(SystemTime::from(now)));
    Some(pause.unwrap_or_default().min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(fields: &[(&'static str, &str)]) -> Option<Duration> {
        let mut headers = http::HeaderMap::new();
        for (name, value) in fields {
            headers.insert(*name, value.parse().unwrap());
        }
        let now = OffsetDateTime::from_unix_timestamp(784_111_777).unwrap(); // Sun, 06 Nov 1994 08:49:37 GMT
        retry_after(&headers, now)
    }

    #[test]
    fn rfc9110_10_2_3_retry_after_is_seconds_or_a_date() {
        let after = |value| after(&[("retry-after", value)]);
        assert_eq!(after("120"), Some(Duration::from_secs(120)));
        assert_eq!(after("Sun, 06 Nov 1994 08:50:37 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(after("Sun, 06 Nov 1994 08:48:37 GMT"), Some(Duration::ZERO));
        assert_eq!(after("soon"), None);
        assert_eq!(after("-1"), None);
        assert_eq!(after("+1"), None);
        assert_eq!(after(""), None);
        for huge in ["18446744073709551615", "99999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"] {
            assert_eq!(after(huge), Some(LONGEST_PAUSE), "{huge}");
        }
    }

    #[test]
    fn rfc9110_6_6_1_a_date_to_come_back_at_is_one_of_the_servers_clock() {
        let after = |date| after(&[("retry-after", "Sun, 06 Nov 1994 08:59:37 GMT"), ("date", date)]);
        assert_eq!(after("Sun, 06 Nov 1994 08:59:30 GMT"), Some(Duration::from_secs(7)));
        assert_eq!(after("Sun, 06 Nov 1994 09:00:00 GMT"), Some(Duration::ZERO));
        // Without a readable `Date`, the time counts as ours.
        assert_eq!(after("now"), Some(Duration::from_secs(600)));
    }
}
