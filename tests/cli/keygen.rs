//! `pkjwt keygen`.

use std::fs;

use private_key_jwt::{JwkSet, PrivateKey};

use crate::run::{PASSPHRASE, Place, pkjwt, pkjwt_env};

#[test]
fn keygen_makes_a_pkcs8_file_that_only_its_owner_reads() {
    let place = Place::new();
    for (alg, kind) in [("ES256", "ES256"), ("ES384", "ES384"), ("ES512", "ES512"), ("Ed25519", "EdDSA")] {
        let out = place.name(alg);
        let run = pkjwt(["keygen", "--alg", alg, "--out", &out]);
        assert_eq!((run.status, run.stdout.as_str()), (Some(0), ""), "{}", run.stderr);
        assert!(fs::read_to_string(&out).unwrap().starts_with("-----BEGIN PRIVATE KEY-----\n"));
        let key = PrivateKey::from_file(&out).unwrap();
        assert_eq!(key.algorithm().as_str(), kind);
        assert!(run.stderr.contains(key.key_id().as_str()), "{}", run.stderr);
        assert!(run.stderr.contains("pkjwt jwks"), "{}", run.stderr);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o7777, 0o600);
        }
    }
    // No temporary file is left.
    assert_eq!(fs::read_dir(place.0.path()).unwrap().count(), 4);
}

#[test]
fn keygen_of_rsa_takes_a_length() {
    let place = Place::new();
    let out = place.name("key.pem");
    let run = pkjwt(["keygen", "--alg", "PS256", "--bits", "2048", "--out", &out]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    // An RSA file does not say which algorithm it is for, so the hint does.
    assert!(run.stderr.contains("pkjwt jwks --alg PS256 "), "{}", run.stderr);
    assert_eq!(PrivateKey::from_file(&out).unwrap().public_key().unwrap().bits(), 2048);

    pkjwt(["keygen", "--alg", "ES256", "--bits", "2048"]).usage(&["--bits", "ES256"]);
    for bits in ["1024", "2056", "8193"] {
        pkjwt(["keygen", "--alg", "RS256", "--bits", bits]).usage(&["2048, 3072, 4096 or 8192", bits]);
    }
    pkjwt(["keygen", "--alg", "RS256", "--bits", "many"]).clap();
    pkjwt(["keygen", "--alg", "HS256"]).clap();
    pkjwt(["keygen"]).clap();
}

#[test]
fn keygen_prints_without_a_terminal_or_when_told_to() {
    for arguments in [&["keygen", "--alg", "EdDSA"][..], &["keygen", "--alg", "EdDSA", "--out", "-"]] {
        let pem = pkjwt(arguments).done();
        assert!(pem.ends_with("-----END PRIVATE KEY-----\n"));
        PrivateKey::from_bytes(pem.as_bytes()).unwrap();
    }
    pkjwt(["keygen", "--alg", "EdDSA", "--force"]).usage(&["--force", "--out"]);
}

#[test]
fn keygen_never_overwrites_without_force_and_then_by_rename() {
    let place = Place::new();
    let out = place.put("key.pem", "precious");
    pkjwt(["keygen", "--alg", "ES256", "--out", &out]).refused(&["key.pem", "--force"]);
    assert_eq!(fs::read_to_string(&out).unwrap(), "precious");

    // Another name of the old file still has the old content: the file was replaced, not
    // overwritten.
    fs::hard_link(&out, place.path("old.pem")).unwrap();
    let run = pkjwt(["keygen", "--alg", "ES256", "--out", &out, "--force"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    PrivateKey::from_file(&out).unwrap();
    assert_eq!(fs::read_to_string(place.path("old.pem")).unwrap(), "precious");
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt, symlink};
        assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o7777, 0o600);
        // A dangling link counts as an existing file.
        let link = place.name("link.pem");
        symlink(place.path("nowhere"), &link).unwrap();
        pkjwt(["keygen", "--alg", "ES256", "--out", &link]).refused(&["link.pem", "exists"]);
        assert!(!place.path("nowhere").exists());
    }
    let missing = place.name("no-such-directory/key.pem");
    pkjwt(["keygen", "--alg", "ES256", "--out", &missing]).refused(&["no-such-directory"]);
    let directory = place.name("");
    for more in [None, Some("--force")] {
        let line = pkjwt(["keygen", "--alg", "ES256", "--out", &directory].into_iter().chain(more))
            .refused(&["not a regular file"]);
        assert!(!line.contains("--force"), "{line}");
    }
}

/// A rename onto `/dev/stdout`, which is a link, once replaced it for the whole machine.
#[cfg(unix)]
#[test]
fn keygen_with_force_replaces_files_and_nothing_else() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    let target = place.put("target", "precious");
    let link = place.name("link.pem");
    symlink(&target, &link).unwrap();
    let socket = place.name("socket.pem");
    let _socket = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for path in [&link, &socket] {
        pkjwt(["keygen", "--alg", "ES256", "--out", path, "--force"]).refused(&["not a regular file"]);
        assert!(!fs::symlink_metadata(path).unwrap().is_file());
    }
    assert_eq!(fs::read_to_string(target).unwrap(), "precious");
}

