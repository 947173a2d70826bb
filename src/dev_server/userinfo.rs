//! The userinfo endpoint (OpenID Connect Core §5.3): the subject of an access token.

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::answer::Answer;
use super::authentication::scheme;
use super::form::Parameters;
use super::inner::Inner;
use super::refused::Refused;
use super::{access_token, id_token};

/// GET or POST, with the token in the header, or in the form of a POST (RFC 6750 §2.1, §2.2).
pub(super) fn answer(
    server: &Inner,
    request: &http::Request<Vec<u8>>,
    now: OffsetDateTime,
) -> Result<Answer, Refused> {
    let token = bearer_token(server, request)?;
    let claims = access_token::active(server, &token, now).map_err(|reason| {
        let description = format!("the access token {reason}");
        challenged(server, StatusCode::UNAUTHORIZED, "invalid_token", &description, "")
    })?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    if !text("scope").split(' ').any(|scope| scope == id_token::SCOPE) {
        let description = format!("the access token does not have the scope `{}`", id_token::SCOPE);
        let scope = format!(", scope=\"{}\"", id_token::SCOPE);
        return Err(challenged(server, StatusCode::FORBIDDEN, "insufficient_scope", &description, &scope));
    }
    let note = format!("client={} sub=\"{}\"", text("client_id"), text("sub"));
    Ok(Answer::json(json!({"sub": text("sub")}), note))
}

fn bearer_token(server: &Inner, request: &http::Request<Vec<u8>>) -> Result<String, Refused> {
    let malformed =
        |description: &str| challenged(server, StatusCode::BAD_REQUEST, "invalid_request", description, "");
    let unreadable = |refused: Refused| malformed(refused.description());
    let form = match *request.method() {
        Method::GET | Method::HEAD => None,
        Method::POST if request.body().is_empty() => None,
        Method::POST => Some(Parameters::of_form(request).map_err(unreadable)?),
        ref other => return Err(Refused::method_not_allowed(other, "GET, POST")),
    };
    let query = Parameters::of_query(request).map_err(unreadable)?;
    if query.value("access_token").is_some() {
        return Err(malformed(
            "the access token is in the URL; send it in the Authorization header (RFC 6750 §2.3)",
        ));
    }
    // RFC 6750 §3.1: the challenge to a request without a token names the scheme, but no error.
    let without_token = |description: &str| {
        let challenge = format!("Bearer realm=\"{}\"", server.issuer);
        Refused::new(StatusCode::UNAUTHORIZED, "invalid_request", description)
            .with_header(WWW_AUTHENTICATE, challenge)
    };
    let in_form = form.as_ref().and_then(|form| form.value("access_token"));
    let in_header = request.headers().get(AUTHORIZATION);
    let header = in_header.map(|value| value.to_str().unwrap_or_default());
    let token = match (header, in_form) {
        (Some(_), Some(_)) => {
            return Err(malformed(
                "the request has an access token in the header and in the form; send it once",
            ));
        }
        (None, Some(token)) => token,
        (Some(header), None) => match header.trim().split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => token.trim(),
            _ if header.trim().eq_ignore_ascii_case("Bearer") => {
                return Err(malformed("the Authorization header is `Bearer` without an access token"));
            }
            _ => {
                let found = in_header.and_then(scheme).unwrap_or("without a scheme");
                let description =
                    format!("the Authorization header is {found}, expected `Bearer` and an access token");
                return Err(without_token(&description));
            }
        },
        (None, None) => {
            return Err(without_token(
                "the request has no access token; send it in the header `Authorization: Bearer`",
            ));
        }
    };
    Ok(token.to_owned())
}

/// RFC 6750 §3.
fn challenged(
    server: &Inner,
    status: StatusCode,
    error: &'static str,
    description: &str,
    more: &str,
) -> Refused {
    let refused = Refused::new(status, error, description);
    let description = refused.description();
    let challenge = format!(
        "Bearer realm=\"{}\", error=\"{error}\", error_description=\"{description}\"{more}",
        server.issuer
    );
    refused.with_header(WWW_AUTHENTICATE, challenge)
}
