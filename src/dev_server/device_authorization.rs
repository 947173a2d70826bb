//! The device authorization endpoint (RFC 8628 §3.1).

use serde_json::json;

use super::answer::Answer;
use super::authentication::ClientRequest;
use super::device::DeviceLogin;
use super::refused::Refused;
use super::secret;
use crate::oauth::with_query;

pub(super) fn answer(request: &ClientRequest<'_>) -> Result<Answer, Refused> {
    let ClientRequest { server, client, now, .. } = request;
    let (access, now) = (request.access()?, *now);
    let note = access.note();

    let mut state = server.state();
    let mut user_code = secret::fresh_user_code()?;
    while state.devices.values_mut().any(|login| login.user_code == user_code) {
        user_code = secret::fresh_user_code()?;
    }
    let device_code = secret::fresh()?;
    let login = DeviceLogin {
        client_id: client.id.clone(),
        user_code: user_code.clone(),
        access,
        decision: None,
        expires_at: now.saturating_add(DeviceLogin::LIFETIME),
        interval: DeviceLogin::INTERVAL,
        last_asked: None,
        used: false,
    };
    // Kept for a while after it expires, so that the device learns that it has expired.
    let end = login.expires_at.saturating_add(DeviceLogin::LIFETIME);
    state.devices.insert(&device_code, login, end, now)?;

    let page = server.device_page();
    let complete = with_query(&page, [("user_code", user_code.as_str())].into_iter());
    let body = json!({
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": page,
        "verification_uri_complete": complete,
        "expires_in": DeviceLogin::LIFETIME.whole_seconds(),
        "interval": DeviceLogin::INTERVAL.whole_seconds(),
    });
    Ok(Answer::json(body, format!("{note} verification_uri={complete}")))
}
