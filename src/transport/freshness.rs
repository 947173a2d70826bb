//! How long a document is fresh according to the headers of its issuer (RFC 9111 §4.2).
//!
//! This is not an HTTP cache. The bounds of a [`Lifetimes`] take precedence: otherwise `no-store`
//! would make every token wait for its issuer, and a `max-age` of a year keep a stolen key alive.

use std::time::Duration;

use http::header::{AGE, CACHE_CONTROL, DATE, EXPIRES, HeaderMap};
use time::OffsetDateTime;

/// The bounds of a lifetime, regardless of what the issuer states.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetimes {
    pub(crate) least: Duration,
    pub(crate) most: Duration,
    /// The lifetime if the issuer states none.
    pub(crate) without_headers: Duration,
}

impl Lifetimes {
    /// How long a document is fresh if its issuer states this lifetime and it has been in caches
    /// for `age`.
    pub(crate) fn bound(&self, stated: Option<Duration>, age: Duration) -> Duration {
        let lifetime = stated.map_or(self.without_headers, |stated| stated.saturating_sub(age));
        lifetime.min(self.most).max(self.least.min(self.most))
    }
}

/// The lifetime that the issuer states, as for a private cache: `max-age`, else `Expires` less
/// `Date` (§4.2.1). If statements contradict each other, the strictest counts, and one that cannot
/// be read means zero (§4.2.1). `no-store` and `no-cache` mean zero. `must-revalidate` says nothing
/// about the time that an answer is fresh.
///
/// `now` stands in for a missing `Date`.
pub(crate) fn stated(headers: &HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let directives = directives(headers);
    let first = |wanted| directives.iter().find(|(name, _)| name == wanted);
    if first("no-store").or(first("no-cache")).is_some() {
        return Some(Duration::ZERO);
    }
    let max_age = first("max-age").map(|(_, argument)| seconds(argument).unwrap_or_default());
    max_age.or_else(|| {
        let date = |name| httpdate::parse_http_date(headers.get(name)?.to_str().ok()?.trim()).ok();
        let since = date(DATE).map_or(now, OffsetDateTime::from);
        // "0" and the like stand for a time in the past (§5.3).
        let lifetime =
            date(EXPIRES).and_then(|expires| (OffsetDateTime::from(expires) - since).try_into().ok());
        headers.contains_key(EXPIRES).then_some(lifetime.unwrap_or_default())
    })
}

/// How long the response has been in caches (§5.1). The `apparent_age` of §4.2.3, now less `Date`,
/// is left out: if the clocks differ, every response would be old.
pub(crate) fn age(headers: &HeaderMap) -> Duration {
    headers.get(AGE).and_then(|age| age.to_str().ok()).and_then(seconds).unwrap_or_default()
}

/// `delta-seconds` (§1.2.2): any number of digits; a value that is too large means the maximum.
fn seconds(text: &str) -> Option<Duration> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Duration::from_secs(text.parse().unwrap_or(u64::MAX)))
}

