//! Files that are broken in every way: the keys in use stay, and each problem is told once.

use std::fs;
use std::sync::Arc;

use private_key_jwt::Signer;
use private_key_jwt::rotation::KeyDirectory;

use super::support::testdata;
use super::world::*;

/// Two keys, the first one active.
async fn running(world: &World, manifest: &str) -> (KeyDirectory, Arc<dyn Signer>) {
    world.write("a.pem", pem().text);
    world.write("b.pem", pem().text);
    world.write("keys.toml", manifest);
    let keys = world.open().await;
    let signer = signer(&keys);
    (keys, signer)
}

/// Several polls later, the same key signs.
async fn undisturbed(world: &World, keys: &KeyDirectory, of_a: &Arc<dyn Signer>) {
    for _ in 0..3 {
        world.pass(keys, 1).await;
        check(keys);
        assert!(Arc::ptr_eq(&signer(keys), of_a));
        assert_eq!(published(keys).len(), 2);
    }
}

/// The one problem that began, after those that ended.
#[track_caller]
fn began(world: &World) -> Option<String> {
    let events = world.events.take();
    let (ended, mut began): (Vec<_>, Vec<_>) =
        events.into_iter().partition(|event| event.contains(" ended: "));
    assert!(began.len() <= 1 && ended.len() <= 1, "{ended:?} {began:?}");
    began.pop()
}

fn both() -> String {
    entry("a.pem", &[]) + &entry("b.pem", &[("publish", -900)])
}

#[tokio::test]
async fn key_files_truncated_at_every_length() {
    let world = World::new();
    let (keys, of_a) = running(&world, &both()).await;
    let whole = fs::read(world.path("a.pem")).unwrap();
    let mut last = None;
    for len in (0..whole.len()).rev() {
        world.write("a.pem", &whole[..len]);
        for _ in 0..3 {
            world.pass(&keys, 1).await;
        }
        check(&keys);
        assert!(Arc::ptr_eq(&signer(&keys), &of_a), "{len}");
        // The last line end is no part of the key.
        let found = problems(&keys).pop();
        assert_eq!(found.is_some(), len + 1 < whole.len(), "{len}");
        let told = found.clone().filter(|_| found != last).map(|problem| problem.replacen(':', " began:", 1));
        assert_eq!(began(&world), told, "{len}");
        last = found;
    }
    world.write("a.pem", &whole);
    undisturbed(&world, &keys, &of_a).await;
    let events = world.events.take();
    assert!(events.len() == 1 && events[0].starts_with("a.pem ended: "), "{events:?}");
}

#[tokio::test]
async fn a_lone_file_truncated_at_every_length_does_not_disturb_its_key() {
    for name in [
        "p256.key-then-cert.pem",
        "p256.cert-then-key.pem",
        "p256.jwk.json",
        "p256.pkcs8.der",
        "p256.open.p12",
    ] {
        if cfg!(not(feature = "pkcs12")) && name.ends_with("p12") {
            continue;
        }
        let world = World::new();
        let whole = testdata(&format!("keys/{name}"));
        world.write("tls.key", &whole);
        let keys = world.open().await;
        let of_key = signer(&keys);
        for len in 0..whole.len() {
            world.write("tls.key", &whole[..len]);
            keys.refresh().await;
            check(&keys);
            assert_eq!(
                active(&keys).as_str(),
                of_key.public_jwk().key_id().unwrap().as_str(),
                "{name} {len}"
            );
        }
        world.write("tls.key", &whole);
        keys.refresh().await;
        check(&keys);
        assert_eq!((problems(&keys), keys.status().keys.len()), (vec![], 1), "{name}");
    }
}

