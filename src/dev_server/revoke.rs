//! The revocation endpoint (RFC 7009).

use super::access_token;
use super::answer::{Answer, Refused};
use super::authentication::ClientRequest;

/// A token that is not known, or has ended, counts as revoked (§2.2). With a refresh token end all tokens of its grant
/// (§2.1).
pub(super) fn answer(request: &ClientRequest<'_>) -> Result<Answer, Refused> {
    let ClientRequest { server, client, now, .. } = request;
    let (token, now) = (request.required("token")?, *now);
    let check = |owner: Option<&str>| match owner {
        Some(owner) if owner == client.id => Ok(()),
        _ => Err(Refused::invalid_grant("the token was issued to another client")),
    };
    let claims = access_token::active(server, token, now);
    let mut state = server.state();
    if let Some(claims) = claims {
        let text = |claim| claims.get(claim).and_then(serde_json::Value::as_str);
        check(text("client_id"))?;
        let end = now.saturating_add(access_token::LIFETIME);
        state.revoke(text("jti").unwrap_or_default(), end, now)?;
    } else if let Some(token) = state.refresh_tokens.get(token, now) {
        check(Some(&token.grant.client_id))?;
        let grant = token.grant.id.clone();
        state.revoke_grant(grant.as_deref(), now)?;
    }
    Ok(Answer::empty(client.note()))
}
