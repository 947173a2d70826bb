//! The token endpoint (RFC 6749 §3.2): one file for each grant.

mod authorization_code;
mod device_code;
mod granted;
mod jwt_bearer;
mod refresh;
mod token_exchange;

use serde_json::{Value, json};

use super::answer::Answer;
use super::authentication::ClientRequest;
use super::grant::Grant;
use super::refused::Refused;
use super::shown::shown;
use super::{access_token, id_token};
use crate::oauth::GrantType;
use granted::Granted;

type Serve = fn(&ClientRequest<'_>) -> Result<Granted, Refused>;

/// How the server serves a grant type; `None` if it does not support it.
fn served(grant_type: GrantType) -> Option<Serve> {
    Some(match grant_type {
        GrantType::AuthorizationCode => authorization_code::granted,
        GrantType::ClientCredentials => client_credentials,
        GrantType::DeviceCode => device_code::granted,
        GrantType::JwtBearer => jwt_bearer::granted,
        GrantType::RefreshToken => refresh::granted,
        GrantType::TokenExchange => token_exchange::granted,
    })
}

/// `grant_types_supported`.
pub(super) fn supported() -> Vec<&'static str> {
    GrantType::ALL.into_iter().filter(|it| served(*it).is_some()).map(GrantType::as_str).collect()
}

pub(super) fn answer(request: &ClientRequest<'_>) -> Result<Answer, Refused> {
    let ClientRequest { server, client, now, .. } = request;
    let grant_type = request.required("grant_type")?;
    let known = GrantType::ALL.into_iter().find(|it| it.as_str() == grant_type);
    let Some(serve) = known.and_then(served) else {
        let supported = supported().join("`, `");
        let description = format!("the grant_type is `{}`, supported: `{supported}`", shown(grant_type));
        return Err(Refused::bad_request("unsupported_grant_type", &description));
    };
    let Granted { grant, refresh_token, issued_token_type, nonce } = serve(request)?;

    let access_token = access_token::issue(server, &grant, *now)?;
    let id_token = id_token::issue(server, &grant, nonce.as_deref(), access_token.secret(), *now)?;
    let mut body = json!({
        "access_token": access_token.secret(),
        "token_type": "Bearer",
        "expires_in": server.token_lifetime.whole_seconds(),
    });
    let more = [
        ("scope", grant.access.scope()),
        ("refresh_token", refresh_token),
        ("id_token", id_token.map(|token| token.secret().to_owned())),
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

/// The client acts in its own name (RFC 6749 §4.4).
fn client_credentials(request: &ClientRequest<'_>) -> Result<Granted, Refused> {
    Ok(Granted::without_refresh(Grant::of_client(&request.client.id, request.access()?)))
}
