//! The token endpoint (RFC 6749 §3.2, §4.4) and the tokens that it issues (RFC 9068).

use http::StatusCode;
use serde_json::{Value, json};
use time::OffsetDateTime;
use url::Url;

use super::answer::{Refused, Success};
use super::authentication::authenticate;
use super::form::{ClientForm, Parameters};
use super::{DevServer, Inner};
use crate::client::fresh_jti;
use crate::jose::error::excerpt;
use crate::jose::jws;
use crate::keys::KeyError;
use crate::oauth::Scope;

/// Answers a request to the token endpoint. What is malformed is refused before the assertion is spent.
pub(super) fn answer(
    server: &Inner,
    request: &http::Request<Vec<u8>>,
    now: OffsetDateTime,
) -> Result<Success, Refused> {
    let ClientForm { authentication, parameters } = ClientForm::of(request)?;
    let grant_type = parameters.required("grant_type")?;
    let client = authenticate(server, request.headers(), authentication, now)?;

    if grant_type != "client_credentials" {
        return Err(Refused::new(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            &format!("the grant_type is `{}`, supported is `client_credentials`", excerpt(grant_type)),
        ));
    }
    let scope = Scope::from(parameters.value("scope").unwrap_or_default());
    if let Err(error) = scope.check() {
        return Err(Refused::new(StatusCode::BAD_REQUEST, "invalid_scope", &error.to_string()));
    }
    let audience = audience(&parameters)?;

    let scope = (!scope.is_empty()).then(|| scope.to_string());
    let token = issue(server, &client.id, scope.as_deref(), audience, now)
        .map_err(|error| Refused::server_error(&error))?;
    let mut body = json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": DevServer::TOKEN_LIFETIME.as_secs(),
    });
    let mut note = client.note();
    if let (Some(scope), Value::Object(members)) = (scope, &mut body) {
        note.push_str(&format!(" scope=\"{scope}\""));
        members.insert("scope".to_owned(), scope.into());
    }
    Ok(Success { body, note })
}

/// RFC 8707 §2: `resource`, any number of times, each an absolute URI without a fragment.
fn audience(parameters: &Parameters<'_>) -> Result<Value, Refused> {
    let resources: Vec<&str> = parameters.values("resource").collect();
    for resource in &resources {
        if resource.contains('#') || Url::parse(resource).is_err() {
            let description =
                format!("the resource `{}` is not an absolute URI without a fragment", excerpt(resource));
            return Err(Refused::new(StatusCode::BAD_REQUEST, "invalid_target", &description));
        }
    }
    Ok(match resources.as_slice() {
        [] => DevServer::DEFAULT_AUDIENCE.into(),
        [resource] => (*resource).into(),
        several => several.into(),
    })
}

/// A JWT access token (RFC 9068 §2).
fn issue(
    server: &Inner,
    client_id: &str,
    scope: Option<&str>,
    audience: Value,
    now: OffsetDateTime,
) -> Result<String, KeyError> {
    let issued = now.unix_timestamp();
    let lifetime = i64::try_from(DevServer::TOKEN_LIFETIME.as_secs()).unwrap_or_default();
    let header = json!({"typ": "at+jwt", "alg": server.key.algorithm(), "kid": server.key.key_id().as_str()});
    let mut claims = json!({
        "iss": server.issuer,
        "exp": issued.saturating_add(lifetime),
        "aud": audience,
        "sub": client_id,
        "client_id": client_id,
        "iat": issued,
        "jti": fresh_jti()?,
    });
    if let (Some(scope), Value::Object(members)) = (scope, &mut claims) {
        members.insert("scope".to_owned(), scope.into());
    }
    let mut token = String::new();
    jws::push_json(&mut token, &header);
    token.push('.');
    jws::push_json(&mut token, &claims);
    let signature = server.key.sign(token.as_bytes())?;
    jws::push_signature(&mut token, &signature);
    Ok(token)
}
