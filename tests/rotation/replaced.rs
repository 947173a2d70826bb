//! One file that is replaced in place, in every way in which that is done.

use std::fs;
use std::sync::Arc;

use private_key_jwt::rotation::{KeyDirectory, Phase, PlanSource};

use super::world::*;

/// The life of a lone key after another way to replace its file.
async fn replaced(replace: impl Fn(&World, &Pem)) {
    let world = World::new();
    let (a, b) = (pem(), pem());
    world.write("tls.key", &a.text);
    let keys = world.open().await;
    assert_eq!((keys.status().source, phases(&keys)[&a.id]), (PlanSource::SingleKey, Phase::Active));
    replace(&world, &b);
    world.pass(&keys, 0).await;
    check(&keys);
    assert_eq!((active(&keys), phases(&keys)[&b.id]), (a.id.clone(), Phase::Published));
    let rest = [(PROPAGATION - 1, &a.id, true), (1, &b.id, true), (DAY - PROPAGATION - 1, &b.id, true)];
    for (seconds, signs, is_there) in rest.into_iter().chain([(VERIFIED + PROPAGATION, &b.id, false)]) {
        world.pass(&keys, seconds).await;
        check(&keys);
        assert_eq!((active(&keys), published(&keys).contains(&a.id)), (signs.clone(), is_there), "{seconds}");
    }
    assert_eq!(problems(&keys), <[String; 0]>::default());
    assert_eq!(key(&keys.status().keys, &b.id).since, Some(at(PROPAGATION)));
    // A restart knows only the new key.
    assert_eq!(active(&world.open().await), b.id);
}

#[tokio::test]
async fn a_file_that_is_written_again() {
    replaced(|world, key| world.write("tls.key", &key.text)).await;
}

#[tokio::test]
async fn a_file_that_is_renamed_over() {
    replaced(|world, key| world.rename_over("tls.key", &key.text)).await;
}

