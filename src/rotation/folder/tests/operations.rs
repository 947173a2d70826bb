use super::*;
use crate::rotation::plan::Plan;

const FIRST: &str = "2026-12-01T00-00-00Z-EdDSA.pem";
const SECOND: &str = "2026-12-01T01-10-00Z-EdDSA.pem";
const HEAD: &str = "# The keys of this folder, in their order. `pkjwt rotate` keeps this file up to date.
propagation = \"5m\"  # how long servers keep a copy of the JWKS
overlap = \"1d\"  # how long a former key stays published
lifetime = \"10m\"  # the longest lifetime of an assertion
";

#[test]
fn an_empty_folder_gets_a_key_that_signs_at_once_and_then_its_successor() {
    let place = tempfile::tempdir().unwrap();
    let folder = folder(&place);
    let first = folder.rotate(&options(), at(0)).unwrap();
    assert_eq!(
        (&*first.file, first.signs, &first.before, first.before_leaves),
        (FIRST, Some(at(0)), &None, None)
    );
    let second = folder.rotate(&options(), at(3600)).unwrap();
    let before = KeyName { file: FIRST.to_owned(), key_id: Some(first.key_id.clone()) };
    assert_eq!((&*second.file, second.signs), (SECOND, Some(at(4200))));
    assert_eq!((second.before, second.before_leaves), (Some(before), Some(at(4200 + 86_400))));

    let entry = |file: &str, key_id: &KeyId, publish: &str, activate: &str| {
        let key_id = key_id.as_str();
        format!(
            "\n[[key]]\nfile = \"{file}\"\nkid = \"{key_id}\"\nalg = \"EdDSA\"\npublish = 2026-12-01T{publish}:00Z\nactivate = 2026-12-01T{activate}:00Z\n"
        )
    };
    let entries =
        entry(FIRST, &first.key_id, "00:00", "00:00") + &entry(SECOND, &second.key_id, "01:00", "01:10");
    assert_eq!(manifest(&place), format!("{HEAD}{entries}"));
    assert_eq!(names(&place), [".pkjwt-lock", FIRST, SECOND, Manifest::FILE]);
    for (now, expected) in [
        (3600, [format!("{FIRST} active"), format!("{SECOND} published")]),
        (4200, [format!("{FIRST} retiring"), format!("{SECOND} active")]),
        (4200 + 86_400, [format!("{FIRST} gone"), format!("{SECOND} active")]),
    ] {
        assert_eq!(phases(&folder, at(now)), expected);
    }
    // The file is the key of the entry, and only its owner reads it.
    let key = PrivateKey::from_file(place.path().join(SECOND)).unwrap();
    assert_eq!(key.key_id(), &second.key_id);
    assert!(
        fs::read_to_string(place.path().join(SECOND)).unwrap().starts_with("-----BEGIN PRIVATE KEY-----\n")
    );
    #[cfg(unix)]
    for name in names(&place) {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            fs::metadata(place.path().join(&name)).unwrap().permissions().mode() & 0o777,
            0o600,
            "{name}"
        );
    }
}

#[test]
fn a_folder_without_a_manifest_gets_one_that_says_the_same() {
    for (files, adopted) in [
        (&["key.pem"][..], "\n[[key]]\nfile = \"key.pem\"\n"),
        (
            &["2026-11-01T00-00Z.pem", "2026-10-01T00-00Z-b.pem"],
            "\n[[key]]\nfile = \"2026-10-01T00-00Z-b.pem\"\nactivate = 2026-10-01T00:00:00Z\n\n[[key]]\nfile = \"2026-11-01T00-00Z.pem\"\nactivate = 2026-11-01T00:00:00Z\n",
        ),
    ] {
        let place = tempfile::tempdir().unwrap();
        for file in files {
            put_key(&place, file);
        }
        // No keys: a hidden file, a certificate, a public key, a folder.
        fs::write(place.path().join(".hidden"), "x").unwrap();
        let public = PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap();
        fs::write(place.path().join("public.jwk"), public.public_jwk().to_json()).unwrap();
        fs::create_dir(place.path().join("more")).unwrap();
        let folder = folder(&place);
        let before = phases(&folder, at(0));
        let status = folder.status(at(0)).unwrap();
        assert!(!status.has_manifest && status.unlisted.is_empty());

        folder.rotate(&options(), at(0)).unwrap();
        assert!(
            manifest(&place).starts_with(&format!("{HEAD}{adopted}\n[[key]]\nfile = \"2026-12-01T00-10"))
        );
        assert_eq!(phases(&folder, at(0))[..files.len()], before);
    }
}

