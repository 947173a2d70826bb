//! The real `pkjwt`: each command, its exit statuses, and what goes to stdout and what to stderr.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use private_key_jwt::jose::CompactJws;
use private_key_jwt::{Algorithm, ClientAssertion, Jwk, JwkSet, PrivateKey};
use serde_json::{Value, json};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};

const AUDIENCE: &str = "https://as.example";
const PASSPHRASE: &str = "correct horse";
/// The keys of testdata/keys, one of each kind, with the algorithm that follows from each.
const KEYS: [(&str, &str); 5] =
    [("rsa2048", "RS256"), ("p256", "ES256"), ("p384", "ES384"), ("p521", "ES512"), ("ed25519", "EdDSA")];

/// What became of a run.
struct Run {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Run {
    /// Done: a result, and not a word on stderr.
    #[track_caller]
    fn done(self) -> String {
        assert_eq!((self.status, self.stderr.as_str()), (Some(0), ""), "{}", self.stdout);
        self.stdout
    }

    /// Refused or failed: one line on stderr with these words, nothing on stdout.
    #[track_caller]
    fn refused(self, words: &[&str]) -> String {
        self.ended(1, words)
    }

    /// Wrong usage, found by pkjwt itself and not by clap: one line too.
    #[track_caller]
    fn usage(self, words: &[&str]) -> String {
        self.ended(2, words)
    }

    #[track_caller]
    fn ended(self, status: i32, words: &[&str]) -> String {
        assert_eq!((self.status, self.stdout.as_str()), (Some(status), ""), "{}", self.stderr);
        assert!(self.stderr.starts_with("pkjwt: ") && self.stderr.lines().count() == 1, "{}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "no `{word}` in {}", self.stderr);
        }
        self.stderr
    }

    /// Wrong usage, found by clap.
    #[track_caller]
    fn clap(self) {
        assert_eq!((self.status, self.stdout.as_str()), (Some(2), ""), "{}", self.stderr);
        assert!(self.stderr.starts_with("error: "), "{}", self.stderr);
    }
}

fn command<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pkjwt"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn finish(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn pkjwt<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Run {
    finish(&mut command(arguments))
}

/// With an environment variable.
fn pkjwt_env<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>, name: &str, value: &str) -> Run {
    finish(command(arguments).env(name, value))
}

/// With something on standard input.
fn pkjwt_stdin<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>, input: &[u8]) -> Run {
    let mut command = command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Less than a pipe holds, so that nothing has to be read meanwhile; a child that reads nothing is no error.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn testdata(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/keys").join(name).to_str().unwrap().to_owned()
}

fn private_key(stem: &str) -> PrivateKey {
    PrivateKey::from_file(testdata(&format!("{stem}.pkcs8.pem"))).unwrap()
}

/// A directory of its own for a test.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), content).unwrap();
        self.name(name)
    }

    /// The public JWK Set of a key of testdata.
    fn jwks(&self, stem: &str) -> String {
        self.put(&format!("{stem}.jwks.json"), JwkSet::from(private_key(stem).public_jwk().clone()).to_json())
    }
}

fn assert_command(key: &str, more: &[&str]) -> Vec<String> {
    let arguments = ["assert", "--key", key, "--client-id", "client", "--audience", AUDIENCE];
    arguments.iter().chain(more).map(|argument| (*argument).to_owned()).collect()
}

fn assertion(key: &str, more: &[&str]) -> String {
    let line = pkjwt(assert_command(key, more)).done();
    line.strip_suffix('\n').unwrap().to_owned()
}

/// Header and claims.
fn decode(jwt: &str) -> (Value, Value) {
    let jws = CompactJws::parse(jwt).unwrap();
    let payload = serde_json::from_slice(jws.payload()).unwrap();
    // The header as the server sees it; the library keeps only what it uses.
    let header = jwt.split('.').next().unwrap();
    (serde_json::from_slice(&base64url(header)).unwrap(), payload)
}

fn base64url(text: &str) -> Vec<u8> {
    use base64ct::{Base64UrlUnpadded, Encoding};
    Base64UrlUnpadded::decode_vec(text).unwrap()
}

// ---- keygen

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
    // Nothing is left lying about.
    assert_eq!(fs::read_dir(place.0.path()).unwrap().count(), 4);
}

