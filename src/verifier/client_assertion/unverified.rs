use std::sync::Arc;

use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::super::VerifierError;
use super::super::claims::{check_signature, whole_seconds};
use super::claims::Claims;
use super::verified::{AssertionIdentity, VerifiedAssertion};
use super::verifier::ClientAssertionVerifier;
use crate::jose::error::{excerpt, unlike};
use crate::jose::text::Text;
use crate::jose::{Algorithm, Header, Signature};
use crate::keys::PublicKeySet;
use crate::oauth::CLIENT_AUTHENTICATION_JWT;

/// A well-formed assertion that is not yet verified. It states only whose it claims to be.
#[must_use = "an unverified assertion proves nothing"]
pub struct UnverifiedAssertion<'a> {
    pub(super) verifier: &'a ClientAssertionVerifier,
    pub(super) client_id: String,
    pub(super) header: Arc<Header>,
    pub(super) token: Text<'a>,
    pub(super) signature: Signature,
    pub(super) claims: Result<Claims, VerifierError>,
    pub(super) payload: Vec<u8>,
}

impl UnverifiedAssertion<'_> {
    /// The client that the assertion claims to speak for. Use it only to look up the client's keys.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Checks the assertion against the client's keys: type and algorithm, signature, then the
    /// claims.
    ///
    /// `registered` is the algorithm that the client registered
    /// (`token_endpoint_auth_signing_alg`), by either of its names; with `None`, the key and the
    /// server's allow-list decide.
    ///
    /// # Errors
    ///
    /// [`VerifierError`] for the first check that fails.
    pub fn verify(
        self,
        keys: &PublicKeySet,
        registered: impl Into<Option<Algorithm>>,
        now: OffsetDateTime,
    ) -> Result<VerifiedAssertion, VerifierError> {
        self.check_signature(keys, registered.into())?;
        self.check_claims(now)
    }

    /// The first half of the check, which can be repeated with other keys.
    pub(crate) fn check_signature(
        &self,
        keys: &PublicKeySet,
        registered: Option<Algorithm>,
    ) -> Result<(), VerifierError> {
        self.check_header(registered)?;
        check_signature(keys, &self.header, signing_input(&self.token), &self.signature)
    }

    /// The second half, after the signature is verified.
    pub(crate) fn check_claims(self, now: OffsetDateTime) -> Result<VerifiedAssertion, VerifierError> {
        let claims = self.claims?;
        self.verifier.rules.check_times(&claims.times, now.unix_timestamp())?;
        Ok(VerifiedAssertion {
            client_id: self.client_id,
            algorithm: self.header.algorithm,
            identity: match claims.jti {
                Some(jti) => AssertionIdentity::Jti(jti),
                // Do not hash the signature: an ECDSA signature can be turned into a second valid
                // one.
                None => AssertionIdentity::SigningInput(Sha256::digest(signing_input(&self.token)).into()),
            },
            // Another verifier that uses the same store may have more leeway.
            forget_after: claims.times.exp.saturating_add(whole_seconds(ClientAssertionVerifier::MAX_LEEWAY)),
            payload: self.payload,
        })
    }

    fn check_header(&self, registered: Option<Algorithm>) -> Result<(), VerifierError> {
        check_media_type(self.verifier, &self.header)?;
        self.verifier.rules.check_algorithm(self.header.algorithm, registered)
    }
}

/// Checks the `typ` (RFC 8725 §3.11).
pub(super) fn check_media_type(
    verifier: &ClientAssertionVerifier,
    header: &Header,
) -> Result<(), VerifierError> {
    let typ_fits = match &header.media_type {
        None => !verifier.typed_only,
        Some(_) if header.is_typed(CLIENT_AUTHENTICATION_JWT) => true,
        Some(_) => !verifier.typed_only && header.is_typed("JWT"),
    };
    if typ_fits {
        return Ok(());
    }
    let expected = if verifier.typed_only {
        "`client-authentication+jwt`"
    } else {
        "`client-authentication+jwt`, `JWT` or none"
    };
    let found = header.media_type.as_deref();
    let found = found.map(|found| unlike(found, [CLIENT_AUTHENTICATION_JWT], 64));
    Err(VerifierError::MediaType { found, expected })
}

/// The token without its signature.
pub(super) fn signing_input(token: &str) -> &str {
    token.rsplit_once('.').map_or(token, |(signing_input, _)| signing_input)
}

impl std::fmt::Debug for UnverifiedAssertion<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnverifiedAssertion")
            .field("client_id", &excerpt(&self.client_id))
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}
