//! Authorization requests (RFC 6749 §4.1.1): pushed, or in the URL that the browser opens.

use super::answer::Answer;
use super::form::{ClientForm, Parameters};
use super::grant::{Access, is_printable_ascii};
use super::page::post_itself;
use super::refused::Refused;
use super::shown::shown;
use crate::jose::base64url;
use crate::oauth::{CodeVerifier, check_endpoint, is_loopback, with_query};

/// Where the browser takes the answer (§4.1.2).
#[derive(Clone)]
pub(super) struct ReturnAddress {
    pub(super) redirect_uri: String,
    state: Option<String>,
    /// `response_mode=form_post` (OAuth 2.0 Form Post Response Mode): the browser posts the answer.
    is_posted: bool,
}

impl ReturnAddress {
    /// Accepts every loopback address without registration, and no other: the application of a dev
    /// server is on this machine too.
    pub(super) fn of(parameters: &Parameters<'_>) -> Result<Self, Refused> {
        let redirect_uri = parameters.required("redirect_uri")?;
        if !check_endpoint("redirect_uri", redirect_uri).is_ok_and(|url| is_loopback(&url)) {
            let description =
                format!("the redirect_uri `{}` is not http or https on loopback", shown(redirect_uri));
            return Err(Refused::invalid_request(&description));
        }
        let state = parameters.value("state");
        if !state.is_none_or(is_printable_ascii) {
            return Err(Refused::invalid_request("the state is not printable ASCII (RFC 6749 A.5)"));
        }
        Ok(Self {
            redirect_uri: redirect_uri.to_owned(),
            state: state.map(str::to_owned),
            is_posted: parameters.value("response_mode") == Some("form_post"),
        })
    }

    /// Sends the browser there with these parameters, `state` and `iss` (RFC 9207).
    pub(super) fn answer<'a>(
        &'a self,
        issuer: &'a str,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
        note: String,
    ) -> Answer {
        let state = self.state.as_deref().map(|state| ("state", state));
        let pairs = pairs.into_iter().chain(state).chain([("iss", issuer)]);
        if self.is_posted {
            Answer::posting_page(post_itself(&self.redirect_uri, pairs), note)
        } else {
            Answer::redirect(with_query(&self.redirect_uri, pairs), note)
        }
    }
}

/// A complete request. Its authorization code is bound to it.
#[derive(Clone)]
pub(super) struct AuthorizationRequest {
    pub(super) client_id: String,
    pub(super) address: ReturnAddress,
    pub(super) challenge: String,
    /// Goes into the ID token (OpenID Connect Core §3.1.2.1).
    pub(super) nonce: Option<String>,
    /// `prompt=none`: no page may be shown.
    pub(super) forbids_page: bool,
    pub(super) access: Access,
}

/// How the names of pushed requests begin (RFC 9126 §2.2).
pub(super) const REQUEST_URI: &str = "urn:ietf:params:oauth:request_uri:";

/// A request that was pushed.
pub(super) struct Pushed {
    pub(super) request: AuthorizationRequest,
    /// Whether the user has decided.
    pub(super) used: bool,
}

impl AuthorizationRequest {
    /// The parameters that the server reads.
    pub(super) const PARAMETERS: [&'static str; 11] = [
        "response_type",
        "response_mode",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "prompt",
        "code_challenge",
        "code_challenge_method",
        "resource",
        "audience",
    ];

    /// Refuses requests whose parameters are in a JWT (OpenID Connect Core §6, RFC 9101): every
    /// other check would miss the parameters inside.
    pub(super) fn check_supported(parameters: &Parameters<'_>) -> Result<(), Refused> {
        let unsupported = [
            ("request", "request_not_supported", "a request object (`request`, RFC 9101)"),
            ("request_uri", "request_uri_not_supported", "a request object by URL (`request_uri`, RFC 9101)"),
            ("registration", "registration_not_supported", "the parameter `registration`"),
        ];
        for (name, error, what) in unsupported {
            let found = parameters.value(name).filter(|value| !value.starts_with(REQUEST_URI));
            if found.is_some() {
                let description = format!("{what} is not supported; push the request instead (RFC 9126)");
                return Err(Refused::bad_request(error, &description));
            }
        }
        Ok(())
    }

