//! The JWK Sets of `testdata/jwks` over HTTP, each located by its named constructor.

use http::{Request, Uri};
use private_key_jwt::keys::{BoxFuture, KeyError};
use private_key_jwt::oauth::{JwksUri, PingAccess};
use private_key_jwt::server::RemoteJwksError;
use private_key_jwt::transport::{HttpClient, ReqwestClient};
use private_key_jwt::verifier::VerifierError;
use private_key_jwt::{Algorithm, AuthorizationServer, PrivateKey, Region, RemoteJwks};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::scripted::Answer;
use super::{token, verifier};
use crate::support::clock::TestClock;
use crate::support::{key, testdata};

/// Sends requests for a host of PingOne to the mock server.
struct Redirected {
    origin: String,
    http: ReqwestClient,
}

impl HttpClient for Redirected {
    fn send(&self, mut request: Request<Vec<u8>>) -> BoxFuture<'_, Answer> {
        let uri = request.uri().to_string();
        let here = uri.strip_prefix("https://auth.pingone.eu").expect("PingOne's host");
        *request.uri_mut() = format!("{}{here}", self.origin).parse::<Uri>().unwrap();
        self.http.send(request)
    }
}

async fn serving(documents: &[(&str, &str)]) -> MockServer {
    let server = MockServer::start().await;
    for (at, file) in documents {
        let answer =
            ResponseTemplate::new(200).set_body_raw(testdata(&format!("jwks/{file}")), "application/json");
        Mock::given(method("GET")).and(path(*at)).respond_with(answer).mount(&server).await;
    }
    server
}

fn jwks(url: JwksUri) -> RemoteJwks {
    RemoteJwks::builder(url).clock(TestClock::new()).build().unwrap()
}

async fn accepts(jwks: &RemoteJwks, key: &PrivateKey, name: &str) {
    let claims = jwks.verify(&verifier(), &token(key, Some(name))).await;
    assert!(claims.is_ok(), "{jwks:?} {name}: {claims:?}");
}

