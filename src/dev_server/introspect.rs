//! The introspection endpoint (RFC 7662).

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::answer::{Answer, Refused};
use super::authentication::{Client, authenticate};
use super::form::ClientForm;
use super::refresh_token::RefreshToken;
use super::{Inner, access_token};
use crate::oauth::Endpoint;

/// An access token is shown to every client, since resource servers ask as clients; a refresh token to its own only.
pub(super) fn answer(
    server: &Inner,
    request: &http::Request<Vec<u8>>,
    now: OffsetDateTime,
) -> Result<Answer, Refused> {
    let ClientForm { authentication, parameters } = ClientForm::of(request)?;
    let token = parameters.required("token")?;
    let client = authenticate(server, Endpoint::Introspection, request.headers(), authentication, now)?;
    let found = access_token::active(server, token, now)
        .map(|claims| with(claims, "token_type", "Bearer"))
        .or_else(|| refresh_token(server, &client, token, now));
    let note = format!("{} active={}", client.note(), found.is_some());
    let body = found.map_or_else(|| json!({"active": false}), |members| with(members, "active", true).into());
    Ok(Answer::json(body, note))
}

fn refresh_token(
    server: &Inner,
    client: &Client,
    token: &str,
    now: OffsetDateTime,
) -> Option<Map<String, Value>> {
    let state = server.state();
    let token = state.refresh_tokens.get(token, now)?;
    let RefreshToken { grant, issued, used } = token;
    let is_revoked = grant.id.as_deref().is_some_and(|id| state.is_revoked(id, now));
    if *used || is_revoked || grant.client_id != client.id {
        return None;
    }
    let members = json!({
        "iss": server.issuer,
        "exp": token.expires_at().unix_timestamp(),
        "aud": grant.access.audience(),
        "sub": grant.subject,
        "client_id": grant.client_id,
        "iat": issued.unix_timestamp(),
    });
    let members = members.as_object()?.clone();
    Some(match grant.access.scope() {
        Some(scope) => with(members, "scope", scope),
        None => members,
    })
}

fn with(mut members: Map<String, Value>, name: &str, value: impl Into<Value>) -> Map<String, Value> {
    members.insert(name.to_owned(), value.into());
    members
}
