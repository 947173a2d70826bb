//! The header fields of a token request.

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use private_key_jwt::verifier::VerifierError;
use private_key_jwt::{AuthorizationServer, ClientAssertionVerifier, TokenRequest};

use crate::support::{MARK, clean, marked_assertion};

const FORM: &str = "application/x-www-form-urlencoded";
const BASIC: &str = "Basic Y2xpZW50OnNlY3JldA==";

fn form() -> Vec<u8> {
    let server = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
    let request = TokenRequest::client_credentials(()).to_http(&server, &marked_assertion(&server)).unwrap();
    request.into_body()
}

fn headers(fields: &[(http::HeaderName, &str)]) -> HeaderMap {
    fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
}

/// The error of a request, which shows no secret.
fn error(headers: &HeaderMap, form: &[u8]) -> VerifierError {
    let verifier = ClientAssertionVerifier::new("https://as.example");
    clean(verifier.parse_request(headers, form).map(|_| ()).unwrap_err())
}

#[test]
fn rfc6749_3_2_the_body_is_a_form() {
    let verifier = ClientAssertionVerifier::new("https://as.example");
    let form = form();
    for value in [FORM, "Application/X-WWW-Form-Urlencoded; charset=UTF-8"] {
        let assertion = verifier.parse_request(&headers(&[(CONTENT_TYPE, value)]), &form).unwrap();
        assert_eq!(assertion.client_id(), "client");
    }
    let cases: [(&[&str], Option<&str>); 4] = [
        (&[], None),
        (&["application/json"], Some("application/json")),
        (&["application/x-www-form-urlencoded-not"], Some("application/x-www-form-urlencoded-not")),
        (&["text/plain\t"], Some("text/plain\\u{9}")),
    ];
    for (values, expected) in cases {
        let fields: Vec<_> = values.iter().map(|value| (CONTENT_TYPE, *value)).collect();
        let error = error(&headers(&fields), &form);
        let VerifierError::ContentType { found } = &error else { panic!("{error}") };
        assert_eq!(found.as_deref(), expected);
    }
    let mut twice = headers(&[(CONTENT_TYPE, FORM)]);
    twice.append(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    assert!(matches!(error(&twice, &form), VerifierError::ContentType { .. }));
}

#[test]
fn rfc6749_2_3_an_authorization_header_is_a_second_method() {
    let error = error(&headers(&[(CONTENT_TYPE, FORM), (AUTHORIZATION, BASIC)]), &form());
    let expected = "the request has an Authorization header (`Basic`), which is another authentication method in \
                    addition to the assertion";
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.token_endpoint_response().error(), "invalid_request");
}

#[test]
fn rfc6749_2_3_1_an_authorization_header_alone_is_another_method() {
    for (value, shown) in [(BASIC, "`Basic`"), (MARK, "without a scheme"), ("a,b c", "without a scheme")] {
        let error = error(&headers(&[(CONTENT_TYPE, FORM), (AUTHORIZATION, value)]), b"grant_type=x");
        let expected = format!(
            "the request has an Authorization header ({shown}), which is another authentication method; \
             a `client_assertion` is needed"
        );
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.token_endpoint_response().status(), 401);
    }
}

#[test]
fn the_form_is_checked_as_without_header_fields() {
    let fields = headers(&[(CONTENT_TYPE, FORM)]);
    for form in ["", "a=1&a=2", "client_secret=x"] {
        let verifier = ClientAssertionVerifier::new("https://as.example");
        let expected = verifier.parse(form.as_bytes()).map(|_| ()).unwrap_err();
        assert_eq!(error(&fields, form.as_bytes()).to_string(), expected.to_string());
    }
}
