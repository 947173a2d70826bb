//! The authorization code grant (RFC 6749 §4.1.3, RFC 7636 §4.6).

use super::super::answer::Refused;
use super::super::authentication::ClientRequest;
use super::super::authorize::Code;
use super::Granted;
use crate::oauth::CodeVerifier;

/// A code is used up by whoever comes with it, also in vain: in the wrong hands it was stolen. When it comes again, what
/// it gave ends (RFC 6749 §4.1.2).
pub(super) fn granted(request: &ClientRequest<'_>) -> Result<Granted, Refused> {
    let ClientRequest { server, ref client, now, .. } = *request;
    let code = request.required("code")?;
    let redirect_uri = request.required("redirect_uri")?;
    let verifier = CodeVerifier::new(request.required("code_verifier")?)
        .map_err(|error| Refused::invalid_request(&error.to_string()))?;
    let asked = request.access()?;

    let mut state = server.state();
    let unknown = || Refused::invalid_grant("the code is not known, or has expired");
    let code = state.codes.get_mut(code, now).ok_or_else(unknown)?;
    let was_used = std::mem::replace(&mut code.used, true);
    let Code { request: asked_for, grant, .. } = &*code;
    let refusal = if was_used {
        Some("the code was used before; the tokens that it gave are revoked")
    } else if asked_for.client_id != client.id {
        Some("the code was issued to another client")
    } else if asked_for.address.redirect_uri != redirect_uri {
        Some("the redirect_uri is not that of the authorization request")
    } else if !verifier.matches(&asked_for.challenge) {
        Some("the code_verifier does not match the code_challenge")
    } else {
        None
    };
    let grant = grant.clone();
    match refusal {
        None => Granted::with_refresh(&mut state, grant, asked, now),
        Some(description) => {
            if was_used {
                state.revoke_grant(grant.id.as_deref(), now)?;
            }
            Err(Refused::invalid_grant(description))
        }
    }
}
