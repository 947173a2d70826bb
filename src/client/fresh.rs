//! Values that must never be reused.

use zeroize::Zeroizing;

use crate::keys::KeyError;
use crate::oauth::CodeVerifier;

/// Returns a `jti` that was never used before: a UUID v4 from the operating system's random bytes.
///
/// # Errors
///
/// [`KeyError::Random`] if no random bytes are available.
pub fn fresh_jti() -> Result<String, KeyError> {
    Ok(uuid::Builder::from_random_bytes(*random_bytes()?).into_uuid().to_string())
}

/// A random number for the length of a pause, or `None` if none is available.
pub(super) fn random() -> Option<u64> {
    getrandom::u64().ok()
}

/// Returns a PKCE verifier from 32 of the operating system's random bytes (RFC 7636 §4.1).
///
/// # Errors
///
/// [`KeyError::Random`] if no random bytes are available.
pub fn fresh_code_verifier() -> Result<CodeVerifier, KeyError> {
    Ok(CodeVerifier::from_random(&*random_bytes()?))
}

/// Random bytes of the operating system, for a secret.
pub(crate) fn random_bytes<const LEN: usize>() -> Result<Zeroizing<[u8; LEN]>, KeyError> {
    let mut random = Zeroizing::new([0; LEN]);
    getrandom::fill(random.as_mut_slice()).map_err(|_| KeyError::Random)?;
    Ok(random)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn rfc9562_5_4_a_uuid_v4_and_never_the_same() {
        let many = || (0..1000).map(|_| fresh_jti().unwrap()).collect::<Vec<_>>();
        let threads = [(); 4].map(|()| std::thread::spawn(many));
        let all: Vec<String> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 4000);
        for jti in all {
            let jti = uuid::Uuid::parse_str(&jti).unwrap();
            assert_eq!((jti.get_version_num(), jti.get_variant()), (4, uuid::Variant::RFC4122));
        }
    }
}
