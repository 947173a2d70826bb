//! Certificate thumbprints (`x5t#S256`, `x5t`), with which a header can choose among keys.

use crate::jose::{Jwk, base64url};
use crate::keys::Certificate;

/// The thumbprints of one certificate, each as base64url.
#[derive(Debug)]
pub(super) struct Thumbprints {
    sha256: String,
    sha1: String,
}

impl Thumbprints {
    /// `None` if there is no certificate or it cannot be read: in the latter case, the key may not
    /// be used either.
    pub(super) fn of(jwk: &Jwk) -> Option<Self> {
        let certificate = Certificate::from_der(jwk.certificates().first()?.clone()).ok()?;
        let (sha256, sha1) = (certificate.sha256(), certificate.sha1());
        Some(Self { sha256: base64url::encode(sha256), sha1: base64url::encode(sha1) })
    }

    pub(super) fn get(&self, kind: ThumbprintKind) -> &str {
        match kind {
            ThumbprintKind::Sha256 => &self.sha256,
            ThumbprintKind::Sha1 => &self.sha1,
        }
    }
}

/// Which of the two thumbprints is compared.
#[derive(Clone, Copy)]
pub(super) enum ThumbprintKind {
    Sha256,
    Sha1,
}
