//! `pkjwt inspect`.

use std::fs;

use private_key_jwt::{JwkSet, PrivateKey};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::run::{
    KEYS, PASSPHRASE, Place, assertion, pkjwt, pkjwt_env, pkjwt_stdin, private_key, testdata, to_base64url,
};

/// The output for a key of testdata, by the name of its file.
fn inspect(file: &str) -> String {
    pkjwt(["inspect", &testdata(file)]).done()
}

fn as_json(arguments: &[&str]) -> Value {
    let printed = pkjwt(["inspect", "--json"].iter().chain(arguments)).done();
    assert!(printed.is_ascii());
    serde_json::from_str(&printed).unwrap()
}

/// A JWT of this header and these claims, with a signature of random bytes.
fn jwt(header: &str, claims: &str) -> String {
    format!("{}.{}.{}", to_base64url(header), to_base64url(claims), to_base64url([1; 64]))
}

#[test]
fn inspect_names_a_private_key_in_every_format() {
    let place = Place::new();
    let thumbprint = private_key("p256").thumbprint();
    let expected = |format: &str| {
        format!(
            "kind: private key\nformat: {format}\ntype: EC P-256\nsize: 256 bits\nalgorithm: ES256\nkid: {thumbprint}\n\
             thumbprint: {thumbprint}\nchecked:\n  private value: above zero and below the order of the curve\n  parts: \
             the point belongs to the private value\n"
        )
    };
    for (file, format) in [
        ("p256.pkcs8.pem", "PKCS#8, PEM"),
        ("p256.pkcs8.der", "PKCS#8, DER"),
        ("p256.sec1.pem", "SEC1, PEM"),
        ("p256.sec1.der", "SEC1, DER"),
        ("p256.sec1-params.pem", "SEC1, PEM"),
        ("p256.jwk.json", "JWK, JSON"),
        ("p256.bom.pem", "PKCS#8, PEM"),
    ] {
        assert_eq!(inspect(file), expected(format), "{file}");
    }
    for (file, format) in [
        ("p256.scrypt-aes256.pem", "encrypted PKCS#8, PEM"),
        ("p256.pbkdf2-sha256-aes256.der", "encrypted PKCS#8, DER"),
        ("p256.no-certificate.p12", "PKCS#12, DER"),
    ] {
        let file = testdata(file);
        let arguments = ["inspect", &file, "--passphrase-env", "PKJWT_TEST"];
        assert_eq!(pkjwt_env(arguments, "PKJWT_TEST", PASSPHRASE).done(), expected(format));
        pkjwt_env(arguments, "PKJWT_TEST", "wrong").refused(&[&file, "passphrase does not decrypt"]);
        pkjwt(["inspect", &file]).refused(&[&file, "encrypted", "--passphrase-env"]);
    }
    let open = inspect("p256.open.p12");
    assert!(open.starts_with(&expected("PKCS#12, DER")) && open.contains("\ncertificate:\n"), "{open}");
    let chain = ["inspect", &testdata("rsa2048.chain.p12"), "--json", "--passphrase-env", "PKJWT_TEST"];
    let chain: Value = serde_json::from_str(&pkjwt_env(chain, "PKJWT_TEST", PASSPHRASE).done()).unwrap();
    let subjects = chain["certificates"].as_array().unwrap().iter().map(|found| &found["subject"]);
    let names = ["CN=private-key-jwt test leaf", "CN=private-key-jwt test CA"];
    assert_eq!(subjects.collect::<Vec<_>>(), names.map(Value::from).iter().collect::<Vec<_>>());
    let rsa = inspect("rsa2048.pkcs1.der");
    let head = "kind: private key\nformat: PKCS#1, DER\ntype: RSA\nsize: 2048 bits\nalgorithm: RS256\nkid: ";
    assert!(rsa.starts_with(head), "{rsa}");
    assert!(inspect("rsa2048-pss.pkcs8.pem").contains("\nalgorithm: PS256\n"));
    let named = inspect("one-private.jwks.json");
    assert!(named.contains("format: JWK Set, JSON\n") && named.contains("\nkid: my-key-1\n"), "{named}");
    // The same from standard input, surrounded by white space.
    let pem = fs::read_to_string(testdata("p256.pkcs8.pem")).unwrap();
    let printed = pkjwt_stdin(["inspect", "-"], format!("\r\n {pem}\n ").as_bytes()).done();
    assert_eq!(printed, expected("PKCS#8, PEM"));
    let generated = place.name("key.pem");
    pkjwt(["keygen", "--alg", "Ed25519", "--out", &generated]);
    let found = as_json(&[&generated]);
    assert_eq!((&found["algorithm"], &found["size"]), (&json!("EdDSA"), &json!(255)));
}

