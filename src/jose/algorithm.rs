//! The signature algorithms of RFC 7518 §3, RFC 8037 §3.1 and RFC 9864, and their keys.

use std::fmt;

/// A JWS signature algorithm with an asymmetric key (`alg`, RFC 7515 §4.1.1).
///
/// `none` and HMAC cannot be expressed: a private key always signs (RFC 7523 §3, RFC 8725 §3.2).
///
/// ```
/// use private_key_jwt::Algorithm;
///
/// assert_eq!("PS256".parse::<Algorithm>()?, Algorithm::PS256);
/// assert!("none".parse::<Algorithm>().is_err());
/// # Ok::<(), private_key_jwt::jose::JoseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3).
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384 (RFC 7518 §3.3).
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512 (RFC 7518 §3.3).
    RS512,
    /// RSASSA-PSS with SHA-256 and a 32-byte salt (RFC 7518 §3.5).
    PS256,
    /// RSASSA-PSS with SHA-384 and a 48-byte salt (RFC 7518 §3.5).
    PS384,
    /// RSASSA-PSS with SHA-512 and a 64-byte salt (RFC 7518 §3.5).
    PS512,
    /// ECDSA on P-256 with SHA-256 (RFC 7518 §3.4).
    ES256,
    /// ECDSA on P-384 with SHA-384 (RFC 7518 §3.4).
    ES384,
    /// ECDSA on P-521 with SHA-512 (RFC 7518 §3.4).
    ES512,
    /// EdDSA with Ed25519 under its first, polymorphic name (RFC 8037 §3.1).
    EdDSA,
    /// EdDSA with Ed25519 under its fully specified name (RFC 9864 §2.2).
    Ed25519,
}

impl Algorithm {
    /// Every algorithm of this crate, in the order of the specifications.
    pub const ALL: [Self; 11] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::ES512,
        Self::EdDSA,
        Self::Ed25519,
    ];

    /// The registered name, as written in a header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::EdDSA => "EdDSA",
            Self::Ed25519 => "Ed25519",
        }
    }

    /// The only type of key that can make or check such a signature (RFC 8725 §3.1).
    #[must_use]
    pub const fn key_type(self) -> KeyType {
        match self {
            Self::RS256 | Self::RS384 | Self::RS512 | Self::PS256 | Self::PS384 | Self::PS512 => KeyType::Rsa,
            Self::ES256 => KeyType::Ec(Curve::P256),
            Self::ES384 => KeyType::Ec(Curve::P384),
            Self::ES512 => KeyType::Ec(Curve::P521),
            Self::EdDSA | Self::Ed25519 => KeyType::Ed25519,
        }
    }

    /// Whether both names mean the same algorithm. `EdDSA` and `Ed25519` do: the second is the
    /// first with an Ed25519 key (RFC 9864 §2.2), and this crate has no other kind. A JWK's `alg`,
    /// a client's registration and a server's allow-list are compared like this.
    #[must_use]
    pub const fn is_same_as(self, other: Self) -> bool {
        self as u8 == other as u8
            || matches!((self, other), (Self::EdDSA | Self::Ed25519, Self::EdDSA | Self::Ed25519))
    }

    /// As [`Algorithm::is_same_as`], for a name that may not be a signature algorithm.
    pub(crate) fn is_named(self, name: &str) -> bool {
        name == self.as_str()
            || Self::ALL.iter().any(|other| other.as_str() == name && other.is_same_as(self))
    }

    /// Whether this is one of `PS256`, `PS384`, `PS512`.
    #[must_use]
    pub const fn is_pss(self) -> bool {
        matches!(self, Self::PS256 | Self::PS384 | Self::PS512)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An elliptic curve of RFC 7518 §6.2.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Curve {
    /// NIST P-256 (secp256r1, prime256v1).
    P256,
    /// NIST P-384 (secp384r1).
    P384,
    /// NIST P-521 (secp521r1).
    P521,
}

impl Curve {
    /// Every curve of this crate.
    pub(crate) const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    /// The name in the `crv` member.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// The length of a coordinate and of the private value, in bytes.
    pub(crate) const fn coordinate_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The type of a key: its `kty` and, if it has one, its `crv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum KeyType {
    /// `kty` `RSA`.
    Rsa,
    /// `kty` `EC` on one of the three curves.
    Ec(Curve),
    /// `kty` `OKP` with `crv` `Ed25519`.
    Ed25519,
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa => f.write_str("RSA"),
            Self::Ec(curve) => write!(f, "EC {curve}"),
            Self::Ed25519 => f.write_str("Ed25519"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::JoseError;

    #[test]
    fn rfc7515_4_1_1_names_are_case_sensitive_and_round_trip() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.as_str().parse::<Algorithm>().unwrap(), algorithm);
            let lower = algorithm.as_str().to_ascii_lowercase();
            assert_eq!(
                lower.parse::<Algorithm>(),
                Err(JoseError::UnsupportedAlgorithm { found: lower.clone() })
            );
        }
    }

    #[test]
    fn rfc9864_2_2_eddsa_and_ed25519_are_one_algorithm_and_no_others_are() {
        let polymorphic = |algorithm| matches!(algorithm, Algorithm::EdDSA | Algorithm::Ed25519);
        for (one, other) in Algorithm::ALL.iter().flat_map(|one| Algorithm::ALL.map(|other| (*one, other))) {
            let same = one == other || polymorphic(one) && polymorphic(other);
            assert_eq!(one.is_same_as(other), same, "{one} {other}");
            assert_eq!(one.is_named(other.as_str()), same, "{one} {other}");
        }
        for name in ["", "eddsa", "Ed448", "none"] {
            assert!(!Algorithm::EdDSA.is_named(name), "{name}");
        }
    }

    #[test]
    fn rfc8725_3_2_none_and_hmac_cannot_be_expressed() {
        for name in ["none", "HS256", "HS384", "HS512", "ES256K", "", "RS1"] {
            assert_eq!(
                name.parse::<Algorithm>(),
                Err(JoseError::UnsupportedAlgorithm { found: name.to_owned() })
            );
        }
    }
}
