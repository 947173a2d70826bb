//! A clock that is set forward or back: by an hour in every phase, and before the plan begins.

use private_key_jwt::rotation::KeyDirectoryError;

use super::support::clean;
use super::world::*;

/// A plan with a key that is published, signs and retires, and one before and after it.
fn plan(world: &World) {
    let times: [&[(&str, i64)]; 3] = [
        &[("publish", -600), ("retire", 4000)],
        &[("publish", 100), ("activate", 1000), ("retire", 12_000)],
        &[("publish", 5000), ("activate", 9000)],
    ];
    let mut manifest = String::new();
    for (index, times) in times.into_iter().enumerate() {
        world.write(&format!("{index}.pem"), pem().text);
        manifest += &entry(&format!("{index}.pem"), times);
    }
    world.write("keys.toml", manifest);
}

#[tokio::test]
async fn a_clock_that_jumps_by_an_hour_never_leaves_the_ring_without_a_key() {
    let world = World::new();
    plan(&world);
    let keys = world.open().await;
    for seconds in (-700..14_000).step_by(350) {
        for jump in [3600, -3600] {
            for offset in [seconds, seconds + jump, seconds] {
                #[allow(clippy::cast_precision_loss)]
                world.clock.set(offset as f64);
                keys.refresh().await;
                check(&keys);
                // A restart at that time agrees, except before the plan begins.
                if offset >= -600 {
                    let restarted = world.open().await;
                    assert_eq!(active(&restarted), active(&keys), "{offset}");
                    assert_eq!(phases(&restarted), phases(&keys), "{offset}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_clock_before_the_plan_is_a_problem_and_the_first_key_signs() {
    let world = World::new();
    let (a, b) = (pem(), pem());
    world.write("a.pem", &a.text);
    world.write("b.pem", &b.text);
    world.write("keys.toml", entry("b.pem", &[("publish", 20)]) + &entry("a.pem", &[("publish", 10)]));
    let keys = world.open().await;
    check(&keys);
    let early = "no key of the plan may sign yet, so this one does; compare the clock with the plan";
    assert_eq!((active(&keys), problems(&keys)), (a.id.clone(), vec![format!("a.pem: {early}")]));
    world.pass(&keys, 10).await;
    assert_eq!((active(&keys), problems(&keys)), (a.id.clone(), vec![]));
    assert_eq!(world.events.take(), [format!("a.pem ended: {early}")]);
    // A clock that is set back before the plan changes nothing.
    world.pass(&keys, -3600).await;
    check(&keys);
    assert_eq!((active(&keys), problems(&keys)), (a.id.clone(), vec![format!("a.pem: {early}")]));
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_make_a_new_key_wait_twice() {
    let world = World::new();
    let (a, b) = (pem(), pem());
    world.write("tls.key", &a.text);
    let keys = world.open().await;
    world.write("tls.key", &b.text);
    world.pass(&keys, 7200).await;
    world.pass(&keys, -3600).await;
    check(&keys);
    assert_eq!(active(&keys), a.id);
    world.pass(&keys, PROPAGATION - 1).await;
    assert_eq!(active(&keys), a.id);
    world.pass(&keys, 1).await;
    check(&keys);
    assert_eq!(active(&keys), b.id);
    // Neither does it go back to the former key.
    world.pass(&keys, -3600).await;
    check(&keys);
    assert_eq!(active(&keys), b.id);
}

#[tokio::test]
async fn a_folder_with_only_revoked_keys_does_not_open_and_one_that_is_open_stops_signing() {
    let world = World::new();
    world.write("a.pem", pem().text);
    world.write("keys.toml", entry("a.pem", &[("revoked", 100)]));
    let keys = world.open().await;
    world.pass(&keys, 100).await;
    assert!(keys.ring().active().is_err() && published(&keys).is_empty());
    assert_eq!(world.events.take(), ["a.pem: active to revoked", ". began: no key may sign; add a key"]);
    let error = clean(world.try_open().await.unwrap_err());
    assert!(matches!(error, KeyDirectoryError::NoSigningKey { ref file, .. } if file == "."), "{error}");
}
