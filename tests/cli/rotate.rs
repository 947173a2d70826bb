//! `pkjwt rotate`.

use std::fs;
use std::process::Stdio;
use std::time::Instant;

use private_key_jwt::rotation::{KeyFolder, Phase};
use private_key_jwt::{Algorithm, PrivateKey};
use serde_json::Value;
use time::OffsetDateTime;

use crate::run::{Place, command, finish, pkjwt};

const NEW: [&str; 2] = ["--alg", "EdDSA"];

fn rotate(folder: &str, more: &[&str]) -> crate::run::Run {
    pkjwt(["rotate", folder].iter().chain(more))
}

fn json(folder: &str, more: &[&str]) -> Value {
    serde_json::from_str(&rotate(folder, &[more, &["--json"]].concat()).done()).unwrap()
}

/// The phases of all keys, in the order of the manifest.
fn phases(folder: &str) -> Vec<String> {
    let status = json(folder, &["--status"]);
    status["keys"].as_array().unwrap().iter().map(|key| key["phase"].as_str().unwrap().to_owned()).collect()
}

/// The names of all files, but not that of the lock.
fn names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != ".pkjwt-lock");
    names.sort();
    names
}

/// A folder with one key, and its name.
fn folder_with_key(place: &Place) -> (String, String) {
    let folder = place.name("keys");
    fs::create_dir(&folder).unwrap();
    let key = PrivateKey::generate(Algorithm::EdDSA).unwrap();
    place.put_private("keys/key.pem", key.to_pem().unwrap().as_bytes());
    (folder, key.private_key().unwrap().key_id().as_str().to_owned())
}

#[test]
fn a_key_lives_from_rotation_to_rotation() {
    let place = Place::new();
    let (folder, first) = folder_with_key(&place);
    let status = rotate(&folder, &["--status"]).done();
    let expected = format!(
        "phase   since  kid{:42}alg    file     next\nactive  -      {first}  EdDSA  key.pem  -\n",
        ""
    );
    assert_eq!(status, expected);

    let text = rotate(&folder, &["--alg", "ES256", "--in", "1h", "--overlap", "7d"]).done();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[0].starts_with("new key ") && lines[0].ends_with("Z-ES256.pem"), "{text}");
    assert!(lines[1].starts_with("it signs 20") && lines[1].ends_with("Z (in 60 minutes)"), "{text}");
    assert_eq!(lines[2], format!("until then, {first} in key.pem signs"));
    assert!(
        lines[3].starts_with("that key leaves the JWKS 20") && lines[3].ends_with("Z (in 7 days)"),
        "{text}"
    );
    assert_eq!(phases(&folder), ["active", "published"]);

    let status = rotate(&folder, &["--status"]).done();
    let rows: Vec<Vec<&str>> = status.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), ["phase", "active", "published"]);
    assert_eq!((rows[1][5], rows[2][5]), ("retiring", "active"), "{status}");

    let second = json(&folder, &["--status"])["keys"][1]["kid"].as_str().unwrap().to_owned();
    let text = rotate(&folder, &["--revoke", &first]).done();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with(&format!("revoked {first} in key.pem, since 20")), "{text}");
    let file = json(&folder, &["--status"])["keys"][1]["file"].as_str().unwrap().to_owned();
    assert_eq!(
        lines[1],
        format!(
            "from now on, {second} in {file} signs; requests can fail for 5 minutes, until servers have read the JWKS again"
        )
    );
    assert_eq!(phases(&folder), ["revoked", "active"]);
    assert_eq!(rotate(&folder, &["--prune"]).done(), "removed key.pem\n");
    assert_eq!(rotate(&folder, &["--prune"]).done(), "no key is gone or revoked\n");
    assert_eq!(names(&folder), [file.as_str(), "keys.toml"]);
    let text = rotate(&folder, &["--revoke", &second]).done();
    assert!(text.contains(&format!(
        "no key signs, and every request fails; make a key: pkjwt rotate {folder} --alg ALG"
    )));
    let text = rotate(&folder, &NEW).done();
    assert!(text.contains("\nit signs from now on\n"), "{text}");
}

