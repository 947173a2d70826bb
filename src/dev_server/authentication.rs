//! Client authentication by `private_key_jwt` (RFC 7523 §2.2), the same at every endpoint.

use http::StatusCode;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use time::OffsetDateTime;

use super::authorization_request::check_pushed_form;
use super::clients::Lookup;
use super::fault::{Fault, FaultKind};
use super::form::{ClientForm, Parameters};
use super::grant::Access;
use super::inner::Inner;
use super::refused::Refused;
use super::shown::{both_shown, chain, shown};
use crate::jose::{Algorithm, JoseError, KeyType, Signature, UnverifiedJwt};
use crate::keys::{KeyError, PublicKeySet};
use crate::oauth::{CLIENT_ASSERTION_TYPE, Endpoint};
pub(super) use crate::verifier::scheme;
use crate::verifier::{ClientAssertionVerifier, VerifierError};

/// A request of an authenticated client.
pub(super) struct ClientRequest<'a> {
    pub(super) server: &'a Inner,
    pub(super) client: Client,
    pub(super) parameters: Parameters<'a>,
    pub(super) now: OffsetDateTime,
}

impl<'a> ClientRequest<'a> {
    /// Authenticates the client. Malformed requests are refused before the assertion is used up.
    pub(super) fn of(
        server: &'a Inner,
        endpoint: Endpoint,
        request: &'a http::Request<Vec<u8>>,
        now: OffsetDateTime,
    ) -> Result<Self, Refused> {
        let form = ClientForm::of(request)?;
        match endpoint {
            Endpoint::Token => drop(form.parameters.required("grant_type")?),
            Endpoint::Introspection | Endpoint::Revocation => drop(form.parameters.required("token")?),
            Endpoint::PushedAuthorization => check_pushed_form(&form)?,
            Endpoint::DeviceAuthorization => {}
        }
        check_method(request.headers(), &form)?;
        // With two JWTs in the request, the error must say which one it is about.
        let has_another = ["assertion", "subject_token", "actor_token"]
            .into_iter()
            .any(|name| form.parameters.value(name).is_some());
        let has_client_id = form.has("client_id");
        let ClientForm { authentication, parameters, .. } = form;
        let client = authenticate(server, endpoint, authentication, has_client_id, now)
            .map_err(|refused| if has_another { refused.about("the client_assertion") } else { refused })?;
        Ok(Self { server, client, parameters, now })
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, Refused> {
        self.parameters.required(name)
    }

    pub(super) fn access(&self) -> Result<Access, Refused> {
        Access::of(&self.parameters)
    }
}

/// The authenticated client: its key signed the assertion.
pub(super) struct Client {
    pub(super) id: String,
    algorithm: Algorithm,
}

impl Client {
    /// The client, for the log.
    pub(super) fn note(&self) -> String {
        format!("client={} alg={}", self.id, self.algorithm)
    }
}

const ONLY_METHOD: &str = "this server accepts only private_key_jwt (RFC 7523 §2.2)";

/// Refuses another authentication method, or a second one (RFC 6749 §2.3), and names it.
fn check_method(headers: &http::HeaderMap, form: &ClientForm<'_>) -> Result<(), Refused> {
    let scheme = headers.get(AUTHORIZATION).map(scheme);
    let Some(assertion) = &form.authentication.client_assertion else {
        return Err(match scheme {
            Some(scheme) => other_scheme(scheme),
            None if form.has("client_secret") => {
                let description =
                    format!("the form has a `client_secret`, which is client_secret_post; {ONLY_METHOD}");
                Refused::invalid_client(&description).with_fault(FaultKind::OtherMethod)
            }
            None if form.has("assertion") => {
                let description = "the form has no `client_assertion`; its `assertion` is the grant's (RFC 7523 §2.1) \
                                   and does not authenticate the client";
                Refused::invalid_client(description).with_fault(FaultKind::NoAssertion)
            }
            None => Refused::invalid_client(&format!("the form has no `client_assertion`; {ONLY_METHOD}"))
                .with_fault(FaultKind::NoAssertion),
        });
    };
    if let Some(scheme) = scheme {
        let description = format!(
            "the request has both an Authorization header ({}) and a client_assertion; use one method",
            scheme.unwrap_or("without a scheme")
        );
        return Err(Refused::invalid_request(&description).with_fault(FaultKind::OtherMethod));
    }
    match damage(assertion) {
        None => Ok(()),
        Some(damage) => Err(Refused::invalid_client(&format!("the client_assertion {damage}"))
            .with_fault(FaultKind::Malformed)),
    }
}

/// Returns why a text cannot be a JWT, judging by its form. The text is not quoted, because it may
/// be a key.
pub(super) fn damage(assertion: &str) -> Option<&'static str> {
    let begins_with =
        |prefix: &str| assertion.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    Some(if assertion.contains("-----BEGIN ") {
        "is PEM, expected a JWT; the key signs the JWT and is never sent"
    } else if begins_with("Bearer ") {
        "begins with `Bearer`, expected only the JWT"
    } else if assertion.starts_with(['"', '\'']) {
        "is in quotes"
    } else if assertion.starts_with('{') {
        "is JSON, expected a JWT in compact form"
    } else if assertion.contains(char::is_whitespace) {
        "contains white space, perhaps a line end from a file"
    } else if assertion.contains('%') {
        "contains `%`, so it was percent-encoded twice"
    } else if assertion.starts_with('@') {
        "begins with `@`, perhaps a file name; `curl --data-urlencode NAME@FILE` sends the content of a file"
    } else {
        return None;
    })
}

