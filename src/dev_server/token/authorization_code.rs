//! The authorization code grant (RFC 6749 §4.1.3, RFC 7636 §4.6).

use super::super::authentication::{ClientRequest, issued_to_another};
use super::super::code::Code;
use super::super::grant::Access;
use super::super::refused::Refused;
use super::super::shown::both_shown;
use super::granted::Granted;
use crate::oauth::CodeVerifier;

/// The first request with a code uses it up, even if the request fails: the code may be stolen. If
/// the code is sent again, its tokens are revoked (RFC 6749 §4.1.2).
pub(super) fn granted(request: &ClientRequest<'_>) -> Result<Granted, Refused> {
    let ClientRequest { server, ref client, now, .. } = *request;
    let code = request.required("code")?;
    let redirect_uri = request.required("redirect_uri")?;
    let verifier = request.parameters.value("code_verifier").ok_or_else(|| {
        let description = request.parameters.missing("code_verifier");
        // Every authorization request has a code_challenge (RFC 7636 §4.6).
        Refused::invalid_grant(&format!("{description}, but the authorization request has a code_challenge"))
    })?;
    let verifier =
        CodeVerifier::new(verifier).map_err(|error| Refused::invalid_request(&error.to_string()))?;
    let asked = Access::of_exchange(&request.parameters)?;

    let mut state = server.state();
    if state.codes.ended(code, now).is_some() {
        let lifetime = Code::LIFETIME.whole_seconds();
        return Err(Refused::invalid_grant(&format!("the code expired; codes are valid for {lifetime} s")));
    }
    let unknown = || Refused::invalid_grant("the code is unknown");
    let code = state.codes.get_mut(code, now).ok_or_else(unknown)?;
    let was_used = std::mem::replace(&mut code.used, true);
    let Code { request: asked_for, grant, .. } = &*code;
    let refusal = if was_used {
        Some("the code was used before; the tokens issued for it are revoked".to_owned())
    } else if asked_for.client_id != client.id {
        Some(issued_to_another("code", Some(&asked_for.client_id), &client.id))
    } else if asked_for.address.redirect_uri != redirect_uri {
        let [found, expected] = both_shown(redirect_uri, &asked_for.address.redirect_uri);
        Some(format!("the redirect_uri is `{found}`, but it was `{expected}` in the authorization request"))
    } else if verifier.secret() == asked_for.challenge {
        Some("the code_verifier is the code_challenge itself, expected the text whose hash it is".to_owned())
    } else if !verifier.matches(&asked_for.challenge) {
        Some("the code_verifier does not match the code_challenge of the authorization request".to_owned())
    } else {
        None
    };
    let (grant, nonce) = (grant.clone(), asked_for.nonce.clone());
    match refusal {
        None => Ok(Granted { nonce, ..Granted::with_refresh(&mut state, grant, asked, now)? }),
        Some(description) => {
            if was_used {
                state.revoke_grant(grant.id.as_deref(), server.token_lifetime, now)?;
            }
            Err(Refused::invalid_grant(&description))
        }
    }
}
