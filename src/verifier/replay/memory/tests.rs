use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

fn entry(client: &str, jti: u32, forget_after: i64) -> ReplayEntry {
    ReplayEntry::new(client, &jti.to_string(), forget_after)
}

fn at(second: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(second).unwrap()
}

fn insert(
    store: &InMemoryReplayStore,
    (client, jti, end): (&str, u32, i64),
    now: i64,
) -> Result<bool, VerifierError> {
    store.insert_now(entry(client, jti, end), at(now))
}

fn remove_all(store: &InMemoryReplayStore, now: i64) {
    let mut entries = store.entries();
    entries.remove_expired(now, usize::MAX);
    entries.assert_consistent();
}

#[test]
fn an_entry_is_spent_once_and_forgotten_at_its_end() {
    let store = InMemoryReplayStore::default();
    assert!(insert(&store, ("a", 1, 100), 50).unwrap());
    assert!(!insert(&store, ("a", 1, 100), 99).unwrap());
    assert!(insert(&store, ("a", 2, 200), 100).unwrap());
    remove_all(&store, 100);
    assert_eq!(store.entries().len(), 1);
    // The same name may be used again, but only once.
    assert!(insert(&store, ("a", 1, 300), 100).unwrap());
    assert!(!insert(&store, ("a", 1, 300), 100).unwrap());
}

#[test]
fn a_full_store_refuses_and_evicts_nothing() {
    let store = InMemoryReplayStore::with_capacity(2);
    assert!(insert(&store, ("a", 1, 100), 0).unwrap());
    assert!(insert(&store, ("b", 2, 50), 0).unwrap());
    assert!(matches!(insert(&store, ("c", 3, 100), 0), Err(VerifierError::ReplayStoreFull)));
    assert!(matches!(insert(&store, ("a", 3, 100), 0), Err(VerifierError::ReplayStoreFull)));
    assert!(!insert(&store, ("a", 1, 100), 0).unwrap());
    assert!(!insert(&store, ("b", 2, 50), 49).unwrap());
    assert!(insert(&store, ("c", 3, 100), 50).unwrap());
    assert!(!insert(&store, ("a", 1, 100), 99).unwrap());
    let none = InMemoryReplayStore::with_capacity(0);
    assert!(matches!(insert(&none, ("a", 1, 100), 0), Err(VerifierError::ReplayStoreFull)));
}

#[test]
fn a_client_may_hold_as_many_as_are_free() {
    let store = InMemoryReplayStore::with_capacity(100);
    // Inserts all entries that a client gets at one time.
    let fill = |client: &str, now: i64| {
        let mut held = 0;
        loop {
            match insert(&store, (client, held, now + 100), now) {
                Ok(true) => held += 1,
                refused => return (held, refused),
            }
        }
    };
    assert!(matches!(fill("a", 0), (50, Err(VerifierError::ReplayShareFull { held: 50, free: 50 }))));
    assert!(matches!(fill("b", 0), (25, Err(VerifierError::ReplayShareFull { held: 25, free: 25 }))));
    assert!(matches!(fill("c", 0), (13, Err(VerifierError::ReplayShareFull { held: 13, free: 12 }))));
    // The entries of the clients stay remembered.
    assert!(!insert(&store, ("a", 49, 100), 99).unwrap());
    // When all entries have expired, the first client gets half of the places again.
    assert_eq!(fill("a", 100).0, 50);
}

#[test]
fn a_smaller_share_leaves_more_to_the_others() {
    let taken = |share: u32, clients: u32| {
        let share = NonZeroU32::new(share).unwrap();
        let store = InMemoryReplayStore::with_capacity(10_000).share_of_free(share);
        for client in 0..clients {
            let client = client.to_string();
            (0..).take_while(|jti| insert(&store, (&client, *jti, 100), 0).is_ok()).for_each(drop);
        }
        store.entries().len()
    };
    assert_eq!((taken(1, 1), taken(1, 2), taken(1, 14)), (5000, 7500, 10_000));
    assert_eq!((taken(7, 1), taken(7, 2), taken(7, 14)), (1250, 2344, 8460));
    assert_eq!(taken(u32::MAX, 5), 5);
}

