//! Responses that a caller judges by hand, after sending the requests with an HTTP client of its
//! own.

use std::time::Duration;

use private_key_jwt::oauth::{
    CauseKind, DeviceAuthorization, DeviceAuthorizationRequest, DevicePolling, GrantType, HintedToken,
    Introspection, OAuthError, PushedAuthorization, TokenRequest,
};
use private_key_jwt::{AuthorizationServer, ClientAssertion, TokenResponse};

use crate::support::{clean, key, now};

fn response(status: u16, body: &str) -> http::Response<Vec<u8>> {
    http::Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap()
}

fn failure(response: http::Response<Vec<u8>>) -> OAuthError {
    clean(TokenResponse::from_http(response, now()).unwrap_err())
}

fn codes() -> DeviceAuthorization {
    let body = r#"{"device_code":"d","user_code":"u","verification_uri":"https://as.example/","expires_in":60,"interval":3}"#;
    DeviceAuthorization::from_http(response(200, body), now()).unwrap()
}

fn pause(polling: &DevicePolling) -> u64 {
    polling.pause(now()).unwrap().as_secs()
}

#[test]
fn rfc8628_3_5_a_caller_polls_by_hand() {
    let answer = |error: &str| failure(response(400, &format!(r#"{{"error":"{error}"}}"#)));
    assert_eq!(codes().device_code(), "d");
    let polling = DevicePolling::new(&codes());
    assert_eq!(pause(&polling), 3);
    let polling = polling.after(answer("authorization_pending")).unwrap();
    assert_eq!(pause(&polling), 3);
    let polling = polling.after(answer("slow_down")).unwrap();
    assert_eq!(pause(&polling), 8);
    let polling = polling.after_no_answer();
    assert_eq!(pause(&polling), 16);
    let late = now() + Duration::from_secs(44);
    assert!(matches!(polling.pause(late), Err(OAuthError::DeviceCodeExpired)));
    assert!(matches!(polling.after(answer("expired_token")), Err(OAuthError::DeviceCodeExpired)));
    let denied = polling.after(answer("access_denied")).unwrap_err();
    assert!(matches!(denied, OAuthError::Refused(refusal) if refusal.error() == Some("access_denied")));
}

#[test]
fn rfc8628_3_2_polls_are_five_seconds_apart_unless_the_server_says_otherwise() {
    for (interval, expected) in [("", 5), (r#","interval":0"#, 1), (r#","interval":7"#, 7)] {
        let body = format!(
            r#"{{"device_code":"d","user_code":"u","verification_uri":"https://as.example/","expires_in":60{interval}}}"#
        );
        let codes = DeviceAuthorization::from_http(response(200, &body), now()).unwrap();
        assert_eq!(codes.interval(), Duration::from_secs(expected), "{body}");
    }
}

#[test]
fn a_refusal_says_when_to_call_again_and_what_to_do() {
    let mut busy = response(503, r#"{"error":"temporarily_unavailable"}"#);
    busy.headers_mut().insert("retry-after", 7.into());
    let OAuthError::Unavailable(refusal) = failure(busy) else { panic!("an outage") };
    assert_eq!(refusal.retry_after(), Some(Duration::from_secs(7)));

    let body = r#"{"error":"invalid_client","error_description":"Token reuse detected"}"#;
    let OAuthError::Refused(refusal) = failure(response(400, body)) else { panic!("a refusal") };
    assert_eq!(refusal.retry_after(), None);
    let [cause] = refusal.hint().try_into().unwrap();
    assert_eq!(cause.kind(), CauseKind::TokenIdReused);
    assert_eq!(cause.advice(), "check whether something repeats requests: an assertion is valid once");
}

#[test]
fn rfc9126_2_2_the_request_uri_of_a_pushed_request_goes_into_the_url() {
    let body = r#"{"request_uri":"urn:ietf:params:oauth:request_uri:6esc","expires_in":60}"#;
    let pushed = PushedAuthorization::from_http(response(201, body), now()).unwrap();
    assert_eq!(pushed.request_uri(), "urn:ietf:params:oauth:request_uri:6esc");
    assert_eq!(pushed.expires_at(), now() + Duration::from_secs(60));
    let server = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
    let server = server.with_authorization_endpoint("https://as.example/authorize").unwrap();
    assert_eq!(
        pushed.to_url(&server, "client").unwrap(),
        "https://as.example/authorize?client_id=client&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3A6esc"
    );
}

#[test]
fn a_request_names_its_grant_type() {
    assert_eq!(TokenRequest::client_credentials(()).grant_type(), GrantType::ClientCredentials);
    assert_eq!(TokenRequest::client_credentials(()).grant_type().as_str(), "client_credentials");
    assert_eq!(TokenRequest::device_code(&codes()).grant_type(), GrantType::DeviceCode);
}

#[test]
fn rfc8628_3_1_a_device_asks_for_codes_by_hand() {
    let metadata = br#"{"issuer":"https://as.example","token_endpoint":"https://as.example/token",
        "device_authorization_endpoint":"https://as.example/device"}"#;
    let server = AuthorizationServer::from_metadata("https://as.example", metadata).unwrap();
    let assertion =
        ClientAssertion::builder("client", &server).sign(&key("p256.pkcs8.pem"), now(), "j").unwrap();
    assert_eq!(assertion.client_id(), "client");
    let request = DeviceAuthorizationRequest::new("a b").to_http(&server, &assertion).unwrap();
    assert_eq!(request.uri(), "https://as.example/device");
    assert!(request.body().starts_with(b"scope=a+b&"), "{}", request.body().escape_ascii());
}

#[test]
fn the_other_responses_are_read_by_hand() {
    let body = r#"{"access_token":"AT","token_type":"Bearer"}"#;
    let token = TokenResponse::from_http(response(200, body), now()).unwrap().into_access_token();
    assert_eq!(token.secret(), "AT");
    let known = Introspection::from_http(response(200, r#"{"active":true,"tenant":"t"}"#), now()).unwrap();
    assert_eq!(known.member("tenant"), Some(&"t".into()));
    HintedToken::revoked(response(200, "anything"), now()).unwrap();
    let busy = HintedToken::revoked(response(503, ""), now()).unwrap_err();
    assert!(matches!(clean(busy), OAuthError::Unavailable(_)));
}
