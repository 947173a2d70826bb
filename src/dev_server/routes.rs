//! Which path leads to which endpoint.

use http::{Method, StatusCode};
use serde_json::json;
use time::OffsetDateTime;

use super::answer::Answer;
use super::authentication::ClientRequest;
use super::inner::Inner;
use super::refused::Refused;
use super::shown::shown;
use super::{
    authorize, device_authorization, device_page, inspector, introspect, metadata, par, paths, revoke,
    sender, token, userinfo,
};
use crate::oauth::Endpoint;

pub(super) fn answer(
    server: &Inner,
    request: &http::Request<Vec<u8>>,
    now: OffsetDateTime,
) -> Result<Answer, Refused> {
    let own = server.authorities.named_by(request)?;
    let path_of_issuer = paths::path_of_issuer();
    let path = request.uri().path();
    let below = path.strip_prefix(&path_of_issuer);
    if let Some(answer) = inspector::answer(server, request, &own, now) {
        return answer;
    }
    if below == Some(paths::AUTHORIZE) {
        return authorize::answer(server, request, &own, now);
    }
    sender::check(request, &own)?;
    if let Some(endpoint) = Endpoint::ALL.into_iter().find(|it| below == Some(paths::of(*it))) {
        if endpoint == Endpoint::Token && *request.method() == Method::POST {
            server.faults.check()?;
        }
        return answer_client(server, endpoint, request, now);
    }
    let before = |prefix: &str| path.strip_prefix(prefix) == Some(&path_of_issuer);
    let document = match below {
        Some(paths::DEVICE) => return device_page::answer(server, request, now),
        Some(paths::USERINFO) => return userinfo::answer(server, request, now),
        Some(paths::JWKS) => Document::Jwks,
        Some(paths::OPENID_CONFIGURATION) => Document::Metadata,
        _ if before(paths::OAUTH_AUTHORIZATION_SERVER) || before(paths::OPENID_CONFIGURATION) => {
            Document::Metadata
        }
        _ => return Err(not_found(server, path)),
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Refused::method_not_allowed(request.method(), "GET"));
    }
    Ok(match document {
        Document::Metadata => {
            Answer::json(metadata::document(&server.issuer, &server.demands), String::new())
        }
        Document::Jwks => {
            Answer::json(json!(server.keys.jwks()?), String::new()).cached_for(server.jwks_cache_time)
        }
    })
}

/// Answers at the endpoints where a client authenticates. The log names the client, even if the
/// request is refused later.
fn answer_client(
    server: &Inner,
    endpoint: Endpoint,
    request: &http::Request<Vec<u8>>,
    now: OffsetDateTime,
) -> Result<Answer, Refused> {
    let request = ClientRequest::of(server, endpoint, request, now)
        .map_err(|refused| refused.answered_by(&server.demands))?;
    let client = request.client.note();
    let answer = match endpoint {
        Endpoint::Token => token::answer(&request),
        Endpoint::PushedAuthorization => par::answer(&request),
        Endpoint::Introspection => introspect::answer(&request),
        Endpoint::Revocation => revoke::answer(&request),
        Endpoint::DeviceAuthorization => device_authorization::answer(&request),
    };
    match answer {
        Ok(answer) => Ok(answer.of_client(&client)),
        Err(refused) => Err(refused.of_client(client)),
    }
}

/// A wrong URL is a configuration mistake, so the answer says where the endpoints are.
fn not_found(server: &Inner, path: &str) -> Refused {
    let (issuer, base) = (&server.issuer, server.base());
    let origin = base.strip_suffix(&paths::path_of_issuer()).unwrap_or(base);
    let known = |path: &str| {
        let endpoints = Endpoint::ALL.into_iter().map(paths::of);
        let others = [paths::AUTHORIZE, paths::DEVICE, paths::USERINFO, paths::JWKS];
        let below = path.strip_prefix(&paths::path_of_issuer()).unwrap_or(path);
        endpoints.chain(others).find(|known| *known == below)
    };
    let description = if let Some(endpoint) = known(path.trim_end_matches('/')) {
        format!("there is nothing at `{}`; the endpoint is {base}{endpoint}", shown(path))
    } else {
        let rfc8414 = format!("{origin}{}{}", paths::OAUTH_AUTHORIZATION_SERVER, paths::path_of_issuer());
        format!(
            "there is nothing at `{}`; the issuer is {issuer}, its metadata is at {base}{} and {rfc8414}",
            shown(path),
            paths::OPENID_CONFIGURATION,
        )
    };
    Refused::new(StatusCode::NOT_FOUND, "not_found", &description)
}

/// The public documents.
enum Document {
    Metadata,
    Jwks,
}
