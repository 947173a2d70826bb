//! The replay store with a real `redis-server`, which the suite starts: shared by tasks and by
//! processes, killed, paused, silent, full.
//!
//! `cargo test --test redis --features redis`. Without `redis-server`, it fails and says so. A
//! plain `cargo test` does not run it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod outages;
mod processes;
mod server;
#[path = "../support/mod.rs"]
mod support;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use private_key_jwt::server::{RedisReplayError, RedisReplayStore};
use private_key_jwt::verifier::{ReplayEntry, VerifiedAssertion, VerifierError};
use private_key_jwt::{
    Algorithm, AuthorizationServer, ClientAssertion, ClientAssertionVerifier, JwkSet, PrivateKey,
    PublicKeySet, ReplayStore,
};
use server::Redis;
use support::{MARK, clean, key, now};

const ISSUER: &str = "https://as.example";

/// The two ends of client authentication. RSA, because its signatures are verified the fastest.
pub(crate) struct Ends {
    key: PrivateKey,
    keys: PublicKeySet,
    server: AuthorizationServer,
    verifier: ClientAssertionVerifier,
}

impl Ends {
    pub(crate) fn new() -> Self {
        let key = key("rsa2048.pkcs8.pem");
        Self {
            keys: JwkSet::from(key.public_jwk().clone()).into(),
            key,
            server: AuthorizationServer::new(ISSUER, format!("{ISSUER}/token")).unwrap(),
            verifier: ClientAssertionVerifier::new(ISSUER),
        }
    }

    pub(crate) fn assertion(&self, jti: &str) -> String {
        ClientAssertion::builder("client", &self.server)
            .sign(&self.key, now(), jti)
            .unwrap()
            .secret()
            .to_owned()
    }

    pub(crate) fn verify(&self, assertion: &str) -> VerifiedAssertion {
        let unverified = self.verifier.parse_assertion(assertion).unwrap();
        unverified.verify(&self.keys, Algorithm::RS256, now()).unwrap()
    }
}

/// How many attempts to spend an assertion had which result.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) spent: usize,
    pub(crate) replayed: usize,
    pub(crate) failed: usize,
}

