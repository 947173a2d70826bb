use std::fmt;

use serde_json::{Map, Value};

use super::{Algorithm, JoseError, KeyParameters, KeyType, Thumbprint, base64url, json};

/// The name of a key (`kid`, RFC 7517 §4.5). Any string; compared as it is.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(String);

impl KeyId {
    /// The name as it stands in headers and JWKs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for KeyId {
    fn from(name: T) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&json::printable(&self.0, 128))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A public JSON Web Key (RFC 7517 §4). It cannot hold a private value: reading a JWK that has one is an error,
/// because a private key in a public document is a leak and not a spelling mistake.
///
/// ```
/// use private_key_jwt::Jwk;
///
/// let jwk = Jwk::from_json(br#"{"kty":"OKP","crv":"Ed25519","kid":"k1",
///     "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#)?;
/// assert_eq!(jwk.thumbprint().to_string(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"); // RFC 8037 A.3
/// # Ok::<(), private_key_jwt::jose::JoseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    parameters: KeyParameters,
    key_id: Option<KeyId>,
    algorithm: Option<String>,
    public_key_use: Option<String>,
    key_operations: Option<Vec<String>>,
    certificates: Vec<Vec<u8>>,
}

impl Jwk {
    /// The members that hold private or symmetric values (RFC 7518 §6.2.2, §6.3.2, §6.4.1; RFC 8037 §2).
    pub(crate) const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
    const WHAT: &str = "a JWK";

    /// A key with nothing but its parameters.
    #[must_use]
    pub const fn new(parameters: KeyParameters) -> Self {
        Self {
            parameters,
            key_id: None,
            algorithm: None,
            public_key_use: None,
            key_operations: None,
            certificates: Vec::new(),
        }
    }

    /// Names the key.
    #[must_use]
    pub fn with_key_id(mut self, key_id: impl Into<KeyId>) -> Self {
        self.key_id = Some(key_id.into());
        self
    }

    /// Says that the key is for signatures of one algorithm (`use` `sig`, `alg`).
    ///
    /// # Errors
    ///
    /// [`JoseError::AlgorithmMismatch`] when the algorithm wants another type of key.
    pub fn for_signatures(mut self, algorithm: Algorithm) -> Result<Self, JoseError> {
        let key_type = self.parameters.key_type();
        if algorithm.key_type() != key_type {
            return Err(JoseError::AlgorithmMismatch { algorithm, key_type });
        }
        self.algorithm = Some(algorithm.as_str().to_owned());
        self.public_key_use = Some("sig".to_owned());
        Ok(self)
    }

    /// Adds the certificate chain, the key's own certificate first, each as DER (`x5c`, §4.7).
    #[must_use]
    pub fn with_certificates(mut self, chain: Vec<Vec<u8>>) -> Self {
        self.certificates = chain;
        self
    }

    /// Reads one public JWK.
    ///
    /// # Errors
    ///
    /// [`JoseError::Json`], [`JoseError::DuplicateMember`], [`JoseError::MissingMember`],
    /// [`JoseError::InvalidMember`] and [`JoseError::Base64Url`] for a malformed document;
    /// [`JoseError::UnsupportedKey`] for a `kty` or `crv` that this crate does not use;
    /// [`JoseError::PrivateMember`] for a private or symmetric key.
    pub fn from_json(json: &[u8]) -> Result<Self, JoseError> {
        Self::from_members(&json::object(Self::WHAT, json)?)
    }

    pub(super) fn from_members(members: &Map<String, Value>) -> Result<Self, JoseError> {
        let parameters = match KeyParameters::from_members(members) {
            // A symmetric key is above all not public.
            Err(error @ JoseError::UnsupportedKey { .. }) if !members.contains_key("k") => return Err(error),
            other => other,
        };
        if let Some(member) = Self::PRIVATE_MEMBERS.into_iter().find(|member| members.contains_key(*member)) {
            return Err(JoseError::PrivateMember { member });
        }
        Self::with_metadata(parameters?, members)
    }

