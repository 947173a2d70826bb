//! `pkjwt jwks`, and the KEY argument.

use std::fs;

use private_key_jwt::{JwkSet, PrivateKey};
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
fn a_file_that_is_no_private_key_is_named_with_the_reason() {
    pkjwt(["jwks", "no-such-file.pem"]).refused(&["no-such-file.pem", "No such file"]);
    pkjwt(["jwks", &testdata("p256.pub.pem")]).refused(&[
        "p256.pub.pem",
        "expected a private key",
        "PUBLIC KEY",
    ]);
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