#[tokio::test]
async fn an_editor_that_keeps_a_copy() {
    replaced(|world, key| {
        fs::rename(world.path("tls.key"), world.path("tls.key~")).unwrap();
        world.write("tls.key", &key.text);
    })
    .await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_that_leads_elsewhere() {
    replaced(|world, key| {
        fs::create_dir(world.path("other")).unwrap();
        world.write("other/tls.key", &key.text);
        fs::remove_file(world.path("tls.key")).unwrap();
        std::os::unix::fs::symlink("other/tls.key", world.path("tls.key")).unwrap();
    })
    .await;
}

/// A secret as Kubernetes mounts it.
#[cfg(unix)]
fn mount(world: &World, name: &str, files: &[(&str, &str)]) {
    let folder = world.folder.path();
    crate::support::mount::swap(folder, name, files, |path, content| world.write(path, content));
}

#[cfg(unix)]
#[tokio::test]
async fn a_secret_that_kubernetes_swaps() {
    let world = World::new();
    let (a, b) = (pem(), pem());
    mount(&world, "..2026_1", &[("tls.key", &a.text)]);
    let keys = world.open().await;
    let of_a = signer(&keys);
    // The same content in another folder is nothing.
    mount(&world, "..2026_2", &[("tls.key", &a.text)]);
    world.pass(&keys, 60).await;
    assert!(Arc::ptr_eq(&signer(&keys), &of_a));
    assert_eq!(world.events.take(), <[String; 0]>::default());
    mount(&world, "..2026_3", &[("tls.key", &b.text)]);
    world.pass(&keys, 60).await;
    assert_eq!((active(&keys), published(&keys).len()), (a.id.clone(), 2));
    assert!(Arc::ptr_eq(&signer(&keys), &of_a));
    world.pass(&keys, PROPAGATION).await;
    assert_eq!(active(&keys), b.id);
    // The order of two events at one time is that of the names of the keys.
    let mut events = world.events.take();
    events.sort();
    assert_eq!(
        events,
        ["tls.key: active to retiring", "tls.key: new to published", "tls.key: published to active"]
    );
}

#[tokio::test]
async fn a_rename_or_a_rewrite_of_the_same_key_is_nothing() {
    let world = World::new();
    let a = pem();
    world.write("a.pem", &a.text);
    let keys = world.open().await;
    let of_a = signer(&keys);
    let unchanged = async |keys: &KeyDirectory| {
        world.pass(keys, 10).await;
        check(keys);
        assert!(Arc::ptr_eq(&signer(keys), &of_a));
        assert_eq!((world.events.take(), keys.status().keys.len()), (vec![], 1));
    };
    world.write("a.pem", &a.text);
    unchanged(&keys).await;
    world.rename_over("a.pem", &a.text);
    unchanged(&keys).await;
    // Other bytes, the same key.
    world.write("a.pem", format!("\n{}\n\n", a.text));
    unchanged(&keys).await;
    fs::rename(world.path("a.pem"), world.path("b.pem")).unwrap();
    unchanged(&keys).await;
    assert_eq!(keys.status().keys[0].file, "b.pem");
    // A copy of a key is no second key.
    world.write("copy.pem", &a.text);
    unchanged(&keys).await;
    fs::remove_file(world.path("b.pem")).unwrap();
    unchanged(&keys).await;
    assert_eq!(keys.status().keys[0].file, "copy.pem");
}

#[tokio::test]
async fn a_key_that_is_there_for_a_moment_never_signs() {
    let world = World::new();
    let (a, wrong, right) = (pem(), pem(), pem());
    world.write("tls.key", &a.text);
    let keys = world.open().await;
    world.write("tls.key", &wrong.text);
    keys.refresh().await;
    world.pass(&keys, PROPAGATION - 10).await;
    world.write("tls.key", &right.text);
    keys.refresh().await;
    check(&keys);
    assert_eq!((active(&keys), phases(&keys).get(&wrong.id)), (a.id.clone(), None));
    world.pass(&keys, PROPAGATION - 1).await;
    assert_eq!(active(&keys), a.id);
    world.pass(&keys, 1).await;
    assert_eq!(active(&keys), right.id);
}

#[tokio::test]
async fn the_former_key_comes_back_at_once() {
    let world = World::new();
    let (a, b) = (pem(), pem());
    world.write("tls.key", &a.text);
    let keys = world.open().await;
    world.write("tls.key", &b.text);
    keys.refresh().await;
    world.pass(&keys, PROPAGATION).await;
    assert_eq!(active(&keys), b.id);
    // Servers still know it.
    world.clock.pass(20);
    world.write("tls.key", &a.text);
    keys.refresh().await;
    check(&keys);
    assert_eq!((active(&keys), phases(&keys)[&b.id]), (a.id.clone(), Phase::Retiring));
    assert_eq!(key(&keys.status().keys, &a.id).since, Some(at(PROPAGATION + 20)));
}

#[tokio::test]
async fn a_new_key_counts_from_the_time_of_its_file_but_not_from_long_before() {
    // When the file was written, and since when its key counts as published.
    for (written, published) in [(0, 0), (-10, -10), (-30, -30), (-31, -30), (-DAY, -30), (1, 0), (DAY, 0)] {
        let world = World::new();
        let (a, b) = (pem(), pem());
        world.write("tls.key", &a.text);
        let keys = world.open().await;
        world.clock.pass(DAY);
        world.write("tls.key", &b.text);
        world.written("tls.key", written);
        keys.refresh().await;
        assert_eq!(key(&keys.status().keys, &b.id).since, Some(at(DAY + published)), "{written}");
        world.pass(&keys, published + PROPAGATION - 1).await;
        assert_eq!(active(&keys), a.id, "{written}");
        world.pass(&keys, 1).await;
        assert_eq!(active(&keys), b.id, "{written}");
    }
}

#[tokio::test]
async fn a_key_of_the_same_kid_is_refused_while_servers_know_the_other_one() {
    let world = World::new();
    let manifest = |kid: &str| format!("[[key]]\nfile = \"tls.key\"\nkid = \"{kid}\"\n");
    let (a, b) = (pem(), pem());
    world.write("keys.toml", manifest("client"));
    world.write("tls.key", &a.text);
    let keys = world.open().await;
    let of_a = signer(&keys);
    world.write("tls.key", &b.text);
    for _ in 0..3 {
        world.pass(&keys, PROPAGATION).await;
        check(&keys);
        assert!(Arc::ptr_eq(&signer(&keys), &of_a));
    }
    let taken = "kid `client` is already the name of another key, in tls.key; give this key another kid";
    assert_eq!(world.events.take(), [format!("tls.key began: {taken}")]);
    world.write("keys.toml", manifest("client-2"));
    world.pass(&keys, 10).await;
    assert_eq!(
        world.events.take(),
        ["tls.key: new to published".to_owned(), format!("tls.key ended: {taken}")]
    );
    world.pass(&keys, PROPAGATION).await;
    assert_eq!(active(&keys), "client-2");
}
