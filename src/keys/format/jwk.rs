//! Private JWKs (RFC 7517 §4, RFC 7518 §6.2.2 and §6.3.2, RFC 8037 §2) and sets of them.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::found::{Entry, Found, Loaded};
use crate::jose::json::{Json, Members, Rules};
use crate::jose::text::Text;
use crate::jose::{Curve, JoseError, Jwk, JwkSet, KeyId, KeyParameters, base64url, json};
use crate::keys::key_format::{Encoding, KeyFormat, KeyStructure};
use crate::keys::material::{KeyMaterial, Seed};
use crate::keys::{Certificate, KeyError, numbers};

const WHAT: &str = "a private JWK";

/// The private members, in wiped memory.
struct PrivateMembers<'a> {
    d: Option<Text<'a>>,
    p: Option<Text<'a>>,
    q: Option<Text<'a>>,
    dp: Option<Text<'a>>,
    dq: Option<Text<'a>>,
    qi: Option<Text<'a>>,
    has_more_primes: bool,
}

impl<'a> PrivateMembers<'a> {
    /// RFC 7518 §6.3.2 allows a key without its primes. Serializers write an empty text for an
    /// unset member.
    fn take(members: &mut Members<'a>) -> Result<Self, KeyError> {
        let mut text = |member| match members.take(member) {
            Some(Json::Unparsed(value)) if value != "null" => {
                let wrong = JoseError::InvalidMember { what: WHAT, member, expected: "a string" };
                json::first_string(value).map(Some).ok_or(wrong)
            }
            _ => Ok(None),
        };
        let d = text("d")?;
        let mut prime = |member| Ok::<_, JoseError>(text(member)?.filter(|value| !value.is_empty()));
        let (p, q, dp, dq, qi) = (prime("p")?, prime("q")?, prime("dp")?, prime("dq")?, prime("qi")?);
        let has_more_primes = match members.take("oth").filter(Json::is_set) {
            None => false,
            Some(Json::Unparsed(others)) if others.starts_with('[') => true,
            Some(_) => {
                let expected = "an array";
                return Err(JoseError::InvalidMember { what: WHAT, member: "oth", expected }.into());
            }
        };
        Ok(Self { d, p, q, dp, dq, qi, has_more_primes })
    }
}

/// The parts of a JWK, its private values unparsed: they are not copied, and damage to one of them
/// is reported as such.
fn members<'a>(what: &'static str, text: &'a [u8]) -> Result<Members<'a>, JoseError> {
    let rules = Rules { unparsed: &Jwk::PRIVATE_MEMBERS, ..Rules::default() };
    json::read_by(rules, what, text)
}

/// The keys of a set, each unparsed; `None` if this is not a set.
fn keys_of<'a>(what: &'static str, text: &'a [u8]) -> Result<Option<Vec<&'a RawValue>>, KeyError> {
    #[derive(Deserialize)]
    struct Set<'a> {
        #[serde(borrow)]
        keys: Option<Vec<&'a RawValue>>,
    }
    let set: Set<'_> = serde_json::from_slice(text).map_err(|error| json::syntax(what, &error))?;
    Ok(set.keys)
}

/// One JWK, or those of a set. A set may also contain public keys, and keys of types and for
/// algorithms that are not used here.
pub(super) fn collect(text: &[u8], found: &mut Found) -> Result<(), KeyError> {
    let Some(keys) = keys_of(WHAT, text)? else {
        let entry = entry(text);
        note_public(text, &entry, found);
        return found.push(entry);
    };
    if keys.len() > JwkSet::MAX_KEYS {
        return Err(JoseError::TooManyKeys { found: keys.len(), limit: JwkSet::MAX_KEYS }.into());
    }
    keys.iter().try_for_each(|key| match element(key.get(), found) {
        Some(entry) => found.push(entry),
        None => Ok(()),
    })
}

/// One JWK among others. A JWK without private values that cannot be read does not affect them.
pub(super) fn element(text: &str, found: &mut Found) -> Option<Entry> {
    let entry = entry(text.as_bytes());
    note_public(text.as_bytes(), &entry, found);
    match entry.loaded {
        Err(reason) if !json::claims_member(text, &Jwk::PRIVATE_MEMBERS) => {
            found.because(reason);
            None
        }
        _ => Some(entry),
    }
}

/// Keeps the `kid` of a public JWK.
fn note_public(text: &[u8], entry: &Entry, found: &mut Found) {
    if matches!(entry.loaded, Err(KeyError::NotPrivate { .. }))
        && let Ok(jwk) = Jwk::from_json(text)
        && let Some(key_id) = jwk.key_id()
    {
        found.key_ids.push((jwk.parameters().clone(), key_id.clone()));
    }
}