#[test]
fn keygen_of_rsa_takes_a_length() {
    let place = Place::new();
    let out = place.name("key.pem");
    let run = pkjwt(["keygen", "--alg", "PS256", "--bits", "2048", "--out", &out]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    // A file of RSA does not say which algorithm it is for, so the hint does.
    assert!(run.stderr.contains("pkjwt jwks --alg PS256 "), "{}", run.stderr);
    assert_eq!(PrivateKey::from_file(&out).unwrap().public_key().unwrap().bits(), 2048);

    pkjwt(["keygen", "--alg", "ES256", "--bits", "2048"]).usage(&["--bits", "ES256"]);
    for bits in ["1024", "2056", "8193"] {
        pkjwt(["keygen", "--alg", "RS256", "--bits", bits]).usage(&["2048, 3072, 4096 or 8192 bits", bits]);
    }
    pkjwt(["keygen", "--alg", "RS256", "--bits", "many"]).clap();
    pkjwt(["keygen", "--alg", "HS256"]).clap();
    pkjwt(["keygen"]).clap();
}

#[test]
fn keygen_prints_when_nobody_watches_or_when_told_to() {
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

    // Another name of the old file still has the old content: it was replaced, not written over.
    fs::hard_link(&out, place.path("old.pem")).unwrap();
    let run = pkjwt(["keygen", "--alg", "ES256", "--out", &out, "--force"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    PrivateKey::from_file(&out).unwrap();
    assert_eq!(fs::read_to_string(place.path("old.pem")).unwrap(), "precious");
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt, symlink};
        assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o7777, 0o600);
        // A link that leads nowhere is a file that is there.
        let link = place.name("link.pem");
        symlink(place.path("nowhere"), &link).unwrap();
        pkjwt(["keygen", "--alg", "ES256", "--out", &link]).refused(&["link.pem", "there already"]);
        assert!(!place.path("nowhere").exists());
    }
    let missing = place.name("no-such-directory/key.pem");
    pkjwt(["keygen", "--alg", "ES256", "--out", &missing]).refused(&["no-such-directory"]);
    let directory = place.name("");
    for more in [None, Some("--force")] {
        let line = pkjwt(["keygen", "--alg", "ES256", "--out", &directory].into_iter().chain(more))
            .refused(&["no regular file"]);
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
        pkjwt(["keygen", "--alg", "ES256", "--out", path, "--force"]).refused(&["no regular file"]);
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
    // The passphrase itself in the place of the variable's name is not repeated.
    let misplaced = pkjwt(["jwks", &out, "--passphrase-env", PASSPHRASE]).usage(&[]);
    assert!(!misplaced.contains("horse"));
    pkjwt(["jwks", &out, "--passphrase-env", "A=B"]).usage(&["--passphrase-env"]);
    pkjwt(["jwks", &out, "--passphrase", PASSPHRASE]).clap();
}

// ---- jwks

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
        "a private key is needed",
        "PUBLIC KEY",
    ]);
    pkjwt(["jwks", &testdata("bad/openssh-rsa.pem")]).refused(&["ssh-keygen"]);
    pkjwt(["jwks", &testdata("bad/rsa1024.pkcs8.pem")]).refused(&["2048 to 8192", "1024"]);
    pkjwt(["jwks", &testdata("bad/two-keys.pem")]).refused(&["one private key is needed, found 2"]);
    let place = Place::new();
    let long = place.put("long.pem", vec![b'x'; PrivateKey::MAX_FILE_LEN + 1]);
    pkjwt(["jwks", &long]).refused(&["long.pem", "at most"]);
    #[cfg(unix)]
    {
        let hostile = place.name("\u{1b}[2Jkey\n.pem");
        let line = pkjwt(["jwks", &hostile]).refused(&["\\u{1b}[2Jkey\\u{a}.pem"]);
        assert!(!line.contains('\u{1b}'));
    }
}

// ---- assert

