//! Keys as they arrive: under the wrong label, in base64, with escaped line ends, in the JSON of a
//! console, in an environment variable.

use private_key_jwt::keys::{Certificate, KeyError, KeyFormat, KeyLoader};
use private_key_jwt::{PrivateKey, PublicKey};
use serde_json::{Value, json};

use crate::support::{PASSPHRASE, base64, base64url, key, pem, read};

fn text(file: &str) -> String {
    String::from_utf8(read(file)).unwrap()
}

#[track_caller]
fn is(stem: &str, file: &str) -> PrivateKey {
    let loaded = PrivateKey::from_bytes(file.as_bytes()).unwrap();
    assert_eq!(loaded.thumbprint(), key(&format!("{stem}.pkcs8.pem")).thumbprint());
    loaded.public_key().unwrap().verify(b"message", &loaded.sign(b"message").unwrap()).unwrap();
    loaded
}

fn labelled(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", base64(der))
}

const LABELS: [&str; 8] = [
    "PRIVATE KEY",
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "PUBLIC KEY",
    "RSA PUBLIC KEY",
    "CERTIFICATE",
    "ANY PRIVATE KEY",
];

#[test]
fn the_content_decides_and_not_the_label() {
    for label in LABELS {
        for file in
            ["rsa2048.pkcs8.der", "rsa2048.pkcs1.der", "p256.sec1.der", "p256.pkcs8.der", "ed25519.pkcs8.der"]
        {
            is(file.split('.').next().unwrap(), &labelled(label, &read(file)));
        }
        let closed = labelled(label, &read("p256.pbkdf2-sha256-aes256.der"));
        let opened = PrivateKey::from_encrypted_bytes(closed.as_bytes(), PASSPHRASE).unwrap();
        assert_eq!(opened.thumbprint(), key("p256.pkcs8.pem").thumbprint(), "{label}");
        assert!(matches!(PrivateKey::from_bytes(closed.as_bytes()), Err(KeyError::PassphraseRequired)));
        for file in ["rsa2048.pub.pem", "p256.pub.pem", "ed25519.pub.pem", "p256.cert.pem"] {
            let mislabelled = labelled(label, &pem(file));
            let public = PublicKey::from_bytes(mislabelled.as_bytes()).unwrap();
            assert_eq!(public, PublicKey::from_bytes(&read(file)).unwrap(), "{label} {file}");
            // Next to its key, it is compared or kept.
            let stem = file.split('.').next().unwrap();
            let beside = is(stem, &(mislabelled.clone() + &text(&format!("{stem}.pkcs8.pem"))));
            assert_eq!(beside.certificates().len(), usize::from(file.contains("cert")), "{label} {file}");
            let error = PrivateKey::from_bytes(mislabelled.as_bytes()).unwrap_err();
            assert!(matches!(error, KeyError::NotPrivate { .. }), "{label} {file}: {error:?}");
        }
        let certificates = Certificate::all_from_bytes(labelled(label, &pem("p256.cert.pem")).as_bytes());
        assert_eq!(certificates.unwrap().len(), 1, "{label}");
    }
    // A private key stays private under the label of a public one.
    let error = PublicKey::from_bytes(labelled("PUBLIC KEY", &read("p256.sec1.der")).as_bytes()).unwrap_err();
    assert!(matches!(&error, KeyError::NotPublic { found } if found == "EC PRIVATE KEY"), "{error:?}");
}

