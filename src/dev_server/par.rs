//! The pushed authorization request endpoint (RFC 9126).

use http::StatusCode;
use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::answer::{Answer, Refused};
use super::authentication::authenticate;
use super::authorization_request::{AuthorizationRequest, ReturnAddress};
use super::form::ClientForm;
use super::{Inner, secret};
use crate::oauth::Endpoint;

/// How long a request waits for its browser.
const LIFETIME: Duration = Duration::minutes(1);

pub(super) fn answer(
    server: &Inner,
    request: &http::Request<Vec<u8>>,
    now: OffsetDateTime,
) -> Result<Answer, Refused> {
    let ClientForm { authentication, parameters } = ClientForm::of(request)?;
    let client = authenticate(server, Endpoint::PushedAuthorization, request.headers(), authentication, now)?;
    if parameters.value("request_uri").is_some() {
        return Err(Refused::invalid_request("a request_uri cannot be pushed (RFC 9126 §2.1)"));
    }
    let address = ReturnAddress::of(&parameters)?;
    let pushed = AuthorizationRequest::of(&client.id, address, &parameters)?;
    let note = format!("{}{}", client.note(), pushed.access.note());
    let request_uri = format!("urn:ietf:params:oauth:request_uri:{}", secret::fresh()?);
    server.state().pushed.insert(&request_uri, pushed, now.saturating_add(LIFETIME), now)?;
    let body = json!({"request_uri": request_uri, "expires_in": LIFETIME.whole_seconds()});
    Ok(Answer::json(body, note).with_status(StatusCode::CREATED))
}
