//! Files with several keys: the list in the error, and how to choose a key.

use private_key_jwt::keys::{KeyError, KeyLoader};
use private_key_jwt::{PrivateKey, Thumbprint};

use crate::support::{PASSPHRASE, key, path, read};

fn text(file: &str) -> String {
    String::from_utf8(read(file)).unwrap()
}

fn thumbprint(stem: &str) -> Thumbprint {
    key(&format!("{stem}.pkcs8.pem")).thumbprint()
}

/// The way OpenSSL writes the keys of a PKCS#12 file.
fn with_names(files: &[(&str, &str)]) -> String {
    let block = |(name, file): &(&str, &str)| {
        format!(
            "Bag Attributes\n    friendlyName: {name}\n    localKeyID: 01\nKey Attributes: <No Attributes>\n{}",
            text(file)
        )
    };
    files.iter().map(block).collect()
}

#[test]
fn a_key_of_a_set_is_taken_by_its_kid_or_its_thumbprint() {
    let file = path("two-private.jwks.json");
    let error = PrivateKey::from_file(&file).unwrap_err();
    let KeyError::SeveralKeys { found } = error.reason() else { panic!("one key") };
    let kids: Vec<_> = found.iter().map(|entry| entry.key_id.clone().unwrap()).collect();
    assert_eq!(kids, ["my-key-1".into(), "my-key-2".into()]);
    for (name, stem) in [
        ("my-key-1".to_owned(), "p256"),
        ("my-key-2".to_owned(), "p384"),
        (thumbprint("p384").to_string(), "p384"),
    ] {
        let key = KeyLoader::new().entry(&name).load_file(&file).unwrap();
        assert_eq!(key.thumbprint(), thumbprint(stem), "{name}");
        assert!(key.key_id().as_str().starts_with("my-key-"));
    }
    // A `kid` is compared exactly.
    for name in ["MY-KEY-1", "my-key-3", ""] {
        let error = KeyLoader::new().entry(name).load_file(&file).unwrap_err();
        assert!(
            matches!(error.reason(), KeyError::NoSuchEntry { name: found, .. } if found == name),
            "{error:?}"
        );
    }
    let shown = KeyLoader::new().load_file(&file).unwrap_err().to_string();
    let [one, two] = ["p256", "p384"].map(thumbprint);
    assert_eq!(
        shown,
        format!(
            "cannot use {}: expected one private key, found 2: (1) kid `my-key-1`, thumbprint {one}; (2) kid `my-key-2`, thumbprint {two}; select one by alias, kid or thumbprint",
            file.display()
        )
    );
    // One name, two keys.
    let twice = text("two-private.jwks.json").replace("my-key-2", "my-key-1");
    let error = KeyLoader::new().entry("my-key-1").load_bytes(twice.as_bytes()).unwrap_err();
    assert!(matches!(error, KeyError::SeveralKeys { found } if found.len() == 2));
}

#[test]
fn a_name_is_asked_for_in_a_file_with_one_key_too() {
    let load = |name: &str| KeyLoader::new().entry(name).load_file(path("one-private.jwks.json"));
    assert_eq!(load("my-key-1").unwrap().thumbprint(), thumbprint("p256"));
    let error = load("other").unwrap_err();
    assert!(matches!(error.reason(), KeyError::NoSuchEntry { found, .. } if found.len() == 1), "{error:?}");
    assert_eq!(
        error.to_string(),
        format!(
            "cannot use {}: no key is named `other`, found 1: (1) kid `my-key-1`, thumbprint {}",
            path("one-private.jwks.json").display(),
            thumbprint("p256")
        )
    );
}