#[test]
fn line_ends_may_be_spelled_out() {
    for (stem, file) in
        [("rsa2048", "rsa2048.pkcs1.pem"), ("p256", "p256.pkcs8.pem"), ("ed25519", "ed25519.pkcs8.pem")]
    {
        let pem = text(file);
        let quoted = Value::from(pem.as_str()).to_string();
        for form in [
            pem.trim_end().replace('\n', r"\n"),
            pem.replace('\n', r"\n"),
            pem.replace('\n', r"\r\n"),
            pem.replace('\n', r"\\n"),
            pem.replace('\n', "\\n\n"),
            pem.replace('\n', "\\\n"),
            pem.replace('\n', r"\u000a"),
            pem.replace('/', r"\/"),
            pem.replace('+', r"\u002B").replace('\n', r"\n"),
            pem.replace('\n', " "),
            quoted.clone(),
            Value::from(quoted.as_str()).to_string(),
            format!("'{}'", pem.replace('\n', r"\n")),
            format!("CLIENT_ID=abc\nCLIENT_KEY={quoted}\n"),
            format!("export CLIENT_KEY='{pem}'\n"),
            format!("key: |\n{}", pem.lines().map(|line| format!("  {line}\n")).collect::<String>()),
        ] {
            is(stem, &form);
        }
    }
    // A passphrase opens the content.
    let closed = text("p256.scrypt-aes128.pem").replace('\n', r"\n");
    assert!(PrivateKey::from_encrypted_bytes(closed.as_bytes(), PASSPHRASE).is_ok());
    let public = text("p256.cert.pem").replace('\n', r"\n");
    assert!(PublicKey::from_bytes(public.as_bytes()).is_ok());
}

#[test]
fn base64_around_a_file_comes_off() {
    for file in [
        "p256.pkcs8.pem",
        "p256.pkcs8.der",
        "p256.sec1.der",
        "p256.jwk.json",
        "ed25519.pkcs8.der",
        "rsa2048.pkcs1.pem",
        "rsa2048.jwk.json",
    ] {
        let stem = file.split('.').next().unwrap();
        let padded = base64(&read(file));
        let lines: Vec<&str> =
            padded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
        for form in [
            padded.clone(),
            lines.join("\n"),
            lines.join("\r\n") + "\r\n",
            lines.join(r"\n"),
            base64url(&read(file)),
            format!("\"{padded}\""),
            format!("\u{feff} {padded}\n"),
            base64(padded.as_bytes()),
        ] {
            is(stem, &form);
        }
        // The damage is named, and nothing of the key is shown.
        let error = PrivateKey::from_bytes(&padded.as_bytes()[..padded.len() / 4 * 4 - 7]).unwrap_err();
        assert_eq!(error.to_string(), "damaged base64 without PEM lines: incomplete", "{file}");
    }
    assert!(PublicKey::from_bytes(base64(&read("p256.pub.pem")).as_bytes()).is_ok());
    // Text in the alphabet of base64 is no key.
    for text in [
        "correcthorsebatterystaple".repeat(4),
        "A".repeat(400),
        base64(&[7; 300]),
        base64(&text("README.md").into_bytes()),
    ] {
        let error = PrivateKey::from_bytes(text.as_bytes()).unwrap_err();
        assert!(
            !text.starts_with("MI") && matches!(error, KeyError::UnknownFormat | KeyError::NotPrivate { .. }),
            "{error:?}"
        );
    }
    // Base64 of base64 of base64 … is decoded for a few steps.
    let deep = (0..8).fold(read("ed25519.pkcs8.pem"), |inner, _| base64(&inner).into_bytes());
    assert!(matches!(PrivateKey::from_bytes(&deep), Err(KeyError::UnknownFormat)));
}

#[cfg(feature = "pkcs12")]
#[test]
fn base64_of_pkcs12_is_opened() {
    let file = base64(&read("rsa2048.chain.p12"));
    let opened = PrivateKey::from_encrypted_bytes(file.as_bytes(), PASSPHRASE).unwrap();
    assert_eq!(
        (opened.thumbprint(), opened.certificates().len()),
        (key("rsa2048.pkcs8.pem").thumbprint(), 2)
    );
    assert!(matches!(PrivateKey::from_bytes(file.as_bytes()), Err(KeyError::PassphraseRequired)));
}