#[test]
fn inspect_says_what_is_around_a_key() {
    let place = Place::new();
    let pem = fs::read_to_string(testdata("p256.pkcs8.pem")).unwrap();
    let secret = json!({"kind": "Secret", "data": {"tls.key": to_base64url(&pem)}}).to_string();
    let google = json!({"private_key_id": "k7", "private_key": pem}).to_string();
    for (content, format, key_id) in [
        (pem.replace('\n', "\\n"), "PKCS#8, PEM", None),
        (pem.replace("PRIVATE KEY", "RSA PRIVATE KEY"), "PKCS#8, PEM", None),
        (to_base64url(&pem), "PKCS#8, PEM, in base64", None),
        (secret, "PKCS#8, PEM, in a JSON document", None),
        (google, "PKCS#8, PEM, in a JSON document", Some("k7")),
    ] {
        let found = as_json(&[&place.put("key", content)]);
        let thumbprint = private_key("p256").thumbprint().to_string();
        assert_eq!((&found["format"], &found["thumbprint"]), (&json!(format), &json!(thumbprint)));
        assert_eq!(found["kid"], key_id.unwrap_or(&thumbprint));
    }
}

#[test]
fn inspect_shows_nothing_private() {
    let mut checked = 0;
    for (stem, _) in KEYS {
        let jwk = fs::read(testdata(&format!("{stem}.jwk.json")));
        let Ok(jwk) = jwk.map(|jwk| serde_json::from_slice::<Value>(&jwk).unwrap()) else { continue };
        for file in [format!("{stem}.jwk.json"), format!("{stem}.pkcs8.pem")] {
            let file = testdata(&file);
            let printed = pkjwt(["inspect", &file]).done() + &pkjwt(["inspect", &file, "--json"]).done();
            for member in ["d", "p", "q", "dp", "dq", "qi"] {
                if let Some(value) = jwk[member].as_str() {
                    assert!(!printed.contains(value), "{member} of {file}");
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 10, "{checked}");
}

const RSA_PRIVATE_CHECKS: &str = "checked:\n  size: 2048 to 8192 bits\n  public exponent: odd, from 3 to 2^33-1\n  \
    parts: two primes whose product is the modulus, and exponents that belong to them\n  small factors: no prime below \
    4096 divides the modulus\n  close primes: the primes differ as FIPS 186-5 A.1.3 demands\n  private exponent: longer \
    than half the modulus (FIPS 186-5 A.1.1)\n  ROCA: the modulus does not have the structure of \
    CVE-2017-15361\n";

/// The lines about the checks of a public RSA key.
fn rsa_public_checks(indent: &str) -> String {
    let checks = [
        "checked:",
        "  size: 2048 to 8192 bits",
        "  public exponent: odd, from 3 to 2^33-1",
        "  small factors: no prime below 4096 divides the modulus",
        "  close primes: none found in 100 steps of Fermat's method",
        "  prime modulus: the modulus is not a prime",
        "  dependent primes: the modulus is not a power of a prime, and its primes do not depend on each other",
        "  ROCA: the modulus does not have the structure of CVE-2017-15361",
    ];
    checks.map(|line| format!("{indent}{line}\n")).concat()
}

#[test]
fn inspect_says_what_is_wrong_with_a_weak_key() {
    let place = Place::new();
    for (name, says) in [
        ("small-factor", "its modulus is divisible by 4093"),
        ("close-primes", "its primes are too close to each other (FIPS 186-5 A.1.3)"),
        ("prime-modulus", "its modulus is a prime number"),
        ("roca", "its primes have the structure of ROCA (CVE-2017-15361)"),
    ] {
        let file = testdata(&format!("bad/rsa2048.{name}.jwk.json"));
        let line = format!("the RSA key can be factored: {says}; generate a new key");
        assert_eq!(pkjwt(["inspect", &file]).refused(&[]), format!("pkjwt: {file}: {line}\n"));
        let mut jwk: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        jwk.as_object_mut().unwrap().retain(|name, _| ["kty", "n", "e"].contains(&name.as_str()));
        let file = place.put("public.json", jwk.to_string());
        assert_eq!(pkjwt(["inspect", &file]).refused(&[]), format!("pkjwt: {file}: {line}\n"));
        let set = place.put("set.json", json!({"keys": [jwk]}).to_string());
        assert_eq!(
            pkjwt(["inspect", &set]).done(),
            format!("kind: public keys\nformat: JWK Set, JSON\nkey:\n  unusable: {line}\n")
        );
    }
}

#[test]
fn inspect_shows_public_keys_and_certificates() {
    let thumbprint = private_key("rsa2048").thumbprint();
    assert_eq!(
        inspect("rsa2048.pub.pem"),
        format!(
            "kind: public key\nformat: SubjectPublicKeyInfo, PEM\ntype: RSA\nsize: 2048 bits\nalgorithms: RS256, RS384, \
             RS512, PS256, PS384, PS512\nthumbprint: {thumbprint}\n{}",
            rsa_public_checks("")
        )
    );
    let found = as_json(&[&testdata("rsa2048.cert.der")]);
    assert_eq!((&found["kind"], &found["format"]), (&json!("certificate"), &json!("X.509 certificate, DER")));
    assert_eq!(found["thumbprint"], thumbprint.to_string());
    let printed = inspect("rsa2048.key-then-chain.pem");
    assert!(printed.contains(RSA_PRIVATE_CHECKS), "{printed}");
    let chain: Vec<&str> = printed.lines().skip(15).collect();
    assert_eq!(
        &chain[..5],
        [
            "certificate 1:",
            "  state: within its dates",
            "  subject: CN=private-key-jwt test leaf",
            "  issuer: CN=private-key-jwt test CA",
            "  serial number: 02"
        ]
    );
    let from = chain[5].strip_prefix("  valid from: 20").unwrap();
    assert!(from.ends_with(" ago") && from[17..].starts_with("Z, "), "{from}");
    let until = chain[6].strip_prefix("  valid until: 21").unwrap();
    assert!(until.ends_with(" years") && until[17..].starts_with("Z, in "), "{until}");
    assert_eq!((chain[7], chain.len()), ("certificate 2:", 14));
    let public = as_json(&[&testdata("bad/p256.public-only.jwk.json")]);
    assert_eq!((&public["kind"], &public["algorithms"]), (&json!("public key"), &json!(["ES256"])));
}

#[test]
fn inspect_says_in_words_which_certificate_is_not_good_any_more_or_yet() {
    /// The same certificate with different bytes after these; its signature is not checked.
    fn patched(der: &[u8], behind: &[u8], with: &[u8]) -> Vec<u8> {
        let places = (0..der.len() - behind.len()).filter(|at| der[*at..].starts_with(behind));
        let places: Vec<usize> = places.map(|at| at + behind.len()).collect();
        assert!(!places.is_empty());
        let mut der = der.to_vec();
        places.iter().for_each(|at| der[*at..at + with.len()].copy_from_slice(with));
        der
    }
    let place = Place::new();
    let original = fs::read(testdata("rsa2048.cert.der")).unwrap();
    // A UTCTime of 13 characters, and a GeneralizedTime of 15.
    let dates = |name: &str, from: &[u8; 13], until: &[u8; 15]| {
        place.put(name, patched(&patched(&original, b"\x17\x0d", from), b"\x18\x0f", until))
    };
    let expired = dates("expired.der", b"201122000000Z", b"20211029000000Z");
    let printed = pkjwt(["inspect", &expired]).done();
    assert!(printed.contains("\n  state: expired\n"), "{printed}");
    assert!(printed.contains("\n  valid until: 2021-10-29T00:00:00Z, "), "{printed}");
    assert!(printed.ends_with(" years ago\n"), "{printed}");
    let early = dates("early.der", b"491122000000Z", b"99991231235959Z");
    let printed = pkjwt(["inspect", &early]).done();
    assert!(printed.contains("\n  state: not yet valid\n"), "{printed}");
    assert!(printed.contains("\n  valid from: 2049-11-22T00:00:00Z, in "), "{printed}");
    assert!(printed.contains("\n  valid until: 9999-12-31T23:59:59Z, in "), "{printed}");
    assert_eq!(as_json(&[&early])["certificates"][0]["state"], "not yet valid");

    // A UTF8String of 20 bytes.
    let name = patched(&original, b"\x0c\x14", b"\x1b[2J\nkind: x\xc2\x9b\xe2\x80\xaeabc");
    let hostile = place.put("hostile.der", name);
    let printed = pkjwt(["inspect", &hostile]).done();
    assert!(printed.contains("  subject: CN=\\1b[2J\\0akind: x\\u{9b}\\u{202e}abc\n"), "{printed}");
    assert!(!printed.contains(['\u{1b}', '\u{9b}', '\u{202e}']));
    assert!(pkjwt(["inspect", &hostile, "--json"]).done().is_ascii());
}

#[test]
fn inspect_of_a_set_shows_each_key_and_why_one_cannot_be_used() {
    let place = Place::new();
    let [first, second] = ["p256", "p384"].map(|stem| private_key(stem).public_jwk().clone());
    let set = JwkSet::from_iter([first.clone(), second]).to_json();
    let found = as_json(&[&place.put("set.json", &set)]);
    assert_eq!((&found["kind"], &found["format"]), (&json!("public keys"), &json!("JWK Set, JSON")));
    let keys = found["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    assert_eq!(
        keys[0],
        json!({"type": "EC P-256", "size": 256, "algorithms": ["ES256"], "use": "sig",
            "kid": first.thumbprint().to_string(), "thumbprint": first.thumbprint().to_string(),
            "checked": {"point": "on the curve, and not at infinity"}})
    );
    let odd = r#"{"keys":[{"kty":"AKP","alg":"ML-DSA-44"},
        {"kty":"RSA","kid":"old\u001b[2J","n":"AQAB","e":"AQAB"}]}"#;
    assert_eq!(
        pkjwt(["inspect", &place.put("odd.json", odd)]).done(),
        "kind: public keys\nformat: JWK Set, JSON\nkey:\n  kid: old\\u{1b}[2J\n  unusable: the RSA key has 17 bits, \
         allowed: 2048 to 8192\nskipped key:\n  place: 1\n  unusable: unsupported key type: AKP\n"
    );
    let empty = place.put("empty.json", "\u{feff}{\"keys\":[]}");
    assert_eq!(pkjwt(["inspect", &empty]).done(), "kind: public keys\nformat: JWK Set, JSON\n");
    pkjwt(["inspect", &testdata("two-private.jwks.json")]).refused(&["expected one private key, found 2"]);
}

#[test]
fn inspect_of_a_token_shows_what_it_says_and_that_it_was_not_checked() {
    let place = Place::new();
    let now = OffsetDateTime::now_utc().unix_timestamp();
    // Half a minute more than is shown, so that the time of this test does not matter.
    let (exp, iat) = (now + 3 * 86_400 + 30, now - 240);
    let token = jwt(
        r#"{"typ":"at+jwt","alg":"ES256","x\u001b[2J":"\u202e"}"#,
        &format!(r#"{{"iss":"\u009b2J","exp":{exp},"iat":{iat},"nbf":"soon"}}"#),
    );
    let at = |seconds| {
        let rfc3339 = &time::format_description::well_known::Rfc3339;
        OffsetDateTime::from_unix_timestamp(seconds).unwrap().format(rfc3339).unwrap()
    };
    let expected = format!(
        "kind: JWT\nverified: no, nothing was checked; anyone can write a token like this\nstate: within its \
         dates\ntimes:\n  exp: {}, in 3 days\n  nbf: not a number of seconds since 1970 (RFC 7519 §2)\n  iat: {}, 4 \
         minutes ago\nheader: {{\n  \"alg\": \"ES256\",\n  \"typ\": \"at+jwt\",\n  \"x\\u001b[2J\": \
         \"\\u202e\"\n}}\nclaims: {{\n  \"exp\": {exp},\n  \"iat\": {iat},\n  \"iss\": \"\\u009b2J\",\n  \"nbf\": \
         \"soon\"\n}}\n",
        at(exp),
        at(iat)
    );
    assert_eq!(pkjwt(["inspect", &token]).done(), expected);
    assert_eq!(pkjwt(["inspect", &place.put("token", format!(" {token}\r\n"))]).done(), expected);
    assert_eq!(pkjwt_stdin(["inspect", "-"], token.as_bytes()).done(), expected);
    // The output does not repeat the token, or any usable part of it.
    for part in token.split('.') {
        assert!(!expected.contains(part));
    }
    assert_eq!(
        as_json(&[&token]),
        json!({"kind": "JWT", "verified": false, "state": "within its dates",
            "times": {"exp": at(exp), "iat": at(iat), "nbf": "not a number of seconds since 1970 (RFC 7519 §2)"},
            "header": {"typ": "at+jwt", "alg": "ES256", "x\u{1b}[2J": "\u{202e}"},
            "claims": {"iss": "\u{9b}2J", "exp": exp, "iat": iat, "nbf": "soon"}})
    );
    let real = assertion(&testdata("p256.pkcs8.pem"), &[]);
    assert_eq!(as_json(&[&real])["claims"]["iss"], "client");

    let state = |claims: &str| as_json(&[&jwt(r#"{"alg":"ES256"}"#, claims)])["state"].clone();
    assert_eq!(state(r#"{"exp":1300819380}"#), "expired");
    assert_eq!(state(r#"{"exp":9999999999,"nbf":9999999990}"#), "not yet valid");
    assert_eq!(state("{}"), Value::Null);
    // RFC 7519 §6.1: shown, with the reason why every verifier rejects it.
    let none = as_json(&[&jwt(r#"{"alg":"none"}"#, "{}")]);
    assert_eq!(none["problem"], "unsupported algorithm `none`");
}

#[test]
fn inspect_meets_hostile_input_with_one_line() {
    let place = Place::new();
    let ok = r#"{"alg":"ES256"}"#;
    let deep = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    let long = jwt(ok, &format!(r#"{{"a":"{}"}}"#, "x".repeat(1_000_000)));
    let limit = PrivateKey::MAX_FILE_LEN;
    let garbage: Vec<u8> = [0x30, 0x82, 1, 0].into_iter().chain(0..=255).collect();
    for (content, line) in [
        (long.clone(), "more than 1048576 bytes, too long for a key or a token"),
        ("x".repeat(limit + 1), "more than 1048576 bytes, too long for a key or a token"),
        (String::new(), "the key file is empty"),
        ("hello".to_owned(), "neither a key (PEM, DER or JSON) nor a JWT"),
        ("[".repeat(10_000), "neither a key (PEM, DER or JSON) nor a JWT"),
        (r#"{"access_token":"x"}"#.to_owned(), "a JWK has no member `kty`"),
        (r#"{"kty":"EC","kty":"RSA"}"#.to_owned(), "a JWK has the member `kty` more than once"),
        (r#"{"keys":["#.repeat(10_000), "a JWK is not JSON (line 1, column 90000)"),
        (jwt(r#"{"alg":"ES256","alg":"none"}"#, "{}"), "the JWS header has the member `alg` more than once"),
        (jwt(ok, r#"{"a":{"b":1,"b":1}}"#), "the claims set has the member `b` more than once"),
        (jwt(&deep, "{}"), "the JWS header is not JSON (line 1, column 636)"),
        (jwt(ok, &deep), "the claims set is not JSON (line 1, column 636)"),
        (jwt(ok, "[]"), "the claims set is not a JSON object"),
        (jwt(ok, "text"), "the claims set is not JSON (line 1, column 2)"),
        (jwt(ok, "{}") + ".x.y", "a compact JWS has three parts, found 5"),
        (jwt(ok, "{}").replace('.', "=."), "the JWS header is not base64url without padding"),
    ] {
        let file = place.put("file", &content);
        let run = pkjwt(["inspect", &file]);
        assert_eq!(run.refused(&[]), format!("pkjwt: {file}: {line}\n"));
    }
    // A key that cannot be read does not hide the other keys of its set.
    let file = place.put("set", r#"{"keys":[{"kty":"EC","kty":"RSA"}]}"#);
    assert_eq!(
        pkjwt(["inspect", &file]).done(),
        "kind: public keys\nformat: JWK Set, JSON\nskipped key:\n  place: 1\n  \
         unusable: a JWK has the member `kty` more than once\n"
    );
    let file = place.put("garbage", garbage);
    assert_eq!(pkjwt(["inspect", &file]).refused(&[]), format!("pkjwt: {file}: damaged DER: not a key\n"));
    // A token is shown up to the length of a key file, with a warning from 16 KiB on.
    let token = jwt(ok, &format!(r#"{{"a":"{}"}}"#, "x".repeat(100_000)));
    let shown = as_json(&[&place.put("token", &token)]);
    let problem = format!("the JWT has {} bytes, at most 16384 are read", token.len());
    assert_eq!(
        (shown["problem"].as_str(), shown["claims"]["a"].as_str().unwrap().len()),
        (Some(&*problem), 100_000)
    );
    // A token in the place of a file name is not repeated.
    let damaged = jwt(ok, "x");
    assert_eq!(
        pkjwt(["inspect", &damaged]).refused(&[]),
        "pkjwt: the token: the claims set is not JSON (line 1, column 1)\n"
    );

    assert_eq!(
        pkjwt(["inspect", "missing.pem"]).refused(&[]),
        "pkjwt: missing.pem: No such file or directory (os error 2)\n"
    );
    #[cfg(unix)]
    {
        assert_eq!(pkjwt(["inspect", "/dev/null"]).refused(&[]), "pkjwt: /dev/null: the key file is empty\n");
        pkjwt(["inspect", "/dev/zero"]).refused(&["/dev/zero: more than 1048576 bytes"]);
        let directory = place.name("");
        assert_eq!(
            pkjwt(["inspect", &directory]).refused(&[]),
            format!("pkjwt: {directory}: Is a directory (os error 21)\n")
        );
    }
    for (file, line) in [
        ("bad/csr.pem", "neither a key nor a certificate: CERTIFICATE REQUEST"),
        ("bad/rsa1024.pkcs8.pem", "the RSA key has 1024 bits, allowed: 2048 to 8192"),
        (
            "bad/two-keys.pem",
            "expected one private key, found 2: (1) thumbprint -8XI0VfIx_ICgFnTLhuCkWSA8XR6yWW2GzssDGWCtu0; (2) thumbprint O2LLTCBW_ROG483Md87aOsyJO1GLWd38x7eHk2UVBTk; select one by alias, kid or thumbprint with --entry NAME",
        ),
        ("bad/truncated.pem", "damaged PEM: a BEGIN line without its END line"),
    ] {
        let file = testdata(file);
        assert_eq!(pkjwt(["inspect", &file]).refused(&[]), format!("pkjwt: {file}: {line}\n"));
    }
    pkjwt(["inspect"]).clap();
    pkjwt(["inspect", ""]).clap();
}

#[test]
fn a_key_in_the_place_of_its_file_is_never_shown() {
    let pem = std::fs::read_to_string(testdata("ed25519.pkcs8.pem")).unwrap();
    let body = pem.lines().nth(1).unwrap();
    let assert = ["assert", "--client-id", "client", "--audience", "https://as.example"];
    for arguments in [
        vec!["inspect", &pem],
        vec!["jwks", &pem],
        [&assert[..], &["--key", &pem]].concat(),
        vec!["keygen", "--alg", &pem],
        vec![&pem],
    ] {
        let said = pkjwt(arguments).usage(&["found a PEM private key"]);
        assert!(!said.contains(body) && said.lines().count() == 1, "{said}");
    }
    let whole = format!("--key={pem}");
    for key in [vec!["--key", body], vec![whole.as_str()]] {
        let said = pkjwt([&assert[..], &key].concat()).usage(&["--key: expected a path, found "]);
        assert!(!said.contains(body), "{said}");
    }
}