/// One private JWK.
fn entry(text: &[u8]) -> Entry {
    #[derive(Deserialize)]
    struct Named {
        kid: Option<String>,
    }
    let loaded = key(text);
    match &loaded {
        Ok(_) => Entry::new(loaded),
        // A key that cannot be used keeps its name.
        Err(_) => {
            let named = serde_json::from_slice::<Named>(text).ok();
            Entry { key_id: named.and_then(|named| named.kid).map(KeyId::from), ..Entry::new(loaded) }
        }
    }
}

/// A JWK or a JWK Set, and whether it contains a private or symmetric value. As in [`collect`], a
/// key of a set that cannot be read does not affect the others.
pub(super) fn recognise(text: &[u8]) -> Result<KeyFormat, KeyError> {
    let Some(keys) = keys_of("a JWK", text)? else {
        return recognise_key(text);
    };
    let is_private = keys.iter().any(|key| {
        recognise_key(key.get().as_bytes())
            .map_or_else(|_| json::claims_member(key.get(), &Jwk::PRIVATE_MEMBERS), KeyFormat::is_private)
    });
    Ok(KeyFormat::new(KeyStructure::JwkSet, Encoding::Json, is_private))
}

/// As [`recognise`], for a single JWK, regardless of its other members.
pub(super) fn recognise_key(text: &[u8]) -> Result<KeyFormat, KeyError> {
    let is_private = Jwk::private_member(&members("a JWK", text)?).is_some();
    Ok(KeyFormat::new(KeyStructure::Jwk, Encoding::Json, is_private))
}

fn key(text: &[u8]) -> Result<Loaded, KeyError> {
    let mut members = members(WHAT, text)?;
    let private = PrivateMembers::take(&mut members)?;
    fit_coordinates(&mut members);
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
        return Err(KeyError::NotForSignatures);
    }
    let d = base64url::decode_secret("a private JWK member", d)?;
    let material = match jwk.parameters() {
        KeyParameters::Rsa { n, e } => rsa(n, e, &d, &private)?,
        KeyParameters::Ec { curve, x, y } => ec(*curve, &d, x, y)?,
        KeyParameters::Ed25519 { x } => {
            let seed = Seed::new(&d).ok_or(KeyError::JwkMember { member: "d" })?;
            KeyMaterial::Ed25519 { seed, public: Some(x.to_vec()) }
        }
    };
    let algorithm = jwk.algorithm().map(str::parse).transpose()?;
    Ok(Loaded { algorithm, key_id: jwk.key_id().cloned(), certificates, ..material.into() })
}

/// RFC 7518 §6.2.1.2 requires coordinates of the curve's length. Public JWKs must meet that,
/// because others compute the thumbprint over the text as it stands. The public half of a private
/// JWK is published anew from here, so only its numbers matter.
fn fit_coordinates(members: &mut Members<'_>) {
    let is = |member, value| members.get(member).and_then(Json::text) == Some(value);
    let curve = Curve::ALL.into_iter().find(|curve| is("crv", curve.as_str()));
    let Some(curve) = curve.filter(|_| is("kty", "EC")) else {
        return;
    };
    for member in ["x", "y"] {
        if let Some(Json::Text(text)) = members.get_mut(member)
            && let Ok(octets) = base64url::decode(WHAT, text)
            && octets.len() != curve.coordinate_len()
            && let Some(octets) = numbers::fitted(&octets, curve.coordinate_len())
        {
            *text = Text(Cow::Owned(base64url::encode(octets.as_slice())));
        }
    }
}

fn ec(curve: Curve, d: &[u8], x: &[u8], y: &[u8]) -> Result<KeyMaterial, KeyError> {
    // RFC 7518 §6.2.2.1 fixes the length; some programs omit leading zeros.
    let scalar = numbers::fitted(d, curve.coordinate_len()).ok_or(KeyError::JwkMember { member: "d" })?;
    Ok(KeyMaterial::Ec { curve, scalar, point: Some([&[4], x, y].concat()) })
}

/// As PKCS#1, so that RSA keys of every format take the same path through policy and backend. RFC
/// 7518 §6.3.2: all CRT members or none; PKCS#1 writes zeros for none.
fn rsa(n: &[u8], e: &[u8], d: &[u8], private: &PrivateMembers<'_>) -> Result<KeyMaterial, KeyError> {
    if private.has_more_primes {
        return Err(KeyError::RsaPrimes);
    }
    let members = [&private.p, &private.q, &private.dp, &private.dq, &private.qi];
    if members.iter().all(|member| member.is_none()) {
        const NONE: &[u8] = &[0];
        return KeyMaterial::rsa([n, e, d, NONE, NONE, NONE, NONE, NONE]);
    }
    let member = |name: &'static str, value: &Option<Text<'_>>| {
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