#[test]
fn a_key_in_the_json_of_a_console_is_read_with_its_key_id() {
    let (pem, sec1) = (text("p256.pkcs8.pem"), text("p256.sec1.pem"));
    let jwk: Value = serde_json::from_str(&text("p256.jwk.json")).unwrap();
    let public: Value = serde_json::from_str(&text("bad/p256.public-only.jwk.json")).unwrap();
    let with = |jwk: &Value, name: &str, value: &str| {
        let mut jwk = jwk.clone();
        jwk[name] = value.into();
        jwk
    };
    let thumbprint = key("p256.pkcs8.pem").thumbprint().to_string();
    let named = with(&jwk, "kid", "k1");
    for (document, key_id) in [
        (
            json!({"type": "service_account", "private_key_id": "0123abcd", "private_key": pem, "token_uri": "https://as.example/token"}),
            "0123abcd",
        ),
        (json!({"type": "serviceaccount", "keyId": "2134", "key": sec1, "userId": "77"}), "2134"),
        (json!({"public": with(&public, "kid", "k1"), "private": named}), "k1"),
        (json!({"publicKey": public, "privateKey": jwk}), &thumbprint),
        (json!({"public": with(&public, "kid", "k1"), "private": jwk}), "k1"),
        (json!({"keys": [jwk, with(&public, "kid", "k1")]}), "k1"),
        (
            json!({"public_private_keypair": named, "public_private_keypair_set": {"keys": [named]}, "public_key": public}),
            "k1",
        ),
        (json!({"kid": "k2", "private": jwk}), "k2"),
        (json!({"kid": "k2", "private": named}), "k1"),
        (json!({"id": 7, "client_id": "abc", "pem": pem}), &thumbprint),
        (
            json!({"data": {"tls.key": base64(pem.as_bytes()), "tls.crt": base64(&read("p256.cert.pem"))}, "kind": "Secret"}),
            &thumbprint,
        ),
        (
            json!({"data": {"private_key": sec1, "certificate": text("p256.cert.pem"), "ca_chain": [text("ca.cert.pem")]}}),
            &thumbprint,
        ),
        (
            json!({"privateKey": base64(&read("p256.pkcs8.der")), "certificate": base64(&crate::support::pem("p256.cert.pem"))}),
            &thumbprint,
        ),
        (json!({"client": {"client_id": "abc", "jwks": {"keys": [named, public]}}}), "k1"),
        (json!({"jwk": named.to_string()}), "k1"),
        (
            json!({"note": "{not JSON}", "token": "eyJhbGciOiJub25lIn0.e30.", "list": [1, null, {"key": pem}]}),
            &thumbprint,
        ),
    ] {
        for file in [
            document.to_string(),
            serde_json::to_string_pretty(&document).unwrap(),
            document.to_string().replace('/', r"\/"),
        ] {
            let found = is("p256", &file);
            assert_eq!(
                found.key_id().as_str(),
                key_id,
                "{}",
                document.as_object().unwrap().keys().next().unwrap()
            );
            let has_certificate =
                document.to_string().contains("crt") || document.to_string().contains("certificate");
            assert_eq!(found.certificates().len(), usize::from(has_certificate));
        }
    }
}

#[test]
fn a_console_may_hand_out_the_passphrase_with_the_key() {
    let app = |passphrase: &str| {
        json!({"boxAppSettings": {"clientID": "abc", "appAuth": {
            "publicKeyID": "k7", "privateKey": text("p256.scrypt-aes128.pem"), "passphrase": passphrase}}})
        .to_string()
    };
    assert_eq!(is("p256", &app(PASSPHRASE)).key_id().as_str(), "k7");
    assert!(matches!(PrivateKey::from_bytes(app("wrong").as_bytes()), Err(KeyError::WrongPassphrase)));
    let own = PrivateKey::from_encrypted_bytes(app("wrong").as_bytes(), PASSPHRASE).unwrap();
    assert_eq!(own.key_id().as_str(), "k7");
}

