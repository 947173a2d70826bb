//! One key of a set, and a header's description of its key.

use std::sync::OnceLock;

use super::thumbprint::{ThumbprintKind, Thumbprints};
use crate::jose::{Algorithm, Jwk, KeyId};
use crate::keys::health::Allowance;
use crate::keys::material::RsaScheme;
use crate::keys::{KeyError, PublicKey};

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) jwk: Jwk,
    /// The key, or why it cannot be used. Computed once: the check takes milliseconds, and anyone's
    /// token can trigger it.
    pub(super) parsed: OnceLock<Result<PublicKey, KeyError>>,
    /// The thumbprints of the certificate in the JWK, hashed when first needed.
    pub(super) certificate: OnceLock<Option<Thumbprints>>,
}

impl Entry {
    pub(super) fn new(jwk: Jwk, parsed: OnceLock<Result<PublicKey, KeyError>>) -> Self {
        Self { jwk, parsed, certificate: OnceLock::new() }
    }

    pub(super) fn key(&self, allowance: &Allowance) -> Result<&PublicKey, KeyError> {
        let parse = || PublicKey::within(allowance, self.jwk.clone(), RsaScheme::Any);
        self.parsed.get_or_init(parse).as_ref().map_err(KeyError::clone)
    }

    /// The thumbprint of the certificate in the JWK.
    pub(super) fn of_certificate(&self, kind: ThumbprintKind) -> Option<&str> {
        let thumbprints = self.certificate.get_or_init(|| Thumbprints::of(&self.jwk)).as_ref()?;
        Some(thumbprints.get(kind))
    }

    /// The thumbprint that the JWK states.
    pub(super) fn stated(&self, kind: ThumbprintKind) -> Option<&str> {
        match kind {
            ThumbprintKind::Sha256 => self.jwk.x5t_s256(),
            ThumbprintKind::Sha1 => self.jwk.x5t(),
        }
    }

    /// The thumbprint that an error shows.
    pub(super) fn thumbprint(&self, kind: ThumbprintKind) -> Option<&str> {
        self.of_certificate(kind).or_else(|| self.stated(kind))
    }
}

/// A header's description of its key.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) key_id: Option<&'a KeyId>,
    pub(super) algorithm: Algorithm,
    pub(super) x5t_s256: Option<&'a str>,
    pub(super) x5t: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    /// The thumbprints in the header, the stronger one first.
    pub(super) fn thumbprints(&self) -> impl Iterator<Item = (&'a str, ThumbprintKind)> + use<'a> {
        let sha256 = self.x5t_s256.map(|found| (found, ThumbprintKind::Sha256));
        let sha1 = self.x5t.map(|found| (found, ThumbprintKind::Sha1));
        sha256.into_iter().chain(sha1)
    }
}