#[test]
fn assert_signs_what_the_house_decided() {
    let key = private_key("p256");
    let jwt = assertion(&testdata("p256.pkcs8.pem"), &[]);
    let (header, claims) = decode(&jwt);
    assert_eq!(
        header,
        json!({"alg": "ES256", "kid": key.thumbprint().to_string(), "typ": "client-authentication+jwt"})
    );
    assert_eq!(
        (&claims["iss"], &claims["sub"], &claims["aud"]),
        (&json!("client"), &json!("client"), &json!(AUDIENCE))
    );
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
    let jti: uuid::Uuid = claims["jti"].as_str().unwrap().parse().unwrap();
    assert_eq!(jti.get_version_num(), 4);
    assert_eq!(claims.as_object().unwrap().len(), 6);
    let again = decode(&assertion(&testdata("p256.pkcs8.pem"), &[])).1;
    assert_ne!(again["jti"], claims["jti"]);
}

#[test]
fn assert_says_what_it_was_told_to() {
    let key = testdata("p256.key-then-cert.pem");
    let more = [
        "--lifetime",
        "5m",
        "--not-before",
        "30s",
        "--typ",
        "JWT",
        "--kid",
        "my key",
        "--x5t-s256",
        "--claim",
        "groups=[\"a\",1]",
        "--claim",
        "name=\"x=y\"",
    ];
    let (header, claims) = decode(&assertion(&key, &more));
    let thumbprint = header["x5t#S256"].as_str().unwrap();
    assert_eq!(base64url(thumbprint).len(), 32);
    assert_eq!((&header["typ"], &header["kid"]), (&json!("JWT"), &json!("my key")));
    let [iat, nbf, exp] = ["iat", "nbf", "exp"].map(|claim| claims[claim].as_i64().unwrap());
    assert_eq!((exp - iat, iat - nbf), (300, 30));
    assert_eq!((&claims["groups"], &claims["name"]), (&json!(["a", 1]), &json!("x=y")));

    let (header, _) =
        decode(&assertion(&testdata("rsa2048.pkcs1.pem"), &["--alg", "PS256", "--no-kid", "--typ", ""]));
    assert_eq!(header, json!({"alg": "PS256"}));
    let urn = pkjwt(["assert", "--key", &key, "--client-id", "c", "--audience", "urn:x"]).done();
    assert_eq!(decode(urn.trim_end()).1["aud"], "urn:x");
    let plain = decode(&assertion(&key, &["--lifetime", "90"])).1;
    assert_eq!(plain["exp"].as_i64().unwrap() - plain["iat"].as_i64().unwrap(), 90);
}

#[test]
fn assert_refuses_what_does_not_fit() {
    let key = testdata("p256.pkcs8.pem");
    let with = |more: &[&str]| pkjwt(assert_command(&key, more));
    with(&["--x5t-s256"]).refused(&["no certificate", "x5t#S256"]);
    with(&["--alg", "RS256"]).refused(&["p256.pkcs8.pem", "RS256 needs a key of type RSA"]);
    with(&["--claim", "aud=\"x\""]).usage(&["--claim", "`aud`"]);
    with(&["--claim", "a=1", "--claim", "a=2"]).usage(&["--claim", "`a`", "more than once"]);
    let line = with(&["--claim", "a=canary"]).usage(&["--claim", "`a` is not JSON"]);
    assert!(!line.contains("canary"));
    for claim in ["canary", "=1", ""] {
        let line = with(&["--claim", claim]).usage(&["name=JSON"]);
        assert!(!line.contains("canary"));
    }
    with(&["--lifetime", "25h"]).usage(&["lives"]);
    for lifetime in ["0", "0s", "1d", "-1", "x", "", "1.5s"] {
        with(&["--lifetime", lifetime]).clap();
    }
    with(&["--not-before", "soon"]).clap();
    with(&["--kid", "k", "--no-kid"]).clap();
    with(&["--kid", ""]).clap();
    pkjwt(["assert", "--key", &key, "--client-id", "", "--audience", AUDIENCE])
        .usage(&["client id is empty"]);
    pkjwt(["assert", "--key", &key, "--client-id", "c", "--audience", ""]).usage(&["audience is empty"]);
    pkjwt(["assert", "--key", &key, "--client-id", "c"]).clap();
}

// ---- verify

fn verify(jwt: &str, jwks: &str) -> Run {
    pkjwt(["verify", jwt, "--jwks", jwks, "--issuer", "client", "--audience", AUDIENCE])
}

