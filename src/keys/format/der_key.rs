//! PKCS#8 (RFC 5208, RFC 5958), PKCS#1 (RFC 8017) and SEC1 (RFC 5915) in DER.

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Tag, TagNumber, Tagged};
use pkcs1::RsaPssParams;
use pkcs8::PrivateKeyInfoRef;
use pkcs8::spki::AlgorithmIdentifierRef;
use sec1::EcPrivateKey;
use zeroize::Zeroizing;

use super::{Entry, Found, Loaded, encrypted, fitted, foreign};
use crate::jose::{Algorithm, Curve};
use crate::keys::KeyError;
use crate::keys::material::{KeyMaterial, RsaScheme, Seed};

pub(in crate::keys) mod oid {
    use der::asn1::ObjectIdentifier;

    const fn oid(text: &str) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(text)
    }

    pub(crate) const RSA: ObjectIdentifier = oid("1.2.840.113549.1.1.1");
    pub(crate) const RSA_PSS: ObjectIdentifier = oid("1.2.840.113549.1.1.10");
    pub(crate) const EC: ObjectIdentifier = oid("1.2.840.10045.2.1");
    pub(crate) const ED25519: ObjectIdentifier = oid("1.3.101.112");
    pub(crate) const P256: ObjectIdentifier = oid("1.2.840.10045.3.1.7");
    pub(crate) const P384: ObjectIdentifier = oid("1.3.132.0.34");
    pub(crate) const P521: ObjectIdentifier = oid("1.3.132.0.35");
    pub(crate) const MGF1: ObjectIdentifier = oid("1.2.840.113549.1.1.8");
    pub(crate) const SHA256: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.1");
    pub(crate) const SHA384: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.2");
    pub(crate) const SHA512: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.3");

    /// Names for what people meet; everything else is shown as its number.
    pub(crate) fn name(oid: &ObjectIdentifier) -> String {
        let text = oid.to_string();
        match text.as_str() {
            "1.2.840.10040.4.1" => "DSA".to_owned(),
            "1.2.840.113549.1.3.1" => "Diffie-Hellman".to_owned(),
            "1.2.840.10045.3.1.1" => "EC P-192".to_owned(),
            "1.3.132.0.33" => "EC P-224".to_owned(),
            "1.3.132.0.10" => "EC secp256k1".to_owned(),
            "1.3.132.0.28" => "EC secp128r1".to_owned(),
            "1.3.36.3.3.2.8.1.1.7" => "EC brainpoolP256r1".to_owned(),
            "1.3.36.3.3.2.8.1.1.11" => "EC brainpoolP384r1".to_owned(),
            "1.3.36.3.3.2.8.1.1.13" => "EC brainpoolP512r1".to_owned(),
            "1.3.101.110" => "X25519".to_owned(),
            "1.3.101.111" => "X448".to_owned(),
            "1.3.101.113" => "Ed448".to_owned(),
            _ => text,
        }
    }
}

/// What a DER document is, by the tags of its first elements.
#[derive(Clone, Copy)]
pub(super) enum Structure {
    Pkcs8,
    RsaPrivateKey,
    EcPrivateKey,
    EncryptedPrivateKey,
    Certificate,
    CertificateRequest,
    PublicKey,
    RsaPublicKey,
    Pkcs7,
    Pkcs12,
    DsaPrivateKey,
}

impl Structure {
    pub(super) fn of(der: &[u8]) -> Result<Self, KeyError> {
        if is_pkcs12(der) {
            return Ok(Self::Pkcs12);
        }
        let unknown = || KeyError::Der { structure: "DER: not a key" };
        let elements = <Vec<AnyRef<'_>>>::from_der(der).map_err(|_| unknown())?;
        let tags: Vec<Tag> = elements.iter().take(3).map(Tagged::tag).collect();
        match (tags.as_slice(), elements.as_slice()) {
            ([Tag::Integer, Tag::Sequence, ..], _) => Ok(Self::Pkcs8),
            ([Tag::Integer, Tag::OctetString, ..], _) => Ok(Self::EcPrivateKey),
            ([Tag::Integer, Tag::Integer], _) => Ok(Self::RsaPublicKey),
            ([Tag::Integer, Tag::Integer, Tag::Integer], all) if all.len() == 6 => Ok(Self::DsaPrivateKey),
            ([Tag::Integer, Tag::Integer, Tag::Integer], _) => Ok(Self::RsaPrivateKey),
            ([Tag::Sequence, Tag::OctetString], _) => Ok(Self::EncryptedPrivateKey),
            ([Tag::Sequence, Tag::BitString], _) => Ok(Self::PublicKey),
            ([Tag::Sequence, Tag::Sequence, Tag::BitString], [first, ..]) => {
                // A request starts with its version 0, a certificate with [0] or with its serial number.
                let request = first.value().starts_with(&[2, 1, 0, 0x30]);
                Ok(if request { Self::CertificateRequest } else { Self::Certificate })
            }
            ([Tag::ObjectIdentifier, Tag::ContextSpecific { .. }], _) => Ok(Self::Pkcs7),
            _ => Err(unknown()),
        }
    }

