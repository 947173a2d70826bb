//! The token endpoint (RFC 6749 §3.2, §4.4) and the tokens that it issues (RFC 9068).

use std::collections::BTreeSet;

use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use time::OffsetDateTime;
use url::Url;

use super::answer::{Refused, Success, chain};
use super::clients::Lookup;
use super::{DevServer, Inner};
use crate::client::fresh_jti;
use crate::jose::error::excerpt;
use crate::jose::{CompactJws, Header, JoseError, jws};
use crate::keys::KeyError;
use crate::oauth::Scope;
use crate::verifier::VerifierError;

/// Answers a request to the token endpoint. What is malformed is refused before the assertion is spent.
pub(super) fn answer(
    server: &Inner,
    request: &http::Request<Vec<u8>>,
    now: OffsetDateTime,
) -> Result<Success, Refused> {
    let form = Form::of(request)?;
    let grant_type =
        form.value("grant_type").ok_or_else(|| Refused::invalid_request("the form has no `grant_type`"))?;
    let (client_id, header) = authenticate(server, request, &form, now)?;

    if grant_type != "client_credentials" {
        return Err(Refused::new(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            &format!("the grant_type is `{}`, supported is `client_credentials`", excerpt(grant_type)),
        ));
    }
    let scope = Scope::from(form.value("scope").unwrap_or_default());
    if let Err(error) = scope.check() {
        return Err(Refused::new(StatusCode::BAD_REQUEST, "invalid_scope", &error.to_string()));
    }
    let audience = audience(&form)?;

    let scope = (!scope.is_empty()).then(|| scope.to_string());
    let token = issue(server, &client_id, scope.as_deref(), audience, now)
        .map_err(|error| Refused::server_error(&error))?;
    let mut body = json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": DevServer::TOKEN_LIFETIME.as_secs(),
    });
    let mut note = format!("client={client_id} alg={}", header.algorithm);
    if let (Some(scope), Value::Object(members)) = (scope, &mut body) {
        note.push_str(&format!(" scope=\"{scope}\""));
        members.insert("scope".to_owned(), scope.into());
    }
    Ok(Success { body, note })
}

/// The three steps of the crate's own verifier, with the registry in between.
fn authenticate(
    server: &Inner,
    request: &http::Request<Vec<u8>>,
    form: &Form,
    now: OffsetDateTime,
) -> Result<(String, Header), Refused> {
    if request.headers().contains_key(AUTHORIZATION) {
        return Err(match form.value("client_assertion") {
            Some(_) => Refused::invalid_request("an Authorization header beside the assertion: two methods"),
            // RFC 6749 §5.2: who came by this header is answered by its counterpart.
            None => Refused::invalid_client("the only method is private_key_jwt")
                .with_header(WWW_AUTHENTICATE, "Basic realm=\"private_key_jwt is the only method\""),
        });
    }
    let unverified = server.verifier.parse(request.body()).map_err(|error| refused(&error))?;
    let client_id = unverified.client_id().to_owned();
    // Well-formed, or it would not have been parsed.
    let header = CompactJws::parse(form.value("client_assertion").unwrap_or_default())
        .map_err(|error| refused(&error.into()))?
        .header()
        .clone();

    let (keys, by_url) = match server.clients.lookup(&client_id) {
        Lookup::Known { keys, by_url } => (keys, by_url),
        Lookup::Unknown => {
            let description = format!("no client `{}` is registered", excerpt(&client_id));
            return Err(Refused::invalid_client(&description));
        }
        Lookup::NotFetched => {
            let description = "the client's JWKS URL has not been asked yet";
            return Err(Refused::invalid_client(description).wanting_keys_of(&client_id));
        }
    };
    let verified = unverified.verify(&keys, None, now).map_err(|error| match error {
        VerifierError::Jose(JoseError::NoMatchingKey { .. }) if by_url => {
            refused(&error).wanting_keys_of(&client_id)
        }
        error => refused(&error),
    })?;
    let client_id = server.replay.spend_now(verified, now).map_err(|error| refused(&error))?;
    Ok((client_id, header))
}

/// RFC 7523 §3.2 and RFC 6749 §5.2. The description names the failed check, which only a dev server does.
fn refused(error: &VerifierError) -> Refused {
    let description = chain(error);
    match error {
        VerifierError::FormTooLarge { .. }
        | VerifierError::DuplicateParameter { .. }
        | VerifierError::MissingParameter { name: "client_assertion_type" }
        | VerifierError::TwoMethods => Refused::invalid_request(&description),
        VerifierError::ReplayStoreFull | VerifierError::ReplayShareFull { .. } => {
            Refused::new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", &description)
        }
        _ => Refused::invalid_client(&description),
    }
}

/// RFC 8707 §2: `resource`, any number of times, each an absolute URI without a fragment.
fn audience(form: &Form) -> Result<Value, Refused> {
    let resources: Vec<&str> = form.values("resource").collect();
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

/// The parameters of a request (RFC 6749 §3.2): in the body and nowhere else, none more than once but `resource`.
struct Form(Vec<(String, String)>);

impl Form {
    fn of(request: &http::Request<Vec<u8>>) -> Result<Self, Refused> {
        if request.method() != Method::POST {
            return Err(Refused::method_not_allowed("POST"));
        }
        if request.uri().query().is_some() {
            return Err(Refused::invalid_request("parameters belong into the body, not into the URL"));
        }
        let mut types = request.headers().get_all(CONTENT_TYPE).iter();
        let is_form = |value: &http::HeaderValue| {
            let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
            essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
        };
        if !types.next().is_some_and(is_form) || types.next().is_some() {
            return Err(Refused::invalid_request(
                "the Content-Type is not application/x-www-form-urlencoded",
            ));
        }
        let pairs: Vec<(String, String)> = form_urlencoded::parse(request.body()).into_owned().collect();
        let mut names = BTreeSet::new();
        for (name, _) in pairs.iter().filter(|(name, _)| name != "resource") {
            if !names.insert(name) {
                let description = format!("the form has `{}` more than once", excerpt(name));
                return Err(Refused::invalid_request(&description));
            }
        }
        Ok(Self(pairs))
    }

    /// A parameter; one without a value counts as left out (§3.2).
    fn value(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(found, value)| found == name && !value.is_empty())
            .map(|(_, value)| &**value)
    }
}
