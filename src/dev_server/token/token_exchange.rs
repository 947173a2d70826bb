//! The token exchange grant (RFC 8693).

use serde_json::{Map, Value, json};

use super::super::access_token;
use super::super::authentication::ClientRequest;
use super::super::grant::{Access, Grant};
use super::super::refused::Refused;
use super::granted::Granted;
use crate::jose::error::excerpt;
use crate::oauth::TokenKind;

/// Exchanges an access token of this server for another one. The new token has the same subject and
/// grant, so it is revoked with the grant. Scopes and resources stay unchanged unless the request
/// names others.
pub(super) fn granted(request: &ClientRequest<'_>) -> Result<Granted, Refused> {
    let subject = token(request, "subject_token", "subject_token_type")?;
    let actor = match request.parameters.value("actor_token") {
        Some(_) => Some(token(request, "actor_token", "actor_token_type")?),
        None if request.parameters.value("actor_token_type").is_some() => {
            return Err(Refused::invalid_request("the form has an `actor_token_type` but no `actor_token`"));
        }
        None => None,
    };
    if request.parameters.value("requested_token_type").is_some() {
        check_kind(request, "requested_token_type")?;
    }
    let access = request.access()?.or(Access::of_claims(&subject));
    let text = |claim: &str| subject.get(claim).and_then(Value::as_str).map(str::to_owned);
    let earlier = subject.get("act").cloned();
    let actor = match actor {
        None => earlier,
        Some(actor) => {
            let mut act = json!({"sub": actor.get("sub")});
            if let (Value::Object(act), Some(earlier)) = (&mut act, earlier) {
                act.insert("act".to_owned(), earlier);
            }
            Some(act)
        }
    };
    let grant = Grant {
        id: text("grant_id"),
        client_id: request.client.id.clone(),
        subject: text("sub").unwrap_or_default(),
        authenticated: None,
        actor,
        access,
    };
    Ok(Granted { issued_token_type: Some(TokenKind::AccessToken), ..Granted::without_refresh(grant) })
}

/// The claims of an active token. If the token is not active, the error is `invalid_request`, not
/// `invalid_grant` (§2.2.2).
fn token(request: &ClientRequest<'_>, name: &str, kind: &str) -> Result<Map<String, Value>, Refused> {
    let token = request.required(name)?;
    check_kind(request, kind)?;
    access_token::active(request.server, token, request.now)
        .map_err(|reason| Refused::invalid_request(&format!("the {name} {reason}")))
}

fn check_kind(request: &ClientRequest<'_>, name: &str) -> Result<(), Refused> {
    match TokenKind::from(request.required(name)?) {
        TokenKind::AccessToken => Ok(()),
        other => {
            let (found, supported) = (excerpt(other.as_str()), TokenKind::AccessToken);
            let description = format!("the {name} is `{found}`, expected `{}`", supported.as_str());
            Err(Refused::invalid_request(&description))
        }
    }
}