#[test]
fn what_openssl_makes_of_a_pkcs12_file_keeps_its_names() {
    let file = with_names(&[("web", "rsa2048.pkcs8.pem"), ("mail", "p256.scrypt-aes256.pem")]);
    let load = |name: &str| KeyLoader::new().entry(name).load_bytes(file.as_bytes());
    assert_eq!(load("web").unwrap().thumbprint(), thumbprint("rsa2048"));
    assert!(matches!(load("mail"), Err(KeyError::PassphraseRequired)));
    // Its thumbprint may be the name, because it cannot be computed.
    assert!(matches!(load(&thumbprint("p256").to_string()), Err(KeyError::PassphraseRequired)));
    let open = KeyLoader::new().passphrase(PASSPHRASE);
    for name in ["mail".to_owned(), thumbprint("p256").to_string()] {
        let key = open.clone().entry(name).load_bytes(file.as_bytes()).unwrap();
        assert_eq!(key.thumbprint(), thumbprint("p256"));
    }
    let KeyError::SeveralKeys { found } = KeyLoader::new().load_bytes(file.as_bytes()).unwrap_err() else {
        panic!("one key")
    };
    assert_eq!(
        found[1].to_string(),
        "alias `mail`, unusable: the key is encrypted: a passphrase is required"
    );
}

#[test]
fn one_key_that_cannot_be_used_takes_no_other_away() {
    let file = with_names(&[("old", "bad/rsa1024.pkcs8.pem"), ("new", "p256.pkcs8.pem")]);
    let load = |name: &str| KeyLoader::new().entry(name).load_bytes(file.as_bytes());
    assert_eq!(load("new").unwrap().thumbprint(), thumbprint("p256"));
    assert!(matches!(load("old"), Err(KeyError::RsaSize { bits: 1024 })));
    let set = format!(
        r#"{{"keys":[{},{{"kty":"EC","kid":"broken","crv":"P-256","d":"AQAB"}}]}}"#,
        text("ed25519.jwk.json")
    );
    let load = |name: String| KeyLoader::new().entry(name).load_bytes(set.as_bytes());
    assert_eq!(load(thumbprint("ed25519").to_string()).unwrap().thumbprint(), thumbprint("ed25519"));
    let error = load("broken".to_owned()).unwrap_err();
    assert_eq!(error.to_string(), "a JWK has no member `x`");
}

