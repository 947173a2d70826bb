//! The protected header of an assertion.

use std::borrow::Cow;

use serde::Serialize;

use crate::jose::{Algorithm, Jwk, base64url};
use crate::keys::{Certificate, Signer};
use crate::oauth::{OAuthError, Profile};

/// A header that names the key's certificate (RFC 7515 §4.1.6–4.1.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CertificateHeader {
    X5tS256,
    X5t,
    X5c,
}

/// Everything that determines a header.
#[derive(PartialEq)]
pub(super) struct HeaderSource<'a> {
    algorithm: Algorithm,
    jwk: Cow<'a, Jwk>,
    media_type: Option<Cow<'a, str>>,
    sends_key_id: bool,
    certificate_headers: Cow<'a, [CertificateHeader]>,
}

impl<'a> HeaderSource<'a> {
    pub(super) fn new<S: Signer + ?Sized>(
        signer: &'a S,
        profile: &'a Profile,
        certificate_headers: &'a [CertificateHeader],
    ) -> Self {
        Self {
            algorithm: signer.algorithm(),
            jwk: Cow::Borrowed(signer.public_jwk()),
            media_type: profile.media_type.as_deref().map(Cow::Borrowed),
            sends_key_id: profile.sends_key_id,
            certificate_headers: Cow::Borrowed(certificate_headers),
        }
    }

    pub(super) fn into_owned(self) -> HeaderSource<'static> {
        HeaderSource {
            algorithm: self.algorithm,
            jwk: Cow::Owned(self.jwk.into_owned()),
            media_type: self.media_type.map(|media_type| Cow::Owned(media_type.into_owned())),
            sends_key_id: self.sends_key_id,
            certificate_headers: Cow::Owned(self.certificate_headers.into_owned()),
        }
    }

    pub(super) fn header(&self) -> Result<Header<'_>, OAuthError> {
        let jwk = &self.jwk;
        let mut header = Header {
            alg: self.algorithm,
            kid: self.sends_key_id.then(|| {
                jwk.key_id().map_or_else(
                    || Cow::Owned(jwk.thumbprint().to_string()),
                    |key_id| Cow::Borrowed(key_id.as_str()),
                )
            }),
            typ: self.media_type.as_deref(),
            x5t_s256: None,
            x5t: None,
            x5c: None,
        };
        for wanted in self.certificate_headers.iter() {
            let leaf = |member| {
                let der = jwk.certificates().first().ok_or(OAuthError::NoCertificate { member })?;
                Ok::<_, OAuthError>(Certificate::from_der(der.clone())?)
            };
            match wanted {
                CertificateHeader::X5tS256 => {
                    header.x5t_s256 = Some(base64url::encode(leaf("x5t#S256")?.sha256()));
                }
                CertificateHeader::X5t => header.x5t = Some(base64url::encode(leaf("x5t")?.sha1())),
                CertificateHeader::X5c => {
                    leaf("x5c")?;
                    header.x5c = Some(jwk.certificates().iter().map(base64url::encode_standard).collect());
                }
            }
        }
        Ok(header)
    }
}

#[derive(Serialize)]
pub(super) struct Header<'a> {
    alg: Algorithm,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    typ: Option<&'a str>,
    #[serde(rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    x5t_s256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x5t: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x5c: Option<Vec<String>>,
}
