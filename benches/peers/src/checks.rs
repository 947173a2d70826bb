//! Each contender is checked before it is measured, so that none is fast because it does nothing.

use base64ct::{Base64UrlUnpadded, Encoding};
use pem_rfc7468::LineEnding;
use private_key_jwt::{ClientAssertionVerifier, JwkSet, PublicKeySet};
use serde_json::Value;
use time::OffsetDateTime;

use crate::contenders::{Error, Load, Sign, Signed, Verify};
use crate::fixture::{CLIENT_ID, Fixture, ISSUER, LIFETIME, LONG_LIFETIME, MEDIA_TYPE, token_for};

/// Each contender signs a client assertion that this crate's verifier accepts, and a different one
/// each time.
pub(crate) fn signs(sign: &mut Sign, fixture: &Fixture, is_floor: bool) -> Result<(), Error> {
    let mut jtis = Vec::new();
    for _ in 0..2 {
        let token = match sign()? {
            Signed::Assertion(assertion) => assertion.secret().to_owned(),
            Signed::Jwt(token) => token,
            Signed::Signature(signature) => {
                format!("{}.{}", fixture.signing_input(), Base64UrlUnpadded::encode_string(&signature))
            }
        };
        let keys = PublicKeySet::from(JwkSet::from(fixture.key.public_jwk().clone()));
        let verifier = ClientAssertionVerifier::new(ISSUER).longest_lifetime(LONG_LIFETIME).typed_only();
        let verified =
            verifier.parse_assertion(&token)?.verify(&keys, fixture.algorithm, OffsetDateTime::now_utc())?;
        if !is_floor {
            has_the_members(&token, fixture)?;
        }
        jtis.push(verified.jti().map(str::to_owned));
    }
    // A bare backend signs the same bytes each time.
    ensure(is_floor || jtis.first() != jtis.last(), "uses a jti twice")
}

/// All sign the same members, so that they are comparable.
fn has_the_members(token: &str, fixture: &Fixture) -> Result<(), Error> {
    let part = |index| -> Result<Value, Error> {
        let encoded = token.split('.').nth(index).ok_or("not a JWT")?;
        Ok(serde_json::from_slice(
            &Base64UrlUnpadded::decode_vec(encoded).map_err(|error| error.to_string())?,
        )?)
    };
    let names = |value: &Value| -> Vec<String> {
        let mut names: Vec<_> = value.as_object().into_iter().flat_map(|map| map.keys().cloned()).collect();
        names.sort();
        names
    };
    let (header, claims) = (part(0)?, part(1)?);
    ensure(names(&header) == ["alg", "kid", "typ"], "has another header")?;
    ensure(names(&claims) == ["aud", "exp", "iat", "iss", "jti", "sub"], "has other claims")?;
    ensure(header["typ"] == MEDIA_TYPE && header["kid"] == fixture.key_id(), "has another typ or kid")?;
    ensure(claims["sub"] == CLIENT_ID && claims["aud"] == ISSUER, "has another sub or aud")?;
    ensure(claims["jti"].as_str().is_some_and(|jti| jti.len() == 36), "has a jti that is no UUID")?;
    let seconds = |claim: &str| claims[claim].as_f64().unwrap_or_default();
    #[allow(clippy::cast_precision_loss, reason = "a minute")]
    let off = seconds("exp") - seconds("iat") - LIFETIME as f64;
    ensure(off.abs() <= 1.0, "has another lifetime")
}

/// Each contender accepts this crate's token, and none with another signature, audience or time.
pub(crate) fn verifies(verify: &mut Verify, fixture: &Fixture, is_floor: bool) -> Result<(), Error> {
    verify(&fixture.token)?;
    // The first character of the signature: the last ones have bits without a meaning.
    let at = fixture.signing_input().len() + 1;
    let mut forged = fixture.token.clone();
    let other = if forged.get(at..=at) == Some("A") { "B" } else { "A" };
    forged.replace_range(at..=at, other);
    ensure(verify(&forged).is_err(), "takes a forged signature")?;
    if !is_floor {
        let now = OffsetDateTime::now_utc();
        let stray = token_for(&fixture.key, "https://other.example", now)?;
        ensure(verify(&stray).is_err(), "takes another audience")?;
        let expired = token_for(&fixture.key, ISSUER, now - 2 * LONG_LIFETIME)?;
        ensure(verify(&expired).is_err(), "takes an expired token")?;
    }
    Ok(())
}

/// Each contender loads the key, and refuses half of it.
pub(crate) fn loads(load: &mut Load, fixture: &Fixture) -> Result<(), Error> {
    load(fixture.private_pem)?;
    let (label, der) =
        pem_rfc7468::decode_vec(fixture.private_pem.as_bytes()).map_err(|error| error.to_string())?;
    let half = der.get(..der.len() / 2).unwrap_or_default();
    let half = pem_rfc7468::encode_string(label, LineEnding::LF, half).map_err(|error| error.to_string())?;
    ensure(load(&half).is_err(), "takes half a key")
}

fn ensure(holds: bool, otherwise: &str) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}