#[test]
fn verify_takes_what_assert_makes_with_every_algorithm() {
    let place = Place::new();
    for algorithm in Algorithm::ALL {
        let stem = KEYS
            .iter()
            .map(|(stem, _)| *stem)
            .find(|stem| private_key(stem).key_type() == algorithm.key_type());
        let key = testdata(&format!("{}.pkcs8.pem", stem.unwrap()));
        let jwks = place.put("jwks.json", pkjwt(["jwks", &key, "--alg", algorithm.as_str()]).done());
        let jwt = assertion(&key, &["--alg", algorithm.as_str(), "--claim", "note=\"\u{9b}2Jé\""]);
        let printed = verify(&jwt, &jwks).done();
        assert!(printed.is_ascii() && printed.lines().count() > 1, "{printed}");
        assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), decode(&jwt).1);
    }
}

#[test]
fn verify_reads_the_assertion_from_standard_input_and_the_keys_from_any_file() {
    let place = Place::new();
    let jwt = assertion(&testdata("rsa2048.pkcs8.pem"), &[]);
    let named = assertion(&testdata("rsa2048.pkcs8.pem"), &["--kid", "another name"]);
    let nameless = assertion(&testdata("rsa2048.pkcs8.pem"), &["--no-kid"]);
    let jwks = place.jwks("rsa2048");
    let run = |jwt: &str| {
        let arguments = ["verify", "-", "--jwks", &jwks, "--issuer", "client", "--audience", AUDIENCE];
        pkjwt_stdin(arguments, jwt.as_bytes())
    };
    run(&format!("\n {jwt}\r\n")).done();
    run("").refused(&["three parts"]);
    run(&"x".repeat(20_000)).refused(&["at most 16384"]);
    // A certificate or a public key has no name, and is the one that is meant.
    let jwk: Jwk = private_key("rsa2048").public_jwk().clone();
    let one_jwk = place.put("jwk.json", serde_json::to_string(&jwk).unwrap());
    for jwt in [&jwt, &named, &nameless] {
        for file in ["rsa2048.cert.pem", "rsa2048.cert.der", "rsa2048.pub.pem"] {
            verify(jwt, &testdata(file)).done();
        }
    }
    verify(&jwt, &one_jwk).done();
    verify(&nameless, &one_jwk).done();
    verify(&named, &one_jwk).refused(&["no key", "another name"]);
    for private in
        ["rsa2048.pkcs8.pem", "rsa2048.jwk.json", "p256.cert-then-key.pem", "two-private.jwks.json"]
    {
        verify(&jwt, &testdata(private)).refused(&[private, "private key", "pkjwt jwks"]);
    }
    // Beside a certificate even one that no loader takes.
    let certificate = fs::read_to_string(testdata("rsa2048.cert.pem")).unwrap();
    for unusable in ["bad/rsa1024.pkcs8.pem", "bad/openssh-rsa.pem", "p256.pkcs8.pem"] {
        let both = certificate.clone() + &fs::read_to_string(testdata(unusable)).unwrap();
        verify(&jwt, &place.put("both.pem", both)).refused(&["both.pem", "private key", "pkjwt jwks"]);
    }
    let long = place.put("long.json", vec![b'x'; PrivateKey::MAX_FILE_LEN + 1]);
    verify(&jwt, &long).refused(&["long.json", "at most"]);
    verify(&jwt, &place.put("x", "hello")).refused(&["not a key"]);
    verify(&jwt, "missing.json").refused(&["missing.json", "No such file"]);
    pkjwt(["verify", "-", "--jwks", "-", "--issuer", "a", "--audience", "b"]).usage(&["standard input"]);
    pkjwt(["verify", &jwt]).clap();
}

