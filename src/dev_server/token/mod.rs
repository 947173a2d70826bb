//! The token endpoint (RFC 6749 §3.2): one file for each grant.

mod authorization_code;
mod device_code;
mod granted;
mod jwt_bearer;
mod refresh;
mod token_exchange;

use serde_json::{Value, json};

use super::answer::{Answer, Refused, shown};
use super::authentication::ClientRequest;
use super::grant::Grant;
use super::{access_token, id_token};
use granted::Granted;

/// `grant_types_supported`.
pub(super) const GRANT_TYPES: [&str; 6] = [
    "client_credentials",
    "authorization_code",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:token-exchange",
];

pub(super) fn answer(request: &ClientRequest<'_>) -> Result<Answer, Refused> {
    let ClientRequest { server, client, now, .. } = request;
    let grant_type = request.required("grant_type")?;
    let granted = match grant_type {
        "client_credentials" => Ok(Granted::without_refresh(Grant::of_client(&client.id, request.access()?))),
        "authorization_code" => authorization_code::granted(request),
        "refresh_token" => refresh::granted(request),
        "urn:ietf:params:oauth:grant-type:device_code" => device_code::granted(request),
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => jwt_bearer::granted(request),
        "urn:ietf:params:oauth:grant-type:token-exchange" => token_exchange::granted(request),
        other => {
            let supported = GRANT_TYPES.join("`, `");
            let description = format!("the grant_type is `{}`, supported are `{supported}`", shown(other));
            Err(Refused::bad_request("unsupported_grant_type", &description))
        }
    };
    let Granted { grant, refresh_token, issued_token_type, nonce } = granted?;

    let access_token = access_token::issue(server, &grant, *now)?;
    let id_token = id_token::issue(server, &grant, nonce.as_deref(), &access_token, *now)?;
    let mut body = json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": access_token::LIFETIME.whole_seconds(),
    });
    let more = [
        ("scope", grant.access.scope()),
        ("refresh_token", refresh_token),
        ("id_token", id_token),
        ("issued_token_type", issued_token_type.map(|kind| kind.as_str().to_owned())),
    ];
    if let Value::Object(members) = &mut body {
        members.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
    }
    let grant_name = grant_type.rsplit(':').next().unwrap_or_default();
    let subject = match grant.subject {
        subject if subject == client.id => String::new(),
        subject => format!(" sub=\"{subject}\""),
    };
    let note = format!("grant={grant_name}{subject}{}", grant.access.note());
    Ok(Answer::json(body, note))
}