#[test]
fn an_encrypted_key_opens_with_its_passphrase_only() {
    let place = Place::new();
    let out = place.name("key.pem");
    let keygen = ["keygen", "--alg", "ES256", "--passphrase-env", "PKJWT_TEST", "--out", &out];
    pkjwt(keygen).usage(&["--passphrase-env", "empty or not set"]);
    pkjwt_env(keygen, "PKJWT_TEST", "").usage(&["--passphrase-env", "empty or not set"]);
    assert!(!place.path("key.pem").exists());
    let run = pkjwt_env(keygen, "PKJWT_TEST", PASSPHRASE);
    assert_eq!((run.status, run.stdout.as_str()), (Some(0), ""), "{}", run.stderr);
    assert!(!run.stderr.contains(PASSPHRASE));
    assert!(fs::read_to_string(&out).unwrap().starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));

    let jwks = ["jwks", &out, "--passphrase-env", "PKJWT_TEST"];
    let set = JwkSet::from_json(pkjwt_env(jwks, "PKJWT_TEST", PASSPHRASE).done().as_bytes()).unwrap();
    assert!(run.stderr.contains(set.keys()[0].key_id().unwrap().as_str()), "{}", run.stderr);
    let refused = pkjwt_env(jwks, "PKJWT_TEST", "battery staple").refused(&["key.pem", "passphrase"]);
    assert!(!refused.contains("battery"));
    pkjwt(jwks).usage(&["--passphrase-env"]);
    pkjwt(["jwks", &out]).refused(&["key.pem", "encrypted", "--passphrase-env"]);
    // The passphrase in the place of the variable's name is not repeated.
    let misplaced = pkjwt(["jwks", &out, "--passphrase-env", PASSPHRASE]).usage(&[]);
    assert!(!misplaced.contains("horse"));
    pkjwt(["jwks", &out, "--passphrase-env", "A=B"]).usage(&["--passphrase-env"]);
    pkjwt(["jwks", &out, "--passphrase", PASSPHRASE]).clap();
}

/// The command in a hint, parsed as a shell does, with its options for signing.
#[cfg(unix)]
fn hinted(stderr: &str) -> (Vec<String>, Vec<String>) {
    let words = |start: &str| {
        let line = stderr.lines().find_map(|line| line.strip_prefix(start)).unwrap();
        let output = std::process::Command::new("sh")
            .args(["-c", &format!("for word in {line}; do printf '%s\\n' \"$word\"; done")])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    (words("to print its public JWKS: pkjwt "), words("to sign with it: "))
}

/// The registered and the sent algorithm are the same, and every hint works as printed.
#[cfg(unix)]
#[test]
fn the_hints_of_keygen_work_as_printed() {
    let place = Place::new();
    let secret = place.put("pass phrase", format!("{PASSPHRASE}\r\n"));
    for (alg, name, more) in [
        ("Ed25519", "ed25519.pem", &[][..]),
        ("EdDSA", "it's mine.pem", &[]),
        ("ES384", "a b.pem", &["--passphrase-file", &secret]),
        ("PS512", "-rsa.pem", &["--bits", "2048", "--passphrase-env", "PKJWT_TEST"]),
    ] {
        let out = format!("{}/{name}", place.0.path().display());
        let keygen = ["keygen", "--alg", alg, "--out", &out].into_iter().chain(more.iter().copied());
        let run = pkjwt_env(keygen, "PKJWT_TEST", PASSPHRASE);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        let (jwks, sign) = hinted(&run.stderr);
        let set = pkjwt_env(&jwks, "PKJWT_TEST", PASSPHRASE).done();
        let set = JwkSet::from_json(set.as_bytes()).unwrap();
        assert_eq!(set.keys()[0].algorithm(), Some(alg));
        let assert =
            ["assert", "--client-id", "client", "--audience", "https://as.example"].map(str::to_owned);
        let jwt = pkjwt_env(assert.iter().chain(&sign), "PKJWT_TEST", PASSPHRASE).done();
        let (header, _) = crate::run::decode(jwt.trim_end());
        assert_eq!(
            (&header["alg"], &header["kid"]),
            (&alg.into(), &set.keys()[0].key_id().unwrap().as_str().into())
        );
    }
    // Like other programs, it strips the line end from a passphrase file.
    let pem = fs::read(place.path("a b.pem")).unwrap();
    assert!(PrivateKey::from_encrypted_bytes(&pem, PASSPHRASE).is_ok());
    // In the current folder, a name may start like an option.
    let run = crate::run::finish(
        crate::run::command(["keygen", "--alg", "ES256", "--out=-key.pem"]).current_dir(place.0.path()),
    );
    assert!(run.stderr.contains("pkjwt jwks ./-key.pem\n"), "{}", run.stderr);
}

#[test]
fn keygen_as_json_names_the_file_and_the_key() {
    let place = Place::new();
    let out = place.name("key.pem");
    let facts = pkjwt(["keygen", "--alg", "ES384", "--out", &out, "--json"]).done();
    let facts: serde_json::Value = serde_json::from_str(&facts).unwrap();
    let key = PrivateKey::from_file(&out).unwrap();
    assert_eq!((&facts["file"], &facts["alg"]), (&out.into(), &"ES384".into()));
    assert_eq!(facts["kid"], key.key_id().as_str());
    assert_eq!(facts["jwk"].to_string(), key.public_jwk().to_json());
    pkjwt(["keygen", "--alg", "ES384", "--json"]).usage(&["--json", "--out"]);
}
