//! Recovers the primes of an RSA key that has only n, e and d (NIST SP 800-56B C.2), with the crate
//! `rsa`. AWS-LC has no such function, so this one serves it as well. Without the feature
//! `rustcrypto`, such keys are rejected.

use crate::keys::material::KeyMaterial;
use crate::keys::{KeyError, numbers, policy};

/// The key with its primes, which are recovered if they are missing. The policy has accepted the
/// key.
pub(in crate::keys) fn with_primes(material: KeyMaterial) -> Result<KeyMaterial, KeyError> {
    let KeyMaterial::Rsa { pkcs1, scheme } = &material else {
        return Ok(material);
    };
    let key = numbers::rsa_private(pkcs1)?;
    if !policy::lacks_primes(&key) {
        return Ok(material);
    }
    match recovered(&key)? {
        KeyMaterial::Rsa { pkcs1, .. } => Ok(KeyMaterial::Rsa { pkcs1, scheme: *scheme }),
        other => Ok(other),
    }
}

#[cfg(not(feature = "rustcrypto"))]
fn recovered(_: &pkcs1::RsaPrivateKeyRef<'_>) -> Result<KeyMaterial, KeyError> {
    Err(KeyError::RsaPrimesUnknown {
        reason: "recovering them from n, e and d needs the feature `rustcrypto` of private-key-jwt",
    })
}

#[cfg(all(feature = "rustcrypto", any(test, not(feature = "aws-lc-rs"))))]
pub(super) use by_rsa::material;
#[cfg(feature = "rustcrypto")]
use by_rsa::recovered;

#[cfg(feature = "rustcrypto")]
mod by_rsa {
    use der::asn1::UintRef;
    use pkcs1::RsaPrivateKeyRef;
    use rsa::BoxedUint;
    use rsa::traits::{PrivateKeyParts, PublicKeyParts};
    use zeroize::Zeroizing;

    use crate::keys::KeyError;
    use crate::keys::material::KeyMaterial;
    use crate::keys::numbers::bit_len;

    pub(super) fn recovered(key: &RsaPrivateKeyRef<'_>) -> Result<KeyMaterial, KeyError> {
        // The method of SP 800-56B requires a larger public exponent.
        if bit_len(key.public_exponent.as_bytes()) < 17 {
            return Err(KeyError::RsaPrimesUnknown {
                reason: "they can be recovered from n, e and d only if the public exponent is 65537 or more",
            });
        }
        let integer = |value: &UintRef<'_>| BoxedUint::from_be_slice_vartime(value.as_bytes());
        let [n, e, d] = [&key.modulus, &key.public_exponent, &key.private_exponent].map(integer);
        let key = rsa::PrivateKey::from_components_with_wide_primes(n, e, d, Vec::new())
            .map_err(|_| KeyError::Inconsistent { key_type: "RSA" })?;
        material(&key)
    }

    pub(in super::super) fn material(key: &rsa::PrivateKey) -> Result<KeyMaterial, KeyError> {
        let failed = || KeyError::Inconsistent { key_type: "RSA" };
        // Keep the leading zeros: to trim them, the crate makes a copy that it does not wipe.
        let digits = |value: &BoxedUint| Zeroizing::new(value.to_be_bytes().into_vec());
        let [p, q] = key.primes() else {
            return Err(KeyError::RsaPrimes);
        };
        let coefficient = Zeroizing::new(key.crt_coefficient().ok_or_else(failed)?);
        let members = [
            Zeroizing::new(key.n_bytes().into_vec()),
            Zeroizing::new(key.e_bytes().into_vec()),
            digits(key.d()),
            digits(p),
            digits(q),
            digits(key.dp().ok_or_else(failed)?),
            digits(key.dq().ok_or_else(failed)?),
            digits(&coefficient),
        ];
        KeyMaterial::rsa(members.each_ref().map(|digits| digits.as_slice()))
    }
}
