//! What a server responds to rejected requests.

use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use private_key_jwt::jose::JoseError;
use private_key_jwt::keys::KeyError;
use private_key_jwt::verifier::{BoundTo, ErrorResponse, VerifierError};
use private_key_jwt::{AccessTokenBuilder, OAuthError};
use serde_json::{Value, json};

use crate::support::{MARK, has_mark};

/// Status, code and description.
fn parts(response: &ErrorResponse) -> (u16, &'static str, &str) {
    (response.status().as_u16(), response.error(), response.description().unwrap())
}

fn at_token_endpoint(error: VerifierError) -> (u16, &'static str, String) {
    let response = error.token_endpoint_response();
    assert_eq!(response.www_authenticate(), None);
    assert_eq!(ErrorResponse::from(error).to_string(), response.to_string());
    let (status, error, description) = parts(&response);
    (status, error, description.to_owned())
}

fn expired() -> VerifierError {
    VerifierError::Expired { expired: 1_799_999_000, now: 1_800_000_000 }
}

#[test]
fn rfc6749_5_2_at_a_token_endpoint_a_rejected_assertion_is_invalid_client() {
    let at_fault = [
        expired(),
        VerifierError::Replayed,
        VerifierError::Key(KeyError::BadSignature),
        VerifierError::Jose(JoseError::CriticalHeader),
        VerifierError::OtherMethod { found: "client_secret" },
        VerifierError::MissingParameter { name: "client_assertion" },
    ];
    for error in at_fault {
        let description = error.to_string().replace('\u{a7}', "section ");
        assert_eq!(at_token_endpoint(error), (400, "invalid_client", description));
    }
}

#[test]
fn rfc6749_5_2_at_a_token_endpoint_a_malformed_request_is_invalid_request() {
    let malformed = [
        VerifierError::FormTooLarge { found: 70_000, limit: 65_536 },
        VerifierError::DuplicateParameter { name: "scope".to_owned() },
        VerifierError::TwoMethods,
        VerifierError::MissingParameter { name: "client_assertion_type" },
        VerifierError::ContentType { found: None },
        VerifierError::AuthorizationHeader { scheme: Some("Basic".to_owned()), has_assertion: true },
    ];
    for error in malformed {
        let description = error.to_string();
        assert_eq!(at_token_endpoint(error), (400, "invalid_request", description));
    }
}

#[test]
fn rfc6749_5_2_another_method_in_the_header_is_challenged_with_its_scheme() {
    for (scheme, challenged) in [(Some("Basic"), "Basic"), (Some("DPoP"), "DPoP"), (None, "Basic")] {
        let scheme = scheme.map(str::to_owned);
        let error = VerifierError::AuthorizationHeader { scheme, has_assertion: false };
        let response = error.token_endpoint_response();
        assert_eq!(parts(&response), (401, "invalid_client", &*error.to_string()));
        let expected = format!("{challenged} realm=\"private_key_jwt is the only method\"");
        assert_eq!(response.www_authenticate().unwrap(), expected);
    }
}

#[test]
fn a_fault_of_the_server_is_not_described_to_the_client_and_stays_in_the_log() {
    let store = || VerifierError::ReplayStore(format!("no route to redis.internal {MARK}").into());
    let described = "the assertion cannot be accepted at the moment";
    for error in
        [store(), VerifierError::ReplayStoreFull, VerifierError::ReplayShareFull { held: 7, free: 9 }]
    {
        let response = error.token_endpoint_response();
        assert_eq!(parts(&response), (503, "temporarily_unavailable", described));
        assert_eq!(response.retry_after(), Some(ErrorResponse::RETRY_AFTER));
        assert_eq!(response.to_http().headers()[RETRY_AFTER], "5");
    }
    let response = store().token_endpoint_response();
    assert!(!has_mark(&String::from_utf8_lossy(response.to_http().body())));
    let logged =
        format!("503 temporarily_unavailable: the replay store failed: no route to redis.internal {MARK}");
    assert_eq!(response.to_string(), logged);

    let empty = VerifierError::EmptySetting { setting: "issuer" };
    for response in [empty.token_endpoint_response(), empty.protected_resource_response()] {
        assert_eq!(parts(&response), (500, "server_error", "the server failed"));
        assert_eq!((response.www_authenticate(), response.retry_after()), (None, None));
        assert_eq!(
            response.to_string(),
            "500 server_error: nothing is accepted: the setting `issuer` is empty"
        );
    }
}

