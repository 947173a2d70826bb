//! What several suites share: a fixed key and time, the canary, a clock, an HTTP client, a server,
//! a load, a folder of keys, random numbers, a log and an observer.
#![allow(dead_code, unreachable_pub, reason = "each suite uses its own part")]

#[cfg(feature = "client")]
pub mod clock;
#[cfg(all(unix, feature = "rotation"))]
pub mod folder;
#[cfg(feature = "client")]
pub mod http;
#[cfg(feature = "client")]
pub mod load;
#[cfg(feature = "client")]
pub mod log;
#[cfg(feature = "client")]
pub mod loopback;
#[cfg(unix)]
pub mod mount;
#[cfg(feature = "client")]
pub mod observed;
pub mod random;

use std::error::Error;

use private_key_jwt::{AuthorizationServer, ClientAssertion, PrivateKey};
use time::OffsetDateTime;

/// Part of every secret in a test.
pub const MARK: &str = "cAnArY-7f3a9c51-sEcReT";

/// A fixed time. Nothing in the suites depends on the real time.
pub fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
}

pub fn testdata(path: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn key(name: &str) -> PrivateKey {
    PrivateKey::from_bytes(&testdata(&format!("keys/{name}"))).unwrap()
}

/// An assertion with the mark in it, so that an echo of any part of it can be found.
pub fn marked_assertion(server: &AuthorizationServer) -> ClientAssertion {
    ClientAssertion::builder("client", server)
        .claim("canary", MARK)
        .unwrap()
        .sign(&key("p256.pkcs8.pem"), now(), MARK)
        .unwrap()
}

/// The forms of the mark: as it is, and in base64 at each of the three positions.
fn shapes() -> Vec<String> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut shapes = vec![MARK.to_owned()];
    for offset in 0..3 {
        let bytes = [&b"xxx"[..offset], MARK.as_bytes()].concat();
        let mut text = String::new();
        for chunk in bytes.chunks_exact(3) {
            let group = u32::from(chunk[0]) << 16 | u32::from(chunk[1]) << 8 | u32::from(chunk[2]);
            text.extend([18, 12, 6, 0].map(|shift| ALPHABET[(group >> shift & 63) as usize] as char));
        }
        // Without the group that the offset changes; eight characters are enough to recognise it.
        text.as_bytes()[4..]
            .chunks_exact(8)
            .for_each(|piece| shapes.push(String::from_utf8_lossy(piece).into()));
    }
    shapes
}

/// Whether a text contains the mark or a piece of its encodings.
pub fn has_mark(text: &str) -> bool {
    let text = text.replace('+', "-").replace('/', "_");
    shapes().iter().any(|shape| text.contains(shape))
}

/// An error as a log would show it: `Display`, `Debug`, and the same of all its sources.
pub fn all_texts(error: &dyn Error) -> String {
    let mut texts = format!("{error}\n{error:#}\n{error:?}\n{error:#?}");
    let mut source = error.source();
    while let Some(error) = source {
        texts.push_str(&format!("\n{error}\n{error:?}"));
        source = error.source();
    }
    texts
}

/// Returns the error. Checks that it shows no secret, and that it is one line.
#[track_caller]
pub fn clean<E: Error + 'static>(error: E) -> E {
    let texts = all_texts(&error);
    assert!(!has_mark(&texts), "a secret shows in: {texts}");
    assert!(!texts.contains("eyJ"), "a piece of a token shows in: {texts}");
    let line = error.to_string();
    assert!(!line.contains('\n') && !line.chars().any(char::is_control), "not one printable line: {line:?}");
    if let Some(source) = error.source() {
        assert!(!line.contains(&source.to_string()), "`{line}` repeats its source");
    }
    error
}

#[test]
fn the_canary_is_found_in_every_shape() {
    let server = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
    assert!(has_mark(MARK));
    assert!(has_mark(marked_assertion(&server).secret()));
    for prefix in ["", "a", "ab", "abc"] {
        let token = ClientAssertion::builder("client", &server)
            .claim("x", format!("{prefix}{MARK}"))
            .unwrap()
            .sign(&key("p256.pkcs8.pem"), now(), "jti")
            .unwrap();
        assert!(has_mark(token.secret()), "{prefix}");
    }
    assert!(!has_mark("an ordinary sentence about a client assertion"));
}