impl Tally {
    pub(crate) fn count(&mut self, result: Result<String, VerifierError>) {
        match result.map_err(clean) {
            Ok(client) => {
                assert_eq!(client, "client");
                self.spent += 1;
            }
            Err(VerifierError::Replayed) => self.replayed += 1,
            Err(VerifierError::ReplayStore(_)) => self.failed += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// This many tasks spend the same assertion at the same time.
pub(crate) async fn spend_at_once(
    store: &Arc<RedisReplayStore>,
    ends: &Arc<Ends>,
    assertion: &str,
    tasks: usize,
) -> Tally {
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let (store, ends, assertion) = (Arc::clone(store), Arc::clone(ends), assertion.to_owned());
            tokio::spawn(async move { store.spend(ends.verify(&assertion), now()).await })
        })
        .collect();
    let mut tally = Tally::default();
    for task in tasks {
        tally.count(task.await.unwrap());
    }
    tally
}

/// What Redis said, behind the verifier's error.
pub(crate) fn redis_error(error: VerifierError) -> RedisReplayError {
    let error = clean(error);
    let source = error.source().unwrap_or_else(|| panic!("{error:?}"));
    clean(source.downcast_ref::<RedisReplayError>().unwrap().clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_tasks_one_spends_an_assertion_in_each_of_1000_rounds() {
    let redis = Redis::start(&[]);
    let store = Arc::new(RedisReplayStore::open(&redis.address()).unwrap());
    store.check().await.unwrap();
    let ends = Arc::new(Ends::new());
    for round in 0..1000 {
        let assertion = ends.assertion(&format!("round {round}"));
        let tally = spend_at_once(&store, &ends, &assertion, 64).await;
        assert_eq!(tally, Tally { spent: 1, replayed: 63, failed: 0 }, "round {round}");
    }
    assert_eq!(redis.say("DBSIZE").unwrap(), ":1000");
}

#[tokio::test]
async fn an_entry_lives_as_long_as_it_is_needed_under_a_key_of_its_own() {
    let redis = Redis::start(&[]);
    let store = RedisReplayStore::open(&redis.address()).unwrap().key_prefix("as:");
    let second = |second: i64| now() + Duration::from_secs(second.unsigned_abs());
    let entry = ReplayEntry::new("client", "jti", now().unix_timestamp() + 120);
    assert!(store.insert(entry, now()).await.unwrap());
    assert!(!store.insert(entry, second(119)).await.unwrap());
    // The name of the entry: SHA-256 of the length-prefixed names, in base64url.
    let keys = redis.say("RANDOMKEY").unwrap();
    assert_eq!(keys, "as:dMlhsjiuwpCaASZo2JnZ02Pisbb4eiu0QWf7VRMBYZg");
    let lifetime = |key: &str| redis.say(&format!("PTTL {key}")).unwrap()[1..].parse::<i64>().unwrap();
    // 120 s by the given clock, and 60 s for other clocks that may be behind.
    assert!((170_000..=180_000).contains(&lifetime(&keys)), "{}", lifetime(&keys));

    // Another server with another prefix has its own entries; its clocks are closer together.
    let other = RedisReplayStore::open(&redis.address()).unwrap().clock_difference(Duration::from_secs(5));
    assert!(other.insert(entry, now()).await.unwrap());
    let key = format!("{}{}", RedisReplayStore::DEFAULT_KEY_PREFIX, &keys[3..]);
    assert!((115_000..=125_000).contains(&lifetime(&key)), "{}", lifetime(&key));

    for late in [120, 1000] {
        assert!(matches!(
            clean(store.insert(entry, second(late)).await.unwrap_err()),
            VerifierError::Expired { expired, now: found } if expired == entry.forget_after && found == second(late).unix_timestamp()
        ));
    }
    // A time that Redis cannot represent is refused, not shortened.
    let endless = ReplayEntry::new("client", "endless", i64::MAX);
    let refused = redis_error(store.insert(endless, now()).await.unwrap_err());
    assert!(
        matches!(&refused, RedisReplayError::Refused { reason } if reason.contains("expire")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_redis_that_evicts_is_found_out() {
    let redis = Redis::start(&[]);
    let store = RedisReplayStore::open(&redis.address()).unwrap();
    store.check().await.unwrap();
    for policy in ["allkeys-lru", "volatile-ttl", "volatile-lru"] {
        redis.say(&format!("CONFIG SET maxmemory-policy {policy}")).unwrap();
        let found = policy.to_owned();
        assert_eq!(clean(store.check().await.unwrap_err()), RedisReplayError::Evicts { found });
    }
}

#[tokio::test]
async fn a_redis_without_memory_refuses_and_forgets_nothing() {
    let redis = Redis::start(&["--maxmemory", "3mb"]);
    let store = RedisReplayStore::open(&redis.address()).unwrap();
    let entry = |number: usize| ReplayEntry::new("client", &number.to_string(), now().unix_timestamp() + 120);
    let mut stored = 0;
    let full = loop {
        match store.insert(entry(stored), now()).await {
            Ok(fresh) => assert!(fresh),
            Err(error) => break redis_error(error),
        }
        stored += 1;
    };
    assert!(matches!(&full, RedisReplayError::Refused { reason } if reason.contains("OOM")), "{full:?}");
    assert!(stored > 1000, "{stored}");
    for number in 0..stored {
        // A command that may need memory is refused as a whole; if it is not refused, the entry is
        // stored.
        match store.insert(entry(number), now()).await {
            Ok(fresh) => assert!(!fresh, "{number}"),
            Err(error) => assert!(matches!(redis_error(error), RedisReplayError::Refused { .. })),
        }
    }
    assert_eq!(redis.say("DBSIZE").unwrap(), format!(":{stored}"));
}

#[tokio::test]
async fn a_password_opens_and_does_not_show() {
    let redis = Redis::start(&["--requirepass", MARK]);
    let with = |password: &str| redis.address().replace("redis://", &format!("redis://:{password}@"));
    let entry = ReplayEntry::new("client", "jti", now().unix_timestamp() + 120);
    let store = RedisReplayStore::open(&with(MARK)).unwrap();
    assert!(store.insert(entry, now()).await.unwrap());
    assert_eq!(format!("{store:?}"), r#"RedisReplayStore { key_prefix: "private_key_jwt:jti:", .. }"#);
    for address in [redis.address(), with(&format!("{MARK}x"))] {
        let store = RedisReplayStore::open(&address).unwrap();
        let refused = redis_error(store.insert(entry, now()).await.unwrap_err());
        assert!(matches!(refused, RedisReplayError::Refused { .. }), "{refused:?}");
        assert!(matches!(clean(store.check().await.unwrap_err()), RedisReplayError::Refused { .. }));
    }
}

#[test]
fn an_address_that_is_none_is_refused_and_not_shown() {
    for address in [
        "",
        MARK,
        &format!("http://user:{MARK}@host/"),
        &format!("redis://user:{MARK}@"),
        &format!("redis://user:{MARK}@host:port/"),
        &format!("redis://user:{MARK}@host/database"),
    ] {
        assert_eq!(
            clean(RedisReplayStore::open(address).unwrap_err()),
            RedisReplayError::Address,
            "{address}"
        );
    }
}