#[test]
fn every_result_is_json() {
    let place = Place::new();
    let (folder, first) = folder_with_key(&place);
    let rotated = json(&folder, &["--alg", "ES256", "--in", "0s", "--force"]);
    assert_eq!(rotated["before"], serde_json::json!({ "kid": first, "file": "key.pem" }));
    let file = rotated["file"].as_str().unwrap();
    let key = PrivateKey::from_file(place.path(&format!("keys/{file}"))).unwrap();
    assert_eq!(rotated["kid"], key.key_id().as_str());
    for member in ["signs", "before_leaves"] {
        let time = rotated[member].as_str().unwrap();
        assert!(time.starts_with("20") && time.ends_with('Z'), "{rotated}");
    }
    let revoked = json(&folder, &["--revoke", &first]);
    assert_eq!((&revoked["kid"], &revoked["file"]), (&first.as_str().into(), &"key.pem".into()));
    assert_eq!(json(&folder, &["--prune"]), serde_json::json!({ "removed": ["key.pem"], "kept": [] }));
    let status = json(&folder, &["--status"]);
    assert_eq!((&status["has_manifest"], &status["propagation"]), (&true.into(), &300.into()));
    let expected = serde_json::json!({
        "file": file, "kid": key.key_id().as_str(), "alg": "ES256", "phase": "active",
        "since": revoked["since"], "next": null, "not_after": null, "problem": null,
    });
    assert_eq!(status["keys"], serde_json::json!([expected]));
}

#[test]
fn wrong_usage_and_refusals_say_what_to_do() {
    let place = Place::new();
    let (folder, first) = folder_with_key(&place);
    let folder = folder.as_str();
    for arguments in [
        &[folder][..],
        &[],
        &[folder, "--alg", "HS256"],
        &[folder, "--alg", "ES256", "--status"],
        &[folder, "--status", "--prune"],
        &[folder, "--revoke", "a", "--prune"],
        &[folder, "--revoke", ""],
        &[folder, "--status", "--in", "1h"],
        &[folder, "--prune", "--force"],
        &[folder, "--alg", "ES256", "--in", "10"],
        &[folder, "--alg", "ES256", "--overlap", "1w"],
    ] {
        pkjwt(["rotate"].iter().chain(arguments)).clap();
    }
    let early = [&NEW[..], &["--in", "299s"]].concat();
    rotate(folder, &early).usage(&["--in: ", "299 s", "300 s", "force it with --force"]);
    rotate(folder, &["--revoke", "other"]).refused(&["keys: no key `other`; the folder has ", &first]);
    for (name, arguments) in [("no-such", &NEW[..]), ("no-such", &["--status"]), ("keys/key.pem", &NEW)] {
        let path = place.name(name);
        let expected = format!("rotate: no folder {path}; check the name, or make the folder with mode 0700");
        rotate(&path, arguments).refused(&[&expected]);
    }
    assert!(!place.path("no-such").exists());
    place.put("keys/b.pem", "x");
    rotate(folder, &NEW).refused(&["rotate: ", "b.pem is neither a key nor a certificate", "keys.toml"]);
    place.put("keys/keys.toml", "\nkey = 1\n");
    rotate(folder, &["--status"]).refused(&["keys.toml line 2: ", "[[key]]"]);
    assert_eq!(names(folder), ["b.pem", "key.pem", "keys.toml"]);
    // A damaged key is a problem of that key.
    place.put("keys/keys.toml", "[[key]]\nfile = \"key.pem\"\n[[key]]\nfile = \"b.pem\"\n");
    let run = rotate(folder, &["--status"]);
    assert_eq!(run.status, Some(0));
    assert_eq!(run.stderr, "pkjwt: b.pem: not a usable key: not a key: neither PEM, DER nor a JWK\n");
    assert!(run.stdout.contains("b.pem"), "{}", run.stdout);
}