#[test]
fn verify_names_the_check_that_failed() {
    let place = Place::new();
    let jwks = place.jwks("p256");
    let jwt = assertion(&testdata("p256.pkcs8.pem"), &[]);
    let check = |jwt: &str, issuer: &str, audience: &str, words: &[&str]| {
        let run = pkjwt(["verify", jwt, "--jwks", &jwks, "--issuer", issuer, "--audience", audience]);
        let line = run.refused(words);
        assert!(!line.contains("eyJ"), "{line}");
    };
    check(&jwt, "client", "https://other.example", &["audience", AUDIENCE, "https://other.example"]);
    check(&jwt, "another", AUDIENCE, &["iss is `client`", "expected is `another`"]);
    check("a.b", "client", AUDIENCE, &["three parts"]);

    let (signed, signature) = jwt.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let tampered = format!("{signed}.{flipped}{}", &signature[1..]);
    check(&tampered, "client", AUDIENCE, &["signature does not verify"]);

    let other = assertion(&testdata("p384.pkcs8.pem"), &[]);
    check(&other, "client", AUDIENCE, &["no key in the set fits ES384"]);

    let long = assertion(&testdata("p256.pkcs8.pem"), &["--lifetime", "1h"]);
    check(&long, "client", AUDIENCE, &["lives 3600 s, at most 300 s"]);
    let typed = assertion(&testdata("p256.pkcs8.pem"), &["--typ", "at+jwt"]);
    check(&typed, "client", AUDIENCE, &["typ is `at+jwt`"]);

    let hour = Duration::hours(1);
    let now = OffsetDateTime::now_utc();
    let builder = ClientAssertion::builder_for_audience("client", AUDIENCE);
    let old = builder.sign(&private_key("p256"), now - hour, "j").unwrap();
    check(old.secret(), "client", AUDIENCE, &["expired"]);
    let early = builder.sign(&private_key("p256"), now + hour, "j").unwrap();
    check(early.secret(), "client", AUDIENCE, &["`iat`"]);
}

// ---- serve and token

/// `pkjwt serve` on a free port; it ends with the value.
struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    issuer: String,
    token_endpoint: String,
    jwks_uri: String,
}

impl Server {
    fn start(clients: &[String]) -> Self {
        let arguments = ["serve", "--listen", "127.0.0.1:0"].map(str::to_owned);
        let clients = clients.iter().flat_map(|client| ["--client".to_owned(), client.clone()]);
        let mut child = command(arguments.into_iter().chain(clients)).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let empty = String::new;
        let mut server = Self { child, stdout, issuer: empty(), token_endpoint: empty(), jwks_uri: empty() };
        server.issuer = server.named("issuer: ");
        server.token_endpoint = server.named("token_endpoint: ");
        server.jwks_uri = server.named("jwks_uri: ");
        server
    }

    /// One client per key of testdata, named as its file is, by each way of registering.
    fn with_all_keys(place: &Place) -> Self {
        let clients = KEYS.map(|(stem, _)| match stem {
            "rsa2048" | "p384" => format!("{stem}={}", testdata(&format!("{stem}.cert.pem"))),
            "p521" => format!("{stem}={}", testdata(&format!("{stem}.pub.pem"))),
            _ => format!("{stem}={}", place.jwks(stem)),
        });
        Self::start(&clients)
    }

