//! Mistakes in the key, and in the client's published keys.

use std::path::Path;

use private_key_jwt::doctor::{KeySource, Setup, examine};
use private_key_jwt::keys::KeyLoader;
use private_key_jwt::{Algorithm, PrivateKey};
use time::OffsetDateTime;

use crate::support::clock::TestClock;
use crate::support::{key, now, testdata};
use crate::world::{JWKS_URL, World, jwks, set};
use crate::{Mistake, assert_found};

fn file(name: &str) -> KeySource {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/keys").join(name);
    PrivateKey::from_bytes(&std::fs::read(path).unwrap()).into()
}

/// Offline: nothing but the key is examined.
async fn of_key(
    name: &'static str,
    source: KeySource,
    now: OffsetDateTime,
    cause: &'static str,
    text: &'static str,
) -> Mistake {
    let setup = Setup::new("https://as.example", "client", source).offline();
    let report = examine(&setup.clock(TestClock::new().at(now))).await;
    let wrong: &[&str] = match cause {
        "key/load" => &["key/load"],
        "key/certificate" => &["key/certificate"],
        _ => &[],
    };
    Mistake { name, report, wrong, cause, text }
}

#[tokio::test]
async fn a_bad_key_is_named() {
    let at = |seconds: i64| OffsetDateTime::from_unix_timestamp(seconds).unwrap();
    let certified = || file("p256.key-then-cert.pem");
    let mut mistakes = vec![
        of_key("ROCA", file("bad/rsa2048.roca.jwk.json"), now(), "key/load", "CVE-2017-15361").await,
        of_key("1024 bits", file("bad/rsa1024.pkcs8.pem"), now(), "key/load", "has 1024 bits").await,
        of_key("close primes", file("bad/rsa2048.close-primes.jwk.json"), now(), "key/load", "factored")
            .await,
        of_key("a public key", file("p256.pub.pem"), now(), "key/load", "expected a private key").await,
        of_key("encrypted", file("p256.pbkdf2-sha256-aes256.pem"), now(), "key/load", "encrypted").await,
        of_key("other certificate", file("p256.key-then-wrong-cert.pem"), now(), "key/load", "another key")
            .await,
        of_key("expired", certified(), at(4_948_906_868), "key/certificate", "expired on 2126-10-29").await,
        of_key("early", certified(), at(1_795_306_866), "key/certificate", "not valid before 2026-11-22")
            .await,
        of_key("expires soon", certified(), at(4_948_000_000), "key/certificate", "expires on 2126-10-29")
            .await,
    ];
    mistakes.last_mut().unwrap().wrong = &[];
    let missing = KeySource::file("/no/such/key.pem", &KeyLoader::new());
    mistakes.push(of_key("missing", missing, now(), "key/load", "cannot read /no/such/key.pem").await);
    assert_found(mistakes);
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_that_others_can_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("client.pem");
    std::fs::write(&path, testdata("keys/p256.pkcs8.pem")).unwrap();
    let mut mistakes = Vec::new();
    for (name, mode, text) in [
        ("all", 0o644, "every user of this machine has access to"),
        ("group", 0o640, "the group of the file has access to"),
    ] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let source = KeySource::file(&path, &KeyLoader::new());
        mistakes.push(of_key(name, source, now(), "key/permissions", text).await);
    }
    assert_found(mistakes);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let setup =
        Setup::new("https://as.example", "client", KeySource::file(&path, &KeyLoader::new())).offline();
    let report = examine(&setup).await;
    let found = crate::finding(&report, "key/permissions").unwrap();
    assert_eq!(found.verdict, private_key_jwt::doctor::Verdict::Good);
    assert!(found.text.ends_with("client.pem (mode 0600)"), "{}", found.text);
}

/// The server knows the key: only the published keys are wrong.
async fn published(name: &'static str, json: String, cause: &'static str, text: &'static str) -> Mistake {
    let key = key("p256.pkcs8.pem");
    let world = World::new(&key);
    let report = examine(&world.setup(key).jwks(json)).await;
    let wrong: &[&str] = match cause {
        "jwks/key" => &["jwks/key"],
        "jwks/private-members" => &["jwks/private-members", "jwks/key"],
        "jwks/use-and-alg" => &["jwks/use-and-alg"],
        "jwks/duplicate-kid" => &["jwks/duplicate-kid"],
        "jwks/document" => &["jwks/document"],
        "jwks/certificate" => &["jwks/certificate"],
        _ => &[],
    };
    Mistake { name, report, wrong, cause, text }
}