    /// The members that are not the key itself; shared with private JWKs.
    pub(crate) fn with_metadata(
        parameters: KeyParameters,
        members: &Map<String, Value>,
    ) -> Result<Self, JoseError> {
        let string = |member| json::string(Self::WHAT, members, member);
        Ok(Self {
            parameters,
            key_id: string("kid")?.map(KeyId::from),
            algorithm: string("alg")?,
            public_key_use: string("use")?,
            key_operations: strings(members, "key_ops")?,
            certificates: strings(members, "x5c")?
                .unwrap_or_default()
                .iter()
                .map(|text| base64url::decode_standard(text).ok_or(JoseError::X5c))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The parameters of the key.
    #[must_use]
    pub const fn parameters(&self) -> &KeyParameters {
        &self.parameters
    }

    /// The type of the key.
    #[must_use]
    pub const fn key_type(&self) -> KeyType {
        self.parameters.key_type()
    }

    /// The name of the key (`kid`).
    #[must_use]
    pub const fn key_id(&self) -> Option<&KeyId> {
        self.key_id.as_ref()
    }

    /// The algorithm that the key is for (`alg`, §4.4), as it stands there; it may be one of encryption.
    #[must_use]
    pub fn algorithm(&self) -> Option<&str> {
        self.algorithm.as_deref()
    }

    /// What the key is for (`use`, §4.2): `sig`, `enc` or another word.
    #[must_use]
    pub fn public_key_use(&self) -> Option<&str> {
        self.public_key_use.as_deref()
    }

    /// The certificate chain as DER (`x5c`, §4.7), empty where there is none. Nothing here says that it is trusted.
    #[must_use]
    pub fn certificates(&self) -> &[Vec<u8>] {
        &self.certificates
    }

    /// The RFC 7638 thumbprint.
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint::of(&self.parameters)
    }

    /// Whether a signature of this algorithm may be checked with this key: its type fits, and `use`, `key_ops`
    /// and `alg`, where present, allow it (RFC 7517 §4.2–4.4).
    #[must_use]
    pub fn verifies(&self, algorithm: Algorithm) -> bool {
        self.may_sign_or_verify("verify")
            && algorithm.key_type() == self.key_type()
            && self.algorithm.as_deref().is_none_or(|name| name == algorithm.as_str())
    }

    /// Whether `use` and `key_ops` leave room for signatures.
    pub(crate) fn may_sign_or_verify(&self, operation: &str) -> bool {
        self.public_key_use.as_deref().is_none_or(|word| word == "sig")
            && self.key_operations.as_deref().is_none_or(|words| words.iter().any(|word| word == operation))
    }

    /// The JWK as JSON in one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        Value::Object(self.to_members()).to_string()
    }

    fn to_members(&self) -> Map<String, Value> {
        let mut members: Map<String, Value> = self
            .parameters
            .members()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        let mut insert = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                members.insert(name.to_owned(), value);
            }
        };
        insert("kid", self.key_id.as_ref().map(|key_id| key_id.as_str().into()));
        insert("alg", self.algorithm.as_deref().map(Value::from));
        insert("use", self.public_key_use.as_deref().map(Value::from));
        insert("key_ops", self.key_operations.clone().map(Value::from));
        let chain: Vec<String> = self.certificates.iter().map(base64url::encode_standard).collect();
        insert("x5c", (!chain.is_empty()).then(|| chain.into()));
        members
    }
}

impl serde::Serialize for Jwk {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_members().serialize(serializer)
    }
}

fn strings(members: &Map<String, Value>, member: &'static str) -> Result<Option<Vec<String>>, JoseError> {
    let invalid = || JoseError::InvalidMember { what: Jwk::WHAT, member, expected: "an array of strings" };
    match members.get(member) {
        None => Ok(None),
        Some(Value::Array(elements)) => elements
            .iter()
            .map(|element| element.as_str().map(str::to_owned).ok_or_else(invalid))
            .collect::<Result<_, _>>()
            .map(Some),
        Some(_) => Err(invalid()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn okp(more: &str) -> Result<Jwk, JoseError> {
        Jwk::from_json(format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}"{more}}}"#).as_bytes())
    }

    #[test]
    fn private_and_symmetric_values_are_refused_and_not_kept() {
        assert_eq!(okp(r#","d":"secret""#), Err(JoseError::PrivateMember { member: "d" }));
        assert_eq!(
            Jwk::from_json(br#"{"kty":"oct","k":"c2VjcmV0"}"#),
            Err(JoseError::PrivateMember { member: "k" })
        );
    }

    #[test]
    fn rfc7517_5_unknown_types_have_their_own_error_and_unknown_members_are_ignored() {
        assert_eq!(
            Jwk::from_json(br#"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#),
            Err(JoseError::UnsupportedKey { found: "EC secp256k1".to_owned() })
        );
        assert_eq!(
            Jwk::from_json(br#"{"kty":"AKP"}"#),
            Err(JoseError::UnsupportedKey { found: "AKP".to_owned() })
        );
        assert!(okp(r#","ext":true,"nonsense":{"a":[1]}"#).is_ok());
    }

    #[test]
    fn rfc7518_6_2_1_2_coordinates_have_the_curves_length() {
        let jwk = format!(r#"{{"kty":"EC","crv":"P-256","x":"{X}","y":"AQ"}}"#);
        assert_eq!(
            Jwk::from_json(jwk.as_bytes()),
            Err(JoseError::InvalidMember {
                what: "a JWK",
                member: "y",
                expected: "a value of the curve's length"
            })
        );
    }

    #[test]
    fn rfc7517_4_2_to_4_4_use_key_ops_and_alg_bind() {
        assert!(okp("").unwrap().verifies(Algorithm::EdDSA));
        assert!(!okp("").unwrap().verifies(Algorithm::ES256));
        assert!(!okp(r#","use":"enc""#).unwrap().verifies(Algorithm::EdDSA));
        assert!(!okp(r#","key_ops":["sign"]"#).unwrap().verifies(Algorithm::EdDSA));
        assert!(okp(r#","key_ops":["verify"],"use":"sig""#).unwrap().verifies(Algorithm::Ed25519));
        assert!(!okp(r#","alg":"EdDSA""#).unwrap().verifies(Algorithm::Ed25519));
    }

    #[test]
    fn json_round_trips() {
        let jwk = okp(r#","kid":"k","alg":"EdDSA","use":"sig","key_ops":["verify"],"x5c":["MAA="]"#).unwrap();
        assert_eq!(Jwk::from_json(jwk.to_json().as_bytes()).unwrap(), jwk);
    }

    #[test]
    fn rfc7515_4_1_6_x5c_is_standard_base64() {
        for element in [r#""_-8=""#, r#""MAA""#, r#""-----BEGIN""#] {
            assert_eq!(okp(&format!(r#","x5c":[{element}]"#)), Err(JoseError::X5c));
        }
    }
}
