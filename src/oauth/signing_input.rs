//! The common part of the two JWTs of this floor, the client assertion and the grant: the limits on
//! their claims, and the step from the signing input to the signed JWT.

use std::time::Duration;

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::OAuthError;
use crate::jose::{Algorithm, Signature, jws};

/// A JWT without its signature.
#[derive(Clone)]
pub(super) struct SigningInput {
    text: Zeroizing<String>,
    algorithm: Algorithm,
}

impl SigningInput {
    pub(super) const fn new(text: Zeroizing<String>, algorithm: Algorithm) -> Self {
        Self { text, algorithm }
    }

    /// RFC 7515 §5.1 step 5.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The algorithm that the header names.
    pub(super) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The signed JWT. The buffer has room for the signature.
    pub(super) fn signed(self, signature: &Signature) -> Result<Zeroizing<String>, OAuthError> {
        if signature.algorithm() != self.algorithm {
            let found = signature.algorithm();
            return Err(OAuthError::SignatureAlgorithm { expected: self.algorithm, found });
        }
        let mut jwt = self.text;
        jws::push_signature(&mut jwt, signature);
        Ok(jwt)
    }
}

/// Checks that every server can store the `jti`.
pub(super) const fn check_token_id(jti: &str) -> Result<(), OAuthError> {
    match jti.len() {
        1..=256 => Ok(()),
        found => Err(OAuthError::TokenId { found }),
    }
}

/// `iat` and `exp` of a JWT issued now.
pub(super) fn life(now: OffsetDateTime, lifetime: Duration) -> Result<(u64, u64), OAuthError> {
    let iat = u64::try_from(now.unix_timestamp()).map_err(|_| OAuthError::Time)?;
    let exp = iat.checked_add(lifetime.as_secs()).ok_or(OAuthError::Time)?;
    Ok((iat, exp))
}
