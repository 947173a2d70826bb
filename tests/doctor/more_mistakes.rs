//! Mistakes that are easily made with files, copies and proxies.

use private_key_jwt::doctor::{KeySource, Report, Setup, examine};
use private_key_jwt::{Algorithm, AuthorizationServer, JwkSet, PrivateKey};
use serde_json::{Value, json};

use crate::support::http::{Answer, answer};
use crate::support::{key, testdata};
use crate::world::{JWKS_URL, ORIGIN, World, jwks, set};
use crate::{Mistake, assert_found};

/// A thumbprint of no certificate.
const OTHER: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn own() -> PrivateKey {
    key("p256.pkcs8.pem")
}

const fn mistake(
    name: &'static str,
    report: Report,
    wrong: &'static [&'static str],
    cause: &'static str,
    text: &'static str,
) -> Mistake {
    Mistake { name, report, wrong, cause, text }
}

/// The file in place of the private key.
async fn in_place_of_the_key(bytes: &[u8]) -> Report {
    let source = KeySource::from(PrivateKey::from_bytes(bytes));
    examine(&Setup::new("https://as.example", "client", source).offline()).await
}

#[tokio::test]
async fn another_file_in_place_of_the_key_is_named() {
    let encrypting = json!({"kty": "EC", "crv": "P-256", "use": "enc"});
    let mut jwk: Value = serde_json::from_slice(&testdata("keys/p256.jwk.json")).unwrap();
    jwk.as_object_mut().unwrap().extend(encrypting.as_object().unwrap().clone());
    assert_found(vec![
        mistake(
            "the public key",
            in_place_of_the_key(&testdata("keys/p256.pub.pem")).await,
            &["key/load"],
            "key/load",
            "expected a private key",
        ),
        mistake(
            "the certificate",
            in_place_of_the_key(&testdata("keys/rsa2048.cert.pem")).await,
            &["key/load"],
            "key/load",
            "expected a private key",
        ),
        mistake(
            "a key for encryption",
            in_place_of_the_key(jwk.to_string().as_bytes()).await,
            &["key/load"],
            "key/load",
            "not for signatures",
        ),
        mistake("an empty file", in_place_of_the_key(b"").await, &["key/load"], "key/load", "empty"),
        mistake("a page", in_place_of_the_key(b"<html>404</html>").await, &["key/load"], "key/load", ""),
    ]);
}

#[tokio::test]
async fn a_client_id_that_was_pasted_with_more_is_named() {
    let at = |client_id: &'static str| {
        let world = World::new(&own());
        let setup = Setup::new(world.dev.issuer(), client_id, own()).clock(world.clock.clone()).http(world);
        async move { examine(&setup).await }
    };
    assert_found(vec![
        mistake(
            "a space",
            at("client ").await,
            &["request/token"],
            "profile/client-id",
            "begins or ends with white space",
        ),
        mistake("quotes", at("\"client\"").await, &["request/token"], "profile/client-id", "is in quotes"),
        mistake(
            "a line end",
            at("client\n").await,
            &["profile/client-id"],
            "profile/client-id",
            "not printable ASCII",
        ),
    ]);
}

/// The published document is this, and the server knows the key.
async fn published(answer: Answer) -> Report {
    let world = World::new(&own()).with(JWKS_URL, answer);
    examine(&world.setup(own()).jwks_url(JWKS_URL)).await
}

#[tokio::test]
async fn a_document_that_is_no_set_is_named() {
    const WRONG: &[&str] = &["jwks/document"];
    let html = [("content-type", "text/html; charset=utf-8")];
    let login = "<!DOCTYPE html><html><title>Sign in</title></html>";
    let good = set(&[&own()]);
    let named = |name, text, report| mistake(name, report, WRONG, "jwks/document", text);
    assert_found(vec![
        named("a login", "it is an HTML page", published(answer(200, &html, login)).await),
        named("a page without tags", "it is an HTML page", published(answer(200, &html, "Sign in")).await),
        named("nothing", "the document is empty", published(answer(200, &[], "")).await),
        named(
            "a byte order mark",
            "begins with a byte order mark",
            published(answer(200, &[], format!("\u{feff}{good}"))).await,
        ),
        named(
            "text after it",
            "text follows the JSON",
            published(answer(200, &[], format!("{good}\n<!-- cached -->"))).await,
        ),
        named(
            "a string",
            "it is a JSON string",
            published(answer(200, &[], serde_json::to_string(&good).unwrap())).await,
        ),
        named(
            "an array",
            "it is an array",
            published(answer(200, &[], format!("[{}]", own().public_jwk().to_json()))).await,
        ),
        named("PEM", "it is PEM", published(answer(200, &[], testdata("keys/p256.pub.pem"))).await),
    ]);
}

#[tokio::test]
async fn a_long_document_is_refused_by_its_size() {
    let limit = PrivateKey::MAX_FILE_LEN;
    let text = "has more than 1048576 bytes, at most 1048576 are read";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    // The set is whole, and white space follows: cut off, it would look right.
    let mut long = set(&[&own()]).into_bytes();
    long.resize(limit + 1, b' ');
    std::fs::write(&path, &long).unwrap();
    let world = || World::new(&own());
    let wrong: &[&str] = &["jwks/document"];
    assert_found(vec![
        mistake(
            "a file",
            examine(&world().setup(own()).jwks_file(&path)).await,
            wrong,
            "jwks/document",
            text,
        ),
        mistake(
            "a document",
            examine(&world().setup(own()).jwks(long.clone())).await,
            wrong,
            "jwks/document",
            text,
        ),
    ]);
    long.pop();
    std::fs::write(&path, &long).unwrap();
    assert!(examine(&world().setup(own()).jwks_file(&path)).await.is_healthy());
}

