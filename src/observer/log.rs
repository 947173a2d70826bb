//! Logs and counts events, and passes them on to the observer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::event::{ClockOffset, Event, Observer};
use super::refusal_reason::RefusalReason;
use super::statistics::Counters;
use crate::jose::KeyId;

/// Logs the event, counts it, and tells the observer. The caller holds no lock: subscribers and
/// observers are foreign code.
pub(crate) fn emit(event: &Event<'_>, observer: Option<&Arc<dyn Observer>>, counters: Option<&Counters>) {
    if let Some(counters) = counters {
        counters.count(event);
    }
    log(event);
    if let Some(observer) = observer {
        observer.event(event);
    }
}

/// The table in the documentation of `observer` lists these lines, and a test compares them.
fn log(event: &Event<'_>) {
    // The level and the message of a `tracing` event are constants.
    macro_rules! line {
        ($level:ident, $($fields_and_message:tt)*) => {
            tracing::event!(target: "private_key_jwt", tracing::Level::$level, $($fields_and_message)*)
        };
    }
    macro_rules! client_line {
        ($level:ident, $client:ident, $($fields_and_message:tt)*) => {
            line!(
                $level,
                client_id = $client.client_id,
                issuer = $client.issuer,
                $($fields_and_message)*
            )
        };
    }
    match *event {
        Event::TokenObtained { client, grant_type, expires_in, attempts, duration } => {
            let (grant_type, expires_in) = (grant_type.as_str(), expires_in.map(|life| life.as_secs()));
            let duration_ms = ms(duration);
            client_line!(INFO, client, grant_type, expires_in, attempts, duration_ms, "token obtained");
        }
        Event::CallSucceeded { client, endpoint, attempts, duration } => {
            let (endpoint, duration_ms) = (endpoint.metadata_name(), ms(duration));
            client_line!(DEBUG, client, endpoint, attempts, duration_ms, "call succeeded");
        }
        Event::CallFailed { client, endpoint, grant_type, attempts, duration, is_final, failure } => {
            macro_rules! failed {
                ($level:ident) => {
                    client_line!(
                        $level,
                        client,
                        endpoint = endpoint.metadata_name(),
                        grant_type = grant_type.map(|grant_type| grant_type.as_str()),
                        outcome = failure.outcome.as_str(),
                        error_code = failure.error_code,
                        attempts,
                        duration_ms = ms(duration),
                        error = %failure,
                        "call failed"
                    )
                };
            }
            if is_final { failed!(ERROR) } else { failed!(DEBUG) }
        }
        Event::CallNotSent { client, endpoint, grant_type, failure } => {
            let (endpoint, grant_type) = (endpoint.metadata_name(), grant_type.map(|it| it.as_str()));
            client_line!(DEBUG, client, endpoint, grant_type, error = %failure, "request not sent");
        }
        Event::AlgorithmNotListed { client, key_id, unlisted } => {
            let endpoint = unlisted.endpoint.metadata_name();
            client_line!(WARN, client, %key_id, endpoint, %unlisted, "algorithm not listed by the server");
        }
        Event::AttemptFailed { client, attempt, pause, failure } => {
            let pause_ms = ms(pause);
            client_line!(WARN, client, attempt, pause_ms, error = %failure, "attempt failed, retry scheduled");
        }
        Event::TimesCorrected { client, offset, learned_from, failure } => {
            let offset_ms = signed_ms(offset);
            client_line!(
                WARN,
                client,
                offset_ms,
                learned_from,
                error = %failure,
                "assertion rejected, retried with corrected times"
            );
        }
        Event::KeyCorrected { client, rejected, key_id, failure } => {
            client_line!(
                WARN,
                client,
                %rejected,
                %key_id,
                error = %failure,
                "assertion rejected, retried with another key"
            );
        }
        Event::ClockOffsetChanged { client, offset, learned_from, state } => {
            let offset_ms = signed_ms(offset);
            match state {
                ClockOffset::Assumed => {
                    client_line!(INFO, client, offset_ms, learned_from, "clock offset assumed");
                }
                ClockOffset::Confirmed => {
                    client_line!(INFO, client, offset_ms, learned_from, "clock offset confirmed");
                }
                ClockOffset::Dropped => {
                    client_line!(INFO, client, offset_ms, learned_from, "clock offset dropped");
                }
            }
        }
        Event::RejectionRemembered { client, key_id, is_of_key, pause, failure } => {
            let pause_ms = ms(pause);
            if is_of_key {
                client_line!(WARN, client, %key_id, pause_ms, error = %failure, "key rejected, paused");
            } else {
                client_line!(WARN, client, %key_id, pause_ms, error = %failure, "request rejected, paused");
            }
        }
        Event::RefreshFailed { client, pause, failure } => {
            let pause_ms = ms(pause);
            client_line!(WARN, client, error = %failure, pause_ms, "token refresh failed");
        }
        Event::RefreshTokenRejected { client, failure } => {
            client_line!(WARN, client, error = %failure, "refresh token rejected");
        }
        Event::TokenDropped { client } => client_line!(INFO, client, "rejected token dropped"),
        // Each token and each request would be a line.
        Event::TokenRequested { .. } | Event::AssertionSigned { .. } => {}
        Event::SigningKeyChanged { client, key_id, previous } => {
            client_line!(INFO, client, %key_id, %previous, "signing key changed");
        }
        Event::MetadataFetched { issuer, is_refresh, duration } => {
            let duration_ms = ms(duration);
            if is_refresh {
                line!(DEBUG, issuer, duration_ms, "metadata fetched");
            } else {
                line!(INFO, issuer, duration_ms, "metadata fetched");
            }
        }
        Event::MetadataFetchFailed { issuer, pause, has_metadata, error } => {
            let (pause_ms, error) = (ms(pause), format_args!("{error:#}"));
            if has_metadata {
                line!(WARN, issuer, error, pause_ms, "metadata refresh failed");
            } else {
                line!(WARN, issuer, error, pause_ms, "metadata fetch failed");
            }
        }
        Event::JwksFetched { url, keys, is_unchanged, is_refresh, is_of_client, duration } => {
            let duration_ms = ms(duration);
            if is_refresh || is_of_client {
                line!(DEBUG, url, keys, is_unchanged, duration_ms, "keys fetched");
            } else {
                line!(INFO, url, keys, is_unchanged, duration_ms, "keys fetched");
            }
        }
        Event::JwksChanged { url, added, removed } => {
            let (added, removed) = (Names(added), Names(removed));
            line!(INFO, url, %added, %removed, "keys changed");
        }
        Event::JwksStale { url, age, hard_limit } => {
            let (age_s, hard_limit_s) = (age.as_secs(), hard_limit.as_secs());
            line!(WARN, url, age_s, hard_limit_s, "keys no longer fresh, still used");
        }
        Event::JwksFetchFailed { url, pause, has_keys, is_of_client, error } => {
            let (pause_ms, error) = (ms(pause), format_args!("{error:#}"));
            // Outsiders choose the URLs of clients, so their failures must not fill the log.
            match (is_of_client, has_keys) {
                (false, true) => line!(WARN, url, error, pause_ms, "key refresh failed"),
                (false, false) => line!(WARN, url, error, pause_ms, "key fetch failed"),
                (true, true) => line!(DEBUG, url, error, pause_ms, "key refresh failed"),
                (true, false) => line!(DEBUG, url, error, pause_ms, "key fetch failed"),
            }
        }
        Event::KeyPhaseChanged { folder, file, key_id, previous, phase } => {
            line!(INFO, folder, file, %key_id, previous, phase, "key phase changed");
        }
        Event::KeyFileProblemBegan { folder, file, error } => {
            line!(WARN, folder, file, error = format_args!("{error:#}"), "key file problem");
        }
        Event::KeyFileProblemEnded { folder, file, error, duration } => {
            let (error, duration_s) = (format_args!("{error:#}"), duration.as_secs());
            line!(INFO, folder, file, error, duration_s, "key file problem ended");
        }
        Event::CertificateExpiring { folder, file, key_id, remaining } => {
            let remaining_s = remaining.as_secs();
            line!(WARN, folder, file, %key_id, remaining_s, "certificate expires soon");
        }
        Event::RequestRefused { reason, count: Some(count), error } => {
            macro_rules! refused {
                ($level:ident) => {
                    line!($level, %reason, count, error = format_args!("{error:#}"), "requests refused")
                };
            }
            match reason {
                RefusalReason::Misconfigured => refused!(ERROR),
                RefusalReason::KeysUnavailable => refused!(WARN),
                RefusalReason::NoCredentials => refused!(DEBUG),
                _ => refused!(INFO),
            }
        }
        Event::RequestRefused { count: None, .. } => {}
    }
}

/// The first names of a list: another party chooses how many there are.
struct Names<'a>(&'a [KeyId]);

impl Names<'_> {
    const SHOWN: usize = 8;
}

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, key_id) in self.0.iter().take(Self::SHOWN).enumerate() {
            write!(f, "{}{key_id}", if place == 0 { "" } else { ", " })?;
        }
        match self.0.len().saturating_sub(Self::SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn signed_ms(duration: time::Duration) -> i64 {
    i64::try_from(duration.whole_milliseconds()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_with_many_keys_is_one_short_line() {
        let names = |number: usize| -> Vec<KeyId> {
            (0..number).map(|number| KeyId::from(format!("k{number}"))).collect()
        };
        assert_eq!(Names(&names(0)).to_string(), "");
        assert_eq!(Names(&names(2)).to_string(), "k0, k1");
        assert_eq!(Names(&names(8)).to_string(), "k0, k1, k2, k3, k4, k5, k6, k7");
        assert_eq!(Names(&names(256)).to_string(), "k0, k1, k2, k3, k4, k5, k6, k7 and 248 more");
    }
}
