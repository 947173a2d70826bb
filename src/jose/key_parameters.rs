use std::borrow::Cow;
use std::fmt;

use super::json::Members;
use super::{Curve, JoseError, KeyType, base64url};

/// The public parameters of a key (RFC 7518 §6, RFC 8037 §2).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyParameters {
    /// `kty` `RSA`: big-endian integers without leading zeros.
    Rsa {
        /// The modulus.
        n: Vec<u8>,
        /// The public exponent.
        e: Vec<u8>,
    },
    /// `kty` `EC`: coordinates of the curve's full length (§6.2.1.2).
    Ec {
        /// The curve.
        curve: Curve,
        /// The first coordinate.
        x: Vec<u8>,
        /// The second coordinate.
        y: Vec<u8>,
    },
    /// `kty` `OKP`, `crv` `Ed25519`.
    Ed25519 {
        /// The public key of RFC 8032.
        x: [u8; 32],
    },
}

impl KeyParameters {
    /// The type of key that these parameters belong to.
    pub(crate) const fn key_type(&self) -> KeyType {
        match self {
            Self::Rsa { .. } => KeyType::Rsa,
            Self::Ec { curve, .. } => KeyType::Ec(*curve),
            Self::Ed25519 { .. } => KeyType::Ed25519,
        }
    }

    /// The length of a signature made with this key, in bytes.
    pub(crate) const fn signature_len(&self) -> usize {
        match self {
            Self::Rsa { n, .. } => n.len(),
            Self::Ec { curve, .. } => 2 * curve.coordinate_len(),
            Self::Ed25519 { .. } => 64,
        }
    }

    /// The members of a JWK that define the key, in lexicographic order. No value needs escaping.
    pub(super) fn members(&self) -> Vec<(&'static str, Cow<'static, str>)> {
        let encoded = |bytes: &[u8]| Cow::Owned(base64url::encode(bytes));
        match self {
            Self::Rsa { n, e } => vec![("e", encoded(e)), ("kty", "RSA".into()), ("n", encoded(n))],
            Self::Ec { curve, x, y } => {
                let (crv, kty) = (curve.as_str().into(), "EC".into());
                vec![("crv", crv), ("kty", kty), ("x", encoded(x)), ("y", encoded(y))]
            }
            Self::Ed25519 { x } => {
                vec![("crv", "Ed25519".into()), ("kty", "OKP".into()), ("x", encoded(x))]
            }
        }
    }

    pub(crate) fn from_members(members: &Members<'_>) -> Result<Self, JoseError> {
        const WHAT: &str = "a JWK";
        let string = |member| members.text(WHAT, member);
        let required = |member| string(member)?.ok_or(JoseError::MissingMember { what: WHAT, member });
        let bytes = |member| {
            let expected = "base64url without padding";
            let invalid = |_| JoseError::InvalidMember { what: WHAT, member, expected };
            base64url::decode(WHAT, required(member)?).map_err(invalid)
        };
        let wrong_length = |member| {
            let expected = "a value of the curve's length";
            JoseError::InvalidMember { what: WHAT, member, expected }
        };
        let kty = required("kty")?;
        let crv = string("crv")?;
        let curve = Curve::ALL.into_iter().find(|curve| crv == Some(curve.as_str()));
        match (kty, crv, curve) {
            ("RSA", ..) => {
                Ok(Self::Rsa { n: without_leading_zeros(bytes("n")?), e: without_leading_zeros(bytes("e")?) })
            }
            ("EC", _, Some(curve)) => {
                let coordinate = |member| {
                    let value = bytes(member)?;
                    if value.len() == curve.coordinate_len() { Ok(value) } else { Err(wrong_length(member)) }
                };
                Ok(Self::Ec { curve, x: coordinate("x")?, y: coordinate("y")? })
            }
            ("OKP", Some("Ed25519"), _) => {
                Ok(Self::Ed25519 { x: bytes("x")?.try_into().map_err(|_| wrong_length("x"))? })
            }
            ("EC" | "OKP", None, _) => Err(JoseError::MissingMember { what: WHAT, member: "crv" }),
            (kty, crv, _) => {
                let found = crv.map_or_else(|| kty.to_owned(), |crv| format!("{kty} {crv}"));
                Err(JoseError::UnsupportedKey { found: super::error::excerpt(&found) })
            }
        }
    }
}

/// RFC 7518 §6.3.1 requires the shortest form, but some tools put a zero octet in front.
fn without_leading_zeros(digits: Vec<u8>) -> Vec<u8> {
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    digits.into_iter().skip(zeros).collect()
}

impl fmt::Debug for KeyParameters {
    /// The numbers as a JWK writes them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct(&format!("{:?}", self.key_type()));
        for (name, value) in self.members() {
            if !matches!(name, "kty" | "crv") {
                debug.field(name, &value);
            }
        }
        debug.finish()
    }
}
