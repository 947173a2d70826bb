//! The common parts of the JWTs that this floor makes: header, claims, the signing input, and the
//! step from there to the signed JWT.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::OAuthError;
use crate::jose::json::ObjectWriter;
use crate::jose::secret_form::Shown;
use crate::jose::{Algorithm, Jwk, Signature, Wiped, jws};

/// The protected header (RFC 7515 §4.1).
pub(super) struct Header<'a> {
    pub(super) alg: Algorithm,
    pub(super) kid: Option<Cow<'a, str>>,
    pub(super) typ: Option<&'a str>,
    /// Headers about the key's certificate (RFC 7515 §4.1.6–4.1.8).
    pub(super) x5t_s256: Option<String>,
    pub(super) x5t: Option<String>,
    pub(super) x5c: Option<Vec<String>>,
}

impl<'a> Header<'a> {
    pub(super) fn new(alg: Algorithm, kid: Option<Cow<'a, str>>, typ: Option<&'a str>) -> Self {
        Self { alg, kid, typ, x5t_s256: None, x5t: None, x5c: None }
    }

    fn json(&self) -> Wiped<Vec<u8>> {
        let Self { alg, kid, typ, x5t_s256, x5t, x5c } = self;
        let len = 40 + kid.as_ref().map_or(0, |kid| kid.len()) + typ.map_or(0, str::len);
        let mut json = ObjectWriter::with_capacity(len);
        json.text("alg", alg.as_str());
        let texts = [
            ("kid", kid.as_deref()),
            ("typ", *typ),
            ("x5t#S256", x5t_s256.as_deref()),
            ("x5t", x5t.as_deref()),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                json.text(name, text);
            }
        }
        if let Some(x5c) = x5c {
            json.value("x5c", x5c);
        }
        json.finish()
    }
}

/// The claims (RFC 7523 §3).
pub(super) struct Claims<'a> {
    pub(super) iss: &'a str,
    pub(super) sub: &'a str,
    pub(super) aud: &'a str,
    pub(super) jti: &'a str,
    pub(super) iat: i64,
    pub(super) exp: i64,
    pub(super) nbf: Option<i64>,
    pub(super) extra: &'a ExtraClaims,
}

impl Claims<'_> {
    fn json(&self) -> Wiped<Vec<u8>> {
        let Self { iss, sub, aud, jti, iat, exp, nbf, extra } = self;
        let mut json = ObjectWriter::with_capacity(110 + iss.len() + sub.len() + aud.len() + jti.len());
        for (name, text) in [("iss", iss), ("sub", sub), ("aud", aud), ("jti", jti)] {
            json.text(name, text);
        }
        for (name, seconds) in [("iat", Some(iat)), ("exp", Some(exp)), ("nbf", nbf.as_ref())] {
            if let Some(seconds) = seconds {
                json.value(name, seconds);
            }
        }
        extra.write(&mut json);
        json.finish()
    }
}

/// The claims that the user adds. `Debug` shows their names only: the values may be secrets.
#[derive(Clone, Default)]
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
        self.set(name, value.into());
        Ok(())
    }

    /// Adds a claim that no JWT sets itself.
    pub(super) fn set(&mut self, name: String, value: Value) {
        self.0.insert(name, value);
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub(super) fn write(&self, json: &mut ObjectWriter) {
        for (name, value) in &self.0 {
            json.value(name, value);
        }
    }
}

impl fmt::Debug for ExtraClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys().map(|name| Shown(name))).finish()
    }
}

/// A JWT without its signature, as a [`JwtBuilder`](super::JwtBuilder) prepares it.
#[derive(Clone)]
pub struct UnsignedJwt {
    signing_input: Wiped<Vec<u8>>,
    algorithm: Algorithm,
}

impl UnsignedJwt {
    /// Encodes header and claims. Reserves space for a signature of this length.
    pub(super) fn new(header: &Header<'_>, claims: &Claims<'_>, signature_len: usize) -> Self {
        Self::of_claims(header, &claims.json(), signature_len)
    }

    /// As [`UnsignedJwt::new`], with claims that are already JSON.
    pub(super) fn of_claims(header: &Header<'_>, claims: &[u8], signature_len: usize) -> Self {
        let signing_input = jws::signing_input(&header.json(), claims, signature_len);
        Self { signing_input, algorithm: header.alg }
    }

    /// The bytes to sign (RFC 7515 §5.1 step 5).
    #[must_use]
    pub fn signing_input(&self) -> &[u8] {
        &self.signing_input
    }

    /// The algorithm in the header.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The second step: attaches the signature, regardless of where it was made.
    ///
    /// # Errors
    ///
    /// [`OAuthError::SignatureAlgorithm`] if its algorithm is not the one in the header.
    pub fn attach(&self, signature: Signature) -> Result<SignedJwt, OAuthError> {
        self.clone().signed(&signature).map(SignedJwt)
    }

    /// The signed JWT.
    pub(super) fn signed(self, signature: &Signature) -> Result<Wiped<String>, OAuthError> {
        if signature.algorithm() != self.algorithm {
            let found = signature.algorithm();
            return Err(OAuthError::SignatureAlgorithm { expected: self.algorithm, found });
        }
        Ok(jws::signed(self.signing_input, signature))
    }
}

impl fmt::Debug for UnsignedJwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsignedJwt").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// A signed JWT in compact form. Some are secrets, such as access tokens, so `Debug` is redacted,
/// there is no `Display`, and the text is wiped on drop.
pub struct SignedJwt(pub(super) Wiped<String>);

impl SignedJwt {
    /// The JWT. Treat it as a password unless its kind is public.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SignedJwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedJwt([redacted])")
    }
}

/// The name of a key: its `kid`, or its thumbprint.
pub(super) fn key_id(jwk: &Jwk) -> Cow<'_, str> {
    jwk.key_id()
        .map_or_else(|| Cow::Owned(jwk.thumbprint().to_string()), |key_id| Cow::Borrowed(key_id.as_str()))
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