#[test]
fn several_keys_of_a_document_are_told_by_their_places() {
    let document = json!({
        "signing": {"kid": "s", "key": text("p256.pkcs8.pem")},
        "old": [{"key": text("ed25519.pkcs8.pem")}],
        "broken": text("bad/truncated.pem"),
    });
    let bytes = document.to_string().into_bytes();
    let KeyError::SeveralKeys { found } = PrivateKey::from_bytes(&bytes).unwrap_err() else {
        panic!("one key")
    };
    let mut places: Vec<_> = found.iter().map(|entry| entry.alias.as_deref().unwrap()).collect();
    places.sort_unstable();
    assert_eq!(places, ["broken", "old.0.key", "signing.key"]);
    for (name, stem, key_id) in
        [("signing.key", "p256", Some("s")), ("s", "p256", Some("s")), ("old.0.key", "ed25519", None)]
    {
        let found = KeyLoader::new().entry(name).load_bytes(&bytes).unwrap();
        let expected = key(&format!("{stem}.pkcs8.pem"));
        assert_eq!(found.thumbprint(), expected.thumbprint());
        assert_eq!(found.key_id().as_str(), key_id.unwrap_or(&expected.thumbprint().to_string()));
    }
    let error = KeyLoader::new().entry("broken").load_bytes(&bytes).unwrap_err();
    assert!(matches!(error, KeyError::Pem { reason: "a BEGIN line without its END line" }), "{error:?}");
}