    fn named(&mut self, name: &str) -> String {
        let line = self.line();
        line.strip_prefix(name).unwrap_or_else(|| panic!("{line}")).to_owned()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The line of the next request to the token endpoint.
    fn outcome(&mut self) -> String {
        loop {
            let line = self.line();
            assert!(!line.is_empty(), "the server ended");
            if line.contains("/token ") {
                return line;
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn token_command(server: [&str; 2], stem: &str, more: &[&str]) -> Vec<String> {
    let key = testdata(&format!("{stem}.pkcs8.pem"));
    let arguments = ["token", server[0], server[1], "--key", &key, "--client-id", stem];
    arguments.iter().chain(more).map(|argument| (*argument).to_owned()).collect()
}

#[test]
fn token_gets_one_with_every_kind_of_key_by_issuer_and_by_token_endpoint() {
    let place = Place::new();
    let mut server = Server::with_all_keys(&place);
    for (stem, alg) in KEYS {
        for (flag, url) in
            [("--issuer", server.issuer.clone()), ("--token-endpoint", server.token_endpoint.clone())]
        {
            let token =
                pkjwt(token_command([flag, &url], stem, &["--scope", "api:read", "--scope", "api:write"]))
                    .done();
            let (header, claims) = decode(token.strip_suffix('\n').unwrap());
            assert_eq!(header["typ"], "at+jwt");
            assert_eq!(
                (&claims["client_id"], &claims["scope"]),
                (&json!(stem), &json!("api:read api:write"))
            );
            let outcome = server.outcome();
            assert!(
                outcome.contains(" 200 ") && outcome.contains(stem) && outcome.contains(alg),
                "{outcome}"
            );
            assert!(!outcome.contains("eyJ"));
        }
    }
}

#[test]
fn token_takes_the_options_of_an_assertion_and_a_request() {
    let place = Place::new();
    let server = Server::with_all_keys(&place);
    let issuer = ["--issuer", server.issuer.as_str()];
    let more = [
        "--alg",
        "RS512",
        "--no-kid",
        "--lifetime",
        "4m",
        "--not-before",
        "1m",
        "--profile",
        "ping-one",
        "--param",
        "resource=https://api.example/x=y",
        "--audience",
        &server.token_endpoint,
    ];
    let token = pkjwt(token_command(issuer, "rsa2048", &more)).done();
    assert_eq!(decode(token.trim_end()).1["aud"], "https://api.example/x=y");

    // --typ comes after the profile, and reaches the server.
    pkjwt(token_command(issuer, "p256", &["--typ", "at+jwt", "--profile", "ping-one"]))
        .refused(&["typ is", "at+jwt"]);
    pkjwt(token_command(issuer, "p256", &["--audience", "https://x.example"]))
        .refused(&["invalid_client", "audience"]);
    pkjwt(token_command(issuer, "p256", &["--lifetime", "10m"])).refused(&["invalid_client", "lives 600 s"]);
    pkjwt(token_command(issuer, "ed25519", &["--profile", "ping-one"]))
        .refused(&["PingOne does not take EdDSA"]);
    pkjwt(token_command(issuer, "p256", &["--profile", "ping-one", "--lifetime", "2h"])).usage(&["lives"]);
}

#[test]
fn token_as_json_is_the_whole_response() {
    let place = Place::new();
    let server = Server::with_all_keys(&place);
    let command = token_command(["--issuer", &server.issuer], "p256", &["--json", "--scope", "a"]);
    let response: Value = serde_json::from_str(&pkjwt(command).done()).unwrap();
    let members: Vec<&str> = response.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["access_token", "expires_in", "scope", "token_type"]);
    assert_eq!(response["expires_in"], 3600);
    decode(response["access_token"].as_str().unwrap());
}

/// The status, perhaps with header fields, and the body.
type Answer = (&'static str, &'static str);

/// A server that gives each of these answers to one connection, in this order, and then ends.
fn answering<S: Read + Write>(
    answers: Vec<Answer>,
    wrap: impl Fn(TcpStream) -> S + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for (head, body) in answers {
            // A client that does not like the certificate is gone before it has asked.
            let _ = answer(wrap(listener.accept().unwrap().0), head, body);
        }
    });
    address
}

fn answer(stream: impl Read + Write, head: &str, body: &str) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut len = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                len = value.parse().unwrap()
            }
            None if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    stream.read_exact(&mut vec![0; len])?;
    let framing = format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.get_mut().write_all(format!("HTTP/1.1 {head}\r\n{framing}{body}").as_bytes())?;
    stream.get_mut().flush()
}