    /// As a PEM label has it, where there is one.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Pkcs8 => "PRIVATE KEY",
            Self::RsaPrivateKey => "RSA PRIVATE KEY",
            Self::EcPrivateKey => "EC PRIVATE KEY",
            Self::DsaPrivateKey => "DSA PRIVATE KEY",
            Self::EncryptedPrivateKey => "ENCRYPTED PRIVATE KEY",
            Self::Certificate => "CERTIFICATE",
            Self::CertificateRequest => "CERTIFICATE REQUEST",
            Self::PublicKey => "PUBLIC KEY",
            Self::RsaPublicKey => "RSA PUBLIC KEY",
            Self::Pkcs7 => "PKCS7",
            Self::Pkcs12 => "PKCS12",
        }
    }
}

/// What is in one DER document; `curve` stands outside of it, in a block of its own.
pub(super) fn collect(
    der: &[u8],
    structure: Structure,
    curve: Option<ObjectIdentifier>,
    passphrase: Option<&[u8]>,
    found: &mut Found,
) -> Result<(), KeyError> {
    let material = match structure {
        Structure::Pkcs8 => pkcs8(der),
        Structure::RsaPrivateKey => rsa(der),
        Structure::EcPrivateKey => ec(der, curve),
        Structure::EncryptedPrivateKey => encrypted::open(der, passphrase, &mut found.budget),
        Structure::DsaPrivateKey => Err(KeyError::UnsupportedKey { found: "DSA".to_owned() }),
        Structure::Pkcs12 => return super::pkcs12(der, passphrase, found),
        Structure::Pkcs7 => {
            found.because(foreign::pkcs7());
            return Ok(());
        }
        other @ (Structure::Certificate
        | Structure::CertificateRequest
        | Structure::PublicKey
        | Structure::RsaPublicKey) => Err(KeyError::NotPrivate { found: other.name().to_owned() }),
    };
    found.push(Entry::new(material.map(Loaded::from)))
}

/// A SEQUENCE that starts with version 3 and another SEQUENCE (RFC 7292 §4). Looked for by hand: some programs write it in
/// BER, where lengths may be left open.
fn is_pkcs12(bytes: &[u8]) -> bool {
    let &[0x30, first, ref rest @ ..] = bytes else {
        return false;
    };
    let digits = if first < 0x80 { 0 } else { usize::from(first & 0x7f) };
    rest.get(digits..).is_some_and(|content| content.starts_with(&[2, 1, 3, 0x30]))
}

/// RFC 5958 §2.
pub(in crate::keys) fn pkcs8(der: &[u8]) -> Result<KeyMaterial, KeyError> {
    const STRUCTURE: KeyError = KeyError::Der { structure: "PrivateKeyInfo (RFC 5958 §2)" };
    let Ok(info) = PrivateKeyInfoRef::from_der(der) else {
        return ed25519_of_ring(der).ok_or(STRUCTURE);
    };
    let inner = info.private_key.as_bytes();
    let parameters = info.algorithm.parameters;
    match info.algorithm.oid {
        oid::RSA => match parameters {
            // RFC 8017 A.1 wants NULL; a missing one is common and harmless.
            None => rsa(inner),
            Some(null) if null.is_null() => rsa(inner),
            Some(_) => Err(STRUCTURE),
        },
        oid::RSA_PSS => {
            let scheme = RsaScheme::Pss(parameters.map(pss_algorithm).transpose()?);
            super::pkcs1(inner)?;
            Ok(KeyMaterial::Rsa { pkcs1: Zeroizing::new(inner.to_vec()), scheme })
        }
        oid::EC => {
            let curve = parameters.ok_or(STRUCTURE)?.decode_as::<ObjectIdentifier>();
            let mut material = ec(inner, Some(curve.map_err(|_| foreign::explicit_curve())?))?;
            if let (KeyMaterial::Ec { point, .. }, Some(outer)) = (&mut material, info.public_key) {
                attach_public(point, outer.raw_bytes())?;
            }
            Ok(material)
        }
        oid::ED25519 if parameters.is_none() => {
            let seed = <&OctetStringRef>::from_der(inner).map_err(|_| STRUCTURE)?;
            let seed = Seed::new(seed.as_bytes()).ok_or(STRUCTURE)?;
            let public = info.public_key.map(|bits| bits.raw_bytes().to_vec());
            Ok(KeyMaterial::Ed25519 { seed, public })
        }
        oid::ED25519 => Err(STRUCTURE),
        other => Err(KeyError::UnsupportedKey { found: oid::name(&other) }),
    }
}