#[test]
fn a_document_without_a_key_says_so() {
    let public = text("bad/p256.public-only.jwk.json");
    let error = |document: &str| PrivateKey::from_bytes(document.as_bytes()).unwrap_err();
    let not_private = error(&format!(r#"{{"public":{public}}}"#));
    assert!(
        matches!(&not_private, KeyError::NotPrivate { found } if found == "a public JWK"),
        "{not_private:?}"
    );
    let certificate = error(&json!({"certificate": text("p256.cert.pem")}).to_string());
    assert!(
        matches!(&certificate, KeyError::NotPrivate { found } if found == "CERTIFICATE"),
        "{certificate:?}"
    );
    assert_eq!(error(r#"{"private_key":"secret","x":{}}"#).to_string(), "a JWK has no member `kty`");
    let pem = Value::from(text("p256.pkcs8.pem")).to_string();
    let twice = error(&format!(r#"{{"a":{{"key":{pem},"key":{pem}}}}}"#));
    assert_eq!(twice.to_string(), "a JSON document has the member `key` more than once");
    // A document that contains a key is no public key, and is not searched for a public part.
    let both = format!(r#"{{"private":{},"public":{public}}}"#, text("p256.jwk.json"));
    assert!(PublicKey::from_bytes(both.as_bytes()).is_err());
}

#[test]
fn null_and_empty_arrays_say_nothing_in_a_private_jwk() {
    let jwk: Value = serde_json::from_str(&text("p256.jwk.json")).unwrap();
    for (name, value) in [
        ("alg", Value::Null),
        ("use", Value::Null),
        ("kid", Value::Null),
        ("key_ops", Value::Null),
        ("key_ops", json!([])),
        ("x5c", Value::Null),
        ("x5c", json!([])),
        ("oth", json!([])),
        ("p", Value::Null),
    ] {
        let mut jwk = jwk.clone();
        jwk[name] = value;
        is("p256", &jwk.to_string());
        is("p256", &json!({"keys": [jwk]}).to_string());
    }
}

/// A process has one environment, which all its tests share, so each value is tried in a process of
/// its own.
#[test]
fn a_key_may_come_from_an_environment_variable() {
    const VARIABLE: &str = "PRIVATE_KEY_JWT_TEST_KEY";
    const TEST: &str = "wrapped::a_key_may_come_from_an_environment_variable";
    if std::env::var_os(VARIABLE).is_some() {
        let loader = KeyLoader::new().passphrase(PASSPHRASE);
        assert_eq!(loader.load_env(VARIABLE).unwrap().thumbprint(), key("p256.pkcs8.pem").thumbprint());
        return;
    }
    let pem = text("p256.pkcs8.pem");
    for value in [
        pem.clone(),
        pem.replace('\n', r"\n"),
        pem.replace('\n', " "),
        base64(pem.as_bytes()),
        base64(&read("p256.pkcs8.der")),
        text("p256.jwk.json"),
        json!({"private_key": pem}).to_string(),
        text("p256.scrypt-aes128.pem"),
    ] {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        let output = child.args([TEST, "--exact"]).env(VARIABLE, value).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
    }
}

#[test]
fn an_error_names_the_variable_and_never_its_value() {
    use std::error::Error;
    let error = PrivateKey::from_env("PATH").unwrap_err();
    assert_eq!(error.to_string(), "cannot use the key in the environment variable PATH");
    assert!(matches!(
        &error,
        KeyError::Environment { name, source } if name == "PATH" && matches!(**source, KeyError::FileName)
    ));
    assert_eq!(
        error.source().unwrap().to_string(),
        "not a key, but perhaps a file name: pass the content of the file, or load the file by its path"
    );
    assert!(!format!("{error:?}").contains(&std::env::var("PATH").unwrap()));
    let error = PrivateKey::from_env("PRIVATE_KEY_JWT_UNSET").unwrap_err();
    assert_eq!(error.to_string(), "environment variable PRIVATE_KEY_JWT_UNSET is empty or not set");
    // The value in the place of the variable's name.
    for value in
        [text("p256.pkcs8.pem"), text("p256.jwk.json"), base64(&read("p256.pkcs8.der")), String::new()]
    {
        let error = PrivateKey::from_env(&value).unwrap_err();
        assert_eq!(error.to_string(), "environment variable (not a valid name) is empty or not set");
        assert!(!format!("{error:?}").contains("MIG"));
    }
}

#[test]
fn the_name_of_a_file_in_the_place_of_its_content_is_called_that() {
    for name in [
        "/run/secrets/key",
        "./key",
        "../k",
        "~/key",
        "key.pem\n",
        "KEY.PEM",
        "a b.p12",
        "C:\\keys\\key",
        "'key.jwk'",
    ] {
        let error = PrivateKey::from_bytes(name.as_bytes()).unwrap_err();
        assert!(matches!(error, KeyError::FileName), "{name}: {error:?}");
    }
    for other in ["key", "hello/world", "a\n/b.pem\n", &format!("/{}", "x".repeat(600)), ""] {
        let error = PrivateKey::from_bytes(other.as_bytes()).unwrap_err();
        assert!(matches!(error, KeyError::UnknownFormat | KeyError::Empty), "{other}: {error:?}");
    }
}

#[test]
fn keys_in_a_json_array_are_read() {
    let jwk = text("p256.jwk.json");
    is("p256", &format!("[{jwk}]"));
    is("p256", &format!("[ {{\"key\":{jwk}}}, 7 ]\n"));
    is("p256", &json!([text("p256.pkcs8.pem")]).to_string());
    // Text before a PEM that only looks like an array.
    is("p256", &format!("[client]\n{}", text("p256.pkcs8.pem")));
    assert!(KeyFormat::of(format!("[{jwk}]").as_bytes()).unwrap().is_private());
    let none = b"[1,{}]";
    assert!(matches!(PrivateKey::from_bytes(none), Err(KeyError::Jose(_))));
    assert!(matches!(KeyFormat::of(none), Err(KeyError::Jose(_))));
    let [one, two] = ["p256", "ed25519"].map(|stem| text(&format!("{stem}.jwk.json")));
    let error = PrivateKey::from_bytes(format!("[{one},{two}]").as_bytes()).unwrap_err();
    let KeyError::SeveralKeys { found } = error else { panic!("{error}") };
    let places: Vec<_> = found.iter().map(|entry| entry.alias.as_deref().unwrap()).collect();
    assert_eq!(places, ["0", "1"]);
}

#[test]
fn an_empty_text_is_no_prime() {
    let mut rsa: Value = serde_json::from_str(&text("rsa2048.jwk.json")).unwrap();
    rsa["qi"] = json!("");
    assert!(matches!(
        PrivateKey::from_bytes(rsa.to_string().as_bytes()),
        Err(KeyError::RsaCrtMissing { member: "qi" })
    ));
    for member in ["p", "q", "dp", "dq"] {
        rsa[member] = json!("");
    }
    // As without them, RFC 7518 §6.3.2.
    if cfg!(feature = "rustcrypto") {
        is("rsa2048", &rsa.to_string());
    } else {
        let error = PrivateKey::from_bytes(rsa.to_string().as_bytes()).unwrap_err();
        assert!(matches!(error, KeyError::RsaPrimesUnknown { .. }), "{error}");
    }
}