#[test]
fn a_token_of_another_type_than_bearer_comes_with_a_note() {
    let body = "{\"access_token\":\"t\",\"token_type\":\"DPoP\\u001b[2J\"}";
    let url = format!("http://{}/token", answering(vec![("200 OK", body); 2], |stream| stream));
    let run = pkjwt(token_command(["--token-endpoint", &url], "p256", &[]));
    assert_eq!((run.status, run.stdout.as_str()), (Some(0), "t\n"));
    assert_eq!(run.stderr, "pkjwt: the token is not a Bearer token, its type is DPoP\\u{1b}[2J\n");
    // There the type is seen.
    let json = pkjwt(token_command(["--token-endpoint", &url], "p256", &["--json"])).done();
    assert!(json.contains(r#""token_type": "DPoP\u001b[2J""#), "{json}");
}

#[test]
fn a_server_that_asks_for_a_pause_is_quoted() {
    let busy = ("429 Too Many Requests\r\nretry-after: 120", "");
    let url = format!("http://{}/token", answering(vec![busy], |stream| stream));
    pkjwt(token_command(["--token-endpoint", &url], "p256", &[])).refused(&["answered 429", "for 120 s"]);
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
#[test]
fn token_trusts_the_certificates_of_a_ca_file_and_no_others() {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};

    let certificate = testdata("p256.localhost.cert.pem");
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let config = rustls::ServerConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(&certificate).unwrap()],
            PrivateKeyDer::from_pem_file(testdata("p256.pkcs8.pem")).unwrap(),
        )
        .unwrap();
    let config = std::sync::Arc::new(config);
    let tls = move |stream| {
        rustls::StreamOwned::new(rustls::ServerConnection::new(config.clone()).unwrap(), stream)
    };
    let body = r#"{"access_token":"t","token_type":"Bearer"}"#;
    let url = format!("https://localhost:{}/token", answering(vec![("200 OK", body); 3], tls).port());

    let token = |more: &[&str]| pkjwt(token_command(["--token-endpoint", &url], "p256", more));
    token(&[]).refused(&["cannot connect to localhost", "certificate"]);
    token(&["--ca-file", &testdata("ca.cert.pem")]).refused(&["cannot connect to localhost", "certificate"]);
    assert_eq!(token(&["--ca-file", &certificate]).done(), "t\n");
}

#[test]
fn a_refusal_says_what_the_server_said_and_gives_no_secret_away() {
    let place = Place::new();
    let mut server = Server::start(&[format!("client={}", place.jwks("p256"))]);
    let line = pkjwt(token_command(["--token-endpoint", &server.token_endpoint], "p384", &[]))
        .refused(&[server.token_endpoint.as_str(), "refused: 401 invalid_client: "]);
    assert!(!line.contains("eyJ"), "{line}");
    let outcome = server.outcome();
    assert!(outcome.contains(" 401 invalid_client: "), "{outcome}");
    // The right name and the wrong key.
    let key = testdata("p384.pkcs8.pem");
    pkjwt(["token", "--issuer", &server.issuer, "--key", &key, "--client-id", "client"])
        .refused(&["401 invalid_client: ", "no key in the set fits ES384"]);
}

#[test]
fn token_refuses_what_must_not_get_an_assertion() {
    for url in ["http://as.example/token", "http://127.0.0.1.evil/", "http://127.0.0.1@evil/"] {
        for flag in ["--issuer", "--token-endpoint"] {
            pkjwt(token_command([flag, url], "p256", &[])).refused(&["http"]);
        }
    }
    pkjwt(token_command(["--issuer", "https://as.example/?a=b"], "p256", &[])).refused(&["has a query"]);
    pkjwt(token_command(["--issuer", "as.example"], "p256", &[])).refused(&["is not a URL"]);

    let place = Place::new();
    let mut server = Server::start(&[format!("p256={}", place.jwks("p256"))]);
    let wrong = format!("{}/", server.issuer);
    pkjwt(token_command(["--issuer", &wrong], "p256", &[])).refused(&["asked for was", &wrong]);
    assert!(server.line().starts_with("GET "));
    pkjwt(token_command(["--issuer", &server.issuer.replace("/as", "/none")], "p256", &[])).refused(&["404"]);
    // Nobody listens any more.
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    pkjwt(token_command(["--token-endpoint", &server.token_endpoint], "p256", &[]))
        .refused(&["cannot connect"]);
}

#[test]
fn token_checks_its_arguments_before_it_talks_to_anybody() {
    let with =
        |more: &[&str]| pkjwt(token_command(["--token-endpoint", "https://as.invalid/"], "p256", more));
    let line = with(&["--param", "canary"]).usage(&["--param", "name=value"]);
    assert!(!line.contains("canary"));
    for parameter in ["grant_type=x", "client_secret=canary", "client_assertion=canary"] {
        let line = with(&["--param", parameter]).usage(&["--param", "set by the request itself"]);
        assert!(!line.contains("canary"));
    }
    with(&["--param", "a=1", "--param", "a=2"]).usage(&["`a` is there already"]);
    with(&["--issuer", "https://as.invalid"]).clap();
    with(&["--profile", "unheard-of"]).clap();
    with(&["--audience", ""]).usage(&["audience is empty"]);
    for flag in ["--issuer", "--token-endpoint"] {
        pkjwt(token_command([flag, ""], "p256", &[])).clap();
    }
    pkjwt(["token", "--key", "k", "--client-id", "c"]).clap();
    with(&["--ca-file", "missing.pem"]).refused(&["missing.pem"]);
    let place = Place::new();
    with(&["--ca-file", &place.put("ca.pem", "nothing in it")]).refused(&["ca.pem", "no certificate"]);
    let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    with(&["--ca-file", &place.put("damaged.pem", damaged)]).refused(&["damaged.pem"]);
    with(&["--ca-file", &testdata("ca.cert.pem"), "--alg", "RS256"]).refused(&["RS256 needs"]);
}