#[tokio::test]
async fn a_manifest_truncated_at_every_length_or_without_a_line_or_with_a_broken_one() {
    let world = World::new();
    let manifest = format!("propagation = \"5m\"\n{}", both());
    let (keys, of_a) = running(&world, &manifest).await;
    for len in 0..manifest.len() {
        world.write("keys.toml", &manifest[..len]);
        keys.refresh().await;
        check(&keys);
        // A piece of the manifest may be a manifest, without the second key.
        assert!(Arc::ptr_eq(&signer(&keys), &of_a), "{len}");
    }
    world.write("keys.toml", &manifest);
    keys.refresh().await;
    world.events.take();
    let lines: Vec<&str> = manifest.lines().collect();
    for index in 0..lines.len() {
        for with in ["x", "= 1", "[[key]", "file = \"../a.pem\"", "\u{0}"] {
            let mut broken = lines.clone();
            broken[index] = with;
            world.write("keys.toml", broken.join("\n"));
            undisturbed(&world, &keys, &of_a).await;
            let [problem] = <[String; 1]>::try_from(problems(&keys)).unwrap();
            assert!(problem.starts_with("keys.toml: keys.toml line "), "{problem}");
            world.events.take();
        }
    }
    world.write("keys.toml", &manifest);
    undisturbed(&world, &keys, &of_a).await;
    assert_eq!(problems(&keys), <[String; 0]>::default());
}

/// A file, a way to break it, and what is then the problem.
#[cfg(target_os = "linux")]
type Case = (&'static str, fn(&World), &'static str);

#[cfg(target_os = "linux")]
#[tokio::test]
async fn each_problem_is_told_once_and_so_is_its_end() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    fn manifest(world: &World, of_a: &str) {
        let b = entry("b.pem", &[("publish", -900)]);
        world.write("keys.toml", format!("[[key]]\nfile = \"a.pem\"\n{of_a}{b}"));
    }
    let cases: [Case; 13] = [
        ("a.pem", |world| world.write("a.pem", ""), "not a usable key: the key file is empty"),
        (
            "a.pem",
            |world| world.write("a.pem", vec![b' '; (1 << 20) + 1]),
            "the file is too large: it has 1048577 bytes, the limit is 1048576; replace it",
        ),
        (
            "a.pem",
            |world| fs::remove_file(world.path("a.pem")).unwrap(),
            "the manifest names the file, and it does not exist; add the file, or remove its entry",
        ),
        (
            "a.pem",
            |world| {
                fs::remove_file(world.path("a.pem")).unwrap();
                symlink("nowhere", world.path("a.pem")).unwrap();
            },
            "the link leads nowhere; restore its target",
        ),
        (
            "a.pem",
            |world| {
                fs::remove_file(world.path("a.pem")).unwrap();
                symlink("a.pem", world.path("a.pem")).unwrap();
            },
            "cannot read the file: Too many levels of symbolic links (os error 40)",
        ),
        (
            "a.pem",
            |world| {
                fs::remove_file(world.path("a.pem")).unwrap();
                fs::create_dir(world.path("a.pem")).unwrap();
            },
            "not a regular file; replace it with a key file",
        ),
        (
            "a.pem",
            |world| {
                fs::set_permissions(world.path("a.pem"), fs::Permissions::from_mode(0o644)).unwrap();
            },
            "every user may read the file (mode 0644); run `chmod o-r` on it, or call allow_world_readable",
        ),
        (
            "a.pem",
            |world| world.write("a.pem", testdata("keys/p256.pub.pem")),
            "not a usable key: expected a private key, found PUBLIC KEY",
        ),
        (
            "a.pem",
            |world| manifest(world, "alg = \"RS256\"\n"),
            "not a usable key: RS256 needs a key of type RSA, found EC P-256",
        ),
        (
            "a.pem",
            |world| manifest(world, "passphrase = \"file:nothing\"\n"),
            "cannot read the passphrase from file:nothing: No such file or directory (os error 2)",
        ),
        (
            "keys.toml",
            |world| fs::remove_file(world.path("keys.toml")).unwrap(),
            "the manifest is gone; put it back, or open the folder again to do without one",
        ),
        (
            "keys.toml",
            |world| world.write("keys.toml", vec![b'#'; 300_000]),
            "the file is too large: it has 300000 bytes, the limit is 262144; replace it",
        ),
        (
            "keys.toml",
            |world| world.write("keys.toml", [0xff]),
            "the manifest is not UTF-8; write it as text",
        ),
    ];
    for (file, break_it, problem) in cases {
        let world = World::new();
        let (keys, of_a) = running(&world, &both()).await;
        let whole = fs::read(world.path("a.pem")).unwrap();
        break_it(&world);
        undisturbed(&world, &keys, &of_a).await;
        assert_eq!(problems(&keys), [format!("{file}: {problem}")]);
        let status = keys.status();
        assert_eq!(status.problems[0].since, at(1));
        let of_keys: Vec<_> = status.keys.iter().filter_map(|key| key.problem.as_deref()).collect();
        assert_eq!(of_keys, if file == "a.pem" { vec![problem] } else { vec![] });
        assert_eq!(world.events.take(), [format!("{file} began: {problem}")]);
        let _ = fs::remove_dir(world.path("a.pem")).or_else(|_| fs::remove_file(world.path("a.pem")));
        world.write("a.pem", &whole);
        world.write("keys.toml", both());
        undisturbed(&world, &keys, &of_a).await;
        assert_eq!(world.events.take(), [format!("{file} ended: {problem}")]);
    }
}

