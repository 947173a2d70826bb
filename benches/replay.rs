//! Spending an assertion in a store that remembers a million: the time that it takes, from one task
//! and from several, the longest insertion while the store fills, and the memory of an entry.
//!
//! `cargo bench --bench replay`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use private_key_jwt::InMemoryReplayStore;
use private_key_jwt::verifier::ReplayEntry;
use time::OffsetDateTime;

const NOW: i64 = 1_800_000_000;
const MILLION: u64 = 1_000_000;
/// An assertion of 60 s is remembered for this long.
const REMEMBERED: u64 = 120;

fn at(second: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(second).unwrap()
}

/// The entry with this number, for one of a thousand clients.
fn entry(number: u64, forget_after: i64) -> ReplayEntry {
    let client = format!("3f1b6a0e-8f9e-4c5f-8d55-a2a41c6f{:04}", number % 1000);
    let jti = format!("0192f0c1-3f5e-4a57-9d0b-{number:012x}");
    ReplayEntry::new(&client, &jti, forget_after)
}

/// A time at which the store remembers a million entries if a million arrive every 120 s, and the
/// expiry of the entry that arrives then.
fn moment(number: u64) -> (OffsetDateTime, i64) {
    let now = NOW + i64::try_from(number * REMEMBERED / MILLION).unwrap();
    (at(now), now + i64::try_from(REMEMBERED).unwrap())
}

fn spend(store: &InMemoryReplayStore, number: u64) {
    let (now, end) = moment(number);
    assert!(store.insert_now(entry(number, end), now).unwrap());
}

/// A store with a million entries, and the longest insertion.
fn full() -> (InMemoryReplayStore, Duration) {
    let store = InMemoryReplayStore::with_capacity(2_000_000);
    let mut longest = Duration::ZERO;
    for number in 0..MILLION {
        let (now, end) = moment(number);
        let entry = entry(number, end);
        let start = Instant::now();
        assert!(store.insert_now(entry, now).unwrap());
        longest = longest.max(start.elapsed());
    }
    (store, longest)
}

fn replay(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("replay");
    group.bench_function("hashes", |bencher| bencher.iter(|| entry(black_box(7), NOW)));

    let mut filled = None;
    let memory = allocation_counter::measure(|| filled = Some(full()));
    let (store, longest) = filled.unwrap();
    println!(
        "a million entries: {:.1} bytes each, {:.1} at most on the way, the longest insertion took {longest:?}",
        memory.bytes_current as f64 / MILLION as f64,
        memory.bytes_max as f64 / MILLION as f64,
    );
    let next = AtomicU64::new(MILLION);
    // Each adds one entry and forgets one, so there are always a million.
    group.bench_function("spend, a million held", |bencher| {
        bencher.iter(|| spend(&store, next.fetch_add(1, Ordering::Relaxed)));
    });
    group.bench_function("refuse a copy, a million held", |bencher| {
        let last = next.load(Ordering::Relaxed) - 1;
        let (now, end) = moment(last);
        let copy = entry(last, end);
        bencher.iter(|| assert!(!store.insert_now(black_box(copy), now).unwrap()));
    });
    for threads in [2, 8] {
        group.bench_function(format!("spend, {threads} threads"), |bencher| {
            bencher.iter_custom(|rounds| {
                let start = Instant::now();
                std::thread::scope(|scope| {
                    for _ in 0..threads {
                        scope.spawn(|| {
                            (0..rounds / threads + 1)
                                .for_each(|_| spend(&store, next.fetch_add(1, Ordering::Relaxed)));
                        });
                    }
                });
                start.elapsed()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, replay);
criterion_main!(benches);