#[tokio::test]
async fn a_bad_set_of_published_keys_is_named() {
    let own = key("p256.pkcs8.pem");
    let other = PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap();
    let text = |text: &str| serde_json::Value::from(text);
    let renamed = other.clone().with_key_id(own.key_id().as_str());
    let private = format!(r#"{{"keys":[{}]}}"#, String::from_utf8(testdata("keys/p256.jwk.json")).unwrap());
    let twice = set(&[&own, &renamed]);
    let odd = set(&[&own]).replace("]}", r#",{"kty":"EC","crv":"P-192"}]}"#);
    let mut mistakes = vec![
        published("not in the JWKS", set(&[&other]), "jwks/key", "is not published; the set has \"").await,
        published("empty", r#"{"keys":[]}"#.to_owned(), "jwks/key", "the set has no usable key").await,
        published(
            "wrong kid",
            jwks(&own, |jwk| drop(jwk.insert("kid".to_owned(), text("old")))),
            "jwks/key",
            "is published under the kid \"old\", but assertions name \"",
        )
        .await,
        published(
            "the kid of another key",
            set(&[&renamed]),
            "jwks/key",
            "names another key there: its thumbprint is",
        )
        .await,
        published(
            "no kid",
            jwks(&own, |jwk| drop(jwk.remove("kid"))),
            "jwks/key",
            "published without a kid, but assertions name",
        )
        .await,
        published("private members", private, "jwks/private-members", "has a private value").await,
        published(
            "use: enc",
            jwks(&own, |jwk| drop(jwk.insert("use".to_owned(), text("enc")))),
            "jwks/use-and-alg",
            "does not verify signatures (its `use` is \"enc\")",
        )
        .await,
        published(
            "another alg",
            jwks(&own, |jwk| drop(jwk.insert("alg".to_owned(), text("ECDH-ES")))),
            "jwks/use-and-alg",
            "does not verify signatures (its `alg` is \"ECDH-ES\")",
        )
        .await,
        published(
            "key_ops",
            jwks(&own, |jwk| drop(jwk.insert("key_ops".to_owned(), serde_json::json!(["sign"])))),
            "jwks/use-and-alg",
            "(its `key_ops` is \"sign\")",
        )
        .await,
        published(
            "no use",
            jwks(&own, |jwk| drop(jwk.remove("use"))),
            "jwks/use-and-alg",
            "has no `use`; some servers skip such a key",
        )
        .await,
        published("duplicate kid", twice, "jwks/duplicate-kid", "two different keys have the kid").await,
        published("an odd key", odd, "jwks/other-keys", "key 2 of the set cannot be used: ").await,
        published("no set", "<html>".to_owned(), "jwks/document", "is not a usable JWK Set").await,
        published("one JWK", own.public_jwk().to_json(), "jwks/document", "is not a usable JWK Set").await,
        published(
            "another certificate",
            jwks(&own, |jwk| {
                let other = key("rsa2048.key-then-chain.pem");
                let jwk_of_other: serde_json::Value =
                    serde_json::from_str(&other.public_jwk().to_json()).unwrap();
                jwk.insert("x5c".to_owned(), jwk_of_other["x5c"].clone());
            }),
            "jwks/certificate",
            "the certificate is for another key",
        )
        .await,
    ];
    for mistake in &mut mistakes {
        if mistake.name == "no use" {
            mistake.wrong = &[];
        }
    }
    assert_found(mistakes);
}

/// The published keys are right, but something about their URL is wrong.
async fn at_url(
    name: &'static str,
    url: &str,
    headers: &[(&str, &str)],
    status: u16,
    cause: &'static str,
    text: &'static str,
) -> Mistake {
    let key = key("p256.pkcs8.pem");
    let body = if status == 200 { set(&[&key]) } else { String::new() };
    let world = World::new(&key).with(url, crate::support::http::answer(status, headers, body));
    let report = examine(&world.setup(key).jwks_url(url)).await;
    let wrong: &[&str] = match cause {
        "jwks/url" => &["jwks/url"],
        "jwks/fetch" => &["jwks/fetch"],
        _ => &[],
    };
    Mistake { name, report, wrong, cause, text }
}

#[tokio::test]
async fn a_bad_jwks_url_is_named() {
    let moved = [("location", "https://www.app.example/jwks")];
    let mut mistakes = vec![
        at_url("http", "http://app.example/jwks", &[], 200, "jwks/url", "is plain http").await,
        at_url("no URL", "app.example/jwks", &[], 200, "jwks/url", "is not a URL").await,
        at_url("404", JWKS_URL, &[], 404, "jwks/fetch", "answered 404").await,
        at_url("a login", JWKS_URL, &[], 401, "jwks/fetch", "answered 401").await,
        at_url(
            "a redirect",
            JWKS_URL,
            &moved,
            302,
            "jwks/fetch",
            "a redirect to https://www.app.example/jwks",
        )
        .await,
        at_url(
            "stale",
            JWKS_URL,
            &[("age", "86400"), ("cache-control", "max-age=60")],
            200,
            "jwks/cache-time",
            "has been in a cache for 24 hours",
        )
        .await,
        at_url(
            "cached for a day",
            JWKS_URL,
            &[("cache-control", "max-age=86400")],
            200,
            "jwks/cache-time",
            "caches may keep the set for 24 hours, but a new key signs after 5 minutes",
        )
        .await,
        at_url("old", JWKS_URL, &[("age", "900")], 200, "jwks/cache-time", "in a cache for 15 minutes").await,
    ];
    // The server is on another machine than the loopback URL.
    let own = key("p256.pkcs8.pem");
    let world =
        World::new(&own).with("http://127.0.0.1:9/jwks", crate::support::http::ok(&[], &set(&[&own])));
    let setup = world.setup_at("https://as.example", own).jwks_url("http://127.0.0.1:9/jwks");
    mistakes.push(Mistake {
        name: "loopback",
        report: examine(&setup).await,
        wrong: &["discovery/document", "jwks/url"],
        cause: "jwks/url",
        text: "is an address of this machine, which the server cannot reach",
    });
    assert_found(mistakes);
}
