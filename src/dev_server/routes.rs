//! Which path leads to which endpoint.

use http::{Method, StatusCode};
use serde_json::json;
use time::OffsetDateTime;

use super::answer::{Answer, Refused, shown};
use super::authentication::ClientRequest;
use super::{
    Inner, authorize, device_authorization, device_page, introspect, metadata, par, revoke, sender, token,
    userinfo,
};
use crate::oauth::Endpoint;

impl Inner {
    pub(super) fn answer(
        &self,
        request: &http::Request<Vec<u8>>,
        now: OffsetDateTime,
    ) -> Result<Answer, Refused> {
        let own = self.authorities.named_by(request)?;
        let path_of_issuer = metadata::path_of_issuer();
        let path = request.uri().path();
        let below = path.strip_prefix(&path_of_issuer);
        if below == Some(metadata::AUTHORIZE) {
            return authorize::answer(self, request, own, now);
        }
        sender::check(request, own)?;
        if let Some(endpoint) = Endpoint::ALL.into_iter().find(|it| below == Some(metadata::path(*it))) {
            return self.answer_client(endpoint, request, now);
        }
        let before = |prefix: &str| path.strip_prefix(prefix) == Some(&path_of_issuer);
        let document = match below {
            Some(metadata::DEVICE) => return device_page::answer(self, request, now),
            Some(metadata::USERINFO) => return userinfo::answer(self, request, now),
            Some(metadata::JWKS) => Document::Jwks,
            Some(metadata::OPENID_CONFIGURATION) => Document::Metadata,
            _ if before(metadata::OAUTH_AUTHORIZATION_SERVER) || before(metadata::OPENID_CONFIGURATION) => {
                Document::Metadata
            }
            _ => return Err(self.not_found(path)),
        };
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Err(Refused::method_not_allowed(request.method(), "GET"));
        }
        let document = match document {
            Document::Metadata => metadata::document(&self.issuer),
            Document::Jwks => json!(self.keys.jwks()?),
        };
        Ok(Answer::json(document, String::new()))
    }

    /// Answers at the endpoints where a client authenticates. The log names the client, even if the
    /// request is refused later.
    fn answer_client(
        &self,
        endpoint: Endpoint,
        request: &http::Request<Vec<u8>>,
        now: OffsetDateTime,
    ) -> Result<Answer, Refused> {
        let request = ClientRequest::of(self, endpoint, request, now)?;
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
    fn not_found(&self, path: &str) -> Refused {
        let issuer = &self.issuer;
        let origin = issuer.strip_suffix(&metadata::path_of_issuer()).unwrap_or(issuer);
        let known = |path: &str| {
            let endpoints = Endpoint::ALL.into_iter().map(metadata::path);
            let others = [metadata::AUTHORIZE, metadata::DEVICE, metadata::USERINFO, metadata::JWKS];
            let below = path.strip_prefix(&metadata::path_of_issuer()).unwrap_or(path);
            endpoints.chain(others).find(|known| *known == below)
        };
        let description = if let Some(endpoint) = known(path.trim_end_matches('/')) {
            format!("there is nothing at `{}`, the endpoint is {issuer}{endpoint}", shown(path))
        } else {
            let rfc8414 =
                format!("{origin}{}{}", metadata::OAUTH_AUTHORIZATION_SERVER, metadata::path_of_issuer());
            format!(
                "there is nothing at `{}`; the issuer is {issuer}, its metadata is at {issuer}{} and {rfc8414}",
                shown(path),
                metadata::OPENID_CONFIGURATION,
            )
        };
        Refused::new(StatusCode::NOT_FOUND, "not_found", &description)
    }
}

/// The public documents.
enum Document {
    Metadata,
    Jwks,
}