#[test]
fn a_client_that_took_its_half_shrinks_to_its_share_of_many() {
    let store = InMemoryReplayStore::with_capacity(1000);
    let mut refused = [0; 4];
    // Four clients that never rest: 100 attempts a second each, for entries of 10 s.
    for second in 0..100 {
        for number in 0..100 {
            for (client, refused) in refused.iter_mut().enumerate() {
                let jti = u32::try_from(second * 100 + number).unwrap();
                let result = insert(&store, (&client.to_string(), jti, second + 10), second);
                if second < 50 {
                    continue; // until they have found their shares
                }
                match result {
                    Ok(fresh) => assert!(fresh),
                    Err(VerifierError::ReplayShareFull { .. }) => *refused += 1,
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
    }
    // Each client makes 5000 attempts. With 200 places for 10 s each, 1000 of them can succeed.
    for refused in refused {
        assert!((3900..=4100).contains(&refused), "{refused}");
    }
}

#[test]
fn a_clock_that_steps_back_opens_no_hole() {
    let store = InMemoryReplayStore::default();
    assert!(insert(&store, ("a", 1, 100), 50).unwrap());
    assert!(insert(&store, ("a", 2, 300), 200).unwrap());
    remove_all(&store, 200); // entry 1 is forgotten
    assert!(matches!(
        insert(&store, ("a", 1, 100), 60),
        Err(VerifierError::Expired { expired: 100, now: 100 })
    ));
    assert!(!insert(&store, ("a", 2, 300), 60).unwrap());
}

#[test]
fn a_clock_that_jumps_about_opens_no_hole() {
    let store = InMemoryReplayStore::with_capacity(10_000);
    let mut state = 1_u64;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % below
    };
    let mut spent = std::collections::HashSet::new();
    let mut again = 0;
    for _ in 0..200_000 {
        let (jti, now) = (random(6000), i64::try_from(random(1000)).unwrap());
        // An assertion is signed once, so its end does not change.
        let end = i64::try_from(jti * 7 % 1100).unwrap();
        let jti = u32::try_from(jti).unwrap();
        match insert(&store, (["a", "b", "c"][jti as usize % 3], jti, end), now) {
            Ok(true) => assert!(spent.insert(jti), "{jti} twice"),
            Ok(false) => {
                assert!(spent.contains(&jti), "{jti} was new");
                again += 1;
            }
            Err(VerifierError::Expired { expired, now: judged }) => {
                assert!(expired == end && judged >= now && expired <= judged);
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    store.entries().assert_consistent();
    assert!(spent.len() > 300 && again > 300, "{} and {again}", spent.len());
}

#[test]
fn a_clock_that_was_far_ahead_for_a_moment_locks_no_client_out() {
    let store = InMemoryReplayStore::default();
    assert!(insert(&store, ("a", 1, 100), 50).unwrap());
    let far_ahead = insert(&store, ("a", 2, 110), 4_000_000_000);
    assert!(matches!(far_ahead, Err(VerifierError::Expired { expired: 110, now: 4_000_000_000 })));
    remove_all(&store, 4_000_000_000);
    assert!(insert(&store, ("a", 3, 120), 60).unwrap());
    assert!(!insert(&store, ("a", 3, 120), 61).unwrap());
    assert!(insert(&store, ("a", 1, 100), 61).is_err());
}

#[test]
fn a_clock_that_jumps_ahead_and_back_has_no_effect_on_a_small_store() {
    let store = InMemoryReplayStore::default();
    for (jti, now) in [(1, 0), (2, 0), (3, 3600), (4, 0)] {
        assert!(insert(&store, ("a", jti, now + 120), now).unwrap());
    }
    assert!((1..=4).all(|jti| !insert(&store, ("a", jti, 120), 0).unwrap()));
}

#[test]
fn no_insertion_removes_all_expired_entries() {
    let mut store = InMemoryReplayStore::with_capacity(10_000);
    store.share = 0; // until it is full
    for number in 0..2500 {
        for client in ["a", "b", "c", "d"] {
            assert!(insert(&store, (client, number, 100), 0).unwrap());
        }
    }
    store.share = 1;
    assert!(matches!(insert(&store, ("e", 1, 100), 0), Err(VerifierError::ReplayStoreFull)));
    // All entries have expired. Each insertion succeeds and removes only a bounded number.
    let held = || store.entries().len();
    // The first client finds the store full, the second its share. The third has room.
    for (client, least) in [("a", 1), ("b", 1), ("e", 1)] {
        let before = held();
        assert!(insert(&store, (client, 3000, 200), 100).unwrap());
        let removed = before + 1 - held();
        let most = InMemoryReplayStore::REMOVED_FOR_ROOM + InMemoryReplayStore::REMOVED_ALONG;
        assert!((least..=most).contains(&removed), "{client}: {removed}");
    }
    for number in 0..3000 {
        insert(&store, ("e", 4000 + number, 200), 100).unwrap();
    }
    remove_all(&store, 100);
    assert_eq!(held(), 3 + 3000);
}

/// Reuses one key of client "a" each second from 0 on, 10,000 times.
fn reuse_one_key(store: &InMemoryReplayStore) {
    for now in 0..10_000 {
        assert!(insert(store, ("a", 0, now + 1), now).unwrap());
    }
}

#[test]
fn a_key_that_is_reused_takes_one_place() {
    let store = InMemoryReplayStore::default();
    reuse_one_key(&store);
    let entries = store.entries();
    entries.assert_consistent();
    assert_eq!(entries.len(), 1);
}

#[test]
fn a_client_that_reuses_its_keys_gets_no_more_than_its_share() {
    let store = InMemoryReplayStore::with_capacity(100);
    reuse_one_key(&store);
    let taken = (1..=100).filter(|jti| insert(&store, ("a", *jti, 20_000), 10_000).is_ok());
    assert_eq!(taken.count(), 50);
    store.entries().assert_consistent();
}

#[test]
fn a_client_that_reuses_its_keys_does_not_keep_others_from_expired_places() {
    let mut store = InMemoryReplayStore::with_capacity(100);
    store.share = 0; // until it is full
    reuse_one_key(&store);
    for jti in 1..100 {
        assert!(insert(&store, ("a", jti, 10_500), 9_999).unwrap());
    }
    store.share = 1;
    assert!(matches!(insert(&store, ("b", 1, 20_000), 9_999), Err(VerifierError::ReplayStoreFull)));
    assert!(insert(&store, ("b", 1, 20_000), 10_500).unwrap());
    store.entries().assert_consistent();
}

#[test]
fn counts_are_given_up_with_the_entries() {
    let store = InMemoryReplayStore::with_capacity(1000);
    for number in 0..400 {
        insert(&store, (&(number % 7).to_string(), number, 10), 0).unwrap();
    }
    remove_all(&store, 10);
    assert_eq!(store.entries().len(), 0);
    assert!((0..7).all(|client: u32| store.entries().len_of_client(&entry(&client.to_string(), 0, 0)) == 0));
}

#[test]
fn threads_spend_an_entry_once() {
    let store = InMemoryReplayStore::with_capacity(100_000);
    let wins = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for number in 0..5000 {
                    // A hundred entries per second, each with a life of ten seconds.
                    let now = i64::from(number / 100);
                    let won = insert(&store, ("a", number, now + 10), now).is_ok_and(|fresh| fresh);
                    wins.fetch_add(usize::from(won), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(wins.load(Ordering::Relaxed), 5000);
    remove_all(&store, i64::MAX);
    assert_eq!(store.entries().len(), 0);
}
