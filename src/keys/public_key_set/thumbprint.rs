//! Certificate thumbprints (`x5t#S256`, `x5t`), by which a header may choose among keys.

use super::{Entry, Wanted};
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
    fn of(jwk: &Jwk) -> Option<Self> {
        let certificate = Certificate::from_der(jwk.certificates().first()?.clone()).ok()?;
        let (sha256, sha1) = (certificate.sha256(), certificate.sha1());
        Some(Self { sha256: base64url::encode(sha256), sha1: base64url::encode(sha1) })
    }
}

/// Which of the two is compared.
#[derive(Clone, Copy)]
pub(super) enum ThumbprintKind {
    Sha256,
    Sha1,
}

impl ThumbprintKind {
    /// That of the certificate in the JWK.
    pub(super) fn of_certificate(self, entry: &Entry) -> Option<&str> {
        let thumbprints = entry.certificate.get_or_init(|| Thumbprints::of(&entry.jwk)).as_ref()?;
        Some(match self {
            Self::Sha256 => &thumbprints.sha256,
            Self::Sha1 => &thumbprints.sha1,
        })
    }

    /// What the JWK states.
    pub(super) fn stated(self, entry: &Entry) -> Option<&str> {
        match self {
            Self::Sha256 => entry.jwk.x5t_s256(),
            Self::Sha1 => entry.jwk.x5t(),
        }
    }

    /// The one that an error shows.
    pub(super) fn of(self, entry: &Entry) -> Option<&str> {
        self.of_certificate(entry).or_else(|| self.stated(entry))
    }
}

impl<'a> Wanted<'a> {
    /// Those of the header, the stronger one first.
    pub(super) fn thumbprints(&self) -> impl Iterator<Item = (&'a str, ThumbprintKind)> + use<'a> {
        let sha256 = self.x5t_s256.map(|found| (found, ThumbprintKind::Sha256));
        let sha1 = self.x5t.map(|found| (found, ThumbprintKind::Sha1));
        sha256.into_iter().chain(sha1)
    }
}