/// RFC 6749 §5.2: a client that uses the header gets a challenge of the same scheme.
fn other_scheme(scheme: Option<&str>) -> Refused {
    let method = match scheme {
        Some(basic) if basic.eq_ignore_ascii_case("Basic") => "is client_secret_basic (`Basic`)".to_owned(),
        Some(other) => format!("is `{other}`"),
        None => "has no scheme".to_owned(),
    };
    let description = format!("the Authorization header {method}; {ONLY_METHOD}");
    let challenge = format!("{} realm=\"private_key_jwt is the only method\"", scheme.unwrap_or("Basic"));
    Refused::new(StatusCode::UNAUTHORIZED, "invalid_client", &description)
        .with_fault(FaultKind::OtherMethod)
        .with_header(WWW_AUTHENTICATE, challenge)
}

/// Runs the three steps of the crate's own verifier, and looks up the client between them. What the
/// verifier does not know of the server's demands is checked before the signature.
fn authenticate(
    server: &Inner,
    endpoint: Endpoint,
    form: crate::verifier::Form<'_>,
    has_client_id: bool,
    now: OffsetDateTime,
) -> Result<Client, Refused> {
    let verifier = server.verifier(endpoint)?;
    let refused = |error: VerifierError| server.refused(error, endpoint);
    let token = form.client_assertion.as_ref().filter(|_| server.demands.are_of_profile());
    let jwt = token.and_then(|token| UnverifiedJwt::parse(token).ok());
    let unverified = verifier.parse_form(form).map_err(refused)?;
    let client_id = unverified.client_id().to_owned();
    let (keys, by_url) = match server.clients.lookup(&client_id, now) {
        Lookup::Known { keys, by_url } => (keys, by_url),
        Lookup::Unknown => {
            let description = server.clients.check_known(&client_id).err().unwrap_or_default();
            let fault = Fault { kind: FaultKind::UnknownClient, detail: shown(&client_id) };
            return Err(Refused::invalid_client(&description).with_fault(fault));
        }
        Lookup::Outdated { age } => {
            let description = format!(
                "the keys from the JWKS URL of client `{client_id}` are {age} s old, older than the cache time"
            );
            return Err(Refused::invalid_client(&description).wanting_keys_of(&client_id));
        }
        Lookup::NotFetched => {
            let description = format!("the JWKS URL of client `{client_id}` was not fetched yet");
            return Err(Refused::invalid_client(&description).wanting_keys_of(&client_id));
        }
    };
    if let Some(jwt) = &jwt {
        check_demands(server, jwt, has_client_id, &keys, now)?;
    }
    unverified.check_signature(&keys, None).map_err(|error| match error {
        VerifierError::Jose(JoseError::NoMatchingKey { .. }) if by_url => {
            Refused::from(error).wanting_keys_of(&client_id)
        }
        VerifierError::Key(KeyError::BadSignature) => {
            let description = format!("{} with the key that client `{client_id}` registered", chain(&error));
            Refused::invalid_client(&description).with_fault(FaultKind::Signature)
        }
        error => error.into(),
    })?;
    // From here on, the client is authenticated.
    let refused = |error: VerifierError| refused(error).of_client(format!("client={client_id}"));
    let verified = unverified.check_claims(now).map_err(refused)?;
    let algorithm = verified.algorithm();
    if let Some(replay) = &server.replay {
        replay.spend_now(verified, now).map_err(refused)?;
    }
    Ok(Client { id: client_id, algorithm })
}

/// Checks what the crate's verifier does not know of the server's demands.
fn check_demands(
    server: &Inner,
    jwt: &UnverifiedJwt,
    has_client_id: bool,
    keys: &PublicKeySet,
    now: OffsetDateTime,
) -> Result<(), Refused> {
    let keys = Some(keys.parsed().count());
    match server.demands.check(jwt, has_client_id, keys, now.unix_timestamp()).into_iter().next() {
        None => Ok(()),
        Some((_, unmet)) => Err(Refused::invalid_client(&unmet.description).with_fault(unmet.fault)),
    }
}

