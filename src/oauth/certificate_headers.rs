use super::OAuthError;
use super::jwt::Header;
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
    /// The headers that this header has.
    pub(super) const fn of(header: &Header<'_>) -> Self {
        let Header { x5t_s256, x5t, x5c, .. } = header;
        Self { x5t_s256: x5t_s256.is_some(), x5t: x5t.is_some(), x5c: x5c.is_some() }
    }

    /// The names of the headers.
    pub(super) fn names(self) -> Vec<&'static str> {
        let all = [("x5t#S256", self.x5t_s256), ("x5t", self.x5t), ("x5c", self.x5c)];
        all.into_iter().filter(|(_, is_sent)| *is_sent).map(|(name, _)| name).collect()
    }

    /// Adds the headers to one for this key. If the key has no certificate, only a `required`
    /// header is an error.
    pub(super) fn add(
        required: Self,
        of_profile: Self,
        jwk: &Jwk,
        header: &mut Header<'_>,
    ) -> Result<(), OAuthError> {
        let leaf = |member, is_required, is_of_profile| match jwk.certificates().first() {
            Some(der) if is_required || is_of_profile => Ok(Some(Certificate::from_der(der.clone())?)),
            None if is_required => Err(OAuthError::NoCertificate { member }),
            _ => Ok(None),
        };
        let s256 = leaf("x5t#S256", required.x5t_s256, of_profile.x5t_s256)?;
        header.x5t_s256 = s256.map(|leaf| base64url::encode(leaf.sha256()));
        let sha1 = leaf("x5t", required.x5t, of_profile.x5t)?;
        header.x5t = sha1.map(|leaf| base64url::encode(leaf.sha1()));
        let chain = leaf("x5c", required.x5c, of_profile.x5c)?;
        header.x5c = chain.map(|_| jwk.certificates().iter().map(base64url::encode_standard).collect());
        Ok(())
    }
}
