//! Manifests and dated names, from the first key to the last.

use std::fs;
use std::sync::Arc;

use private_key_jwt::rotation::{Manifest, Phase, Plan, PlanSource, PlannedKey};

use super::world::*;

/// Two keys: the second one signs after ten minutes, and the first one retires an hour later.
fn two(world: &World) -> [Pem; 2] {
    let keys = [pem(), pem()];
    world.write("a.pem", &keys[0].text);
    world.write("b.pem", &keys[1].text);
    let second = entry("b.pem", &[("publish", 60), ("activate", 600)]);
    world.write("keys.toml", entry("a.pem", &[("retire", 4200)]) + &second);
    keys
}

#[tokio::test]
async fn a_manifest_leads_through_all_phases() {
    let world = World::new();
    let [a, b] = two(&world);
    let keys = world.try_open().await.unwrap();
    assert_eq!(keys.status().source, PlanSource::Manifest);
    assert_eq!(world.events.take(), ["a.pem: new to active", "b.pem: new to planned"]);
    let of_a = signer(&keys);
    let next = |id: &str| key(&keys.status().keys, id).next.map(|next| (next.phase, next.at));
    assert_eq!(next(&b.id), Some((Phase::Published, at(60))));
    for (seconds, expected, events) in [
        (59, [Phase::Active, Phase::Planned], vec![]),
        (60, [Phase::Active, Phase::Published], vec!["b.pem: planned to published"]),
        (599, [Phase::Active, Phase::Published], vec![]),
        (
            600,
            [Phase::Retiring, Phase::Active],
            vec!["a.pem: active to retiring", "b.pem: published to active"],
        ),
        (4199, [Phase::Retiring, Phase::Active], vec![]),
        (4200, [Phase::Gone, Phase::Active], vec!["a.pem: retiring to gone"]),
        (9_000_000, [Phase::Gone, Phase::Active], vec![]),
    ] {
        world.clock.set(0.0);
        world.pass(&keys, seconds).await;
        check(&keys);
        assert_eq!([phases(&keys)[&a.id], phases(&keys)[&b.id]], expected, "{seconds}");
        assert_eq!(world.events.take(), events, "{seconds}");
        let is_a = expected[0] == Phase::Active;
        assert_eq!(active(&keys), if is_a { &*a.id } else { &*b.id });
        assert!(!is_a || Arc::ptr_eq(&signer(&keys), &of_a));
    }
    assert_eq!(key(&keys.status().keys, &b.id).since, Some(at(600)));
    assert_eq!(next(&b.id), None);
    assert_eq!(problems(&keys), <[String; 0]>::default());
}

#[tokio::test]
async fn the_plan_is_that_of_the_last_good_manifest_or_of_the_names() {
    let world = World::new();
    world.write("a.pem", pem().text);
    let keys = world.builder().propagation(HOUR).open().await.unwrap();
    let mut alone = Plan::new(vec![PlannedKey::new("a.pem")]);
    alone.propagation = HOUR;
    assert_eq!(keys.plan(), alone);

    let manifest = "propagation = \"10m\"\n".to_owned() + &entry("a.pem", &[("retire", 4200)]);
    for text in [&*manifest, "[[key]\n"] {
        world.write("keys.toml", text);
        world.pass(&keys, 1).await;
        assert_eq!(keys.plan(), Manifest::parse(&manifest).unwrap().plan(), "{text}");
    }
}

#[tokio::test]
async fn a_restart_changes_nothing_in_any_phase() {
    let world = World::new();
    two(&world);
    let running = world.open().await;
    for seconds in [0, 59, 60, 300, 599, 600, 899, 900, 901, 4199, 4200, 100_000] {
        world.clock.set(0.0);
        world.pass(&running, seconds).await;
        let restarted = world.open().await;
        check(&restarted);
        assert_eq!(active(&restarted), active(&running), "{seconds}");
        assert_eq!(phases(&restarted), phases(&running), "{seconds}");
        // Byte for byte.
        let jwks = |keys: &private_key_jwt::rotation::KeyDirectory| {
            serde_json::to_string(&keys.ring().jwks()).unwrap()
        };
        assert_eq!(jwks(&restarted), jwks(&running), "{seconds}");
        world.clock.set(0.0);
        running.refresh().await;
        world.events.take();
    }
}

#[tokio::test]
async fn the_names_of_files_are_a_plan() {
    let world = World::new();
    let (a, b, c) = (pem(), pem(), pem());
    world.write(&dated(-3600), &a.text);
    world.write(&dated(600), &b.text);
    let keys = world.open().await;
    assert_eq!((keys.status().source, active(&keys)), (PlanSource::Names, a.id.clone()));
    assert_eq!(phases(&keys)[&b.id], Phase::Published);
    world.pass(&keys, 600).await;
    assert_eq!((active(&keys), phases(&keys)[&a.id]), (b.id.clone(), Phase::Retiring));
    // A file that comes after its time waits for the propagation time.
    world.events.take();
    let late = dated(700);
    world.pass(&keys, 200).await;
    world.write(&late, &c.text);
    keys.refresh().await;
    assert_eq!(world.events.take(), [format!("{late}: new to published")]);
    for (seconds, expected) in [(PROPAGATION - 1, &b.id), (1, &c.id)] {
        world.pass(&keys, seconds).await;
        check(&keys);
        assert_eq!(active(&keys), *expected);
    }
    // The first key leaves after the overlap: its last signature was at 600.
    world.clock.set(600.0 + 86_399.0);
    keys.refresh().await;
    assert_eq!(phases(&keys)[&a.id], Phase::Retiring);
    world.pass(&keys, 1).await;
    assert_eq!(phases(&keys)[&a.id], Phase::Gone);
}