    pub(super) fn of(
        client_id: &str,
        address: ReturnAddress,
        parameters: &Parameters<'_>,
    ) -> Result<Self, Refused> {
        let response_type = parameters.required("response_type")?;
        if response_type != "code" {
            let description = format!("the response_type is `{}`, expected `code`", shown(response_type));
            return Err(Refused::bad_request("unsupported_response_type", &description));
        }
        let mode = parameters.value("response_mode");
        if let Some(mode) = mode.filter(|mode| !["query", "form_post"].contains(mode)) {
            let description =
                format!("the response_mode is `{}`, expected `query` or `form_post`", shown(mode));
            return Err(Refused::invalid_request(&description));
        }
        let challenge = challenge(parameters)?;
        let nonce = parameters.value("nonce");
        if !nonce.is_none_or(is_printable_ascii) {
            return Err(Refused::invalid_request("the nonce is not printable ASCII"));
        }
        let prompt = parameters.value("prompt").unwrap_or_default();
        let forbids_page = prompt.split(' ').any(|word| word == "none");
        if forbids_page && prompt != "none" {
            let description = format!("the prompt is `{}`, but `none` cannot be combined", shown(prompt));
            return Err(Refused::invalid_request(&description));
        }
        Ok(Self {
            client_id: client_id.to_owned(),
            address,
            challenge: challenge.to_owned(),
            nonce: nonce.map(str::to_owned),
            forbids_page,
            access: Access::of(parameters)?,
        })
    }
}

/// PKCE (RFC 7636 §4.3) is required, with S256 only.
fn challenge<'a>(parameters: &'a Parameters<'_>) -> Result<&'a str, Refused> {
    let challenge = parameters.value("code_challenge").ok_or_else(|| {
        let description = parameters.missing("code_challenge");
        Refused::invalid_request(&format!("{description}; PKCE is required (RFC 7636)"))
    })?;
    match parameters.value("code_challenge_method") {
        Some(CodeVerifier::METHOD) => {}
        Some(other) => {
            let description = format!("the code_challenge_method is `{}`, expected `S256`", shown(other));
            return Err(Refused::invalid_request(&description));
        }
        None => {
            let description = parameters.missing("code_challenge_method");
            let description = format!("{description}, which then defaults to `plain`; expected `S256`");
            return Err(Refused::invalid_request(&description));
        }
    }
    match base64url::decode("the challenge", challenge) {
        Ok(hash) if hash.len() == 32 => Ok(challenge),
        Ok(hash) => {
            let description = format!(
                "the code_challenge has {} bytes, expected the 32 bytes of a SHA-256 hash",
                hash.len()
            );
            Err(Refused::invalid_request(&description))
        }
        Err(_) => {
            let description = "the code_challenge is not base64url without padding (RFC 7636 §4.2)";
            Err(Refused::invalid_request(description))
        }
    }
}

/// Checks a pushed request (RFC 9126) before the client is authenticated. A request object is
/// refused first, because it would hold the parameters that are missing here. `client_id` is a
/// parameter of the pushed request itself (§2.1).
pub(super) fn check_pushed_form(form: &ClientForm<'_>) -> Result<(), Refused> {
    AuthorizationRequest::check_supported(&form.parameters)?;
    if form.parameters.value("request_uri").is_some() {
        return Err(Refused::invalid_request("a request_uri cannot be pushed (RFC 9126 §2.1)"));
    }
    if !form.has("client_id") {
        let description = "the form has no `client_id`, which a pushed request requires (RFC 9126 §2.1)";
        return Err(Refused::invalid_request(description));
    }
    Ok(())
}
