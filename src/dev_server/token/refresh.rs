//! The refresh token grant (RFC 6749 §6).

use super::super::answer::Refused;
use super::super::authentication::ClientRequest;
use super::super::refresh_token::RefreshToken;
use super::Granted;

/// Each token is used once. One that comes again was stolen from somebody, and nobody knows from whom: all tokens of the
/// grant end (RFC 9700 §4.14.2).
pub(super) fn granted(request: &ClientRequest<'_>) -> Result<Granted, Refused> {
    let ClientRequest { server, ref client, now, .. } = *request;
    let token = request.required("refresh_token")?;
    let asked = request.access()?;

    let mut state = server.state();
    let unknown = || Refused::invalid_grant("the refresh token is not known, or has expired");
    let RefreshToken { grant, used, .. } = state.refresh_tokens.get(token, now).ok_or_else(unknown)?;
    let (grant, used) = (grant.clone(), *used);
    if grant.client_id != client.id {
        return Err(Refused::invalid_grant("the refresh token was issued to another client"));
    }
    if grant.id.as_deref().is_some_and(|id| state.is_revoked(id, now)) {
        return Err(Refused::invalid_grant("the refresh token was revoked"));
    }
    if used {
        state.revoke_grant(grant.id.as_deref(), now)?;
        let description = "the refresh token was used before; all tokens of its grant are revoked";
        return Err(Refused::invalid_grant(description));
    }
    let granted = Granted::with_refresh(&mut state, grant, asked, now)?;
    if let Some(token) = state.refresh_tokens.get_mut(token, now) {
        token.used = true;
    }
    Ok(granted)
}
