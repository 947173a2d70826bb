//! The revocation endpoint (RFC 7009).

use time::OffsetDateTime;

use super::answer::{Answer, Refused};
use super::authentication::authenticate;
use super::form::ClientForm;
use super::{Inner, access_token};
use crate::oauth::Endpoint;

/// A token that is not known, or has ended, counts as revoked (§2.2). With a refresh token end all tokens of its grant
/// (§2.1).
pub(super) fn answer(
    server: &Inner,
    request: &http::Request<Vec<u8>>,
    now: OffsetDateTime,
) -> Result<Answer, Refused> {
    let ClientForm { authentication, parameters } = ClientForm::of(request)?;
    let token = parameters.required("token")?;
    let client = authenticate(server, Endpoint::Revocation, request.headers(), authentication, now)?;
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