#[test]
fn serve_registers_by_url_and_verify_asks_it() {
    let place = Place::new();
    // The server publishes its own key as a JWK Set; as a client's keys that is as good as any.
    let first = Server::start(&[format!("p256={}", place.jwks("p256"))]);
    let mut second = Server::start(&[format!("p256={}", first.jwks_uri)]);
    pkjwt(token_command(["--issuer", &second.issuer], "p256", &[]))
        .refused(&["invalid_client", "no key in the set"]);
    assert!(second.outcome().contains("401"));

    let jwt = assertion(&testdata("p256.pkcs8.pem"), &[]);
    verify(&jwt, &first.jwks_uri).refused(&["no key in the set fits ES256"]);
    verify(&jwt, &first.issuer).refused(&["answered 404"]);
    verify(&jwt, "http://as.example/jwks").refused(&["plain http"]);
    verify(&jwt, &first.token_endpoint).refused(&["answered 405"]);
}

#[test]
fn serve_refuses_what_it_cannot_serve() {
    let place = Place::new();
    let jwks = place.jwks("p256");
    let with = |client: &str| pkjwt(["serve", "--listen", "127.0.0.1:0", "--client", client]);
    let private = testdata("p256.pkcs8.pem");
    with(&format!("c={private}")).refused(&["p256.pkcs8.pem", "private key", "pkjwt jwks"]);
    let encrypted = testdata("p256.scrypt-aes256.pem");
    with(&format!("c={encrypted}")).refused(&["private key"]);
    with("c=missing.json").refused(&["missing.json"]);
    with("c=http://as.example/jwks").refused(&["plain http"]);
    with(&format!("c={}", place.put("none.json", r#"{"keys":[]}"#))).refused(&["no key"]);
    for client in ["c", "=x", "c="] {
        with(client).usage(&["ID=FILE_OR_URL"]);
    }
    let twice = format!("c={jwks}");
    pkjwt(["serve", "--client", &twice, "--client", &twice]).usage(&["`c`", "more than once"]);
    pkjwt(["serve", "--listen", "0.0.0.0:0", "--client", &twice]).refused(&["0.0.0.0", "loopback"]);
    for address in ["here", "localhost:8080", "8080"] {
        let run = pkjwt(["serve", "--listen", address, "--client", &twice]);
        assert!(run.stderr.contains("such as 127.0.0.1:8080"), "{}", run.stderr);
        run.clap();
    }
    pkjwt(["serve"]).clap();
}

// ---- everything

#[test]
fn help_has_an_example_and_usage_errors_are_status_2() {
    for command in ["keygen", "jwks", "assert", "token", "verify", "serve"] {
        let help = pkjwt([command, "--help"]).done();
        assert!(help.contains("Example") && help.contains(&format!("pkjwt {command}")), "{help}");
        pkjwt([command, "--no-such-option"]).clap();
    }
    assert!(pkjwt(["--help"]).done().contains("Exit status"));
    assert!(pkjwt(["--version"]).done().starts_with("pkjwt "));
    pkjwt(["unheard-of"]).clap();
    assert_eq!(pkjwt([""; 0]).status, Some(2));
}

#[test]
fn a_reader_that_has_gone_away_is_no_panic() {
    let key = testdata("rsa2048.pkcs8.pem");
    for arguments in
        [assert_command(&key, &[]), vec!["jwks".to_owned(), key.clone()], vec!["--help".to_owned()]]
    {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = command(&arguments).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
    }
}
