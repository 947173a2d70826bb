//! Redis is killed, paused, restarted, or goes silent while it is in use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use private_key_jwt::ReplayStore;
use private_key_jwt::server::{RedisReplayError, RedisReplayStore};
use private_key_jwt::verifier::{ReplayEntry, VerifierError};
use tokio::net::{TcpListener, TcpStream};

use crate::server::Redis;
use crate::support::{clean, now};
use crate::{Ends, Tally, redis_error};

const TIMEOUT: Duration = Duration::from_millis(250);
/// For a busy machine.
const SLACK: Duration = Duration::from_millis(1500);

fn store(address: &str) -> RedisReplayStore {
    RedisReplayStore::open(address).unwrap().connect_timeout(TIMEOUT).response_timeout(TIMEOUT)
}

fn entry(jti: &str) -> ReplayEntry {
    ReplayEntry::new("client", jti, now().unix_timestamp() + 120)
}

/// Tries with new entries until one is stored, for a while.
async fn recovers(store: &RedisReplayStore, name: &str) {
    let started = Instant::now();
    for attempt in 0.. {
        match store.insert(entry(&format!("{name} {attempt}")), now()).await {
            Ok(fresh) => return assert!(fresh),
            Err(error) => drop(redis_error(error)),
        }
        assert!(started.elapsed() < Duration::from_secs(10), "{name}: no recovery");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The result of a call, within the time limit.
async fn outage(store: &RedisReplayStore, jti: &str) -> RedisReplayError {
    let started = Instant::now();
    let error = store.insert(entry(jti), now()).await.unwrap_err();
    assert!(started.elapsed() < 2 * TIMEOUT + SLACK, "{jti}: {:?}", started.elapsed());
    redis_error(error)
}

#[tokio::test]
async fn a_redis_that_is_not_there_refuses_and_is_found_when_it_is() {
    let mut redis = Redis::start(&[]);
    let store = store(&redis.address());
    redis.kill();
    for attempt in 0..3 {
        let error = outage(&store, &attempt.to_string()).await;
        assert!(
            matches!(&error, RedisReplayError::Connection { reason } if reason.contains("refused")),
            "{error:?}"
        );
    }
    assert!(matches!(clean(store.check().await.unwrap_err()), RedisReplayError::Connection { .. }));
    redis.run();
    recovers(&store, "started").await;
}

#[tokio::test]
async fn a_redis_that_is_paused_refuses_in_time_and_answers_are_not_mixed_up() {
    let redis = Redis::start(&[]);
    let store = store(&redis.address());
    recovers(&store, "first").await;
    redis.pause();
    // On the existing connection, and on new ones.
    for attempt in 0..3 {
        assert_eq!(outage(&store, &format!("paused {attempt}")).await, RedisReplayError::TimedOut);
    }
    redis.resume();
    recovers(&store, "resumed").await;
    // The answers to requests that were given up are dropped: each call gets its own answer.
    for number in 0..200 {
        let entry = entry(&format!("after {number}"));
        assert!(store.insert(entry, now()).await.unwrap(), "{number}");
        assert!(!store.insert(entry, now()).await.unwrap(), "{number}");
    }
    // An entry that was sent during the pause may have been stored since. No caller was told that
    // it is new, so it counts as spent.
    let first = store.insert(entry("paused 0"), now()).await.unwrap();
    assert!(!store.insert(entry("paused 0"), now()).await.unwrap(), "{first}");
}

/// An address whose connections lead to a Redis until they are told to fall silent. Then they stay
/// open, and nothing gets through. New connections work, and lead to the current target.
struct Address {
    port: u16,
    leads_to: Arc<AtomicU16>,
    /// Connections before this number are silent.
    silent: Arc<AtomicUsize>,
}

impl Address {
    async fn of(redis: &Redis) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Self {
            port: listener.local_addr().unwrap().port(),
            leads_to: Arc::new(AtomicU16::new(redis.port())),
            silent: Arc::default(),
        };
        let (leads_to, silent) = (Arc::clone(&address.leads_to), Arc::clone(&address.silent));
        tokio::spawn(async move {
            for number in 0.. {
                let (mut near, _) = listener.accept().await.unwrap();
                let (to, silent) = (leads_to.load(Ordering::Relaxed), Arc::clone(&silent));
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                    let until_silent = async {
                        while silent.load(Ordering::Relaxed) <= number {
                            tokio::time::sleep(Duration::from_millis(5)).await;
                        }
                    };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        () = until_silent => std::future::pending().await,
                    }
                });
            }
        });
        address
    }

    fn store(&self) -> RedisReplayStore {
        store(&format!("redis://127.0.0.1:{}/", self.port))
    }
}

