//! The introspection endpoint (RFC 7662).

use serde_json::{Map, Value, json};

use super::access_token;
use super::answer::Answer;
use super::authentication::ClientRequest;
use super::refresh_token::RefreshToken;
use super::refused::Refused;

/// Describes an access token to every client, because resource servers ask as clients. Describes a
/// refresh token only to its own client.
pub(super) fn answer(request: &ClientRequest<'_>) -> Result<Answer, Refused> {
    let token = request.required("token")?;
    let access_token = access_token::active(request.server, token, request.now);
    // The answer does not give the reason (§2.2), but the log does.
    let reason = access_token.as_ref().err().map(|reason| format!(": the token {reason}"));
    let found = access_token
        .ok()
        .map(|claims| with(claims, "token_type", "Bearer"))
        .or_else(|| refresh_token(request, token));
    let reason = reason.filter(|_| found.is_none()).unwrap_or_default();
    let note = format!("active={}{reason}", found.is_some());
    let body = found.map_or_else(|| json!({"active": false}), |members| with(members, "active", true).into());
    Ok(Answer::json(body, note))
}

fn refresh_token(request: &ClientRequest<'_>, token: &str) -> Option<Map<String, Value>> {
    let ClientRequest { server, client, now, .. } = request;
    let (state, now) = (server.state(), *now);
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
