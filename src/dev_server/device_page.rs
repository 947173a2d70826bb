//! The verification page (RFC 8628 §3.3). GET shows, POST decides.

use http::{Method, StatusCode};
use time::OffsetDateTime;

use super::answer::Answer;
use super::inner::Inner;
use super::page::{Decision, ask_for_code, ask_for_decision, message};
use super::refused::Refused;

pub(super) fn answer(
    server: &Inner,
    request: &http::Request<Vec<u8>>,
    now: OffsetDateTime,
) -> Result<Answer, Refused> {
    let (parameters, decision) = Decision::asked(request)?;
    if *request.method() == Method::POST {
        parameters.required("decision")?;
    }
    let Some(user_code) = parameters.value("user_code") else {
        return match decision {
            None => Ok(Answer::page(ask_for_code("Which code does the device show?"), String::new())),
            Some(_) => Err(Refused::invalid_request("the form has no `user_code`")),
        };
    };
    let mut state = server.state();
    let Some(login) = state.waiting(user_code).filter(|login| login.expires_at > now) else {
        const UNKNOWN: &str = "no device is waiting with this code";
        let page = ask_for_code("No device is waiting with this code. Which code does yours show?");
        return Ok(Answer::page(page, UNKNOWN.to_owned()).with_status(StatusCode::NOT_FOUND));
    };
    let note = format!("client={}{}", login.client_id, login.access.note());
    let Some(decision) = decision else {
        let pairs = [("user_code", login.user_code.as_str())];
        let scope = login.access.scope();
        let page = ask_for_decision(&login.client_id, scope.as_deref(), request.uri().path(), pairs);
        return Ok(Answer::page(page, note));
    };
    let note = format!("{} {note}", decision.note());
    let text = match decision {
        Decision::Approved { .. } => "Approved. Your device continues by itself.",
        Decision::Denied => "Denied. Your device will be told.",
    };
    login.decision = Some(decision);
    Ok(Answer::page(message(text), note))
}