async fn refuses(jwks: &RemoteJwks, key: &PrivateKey, name: &str) -> VerifierError {
    match jwks.verify(&verifier(), &token(key, Some(name))).await.unwrap_err() {
        RemoteJwksError::Token(error) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn ping_access_has_two_sets_with_and_without_a_context_root() {
    let (authtoken, oidc) = ("ping-access-authtoken.jwks.json", "ping-access-oidc.jwks.json");
    let server = serving(&[
        ("/pa/authtoken/JWKS", authtoken),
        ("/pa/oidc/JWKS", oidc),
        ("/myApp/pa/authtoken/JWKS", authtoken),
        ("/myApp/pa/oidc/JWKS", oidc),
        ("/myApp/agent/authtoken/JWKS", authtoken),
    ])
    .await;
    let (p256, p384) = (key("p256.pkcs8.pem"), key("p384.pkcs8.pem"));
    let engine = PingAccess::new(server.uri());
    for engine in [engine.clone(), engine.clone().context_root("/myApp")] {
        let authtoken = jwks(engine.auth_token_jwks_uri().unwrap());
        let oidc = jwks(engine.oidc_jwks_uri().unwrap());
        accepts(&authtoken, &p256, "7e").await;
        accepts(&oidc, &p384, "7e").await;
        // The keys of one set are unknown to the other.
        assert!(super::is_no_matching_key(&refuses(&authtoken, &p384, "7e").await));
        assert!(super::is_no_matching_key(&refuses(&oidc, &p256, "7e").await));
        // The previous and the next key are in the set, and are different keys.
        for name in ["7d", "7f"] {
            assert!(matches!(
                refuses(&authtoken, &p256, name).await,
                VerifierError::Key(KeyError::BadSignature)
            ));
        }
    }
    let moved = engine.context_root("/myApp").reserved_root("/agent");
    accepts(&jwks(moved.auth_token_jwks_uri().unwrap()), &p256, "7e").await;
}

#[tokio::test]
async fn ping_federate_publishes_keys_of_every_kind() {
    let server = serving(&[("/pf/JWKS", "ping-federate.jwks.json")]).await;
    let jwks = jwks(JwksUri::ping_federate(&server.uri()).unwrap());
    accepts(&jwks, &key("p256.pkcs8.pem"), "kLm2VtOjBzqT1zS3bHfAqUo5xYc_s").await;
    accepts(&jwks, &key("p521.pkcs8.pem"), "kLm2VtOjBzqT1zS3bHfAqUo5xYc_t").await;
    let rsa = key("rsa2048.pkcs8.pem");
    accepts(&jwks, &rsa, "current_rs256").await;
    for name in ["previous_rs256", "pending_rs256"] {
        assert!(matches!(refuses(&jwks, &rsa, name).await, VerifierError::Key(KeyError::BadSignature)));
    }
    // Another algorithm than the key's, and a key for encryption.
    let rs384 = rsa.clone().with_algorithm(Algorithm::RS384).unwrap();
    assert!(super::is_no_matching_key(&refuses(&jwks, &rs384, "current_rs256").await));
    assert!(super::is_no_matching_key(&refuses(&jwks, &rsa, "rsa_enc").await));
}

#[tokio::test]
async fn ping_one_is_known_by_its_region_and_environment() {
    const ENVIRONMENT: &str = "0b9b5f8e-2c55-4a3e-8f6c-1f2d3e4a5b6c";
    let server = serving(&[(&format!("/{ENVIRONMENT}/as/jwks"), "ping-one.jwks.json")]).await;
    let url = JwksUri::ping_one(Region::Europe, ENVIRONMENT).unwrap();
    assert_eq!(
        url.as_str(),
        AuthorizationServer::ping_one(Region::Europe, ENVIRONMENT).unwrap().jwks_uri().unwrap()
    );
    let http = Redirected { origin: server.uri(), http: ReqwestClient::new().unwrap() };
    let jwks = RemoteJwks::builder(url).http(http).clock(TestClock::new()).build().unwrap();
    let rsa = key("rsa2048.pkcs8.pem");
    accepts(&jwks, &rsa, "default").await;
    // The keys have no `alg`, so every RSA algorithm fits.
    accepts(&jwks, &rsa.with_algorithm(Algorithm::PS512).unwrap(), "default").await;
}

#[tokio::test]
async fn auth0_publishes_the_certificate_of_each_key() {
    let server = serving(&[("/.well-known/jwks.json", "auth0.jwks.json")]).await;
    let document: Value = serde_json::from_slice(&testdata("jwks/auth0.jwks.json")).unwrap();
    let name = document["keys"][0]["kid"].as_str().unwrap();
    let rsa = key("rsa2048.pkcs8.pem");
    // The tenant's URL is its issuer, with a slash at the end.
    let url = JwksUri::auth0(&format!("{}/", server.uri())).unwrap();
    accepts(&jwks(url), &rsa, name).await;

    // RFC 7517 §4.7: the certificate of another key.
    let mut swapped = document.clone();
    swapped["keys"][0]["x5c"] = document["keys"][1]["x5c"].clone();
    server.reset().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_json(swapped))
        .mount(&server)
        .await;
    let jwks = jwks(JwksUri::auth0(&server.uri()).unwrap());
    assert!(matches!(refuses(&jwks, &rsa, name).await, VerifierError::Key(KeyError::CertificateMismatch)));
}

#[tokio::test]
async fn an_issuer_says_where_its_keys_are() {
    let server = serving(&[("/as/jwks", "ping-one.jwks.json")]).await;
    let issuer = format!("{}/as", server.uri());
    let metadata = json!({"issuer": issuer, "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/jwks")});
    Mock::given(path("/as/.well-known/openid-configuration"))
        .respond_with(ResponseTemplate::new(200).set_body_json(metadata))
        .mount(&server)
        .await;
    let jwks = RemoteJwks::discover(&issuer).unwrap();
    assert_eq!(jwks.url(), None);
    assert_eq!(
        jwks.keys().await.unwrap().select(Some(&"default".into()), Algorithm::RS256).unwrap().bits(),
        2048
    );
    assert_eq!(jwks.url(), Some(format!("{issuer}/jwks")));
}
