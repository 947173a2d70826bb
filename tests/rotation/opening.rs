//! What a folder must have to be opened, and what the errors and the status say.

use std::fs;

use private_key_jwt::rotation::{KeyDirectory, KeyDirectoryError};

use super::support::clean;
use super::world::*;

/// The error of a folder that cannot be opened, after its name.
async fn refused(world: &World) -> String {
    let error = clean(world.try_open().await.unwrap_err());
    assert!(matches!(error, KeyDirectoryError::NoSigningKey { .. }), "{error:?}");
    let text = format!("{error:#}");
    text.split_once(" can sign: ").unwrap().1.to_owned()
}

#[tokio::test]
async fn a_folder_without_a_usable_key_is_refused_with_the_file_and_the_reason() {
    let world = World::new();
    assert_eq!(refused(&world).await, "the folder has no key; add a key file");
    world.write("a.pem", "");
    assert_eq!(refused(&world).await, "a.pem: not a usable key: the key file is empty");
    let (a, b) = (pem(), pem());
    world.write("a.pem", &a.text);
    world.write("b.pem", &b.text);
    assert_eq!(
        refused(&world).await,
        "several keys (a.pem, b.pem), and no manifest says which one signs; begin each name with the time when \
         the key is to sign, as in 2026-12-01T00-00Z.pem, or write a keys.toml"
    );
    world.write("keys.toml", "[[key]]\nfile = \"c.pem\"\n");
    assert_eq!(
        refused(&world).await,
        "c.pem: the manifest names the file, and it does not exist; add the file, or remove its entry"
    );
    // A manifest may revoke keys, so the names do not replace it.
    fs::remove_file(world.path("b.pem")).unwrap();
    world.write("keys.toml", "[[key]\n");
    assert!(refused(&world).await.starts_with("keys.toml line 1: "));
    world.write("keys.toml", [0xff]);
    assert_eq!(refused(&world).await, "keys.toml: the manifest is not UTF-8; write it as text");
    fs::remove_file(world.path("keys.toml")).unwrap();
    check(&world.open().await);
    let error = KeyDirectory::open(world.path("no-such-folder")).await.unwrap_err();
    assert!(format!("{error:#}").contains("can sign: cannot read the file: "), "{error:#}");
}

#[tokio::test]
async fn any_other_problem_is_reported_and_the_folder_opens() {
    let world = World::new();
    let a = pem();
    world.write("a.pem", &a.text);
    world.write("b.pem", "-----BEGIN PRIVATE KEY-----\n");
    world.write("tls.crt", super::support::testdata("keys/p256.cert.pem"));
    world.write("a.pub", super::support::testdata("keys/p256.pub.pem"));
    world.write(".hidden", "x");
    fs::create_dir(world.path("folder")).unwrap();
    let keys = world.try_open().await.unwrap();
    check(&keys);
    let [problem] = <[String; 1]>::try_from(problems(&keys)).unwrap();
    assert!(problem.starts_with("b.pem: not a usable key: "), "{problem}");
    assert_eq!(world.events.take(), ["a.pem: new to active".to_owned(), problem.replacen(':', " began:", 1)]);
    let status: serde_json::Value = serde_json::to_value(keys.status()).unwrap();
    assert_eq!(status["source"], "single_key");
    assert_eq!(status["keys"][0]["phase"], "active");
    assert_eq!(status["keys"][0]["kid"], a.id);
    assert_eq!(status["keys"][0]["alg"], "ES256");
    assert_eq!(status["keys"][0]["next"], serde_json::Value::Null);
    assert_eq!(status["problems"][0]["file"], "b.pem");
    assert_eq!(status["problems"][0]["since"], utc(0));
    assert_eq!((&status["read_at"], &status["is_watched"]), (&utc(0).into(), &false.into()));
}

#[tokio::test]
async fn the_times_of_the_builder_are_for_a_folder_without_a_manifest() {
    let world = World::new();
    let (a, b) = (pem(), pem());
    world.write("tls.key", &a.text);
    let builder = world.builder().propagation(HOUR).overlap(2 * HOUR).lifetime(HOUR);
    let keys = builder.open().await.unwrap();
    world.write("tls.key", &b.text);
    for (seconds, signs) in [(0, &a.id), (3599, &a.id), (1, &b.id)] {
        world.pass(&keys, seconds).await;
        assert_eq!(active(&keys), *signs, "{seconds}");
    }
    // The overlap, but at least until the last signature is no longer checked.
    world.pass(&keys, 7199).await;
    assert!(published(&keys).contains(&a.id));
    world.pass(&keys, 1).await;
    assert_eq!(published(&keys), [b.id]);
}

#[test]
fn a_directory_can_be_read_without_a_runtime() {
    let world = World::new();
    world.write("a.pem", pem().text);
    let mut opening = std::pin::pin!(world.try_open());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(keys) = opening.as_mut().poll(&mut context) else { panic!("it waits") };
    check(&keys.unwrap());
}
