use super::OAuthError;
use super::jwt::CertificateMembers;
use crate::jose::{Jwk, base64url};
use crate::keys::Certificate;

/// Which headers about the key's certificate an assertion has (RFC 7515 §4.1.6–4.1.8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CertificateHeaders {
    pub(super) x5t_s256: bool,
    pub(super) x5t: bool,
    pub(super) x5c: bool,
}

impl CertificateHeaders {
    /// The members for this key. A key without a certificate only fails for `required` headers.
    pub(super) fn members(
        required: Self,
        of_profile: Self,
        jwk: &Jwk,
    ) -> Result<CertificateMembers, OAuthError> {
        let leaf = |member, is_required, is_of_profile| match jwk.certificates().first() {
            Some(der) if is_required || is_of_profile => Ok(Some(Certificate::from_der(der.clone())?)),
            None if is_required => Err(OAuthError::NoCertificate { member }),
            _ => Ok(None),
        };
        let chain = |_| jwk.certificates().iter().map(base64url::encode_standard).collect();
        Ok(CertificateMembers {
            x5t_s256: leaf("x5t#S256", required.x5t_s256, of_profile.x5t_s256)?
                .map(|leaf| base64url::encode(leaf.sha256())),
            x5t: leaf("x5t", required.x5t, of_profile.x5t)?.map(|leaf| base64url::encode(leaf.sha1())),
            x5c: leaf("x5c", required.x5c, of_profile.x5c)?.map(chain),
        })
    }
}
