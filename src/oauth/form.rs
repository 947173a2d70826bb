//! The form that every request of a client consists of: parameters, then the assertion.

use http::Method;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderValue};

use super::{AuthorizationServer, ClientAssertion, Endpoint, OAuthError};

/// Builds a POST of a form to an endpoint: these pairs, then the assertion.
pub(super) fn post<'a>(
    server: &AuthorizationServer,
    endpoint: Endpoint,
    pairs: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    assertion: &ClientAssertion,
) -> Result<http::Request<Vec<u8>>, OAuthError> {
    assertion.check_endpoint(server, endpoint)?;
    // Parse the target before the form exists: a form that is not handed over is not wiped.
    let target = server.target(endpoint)?;
    // Reserve the full capacity as if every byte needed escaping: a buffer that grows leaves pieces
    // of the secrets behind.
    let room: usize = pairs.clone().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    let mut form = String::with_capacity(room + assertion.form_room());
    form_urlencoded::Serializer::new(&mut form).extend_pairs(pairs);
    assertion.push_form(&mut form);
    let mut request = http::Request::new(form.into_bytes());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = target;
    let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(CONTENT_TYPE, form_type);
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    // Without this header, the server may use any content coding (RFC 9110 §12.5.3).
    request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Ok(request)
}
