//! `pkjwt jwks`, and the KEY argument.

use std::fs;

use private_key_jwt::{Jwk, JwkSet, PrivateKey};
use serde_json::Value;

use crate::run::{
    KEYS, PASSPHRASE, Place, assert_command, decode, pkjwt, pkjwt_env, pkjwt_stdin, private_key, testdata,
};

#[test]
fn jwks_has_the_public_part_of_every_kind_of_key() {
    for (stem, alg) in KEYS {
        let printed = pkjwt(["jwks", &testdata(&format!("{stem}.pkcs8.pem"))]).done();
        let set = JwkSet::from_json(printed.as_bytes()).unwrap();
        let key = private_key(stem);
        assert_eq!(set.keys(), [key.public_jwk().clone()], "{stem}");
        let jwk = &serde_json::from_str::<Value>(&printed).unwrap()["keys"][0];
        assert_eq!((jwk["alg"].as_str(), jwk["use"].as_str()), (Some(alg), Some("sig")));
        assert_eq!(jwk["kid"].as_str(), Some(key.thumbprint().to_string().as_str()));
        assert!(jwk.get("d").is_none());
    }
}

#[test]
fn jwks_as_a_json_string_is_one_line_that_holds_the_set() {
    let key = testdata("p256.pkcs8.pem");
    let string = pkjwt(["jwks", "--json-string", &key]).done();
    assert!(
        string.starts_with(r#""{\"keys\":[{\"alg\":\"ES256\","#) && string.ends_with("]}\"\n"),
        "{string}"
    );
    assert_eq!(string.lines().count(), 1);
    let text: String = serde_json::from_str(&string).unwrap();
    assert_eq!(text, JwkSet::from(private_key("p256").public_jwk().clone()).to_json());
    // Text in another script comes back the same.
    let string = pkjwt(["jwks", "--json-string", &key, "--kid", "schlüssel\u{202e}"]).done();
    assert!(string.is_ascii());
    let set = JwkSet::from_json(serde_json::from_str::<String>(&string).unwrap().as_bytes()).unwrap();
    assert_eq!(set.keys()[0].key_id().unwrap().as_str(), "schlüssel\u{202e}");
}

#[test]
fn jwks_of_several_keys_names_each_once() {
    let [p256, p384] = ["p256", "p384"].map(|stem| testdata(&format!("{stem}.pkcs8.pem")));
    let set = JwkSet::from_json(pkjwt(["jwks", &p256, &p384]).done().as_bytes()).unwrap();
    assert_eq!(set.keys().len(), 2);
    pkjwt(["jwks", &p256, &testdata("p256.sec1.pem")]).refused(&["p256.sec1.pem", "already"]);
    pkjwt(["jwks", &p256, &p384, "--kid", "k"]).usage(&["--kid"]);
    pkjwt(["jwks", "-", "-"]).usage(&["standard input"]);
    pkjwt(["jwks"]).clap();
}

#[test]
fn jwks_merges_private_and_public_keys_and_prints_nothing_private() {
    let place = Place::new();
    let file = |name: &str| testdata(name);
    let old =
        place.put("old.jwks.json", private_key("p521").public_jwk().clone().with_key_id("old").to_json());
    let both = format!(
        r#"{{"keys":[{},{}]}}"#,
        fs::read_to_string(file("ed25519.jwk.json")).unwrap(),
        private_key("ed25519").public_jwk().clone().with_key_id("again").to_json()
    );
    let both = place.put("both.jwks.json", both);
    let arguments =
        ["jwks", &file("p256.pkcs8.pem"), &file("p384.pub.pem"), &file("rsa2048.cert.pem"), &old, &both];
    let printed = pkjwt(arguments).done();
    let set = JwkSet::from_json(printed.as_bytes()).unwrap();
    let expected = ["p256", "p384", "rsa2048", "p521", "ed25519"].map(|stem| private_key(stem).thumbprint());
    assert_eq!(set.keys().iter().map(Jwk::thumbprint).collect::<Vec<_>>(), expected);
    assert_eq!(set.keys()[3].key_id(), Some(&"old".into()));
    // Every key has a name, and the set has no private member.
    assert!(set.keys().iter().all(|key| key.key_id().is_some()));
    for member in ["\"d\"", "\"p\"", "\"q\"", "\"dp\"", "\"dq\"", "\"qi\"", "\"k\""] {
        assert!(!printed.contains(member), "{member}");
    }
    // Its own output is an input.
    let again = place.put("again.json", &printed);
    assert_eq!(pkjwt(["jwks", &again]).done(), printed);
    pkjwt(["jwks", &again, &file("p384.pkcs8.pem")]).refused(&["p384.pkcs8.pem", "already in the set"]);
    pkjwt(["jwks", &again, "--kid", "k"]).usage(&["--kid", "names one key"]);
    pkjwt(["jwks", &file("p384.pub.pem"), "--alg", "RS256"]).refused(&["p384.pub.pem", "RS256 needs"]);
    // Unusable keys of a set are named, and left out.
    let odd = place.put(
        "odd.json",
        printed.replacen("\"keys\": [", "\"keys\": [{\"kty\":\"EC\",\"crv\":\"secp256k1\"},", 1),
    );
    let run = pkjwt(["jwks", &odd]);
    assert_eq!((run.status, run.stdout), (Some(0), printed));
    assert!(run.stderr.starts_with(&format!("pkjwt: {odd}: key 1 left out: ")), "{}", run.stderr);
    let secret = place.put("secret.json", r#"{"keys":[{"kty":"oct","k":"Y2FuYXJ5"}]}"#);
    let line = pkjwt(["jwks", &secret]).refused(&["secret.json"]);
    assert!(!line.contains("Y2FuYXJ5"), "{line}");
}

#[test]
fn jwks_takes_an_algorithm_that_fits() {
    let rsa = testdata("rsa2048.pkcs8.pem");
    let set =
        JwkSet::from_json(pkjwt(["jwks", &rsa, "--alg", "PS384", "--kid", "k"]).done().as_bytes()).unwrap();
    assert_eq!((set.keys()[0].algorithm(), set.keys()[0].key_id()), (Some("PS384"), Some(&"k".into())));
    pkjwt(["jwks", &rsa, "--alg", "ES256"])
        .refused(&["rsa2048.pkcs8.pem", "ES256 needs a key of type EC P-256"]);
    pkjwt(["jwks", &rsa, "--alg", "none"]).clap();
}

#[test]
fn a_key_may_come_from_standard_input() {
    let pem = fs::read(testdata("p521.sec1.pem")).unwrap();
    let printed = pkjwt_stdin(["jwks", "-"], &pem).done();
    assert_eq!(printed, pkjwt(["jwks", &testdata("p521.pkcs8.pem")]).done());
    let jwt = pkjwt_stdin(assert_command("-", &[]), &pem).done();
    assert_eq!(decode(jwt.trim_end()).0["alg"], "ES512");
    pkjwt_stdin(["jwks", "-"], b"").refused(&["standard input", "empty"]);
    let encrypted = fs::read(testdata("p256.pbkdf2-sha256-aes256.pem")).unwrap();
    pkjwt_stdin(["jwks", "-"], &encrypted).refused(&["standard input", "encrypted"]);
}

#[test]
fn a_file_that_is_no_key_is_named_with_the_reason() {
    pkjwt(["jwks", "no-such-file.pem"]).refused(&["no-such-file.pem", "No such file"]);
    pkjwt(["jwks", &testdata("bad/openssh-rsa.pem")]).refused(&["ssh-keygen"]);
    pkjwt(["jwks", &testdata("bad/rsa1024.pkcs8.pem")]).refused(&["2048 to 8192", "1024"]);
    pkjwt(["jwks", &testdata("bad/two-keys.pem")]).refused(&["expected one private key, found 2"]);
    let place = Place::new();
    let long = place.put("long.pem", vec![b'x'; PrivateKey::MAX_FILE_LEN + 1]);
    pkjwt(["jwks", &long]).refused(&["long.pem", "too large"]);
    #[cfg(unix)]
    {
        let hostile = place.name("\u{1b}[2Jkey\n.pem");
        let line = pkjwt(["jwks", &hostile]).refused(&["\\u{1b}[2Jkey\\u{a}.pem"]);
        assert!(!line.contains('\u{1b}'));
    }
}

#[test]
fn a_key_may_come_from_an_environment_variable() {
    let pem = fs::read_to_string(testdata("p256.pkcs8.pem")).unwrap();
    let expected = pkjwt(["jwks", &testdata("p256.pkcs8.pem")]).done();
    for value in
        [pem.clone(), pem.replace('\n', "\\n"), fs::read_to_string(testdata("p256.jwk.json")).unwrap()]
    {
        assert_eq!(pkjwt_env(["jwks", "env:PKJWT_TEST"], "PKJWT_TEST", &value).done(), expected);
        let jwt = pkjwt_env(assert_command("env:PKJWT_TEST", &[]), "PKJWT_TEST", &value).done();
        assert_eq!(decode(jwt.trim_end()).0["alg"], "ES256");
        let shown = pkjwt_env(["inspect", "env:PKJWT_TEST"], "PKJWT_TEST", &value).done();
        assert!(shown.starts_with("kind: private key\n"), "{shown}");
    }
    let line =
        pkjwt_env(["jwks", "env:PKJWT_TEST"], "PKJWT_TEST", "correct horse").refused(&["env:PKJWT_TEST"]);
    assert!(!line.contains("horse"), "{line}");
    pkjwt(["jwks", "env:PKJWT_UNSET"]).usage(&["env:PKJWT_UNSET", "empty or not set"]);
    // A key in the place of a name, or of a file, is not repeated.
    let pem = pem.replace('\n', "\\n");
    let line = pkjwt(["jwks", &format!("env:{pem}")]).usage(&["env:NAME"]);
    assert!(!line.contains("MIG"), "{line}");
    for key in [pem, fs::read_to_string(testdata("p256.jwk.json")).unwrap().replace('\n', "")] {
        let line = pkjwt(["jwks", "--", &key]).usage(&["expected a path, found", "env:NAME"]);
        assert!(!line.contains("MIG") && !line.contains("\"d\""), "{line}");
    }
}

#[test]
fn a_passphrase_may_come_from_a_file() {
    let place = Place::new();
    let encrypted = testdata("p256.scrypt-aes128.pem");
    for content in [PASSPHRASE.to_owned(), format!("{PASSPHRASE}\n"), format!("{PASSPHRASE}\r\n")] {
        let file = place.put("passphrase", content);
        pkjwt(["jwks", &encrypted, "--passphrase-file", &file]).done();
    }
    let wrong = place.put("passphrase", "battery staple\n");
    let line = pkjwt(["jwks", &encrypted, "--passphrase-file", &wrong]).refused(&["does not decrypt"]);
    assert!(!line.contains("battery"), "{line}");
    let empty = place.put("passphrase", "\n");
    pkjwt(["jwks", &encrypted, "--passphrase-file", &empty]).usage(&["--passphrase-file", "empty"]);
    // The passphrase itself in the place of its file.
    let line = pkjwt(["jwks", &encrypted, "--passphrase-file", PASSPHRASE]).refused(&["--passphrase-file"]);
    assert!(!line.contains("horse"), "{line}");
    pkjwt(["jwks", &encrypted, "--passphrase-file", &wrong, "--passphrase-env", "X"]).clap();
}

#[test]
fn a_key_of_several_is_taken_by_its_name() {
    let file = testdata("two-private.jwks.json");
    pkjwt(["jwks", &file]).refused(&["found 2", "kid `my-key-1`", "kid `my-key-2`", "--entry NAME"]);
    let set = JwkSet::from_json(pkjwt(["jwks", &file, "--entry", "my-key-2"]).done().as_bytes()).unwrap();
    assert_eq!(set.keys()[0].key_id(), Some(&"my-key-2".into()));
    assert_eq!(set.keys()[0].thumbprint(), private_key("p384").thumbprint());
    let jwt = pkjwt(assert_command(&file, &["--entry", "my-key-1", "--kid", "other"])).done();
    let (header, _) = decode(jwt.trim_end());
    assert_eq!((&header["alg"], &header["kid"]), (&Value::from("ES256"), &Value::from("other")));
    assert!(pkjwt(["inspect", &file, "--entry", "my-key-2"]).done().contains("kid: my-key-2\n"));
    pkjwt(["jwks", &file, "--entry", "third"]).refused(&["no key is named `third`", "my-key-1"]);
}

#[test]
fn jwks_of_a_folder_says_in_which_order_to_rotate_at_a_provider_without_a_url() {
    let place = Place::new();
    fs::create_dir(place.path("keys")).unwrap();
    for (stem, year) in [("p384", 2020), ("p256", 2120)] {
        let file = place.path(&format!("keys/{year}-01-01T00-00Z-{stem}.pem"));
        fs::copy(testdata(&format!("{stem}.pkcs8.pem")), &file).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
    fs::copy(testdata("rsa2048.pub.pem"), place.path("keys/rsa2048.pub")).unwrap();
    let keys = place.name("keys");
    let run = pkjwt(["jwks", &keys]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let set = JwkSet::from_json(run.stdout.as_bytes()).unwrap();
    let mut expected = ["p256", "p384"].map(|stem| private_key(stem).thumbprint());
    expected.sort_by_key(ToString::to_string);
    assert_eq!(set.keys().iter().map(Jwk::thumbprint).collect::<Vec<_>>(), expected);
    assert!(!run.stdout.contains("\"d\""));
    let words: Vec<&str> = run
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_once(':'))
        .map(|(w, _)| w)
        .collect();
    assert!(
        run.stderr.starts_with("Order of a rotation at a provider that takes no URL:\n"),
        "{}",
        run.stderr
    );
    assert_eq!(
        words,
        ["1. publish", "2. paste", "3. wait", "4. activate", "5. remove", "6. paste again"],
        "{}",
        run.stderr
    );

    // The names of the files are the plan.
    for line in [
        "not sign yet: `2120-01-01T00-00Z-p256.pem` is in it\n",
        "the next key signs: at 2120-01-01T00:00:00Z; ",
        "the old key leaves this set: `2020-01-01T00-00Z-p384.pem` at 2120-01-02T00:00:00Z\n",
    ] {
        assert!(run.stderr.contains(line), "{line}: {}", run.stderr);
    }

    let string = pkjwt(["jwks", "--json-string", &keys]);
    assert_eq!((string.status, &string.stderr), (Some(0), &run.stderr));
    let text: String = serde_json::from_str(&string.stdout).unwrap();
    assert_eq!(JwkSet::from_json(text.as_bytes()).unwrap(), set);
    pkjwt(["jwks", &keys, "--kid", "k"]).usage(&["--kid", "a folder's keys have their own"]);
    pkjwt(["jwks", &keys, "--alg", "ES256"]).usage(&["--alg", "a folder's keys have their own"]);
    pkjwt(["jwks", &testdata("p521.pkcs8.pem"), &keys]).usage(&["expected one folder, or files"]);
}
