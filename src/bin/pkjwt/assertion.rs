//! The options that `assert` and `token` share: what an assertion says beside its audience.

use std::time::Duration;

use private_key_jwt::oauth::ClientAssertionBuilder;

/// What is optional about an assertion.
#[derive(clap::Args)]
pub(crate) struct AssertionOptions {
    /// Leave kid out of the header
    #[arg(long, conflicts_with = "kid")]
    no_kid: bool,
    /// How long the assertion lives: 60s, 5m, 1h, or plain seconds [default: 60s]
    #[arg(long, value_name = "DURATION", value_parser = positive_duration)]
    lifetime: Option<Duration>,
    /// Add nbf, set back by this much, for servers that demand one
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    not_before: Option<Duration>,
    /// The typ header [default: client-authentication+jwt]; empty to leave it out
    #[arg(long, value_name = "TYP")]
    typ: Option<String>,
}

impl AssertionOptions {
    /// Sets what was asked for and leaves the rest as it is.
    pub(crate) fn apply(&self, mut assertion: ClientAssertionBuilder) -> ClientAssertionBuilder {
        if self.no_kid {
            assertion = assertion.without_key_id();
        }
        if let Some(lifetime) = self.lifetime {
            assertion = assertion.lifetime(lifetime);
        }
        if let Some(set_back) = self.not_before {
            assertion = assertion.not_before(set_back);
        }
        if let Some(typ) = &self.typ {
            assertion = assertion.media_type(Some(typ.as_str()).filter(|typ| !typ.is_empty()));
        }
        assertion
    }
}

/// `60s`, `5m`, `1h`, or plain seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, &'static str> {
    const FORM: &str = "a duration is a whole number of seconds (60 or 60s), minutes (5m) or hours (1h)";
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 's')) => (text.get(..at), 1),
        Some((at, 'm')) => (text.get(..at), 60),
        Some((at, 'h')) => (text.get(..at), 3600),
        _ => (Some(text), 1),
    };
    // `parse` alone would take a sign.
    let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())).ok_or(FORM)?;
    let seconds = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(unit)).ok_or(FORM)?;
    Ok(Duration::from_secs(seconds))
}

fn positive_duration(text: &str) -> Result<Duration, &'static str> {
    duration(text)
        .and_then(|duration| if duration.is_zero() { Err("it is longer than nothing") } else { Ok(duration) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_one_unit_and_fit() {
        for (text, seconds) in [("60s", 60), ("60", 60), ("5m", 300), ("1h", 3600), ("0", 0)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "s", "-1", "+1", "1.5s", "1 s", "1d", "5M", "1h30m", "ä", "18446744073709551615h"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert!(positive_duration("0m").is_err());
    }
}
