//! The table in the documentation lists every event as it is logged.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::{Metadata, Subscriber};

use super::*;
use crate::jose::KeyId;
use crate::oauth::{Endpoint, GrantType, UnlistedAlgorithm};

/// A line of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Line {
    level: String,
    message: String,
    fields: Vec<String>,
    values: String,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Line>>>);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.fields.push(field.name().to_owned());
            write!(self.values, "{}={value:?} ", field.name()).unwrap();
        }
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "private_key_jwt"
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line { level: event.metadata().level().to_string(), ..Line::default() };
        event.record(&mut line);
        self.0.lock().unwrap().push(line);
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// A row of the table.
#[derive(Debug)]
struct Row {
    levels: BTreeSet<String>,
    messages: BTreeSet<String>,
    fields: Vec<String>,
}

/// The rows of the table, by the names of the events.
fn table() -> BTreeMap<String, Row> {
    let quoted =
        |cell: &str| -> Vec<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let rows = include_str!("mod.rs").lines().filter_map(|line| line.strip_prefix("//! | `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        let [name, levels, messages, _, fields, ""] = cells[..] else { panic!("{row}") };
        let levels = quoted(levels).into_iter().collect();
        let messages = quoted(messages).into_iter().collect();
        (name.trim_end().trim_end_matches('`').to_owned(), Row { levels, messages, fields: quoted(fields) })
    })
    .collect()
}

/// The variants of [`Event`] in the source.
fn variants() -> BTreeSet<String> {
    let file = syn::parse_file(include_str!("event.rs")).unwrap();
    let event = file.items.iter().find_map(|item| match item {
        syn::Item::Enum(item) if item.ident == "Event" => Some(item),
        _ => None,
    });
    event.unwrap().variants.iter().map(|variant| variant.ident.to_string()).collect()
}

