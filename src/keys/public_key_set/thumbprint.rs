//! Certificate thumbprints (`x5t#S256`, `x5t`), by which a header may choose among keys.

use crate::jose::{Jwk, base64url};
use crate::keys::Certificate;

/// Those of one certificate, each as base64url.
#[derive(Debug)]
pub(super) struct Thumbprints {
    sha256: String,
    sha1: String,
}

impl Thumbprints {
    /// `None` when there is no certificate, or none that can be read: the key may then not be used
    /// either.
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

/// Which of the two is compared.
#[derive(Clone, Copy)]
pub(super) enum ThumbprintKind {
    Sha256,
    Sha1,
}
