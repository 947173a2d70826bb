//! The authorization endpoint (RFC 6749 §3.1). A request by GET or POST (OpenID Connect Core
//! §3.1.2.1) shows a page, and the user decides in its form. If a user is logged in, no page is
//! shown.

use time::OffsetDateTime;

use super::answer::Answer;
use super::authority::Own;
use super::authorization_request::{AuthorizationRequest, ReturnAddress};
use super::code::Code;
use super::grant::Grant;
use super::inner::Inner;
use super::page::{Decision, ask_for_decision};
use super::refused::Refused;
use super::shown::both_shown;
use super::state::State;
use super::{par, secret, sender};

/// Answers an authorization request. `own` are the origins of this server. Errors about
/// the client or the redirect URI are shown in the browser. Everything else is sent back to the
/// redirect URI (§4.1.2.1).
pub(super) fn answer(
    server: &Inner,
    request: &http::Request<Vec<u8>>,
    own: &Own<'_>,
    now: OffsetDateTime,
) -> Result<Answer, Refused> {
    sender::check_navigation(request, own)?;
    let (parameters, decision) = Decision::asked(request)?;
    if decision.is_some() {
        sender::check(request, own)?;
    }
    if let Err(refused) = AuthorizationRequest::check_supported(&parameters) {
        let known = parameters.value("client_id").is_some_and(|id| server.clients.check_known(id).is_ok());
        return match ReturnAddress::of(&parameters) {
            Ok(address) if known => Ok(sent_back(server, &address, refused)),
            _ => Err(refused),
        };
    }
    let client_id = parameters.required("client_id")?;
    server.clients.check_known(client_id).map_err(|description| Refused::invalid_request(&description))?;
    let mut state = server.state();
    let request_uri = parameters.value("request_uri");
    let asked = match request_uri {
        Some(request_uri) => pushed(&state, request_uri, client_id, now)?,
        None if server.demands.is_fapi2() => {
            let address = ReturnAddress::of(&parameters)?;
            let description = "the request was not pushed; FAPI 2.0 accepts only pushed requests (§5.3.2.2)";
            return Ok(sent_back(server, &address, Refused::invalid_request(description)));
        }
        None => {
            let address = ReturnAddress::of(&parameters)?;
            match AuthorizationRequest::of(client_id, address.clone(), &parameters) {
                Ok(asked) => asked,
                Err(refused) => return Ok(sent_back(server, &address, refused)),
            }
        }
    };
    let logged_in = || state.user.clone().map(|subject| Decision::Approved { subject });
    let Some(decision) = decision.or_else(logged_in) else {
        if asked.forbids_page {
            let description = "no user is logged in, and prompt=none forbids a login page";
            let refused = Refused::bad_request("login_required", description);
            return Ok(sent_back(server, &asked.address, refused));
        }
        let names = match request_uri {
            Some(_) => ["request_uri"].as_slice(),
            None => AuthorizationRequest::PARAMETERS.as_slice(),
        };
        let values = |name: &'static str| parameters.values(name).map(move |value| (name, value));
        let pairs = [("client_id", client_id)].into_iter().chain(names.iter().copied().flat_map(values));
        let scope = asked.access.scope();
        let page = ask_for_decision(client_id, scope.as_deref(), request.uri().path(), pairs);
        return Ok(Answer::page(page, format!("client={client_id}{}", asked.access.note())));
    };
    if let Some(request_uri) = request_uri {
        if let Some(pushed) = state.pushed.get_mut(request_uri, now) {
            pushed.used = true;
        }
        state.pushed.end(request_uri, now);
    }
    let address = asked.address.clone();
    let Decision::Approved { subject } = &decision else {
        let refused = Refused::bad_request("access_denied", "the user denied the request");
        return Ok(sent_back(server, &address, refused));
    };
    let note = format!("{} client={client_id}{}", decision.note(), asked.access.note());
    let grant = Grant::of_user(subject, client_id, asked.access.clone(), now)?;
    let code = secret::fresh()?;
    let value = Code { request: asked, grant, used: false };
    state.codes.insert(&code, value, now.saturating_add(Code::LIFETIME), now)?;
    Ok(address.answer(&server.issuer, [("code", code.as_str())], note))
}

/// Looks up a pushed request (RFC 9126 §4). Only the decision uses it up, so the page may be
/// reloaded.
fn pushed(
    state: &State,
    request_uri: &str,
    client_id: &str,
    now: OffsetDateTime,
) -> Result<AuthorizationRequest, Refused> {
    let found = state.pushed.get(request_uri, now);
    let refusal = match found.or_else(|| state.pushed.ended(request_uri, now)) {
        None => "the request_uri is unknown".to_owned(),
        Some(pushed) if pushed.request.client_id != client_id => {
            let [found, expected] = both_shown(client_id, &pushed.request.client_id);
            format!("the request_uri was pushed by client `{expected}`, but the client_id is `{found}`")
        }
        Some(pushed) if pushed.used => "the request_uri was used before".to_owned(),
        Some(pushed) if found.is_some() => return Ok(pushed.request.clone()),
        Some(_) => {
            format!(
                "the request_uri expired; pushed requests are valid for {} s",
                par::LIFETIME.whole_seconds()
            )
        }
    };
    Err(Refused::bad_request("invalid_request_uri", &refusal))
}

fn sent_back(server: &Inner, address: &ReturnAddress, refused: Refused) -> Answer {
    let (error, description) = refused.into_parts();
    let pairs = [("error", error), ("error_description", description.as_str())];
    address.answer(&server.issuer, pairs, format!("{error}: {description}"))
}
