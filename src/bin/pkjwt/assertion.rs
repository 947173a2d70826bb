//! The options that `assert` and every command with a client share: what an assertion says besides
//! its audience.

use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use private_key_jwt::Profile;
use private_key_jwt::jose::UnverifiedJwt;
use private_key_jwt::oauth::ClientAssertionBuilder;
use serde_json::Value;

use crate::error::{Context, Failure};
use crate::fingerprint::Fingerprint;
use crate::{misplaced, pairs, profiles};

/// What an assertion says besides client and audience.
#[derive(Clone, clap::Args)]
#[command(next_help_heading = "Assertion")]
pub(crate) struct AssertionOptions {
    /// Follow the rules of this provider; other options override single rules
    #[arg(long, value_parser = profiles::parser())]
    profile: Option<Profile>,
    /// Lifetime of the assertion: 60s, 5m, 1h, or plain seconds [default: 60s]
    #[arg(long, value_name = "DURATION", value_parser = positive_duration)]
    lifetime: Option<Duration>,
    /// Add the claim nbf, this long before iat, for servers that require it
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    not_before: Option<Duration>,
    /// Add a claim, with its value as JSON (a string in quotes); may be repeated
    #[arg(long, value_name = "NAME=JSON")]
    claim: Vec<String>,
    /// Header typ; an empty value omits it [default: client-authentication+jwt]
    #[arg(long, value_name = "TYP")]
    typ: Option<String>,
    /// Omit kid from the header
    #[arg(long, conflicts_with = "kid")]
    no_kid: bool,
    /// Add x5t#S256, the SHA-256 thumbprint of the certificate in the key file
    #[arg(long)]
    x5t_s256: bool,
    /// Add x5t, the SHA-1 thumbprint of the certificate in the key file, for servers without
    /// x5t#S256
    #[arg(long)]
    x5t: bool,
    /// Add x5c, the certificate chain in the key file
    #[arg(long)]
    x5c: bool,
}

impl AssertionOptions {
    /// The profile, if the command line names one.
    pub(crate) const fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }

    /// Applies the options and leaves the other settings as they are.
    pub(crate) fn apply(
        &self,
        mut assertion: ClientAssertionBuilder,
    ) -> Result<ClientAssertionBuilder, Failure> {
        if let Some(profile) = &self.profile {
            assertion = assertion.profile(profile.clone());
        }
        if let Some(lifetime) = self.lifetime {
            assertion = assertion.lifetime(lifetime);
        }
        if let Some(set_back) = self.not_before {
            assertion = assertion.not_before(set_back);
        }
        for (name, value) in self.claims()? {
            assertion = assertion.claim(name, value).context(CLAIM)?;
        }
        if let Some(typ) = &self.typ {
            assertion = assertion.media_type(Some(typ.as_str()).filter(|typ| !typ.is_empty()));
        }
        if self.no_kid {
            assertion = assertion.without_key_id();
        }
        if self.x5t_s256 {
            assertion = assertion.x5t_s256();
        }
        if self.x5t {
            assertion = assertion.x5t();
        }
        if self.x5c {
            assertion = assertion.x5c();
        }
        Ok(assertion)
    }

    /// What a server may judge besides the client and the audience. Times are left out.
    pub(crate) fn describe(&self, fingerprint: &mut Fingerprint) {
        let profile = self.profile.as_ref().map(Profile::name);
        fingerprint.add("profile", profile.as_slice());
        let mut claims = self.claim.clone();
        claims.sort_unstable();
        fingerprint.add("claim", &claims);
        fingerprint.add("typ", self.typ.as_slice());
        let flags = [self.no_kid, self.x5t_s256, self.x5t, self.x5c];
        fingerprint.add("header", &flags.map(|flag| flag.to_string()));
    }

    fn claims(&self) -> Result<Vec<(&str, Value)>, Failure> {
        let claims = pairs::distinct(CLAIM, "NAME=JSON", &self.claim)?;
        claims.into_iter().map(|(name, json)| Ok((name, parse_claim(name, json)?))).collect()
    }
}

/// The value may be a secret, so the error does not repeat it.
fn parse_claim(name: &str, json: &str) -> Result<Value, Failure> {
    claim_value(json).ok_or_else(|| {
        let name = misplaced::shown(name);
        let why = format!("the value of `{name}` is not JSON; put text in quotes: {name}='\"text\"'");
        Failure::usage(CLAIM, why)
    })
}

/// Parses JSON as strictly as the reader of the JWT will.
fn claim_value(json: &str) -> Option<Value> {
    let claims = format!(r#"{{"value":{json}}}"#);
    let jwt = format!("e30.{}.", Base64UrlUnpadded::encode_string(claims.as_bytes()));
    let jwt = UnverifiedJwt::parse(&jwt).ok()?;
    // Text such as `1,"b":2` is more than a value.
    if jwt.claims().len() == 1 { jwt.claims().get("value").cloned() } else { None }
}

const CLAIM: &str = "--claim";

/// `60s`, `5m`, `1h`, or plain seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, &'static str> {
    const FORM: &str = "expected a whole number of seconds (60 or 60s), minutes (5m) or hours (1h)";
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

pub(crate) fn positive_duration(text: &str) -> Result<Duration, &'static str> {
    duration(text).and_then(|duration| {
        if duration.is_zero() { Err("must be at least one second") } else { Ok(duration) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_of_a_claim_is_one_value_and_means_what_it_says() {
        for json in ["1", "\"a\"", "null", "[1, {\"a\": 2}]", " true "] {
            assert_eq!(claim_value(json), serde_json::from_str(json).ok(), "{json}");
        }
        for json in [
            "",
            "a",
            "1,\"b\":2",
            "1,\"value\":2",
            "1}",
            "{\"a\":1,\"a\":2}",
            "{\"$serde_json::private::Number\":\"1\"}",
            "[{\"$serde_json::private::RawValue\":\"{}\"}]",
        ] {
            assert_eq!(claim_value(json), None, "{json}");
        }
    }

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
