//! The revocation endpoint (RFC 7009).

use super::access_token;
use super::answer::Answer;
use super::authentication::{ClientRequest, issued_to_another};
use super::refused::Refused;

/// An unknown or expired token counts as revoked (§2.2). Revoking a refresh token revokes all
/// tokens of its grant (§2.1).
pub(super) fn answer(request: &ClientRequest<'_>) -> Result<Answer, Refused> {
    let ClientRequest { server, client, now, .. } = request;
    let (token, now) = (request.required("token")?, *now);
    let check = |owner: Option<&str>| match owner {
        Some(owner) if owner == client.id => Ok(()),
        owner => Err(Refused::invalid_grant(&issued_to_another("token", owner, &client.id))),
    };
    let claims = access_token::active(server, token, now);
    let mut state = server.state();
    if let Ok(claims) = claims {
        let text = |claim| claims.get(claim).and_then(serde_json::Value::as_str);
        check(text("client_id"))?;
        let end = now.saturating_add(server.token_lifetime);
        state.revoke(text("jti").unwrap_or_default(), end, now)?;
    } else if let Some(token) = state.refresh_tokens.get(token, now) {
        check(Some(&token.grant.client_id))?;
        let grant = token.grant.id.clone();
        state.revoke_grant(grant.as_deref(), server.token_lifetime, now)?;
    }
    Ok(Answer::empty(String::new()))
}