/// Every event, in every way in which it is logged.
pub(super) fn with_each(mut see: impl FnMut(&Event<'_>)) {
    let client = Client { client_id: "client", issuer: "https://as.example" };
    let error: &(dyn Error + 'static) = &std::fmt::Error;
    let failure = Failure { outcome: Outcome::Refused, error_code: Some("invalid_client"), error };
    let (key_id, previous) = (&KeyId::from("new"), &KeyId::from("old"));
    let (endpoint, grant_type) = (Endpoint::Token, GrantType::ClientCredentials);
    let (duration, pause, attempts) = (Duration::from_millis(1500), Duration::from_secs(2), 2);
    let (offset, learned_from) = (time::Duration::seconds(-180), "date");
    let url = "https://as.example/jwks";
    let expires_in = Some(Duration::from_secs(300));
    see(&Event::TokenObtained { client, grant_type, expires_in, attempts, duration });
    see(&Event::CallSucceeded { client, endpoint, attempts, duration });
    let grant_type = Some(grant_type);
    for is_final in [true, false] {
        see(&Event::CallFailed { client, endpoint, grant_type, attempts, duration, is_final, failure });
    }
    see(&Event::CallNotSent { client, endpoint, grant_type, failure });
    let unlisted = &UnlistedAlgorithm {
        endpoint,
        member: "token_endpoint_auth_signing_alg_values_supported",
        algorithm: crate::jose::Algorithm::EdDSA,
        listed: vec!["ES256".to_owned()],
        usable: Vec::new(),
    };
    see(&Event::AlgorithmNotListed { client, key_id, unlisted });
    see(&Event::AttemptFailed { client, attempt: 1, pause, failure });
    see(&Event::TimesCorrected { client, offset, learned_from, failure });
    see(&Event::KeyCorrected { client, rejected: previous, key_id, failure });
    for state in [ClockOffset::Assumed, ClockOffset::Confirmed, ClockOffset::Dropped] {
        see(&Event::ClockOffsetChanged { client, offset, learned_from, state });
    }
    for is_of_key in [true, false] {
        see(&Event::RejectionRemembered { client, key_id, is_of_key, pause, failure });
    }
    see(&Event::RefreshFailed { client, pause, failure });
    see(&Event::RefreshTokenRejected { client, failure });
    see(&Event::TokenDropped { client });
    for lookup in [Lookup::Hit, Lookup::Stale, Lookup::Waited, Lookup::Miss, Lookup::Refused] {
        see(&Event::TokenRequested { client, lookup, remaining: expires_in });
    }
    let (is_active, is_remote, key_age) = (true, false, expires_in);
    see(&Event::AssertionSigned { client, key_id, is_active, key_age, is_remote, duration });
    see(&Event::SigningKeyChanged { client, key_id, previous });
    let issuer = client.issuer;
    for has_metadata in [true, false] {
        see(&Event::MetadataFetched { issuer, is_refresh: has_metadata, duration });
        see(&Event::MetadataFetchFailed { issuer, pause, has_metadata, error });
    }
    for is_refresh in [true, false] {
        let (keys, is_unchanged, is_of_client) = (2, false, false);
        see(&Event::JwksFetched { url, keys, is_unchanged, is_refresh, is_of_client, duration });
    }
    let (added, removed) = (&[key_id.clone()][..], &[previous.clone()][..]);
    see(&Event::JwksChanged { url, added, removed });
    see(&Event::JwksStale { url, age: duration, hard_limit: pause });
    for (has_keys, is_of_client) in [(true, false), (false, false), (true, true), (false, true)] {
        see(&Event::JwksFetchFailed { url, pause, has_keys, is_of_client, error });
    }
    let (folder, file) = ("/etc/keys", "client.pem");
    see(&Event::KeyPhaseChanged { folder, file, key_id, previous: Some("published"), phase: "active" });
    see(&Event::KeyFileProblemBegan { folder, file, error });
    see(&Event::KeyFileProblemEnded { folder, file, error, duration });
    see(&Event::CertificateExpiring { folder, file, key_id, remaining: pause });
    for &reason in RefusalReason::ALL {
        for count in [Some(3), None] {
            see(&Event::RequestRefused { reason, count, error });
        }
    }
}

#[test]
fn the_table_lists_each_event_with_its_level_message_and_fields() {
    let (table, lines) = (table(), Lines::default());
    let mut found: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    tracing::subscriber::with_default(lines.clone(), || {
        with_each(|event| {
            emit(event, None, None);
            let name = format!("{event:?}").split(' ').next().unwrap().to_owned();
            found.entry(name).or_default().append(&mut lines.0.lock().unwrap());
        });
    });
    assert_eq!(variants(), found.keys().cloned().collect());
    assert_eq!(variants(), table.keys().cloned().collect());
    for (name, Row { levels, messages, fields }) in &table {
        let lines = &found[name];
        let all = |of: fn(&Line) -> &String| lines.iter().map(of).cloned().collect::<BTreeSet<_>>();
        assert_eq!(all(|line| &line.level), *levels, "{name}");
        assert_eq!(all(|line| &line.message), *messages, "{name}");
        assert!(lines.iter().all(|line| line.fields == *fields), "{name}: {lines:#?}");
    }
}

#[test]
fn values_are_in_the_units_that_the_fields_name() {
    let lines = Lines::default();
    tracing::subscriber::with_default(lines.clone(), || with_each(|event| emit(event, None, None)));
    let lines = lines.0.lock().unwrap();
    let values = |message: &str| lines.iter().find(|line| line.message == message).unwrap().values.trim_end();
    let client = r#"client_id="client" issuer="https://as.example""#;
    let error = "error=an error occurred when formatting an argument";
    for (message, expected) in [
        (
            "token obtained",
            format!(r#"{client} grant_type="client_credentials" expires_in=300 attempts=2 duration_ms=1500"#),
        ),
        (
            "call failed",
            format!(
                r#"{client} endpoint="token_endpoint" grant_type="client_credentials" outcome="refused" error_code="invalid_client" attempts=2 duration_ms=1500 {error}"#
            ),
        ),
        ("clock offset confirmed", format!(r#"{client} offset_ms=-180000 learned_from="date""#)),
        ("keys changed", r#"url="https://as.example/jwks" added=new removed=old"#.to_owned()),
        (
            "keys no longer fresh, still used",
            r#"url="https://as.example/jwks" age_s=1 hard_limit_s=2"#.to_owned(),
        ),
        ("requests refused", format!("reason=no_credentials count=3 {error}")),
    ] {
        assert_eq!(values(message), expected, "{message}");
    }
}

/// An observer and the counters see what the log sees.
#[test]
fn each_event_is_counted_once_and_reaches_the_observer_once() {
    #[derive(Default)]
    struct Names(Mutex<Vec<String>>);
    impl Observer for Names {
        fn event(&self, event: &Event<'_>) {
            self.0.lock().unwrap().push(format!("{event:?}"));
        }
    }
    let (names, counters) = (Arc::new(Names::default()), Counters::default());
    let observer: Arc<dyn Observer> = names.clone();
    let mut expected = Vec::new();
    with_each(|event| {
        emit(event, Some(&observer), Some(&counters));
        expected.push(format!("{event:?}"));
    });
    assert_eq!(*names.0.lock().unwrap(), expected);
    let statistics = counters.statistics();
    let Statistics { hits, stale, waits, misses, refused, .. } = statistics;
    assert_eq!([hits, stale, waits, misses, refused], [1; 5]);
    let Statistics { retries, time_corrections, key_corrections, refresh_failures, signatures, .. } =
        statistics;
    assert_eq!([retries, time_corrections, key_corrections, refresh_failures, signatures], [1; 5]);
    assert_eq!(statistics.signing_time, Duration::from_millis(1500));
    // Two that succeeded, two that failed and one that was not sent.
    for (outcome, expected) in [(Outcome::Ok, 2), (Outcome::Refused, 2), (Outcome::NotSent, 1)] {
        assert_eq!(statistics.calls(outcome), expected, "{outcome}");
    }
    assert_eq!(Outcome::ALL.iter().map(|outcome| statistics.calls(*outcome)).sum::<u64>(), 5);
}

#[test]
fn a_query_is_in_no_url() {
    for url in ["https://as.example/jwks?key=secret", "https://as.example/jwks#secret"] {
        assert_eq!(without_query(url), "https://as.example/jwks");
    }
}