#[test]
fn a_folder_without_a_plan_is_refused() {
    let place = tempfile::tempdir().unwrap();
    put_key(&place, "a.pem");
    put_key(&place, "b.pem");
    let before = names(&place);
    let error = folder(&place).rotate(&options(), at(0)).unwrap_err();
    assert_eq!(
        text(&error),
        "several keys (a.pem, b.pem), and no manifest says which one signs; begin each name with the time when the key \
         is to sign, as in 2026-12-01T00-00Z.pem, or write a keys.toml"
    );
    fs::write(place.path().join(Manifest::FILE), "[[key]]\nfile = \"a.pem\"\nkid = 1\n").unwrap();
    let error = folder(&place).prune(at(0)).unwrap_err();
    assert_eq!(text(&error), "keys.toml line 3: `kid` is 1; write a name, or remove it for the default");
    fs::write(place.path().join(Manifest::FILE), b"\n\xff").unwrap();
    let error = folder(&place).status(at(0)).unwrap_err();
    assert_eq!(text(&error), "keys.toml line 2: not UTF-8; save the file as UTF-8");
    fs::remove_file(place.path().join(Manifest::FILE)).unwrap();
    // Nothing else was written.
    assert_eq!(names(&place), [&[".pkjwt-lock".to_owned()][..], &before].concat());

    for name in ["a.pem", "no-such"] {
        let path = place.path().join(name);
        let expected =
            format!("no folder {}; check the name, or make the folder with mode 0700", path.display());
        assert_eq!(text(&KeyFolder::open(&path).unwrap_err()), expected);
    }
}

/// It may be a damaged key, and a manifest that leaves it out would say something else.
#[test]
fn without_a_manifest_a_file_that_is_no_key_is_refused_by_its_name() {
    let place = tempfile::tempdir().unwrap();
    let refused = |name: &str| {
        let expected = format!(
            "{} is neither a key nor a certificate; repair it, move it out of the folder, or write a keys.toml that names \
             the keys",
            place.path().join(name).display()
        );
        assert_eq!(text(&folder(&place).rotate(&options(), at(0)).unwrap_err()), expected);
        assert_eq!(text(&folder(&place).status(at(0)).unwrap_err()), expected);
        assert!(!place.path().join(Manifest::FILE).exists());
    };
    fs::write(place.path().join("README"), "The keys of a client.").unwrap();
    refused("README");
    put_key(&place, "key.pem");
    refused("README");
    fs::remove_file(place.path().join("README")).unwrap();
    fs::write(place.path().join("empty.pem"), "").unwrap();
    refused("empty.pem");
    fs::write(place.path().join(Manifest::FILE), "[[key]]\nfile = \"key.pem\"\n").unwrap();
    folder(&place).rotate(&options(), at(0)).unwrap();
    assert!(folder(&place).status(at(0)).unwrap().unlisted.is_empty());
}