#[tokio::test]
async fn keys_at_the_wrong_place_are_named() {
    let login = [("location", "https://login.app.example/?next=/jwks")];
    let redirected = published(answer(302, &login, "")).await;
    let world = World::new(&own());
    let of_server = world.dev.authorization_server().jwks_uri().unwrap().to_owned();
    let of_server = examine(&world.setup(own()).jwks_url(of_server)).await;
    assert_found(vec![
        mistake(
            "a login",
            redirected,
            &["jwks/fetch"],
            "jwks/fetch",
            "a redirect to https://login.app.example/",
        ),
        mistake("the server's keys", of_server, &["jwks/url"], "jwks/url", "the server's own keys"),
    ]);
}

#[tokio::test]
async fn a_published_key_with_a_wrong_member_is_named() {
    let own = own().with_key_id("Key-1");
    let of = |change: fn(&mut serde_json::Map<String, Value>)| {
        let world = World::new(&own);
        let setup = world.setup(own.clone()).jwks(jwks(&own, change));
        async move { examine(&setup).await }
    };
    let certified = key("rsa2048.key-then-chain.pem");
    let of_certified = |change: fn(&mut serde_json::Map<String, Value>)| {
        let world = World::new(&certified);
        let setup = world.setup(certified.clone()).jwks(jwks(&certified, change));
        async move { examine(&setup).await }
    };
    assert_found(vec![
        mistake(
            "another case",
            of(|jwk| drop(jwk.insert("kid".to_owned(), "key-1".into()))).await,
            &["jwks/key"],
            "jwks/key",
            "under the kid \"key-1\", but assertions name \"Key-1\"; they differ only in capital letters",
        ),
        mistake(
            "the alg of another curve",
            of(|jwk| drop(jwk.insert("alg".to_owned(), "ES384".into()))).await,
            &["jwks/use-and-alg"],
            "jwks/use-and-alg",
            "ES384",
        ),
        mistake(
            "a kid that is a number",
            of(|jwk| drop(jwk.insert("kid".to_owned(), 1.into()))).await,
            &["jwks/key"],
            "jwks/key",
            "is not published",
        ),
        mistake(
            "the thumbprint of another certificate, beside x5c",
            of_certified(|jwk| {
                drop(jwk.insert("x5t#S256".to_owned(), OTHER.into()));
            })
            .await,
            &["jwks/certificate"],
            "jwks/certificate",
            "the published x5t#S256 names another certificate than the x5c next to it has",
        ),
        mistake(
            "the thumbprint of an earlier certificate, without x5c",
            of_certified(|jwk| {
                jwk.remove("x5c");
                drop(jwk.insert("x5t#S256".to_owned(), OTHER.into()));
            })
            .await,
            &["jwks/certificate"],
            "jwks/certificate",
            "the published x5t#S256 names another certificate than the key file has",
        ),
    ]);
}

#[tokio::test]
async fn another_tenants_token_endpoint_is_named() {
    let world = World::new(&own());
    let pasted = format!("{ORIGIN}/11111111-0000-4000-8000-000000000000/as/token");
    let server = AuthorizationServer::from_token_endpoint(&pasted).unwrap();
    let setup = Setup::new(server, "client", own()).clock(world.clock.clone()).http(world);
    let report = examine(&setup).await;
    let advice = crate::finding(&report, "request/token").unwrap().advice.clone().unwrap();
    assert!(advice.starts_with("check the URL of the token endpoint, and the tenant"), "{advice}");
    assert!(!advice.contains("client id"), "{advice}");
    assert_found(vec![mistake(
        "another tenant",
        report,
        &["request/token"],
        "request/token",
        "the token endpoint answered 404",
    )]);
}

#[tokio::test]
async fn a_key_that_the_server_dropped_or_cannot_use_is_named() {
    // Rotated at the server: the client still signs with the old key.
    let new = PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap();
    let rotated = World::new(&own());
    rotated.dev.register("client", JwkSet::from(new.public_jwk().clone())).unwrap();
    let rotated = examine(&rotated.setup(own()).jwks(set(&[&new]))).await;
    // A P-384 key at a server that lists and takes P-256 alone.
    let p384 = key("p384.pkcs8.pem");
    let curve = World::new(&p384).with_metadata(|metadata| {
        let name = "token_endpoint_auth_signing_alg_values_supported".to_owned();
        drop(metadata.insert(name, json!(["ES256"])));
    });
    let curve = curve.between(|request| {
        let body = r#"{"error":"invalid_client"}"#;
        (request.method() == "POST").then(|| answer(401, &[], body))
    });
    let curve = examine(&curve.setup(p384)).await;
    // Hours behind, as a virtual machine that slept.
    let slept = World::new(&own());
    slept.server_clock.pass(7 * 3600);
    let slept = examine(&slept.setup(own())).await;
    assert_found(vec![
        mistake("rotated", rotated, &["jwks/key", "request/token"], "jwks/key", "is not published"),
        mistake(
            "the wrong curve",
            curve,
            &["request/token"],
            "discovery/algorithms",
            "the metadata lists ES256, not ES384",
        ),
        mistake(
            "hours behind",
            slept,
            &["clock/date", "request/token"],
            "clock/date",
            "this machine's clock is 7 hours behind the server's",
        ),
    ]);
}

#[tokio::test]
async fn the_url_of_the_metadata_in_place_of_the_issuer_is_no_mistake() {
    let world = World::new(&own());
    let url = format!("{}/.well-known/openid-configuration", world.dev.issuer());
    let report = examine(&world.setup_at(&url, own())).await;
    assert!(report.is_healthy(), "{report:?}");
}
