//! The parameters of a request (RFC 6749 §3.1, §3.2). They come from one place, and each occurs
//! once.

use std::collections::BTreeMap;

use http::Method;
use http::header::CONTENT_TYPE;

use super::refused::Refused;
use super::shown::shown;
use crate::jose::text::Text;
use crate::jose::urlencoded;
use crate::verifier::{ClientAssertionVerifier, Form};

/// The form of a client: its authentication, and the other parameters.
pub(super) struct ClientForm<'a> {
    pub(super) authentication: Form<'a>,
    pub(super) parameters: Parameters<'a>,
    body: &'a [u8],
}

impl<'a> ClientForm<'a> {
    pub(super) fn of(request: &'a http::Request<Vec<u8>>) -> Result<Self, Refused> {
        check(request)?;
        let mut parameters = Parameters::new("form");
        let authentication =
            Form::parse_with(request.body(), |name, value| parameters.push(name.into_plain(), value))?;
        Ok(Self { authentication, parameters, body: request.body() })
    }

    /// Whether the form has a parameter, including those of the authentication.
    pub(super) fn has(&self, name: &str) -> bool {
        urlencoded::pairs(self.body).any(|(found, value)| *found == *name && !value.is_empty())
    }
}

/// Parameters by their names.
pub(super) struct Parameters<'a> {
    place: &'static str,
    values: BTreeMap<String, Vec<Text<'a>>>,
}

impl<'a> Parameters<'a> {
    /// Parameters that may occur several times: RFC 8707 §2, RFC 8693 §2.1.
    const REPEATABLE: [&'static str; 2] = ["resource", "audience"];

    const fn new(place: &'static str) -> Self {
        Self { place, values: BTreeMap::new() }
    }

    /// Reads the query of a page's URL.
    pub(super) fn of_query(request: &'a http::Request<Vec<u8>>) -> Result<Self, Refused> {
        Self::read("query", request.uri().query().unwrap_or_default().as_bytes())
    }

    /// Reads a page's form, which does not authenticate a client.
    pub(super) fn of_form(request: &'a http::Request<Vec<u8>>) -> Result<Self, Refused> {
        check(request)?;
        Self::read("form", request.body())
    }

    fn read(place: &'static str, encoded: &'a [u8]) -> Result<Self, Refused> {
        let limit = ClientAssertionVerifier::MAX_FORM_LEN;
        if encoded.len() > limit {
            let description = format!("the {place} has {} bytes, at most {limit} are read", encoded.len());
            return Err(Refused::invalid_request(&description));
        }
        let mut parameters = Self::new(place);
        for (name, value) in urlencoded::pairs(encoded) {
            parameters.push(name.into_plain(), value)?;
        }
        Ok(parameters)
    }

    fn push(&mut self, name: String, value: Text<'a>) -> Result<(), Refused> {
        let repeatable = Self::REPEATABLE.contains(&name.as_str());
        let values = self.values.entry(name.clone()).or_default();
        if !repeatable && !values.is_empty() {
            let description = format!("the {} has `{}` more than once", self.place, shown(&name));
            return Err(Refused::invalid_request(&description));
        }
        values.push(value);
        Ok(())
    }

    /// The value of a parameter. An empty value counts as absent (RFC 6749 §3.1).
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, Refused> {
        self.value(name).ok_or_else(|| Refused::invalid_request(&self.missing(name)))
    }

    /// The error text for a missing parameter.
    pub(super) fn missing(&self, name: &str) -> String {
        format!("the {} has no `{name}`", self.place)
    }

    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values.get(name).into_iter().flatten().map(|value| &**value).filter(|value| !value.is_empty())
    }
}

/// Parameters of the protocol. In the URL of a form request, they are refused by name, because the
/// client expects them to take effect.
const PARAMETERS: [&str; 40] = [
    "access_token",
    "actor_token",
    "actor_token_type",
    "assertion",
    "audience",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "decision",
    "device_code",
    "grant_type",
    "id_token_hint",
    "login_hint",
    "max_age",
    "nonce",
    "password",
    "prompt",
    "redirect_uri",
    "refresh_token",
    "registration",
    "request",
    "request_uri",
    "requested_token_type",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "state",
    "subject",
    "subject_token",
    "subject_token_type",
    "token",
    "token_type_hint",
    "user_code",
    "username",
];

/// Checks that the request is a POST of a form, with its parameters in the body. Other query
/// parameters belong to the endpoint's URL (RFC 6749 §3.2).
fn check(request: &http::Request<Vec<u8>>) -> Result<(), Refused> {
    if request.method() != Method::POST {
        return Err(Refused::method_not_allowed(request.method(), "POST"));
    }
    let query = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    for (name, _) in query {
        if PARAMETERS.contains(&&*name) {
            let description = format!("the URL has `{name}`, which belongs in the body (RFC 6749 §3.2)");
            return Err(Refused::invalid_request(&description));
        }
    }
    let mut types = request.headers().get_all(CONTENT_TYPE).iter();
    const EXPECTED: &str = "application/x-www-form-urlencoded";
    let is_form = |value: &http::HeaderValue| {
        let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case(EXPECTED)
    };
    let description = match (types.next(), types.next()) {
        (Some(one), None) if is_form(one) => {
            if !request.body().trim_ascii_start().starts_with(b"{") {
                return Ok(());
            }
            format!("the body is JSON, expected a form as `{EXPECTED}`")
        }
        (Some(one), None) => {
            let found = shown(&String::from_utf8_lossy(one.as_bytes()));
            format!("the Content-Type is `{found}`, expected `{EXPECTED}`")
        }
        (None, _) => format!("the request has no Content-Type, expected `{EXPECTED}`"),
        (Some(_), Some(_)) => format!("the request has more than one Content-Type, expected `{EXPECTED}`"),
    };
    Err(Refused::invalid_request(&description))
}
