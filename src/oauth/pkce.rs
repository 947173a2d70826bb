use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::OAuthError;
use crate::jose::base64url;

/// The secret that binds an authorization code to the party that requested it (RFC 7636 §4.1). The
/// authorization request contains its hash, the code exchange the secret itself.
///
/// `S256` is the only method: `plain` shows the secret to everyone who sees the authorization
/// request, and PKCE is mandatory with S256 in OAuth 2.1 and FAPI 2.0.
///
/// ```
/// use private_key_jwt::oauth::CodeVerifier;
///
/// // RFC 7636 appendix B
/// let verifier = CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")?;
/// assert_eq!(verifier.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
/// # Ok::<(), private_key_jwt::oauth::OAuthError>(())
/// ```
#[derive(Clone)]
pub struct CodeVerifier(Zeroizing<String>);

impl CodeVerifier {
    /// `code_challenge_method`.
    pub(crate) const METHOD: &str = "S256";

    /// Creates a verifier from an existing value, such as one stored in a session.
    ///
    /// # Errors
    ///
    /// [`OAuthError::CodeVerifier`] unless it consists of 43 to 128 of the characters
    /// `A-Z a-z 0-9 - . _ ~`.
    pub fn new(verifier: impl Into<String>) -> Result<Self, OAuthError> {
        let verifier = Zeroizing::new(verifier.into());
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved) {
            Ok(Self(verifier))
        } else {
            Err(OAuthError::CodeVerifier)
        }
    }

    /// Creates a verifier from 32 random bytes, which the caller provides.
    /// `client::fresh_code_verifier` takes them from the operating system.
    #[must_use]
    pub fn from_random(random: &[u8; 32]) -> Self {
        Self(Zeroizing::new(Base64UrlUnpadded::encode_string(random)))
    }

    /// The verifier itself. Keep it where the code will arrive, and show it only to the token
    /// endpoint.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// The `code_challenge` (RFC 7636 §4.2).
    #[must_use]
    pub fn challenge(&self) -> String {
        base64url::encode(Sha256::digest(self.0.as_bytes()))
    }

    /// Whether a challenge belongs to this verifier: the server's side (RFC 7636 §4.6). The time
    /// that it takes reveals nothing about the result.
    #[must_use]
    pub fn matches(&self, challenge: &str) -> bool {
        self.challenge().as_bytes().ct_eq(challenge.as_bytes()).into()
    }
}

impl std::fmt::Debug for CodeVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CodeVerifier([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APPENDIX_B: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    #[test]
    fn rfc7636_appendix_b() {
        let random = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105,
            214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
        ];
        let verifier = CodeVerifier::from_random(&random);
        assert_eq!(verifier.secret(), APPENDIX_B);
        assert!(verifier.matches("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
        for other in ["", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN", APPENDIX_B] {
            assert!(!verifier.matches(other), "{other}");
        }
    }

    #[test]
    fn rfc7636_4_1_the_length_and_the_characters_are_bounded() {
        for good in [APPENDIX_B, &"a".repeat(43), &"-._~".repeat(32)] {
            assert_eq!(CodeVerifier::new(good).unwrap().secret(), good);
        }
        let long = "a".repeat(42);
        for bad in
            ["", &long, &"a".repeat(129), &format!("{long}+"), &format!("{long} "), &format!("{long}é")]
        {
            assert!(matches!(CodeVerifier::new(bad), Err(OAuthError::CodeVerifier)), "{bad}");
        }
    }

    #[test]
    fn debug_is_redacted() {
        assert_eq!(format!("{:?}", CodeVerifier::from_random(&[0; 32])), "CodeVerifier([redacted])");
    }
}
