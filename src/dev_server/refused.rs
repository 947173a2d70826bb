//! Error responses.

use http::header::HeaderName;
use http::{Method, StatusCode};

use super::demands::Demands;
use super::fault::Fault;
use super::shown::{chain, shown};
use super::store::Full;
use serde_json::Value;

use crate::keys::KeyError;
use crate::oauth::OAuthError;
use crate::verifier::{ErrorResponse, describable};

/// An error response, in the format of RFC 6749 §5.2.
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) error: &'static str,
    pub(super) description: String,
    /// Boxed, because most have none and many functions return this error.
    pub(super) header: Option<Box<(HeaderName, String)>>,
    /// The client for the log, once it is authenticated.
    pub(super) client: String,
    pub(super) wants_keys_of: Option<String>,
    /// Why the client is refused, if it is.
    pub(super) fault: Option<Box<Fault>>,
    /// What a provider answers, without the description.
    pub(super) body: Option<Box<Value>>,
}

impl Refused {
    pub(super) fn new(status: StatusCode, error: &'static str, description: &str) -> Self {
        let (description, client) = (describable(description), String::new());
        Self {
            status,
            error,
            description,
            header: None,
            client,
            wants_keys_of: None,
            fault: None,
            body: None,
        }
    }

    pub(super) fn bad_request(error: &'static str, description: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, description)
    }

    pub(super) fn invalid_request(description: &str) -> Self {
        Self::bad_request("invalid_request", description)
    }

    pub(super) fn invalid_grant(description: &str) -> Self {
        Self::bad_request("invalid_grant", description)
    }

    pub(super) fn invalid_target(description: &str) -> Self {
        Self::bad_request("invalid_target", description)
    }

    pub(super) fn invalid_scope(description: &str) -> Self {
        Self::bad_request("invalid_scope", description)
    }

    /// 400, because clients authenticate in the form: 401 needs a challenge, and none exists for
    /// that (RFC 6749 §5.2).
    pub(super) fn invalid_client(description: &str) -> Self {
        Self::bad_request("invalid_client", description)
    }

    pub(super) fn method_not_allowed(found: &Method, allowed: &'static str) -> Self {
        let description = format!("the method is {}, expected {allowed}", shown(found.as_str()));
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", &description)
            .with_header(http::header::ALLOW, allowed)
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.header = Some(Box::new((name, value.into())));
        self
    }

    /// States why the client is refused.
    pub(super) fn with_fault(mut self, fault: impl Into<Fault>) -> Self {
        self.fault = Some(Box::new(fault.into()));
        self
    }

    /// Replaces the answer about a client by that of the provider, if the server stands in for one.
    pub(super) fn answered_by(mut self, demands: &Demands) -> Self {
        if let Some((status, body)) = self.fault.as_ref().and_then(|fault| demands.answer(fault)) {
            self.status = status;
            self.body = Some(Box::new(body));
            // The challenge is part of the dev server's own answer.
            self.header = None;
        }
        self
    }

    /// Names the client in the log.
    pub(super) fn of_client(mut self, mut client: String) -> Self {
        client.push(' ');
        self.client = client;
        self
    }

    pub(super) fn description(&self) -> &str {
        &self.description
    }

    /// Says which of the request's two JWTs the error is about.
    pub(super) fn about(mut self, jwt: &str) -> Self {
        self.description = format!("{jwt}: {}", self.description);
        self
    }

    /// The error code and the description, for a redirect that carries them.
    pub(super) fn into_parts(self) -> (&'static str, String) {
        (self.error, self.description)
    }

    pub(super) fn wanting_keys_of(mut self, client_id: &str) -> Self {
        self.wants_keys_of = Some(client_id.to_owned());
        self
    }
}

impl From<KeyError> for Refused {
    fn from(error: KeyError) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", &chain(&error))
    }
}

/// Of a token that cannot be issued.
impl From<OAuthError> for Refused {
    fn from(error: OAuthError) -> Self {
        let description = chain(&error);
        let response = ErrorResponse::from(error);
        Self::new(response.status(), response.error(), &description)
    }
}

impl From<Full> for Refused {
    fn from(_: Full) -> Self {
        let description = "the server is full; wait until older entries expire";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", description)
    }
}
