//! The device code grant (RFC 8628 §3.4, §3.5).

use super::super::authentication::{ClientRequest, issued_to_another};
use super::super::device::DeviceLogin;
use super::super::grant::{Access, Grant};
use super::super::page::Decision;
use super::super::refused::Refused;
use super::granted::Granted;

/// A device that polls too soon, before the user has decided, gets `slow_down` and must wait longer
/// from then on.
pub(super) fn granted(request: &ClientRequest<'_>) -> Result<Granted, Refused> {
    let ClientRequest { server, ref client, now, .. } = *request;
    let device_code = request.required("device_code")?;
    let asked = Access::of_exchange(&request.parameters)?;

    let mut state = server.state();
    if state.devices.ended(device_code, now).is_some_and(|login| login.used) {
        return Err(Refused::invalid_grant("the device code was used before"));
    }
    if state.devices.values_mut().any(|login| login.user_code == device_code) {
        return Err(Refused::invalid_grant("the device code is unknown: it is the user code"));
    }
    let unknown = || Refused::invalid_grant("the device code is unknown");
    let login = state.devices.get_mut(device_code, now).ok_or_else(unknown)?;
    if login.client_id != client.id {
        let description = issued_to_another("device code", Some(&login.client_id), &client.id);
        return Err(Refused::invalid_grant(&description));
    }
    if login.expires_at <= now {
        return Err(Refused::bad_request("expired_token", "the user did not decide in time"));
    }
    match login.decision.clone() {
        None => Err(not_yet(login, request)),
        Some(Decision::Denied) => Err(Refused::bad_request("access_denied", "the user denied the request")),
        Some(Decision::Approved { subject }) => {
            let grant = Grant::of_user(&subject, &client.id, login.access.clone(), now)?;
            let granted = Granted::with_refresh(&mut state, grant, asked, now)?;
            if let Some(login) = state.devices.get_mut(device_code, now) {
                login.used = true;
            }
            state.devices.end(device_code, now);
            Ok(granted)
        }
    }
}

fn not_yet(login: &mut DeviceLogin, request: &ClientRequest<'_>) -> Refused {
    let last_asked = login.last_asked.replace(request.now);
    if last_asked.is_none_or(|last| last.saturating_add(login.interval) <= request.now) {
        return Refused::bad_request("authorization_pending", "the user has not decided yet");
    }
    login.interval += DeviceLogin::INTERVAL;
    let description = format!("the interval is {} s from now on", login.interval.whole_seconds());
    Refused::bad_request("slow_down", &description)
}
