//! Private JWKs (RFC 7517 §4, RFC 7518 §6.2.2 and §6.3.2, RFC 8037 §2) and sets with one of them.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::Loaded;
use crate::jose::{Curve, JoseError, Jwk, KeyParameters, base64url, json};
use crate::keys::key_format::{Encoding, KeyFormat, KeyStructure};
use crate::keys::material::KeyMaterial;
use crate::keys::{Certificate, KeyError};

const WHAT: &str = "a private JWK";

/// The private members, read straight into wiped memory.
#[derive(Deserialize)]
struct PrivateMembers {
    d: Option<Zeroizing<String>>,
    p: Option<Zeroizing<String>>,
    q: Option<Zeroizing<String>>,
    dp: Option<Zeroizing<String>>,
    dq: Option<Zeroizing<String>>,
    qi: Option<Zeroizing<String>>,
    oth: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct PrivateSet<'a> {
    #[serde(borrow)]
    keys: Option<Vec<&'a RawValue>>,
}

pub(super) fn load(text: &[u8]) -> Result<Loaded, KeyError> {
    let set: PrivateSet<'_> = serde_json::from_slice(text).map_err(|error| json::syntax(WHAT, &error))?;
    let Some(keys) = set.keys else {
        return key(text)?.ok_or(KeyError::NotForSignatures);
    };
    if keys.len() > crate::jose::JwkSet::MAX_KEYS {
        return Err(JoseError::TooManyKeys { found: keys.len(), limit: crate::jose::JwkSet::MAX_KEYS }.into());
    }
    let mut found = Vec::new();
    let mut other = None;
    for element in &keys {
        match key(element.get().as_bytes()) {
            Ok(Some(key)) => found.push(key),
            Ok(None) => other = Some(KeyError::NotForSignatures),
            // Public keys, and keys of types and for algorithms that are not used here, may stand beside it.
            Err(
                skipped @ (KeyError::NotPrivate { .. }
                | KeyError::Jose(
                    JoseError::UnsupportedKey { .. } | JoseError::UnsupportedAlgorithm { .. },
                )),
            ) => {
                other = Some(skipped);
            }
            Err(error) => return Err(error),
        }
    }
    let count = found.len();
    match (found.pop(), count) {
        (Some(key), 1) => Ok(key),
        (None, _) => Err(other.unwrap_or(KeyError::Empty)),
        _ => Err(KeyError::SeveralKeys { found: count }),
    }
}

/// A JWK or a JWK Set, and whether a private or symmetric value stands in it.
pub(super) fn recognise(text: &[u8]) -> Result<KeyFormat, KeyError> {
    let members = json::object_masked("a JWK", text, &Jwk::PRIVATE_MEMBERS)?;
    let is_private = |jwk: &Map<String, Value>| Jwk::private_member(jwk).is_some();
    Ok(match members.get("keys") {
        Some(keys) => {
            let mut jwks = keys.as_array().into_iter().flatten().filter_map(Value::as_object);
            KeyFormat::new(KeyStructure::JwkSet, Encoding::Json, jwks.any(is_private))
        }
        None => KeyFormat::new(KeyStructure::Jwk, Encoding::Json, is_private(&members)),
    })
}

/// One private JWK; `None` when it is not for signatures.
fn key(text: &[u8]) -> Result<Option<Loaded>, KeyError> {
    // The public members through the strict reader, which copies no private one; the private ones on their own.
    let members = json::object_without(WHAT, text, &Jwk::PRIVATE_MEMBERS)?;
    let private: PrivateMembers = serde_json::from_slice(text).map_err(|error| json::syntax(WHAT, &error))?;
    let parameters = KeyParameters::from_members(&members)?;
    let Some(d) = &private.d else {
        return Err(KeyError::NotPrivate { found: "a public JWK".to_owned() });
    };
    let jwk = Jwk::with_metadata(parameters, &members)?;
    let certificates = jwk
        .certificates()
        .iter()
        .map(|certificate| Certificate::from_der(certificate.clone()))
        .collect::<Result<Vec<_>, _>>()?;
    if !jwk.may_sign_or_verify("sign") {
        return Ok(None);
    }
    let d = base64url::decode_secret("a private JWK member", d)?;
    let material = match jwk.parameters() {
        KeyParameters::Rsa { n, e } => rsa(n, e, &d, &private)?,
        KeyParameters::Ec { curve, x, y } => ec(*curve, d, x, y)?,
        KeyParameters::Ed25519 { x } => {
            let seed = <[u8; 32]>::try_from(d.as_slice()).map_err(|_| KeyError::JwkMember { member: "d" })?;
            KeyMaterial::Ed25519 { seed: Zeroizing::new(seed), public: Some(x.to_vec()) }
        }
    };
    let algorithm = jwk.algorithm().map(str::parse).transpose()?;
    Ok(Some(Loaded { algorithm, key_id: jwk.key_id().cloned(), certificates, ..material.into() }))
}

fn ec(curve: Curve, d: Zeroizing<Vec<u8>>, x: &[u8], y: &[u8]) -> Result<KeyMaterial, KeyError> {
    // RFC 7518 §6.2.2.1
    if d.len() != curve.coordinate_len() {
        return Err(KeyError::JwkMember { member: "d" });
    }
    Ok(KeyMaterial::Ec { curve, scalar: d, point: Some([&[4], x, y].concat()) })
}

/// As PKCS#1, so that RSA keys of every format take one way through policy and backend.
fn rsa(n: &[u8], e: &[u8], d: &[u8], private: &PrivateMembers) -> Result<KeyMaterial, KeyError> {
    if private.oth.is_some() {
        return Err(KeyError::RsaPrimes);
    }
    let member = |name: &'static str, value: &Option<Zeroizing<String>>| {
        let value = value.as_ref().ok_or(KeyError::RsaCrtMissing { member: name })?;
        Ok::<_, KeyError>(base64url::decode_secret("a private JWK member", value)?)
    };
    let p = member("p", &private.p)?;
    let q = member("q", &private.q)?;
    let dp = member("dp", &private.dp)?;
    let dq = member("dq", &private.dq)?;
    let qi = member("qi", &private.qi)?;
    KeyMaterial::rsa([n, e, d, &p, &q, &dp, &dq, &qi])
}
