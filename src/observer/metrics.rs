use metrics::{Gauge, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use super::event::{Event, Observer};
use super::outcome::Outcome;
#[cfg(doc)]
use super::{Lookup, RefusalReason};
use crate::jose::KeyId;

/// Records [events](super#events) through the facade of the crate
/// [`metrics`](https://docs.rs/metrics) 0.24. Install its recorder first, such as an exporter for
/// Prometheus.
///
/// ```no_run
/// use std::sync::Arc;
/// use private_key_jwt::observer::{MetricsObserver, Observer};
/// # use private_key_jwt::{AuthorizationServer, PrivateKey, RemoteJwks, TokenClient};
///
/// # fn start(server: AuthorizationServer, key: PrivateKey) -> Result<(), Box<dyn std::error::Error>> {
/// let metrics: Arc<dyn Observer> = Arc::new(MetricsObserver::new());
/// let client = TokenClient::builder(server, "client", key).observer(Arc::clone(&metrics)).build()?;
/// let jwks = RemoteJwks::builder("https://as.example/jwks").observer(metrics).build()?;
/// # Ok(()) }
/// ```
///
/// # Instruments
///
/// | name | kind | unit | labels | what it says |
/// | --- | --- | --- | --- | --- |
/// | `oauth.token.requests` | counter | | `issuer` `grant` `outcome` `error` | calls of the token endpoint, by [`Outcome`] and error code |
/// | `oauth.token.duration` | histogram | seconds | `issuer` `grant` `outcome` | how long they took, with corrections and retries |
/// | `oauth.calls` | counter | | `issuer` `endpoint` `outcome` `error` | calls of other endpoints |
/// | `oauth.token.cache` | counter | | `issuer` `result` | callers that asked for a token, by [`Lookup`] |
/// | `oauth.token.remaining` | histogram | seconds | `issuer` | how long a cached token was still valid when it was returned |
/// | `oauth.token.retries` | counter | | `issuer` | attempts that failed and were repeated |
/// | `oauth.token.corrections` | counter | | `issuer` `kind` | assertions that were signed again; `kind` is `time` or `key` |
/// | `oauth.token.refresh.failures` | counter | | `issuer` `error` | requests in the background that brought no token |
/// | `oauth.assertion.sign.duration` | histogram | seconds | `signer` | how long a signature took; `signer` is `process` or `remote` |
/// | `oauth.key.active` | gauge | | `issuer` `kid` | 1 for the key that signs, 0 for one that signed before |
/// | `oauth.key.age` | gauge | seconds | `issuer` `kid` | how long the key had been active when it signed last; only for keys that the ring activated |
/// | `oauth.jwks.fetches` | counter | | `url` `result` | fetches of JWK Sets; `result` is `ok`, `unchanged` or `failed` |
/// | `oauth.verifier.rejections` | counter | | `reason` | refused requests and assertions, by [`RefusalReason`] |
///
/// The values of labels are bounded: issuers and your own key ids come from your settings, URLs of
/// JWK Sets (without their queries) from your settings or from the metadata of your issuers, and
/// all others from fixed lists. The `url` of every set that a client registered
/// ([`ClientKeys`](crate::ClientKeys)) is `client`.
#[derive(Debug)]
pub struct MetricsObserver {
    _private: (),
}

impl MetricsObserver {
    /// Describes the instruments to the recorder that is installed.
    #[must_use]
    pub fn new() -> Self {
        describe_counter!("oauth.token.requests", "Calls of the token endpoint");
        describe_histogram!("oauth.token.duration", Unit::Seconds, "Duration of calls of the token endpoint");
        describe_counter!("oauth.calls", "Calls of other endpoints of the authorization server");
        describe_counter!("oauth.token.cache", "Callers that asked for a token");
        describe_histogram!("oauth.token.remaining", Unit::Seconds, "Remaining lifetime of returned tokens");
        describe_counter!("oauth.token.retries", "Attempts that failed and were repeated");
        describe_counter!("oauth.token.corrections", "Assertions that were signed again");
        describe_counter!("oauth.token.refresh.failures", "Background requests that brought no token");
        describe_histogram!("oauth.assertion.sign.duration", Unit::Seconds, "Duration of signatures");
        describe_gauge!("oauth.key.active", "Whether the key signs");
        describe_gauge!("oauth.key.age", Unit::Seconds, "How long the key has been active");
        describe_counter!("oauth.jwks.fetches", "Fetches of JWK Sets");
        describe_counter!("oauth.verifier.rejections", "Refused requests and assertions");
        Self { _private: () }
    }
}

impl Default for MetricsObserver {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer for MetricsObserver {
    fn event(&self, event: &Event<'_>) {
        match *event {
            Event::TokenObtained { client, grant_type, duration, .. } => {
                called(client.issuer, Some(grant_type.as_str()), "", Outcome::Ok, None);
                took(client.issuer, grant_type.as_str(), Outcome::Ok, duration.as_secs_f64());
            }
            Event::CallSucceeded { client, endpoint, .. } => {
                called(client.issuer, None, endpoint.metadata_name(), Outcome::Ok, None);
            }
            Event::CallFailed { client, endpoint, grant_type, duration, failure, .. } => {
                let grant = grant_type.map(|grant_type| grant_type.as_str());
                let outcome = failure.outcome;
                called(client.issuer, grant, endpoint.metadata_name(), outcome, failure.error_code);
                if let Some(grant) = grant {
                    took(client.issuer, grant, outcome, duration.as_secs_f64());
                }
            }
            Event::CallNotSent { client, endpoint, grant_type, failure } => {
                let grant = grant_type.map(|grant_type| grant_type.as_str());
                called(client.issuer, grant, endpoint.metadata_name(), failure.outcome, failure.error_code);
            }
            Event::AttemptFailed { client, .. } => {
                counter!("oauth.token.retries", "issuer" => client.issuer.to_owned()).increment(1);
            }
            Event::TimesCorrected { client, .. } => corrected(client.issuer, "time"),
            Event::KeyCorrected { client, .. } => corrected(client.issuer, "key"),
            Event::RefreshFailed { client, failure, .. } => {
                let error = failure.error_code.unwrap_or("none");
                counter!("oauth.token.refresh.failures", "issuer" => client.issuer.to_owned(), "error" => error)
                    .increment(1);
            }
            Event::TokenRequested { client, lookup, remaining } => {
                let issuer = client.issuer.to_owned();
                counter!("oauth.token.cache", "issuer" => issuer.clone(), "result" => lookup.as_str())
                    .increment(1);
                if let Some(remaining) = remaining {
                    histogram!("oauth.token.remaining", "issuer" => issuer).record(remaining.as_secs_f64());
                }
            }
            Event::AssertionSigned { client, key_id, is_active, key_age, is_remote, duration } => {
                let signer = if is_remote { "remote" } else { "process" };
                histogram!("oauth.assertion.sign.duration", "signer" => signer)
                    .record(duration.as_secs_f64());
                if is_active {
                    of_key("oauth.key.active", client.issuer, key_id).set(1.0);
                }
                if let Some(age) = key_age {
                    of_key("oauth.key.age", client.issuer, key_id).set(age.as_secs_f64());
                }
            }
            Event::SigningKeyChanged { client, previous, .. } => {
                of_key("oauth.key.active", client.issuer, previous).set(0.0);
            }
            Event::JwksFetched { url, is_unchanged, is_of_client, .. } => {
                fetched(url, is_of_client, if is_unchanged { "unchanged" } else { "ok" });
            }
            Event::JwksFetchFailed { url, is_of_client, .. } => fetched(url, is_of_client, "failed"),
            Event::RequestRefused { reason, .. } => {
                counter!("oauth.verifier.rejections", "reason" => reason.as_str()).increment(1);
            }
            _ => {}
        }
    }
}

fn called(
    issuer: &str,
    grant: Option<&'static str>,
    endpoint: &'static str,
    outcome: Outcome,
    error: Option<&'static str>,
) {
    let (issuer, outcome, error) = (issuer.to_owned(), outcome.as_str(), error.unwrap_or("none"));
    let counter = match grant {
        Some(grant) => counter!(
            "oauth.token.requests",
            "issuer" => issuer, "grant" => grant, "outcome" => outcome, "error" => error
        ),
        None => counter!(
            "oauth.calls",
            "issuer" => issuer, "endpoint" => endpoint, "outcome" => outcome, "error" => error
        ),
    };
    counter.increment(1);
}

fn took(issuer: &str, grant: &'static str, outcome: Outcome, seconds: f64) {
    let issuer = issuer.to_owned();
    histogram!("oauth.token.duration", "issuer" => issuer, "grant" => grant, "outcome" => outcome.as_str())
        .record(seconds);
}

fn corrected(issuer: &str, kind: &'static str) {
    counter!("oauth.token.corrections", "issuer" => issuer.to_owned(), "kind" => kind).increment(1);
}

fn of_key(name: &'static str, issuer: &str, key_id: &KeyId) -> Gauge {
    gauge!(name, "issuer" => issuer.to_owned(), "kid" => key_id.to_string())
}

fn fetched(url: &str, is_of_client: bool, result: &'static str) {
    let url = if is_of_client { "client" } else { url };
    counter!("oauth.jwks.fetches", "url" => url.to_owned(), "result" => result).increment(1);
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::{Arc, Mutex};

    use metrics::{
        Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
        SharedString,
    };

    use super::super::tests::with_each;
    use super::*;

    /// Records descriptions, and each value as `name{label=value,…} value`.
    #[derive(Clone, Default)]
    struct Values(Arc<Mutex<Vec<String>>>, Arc<Mutex<BTreeMap<String, &'static str>>>);

    struct Instrument(String, Values);

    impl Instrument {
        fn push(&self, value: f64) {
            self.1.0.lock().unwrap().push(format!("{} {value}", self.0));
        }
    }

    impl CounterFn for Instrument {
        fn increment(&self, value: u64) {
            self.push(f64::from(u32::try_from(value).unwrap()));
        }

        fn absolute(&self, _: u64) {}
    }

    impl GaugeFn for Instrument {
        fn increment(&self, _: f64) {}
        fn decrement(&self, _: f64) {}

        fn set(&self, value: f64) {
            self.push(value);
        }
    }

    impl HistogramFn for Instrument {
        fn record(&self, value: f64) {
            self.push(value);
        }
    }

    impl Values {
        fn instrument(&self, key: &Key) -> Arc<Instrument> {
            let labels = key.labels().map(|label| format!("{}={}", label.key(), label.value()));
            let labels = labels.collect::<Vec<_>>().join(",");
            Arc::new(Instrument(format!("{}{{{labels}}}", key.name()), self.clone()))
        }

        fn describe(&self, name: &KeyName, kind: &'static str) {
            self.1.lock().unwrap().insert(name.as_str().to_owned(), kind);
        }
    }

    impl Recorder for Values {
        fn describe_counter(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
            self.describe(&name, "counter");
        }

        fn describe_gauge(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
            self.describe(&name, "gauge");
        }

        fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
            assert_eq!(unit, Some(Unit::Seconds), "{}", name.as_str());
            self.describe(&name, "histogram");
        }

        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            self.instrument(key).into()
        }

        fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
            self.instrument(key).into()
        }

        fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
            self.instrument(key).into()
        }
    }

    #[test]
    fn the_table_lists_each_instrument_with_its_kind_and_labels() {
        let values = Values::default();
        metrics::with_local_recorder(&values, || {
            let observer = MetricsObserver::new();
            with_each(|event| observer.event(event));
        });
        let quoted = |cell: &str| -> BTreeSet<String> {
            cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
        };
        let rows = include_str!("metrics.rs").lines().filter_map(|line| line.strip_prefix("/// | `"));
        let table: BTreeMap<String, (String, BTreeSet<String>)> = rows
            .map(|row| {
                let cells: Vec<&str> = row.split('|').map(str::trim).collect();
                let [name, kind, _, labels, _, ""] = cells[..] else { panic!("{row}") };
                (name.trim_end_matches('`').to_owned(), (kind.to_owned(), quoted(labels)))
            })
            .collect();
        let described = values.1.lock().unwrap();
        let kinds = table.iter().map(|(name, (kind, _))| (name.as_str(), kind.as_str()));
        assert_eq!(
            kinds.collect::<Vec<_>>(),
            described.iter().map(|(name, kind)| (name.as_str(), *kind)).collect::<Vec<_>>()
        );
        let mut recorded = BTreeSet::new();
        for value in values.0.lock().unwrap().iter() {
            let (name, labels) = value.split_once('{').unwrap();
            let labels = labels.split_once('}').unwrap().0.split(',');
            let labels = labels.map(|label| label.split_once('=').unwrap().0.to_owned()).collect();
            assert_eq!(table[name].1, labels, "{value}");
            recorded.insert(name.to_owned());
        }
        assert_eq!(recorded, table.keys().cloned().collect());
    }

    #[test]
    fn values_are_in_seconds_and_labels_are_words() {
        let values = Values::default();
        metrics::with_local_recorder(&values, || {
            let observer = MetricsObserver::default();
            with_each(|event| observer.event(event));
        });
        let found = values.0.lock().unwrap();
        let of = "issuer=https://as.example";
        for expected in [
            format!("oauth.token.requests{{{of},grant=client_credentials,outcome=ok,error=none}} 1"),
            format!(
                "oauth.token.requests{{{of},grant=client_credentials,outcome=refused,error=invalid_client}} 1"
            ),
            format!("oauth.token.duration{{{of},grant=client_credentials,outcome=ok}} 1.5"),
            format!("oauth.token.cache{{{of},result=hit}} 1"),
            format!("oauth.token.remaining{{{of}}} 300"),
            format!("oauth.token.corrections{{{of},kind=key}} 1"),
            "oauth.assertion.sign.duration{signer=process} 1.5".to_owned(),
            format!("oauth.key.active{{{of},kid=new}} 1"),
            format!("oauth.key.active{{{of},kid=old}} 0"),
            format!("oauth.key.age{{{of},kid=new}} 300"),
            "oauth.jwks.fetches{url=https://as.example/jwks,result=ok} 1".to_owned(),
            "oauth.verifier.rejections{reason=expired} 1".to_owned(),
        ] {
            assert!(found.contains(&expected), "{expected}: {found:#?}");
        }
    }
}
