use proptest::prelude::*;

use super::*;

const LIFETIME: i64 = 2;
const PROPAGATION: i64 = 5;
const OVERLAP: i64 = 20;

fn at(minutes: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + time::Duration::minutes(minutes)
}

fn plan(keys: Vec<PlannedKey>) -> Plan {
    let minutes = |minutes: i64| Duration::from_secs(minutes.unsigned_abs() * 60);
    let (propagation, lifetime, overlap) = (minutes(PROPAGATION), minutes(LIFETIME), minutes(OVERLAP));
    Plan { propagation, lifetime, overlap, ..Plan::new(keys) }
}

/// A key by its times in minutes: publish, activate, retire, revoke.
fn key(times: [Option<i64>; 4]) -> PlannedKey {
    let [publish, activate, retire, revoke] = times.map(|minutes| minutes.map(at));
    PlannedKey { publish, activate, retire, revoke, ..PlannedKey::new("key.pem") }
}

fn forced(key: PlannedKey) -> PlannedKey {
    PlannedKey { forced: true, ..key }
}

/// Each step as `minute key phase`, with `-` for the beginning.
fn story(keys: Vec<PlannedKey>) -> String {
    let line = |Move { at: time, key, phase }: Move| {
        let minute = time.map_or("-".to_owned(), |time| (time - at(0)).whole_minutes().to_string());
        format!("{minute} {key} {phase}")
    };
    plan(keys).moves().into_iter().map(line).collect::<Vec<_>>().join(", ")
}

#[test]
fn every_order_of_publish_activate_retire_and_revoke() {
    const NONE: Option<i64> = None;
    let old = || key([NONE; 4]);
    for (keys, expected) in [
        (vec![], ""),
        (vec![old()], "- 0 published, - 0 active"),
        // The only key signs at once, and whatever its plan says, until it is revoked.
        (vec![key([Some(0), Some(9), Some(20), NONE])], "0 0 published, 0 0 active"),
        (vec![key([Some(0), Some(0), NONE, Some(7)])], "0 0 published, 0 0 active, 7 0 revoked"),
        (vec![key([Some(3), NONE, NONE, Some(2)])], "2 0 revoked"),
        // As planned, with a `retire` and without.
        (
            vec![key([NONE, NONE, Some(40), NONE]), key([Some(0), Some(10), NONE, NONE])],
            "- 0 published, - 0 active, 0 1 published, 10 0 retiring, 10 1 active, 40 0 gone",
        ),
        (
            vec![old(), key([Some(0), Some(10), NONE, NONE])],
            "- 0 published, - 0 active, 0 1 published, 10 0 retiring, 10 1 active, 30 0 gone",
        ),
        // The order in the list does not matter.
        (
            vec![key([Some(0), Some(10), NONE, NONE]), old()],
            "- 1 published, - 1 active, 0 0 published, 10 0 active, 10 1 retiring, 30 1 gone",
        ),
        // Activated too early: it waits for the propagation time, unless it is forced.
        (
            vec![old(), key([Some(0), Some(1), NONE, NONE])],
            "- 0 published, - 0 active, 0 1 published, 5 0 retiring, 5 1 active, 25 0 gone",
        ),
        (
            vec![old(), forced(key([Some(0), Some(1), NONE, NONE]))],
            "- 0 published, - 0 active, 0 1 published, 1 0 retiring, 1 1 active, 21 0 gone",
        ),
        // Forced, but never before it is published.
        (
            vec![old(), forced(key([Some(4), Some(1), NONE, NONE]))],
            "- 0 published, - 0 active, 4 1 published, 4 0 retiring, 4 1 active, 24 0 gone",
        ),
        // Retired too early: the old key stays while its signatures count, and while it signs.
        (
            vec![key([NONE, NONE, Some(5), NONE]), key([Some(0), Some(10), NONE, NONE])],
            "- 0 published, - 0 active, 0 1 published, 10 0 retiring, 10 1 active, 17 0 gone",
        ),
        // Published only: it signs when the other is revoked, and leaves with its `retire`.
        (vec![old(), key([Some(0), NONE, NONE, NONE])], "- 0 published, - 0 active, 0 1 published"),
        (
            vec![old(), key([Some(0), NONE, Some(8), NONE])],
            "- 0 published, - 0 active, 0 1 published, 8 1 gone",
        ),
        (
            vec![key([NONE, NONE, NONE, Some(1)]), key([Some(0), NONE, NONE, NONE])],
            "- 0 published, - 0 active, 0 1 published, 1 0 revoked, 1 1 active",
        ),
        // The active key is revoked while the next waits: the next signs at once.
        (
            vec![key([NONE, NONE, NONE, Some(1)]), key([Some(0), Some(10), NONE, NONE])],
            "- 0 published, - 0 active, 0 1 published, 1 0 revoked, 1 1 active",
        ),
        // The active key is revoked, and the one before is still published: it signs again.
        (
            vec![key([NONE, Some(0), NONE, NONE]), key([Some(0), Some(10), NONE, Some(15)])],
            "- 0 published, - 0 active, 0 1 published, 10 0 retiring, 10 1 active, 15 1 revoked, 15 0 active",
        ),
        // It is gone: no key signs.
        (
            vec![key([NONE, Some(0), NONE, NONE]), key([Some(0), Some(10), NONE, Some(50)])],
            "- 0 published, - 0 active, 0 1 published, 10 0 retiring, 10 1 active, 30 0 gone, 50 1 revoked",
        ),
        // A retiring and a planned key are revoked.
        (
            vec![key([NONE, NONE, NONE, Some(12)]), key([Some(0), Some(10), NONE, NONE])],
            "- 0 published, - 0 active, 0 1 published, 10 0 retiring, 10 1 active, 12 0 revoked",
        ),
        (vec![old(), key([Some(4), Some(10), NONE, Some(3)])], "- 0 published, - 0 active, 3 1 revoked"),
        // Two rotations that overlap, and one that skips a key that was never due.
        (
            vec![old(), key([Some(0), Some(10), NONE, NONE]), key([Some(3), Some(12), NONE, NONE])],
            "- 0 published, - 0 active, 0 1 published, 3 2 published, 10 0 retiring, 10 1 active, \
             12 1 retiring, 12 2 active, 30 0 gone, 32 1 gone",
        ),
        (
            vec![old(), key([Some(0), Some(10), NONE, NONE]), key([Some(0), Some(10), NONE, NONE])],
            "- 0 published, - 0 active, 0 1 published, 0 2 published, 10 0 retiring, 10 2 active, 30 0 gone",
        ),
    ] {
        assert_eq!(story(keys.clone()), expected, "{keys:#?}");
    }
}

