//! Files whose mode keeps the process out. Root reads every file, so root runs the test as another
//! user.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

use super::support::log;
use super::world::*;

/// A user who owns no file.
const OTHER_USER: u32 = 65_534;

#[tokio::test]
async fn a_file_without_permission_disturbs_nothing_and_is_told_once() {
    const DENIED: &str = "cannot read the file: Permission denied (os error 13)";
    let world = World::new();
    if fs::metadata(world.folder.path()).unwrap().uid() == 0 {
        return run_as_another_user(
            "unreadable::a_file_without_permission_disturbs_nothing_and_is_told_once",
        );
    }
    let a = pem();
    world.write("a.pem", &a.text);
    world.write("b.pem", pem().text);
    world.write("keys.toml", entry("a.pem", &[]) + &entry("b.pem", &[("publish", -900)]));
    let keys = world.open().await;
    let of_a = signer(&keys);
    for file in ["a.pem", "keys.toml"] {
        log::listen();
        mode(&world, file, 0o000);
        assert_eq!(fs::read(world.path(file)).unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
        for _ in 0..3 {
            world.pass(&keys, 1).await;
            check(&keys);
            assert!(Arc::ptr_eq(&signer(&keys), &of_a));
            assert_eq!(published(&keys).len(), 2);
        }
        assert_eq!(problems(&keys), [format!("{file}: {DENIED}")]);
        let of_key = key(&keys.status().keys, &a.id).problem.clone();
        assert_eq!(of_key, (file == "a.pem").then(|| DENIED.to_owned()));
        assert_eq!(world.events.take(), [format!("{file} began: {DENIED}")]);
        let [line] = <[String; 1]>::try_from(log::lines()).unwrap();
        for piece in ["WARN", "key file problem", file, DENIED] {
            assert!(line.contains(piece), "{piece}: {line}");
        }

        mode(&world, file, 0o600);
        world.pass(&keys, 1).await;
        assert!(Arc::ptr_eq(&signer(&keys), &of_a) && problems(&keys).is_empty());
        assert_eq!(world.events.take(), [format!("{file} ended: {DENIED}")]);
    }
}

fn mode(world: &World, name: &str, mode: u32) {
    fs::set_permissions(world.path(name), fs::Permissions::from_mode(mode)).unwrap();
}

/// Runs a test of this suite as a user that modes keep out.
fn run_as_another_user(test: &str) {
    // That user may have no way to the program of this process, nor to its folder for other files.
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let program = place.path().join("rotation");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(&program);
    command.args(["--exact", test]).current_dir(place.path()).env("TMPDIR", place.path());
    let output = command.uid(OTHER_USER).gid(OTHER_USER).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}{stderr}");
}