#[tokio::test]
async fn a_key_that_states_another_kid_than_the_manifest_is_refused() {
    let world = World::new();
    let manifest = entry("a.pem", &[]) + "kid = \"a\"\n" + &entry("b.pem", &[("publish", -900)]);
    let (keys, of_a) = running(&world, &manifest).await;
    assert_eq!(active(&keys), "a");
    let jwk = String::from_utf8(testdata("keys/p256.jwk.json")).unwrap();
    let jwk = jwk.replacen('{', "{\"kid\": \"other\", ", 1);
    world.write("a.pem", &jwk);
    undisturbed(&world, &keys, &of_a).await;
    let problem = problems(&keys).pop().unwrap();
    assert!(problem.starts_with("a.pem: "), "{problem}");
}

#[cfg(unix)]
#[tokio::test]
async fn world_readable_files_can_be_allowed() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    world.write("a.pem", pem().text);
    let mode = |mode| fs::set_permissions(world.path("a.pem"), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o640);
    check(&world.open().await);
    mode(0o644);
    let error = world.try_open().await.unwrap_err();
    assert!(format!("{error:#}").contains("a.pem: every user may read the file (mode 0644)"), "{error:#}");
    check(&world.builder().allow_world_readable().open().await.unwrap());
}

#[tokio::test]
async fn several_keys_without_an_order_leave_the_last_good_state() {
    let world = World::new();
    let a = pem();
    world.write("a.pem", &a.text);
    let keys = world.open().await;
    world.write("b.pem", pem().text);
    for _ in 0..3 {
        world.pass(&keys, PROPAGATION).await;
        check(&keys);
        assert_eq!((active(&keys), published(&keys)), (a.id.clone(), vec![a.id.clone()]));
    }
    let events = world.events.take();
    assert!(
        events.len() == 1 && events[0].starts_with(". began: several keys (a.pem, b.pem), "),
        "{events:?}"
    );
    // A manifest says more.
    world.write("keys.toml", entry("a.pem", &[]) + &entry("b.pem", &[("activate", 0)]));
    world.pass(&keys, 10).await;
    assert_eq!((active(&keys), published(&keys).len()), (a.id, 2));
    let events = world.events.take();
    assert_eq!(events[0], "b.pem: new to published");
    assert!(events.len() == 2 && events[1].starts_with(". ended: several keys "), "{events:?}");
}

#[tokio::test]
async fn a_folder_that_is_gone_leaves_the_last_good_state() {
    let world = World::new();
    let a = pem();
    let folder = world.path("keys");
    fs::create_dir(&folder).unwrap();
    write(&folder.join("a.pem"), a.text.as_bytes());
    let keys = KeyDirectory::builder(&folder)
        .observer(world.events.clone())
        .without_watching()
        .open()
        .await
        .unwrap();
    world.events.take();
    fs::rename(&folder, world.path("moved")).unwrap();
    for _ in 0..3 {
        keys.refresh().await;
        check(&keys);
        assert_eq!(active(&keys), a.id);
    }
    let events = world.events.take();
    assert!(events.len() == 1 && events[0].starts_with(". began: cannot read the file: "), "{events:?}");
    fs::rename(world.path("moved"), &folder).unwrap();
    keys.refresh().await;
    assert!(world.events.take()[0].starts_with(". ended: "));
}

#[tokio::test]
async fn more_files_than_any_folder_has_are_not_read() {
    let world = World::new();
    let a = pem();
    world.write("0.pem", &a.text);
    let keys = world.open().await;
    for number in 0..1001 {
        world.write(&format!("{number}.txt"), "");
    }
    keys.refresh().await;
    check(&keys);
    assert_eq!(active(&keys), a.id);
    assert!(
        problems(&keys)
            .contains(&".: the folder has more than 1000 files; move other files out of it".to_owned())
    );
}