impl Inner {
    /// The verifier for the assertions at an endpoint.
    pub(super) fn verifier(&self, endpoint: Endpoint) -> Result<&ClientAssertionVerifier, Refused> {
        let found = self.verifiers.iter().find(|(called, _)| *called == endpoint);
        let missing = || Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "no verifier");
        found.map(|(_, verifier)| verifier).ok_or_else(missing)
    }

    /// The refusal of an assertion at an endpoint.
    pub(super) fn refused(&self, error: VerifierError, endpoint: Endpoint) -> Refused {
        match error {
            VerifierError::MissingClaim { claim: "aud" } | VerifierError::AudienceCount { .. } => {
                let expected = self.audiences(endpoint).join("` or `");
                Refused::invalid_client(&format!("{error}; expected `{expected}`"))
                    .with_fault(Fault::from(&error))
            }
            error => error.into(),
        }
    }
}

/// The status and the code of every token endpoint, with a description that names the failed check
/// and the setting that turns it off. Only a dev server does that.
impl From<VerifierError> for Refused {
    fn from(error: VerifierError) -> Self {
        let (response, description) = (error.token_endpoint_response(), chain(&error));
        let (fault, option) = (Fault::from(&error), option(&error));
        let description = match error {
            VerifierError::MissingParameter { name: "client_assertion_type" } => {
                format!("{description}, expected `{CLIENT_ASSERTION_TYPE}`")
            }
            VerifierError::MissingClaim { claim: "jti" } => {
                const HOW: &str = "OpenID Connect Core §9 requires it; \
                                   kafka-clients adds it with `sasl.oauthbearer.assertion.claim.jti.include=true`";
                format!("{description}; {HOW}, {}", option.unwrap_or_default())
            }
            VerifierError::Replayed | VerifierError::ReplayedWithoutJti | VerifierError::Lifetime { .. } => {
                format!("{description}; {}", option.unwrap_or_default())
            }
            VerifierError::Jose(JoseError::Base64Url { what: "the JWS signature" }) => {
                format!("{description}, or it is truncated")
            }
            VerifierError::Jose(JoseError::SignatureLength { found: 0, .. }) => {
                "the client_assertion is not signed: its third part is empty".to_owned()
            }
            VerifierError::Jose(JoseError::SignatureLength { algorithm, found }) => {
                match (Signature::other_kind(algorithm, found), algorithm.key_type()) {
                    (Some(kind), _) => {
                        format!("{description}; an {kind} signature has that length: check `alg`")
                    }
                    (None, KeyType::Ec(curve)) if found > 2 * curve.coordinate_len() => {
                        format!("{description}; expected R and S side by side (RFC 7518 §3.4), not DER")
                    }
                    _ => format!("{description}; perhaps it is truncated"),
                }
            }
            VerifierError::Jose(JoseError::PartCount { found: 5 }) => {
                format!("{description}; a JWT with five parts is encrypted (RFC 7516)")
            }
            VerifierError::Jose(JoseError::UnsupportedAlgorithm { found }) if found.starts_with("HS") => {
                let what = "client_secret_jwt: a signature with a shared secret";
                format!("the algorithm is {found}, which is {what}; {ONLY_METHOD}")
            }
            VerifierError::Jose(JoseError::UnsupportedAlgorithm { found })
                if found.eq_ignore_ascii_case("none") =>
            {
                format!("the client_assertion is not signed (`alg` is `{found}`)")
            }
            _ => description,
        };
        Self::new(response.status(), response.error(), &description).with_fault(fault)
    }
}

/// The setting of the server that accepts an assertion repeatedly.
pub(super) const REUSE: &str = "the builder's `reusable_assertions` and `pkjwt serve --reuse-assertions` accept it \
                                repeatedly, for clients such as MSAL";

/// The setting of the server that accepts the assertion.
pub(super) fn option(error: &VerifierError) -> Option<&'static str> {
    match error {
        VerifierError::MissingClaim { claim: "jti" } => Some(
            "the builder's `accept_missing_jti` and `pkjwt serve --accept-missing-jti` turn this check off",
        ),
        VerifierError::Replayed | VerifierError::ReplayedWithoutJti => Some(REUSE),
        VerifierError::Lifetime { .. } => {
            Some("the builder's `longest_lifetime` and `pkjwt serve --longest-lifetime` allow more")
        }
        _ => None,
    }
}

/// The refusal of a code or a token that was issued to another client.
pub(super) fn issued_to_another(what: &str, owner: Option<&str>, client_id: &str) -> String {
    let [client, owner] = both_shown(client_id, owner.unwrap_or_default());
    format!("the {what} was issued to client `{owner}`, not to `{client}`")
}
