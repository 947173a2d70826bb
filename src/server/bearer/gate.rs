//! Checks the token of a request, and records refusals.

use std::sync::Arc;

use http::Response;
use http::header::{AUTHORIZATION, Entry};
use http::request::Parts;

use super::super::RemoteJwksError;
use super::credentials::{self, Credentials};
use super::issuers::{Issuers, Trusted};
use super::refusal::{BearerRefusal, Fault};
use super::refusal_log::RefusalLog;
use super::respond::{RefusalResponse, Refused, replace};
use super::scheme::Scheme;
use crate::observer::{Observer, RefusalReason};
use crate::transport::{Clock, SystemClock};
use crate::verifier::{AccessTokenClaims, ProofOfPossession, VerifierError};

type Hook = Arc<dyn Fn(&Parts, &BearerRefusal) + Send + Sync>;

#[derive(Clone)]
pub(super) struct Gate {
    pub(super) issuers: Issuers,
    pub(super) realm: Arc<str>,
    pub(super) on_refusal: Option<Hook>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observer: Option<Arc<dyn Observer>>,
    log: Arc<RefusalLog>,
}

/// A request that a gate has let through, in its extensions.
#[derive(Clone)]
#[cfg_attr(not(feature = "axum"), expect(dead_code, reason = "only the extractor reads it"))]
pub(super) struct Admitted {
    gate: Arc<Gate>,
    scheme: Scheme,
    pub(super) claims: Arc<AccessTokenClaims>,
}

#[cfg(feature = "axum")]
impl Admitted {
    pub(super) fn is_by(&self, gate: &Arc<Gate>) -> bool {
        Arc::ptr_eq(&self.gate, gate)
    }

    /// The claims as the caller's own type.
    pub(super) fn custom<T: serde::de::DeserializeOwned>(&self) -> Result<T, Box<BearerRefusal>> {
        let refusal = |error: VerifierError| self.gate.refusal(Fault::Token(error.into()), self.scheme);
        self.claims.custom().map_err(refusal)
    }
}

impl Gate {
    pub(super) fn new(issuers: Issuers) -> Self {
        // A challenge needs a parameter (RFC 6750 §3), and a verifier has one of the two.
        let verifier = issuers.trusted().first().map(|trusted| &trusted.verifier);
        let realm = verifier.and_then(|verifier| verifier.audiences().first().or(verifier.issuers().first()));
        let realm = realm.map_or("", String::as_str).into();
        let log = Arc::new(RefusalLog::new());
        Self { issuers, realm, on_refusal: None, clock: Arc::new(SystemClock), observer: None, log }
    }

    /// Checks the token, and puts its claims into the extensions.
    pub(super) async fn admit(self: &Arc<Self>, parts: &mut Parts) -> Result<Admitted, Box<BearerRefusal>> {
        // Also for the hooks, which see the headers of refused requests.
        if let Entry::Occupied(mut values) = parts.headers.entry(AUTHORIZATION) {
            values.iter_mut().for_each(|value| value.set_sensitive(true));
        }
        let proof = parts.extensions.get::<ProofOfPossession>().copied().unwrap_or_default();
        let (scheme, token) = match credentials::of(&parts.headers, proof.has_dpop_key()) {
            Credentials::Token(scheme, token) => (scheme, token),
            Credentials::None => return Err(self.refusal(Fault::NoCredentials, Scheme::Bearer)),
            Credentials::Malformed(scheme) => return Err(self.refusal(Fault::MalformedRequest, scheme)),
        };
        let proof = match scheme {
            Scheme::Bearer => proof.without_dpop_key(),
            Scheme::Dpop => proof,
        };
        let checked = match self.issuers.choose(token) {
            Err(error) => Err(Fault::Token(error.into())),
            Ok(Trusted { jwks, verifier }) => {
                let check = |keys: &_, now| verifier.verify_with_proof(keys, token, &proof, now);
                jwks.verify_with(check).await.map_err(|error| match error {
                    RemoteJwksError::Token(VerifierError::MissingScope { .. }) => {
                        Fault::VerifierScope(verifier.required_scope(), error)
                    }
                    error => Fault::Token(error),
                })
            }
        };
        let claims = Arc::new(checked.map_err(|fault| self.refusal(fault, scheme))?);
        parts.extensions.insert(Arc::clone(&claims));
        let admitted = Admitted { gate: Arc::clone(self), scheme, claims };
        parts.extensions.insert(admitted.clone());
        Ok(admitted)
    }

    /// The response to a request that is refused. Tells the log and the hook.
    pub(super) fn refuse<B>(
        &self,
        parts: &Parts,
        refusal: &BearerRefusal,
        respond: &impl RefusalResponse<B>,
    ) -> Response<B> {
        self.log.record(refusal, &self.clock, self.observer.as_ref());
        if let Some(hook) = &self.on_refusal {
            hook(parts, refusal);
        }
        refusal.complete(respond.response(parts, refusal))
    }

    /// The response of the service behind this gate. Answers instead of it if a route refused the
    /// request.
    pub(super) fn answer<B>(
        &self,
        mut response: Response<B>,
        respond: &impl RefusalResponse<B>,
    ) -> Response<B> {
        match response.extensions_mut().remove::<Refused>() {
            None => response,
            Some(Refused(refused)) => {
                let (parts, refusal) = &*refused;
                replace(response, self.refuse(parts, refusal, respond))
            }
        }
    }

    pub(super) fn count(&self, reason: RefusalReason) -> u64 {
        self.log.count(reason)
    }

    fn refusal(&self, fault: Fault, scheme: Scheme) -> Box<BearerRefusal> {
        Box::new(BearerRefusal::new(fault, scheme, Some(Arc::clone(&self.realm))))
    }
}
