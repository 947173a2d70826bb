//! The pushed authorization request endpoint (RFC 9126).

use http::StatusCode;
use serde_json::json;
use time::Duration;

use super::answer::Answer;
use super::authentication::ClientRequest;
use super::authorization_request::{AuthorizationRequest, Pushed, REQUEST_URI, ReturnAddress};
use super::refused::Refused;
use super::secret;

/// How long a pushed request waits for its browser.
pub(super) const LIFETIME: Duration = Duration::minutes(1);

pub(super) fn answer(request: &ClientRequest<'_>) -> Result<Answer, Refused> {
    let ClientRequest { server, client, parameters, now, .. } = request;
    let address = ReturnAddress::of(parameters)?;
    let pushed = AuthorizationRequest::of(&client.id, address, parameters)?;
    let note = pushed.access.note();
    let request_uri = format!("{REQUEST_URI}{}", secret::fresh()?);
    let pushed = Pushed { request: pushed, used: false };
    server.state().pushed.insert(&request_uri, pushed, now.saturating_add(LIFETIME), *now)?;
    let body = json!({"request_uri": request_uri, "expires_in": LIFETIME.whole_seconds()});
    Ok(Answer::json(body, note).with_status(StatusCode::CREATED))
}
