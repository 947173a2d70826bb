//! The parameters of a request (RFC 6749 §3.1, §3.2): in one place, and each once.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::Method;
use http::header::CONTENT_TYPE;

use super::answer::Refused;
use crate::jose::error::excerpt;
use crate::jose::text::Text;
use crate::verifier::{ClientAssertionVerifier, Form};

/// The form of a client: what it authenticates with, and the rest.
pub(super) struct ClientForm<'a> {
    pub(super) authentication: Form<'a>,
    pub(super) parameters: Parameters<'a>,
}

impl<'a> ClientForm<'a> {
    pub(super) fn of(request: &'a http::Request<Vec<u8>>) -> Result<Self, Refused> {
        check(request)?;
        let mut parameters = Parameters::new("form");
        let authentication = Form::parse_with(request.body(), |name, value| parameters.push(name, value))?;
        Ok(Self { authentication, parameters })
    }
}

/// Parameters by their names.
pub(super) struct Parameters<'a> {
    place: &'static str,
    values: BTreeMap<Cow<'a, str>, Vec<Text<'a>>>,
}

impl<'a> Parameters<'a> {
    /// What may be there several times: RFC 8707 §2, RFC 8693 §2.1.
    const REPEATABLE: [&'static str; 2] = ["resource", "audience"];

    const fn new(place: &'static str) -> Self {
        Self { place, values: BTreeMap::new() }
    }

    /// Those of a page's address.
    pub(super) fn of_query(request: &'a http::Request<Vec<u8>>) -> Result<Self, Refused> {
        Self::read("query", request.uri().query().unwrap_or_default().as_bytes())
    }

    /// Those of a page's form, by which no client authenticates.
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
        form_urlencoded::parse(encoded).try_for_each(|(name, value)| parameters.push(name, value.into()))?;
        Ok(parameters)
    }

    fn push(&mut self, name: Cow<'a, str>, value: Text<'a>) -> Result<(), Refused> {
        let repeatable = Self::REPEATABLE.contains(&&*name);
        let values = self.values.entry(name.clone()).or_default();
        if !repeatable && !values.is_empty() {
            let description = format!("the {} has `{}` more than once", self.place, excerpt(&name));
            return Err(Refused::invalid_request(&description));
        }
        values.push(value);
        Ok(())
    }

    /// A parameter; one without a value counts as left out (RFC 6749 §3.1).
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, Refused> {
        self.value(name)
            .ok_or_else(|| Refused::invalid_request(&format!("the {} has no `{name}`", self.place)))
    }

    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values.get(name).into_iter().flatten().map(|value| &**value).filter(|value| !value.is_empty())
    }
}

/// A POST of a form, with parameters in the body and nowhere else.
fn check(request: &http::Request<Vec<u8>>) -> Result<(), Refused> {
    if request.method() != Method::POST {
        return Err(Refused::method_not_allowed("POST"));
    }
    if request.uri().query().is_some() {
        return Err(Refused::invalid_request("parameters belong into the body, not into the URL"));
    }
    let mut types = request.headers().get_all(CONTENT_TYPE).iter();
    let is_form = |value: &http::HeaderValue| {
        let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
    };
    if !types.next().is_some_and(is_form) || types.next().is_some() {
        return Err(Refused::invalid_request("the Content-Type is not application/x-www-form-urlencoded"));
    }
    Ok(())
}