/// A machine that is gone does not say so: its connections stay open, and no data arrives.
#[tokio::test]
async fn a_connection_that_falls_silent_is_replaced() {
    let redis = Redis::start(&[]);
    let address = Address::of(&redis).await;
    let store = address.store();
    recovers(&store, "first").await;
    address.silent.store(1, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(outage(&store, "silent").await, RedisReplayError::TimedOut);
    // One call fails. The next has a new connection.
    assert!(store.insert(entry("next"), now()).await.unwrap());
    assert!(!store.insert(entry("next"), now()).await.unwrap());
}

/// After a failover the connection may lead to the old master, which is a replica now and healthy.
#[tokio::test]
async fn a_connection_to_what_became_a_replica_is_replaced() {
    let (old, new) = (Redis::start(&[]), Redis::start(&[]));
    let address = Address::of(&old).await;
    let store = address.store();
    recovers(&store, "first").await;
    old.say(&format!("REPLICAOF 127.0.0.1 {}", new.port())).unwrap();
    address.leads_to.store(new.port(), Ordering::Relaxed);
    let refused = outage(&store, "refused").await;
    assert!(
        matches!(&refused, RedisReplayError::Refused { reason } if reason.contains("ReadOnly")),
        "{refused:?}"
    );
    assert!(store.insert(entry("next"), now()).await.unwrap());
    assert_eq!(new.say("DBSIZE").unwrap(), ":1");
}

/// Kills, pauses and restarts Redis in turns.
fn torment(mut redis: Redis, over: &AtomicBool) -> Redis {
    let wait = |milliseconds| std::thread::sleep(Duration::from_millis(milliseconds));
    for turn in 0..12 {
        wait(400);
        match turn % 3 {
            0 => {
                redis.kill();
                wait(200);
                redis.run();
            }
            1 => {
                redis.pause();
                wait(600);
                redis.resume();
            }
            _ => {
                redis.pause();
                wait(100);
                redis.kill();
                redis.run();
            }
        }
    }
    wait(400);
    over.store(true, Ordering::Relaxed);
    redis
}

/// Eight tasks spend the same assertions, each repeatedly until it has a result; at most one
/// succeeds.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_paused_and_restarted_meanwhile_there_is_no_double_spend_and_no_hang() {
    const TASKS: usize = 8;
    let redis = Redis::start(&[]);
    let store = Arc::new(store(&redis.address()));
    let ends = Arc::new(Ends::new());
    let over = Arc::new(AtomicBool::new(false));
    let tormentor = {
        let over = Arc::clone(&over);
        std::thread::spawn(move || torment(redis, &over))
    };
    let mut spent = Vec::new();
    let (mut rounds, mut lost, mut failed) = (0, 0, 0);
    while !over.load(Ordering::Relaxed) {
        let assertion = ends.assertion(&format!("round {rounds}"));
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                let (store, ends, assertion) = (Arc::clone(&store), Arc::clone(&ends), assertion.clone());
                tokio::spawn(async move {
                    let mut tally = Tally::default();
                    while tally.spent + tally.replayed == 0 && tally.failed < 100 {
                        let verified = ends.verify(&assertion);
                        let started = Instant::now();
                        let result = store.spend(verified, now()).await;
                        assert!(started.elapsed() < 2 * TIMEOUT + SLACK, "{:?}", started.elapsed());
                        let failed = matches!(result, Err(VerifierError::ReplayStore(_)));
                        tally.count(result);
                        if failed {
                            tokio::time::sleep(Duration::from_millis(20)).await;
                        }
                    }
                    tally
                })
            })
            .collect();
        let mut sum = Tally::default();
        for task in tasks {
            let tally = task.await.unwrap();
            sum.spent += tally.spent;
            sum.replayed += tally.replayed;
            sum.failed += tally.failed;
        }
        assert!(sum.spent <= 1, "round {rounds} was spent {} times", sum.spent);
        // If no task failed, one succeeded.
        assert!(sum.spent == 1 || sum.failed > 0, "round {rounds}: {sum:?}");
        match sum.spent {
            1 => spent.push(assertion),
            _ => lost += 1,
        }
        failed += sum.failed;
        rounds += 1;
    }
    let redis = tormentor.join().unwrap();
    recovers(&store, "over").await;
    // It was in use meanwhile, and the outages were noticed.
    assert!(
        spent.len() > 50 && failed > TASKS,
        "{rounds} rounds, {} spent, {lost} lost, {failed} failed",
        spent.len()
    );
    // Assertions that were spent before any of the restarts stay spent.
    for assertion in &spent {
        let again = store.spend(ends.verify(assertion), now()).await;
        assert!(matches!(again.map_err(clean), Err(VerifierError::Replayed)));
    }
    drop(redis);
}
