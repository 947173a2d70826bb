//! The responses of an authorization server (RFC 6749 §5, RFC 7662 §2.2, RFC 8628 §3.2, RFC 9126
//! §2.2): the status, the header fields and the body. No `Debug` shows the secrets of a response,
//! and every error is one line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use private_key_jwt::oauth::{DeviceAuthorization, Introspection, OAuthError, PushedAuthorization, Refusal};
use private_key_jwt::{TokenRequest, TokenResponse};
use private_key_jwt_fuzz::{SERVER, check_error, check_line, choice, now};

const STATUSES: [u16; 12] = [200, 201, 400, 401, 403, 302, 303, 404, 429, 500, 503, 204];
const FIELDS: [&str; 8] = [
    "content-type",
    "www-authenticate",
    "location",
    "retry-after",
    "date",
    "content-encoding",
    "x-correlation-id",
    "traceparent",
];

// A line for the status, given by a letter, and one for each field, then the body. An empty line
// leaves a field out.
fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(FIELDS.len() + 2, |byte| *byte == b'\n');
    let mut head = http::Response::builder().status(choice(&STATUSES, parts.next(), 0));
    for name in FIELDS {
        match parts.next().map(http::HeaderValue::from_bytes) {
            Some(Ok(value)) if !value.is_empty() => head = head.header(name, value),
            _ => {}
        }
    }
    let response = head.body(parts.next().unwrap_or_default().to_vec()).unwrap();

    if let Some(tokens) = judged(TokenResponse::from_http(response.clone(), now())) {
        let secret = tokens.access_token().secret();
        assert!(!secret.is_empty() && secret.bytes().all(|byte| (0x20..=0x7e).contains(&byte)), "{secret:?}");
        assert!(!tokens.access_token().token_type().is_empty());
        let shown = format!("{tokens:?}");
        check_line(&shown);
        let shown_on_purpose = format!(
            "{} {:?} {:?} {:?}",
            tokens.access_token().token_type(),
            tokens.scope(),
            tokens.issued_token_type(),
            tokens.members().map(|(name, _)| name).collect::<Vec<_>>()
        );
        for secret in [Some(secret), tokens.refresh_token(), tokens.id_token()].into_iter().flatten() {
            // Short values appear in any text by chance.
            let is_told = secret.len() < 12 || shown_on_purpose.contains(secret);
            assert!(is_told || !shown.contains(secret), "{secret} in {shown}");
        }
    }
    if let Some(introspection) = judged(Introspection::from_http(response.clone(), now())) {
        check_line(&format!("{introspection:?}"));
    }
    if let Some(device) = judged(DeviceAuthorization::from_http(response.clone(), now())) {
        let shown = format!("{device:?}");
        check_line(&shown);
        let code = device.device_code();
        assert!(code.len() < 12 || !shown.replace(device.user_code(), "").contains(code), "{shown}");
        // Users type these, so they are shown.
        check_line(device.user_code());
        check_line(device.verification_uri());
        assert!(device.interval() >= DeviceAuthorization::SHORTEST_INTERVAL);
        let _ = TokenRequest::device_code(&device);
    }
    if let Some(pushed) = judged(PushedAuthorization::from_http(response, now())) {
        check_line(&format!("{pushed:?}"));
        drop(judged(
            pushed.to_url(
                &SERVER.clone().with_authorization_endpoint("https://as.example/a").unwrap(),
                "client",
            ),
        ));
    }
});

fn judged<T>(result: Result<T, OAuthError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            check_error(&error);
            if let OAuthError::Refused(refusal) = &error {
                check_refusal(refusal);
            }
            let _ = error.retry();
            None
        }
    }
}

/// Each text by itself is fit for a log.
fn check_refusal(refusal: &Refusal) {
    let texts = [
        refusal.error(),
        refusal.description(),
        refusal.uri(),
        refusal.code(),
        refusal.message(),
        refusal.www_authenticate(),
    ];
    let members = refusal.members().iter().flat_map(|(name, value)| [name, value]);
    let ids = refusal.correlation_ids().iter().flat_map(|(name, value)| [name, value]);
    for text in texts.into_iter().flatten().chain(members.chain(ids).map(String::as_str)) {
        check_line(text);
        assert!(text.chars().count() <= 600, "{}", text.chars().count());
    }
}
