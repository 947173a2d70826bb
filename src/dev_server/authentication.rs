//! Who asks: `private_key_jwt` (RFC 7523 §2.2), the same at every endpoint.

use std::borrow::Cow;

use http::StatusCode;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use time::OffsetDateTime;

use super::Inner;
use super::answer::{Refused, chain};
use super::clients::Lookup;
use super::form::{ClientForm, Parameters};
use super::grant::Access;
use crate::jose::error::excerpt;
use crate::jose::{Algorithm, JoseError};
use crate::oauth::Endpoint;
use crate::verifier::{AudiencePolicy, Form, VerifierError};

/// A request of a client that has proven who it is.
pub(super) struct ClientRequest<'a> {
    pub(super) server: &'a Inner,
    pub(super) client: Client,
    pub(super) parameters: Parameters<'a>,
    pub(super) now: OffsetDateTime,
}

impl<'a> ClientRequest<'a> {
    /// What is malformed is refused before the assertion is spent.
    pub(super) fn of(
        server: &'a Inner,
        endpoint: Endpoint,
        request: &'a http::Request<Vec<u8>>,
        now: OffsetDateTime,
    ) -> Result<Self, Refused> {
        let ClientForm { authentication, parameters } = ClientForm::of(request)?;
        let indispensable = match endpoint {
            Endpoint::Token => Some("grant_type"),
            Endpoint::Introspection | Endpoint::Revocation => Some("token"),
            Endpoint::PushedAuthorization | Endpoint::DeviceAuthorization => None,
        };
        if let Some(name) = indispensable {
            parameters.required(name)?;
        }
        let client = authenticate(server, endpoint, request.headers(), authentication, now)?;
        Ok(Self { server, client, parameters, now })
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, Refused> {
        self.parameters.required(name)
    }

    pub(super) fn access(&self) -> Result<Access, Refused> {
        Access::of(&self.parameters)
    }
}

/// Who has signed.
pub(super) struct Client {
    pub(super) id: String,
    algorithm: Algorithm,
}

impl Client {
    /// What the log says of it.
    pub(super) fn note(&self) -> String {
        format!("client={} alg={}", self.id, self.algorithm)
    }
}

/// The three steps of the crate's own verifier, with the registry in between. The audience is the issuer, the token
/// endpoint or the endpoint that is called.
fn authenticate(
    server: &Inner,
    endpoint: Endpoint,
    headers: &http::HeaderMap,
    form: Form<'_>,
    now: OffsetDateTime,
) -> Result<Client, Refused> {
    if headers.contains_key(AUTHORIZATION) {
        return Err(match form.client_assertion {
            Some(_) => Refused::invalid_request("an Authorization header beside the assertion: two methods"),
            // RFC 6749 §5.2: who came by this header is answered by its counterpart.
            None => Refused::invalid_client("the only method is private_key_jwt")
                .with_header(WWW_AUTHENTICATE, "Basic realm=\"private_key_jwt is the only method\""),
        });
    }
    let verifier = match endpoint {
        Endpoint::Token => Cow::Borrowed(&server.verifier),
        other => {
            let urls = [server.url(Endpoint::Token), server.url(other)];
            Cow::Owned(server.verifier.clone().audience_policy(AudiencePolicy::compatible(urls)))
        }
    };
    let unverified = verifier.parse_form(form)?;
    let client_id = unverified.client_id().to_owned();
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
            Refused::from(error).wanting_keys_of(&client_id)
        }
        error => error.into(),
    })?;
    let algorithm = verified.algorithm();
    Ok(Client { id: server.replay.spend_now(verified, now)?, algorithm })
}

/// RFC 7523 §3.2 and RFC 6749 §5.2. The description names the failed check, which only a dev server does.
impl From<VerifierError> for Refused {
    fn from(error: VerifierError) -> Self {
        let description = chain(&error);
        match error {
            VerifierError::FormTooLarge { .. }
            | VerifierError::DuplicateParameter { .. }
            | VerifierError::MissingParameter { name: "client_assertion_type" }
            | VerifierError::TwoMethods => Self::invalid_request(&description),
            VerifierError::ReplayStoreFull | VerifierError::ReplayShareFull { .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", &description)
            }
            _ => Self::invalid_client(&description),
        }
    }
}