#[test]
fn rfc6750_3_1_at_a_protected_resource_each_status_has_its_challenge() {
    let cases = [
        (expired(), 401, "Bearer error=\"invalid_token\", error_description=\"the access token expired\""),
        (
            VerifierError::NotYetValid { claim: "nbf", found: 2_000_000_000, now: 1_800_000_000 },
            401,
            "Bearer error=\"invalid_token\", error_description=\"the access token is not valid yet\"",
        ),
        (
            VerifierError::Key(KeyError::BadSignature),
            401,
            "Bearer error=\"invalid_token\", error_description=\"the access token is not accepted\"",
        ),
        (
            VerifierError::MissingScope { scope: "api:write".to_owned() },
            403,
            "Bearer error=\"insufficient_scope\", \
             error_description=\"the access token lacks a required scope\", scope=\"api:write\"",
        ),
        (
            VerifierError::Unproven { to: BoundTo::DpopKey },
            401,
            "DPoP error=\"invalid_token\", \
             error_description=\"the access token is bound to a key, and the request does not prove that key\"",
        ),
        (
            VerifierError::Unproven { to: BoundTo::Certificate },
            401,
            "Bearer error=\"invalid_token\", \
             error_description=\"the access token is bound to a key, and the request does not prove that key\"",
        ),
        (
            VerifierError::NotBound,
            401,
            "DPoP error=\"invalid_token\", error_description=\"the access token is not bound to the proven key\"",
        ),
    ];
    for (error, status, challenge) in cases {
        let response = error.protected_resource_response().to_http();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()[WWW_AUTHENTICATE], challenge, "{error}");
    }
    let response = expired().protected_resource_response().with_realm("the \"API\"").without_description();
    let challenge = "Bearer realm=\"the 'API'\", error=\"invalid_token\"";
    assert_eq!(response.www_authenticate().unwrap(), challenge);
}

/// A scope that cannot be one is left out of the challenge.
#[test]
fn rfc6750_3_nothing_leaves_the_quotes_of_a_challenge() {
    for scope in ["a\"b", "a\\b", "a\r\nb", ""] {
        let response = VerifierError::MissingScope { scope: scope.to_owned() }.protected_resource_response();
        let challenge = "Bearer error=\"insufficient_scope\", error_description=\"the access token lacks a required scope\"";
        assert_eq!(response.www_authenticate().unwrap(), challenge);
    }
}

#[test]
fn settings_of_a_verifier_are_not_in_a_response() {
    let error = VerifierError::MissingAudience {
        expected: vec!["https://internal.example".to_owned()],
        client_id: None,
        clients: vec!["secret-client".to_owned()],
    };
    for response in [error.token_endpoint_response(), error.protected_resource_response()] {
        let response = response.to_http();
        let text = format!("{:?} {}", response.headers(), String::from_utf8_lossy(response.body()));
        assert!(!text.contains("internal") && !text.contains("secret-client"), "{text}");
        assert!(text.contains("not accepted"), "{text}");
    }
}

#[test]
fn rfc6749_5_2_the_response_is_json_that_no_cache_stores() {
    let text = "quotes \" and \\, \u{e4} and \r\n";
    let response = ErrorResponse::new(StatusCode::BAD_REQUEST, "invalid_scope", text).to_http();
    assert_eq!(response.status(), 400);
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];
    assert_eq!(response.headers().len(), headers.len());
    for (name, value) in headers {
        assert_eq!(response.headers()[name], value);
    }
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    let expected = json!({"error": "invalid_scope", "error_description": "quotes ' and /, ? and ??"});
    assert_eq!(body, expected);

    let bare = ErrorResponse::new(StatusCode::BAD_REQUEST, "invalid_scope", text).without_description();
    assert_eq!(bare.to_http().body(), br#"{"error":"invalid_scope"}"#);
    assert_eq!(bare.to_string(), format!("400 invalid_scope: {text}"));
}

#[test]
fn errors_of_issuing_are_the_servers_fault_except_what_the_client_asked_for() {
    let key = crate::support::key("p256.pkcs8.pem");
    let now = crate::support::now();
    let issued = |token: AccessTokenBuilder| ErrorResponse::from(token.sign(&key, now, "jti").unwrap_err());
    let token = || AccessTokenBuilder::new("https://as.example", "https://api.example", "client");
    let scope = issued(token().scope("a\u{e4}"));
    let said = "the scope contains a character that RFC 6749 section 3.3 does not allow";
    assert_eq!(parts(&scope), (400, "invalid_scope", said));
    let target = issued(token().also_audience(" "));
    assert_eq!(parts(&target), (400, "invalid_target", "the audience is empty"));
    let fault = issued(token().subject(""));
    assert_eq!(parts(&fault), (500, "server_error", "the server failed"));
    assert_eq!(fault.to_string(), "500 server_error: the claim `sub` is empty");
    let fault = ErrorResponse::from(KeyError::Signing);
    assert_eq!(parts(&fault), (500, "server_error", "the server failed"));
    assert_eq!(fault.to_string(), format!("500 server_error: {}", OAuthError::Key(KeyError::Signing)));
}
