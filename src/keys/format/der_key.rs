//! PKCS#8 (RFC 5208, RFC 5958), PKCS#1 (RFC 8017) and SEC1 (RFC 5915) in DER.

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Tag, TagNumber, Tagged};
use pkcs8::PrivateKeyInfoRef;
use pkcs8::spki::AlgorithmIdentifierRef;
use sec1::EcPrivateKey;
use zeroize::Zeroizing;

use super::{foreign, oid};
use crate::keys::material::{KeyMaterial, RsaScheme, Seed};
use crate::keys::{KeyError, numbers};

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
            // RFC 8017 A.1 requires NULL; a missing one is common and harmless.
            None => rsa(inner),
            Some(null) if null.is_null() => rsa(inner),
            Some(_) => Err(STRUCTURE),
        },
        oid::RSA_PSS => {
            let scheme = RsaScheme::Pss(parameters.map(oid::pss_algorithm).transpose()?);
            numbers::rsa_private(inner)?;
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

/// The document that ring writes for a new Ed25519 key, used only by Rust programs: the public key
/// of RFC 5958 §2 has an EXPLICIT tag, where that module has IMPLICIT ones.
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
    numbers::rsa_private(der)?;
    Ok(KeyMaterial::Rsa { pkcs1: Zeroizing::new(der.to_vec()), scheme: RsaScheme::Any })
}

/// RFC 5915 §3, with the curve from outside the structure, if any.
pub(super) fn ec(der: &[u8], outer: Option<ObjectIdentifier>) -> Result<KeyMaterial, KeyError> {
    const STRUCTURE: KeyError = KeyError::Der { structure: "ECPrivateKey (RFC 5915 §3)" };
    let key = EcPrivateKey::from_der(der)
        .map_err(|_| if has_explicit_parameters(der) { foreign::explicit_curve() } else { STRUCTURE })?;
    let inner = key.parameters.and_then(|parameters| parameters.named_curve());
    let curve = match (inner, outer) {
        (Some(inner), Some(outer)) if inner != outer => {
            return Err(KeyError::Inconsistent { key_type: "EC" });
        }
        (Some(curve), _) | (None, Some(curve)) => oid::named_curve(curve)?,
        (None, None) => return Err(KeyError::Der { structure: "ECPrivateKey: no curve is named" }),
    };
    // RFC 5915 §3: the private value is as long as the curve's order. Many programs (OpenSSL 1.0.2,
    // GnuTLS, Botan) write it like an INTEGER: without leading zeros, or with one if the first bit
    // is set.
    let scalar = numbers::fitted(key.private_key, curve.coordinate_len()).ok_or(STRUCTURE)?;
    Ok(KeyMaterial::Ec { curve, scalar, point: key.public_key.map(<[u8]>::to_vec) })
}

/// Whether the `[0] ECParameters` of an `ECPrivateKey` is a SEQUENCE instead of the name of a
/// curve.
fn has_explicit_parameters(der: &[u8]) -> bool {
    <Vec<AnyRef<'_>>>::from_der(der).is_ok_and(|elements| {
        elements
            .iter()
            .any(|element| element.tag().is_context_specific() && element.value().first() == Some(&0x30))
    })
}

/// A PKCS#8 v2 document may have the public key twice. Both must be the same.
fn attach_public(point: &mut Option<Vec<u8>>, outer: &[u8]) -> Result<(), KeyError> {
    match point {
        Some(inner) if inner != outer => Err(KeyError::Inconsistent { key_type: "EC" }),
        _ => {
            *point = Some(outer.to_vec());
            Ok(())
        }
    }
}