/// The directives of all `Cache-Control` lines (§5.2): lower-case names, and unquoted arguments.
fn directives(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for line in headers.get_all(CACHE_CONTROL) {
        // No directive that matters contains other characters than ASCII.
        let line = String::from_utf8_lossy(line.as_bytes());
        let (mut quoted, mut escaped) = (false, false);
        let parts = line.split(|character| {
            match character {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                ',' => return !quoted,
                _ => {}
            }
            false
        });
        for part in parts {
            let (name, argument) = part.split_once('=').unwrap_or((part, ""));
            let argument = argument.trim().trim_matches('"');
            found.push((name.trim().to_ascii_lowercase(), argument.to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| {
                (HeaderName::try_from(*name).unwrap(), http::HeaderValue::try_from(*value).unwrap())
            })
            .collect()
    }

    fn stated_seconds(lines: &[(&str, &str)]) -> Option<u64> {
        stated(&headers(lines), NOW).map(|stated| stated.as_secs())
    }

    fn cache_control(value: &str) -> Option<u64> {
        stated_seconds(&[("cache-control", value)])
    }

    /// With bounds that do not matter.
    fn lifetime(lines: &[(&str, &str)]) -> u64 {
        let without_headers = Duration::from_secs(300);
        let lifetimes = Lifetimes { least: Duration::ZERO, most: Duration::MAX, without_headers };
        let headers = headers(lines);
        lifetimes.bound(stated(&headers, NOW), age(&headers)).as_secs()
    }

    #[test]
    fn rfc9111_5_2_2_1_max_age() {
        assert_eq!(cache_control("max-age=120"), Some(120));
        assert_eq!(cache_control("public, MAX-AGE=120, stale-if-error=86400"), Some(120));
        assert_eq!(cache_control("max-age=0"), Some(0));
        assert_eq!(cache_control("public"), None);
        assert_eq!(cache_control(""), None);
        // For shared caches only.
        assert_eq!(cache_control("s-maxage=5"), None);
        assert_eq!(cache_control("s-maxage=5, max-age=7"), Some(7));
    }

    #[test]
    fn rfc9111_5_2_an_argument_may_be_quoted_and_quotes_hide_commas() {
        assert_eq!(cache_control(r#"max-age="120""#), Some(120));
        assert_eq!(cache_control(r#"private="x, max-age=1", max-age=120"#), Some(120));
        assert_eq!(cache_control(r#"a="\", max-age=1", max-age=120"#), Some(120));
        assert_eq!(cache_control(r#"a="never closed, max-age=1"#), None);
    }

    #[test]
    fn rfc9111_4_2_1_the_first_of_several_and_zero_for_what_cannot_be_read() {
        assert_eq!(cache_control("max-age=10, max-age=20"), Some(10));
        assert_eq!(
            stated_seconds(&[("cache-control", "max-age=10"), ("cache-control", "max-age=20")]),
            Some(10)
        );
        for value in ["max-age=soon", "max-age", "max-age=", "max-age=-1", "max-age=1.5", "max-age=+1"] {
            assert_eq!(cache_control(value), Some(0), "{value}");
        }
        assert_eq!(cache_control("max-age=99999999999999999999999"), Some(u64::MAX));
    }

    #[test]
    fn rfc9111_5_2_2_no_store_and_no_cache_are_stricter_than_max_age() {
        for value in ["no-store", "no-cache", "max-age=60, no-cache", r#"no-cache="set-cookie""#, "No-Store"]
        {
            assert_eq!(cache_control(value), Some(0), "{value}");
        }
        assert_eq!(stated_seconds(&[("cache-control", "max-age=9"), ("cache-control", "no-store")]), Some(0));
        assert_eq!(cache_control("max-age=60, must-revalidate"), Some(60));
        assert_eq!(cache_control("must-revalidate"), None);
    }

    #[test]
    fn rfc9111_5_3_expires_counts_from_date() {
        let date = ("date", "Thu, 01 Jan 1970 00:10:00 GMT");
        assert_eq!(stated_seconds(&[date, ("expires", "Thu, 01 Jan 1970 00:12:00 GMT")]), Some(120));
        assert_eq!(stated_seconds(&[("expires", "Thu, 01 Jan 1970 00:12:00 GMT")]), Some(720));
        for past in ["0", "-1", "", "soon", "Thu, 01 Jan 1970 00:09:00 GMT"] {
            assert_eq!(stated_seconds(&[date, ("expires", past)]), Some(0), "{past}");
        }
        let later = ("expires", "Thu, 01 Jan 1970 01:00:00 GMT");
        assert_eq!(stated_seconds(&[date, later, ("cache-control", "max-age=5")]), Some(5));
        assert_eq!(stated_seconds(&[date]), None);
    }

    #[test]
    fn rfc9111_5_1_the_age_is_taken_off() {
        let max_age = ("cache-control", "max-age=120");
        assert_eq!(lifetime(&[max_age, ("age", "50")]), 70);
        assert_eq!(lifetime(&[max_age, ("age", "500")]), 0);
        for unreadable in ["", "-5", "old", "1.5"] {
            assert_eq!(lifetime(&[max_age, ("age", unreadable)]), 120, "{unreadable}");
        }
        assert_eq!(lifetime(&[("age", "50")]), 300);
    }

    #[test]
    fn the_bounds_take_precedence_over_the_headers() {
        let seconds = Duration::from_secs;
        let lifetimes = Lifetimes { least: seconds(60), most: seconds(900), without_headers: seconds(300) };
        let lifetime = |stated: Option<u64>| lifetimes.bound(stated.map(seconds), seconds(0)).as_secs();
        assert_eq!(lifetime(None), 300);
        assert_eq!(lifetime(Some(0)), 60);
        assert_eq!(lifetime(Some(59)), 60);
        assert_eq!(lifetime(Some(61)), 61);
        assert_eq!(lifetime(Some(899)), 899);
        assert_eq!(lifetime(Some(86_400)), 900);
        let crossed = Lifetimes { least: seconds(1000), ..lifetimes };
        assert_eq!(crossed.bound(None, seconds(0)).as_secs(), 900);
    }
}
