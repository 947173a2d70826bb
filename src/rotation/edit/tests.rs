use super::*;

mod histories;

const START: i64 = 1_796_083_200;

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(START + seconds).unwrap()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn key(file: &str, publish: Option<i64>, activate: Option<i64>) -> PlannedKey {
    PlannedKey { publish: publish.map(at), activate: activate.map(at), ..PlannedKey::new(file) }
}

fn timing(activate_in: Option<u64>, overlap: Option<u64>, is_forced: bool) -> Timing {
    Timing { activate_in: activate_in.map(seconds), overlap: overlap.map(seconds), is_forced }
}

#[test]
fn the_next_key_signs_after_twice_the_propagation_time() {
    let plan = Plan::new(vec![PlannedKey::new("a")]);
    let half = time::Duration::milliseconds(500);
    for (options, now, key_of, retire) in [
        (timing(None, None, false), at(0), key("", Some(0), Some(600)), None),
        // A time between two seconds is rounded up, never the propagation time down.
        (timing(None, None, false), at(0) + half, key("", Some(0), Some(601)), None),
        (timing(Some(300), None, false), at(0) + half, key("", Some(0), Some(301)), None),
        (timing(Some(300), Some(60), false), at(0), key("", Some(0), Some(300)), Some((0, at(360)))),
        (timing(Some(300), None, true), at(0), key("", Some(0), Some(300)), None),
        (
            timing(Some(299), None, true),
            at(0),
            PlannedKey { forced: true, ..key("", Some(0), Some(299)) },
            None,
        ),
        (timing(Some(0), None, true), at(0), PlannedKey { forced: true, ..key("", Some(0), Some(0)) }, None),
    ] {
        assert_eq!(rotate(&plan, options, now), Ok(Rotation { key: key_of, retire }));
    }
    let too_soon = TooSoon { activate_in: seconds(299), propagation: seconds(300) };
    assert_eq!(rotate(&plan, timing(Some(299), None, false), at(0)), Err(too_soon));
}

#[test]
fn the_first_key_signs_at_once() {
    for plan in [
        Plan::new(Vec::new()),
        Plan::new(vec![PlannedKey { revoke: Some(at(-1)), ..PlannedKey::new("a") }]),
        Plan::new(vec![key("a", Some(1), None)]),
    ] {
        for (options, activate) in [
            (timing(None, Some(60), false), 0),
            (timing(Some(1), None, false), 1),
            (timing(Some(0), None, true), 0),
        ] {
            let rotation = rotate(&plan, options, at(0)).unwrap();
            assert_eq!(rotation, Rotation { key: key("", Some(0), Some(activate)), retire: None });
        }
    }
}

/// The key that signs just before the new one may not be the one that signs now.
#[test]
fn the_overlap_is_that_of_the_key_before() {
    let plan = Plan::new(vec![PlannedKey::new("a"), key("b", Some(0), Some(400))]);
    let retire =
        |activate_in| rotate(&plan, timing(Some(activate_in), Some(60), false), at(0)).unwrap().retire;
    assert_eq!(retire(300), Some((0, at(360))));
    assert_eq!(retire(400), Some((0, at(460))));
    assert_eq!(retire(401), Some((1, at(461))));
    // A manifest has no `retire` before `activate`.
    let alone = Plan::new(vec![key("a", None, Some(1000))]);
    assert_eq!(
        rotate(&alone, timing(Some(300), Some(60), false), at(0)).unwrap().retire,
        Some((0, at(1000)))
    );
}

#[test]
fn a_revoked_key_costs_what_its_successor_is() {
    let plan = |publish| Plan::new(vec![key("a", None, Some(-9)), key("b", publish, Some(9000))]);
    let revoke = |plan: &Plan, index, now| super::revoke(plan, index, now);
    let cost = |was_active, signer| Some(Revocation { at: at(0), was_active, signer });
    // Known for the propagation time, or not.
    assert_eq!(revoke(&plan(None), 0, at(0)), cost(true, Some((1, true))));
    assert_eq!(revoke(&plan(Some(-300)), 0, at(0)), cost(true, Some((1, true))));
    assert_eq!(revoke(&plan(Some(-299)), 0, at(0)), cost(true, Some((1, false))));
    // Not published yet.
    assert_eq!(revoke(&plan(Some(1)), 0, at(0)), cost(true, None));
    assert_eq!(revoke(&plan(None), 1, at(0)), cost(false, Some((0, true))));
    // Revoked later, already revoked, unknown.
    let mut planned = plan(None);
    planned.keys[0].revoke = Some(at(1));
    assert_eq!(revoke(&planned, 0, at(0)), cost(true, Some((1, true))));
    assert_eq!(revoke(&planned, 0, at(1)), None);
    assert_eq!(revoke(&planned, 2, at(0)), None);
}

#[test]
fn keys_that_have_left_can_go() {
    let revoked = |key: PlannedKey| PlannedKey { revoke: Some(at(0)), ..key };
    let day = 86_400;
    let plan = Plan::new(vec![
        key("a", None, None),
        key("b", Some(0), Some(600)),
        revoked(key("c", Some(0), Some(9000))),
    ]);
    assert_eq!(prune(&plan, at(-1)), [0; 0]);
    assert_eq!(prune(&plan, at(0)), [2]);
    assert_eq!(prune(&plan, at(600 + day - 1)), [2]);
    assert_eq!(prune(&plan, at(600 + day)), [0, 2]);
    let all = Plan::new(vec![revoked(key("a", None, None))]);
    assert_eq!(prune(&all, at(0)), [0]);
    assert_eq!(without(&plan, &[0, 2]).keys, [key("b", Some(0), Some(600))]);
}

/// Without `a`, the spare key would seem to have signed until `b` did, and leave with `a`.
#[test]
fn a_key_stays_if_another_would_leave_with_it() {
    let day = 86_400;
    let keys = vec![key("a", Some(-9), Some(-9)), key("spare", Some(-8), None), key("b", Some(0), Some(600))];
    let plan = Plan::new(keys);
    let now = at(600 + day);
    assert_eq!(plan.phases(now), [Phase::Gone, Phase::Published, Phase::Active]);
    assert_eq!(without(&plan, &[0]).phases(now), [Phase::Gone, Phase::Active]);
    assert_eq!(prune(&plan, now), [0; 0]);
    // Another that has left goes nevertheless.
    let mut with_revoked = plan.clone();
    with_revoked.keys.push(PlannedKey { revoke: Some(at(0)), ..key("c", Some(0), Some(9000)) });
    assert_eq!(prune(&with_revoked, now), [3]);
}

#[test]
fn the_end_of_time_is_no_panic() {
    let end = time::PrimitiveDateTime::MAX.assume_utc();
    let plan = Plan::new(vec![PlannedKey::new("a")]);
    let rotation = rotate(&plan, timing(None, Some(u64::MAX), false), end).unwrap();
    assert_eq!(rotation.retire.map(|(index, _)| index), Some(0));
    assert!(revoke(&plan, 0, end).is_some() && prune(&plan, end).is_empty());
    let start = time::PrimitiveDateTime::MIN.assume_utc();
    assert!(rotate(&plan, timing(Some(u64::MAX), None, false), start).is_ok());
}
