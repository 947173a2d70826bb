//! The two JWTs that this floor makes, the client assertion and the grant, in their common parts:
//! header, claims, the signing input, and the step from there to the signed JWT.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::OAuthError;
use crate::jose::secret_form::Shown;
use crate::jose::text::push_str;
use crate::jose::{Algorithm, Signature, base64url, jws};

/// The protected header (RFC 7515 §4.1).
#[derive(Serialize)]
pub(super) struct Header<'a> {
    pub(super) alg: Algorithm,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kid: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) typ: Option<&'a str>,
    /// Headers about the key's certificate (RFC 7515 §4.1.6–4.1.8).
    #[serde(rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    pub(super) x5t_s256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) x5t: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) x5c: Option<Vec<String>>,
}

impl<'a> Header<'a> {
    pub(super) fn new(alg: Algorithm, kid: Option<Cow<'a, str>>, typ: Option<&'a str>) -> Self {
        Self { alg, kid, typ, x5t_s256: None, x5t: None, x5c: None }
    }

    /// The length without certificates, if nothing needs escaping.
    fn room(&self) -> usize {
        40 + self.kid.as_ref().map_or(0, |kid| kid.len()) + self.typ.map_or(0, str::len)
    }
}

/// The claims (RFC 7523 §3).
#[derive(Serialize)]
pub(super) struct Claims<'a> {
    pub(super) iss: &'a str,
    pub(super) sub: &'a str,
    pub(super) aud: &'a str,
    pub(super) jti: &'a str,
    pub(super) iat: i64,
    pub(super) exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nbf: Option<i64>,
    #[serde(flatten)]
    pub(super) extra: &'a ExtraClaims,
}

impl Claims<'_> {
    /// The length without added claims, if nothing needs escaping.
    const fn room(&self) -> usize {
        90 + self.iss.len() + self.sub.len() + self.aud.len() + self.jti.len()
    }
}

/// The claims that the user adds. `Debug` shows their names only: the values may be secrets.
#[derive(Clone, Default, Serialize)]
pub(super) struct ExtraClaims(Map<String, Value>);

impl ExtraClaims {
    /// Adds a claim, or replaces an earlier one of the same name.
    pub(super) fn add(
        &mut self,
        reserved: &[&str],
        name: impl Into<String>,
        value: impl Into<Value>,
    ) -> Result<(), OAuthError> {
        let name = name.into();
        if reserved.contains(&name.as_str()) {
            return Err(OAuthError::ReservedClaim { name });
        }
        self.0.insert(name, value.into());
        Ok(())
    }
}

impl fmt::Debug for ExtraClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys().map(|name| Shown(name))).finish()
    }
}

/// A JWT without its signature.
#[derive(Clone)]
pub(super) struct UnsignedJwt {
    text: Zeroizing<String>,
    algorithm: Algorithm,
}

impl UnsignedJwt {
    /// Encodes header and claims. Reserves space for a signature of this length.
    pub(super) fn new(header: &Header<'_>, claims: &Claims<'_>, signature_len: usize) -> Self {
        let room = [header.room(), claims.room(), signature_len].map(|len| base64url::encoded_len(len) + 1);
        let room = room.iter().sum();
        let mut text = Zeroizing::new(String::with_capacity(room));
        jws::push_json(&mut text, header);
        push_str(&mut text, ".");
        jws::push_json(&mut text, claims);
        Self { text, algorithm: header.alg }
    }

    /// The bytes to sign (RFC 7515 §5.1 step 5).
    pub(super) fn signing_input(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The algorithm in the header.
    pub(super) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The signed JWT.
    pub(super) fn signed(self, signature: &Signature) -> Result<Zeroizing<String>, OAuthError> {
        if signature.algorithm() != self.algorithm {
            let found = signature.algorithm();
            return Err(OAuthError::SignatureAlgorithm { expected: self.algorithm, found });
        }
        let mut jwt = self.text;
        jws::push_signature(&mut jwt, signature);
        Ok(jwt)
    }
}

/// Checks that every server can store the `jti`.
pub(super) const fn check_token_id(jti: &str) -> Result<(), OAuthError> {
    match jti.len() {
        1..=256 => Ok(()),
        found => Err(OAuthError::TokenId { found }),
    }
}

/// `iat` and `exp` of a JWT issued now.
pub(super) fn life(now: OffsetDateTime, lifetime: Duration) -> Result<(i64, i64), OAuthError> {
    let iat = Some(now.unix_timestamp()).filter(|iat| *iat >= 0);
    let exp = iat.and_then(|iat| iat.checked_add_unsigned(lifetime.as_secs()));
    iat.zip(exp).ok_or(OAuthError::Time)
}