#[test]
fn the_list_of_a_long_file_is_cut_and_hostile_names_are_printable() {
    let many: Vec<String> = (0..20)
        .map(|place| {
            let jwk = text("p256.jwk.json");
            jwk.trim_end().strip_suffix('}').unwrap().to_owned() + &format!(r#","kid":"k{place}\n"}}"#)
        })
        .collect();
    let set = format!(r#"{{"keys":[{}]}}"#, many.join(","));
    let error = PrivateKey::from_bytes(set.as_bytes()).unwrap_err();
    assert!(matches!(&error, KeyError::SeveralKeys { found } if found.len() == 20));
    let shown = error.to_string();
    assert!(
        shown.contains(r"kid `k7\u{a}`")
            && !shown.contains("k8")
            && shown.contains(" and 12 more; select one"),
        "{shown}"
    );
    assert!(!shown.contains('\n'));
    // More than a real file contains.
    let block = text("ed25519.pkcs8.pem");
    let error = PrivateKey::from_bytes(block.repeat(300).as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "a JWK Set has 257 keys, at most 256 are read");
}

/// One bound for the whole file, as in PKCS#12: keys in PEM do not circumvent it.
#[test]
fn all_derivations_of_a_file_together_are_bounded() {
    // 2048 iterations for each key would be allowed; scrypt of 16 MiB, 257 times, is not.
    let file = text("p256.scrypt-aes256.pem").repeat(250);
    let started = std::time::Instant::now();
    let error = KeyLoader::new().load_bytes(file.as_bytes()).unwrap_err();
    assert!(matches!(error, KeyError::PassphraseRequired));
    assert!(started.elapsed() < std::time::Duration::from_secs(5), "nothing is derived without a passphrase");
}

#[test]
fn several_closed_keys_want_the_passphrase_first() {
    let closed = ["p256.pbkdf2-sha256-aes256.pem", "rsa2048.pbkdf2-sha256-aes256.pem"].map(text).concat();
    let load = |passphrase: Option<&str>| {
        let loader = KeyLoader::new();
        passphrase.map_or(loader.clone(), |text| loader.passphrase(text)).load_bytes(closed.as_bytes())
    };
    assert!(matches!(load(None), Err(KeyError::PassphraseRequired)));
    assert!(matches!(load(Some("wrong")), Err(KeyError::WrongPassphrase)));
    // After decryption they are listed, even if the passphrase comes with the line end of its file.
    for passphrase in [PASSPHRASE.to_owned(), format!("{PASSPHRASE}\n")] {
        let error = load(Some(&passphrase)).unwrap_err();
        assert!(
            matches!(&error, KeyError::SeveralKeys { found } if found.iter().all(|key| key.thumbprint.is_some())),
            "{error}"
        );
    }
    // The same key twice counts once.
    let twice = text("p256.pbkdf2-sha256-aes256.pem").repeat(2);
    let key = PrivateKey::from_encrypted_bytes(twice.as_bytes(), format!("{PASSPHRASE}\r\n")).unwrap();
    assert_eq!(key.thumbprint(), thumbprint("p256"));
}

#[test]
fn an_odd_public_key_next_to_a_private_one_takes_nothing_away() {
    let private = text("p256.jwk.json");
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    for odd in [
        r#"{"kty":"RSA","n":"AQAB","e":"AQAB=","use":"enc"}"#.to_owned(),
        format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","kid":7}}"#),
        format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","kid":"a","kid":"b"}}"#),
        "null".to_owned(),
        "{}".to_owned(),
        "\"text\"".to_owned(),
    ] {
        let set = format!(r#"{{"keys":[{odd},{private}]}}"#);
        let key = PrivateKey::from_bytes(set.as_bytes()).unwrap_or_else(|error| panic!("{odd}: {error}"));
        assert_eq!(key.thumbprint(), thumbprint("p256"));
        if odd.contains("\"b\"") {
            continue; // Outside a set, a member that stands there twice makes the document ambiguous.
        }
        let document = format!(r#"{{"other":{odd},"private":{private}}}"#);
        assert_eq!(PrivateKey::from_bytes(document.as_bytes()).unwrap().thumbprint(), thumbprint("p256"));
    }
    // An unreadable private key might be the one that the caller wants.
    let odd = r#"{"kty":"OKP","crv":"Ed25519","kid":7,"\u0064":"AQAB"}"#;
    let set = format!(r#"{{"keys":[{odd},{private}]}}"#);
    let error = PrivateKey::from_bytes(set.as_bytes()).unwrap_err();
    assert!(matches!(error, KeyError::SeveralKeys { found } if found.len() == 2));
}

#[test]
fn a_passphrase_may_end_in_the_line_end_of_its_file() {
    let files = ["p256.pbkdf2-sha256-aes256.pem", "p256.scrypt-aes128.pem"];
    let more: &[&str] = if cfg!(feature = "pkcs12") { &["p256.p12", "p256.pbe-3des.p12"] } else { &[] };
    for file in files.iter().chain(more) {
        for end in ["\n", "\r\n", "\r"] {
            let key = PrivateKey::from_encrypted_file(path(file), format!("{PASSPHRASE}{end}")).unwrap();
            assert_eq!(key.thumbprint(), thumbprint("p256"), "{file} {end:?}");
        }
        for wrong in ["correct horse\n\n", "correct horse \n", "\ncorrect horse", "\n", "wrong\n"] {
            let error = PrivateKey::from_encrypted_file(path(file), wrong).unwrap_err();
            assert!(matches!(error.reason(), KeyError::WrongPassphrase), "{file} {wrong:?}");
        }
    }
    // A passphrase that really ends like this is tried first.
    let der = read("p256.pkcs8.der");
    let info = pkcs8::PrivateKeyInfoRef::try_from(der.as_slice()).unwrap();
    let parameters =
        pkcs8::pkcs5::pbes2::Parameters::generate_pbkdf2_sha256_aes128cbc(1, &[7; 8], [9; 16]).unwrap();
    let file = info.encrypt_with_params(parameters, "line\n").unwrap();
    assert!(PrivateKey::from_encrypted_bytes(file.as_bytes(), "line\n").is_ok());
    assert!(matches!(
        PrivateKey::from_encrypted_bytes(file.as_bytes(), "line"),
        Err(KeyError::WrongPassphrase)
    ));
}

#[test]
fn a_loader_shows_no_passphrase() {
    let loader = KeyLoader::new().passphrase(PASSPHRASE).entry("signing");
    let shown = format!("{loader:?} {loader:#?}");
    assert!(shown.contains("signing") && !shown.contains("horse") && !shown.contains("99, 111"), "{shown}");
}