/// The document that ring makes for a new Ed25519 key, known to Rust programs only: the public key of RFC 5958 §2 in an
/// EXPLICIT tag where that module has IMPLICIT ones.
fn ed25519_of_ring(der: &[u8]) -> Option<KeyMaterial> {
    const PUBLIC_KEY: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(1) };
    let elements = <Vec<AnyRef<'_>>>::from_der(der).ok()?;
    let ([version, algorithm, key, public] | [version, algorithm, key, _, public]) = elements.as_slice()
    else {
        return None;
    };
    let algorithm = algorithm.decode_as::<AlgorithmIdentifierRef<'_>>().ok()?;
    if version.value() != [1] || algorithm.oid != oid::ED25519 || public.tag() != PUBLIC_KEY {
        return None;
    }
    let seed = <&OctetStringRef>::from_der(key.decode_as::<&OctetStringRef>().ok()?.as_bytes()).ok()?;
    let public = BitStringRef::from_der(public.value()).ok()?.as_bytes()?.to_vec();
    Some(KeyMaterial::Ed25519 { seed: Seed::new(seed.as_bytes())?, public: Some(public) })
}

/// RFC 8017 A.1.2.
pub(super) fn rsa(der: &[u8]) -> Result<KeyMaterial, KeyError> {
    super::pkcs1(der)?;
    Ok(KeyMaterial::Rsa { pkcs1: Zeroizing::new(der.to_vec()), scheme: RsaScheme::Any })
}

/// RFC 5915 §3, with the curve that stands outside of it, if any.
pub(super) fn ec(der: &[u8], outer: Option<ObjectIdentifier>) -> Result<KeyMaterial, KeyError> {
    const STRUCTURE: KeyError = KeyError::Der { structure: "ECPrivateKey (RFC 5915 §3)" };
    let key = EcPrivateKey::from_der(der)
        .map_err(|_| if has_explicit_parameters(der) { foreign::explicit_curve() } else { STRUCTURE })?;
    let inner = key.parameters.and_then(|parameters| parameters.named_curve());
    let curve = match (inner, outer) {
        (Some(inner), Some(outer)) if inner != outer => {
            return Err(KeyError::Inconsistent { key_type: "EC" });
        }
        (Some(curve), _) | (None, Some(curve)) => named_curve(curve)?,
        (None, None) => return Err(KeyError::Der { structure: "ECPrivateKey: no curve is named" }),
    };
    // RFC 5915 §3: the private value has the length of the curve's order. Many write it as an
    // INTEGER, without its leading zeros or with one before a first bit that is set (OpenSSL 1.0.2,
    // GnuTLS, Botan).
    let scalar = fitted(key.private_key, curve.coordinate_len()).ok_or(STRUCTURE)?;
    Ok(KeyMaterial::Ec { curve, scalar, point: key.public_key.map(<[u8]>::to_vec) })
}

pub(super) fn named_curve(curve: ObjectIdentifier) -> Result<Curve, KeyError> {
    match curve {
        oid::P256 => Ok(Curve::P256),
        oid::P384 => Ok(Curve::P384),
        oid::P521 => Ok(Curve::P521),
        other => Err(KeyError::UnsupportedKey { found: oid::name(&other) }),
    }
}

/// Whether the `[0] ECParameters` of an `ECPrivateKey` is a SEQUENCE and not the name of a curve.
fn has_explicit_parameters(der: &[u8]) -> bool {
    <Vec<AnyRef<'_>>>::from_der(der).is_ok_and(|elements| {
        elements
            .iter()
            .any(|element| element.tag().is_context_specific() && element.value().first() == Some(&0x30))
    })
}

/// A PKCS#8 v2 document has the public key twice at most, and it is the same one.
fn attach_public(point: &mut Option<Vec<u8>>, outer: &[u8]) -> Result<(), KeyError> {
    match point {
        Some(inner) if inner != outer => Err(KeyError::Inconsistent { key_type: "EC" }),
        _ => {
            *point = Some(outer.to_vec());
            Ok(())
        }
    }
}

/// RFC 4055 §3.1: parameters bind the key to one hash. Only those that RFC 7518 §3.5 can express are usable: the
/// same hash in MGF1, and no salt longer than it.
pub(super) fn pss_algorithm(parameters: AnyRef<'_>) -> Result<Algorithm, KeyError> {
    let unusable = || KeyError::UnsupportedKey {
        found: "RSASSA-PSS with parameters that no PS* algorithm has".to_owned(),
    };
    let parameters: RsaPssParams<der::Any> = parameters
        .decode_as()
        .map_err(|_| KeyError::Der { structure: "RSASSA-PSS-params (RFC 4055 §3.1)" })?;
    let (algorithm, hash_len) = match parameters.hash.oid {
        oid::SHA256 => (Algorithm::PS256, 32),
        oid::SHA384 => (Algorithm::PS384, 48),
        oid::SHA512 => (Algorithm::PS512, 64),
        _ => return Err(unusable()),
    };
    let mask = parameters.mask_gen;
    let same_hash =
        mask.oid == oid::MGF1 && mask.parameters.is_some_and(|hash| hash.oid == parameters.hash.oid);
    if same_hash && parameters.salt_len <= hash_len { Ok(algorithm) } else { Err(unusable()) }
}
