//! The refresh token grant (RFC 6749 §6).

use super::super::authentication::{ClientRequest, issued_to_another};
use super::super::grant::Grant;
use super::super::refresh_token::RefreshToken;
use super::super::refused::Refused;
use super::granted::Granted;

/// Each token is used once. A token that is sent again was stolen: both the client and a thief hold
/// it. All tokens of the grant are then revoked (RFC 9700 §4.14.2). Under FAPI 2.0, a token stays
/// valid and is not replaced (§5.3.2.1): a client that loses an answer keeps its login.
pub(super) fn granted(request: &ClientRequest<'_>) -> Result<Granted, Refused> {
    let ClientRequest { server, ref client, now, .. } = *request;
    let token = request.required("refresh_token")?;
    let asked = request.access()?;

    let mut state = server.state();
    if state.refresh_tokens.ended(token, now).is_some() {
        let lifetime = RefreshToken::LIFETIME.whole_seconds();
        return Err(Refused::invalid_grant(&format!(
            "the refresh token expired; refresh tokens are valid for {lifetime} s"
        )));
    }
    let unknown = || match token.contains('.') {
        // Refresh tokens of this server are opaque.
        true => Refused::invalid_grant("the refresh token is unknown: it is a JWT, perhaps an access token"),
        false => Refused::invalid_grant("the refresh token is unknown"),
    };
    let RefreshToken { grant, used, .. } = state.refresh_tokens.get(token, now).ok_or_else(unknown)?;
    let (grant, used) = (grant.clone(), *used);
    if grant.client_id != client.id {
        let description = issued_to_another("refresh token", Some(&grant.client_id), &client.id);
        return Err(Refused::invalid_grant(&description));
    }
    if grant.id.as_deref().is_some_and(|id| state.is_revoked(id, now)) {
        return Err(Refused::invalid_grant("the refresh token was revoked"));
    }
    if used {
        state.revoke_grant(grant.id.as_deref(), server.token_lifetime, now)?;
        let description = "the refresh token was used before; all tokens of its grant are revoked";
        return Err(Refused::invalid_grant(description));
    }
    if server.demands.is_fapi2() {
        let access = grant.access.narrowed(asked)?;
        return Ok(Granted::without_refresh(Grant { access, ..grant }));
    }
    let granted = Granted::with_refresh(&mut state, grant, asked, now)?;
    if let Some(token) = state.refresh_tokens.get_mut(token, now) {
        token.used = true;
    }
    Ok(granted)
}
