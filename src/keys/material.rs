//! A private key between the file and the backend: parsed, not yet checked.

use std::ops::Deref;

use der::Encode;
use der::asn1::UintRef;
use zeroize::Zeroizing;

use super::KeyError;
use crate::jose::{Algorithm, Curve};

/// The numbers of one private key, in the encodings that every backend accepts.
pub(super) enum KeyMaterial {
    /// RFC 8017 A.1.2 `RSAPrivateKey`, DER.
    Rsa { pkcs1: Zeroizing<Vec<u8>>, scheme: RsaScheme },
    /// The private value, with the curve's length, and the public point if the file has it
    /// (uncompressed or compressed, SEC 1 §2.3.3).
    Ec { curve: Curve, scalar: Zeroizing<Vec<u8>>, point: Option<Vec<u8>> },
    /// The seed of RFC 8032 §5.1.5, and the public key if the file has it.
    Ed25519 { seed: Seed, public: Option<Vec<u8>> },
}

/// A seed in a heap block of its own. Inline in a larger value, its bytes would stay behind when
/// that value moves, for example in a list that grows.
#[derive(Clone)]
pub(super) struct Seed(Box<Zeroizing<[u8; 32]>>);

impl Seed {
    pub(super) fn new(octets: &[u8]) -> Option<Self> {
        octets.try_into().ok().map(|octets| Self(Box::new(Zeroizing::new(octets))))
    }
}

impl Deref for Seed {
    type Target = [u8; 32];

    fn deref(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The signatures that the key's own algorithm identifier allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RsaScheme {
    /// `rsaEncryption`, or no identifier: PKCS#1 v1.5 and PSS.
    Any,
    /// `id-RSASSA-PSS` (RFC 4055 §3.1): PSS only, with one hash if the parameters name one.
    Pss(Option<Algorithm>),
}

impl KeyMaterial {
    /// An RSA key from its numbers, big-endian, in the order of RFC 8017 A.1.2: n, e, d, p, q, dp,
    /// dq, qi.
    pub(super) fn rsa(numbers: [&[u8]; 8]) -> Result<Self, KeyError> {
        let failed = |_| KeyError::Inconsistent { key_type: "RSA" };
        let [n, e, d, p, q, dp, dq, qi] = numbers.map(UintRef::new);
        let key = pkcs1::RsaPrivateKey {
            modulus: n.map_err(failed)?,
            public_exponent: e.map_err(failed)?,
            private_exponent: d.map_err(failed)?,
            prime1: p.map_err(failed)?,
            prime2: q.map_err(failed)?,
            exponent1: dp.map_err(failed)?,
            exponent2: dq.map_err(failed)?,
            coefficient: qi.map_err(failed)?,
            other_prime_infos: None,
        };
        // Allocate in full at once: a buffer that grows leaves copies behind.
        let len = key.encoded_len().and_then(usize::try_from).map_err(failed)?;
        let mut pkcs1 = Zeroizing::new(vec![0; len]);
        key.encode_to_slice(&mut pkcs1).map_err(failed)?;
        Ok(Self::Rsa { pkcs1, scheme: RsaScheme::Any })
    }
}