/// Processes that follow the folder take neither for a key.
#[test]
fn the_copies_of_editors_and_hidden_files_are_no_keys() {
    let place = tempfile::tempdir().unwrap();
    let key_id = put_key(&place, "key.pem");
    for name in ["key.pem~", ".key.pem.swp"] {
        fs::copy(place.path().join("key.pem"), place.path().join(name)).unwrap();
    }
    assert_eq!(phases(&folder(&place), at(0)), ["key.pem active"]);
    let rotated = folder(&place).rotate(&options(), at(0)).unwrap();
    let before = KeyName { file: "key.pem".to_owned(), key_id: Some(key_id) };
    assert_eq!(rotated.before, Some(before));
    assert!(folder(&place).status(at(0)).unwrap().unlisted.is_empty());
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_may_be_a_key() {
    let place = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("no-such", place.path().join("key.pem")).unwrap();
    let expected = format!("cannot read {}: ", place.path().join("key.pem").display());
    let error = text(&folder(&place).rotate(&options(), at(0)).unwrap_err());
    assert!(error.starts_with(&expected), "{error}");
    assert_eq!(names(&place), [".pkjwt-lock", "key.pem"]);
}

/// A socket, as a pipe, is no file. To open a pipe would wait for its writer.
#[cfg(unix)]
#[test]
fn a_manifest_that_is_no_file_is_an_error() {
    let place = tempfile::tempdir().unwrap();
    put_key(&place, "key.pem");
    let path = place.path().join(Manifest::FILE);
    let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let error = text(&folder(&place).status(at(0)).unwrap_err());
    assert_eq!(error, format!("cannot read {}: not a regular file", path.display()));
}

/// A service whose operator is root makes the next key itself.
#[cfg(unix)]
#[test]
fn a_new_lock_belongs_to_the_owner_of_the_folder() {
    use std::os::unix::fs::{MetadataExt, chown};
    let place = tempfile::tempdir().unwrap();
    let owner = |name: &str| fs::metadata(place.path().join(name)).unwrap().uid();
    // Only root can give files away.
    if owner(".") == 0 {
        chown(place.path(), Some(12_345), None).unwrap();
    }
    let rotated = folder(&place).rotate(&options(), at(0)).unwrap();
    for name in [".pkjwt-lock", Manifest::FILE, &rotated.file] {
        assert_eq!(owner(name), owner("."), "{name}");
    }
}

/// A name such as `host:8080.pem` would be a URI in the manifest.
#[test]
fn a_file_whose_name_reads_as_a_uri_is_not_adopted() {
    let place = tempfile::tempdir().unwrap();
    put_key(&place, "host:8080.pem");
    let error = folder(&place).rotate(&options(), at(0)).unwrap_err();
    assert_eq!(
        text(&error),
        "keys.toml line 1: `host:8080.pem` reads as a URI, not as a file; rename the file"
    );
    assert!(!place.path().join(Manifest::FILE).exists());
}

#[cfg(unix)]
#[test]
fn a_linked_manifest_is_not_cut_off() {
    let (place, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let target = elsewhere.path().join("shared.toml");
    fs::write(&target, "").unwrap();
    std::os::unix::fs::symlink(&target, place.path().join(Manifest::FILE)).unwrap();
    let error = folder(&place).rotate(&options(), at(0)).unwrap_err();
    let path = place.path().join(Manifest::FILE);
    assert_eq!(
        text(&error),
        format!("{} is not a regular file; change the keys where that file is", path.display())
    );
    assert_eq!(folder(&place).status(at(0)).unwrap().keys.len(), 0);
}

/// What the group can read before, it can read afterwards.
#[cfg(unix)]
#[test]
fn new_files_are_readable_by_the_group_that_reads_the_old_ones() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().unwrap();
    put_key(&place, "key.pem");
    let mode = |name: &str, mode| {
        fs::set_permissions(place.path().join(name), fs::Permissions::from_mode(mode)).unwrap()
    };
    let found = |name: &str| fs::metadata(place.path().join(name)).unwrap().permissions().mode() & 0o777;
    mode("key.pem", 0o440);
    let folder = folder(&place);
    let rotated = folder.rotate(&options(), at(0)).unwrap();
    assert_eq!((found(&rotated.file), found(Manifest::FILE)), (0o640, 0o640));
    mode(Manifest::FILE, 0o600);
    mode("key.pem", 0o404);
    let rotated = folder.rotate(&options(), at(1)).unwrap();
    assert_eq!((found(&rotated.file), found(Manifest::FILE)), (0o600, 0o600));
}

#[test]
fn a_key_that_servers_cannot_know_is_refused_unless_it_is_forced() {
    let place = tempfile::tempdir().unwrap();
    let folder = folder(&place);
    folder.rotate(&options(), at(0)).unwrap();
    let before = manifest(&place);
    let early = options().activate_in(Duration::from_secs(299));
    let error = folder.rotate(&early, at(60)).unwrap_err();
    assert_eq!(
        text(&error),
        "the key would sign after 299 s, before the propagation time of 300 s; wait for that time, or force it"
    );
    assert_eq!(manifest(&place), before);
    let rotated = folder.rotate(&early.forced().overlap(Duration::from_secs(3600)), at(60)).unwrap();
    assert_eq!((rotated.signs, rotated.before_leaves), (Some(at(359)), Some(at(359 + 3600))));
    assert!(
        manifest(&place).contains("forced = true\n")
            && manifest(&place).contains("retire = 2026-12-01T01:05:59Z\n")
    );
}

#[test]
fn two_keys_for_one_time_have_different_names() {
    let place = tempfile::tempdir().unwrap();
    let folder = folder(&place);
    let stem = "2026-12-01T00-10-00Z-EdDSA";
    folder.rotate(&options(), at(-3600)).unwrap();
    let key_id = put_key(&place, &format!("{stem}-2.pem"));
    let files = [(); 3].map(|()| folder.rotate(&options(), at(0)).unwrap().file);
    assert_eq!(files, ["", "-3", "-4"].map(|count| format!("{stem}{count}.pem")));
    // A key that the manifest does not name is not touched.
    let name = format!("{stem}-2.pem");
    assert_eq!(PrivateKey::from_file(place.path().join(&name)).unwrap().key_id(), &key_id);
    assert_eq!(folder.status(at(0)).unwrap().unlisted, [name]);
}

#[test]
fn a_revocation_says_what_it_costs() {
    let place = tempfile::tempdir().unwrap();
    let lone = put_key(&place, "key.pem");
    let folder = folder(&place);
    let next = folder.rotate(&options(), at(0)).unwrap();
    let error = folder.revoke(&"other".into(), at(0)).unwrap_err();
    assert_eq!(
        text(&error),
        format!("no key `other`; the folder has {}, {}", lone.as_str(), next.key_id.as_str())
    );
    let name = |file: &str, key_id: &KeyId| KeyName { file: file.to_owned(), key_id: Some(key_id.clone()) };
    let (of_lone, of_next) = (name("key.pem", &lone), name(&next.file, &next.key_id));
    let cost = |at, cost, file: &str| Revoked { file: file.to_owned(), since: at, cost };

    // The kid of the first one is only in its file.
    let before = manifest(&place);
    let revoked = folder.revoke(&lone, at(299)).unwrap();
    assert_eq!(revoked, cost(at(299), RevocationCost::Unknown(of_next.clone()), "key.pem"));
    assert_eq!(
        manifest(&place),
        before.replace("\"key.pem\"\n", "\"key.pem\"\nrevoked = 2026-12-01T00:04:59Z\n")
    );
    // Once is enough.
    assert_eq!(folder.revoke(&lone, at(400)).unwrap(), cost(at(299), RevocationCost::None, "key.pem"));

    fs::write(place.path().join(Manifest::FILE), &before).unwrap();
    let revoked = folder.revoke(&lone, at(300)).unwrap();
    assert_eq!(revoked, cost(at(300), RevocationCost::Replaced(of_next), "key.pem"));
    let revoked = folder.revoke(&next.key_id, at(301)).unwrap();
    assert_eq!(revoked, cost(at(301), RevocationCost::NoKey, &next.file));
    assert_eq!(phases(&folder, at(301)), ["key.pem revoked".to_owned(), format!("{} revoked", next.file)]);
    // Once more, requests still fail.
    assert_eq!(folder.revoke(&lone, at(302)).unwrap(), cost(at(300), RevocationCost::NoKey, "key.pem"));

    fs::write(place.path().join(Manifest::FILE), &before).unwrap();
    let revoked = folder.revoke(&next.key_id, at(10)).unwrap();
    assert_eq!(revoked, cost(at(10), RevocationCost::None, &next.file));
    assert_eq!(phases(&folder, at(10))[0], format!("{} active", of_lone.file));
}

/// An encrypted key is known by name only if the passphrase is there.
#[test]
fn a_key_that_cannot_be_opened_is_named_by_its_file() {
    let place = tempfile::tempdir().unwrap();
    let generated = PrivateKey::generate(Algorithm::ES256).unwrap();
    let pem = generated.to_encrypted_pem("correct horse").unwrap();
    fs::write(place.path().join("a.pem"), pem.as_bytes()).unwrap();
    set_mode(&place, "a.pem", 0o600);
    fs::write(place.path().join("pass"), "correct horse\n").unwrap();
    let entry = "[[key]]\nfile = \"a.pem\"\n";
    fs::write(place.path().join(Manifest::FILE), entry).unwrap();
    let folder = folder(&place);
    let error = folder.revoke(&"other".into(), at(0)).unwrap_err();
    assert_eq!(text(&error), "no key `other`; the folder has no keys that can be read; cannot open a.pem");
    let status = folder.status(at(0)).unwrap();
    assert_eq!(status.keys[0].key_id, None);
    let problem = status.keys[0].problem.clone().unwrap();
    assert!(problem.starts_with("not a usable key: ") && problem.contains("encrypted"), "{problem}");

    fs::write(place.path().join(Manifest::FILE), format!("{entry}passphrase = \"file:pass\"\n")).unwrap();
    let key_id = generated.private_key().unwrap().key_id().clone();
    assert_eq!(folder.status(at(0)).unwrap().keys[0].problem, None);
    assert_eq!(folder.revoke(&key_id, at(0)).unwrap().cost, RevocationCost::NoKey);
}

#[test]
fn pruning_removes_what_the_plan_has_left_behind_and_nothing_else() {
    let place = tempfile::tempdir().unwrap();
    put_key(&place, "key.pem");
    let folder = folder(&place);
    assert_eq!(folder.prune(at(0)).unwrap(), Pruned::default());
    assert!(!place.path().join(Manifest::FILE).exists());
    let second = folder.rotate(&options(), at(0)).unwrap();
    let third = folder.rotate(&options(), at(10)).unwrap();
    folder.revoke(&third.key_id, at(20)).unwrap();
    put_key(&place, "unlisted.pem");
    fs::write(place.path().join("notes.txt"), "x").unwrap();
    fs::write(place.path().join(".pkjwt-key"), "half a k").unwrap();

    let pruned = folder.prune(at(600 + 86_400 - 1)).unwrap();
    assert_eq!(pruned, Pruned { removed: vec![third.file.clone()], kept: vec![] });
    let pruned = folder.prune(at(600 + 86_400)).unwrap();
    assert_eq!(pruned, Pruned { removed: vec!["key.pem".to_owned()], kept: vec![] });
    let expected = [".pkjwt-lock", &second.file, Manifest::FILE, "notes.txt", "unlisted.pem"];
    assert_eq!(names(&place), expected);
    assert_eq!(phases(&folder, at(600 + 86_400)), [format!("{} active", second.file)]);
    assert_eq!(folder.prune(at(600 + 86_400)).unwrap(), Pruned::default());
}

#[test]
fn a_key_outside_the_process_is_pruned_from_the_manifest() {
    let place = tempfile::tempdir().unwrap();
    let text = "[[key]]\nfile = \"pkcs11:object=a\"\nkid = \"a\"\nrevoked = 2026-12-01T00:00:00Z\n";
    fs::write(place.path().join(Manifest::FILE), text).unwrap();
    let pruned = folder(&place).prune(at(0)).unwrap();
    assert_eq!(pruned.removed, ["pkcs11:object=a"]);
    assert_eq!(manifest(&place), "");
}

#[test]
fn a_status_is_json() {
    let place = tempfile::tempdir().unwrap();
    let lone = put_key(&place, "key.pem");
    let folder = folder(&place);
    let next = folder.rotate(&options(), at(0)).unwrap();
    fs::remove_file(place.path().join(&next.file)).unwrap();
    let status = serde_json::to_value(folder.status(at(30)).unwrap()).unwrap();
    let expected = serde_json::json!({
        "has_manifest": true,
        "propagation": 300,
        "keys": [
            {
                "file": "key.pem", "kid": lone.as_str(), "alg": "EdDSA", "phase": "active",
                "since": null, "next": {"phase": "retiring", "at": "2026-12-01T00:10:00Z"},
                "not_after": null, "problem": null,
            },
            {
                "file": next.file, "kid": next.key_id.as_str(), "alg": "EdDSA",
                "phase": "published", "since": "2026-12-01T00:00:00Z",
                "next": {"phase": "active", "at": "2026-12-01T00:10:00Z"}, "not_after": null,
                "problem": "the manifest names the file, and it does not exist; add the file, or remove its entry",
            },
        ],
        "unlisted": [],
    });
    assert_eq!(status, expected);
}

/// The operator reads what a running process says about the file, and can still name the key.
#[cfg(unix)]
#[test]
fn a_file_that_every_user_may_read_is_a_problem_and_its_key_can_be_revoked() {
    let place = tempfile::tempdir().unwrap();
    let key_id = put_key(&place, "key.pem");
    set_mode(&place, "key.pem", 0o644);
    let folder = folder(&place);
    let key = folder.status(at(0)).unwrap().keys.remove(0);
    let problem =
        "every user may read the file (mode 0644); run `chmod o-r` on it, or call allow_world_readable";
    assert_eq!((key.key_id.as_ref(), key.problem.as_deref()), (Some(&key_id), Some(problem)));
    assert_eq!(folder.revoke(&key_id, at(0)).unwrap().cost, RevocationCost::NoKey);
    // It needs no file any more.
    assert_eq!(folder.status(at(0)).unwrap().keys[0].problem, None);
}

/// A manifest that states another name than the file is a problem of that key.
#[test]
fn a_key_of_another_name_than_the_manifest_states_is_a_problem() {
    let place = tempfile::tempdir().unwrap();
    // RFC 8037 A.1.
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","kid":"in-file","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    fs::write(place.path().join("key.jwk"), jwk).unwrap();
    set_mode(&place, "key.jwk", 0o600);
    fs::write(place.path().join(Manifest::FILE), "[[key]]\nfile = \"key.jwk\"\nkid = \"stated\"\n").unwrap();
    let key = folder(&place).status(at(0)).unwrap().keys.remove(0);
    assert_eq!(key.key_id, Some("stated".into()));
    assert_eq!(
        key.problem.as_deref(),
        Some("the manifest states kid `stated`, the key has `in-file`; correct the manifest or the file")
    );
}

/// Processes use the first key of that name, and report the second.
#[test]
fn a_second_key_of_the_same_name_is_a_problem() {
    let place = tempfile::tempdir().unwrap();
    let key_id = put_key(&place, "a.pem");
    fs::copy(place.path().join("a.pem"), place.path().join("b.pem")).unwrap();
    let entries = "[[key]]\nfile = \"a.pem\"\n[[key]]\nfile = \"b.pem\"\n";
    fs::write(place.path().join(Manifest::FILE), entries).unwrap();
    let problems = || {
        let keys = folder(&place).status(at(0)).unwrap().keys;
        keys.into_iter().map(|key| key.problem).collect::<Vec<_>>()
    };
    let taken =
        format!("kid `{key_id}` is already the name of another key, in a.pem; give this key another kid");
    assert_eq!(problems(), [None, Some(taken)]);
    // A revoked key is no longer used.
    fs::write(place.path().join(Manifest::FILE), format!("{entries}revoked = 2026-11-01T00:00:00Z\n"))
        .unwrap();
    assert_eq!(problems(), [None, None]);
    // The first one cannot be used, so the second one is.
    fs::write(place.path().join(Manifest::FILE), entries).unwrap();
    fs::remove_file(place.path().join("a.pem")).unwrap();
    assert!(matches!(&problems()[..], [Some(_), None]));
}

#[test]
fn an_expired_certificate_is_a_problem() {
    const END: i64 = 4_948_906_867 - START;
    let place = tempfile::tempdir().unwrap();
    fs::copy("testdata/keys/p256.key-then-cert.pem", place.path().join("tls.pem")).unwrap();
    set_mode(&place, "tls.pem", 0o600);
    let key = |now| folder(&place).status(at(now)).unwrap().keys.remove(0);
    assert_eq!((key(END).not_after, key(END).problem), (Some(at(END)), None));
    let expired = "the certificate expired at 2126-10-29T00:21:07Z; renew it";
    assert_eq!(key(END + 1).problem.as_deref(), Some(expired));
}

#[test]
fn a_second_operator_is_told_about_the_first() {
    let place = tempfile::tempdir().unwrap();
    let folder = folder(&place);
    let lock = folder.changes().lock().unwrap();
    let busy = format!("another process is changing {}; try again", place.path().display());
    assert_eq!(text(&folder.rotate(&options(), at(0)).unwrap_err()), busy);
    assert_eq!(text(&folder.revoke(&"a".into(), at(0)).unwrap_err()), busy);
    assert_eq!(text(&folder.prune(at(0)).unwrap_err()), busy);
    assert!(folder.status(at(0)).is_ok());
    drop(lock);
    assert!(folder.rotate(&options(), at(0)).is_ok());
}

/// A program that is being started has a copy of every open file until it runs, also of the lock.
#[test]
fn an_operation_ends_its_lock_although_a_copy_of_the_file_is_still_open() {
    let place = tempfile::tempdir().unwrap();
    let folder = folder(&place);
    let lock = folder.changes().lock().unwrap();
    let copy = lock.downcast_ref::<files::Lock>().unwrap().0.try_clone().unwrap();
    drop(lock);
    folder.rotate(&options(), at(0)).unwrap();
    drop(copy);
}

/// The folder does what `edit` decides: the manifest says the same as the plan in memory.
#[test]
fn the_manifest_says_what_was_decided() {
    for seed in 0..24_u64 {
        let place = tempfile::tempdir().unwrap();
        let folder = folder(&place);
        let mut plan = Plan::new(Vec::new());
        let mut key_ids: Vec<KeyId> = Vec::new();
        let mut now = 0;
        for step in 0..8 {
            let choice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(8 * step) >> 40;
            now += [5, 400, 2000, 100_000][usize::try_from(choice & 3).unwrap()];
            match (choice >> 2) & 7 {
                0 if !plan.keys.is_empty() => {
                    let index = usize::try_from(choice >> 5).unwrap() % plan.keys.len();
                    folder.revoke(&key_ids[index], at(now)).unwrap();
                    if let Some(revocation) = edit::revoke(&plan, index, at(now)) {
                        plan.keys[index].revoke = Some(revocation.at);
                    }
                }
                1 => {
                    let removed = edit::prune(&plan, at(now));
                    assert_eq!(folder.prune(at(now)).unwrap().removed.len(), removed.len());
                    plan = edit::without(&plan, &removed);
                    let mut index = 0..;
                    key_ids.retain(|_| index.next().is_none_or(|index| !removed.contains(&index)));
                }
                kind => {
                    let overlap = (kind > 5).then(|| Duration::from_secs(choice & 0xfff));
                    let timing = Timing {
                        activate_in: (kind > 3).then_some(Duration::from_secs(choice & 0x1ff)),
                        overlap,
                        is_forced: true,
                    };
                    let options = RotateOptions { timing, ..options() };
                    let rotated = folder.rotate(&options, at(now)).unwrap();
                    let mut rotation = edit::rotate(&plan, timing, at(now)).unwrap();
                    rotation.key.file = rotated.file;
                    plan.keys.push(rotation.key);
                    if let Some((index, at)) = rotation.retire {
                        plan.keys[index].retire = Some(at);
                    }
                    key_ids.push(rotated.key_id);
                }
            }
            let written = folder.changes().state().map(|state| state.manifest.plan());
            assert_eq!(written.unwrap(), plan, "{seed} {step}");
        }
    }
}
