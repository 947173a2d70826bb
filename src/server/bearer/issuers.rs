use std::collections::HashMap;

use super::super::RemoteJwks;
use super::layer_error::BearerLayerError;
use crate::jose::secret_form::setting;
use crate::verifier::{AccessTokenVerifier, VerifierError, unknown_issuer, unverified_issuer};

/// The keys of an issuer, and what is required of its tokens.
#[derive(Clone, Debug)]
pub(super) struct Trusted {
    pub(super) jwks: RemoteJwks,
    pub(super) verifier: AccessTokenVerifier,
}

/// The accepted issuers. Tokens add nothing to them.
#[derive(Clone)]
pub(super) struct Issuers {
    trusted: Vec<Trusted>,
    /// Every issuer, with the place of its pair.
    places: HashMap<String, usize>,
    /// All issuers, in order.
    names: Vec<String>,
    /// An empty setting: nothing is accepted.
    fault: Option<VerifierError>,
}

impl Issuers {
    /// One pair, which may have an empty setting.
    pub(super) fn one(jwks: RemoteJwks, verifier: AccessTokenVerifier) -> Self {
        let fault = verifier.check_settings().err();
        let names = verifier.issuers().to_vec();
        let places = names.iter().map(|name| (name.clone(), 0)).collect();
        Self { trusted: vec![Trusted { jwks, verifier }], places, names, fault }
    }

    pub(super) fn several(
        pairs: impl IntoIterator<Item = (RemoteJwks, AccessTokenVerifier)>,
    ) -> Result<Self, BearerLayerError> {
        let mut all = Self { trusted: Vec::new(), places: HashMap::new(), names: Vec::new(), fault: None };
        for (jwks, verifier) in pairs {
            let first = verifier.issuers().first().map_or("", String::as_str);
            verifier.check_settings().map_err(|source| BearerLayerError::verifier(first, source))?;
            let place = all.trusted.len();
            for issuer in verifier.issuers() {
                if all.places.insert(issuer.clone(), place).is_some_and(|before| before != place) {
                    return Err(BearerLayerError::DuplicateIssuer { issuer: setting(issuer) });
                }
                all.names.push(issuer.clone());
            }
            all.trusted.push(Trusted { jwks, verifier });
        }
        if all.trusted.is_empty() { Err(BearerLayerError::NoIssuer) } else { Ok(all) }
    }

    pub(super) fn trusted(&self) -> &[Trusted] {
        &self.trusted
    }

    /// The keys and the verifier for a token, by its `iss`, before any work with keys.
    pub(super) fn choose(&self, token: &str) -> Result<&Trusted, VerifierError> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let issuer = match (unverified_issuer(token), self.trusted.as_slice()) {
            (Ok(issuer), _) => issuer,
            // No choice to make. The verifier names the fault, if there are keys.
            (Err(_), [only]) => return Ok(only),
            (Err(error), _) => return Err(error),
        };
        let place = self.places.get(&issuer).and_then(|place| self.trusted.get(*place));
        place.ok_or_else(|| unknown_issuer(&issuer, &self.names))
    }
}
