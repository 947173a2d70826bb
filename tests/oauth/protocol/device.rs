//! Device logins (RFC 8628) from beginning to end, successful or not, without waiting.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use private_key_jwt::client::ErrorKind;
use private_key_jwt::keys::{BoxFuture, KeyError};
use private_key_jwt::oauth::{DeviceAuthorizationRequest, OAuthError};
use private_key_jwt::transport::Clock;
use private_key_jwt::{
    Algorithm, ClientAssertionVerifier, Error, Jwk, JwkSet, KeyRing, PrivateKey, PublicKeySet, Signature,
    Signer, TokenClient,
};
use serde_json::Value;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{ISSUER, codes, granted, metadata, refusal};
use crate::support::clock::TestClock;
use crate::support::{clean, key};

fn seconds(pauses: &[Duration]) -> Vec<u64> {
    pauses.iter().map(Duration::as_secs).collect()
}

/// A device login with these answers of the token endpoint, in order. Returns the result, the
/// pauses, and the forms.
async fn device_login(
    codes: Value,
    answers: Vec<ResponseTemplate>,
) -> (Result<String, Error>, Vec<u64>, Vec<String>) {
    let server = MockServer::start().await;
    Mock::given(path("/device_authorization"))
        .respond_with(ResponseTemplate::new(200).set_body_json(codes))
        .mount(&server)
        .await;
    for answer in answers {
        Mock::given(path("/token")).respond_with(answer).up_to_n_times(1).mount(&server).await;
    }
    let clock = TestClock::skipping();
    let client = TokenClient::builder(metadata(&server.uri()), "client", key("p256.pkcs8.pem"))
        .clock(clock.clone())
        .build()
        .unwrap();
    let request = DeviceAuthorizationRequest::new("a b").parameter("resource", "urn:x").unwrap();
    let codes = client.authorize_device(request).await.unwrap();
    assert_eq!((codes.user_code(), codes.verification_uri()), ("WDJB-MJHT", "https://as.example/device"));
    let result = client.device_token(&codes).await;
    let requests = server.received_requests().await.unwrap();
    let jtis: HashSet<String> = requests
        .iter()
        .map(|request| {
            let keys = PublicKeySet::from(JwkSet::from(key("p256.pkcs8.pem").public_jwk().clone()));
            let unverified = ClientAssertionVerifier::new(ISSUER);
            let unverified = unverified.parse(&request.body).unwrap();
            unverified.verify(&keys, None, clock.now()).map_or_else(
                // Made before the last pauses.
                |error| panic!("{error}"),
                |verified| verified.jti().unwrap().to_owned(),
            )
        })
        .collect();
    assert_eq!(jtis.len(), requests.len(), "an assertion was used twice");
    let forms = requests
        .iter()
        .map(|request| {
            let body = String::from_utf8(request.body.clone()).unwrap();
            body.split_once("client_assertion_type=").unwrap().0.to_owned()
        })
        .collect();
    (result.map(|response| response.access_token().secret().to_owned()), seconds(&clock.pauses()), forms)
}

#[tokio::test]
async fn rfc8628_3_4_and_3_5_a_device_login_to_its_end() {
    let answers = vec![
        refusal("authorization_pending"),
        refusal("slow_down"),
        refusal("authorization_pending"),
        ResponseTemplate::new(503),
        granted(),
    ];
    let (result, pauses, forms) = device_login(codes(60), answers).await;
    assert_eq!(result.unwrap(), "AT");
    assert_eq!(pauses, [3, 3, 8, 8, 16]);
    assert_eq!(forms[0], "scope=a+b&resource=urn%3Ax&");
    let ask =
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=GmRh%2FmBcxhwzk9nhS&";
    assert_eq!(forms[1..], [ask; 5]);
}

#[tokio::test]
async fn rfc8628_3_5_a_device_login_that_fails() {
    for (error, expected) in [("access_denied", Some("access_denied")), ("expired_token", None)] {
        let answers = vec![refusal("authorization_pending"), refusal(error), granted()];
        let (result, pauses, forms) = device_login(codes(60), answers).await;
        match (clean(result.unwrap_err()).kind(), expected) {
            (ErrorKind::OAuth(OAuthError::Refused(refusal)), expected) => {
                assert_eq!(refusal.error(), expected)
            }
            (ErrorKind::OAuth(OAuthError::DeviceCodeExpired), None) => {}
            (other, _) => panic!("{other:?}"),
        }
        assert_eq!((pauses.len(), forms.len()), (2, 3));
    }
    // The codes expire before the third poll.
    let pending = || refusal("authorization_pending");
    let (result, pauses, _) = device_login(codes(9), vec![pending(), pending(), granted()]).await;
    let error = result.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::OAuth(OAuthError::DeviceCodeExpired)), "{error:?}");
    assert_eq!(pauses, [3, 3]);
}

/// A key service that fails the second time.
struct Away(PrivateKey, AtomicUsize);

impl Signer for Away {
    fn algorithm(&self) -> Algorithm {
        self.0.algorithm()
    }

    fn public_jwk(&self) -> &Jwk {
        self.0.public_jwk()
    }

    fn sign<'a>(&'a self, signing_input: &'a [u8]) -> BoxFuture<'a, Result<Signature, KeyError>> {
        let away = self.1.fetch_add(1, Ordering::Relaxed) == 1;
        let result = if away { Err(KeyError::Signer("away".into())) } else { self.0.sign(signing_input) };
        Box::pin(std::future::ready(result))
    }
}

#[tokio::test]
async fn a_key_service_that_is_away_for_a_moment_ends_no_device_login() {
    let server = MockServer::start().await;
    let codes = ResponseTemplate::new(200).set_body_json(codes(60));
    Mock::given(path("/device_authorization")).respond_with(codes).mount(&server).await;
    Mock::given(path("/token")).respond_with(granted()).mount(&server).await;
    let clock = TestClock::skipping();
    let keys = KeyRing::new(Arc::new(Away(key("p256.pkcs8.pem"), AtomicUsize::new(0)))).unwrap();
    let client = TokenClient::builder(metadata(&server.uri()), "client", keys).clock(clock.clone());
    let client = client.build().unwrap();
    let codes = client.authorize_device(()).await.unwrap();
    assert_eq!(client.device_token(&codes).await.unwrap().access_token().secret(), "AT");
    assert_eq!(seconds(&clock.pauses()), [3, 6]);
}