#[tokio::test]
async fn a_key_of_the_names_that_is_deleted_stays_published_while_its_signatures_may_be_checked() {
    let world = World::new();
    let (a, b) = (pem(), pem());
    world.write(&dated(-3600), &a.text);
    world.write(&dated(600), &b.text);
    let keys = world.open().await;
    world.pass(&keys, 600).await;
    fs::remove_file(world.path(&dated(-3600))).unwrap();
    world.pass(&keys, 10).await;
    // It is not the only one by its name, but the only one that is left.
    for (seconds, is_there) in [(0, true), (VERIFIED - 11, true), (1, false)] {
        world.pass(&keys, seconds).await;
        check(&keys);
        assert_eq!((active(&keys), published(&keys).contains(&a.id)), (b.id.clone(), is_there), "{seconds}");
    }
}

#[tokio::test]
async fn a_key_that_is_deleted_while_it_signs_is_followed_by_one_that_servers_know() {
    let world = World::new();
    let (a, b, c) = (pem(), pem(), pem());
    world.write(&dated(-7200), &a.text);
    world.write(&dated(-3600), &b.text);
    let keys = world.open().await;
    fs::remove_file(world.path(&dated(-3600))).unwrap();
    world.pass(&keys, 10).await;
    check(&keys);
    assert_eq!((active(&keys), phases(&keys)[&b.id]), (a.id.clone(), Phase::Retiring));
    // All at once: the one that signs stays until the other one is known.
    world.write(&dated(-60), &c.text);
    fs::remove_file(world.path(&dated(-7200))).unwrap();
    world.pass(&keys, 10).await;
    assert_eq!(active(&keys), a.id);
    world.pass(&keys, PROPAGATION).await;
    assert_eq!((active(&keys), phases(&keys)[&a.id]), (c.id, Phase::Retiring));
    check(&keys);
}

#[tokio::test]
async fn a_manifest_may_name_a_late_file_and_force_it() {
    let world = World::new();
    let [a, b] = [pem(), pem()];
    world.write("a.pem", &a.text);
    world.write("keys.toml", entry("a.pem", &[]));
    let keys = world.open().await;
    world.write("b.pem", &b.text);
    world.write("keys.toml", entry("a.pem", &[]) + &entry("b.pem", &[("publish", -900), ("activate", -600)]));
    world.pass(&keys, 10).await;
    assert_eq!((active(&keys), published(&keys).len()), (a.id.clone(), 2));
    world.pass(&keys, PROPAGATION).await;
    assert_eq!(active(&keys), b.id);
    // The second one is compromised, so a third one signs at once.
    let c = pem();
    world.write("c.pem", &c.text);
    let revoked = entry("b.pem", &[("revoked", 320)]);
    let forced = entry("c.pem", &[("activate", 320)]) + "forced = true\n";
    world.write("keys.toml", entry("a.pem", &[]) + &revoked + &forced);
    world.events.take();
    world.pass(&keys, 10).await;
    check(&keys);
    assert_eq!((active(&keys), phases(&keys)[&b.id]), (c.id.clone(), Phase::Revoked));
    assert!(!published(&keys).contains(&b.id));
    let mut events = world.events.take();
    events.sort();
    assert_eq!(events, ["b.pem: active to revoked", "c.pem: new to active"]);
}

#[tokio::test]
async fn a_manifest_that_names_entirely_other_keys_is_followed_after_the_propagation_time() {
    for times in [&[][..], &[("activate", -600)], &[("activate", 100)]] {
        let world = World::new();
        let [a, b] = [pem(), pem()];
        world.write("a.pem", &a.text);
        world.write("keys.toml", entry("a.pem", &[]));
        let keys = world.open().await;
        world.write("b.pem", &b.text);
        fs::remove_file(world.path("a.pem")).unwrap();
        world.write("keys.toml", entry("b.pem", times));
        for (seconds, expected) in [(10, &a.id), (PROPAGATION - 1, &a.id), (1, &b.id), (VERIFIED, &b.id)] {
            world.pass(&keys, seconds).await;
            check(&keys);
            assert_eq!(active(&keys), *expected, "{times:?} {seconds}");
        }
        assert_eq!(published(&keys), [b.id]);
    }
}

#[tokio::test]
async fn the_jwks_is_ordered_by_publication_and_name() {
    let world = World::new();
    let keys: Vec<Pem> = (0..6).map(|_| pem()).collect();
    let mut manifest = String::new();
    for (index, key) in keys.iter().enumerate() {
        world.write(&format!("{index}.pem"), &key.text);
        let publish = [("publish", -600 - 60 * (index as i64 / 2))];
        manifest += &entry(&format!("{index}.pem"), &publish);
    }
    world.write("keys.toml", manifest);
    let directory = world.open().await;
    let mut expected: Vec<(usize, &String)> =
        keys.iter().enumerate().map(|(at, key)| (9 - at / 2, &key.id)).collect();
    expected.sort();
    assert_eq!(published(&directory), expected.into_iter().map(|(_, id)| id.clone()).collect::<Vec<_>>());
}
