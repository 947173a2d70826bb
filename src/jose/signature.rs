use der::Decode;
use der::asn1::UintRef;
use zeroize::Zeroizing;

use super::{Algorithm, JoseError, KeyType};

/// The bytes of a JWS signature, in the form of RFC 7518: RSA as one integer, ECDSA as R‖S of fixed
/// length (§3.4), EdDSA as in RFC 8032 §5.1.6.
///
/// If a key management service answers in DER, use [`Signature::from_der`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    algorithm: Algorithm,
    /// Together with the signing input, which is not secret, this makes the assertion, which is.
    bytes: Zeroizing<Vec<u8>>,
}

impl Signature {
    /// Accepts a signature that already has the form of RFC 7518.
    ///
    /// # Errors
    ///
    /// [`JoseError::SignatureLength`] if it cannot be a signature with this algorithm.
    pub fn from_raw(algorithm: Algorithm, bytes: Vec<u8>) -> Result<Self, JoseError> {
        let bytes = Zeroizing::new(bytes);
        let fits = match algorithm.key_type() {
            // 2048 bits, which RFC 7518 §3.3 requires, to 8192 bits.
            KeyType::Rsa => (256..=1024).contains(&bytes.len()),
            KeyType::Ec(curve) => bytes.len() == 2 * curve.coordinate_len(),
            KeyType::Ed25519 => bytes.len() == 64,
        };
        if !fits {
            return Err(JoseError::SignatureLength { algorithm, found: bytes.len() });
        }
        Ok(Self { algorithm, bytes })
    }

    /// The other kind of signature that has this length, if any: the `alg` may be wrong, not the
    /// signature.
    #[cfg(feature = "client")]
    pub(crate) const fn other_kind(algorithm: Algorithm, len: usize) -> Option<&'static str> {
        match (algorithm.key_type(), len) {
            (KeyType::Ec(_) | KeyType::Ed25519, 256..=1024) => Some("RSA"),
            (KeyType::Rsa, 64 | 96 | 132) => Some("ECDSA or EdDSA"),
            _ => None,
        }
    }

    /// Converts an ECDSA signature from DER (`ECDSA-Sig-Value`, RFC 3279 §2.2.3), as OpenSSL,
    /// PKCS#11 wrappers and cloud key services return it.
    ///
    /// # Errors
    ///
    /// [`JoseError::SignatureDer`] if it is not strict DER or too long, or the algorithm not ECDSA.
    pub fn from_der(algorithm: Algorithm, der: &[u8]) -> Result<Self, JoseError> {
        let invalid = || JoseError::SignatureDer { algorithm };
        let KeyType::Ec(curve) = algorithm.key_type() else {
            return Err(invalid());
        };
        let integers = <Vec<UintRef<'_>>>::from_der(der).map_err(|_| invalid())?;
        let [r, s] = integers.as_slice() else {
            return Err(invalid());
        };
        let mut bytes = Zeroizing::new(Vec::with_capacity(2 * curve.coordinate_len()));
        for integer in [r, s] {
            let digits = integer.as_bytes();
            let padding = curve.coordinate_len().checked_sub(digits.len()).ok_or_else(invalid)?;
            bytes.extend(std::iter::repeat_n(0, padding));
            bytes.extend_from_slice(digits);
        }
        Self::from_raw(algorithm, std::mem::take(&mut bytes))
    }

    /// The algorithm of the signature.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The bytes that the third part of a JWS encodes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc7518_3_4_ecdsa_signatures_have_one_length() {
        for (algorithm, len) in [(Algorithm::ES256, 64), (Algorithm::ES384, 96), (Algorithm::ES512, 132)] {
            assert!(Signature::from_raw(algorithm, vec![1; len]).is_ok());
            for found in [0, len - 1, len + 1] {
                assert_eq!(
                    Signature::from_raw(algorithm, vec![1; found]),
                    Err(JoseError::SignatureLength { algorithm, found })
                );
            }
        }
    }

    #[test]
    fn der_is_padded_to_the_curve() {
        let signature = Signature::from_der(Algorithm::ES256, &[0x30, 6, 2, 1, 1, 2, 1, 2]).unwrap();
        let mut expected = vec![0; 64];
        expected[31] = 1;
        expected[63] = 2;
        assert_eq!(signature.as_bytes(), expected);
    }

    #[test]
    fn der_must_be_strict_and_fit() {
        let algorithm = Algorithm::ES256;
        let mut long = vec![0x30, 38, 2, 33, 1];
        long.extend([0; 32]);
        long.extend([2, 1, 1]);
        let cases: [&[u8]; 6] = [
            &[],
            &[0x30, 3, 2, 1, 1],
            &[0x30, 9, 2, 1, 1, 2, 1, 1, 2, 1, 1],
            &[0x30, 6, 2, 1, 0xff, 2, 1, 1],
            &[0x30, 6, 2, 1, 1, 2, 1, 1, 0],
            &long,
        ];
        for der in cases {
            assert_eq!(Signature::from_der(algorithm, der), Err(JoseError::SignatureDer { algorithm }));
        }
        let algorithm = Algorithm::RS256;
        assert_eq!(
            Signature::from_der(algorithm, &[0x30, 6, 2, 1, 1, 2, 1, 2]),
            Err(JoseError::SignatureDer { algorithm })
        );
    }
}