#[test]
fn a_phase_lasts_until_the_next_move() {
    let plan = plan(vec![key([None; 4]), key([Some(0), Some(10), None, None])]);
    let second = time::Duration::SECOND;
    for (now, phases) in [
        (at(0) - second, [Phase::Active, Phase::Planned]),
        (at(0), [Phase::Active, Phase::Published]),
        (at(10) - second, [Phase::Active, Phase::Published]),
        (at(10), [Phase::Retiring, Phase::Active]),
        (at(30) - second, [Phase::Retiring, Phase::Active]),
        (at(30), [Phase::Gone, Phase::Active]),
    ] {
        assert_eq!(plan.phases(now), phases, "{now}");
    }
}

#[test]
fn times_at_the_end_of_time_are_no_panic() {
    let end = time::PrimitiveDateTime::MAX.assume_utc();
    let late = PlannedKey { publish: Some(end), activate: Some(end), ..key([None; 4]) };
    let plan = Plan { overlap: Duration::MAX, ..plan(vec![key([None; 4]), late]) };
    assert_eq!(plan.phases(end), [Phase::Gone, Phase::Active]);
}

#[test]
fn a_move_is_json() {
    let plan = plan(vec![key([None; 4]), key([Some(1), None, None, None])]);
    let moves = serde_json::to_string(&plan.moves()).unwrap();
    assert_eq!(
        moves,
        r#"[{"at":null,"key":0,"phase":"published"},{"at":null,"key":0,"phase":"active"},{"at":"1970-01-01T00:01:00Z","key":1,"phase":"published"}]"#
    );
}

fn any_key() -> impl Strategy<Value = PlannedKey> {
    let time = || proptest::option::weighted(0.7, 0..60_i64);
    let rarely = || proptest::option::weighted(0.2, 0..60_i64);
    (time(), time(), rarely(), rarely(), prop::bool::weighted(0.1)).prop_map(
        |(publish, activate, retire, revoke, is_forced)| PlannedKey {
            forced: is_forced,
            ..key([publish, activate, retire, revoke])
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Between two moves nothing changes, so the minutes of the moves and those before them stand
    /// for all.
    #[test]
    fn one_known_key_signs_and_no_signature_is_orphaned(
        keys in prop::collection::vec(any_key(), 0..6),
        any in -1..120_i64,
    ) {
        let plan = plan(keys);
        let moves = plan.moves();
        let mut phases = vec![Phase::Planned; plan.keys.len()];
        // Since when each key is published, and the minute of its last signature.
        let mut published = vec![None; phases.len()];
        let mut signed = vec![None; phases.len()];
        let mut steps = moves.iter().peekable();
        let mut before = None;
        let minutes = moves.iter().filter_map(|step| step.at).map(|time| (time - at(0)).whole_minutes());
        let minutes: BTreeSet<i64> = minutes.flat_map(|minute| [minute - 1, minute]).chain([-1, any]).collect();
        for minute in minutes {
            while let Some(step) = steps.next_if(|step| step.at.is_none_or(|time| time <= at(minute))) {
                phases[step.key] = step.phase;
                published[step.key] = step.phase.is_published().then(|| {
                    // From the beginning is long enough.
                    published[step.key].unwrap_or(if step.at.is_none() { -1000 } else { minute })
                });
            }
            if minute == any {
                prop_assert_eq!(&plan.phases(at(minute)), &phases);
            }
            let active: Vec<usize> = (0..phases.len()).filter(|key| phases[*key] == Phase::Active).collect();
            let others = |of: usize| (0..phases.len()).filter(move |key| *key != of);
            // Exactly one key signs if one is published.
            let one = phases.iter().any(|phase| phase.is_published());
            prop_assert_eq!(active.len(), usize::from(one), "{} {:?}", minute, phases);
            for key in active {
                let since = published[key].unwrap();
                // A key that begins to sign is known, or forced, or none is known for longer.
                if before != Some(key) && !plan.keys[key].forced && minute - since < PROPAGATION {
                    prop_assert!(others(key).all(|other| published[other].is_none_or(|other| other >= since)));
                }
                before = Some(key);
                signed[key] = Some(minute);
            }
            for key in 0..phases.len() {
                let is_recent = signed[key].is_some_and(|last| minute - last <= LIFETIME + PROPAGATION);
                prop_assert!(!is_recent || phases[key].is_published() || phases[key] == Phase::Revoked);
                let is_revoked = plan.keys[key].revoke.is_some_and(|revoke| revoke <= at(minute));
                prop_assert_eq!(is_revoked, phases[key] == Phase::Revoked);
            }
        }
    }
}
