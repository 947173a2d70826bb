//! Secrets in the forms in which they end up in the wrong place, with the mark in each.

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};

use crate::support::MARK;

/// Every form of a secret, with the mark in it.
pub(crate) fn secrets() -> Vec<(&'static str, String)> {
    let seed = format!("{MARK}-and-more");
    assert_eq!(seed.len(), 31);
    let der =
        [&b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"[..], seed.as_bytes(), b"!"]
            .concat();
    let body = Base64::encode_string(&der);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","d":"{MARK}"}}"#);
    let part = Base64UrlUnpadded::encode_string;
    let jwt = format!(
        "{}.{}.c2lnbmF0dXJl",
        part(br#"{"alg":"EdDSA"}"#),
        part(format!(r#"{{"jti":"{MARK}"}}"#).as_bytes())
    );
    vec![
        ("PEM", pem.clone()),
        ("PEM in one line", pem.replace('\n', "\\n")),
        ("PEM in quotes", format!("\"{pem}\"")),
        ("PEM, its end", pem[28..].to_owned()),
        ("a variable's PEM", format!("env:{pem}")),
        ("JWK", jwk.clone()),
        ("JWK, percent-encoded", jwk.replace('"', "%22")),
        ("JWK Set", format!(r#"{{"keys":[{jwk}]}}"#)),
        ("base64 of DER", body.clone()),
        ("base64 of DER behind a name", format!("file:{body}")),
        ("base64 of PEM", Base64::encode_string(pem.as_bytes())),
        ("base64 of a JWK", Base64::encode_string(jwk.as_bytes())),
        ("JWT", jwt),
    ]
}

/// Text that may be a name elsewhere, but is no path and no URL.
pub(crate) fn suspects() -> Vec<(&'static str, String)> {
    vec![
        ("a token", MARK.to_owned()),
        ("a passphrase", format!("correct horse {MARK}")),
        ("a connection string", format!("redis://user:{MARK}@cache.example:6379/0")),
        ("settings", format!("Server=db;User Id=a;Password={MARK};")),
    ]
}
