use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};

use super::super::VerifierError;
use super::super::form::Form;
use super::unverified::UnverifiedAssertion;
use super::verifier::ClientAssertionVerifier;
use crate::jose::error::excerpt;

impl ClientAssertionVerifier {
    /// Parses a token request: checks that its body is a form and that it has no `Authorization`
    /// header, then does what [`parse`](Self::parse) does.
    ///
    /// # Errors
    ///
    /// [`VerifierError::ContentType`], [`VerifierError::AuthorizationHeader`], and the errors of
    /// [`parse`](Self::parse).
    pub fn parse_request<'a>(
        &'a self,
        headers: &HeaderMap,
        form: &'a [u8],
    ) -> Result<UnverifiedAssertion<'a>, VerifierError> {
        check_content_type(headers)?;
        let form = Form::parse(form)?;
        if let Some(credentials) = headers.get(AUTHORIZATION) {
            let scheme = scheme(credentials).map(str::to_owned);
            let has_assertion = form.client_assertion.is_some();
            return Err(VerifierError::AuthorizationHeader { scheme, has_assertion });
        }
        self.parse_form(form)
    }
}

/// The scheme of an `Authorization` header. A header without a scheme may be a secret, so it is not
/// shown.
pub(crate) fn scheme(header: &HeaderValue) -> Option<&str> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+".contains(&byte);
    let (scheme, _) = header.to_str().ok()?.split_once(' ')?;
    (!scheme.is_empty() && scheme.len() <= 32 && scheme.bytes().all(is_token)).then_some(scheme)
}

/// RFC 6749 §3.2.
fn check_content_type(headers: &HeaderMap) -> Result<(), VerifierError> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let found = match (types.next(), types.next()) {
        (Some(one), None) if is_form(one) => return Ok(()),
        (one, _) => one.map(|one| excerpt(&String::from_utf8_lossy(one.as_bytes()))),
    };
    Err(VerifierError::ContentType { found })
}

fn is_form(value: &HeaderValue) -> bool {
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