/// A key in the place of the folder is not repeated, and makes no folder.
#[test]
fn a_key_as_the_folder_is_refused_and_not_repeated() {
    const KEY: &str = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC";
    let line = pkjwt(["rotate", KEY, "--alg", "ES256"]).usage(&[]);
    assert!(!line.contains("MC4CAQ"), "{line}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    // Not even root makes files here.
    pkjwt(["rotate", "/proc", "--alg", "ES256"]).refused(&["rotate: cannot lock /proc/.pkjwt-lock: "]);
    let place = Place::new();
    let (folder, _) = folder_with_key(&place);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    assert_eq!(phases(&folder), ["active"]);
    // Permissions do not stop root.
    if fs::File::create(place.path("keys/x")).is_err() {
        rotate(&folder, &NEW).refused(&["cannot lock ", "ermission denied"]);
        assert_eq!(names(&folder), ["key.pem"]);
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What must hold however a run ended: the folder loads, and one key signs.
#[track_caller]
fn assert_signs(folder: &str) -> usize {
    let status = KeyFolder::open(folder).unwrap().status(OffsetDateTime::now_utc());
    let status = status.unwrap_or_else(|error| panic!("{error:#} {:?}", names(folder)));
    assert!(status.keys.iter().all(|key| key.problem.is_none()), "{status:#?}");
    let active = status.keys.iter().filter(|key| key.phase == Phase::Active).count();
    assert_eq!(active, 1, "{status:#?}");
    status.keys.len()
}

/// No file is left that the manifest does not name.
#[track_caller]
fn assert_tidy(folder: &str) {
    let status = json(folder, &["--status"]);
    let keys = status["keys"].as_array().unwrap().iter().map(|key| key["file"].as_str().unwrap().to_owned());
    let mut expected: Vec<String> = keys.chain(["keys.toml".to_owned()]).collect();
    expected.sort();
    assert_eq!(names(folder), expected);
}

/// From before its first instruction to after its last one.
#[cfg(unix)]
#[test]
fn a_run_that_is_killed_leaves_a_folder_that_signs() {
    let place = Place::new();
    let (folder, _) = folder_with_key(&place);
    let arguments = ["rotate", &folder, "--alg", "EdDSA"];
    let started = Instant::now();
    assert_eq!(finish(&mut command(arguments)).status, Some(0));
    let whole = started.elapsed();
    let (mut killed, mut keys) = (0, assert_signs(&folder));
    const STEPS: u32 = 60;
    for step in 0..STEPS {
        let mut child = command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole * step * 5 / 4 / STEPS);
        child.kill().unwrap();
        let is_killed = child.wait().unwrap().code().is_none();
        killed += u32::from(is_killed);
        let now = assert_signs(&folder);
        assert!(now == keys + 1 || is_killed && now == keys, "{keys} {now}");
        keys = now;
    }
    assert!(killed > 0);
    assert_eq!(rotate(&folder, &NEW).status, Some(0));
    assert_eq!(assert_signs(&folder), keys + 1);
    assert_tidy(&folder);
}

#[test]
fn two_runs_at_once_exclude_each_other() {
    let place = Place::new();
    let (folder, _) = folder_with_key(&place);
    let arguments = ["rotate", &folder, "--alg", "EdDSA"];
    for _ in 0..5 {
        let before = phases(&folder).len();
        let children: Vec<_> = (0..4)
            .map(|_| command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
            .collect();
        let mut done = 0;
        for child in children {
            let output = child.wait_with_output().unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            if output.status.success() {
                done += 1;
            } else {
                let busy = format!("pkjwt: rotate: another process is changing {folder}; try again\n");
                assert_eq!(stderr, busy);
            }
        }
        assert!(done > 0);
        assert_eq!(assert_signs(&folder), before + done);
    }
    assert_tidy(&folder);
}

/// A shell limits the length of every file, as a full disk does.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_folder_as_it_was() {
    let place = Place::new();
    let (folder, _) = folder_with_key(&place);
    // Longer than the smallest limit above nothing.
    let comment = format!("# {}\n", "x".repeat(2048));
    place.put("keys/keys.toml", format!("{comment}[[key]]\nfile = \"key.pem\"\n"));
    let before = fs::read(place.path("keys/keys.toml")).unwrap();
    for limit in [0, 1] {
        // Without a handler, the signal ends the process in the middle of a write.
        for trap in ["trap '' XFSZ;", ""] {
            let script =
                format!("{trap} ulimit -c 0; ulimit -f {limit}; exec \"$0\" rotate \"$1\" --alg EdDSA");
            let run = std::process::Command::new("sh")
                .args(["-c", &script, env!("CARGO_BIN_EXE_pkjwt"), &folder])
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let stderr = String::from_utf8(run.stderr).unwrap();
            if trap.is_empty() {
                assert_eq!(run.status.code(), None, "{stderr}");
            } else {
                assert_eq!(run.status.code(), Some(1), "{stderr}");
                assert!(stderr.starts_with(&format!("pkjwt: rotate: cannot write {folder}/")), "{stderr}");
            }
            assert_eq!(assert_signs(&folder), 1);
            assert_eq!(fs::read(place.path("keys/keys.toml")).unwrap(), before);
        }
    }
    assert_eq!(rotate(&folder, &NEW).status, Some(0));
    assert_eq!(assert_signs(&folder), 2);
    assert_tidy(&folder);
}
