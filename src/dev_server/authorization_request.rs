//! A request that a user log in (RFC 6749 §4.1.1), pushed or in the browser's address.

use super::answer::Refused;
use super::form::Parameters;
use super::grant::{Access, is_printable_ascii};
use crate::jose::base64url;
use crate::jose::error::excerpt;
use crate::oauth::{CodeVerifier, check_endpoint, is_loopback, with_query};

/// Where the browser goes with the answer (§4.1.2).
#[derive(Clone)]
pub(super) struct ReturnAddress {
    pub(super) redirect_uri: String,
    state: Option<String>,
}

impl ReturnAddress {
    /// The application of a dev server is on this machine too: no address has to be registered, and none leads elsewhere.
    pub(super) fn of(parameters: &Parameters<'_>) -> Result<Self, Refused> {
        let redirect_uri = parameters.required("redirect_uri")?;
        if !check_endpoint("redirect_uri", redirect_uri).is_ok_and(|url| is_loopback(&url)) {
            let description =
                format!("the redirect_uri `{}` is not http or https on loopback", excerpt(redirect_uri));
            return Err(Refused::invalid_request(&description));
        }
        let state = parameters.value("state");
        if !state.is_none_or(is_printable_ascii) {
            return Err(Refused::invalid_request("the state is not printable ASCII (RFC 6749 A.5)"));
        }
        Ok(Self { redirect_uri: redirect_uri.to_owned(), state: state.map(str::to_owned) })
    }

    /// The address with these parameters, `state` and `iss` (RFC 9207).
    pub(super) fn with<'a>(
        &'a self,
        issuer: &'a str,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> String {
        let state = self.state.as_deref().map(|state| ("state", state));
        with_query(&self.redirect_uri, pairs.into_iter().chain(state).chain([("iss", issuer)]))
    }
}

/// All of a request: the code that comes of it is bound to it.
#[derive(Clone)]
pub(super) struct AuthorizationRequest {
    pub(super) client_id: String,
    pub(super) address: ReturnAddress,
    pub(super) challenge: String,
    pub(super) access: Access,
}

impl AuthorizationRequest {
    /// The parameters that are looked at.
    pub(super) const PARAMETERS: [&'static str; 9] = [
        "response_type",
        "response_mode",
        "redirect_uri",
        "scope",
        "state",
        "code_challenge",
        "code_challenge_method",
        "resource",
        "audience",
    ];

    pub(super) fn of(
        client_id: &str,
        address: ReturnAddress,
        parameters: &Parameters<'_>,
    ) -> Result<Self, Refused> {
        if parameters.value("request").is_some() {
            let description = "a request object (RFC 9101) is not read";
            return Err(Refused::bad_request("request_not_supported", description));
        }
        let response_type = parameters.required("response_type")?;
        if response_type != "code" {
            let description =
                format!("the response_type is `{}`, supported is `code`", excerpt(response_type));
            return Err(Refused::bad_request("unsupported_response_type", &description));
        }
        if let Some(mode) = parameters.value("response_mode").filter(|mode| *mode != "query") {
            let description = format!("the response_mode is `{}`, supported is `query`", excerpt(mode));
            return Err(Refused::invalid_request(&description));
        }
        let challenge = parameters.required("code_challenge")?;
        // Left out, it would be `plain` (RFC 7636 §4.3).
        if parameters.value("code_challenge_method") != Some(CodeVerifier::METHOD) {
            return Err(Refused::invalid_request("the code_challenge_method is not S256"));
        }
        if !base64url::decode("the challenge", challenge).is_ok_and(|hash| hash.len() == 32) {
            return Err(Refused::invalid_request("the code_challenge is not a SHA-256 hash in base64url"));
        }
        Ok(Self {
            client_id: client_id.to_owned(),
            address,
            challenge: challenge.to_owned(),
            access: Access::of(parameters)?,
        })
    }
}
