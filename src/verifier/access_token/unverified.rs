//! The issuer that a token claims to have, to choose the verifier that checks it.

use super::super::VerifierError;
use super::super::claims::{CLAIMS_SET, text};
use super::AccessTokenVerifier;
use crate::jose::jws::parts;
use crate::jose::{base64url, json};

/// The `iss` of a token. **Nothing is verified**: the verifier of this issuer must read the claim
/// again.
pub(crate) fn unverified_issuer(token: &str) -> Result<String, VerifierError> {
    let limit = AccessTokenVerifier::MAX_TOKEN_LEN;
    if token.len() > limit {
        return Err(VerifierError::TooLarge { found: token.len(), limit });
    }
    let [_, payload, _] = parts(token)?;
    let payload = base64url::decode("the JWS payload", payload)?;
    let claims = json::read(CLAIMS_SET, &payload)?;
    text(&claims, "iss").map(str::to_owned)
}
