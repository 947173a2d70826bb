use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::error::{excerpt, shown};
use super::json::{Json, Members};
use super::secret_form::Shown;
use super::{Algorithm, JoseError, KeyMismatch, KeyParameters, Thumbprint, base64url, json};

/// The name of a key (`kid`, RFC 7517 §4.5). Any string; compared exactly.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(String);

impl KeyId {
    /// The name as written in headers and JWKs.
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
        f.write_str(&shown(&self.0, 128))
    }
}

/// Serializes the name of a key, or `null` for none, as it is shown: for serde's `serialize_with`.
pub(crate) fn key_id_text<'a, T, S: Serializer>(key_id: &'a T, serializer: S) -> Result<S::Ok, S::Error>
where
    &'a T: Into<Option<&'a KeyId>>,
{
    key_id.into().map(KeyId::to_string).serialize(serializer)
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Shown(&self.0), f)
    }
}

/// A public JSON Web Key (RFC 7517 §4). It cannot hold a private value: reading a JWK with a
/// private value is an error, because a private key in a public document is a leak, not a typo.
///
/// The values that serializers write for an unset member count as absent: `null` for any member,
/// `[]` for an array, an empty text for `use`, `alg` and the thumbprints. An empty `kid` is a name.
///
/// ```
/// use private_key_jwt::Jwk;
///
/// let jwk = Jwk::from_json(br#"{"kty":"OKP","crv":"Ed25519","kid":"k1",
///     "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#)?;
/// assert_eq!(jwk.thumbprint().to_string(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"); // RFC 8037 A.3
/// # Ok::<(), private_key_jwt::jose::JoseError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Jwk {
    parameters: KeyParameters,
    key_id: Option<KeyId>,
    algorithm: Option<String>,
    public_key_use: Option<String>,
    key_operations: Option<Vec<String>>,
    certificates: Vec<Vec<u8>>,
    x5t_s256: Option<String>,
    x5t: Option<String>,
}

impl fmt::Debug for Jwk {
    /// Truncated, because the publisher of the key chooses the text and the certificates.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |text: &Option<String>| text.as_deref().map(excerpt);
        f.debug_struct("Jwk")
            .field("parameters", &self.parameters)
            .field("key_id", &self.key_id.as_ref().map(|key_id| excerpt(key_id.as_str())))
            .field("algorithm", &text(&self.algorithm))
            .field("public_key_use", &text(&self.public_key_use))
            .field("key_operations", &self.key_operations.as_ref().map(|all| excerpt(&all.join(" "))))
            .field("certificates", &self.certificates.len())
            .field("x5t_s256", &text(&self.x5t_s256))
            .field("x5t", &text(&self.x5t))
            .finish()
    }
}

impl Jwk {
    /// Private and symmetric values (RFC 7518 §6.2.2, §6.3.2, §6.4.1; RFC 8037 §2).
    pub(crate) const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
    const WHAT: &str = "a JWK";

    /// Creates a JWK from the parameters alone.
    #[must_use]
    pub const fn new(parameters: KeyParameters) -> Self {
        Self {
            parameters,
            key_id: None,
            algorithm: None,
            public_key_use: None,
            key_operations: None,
            certificates: Vec::new(),
            x5t_s256: None,
            x5t: None,
        }
    }

    /// Sets the name of the key (`kid`).
    #[must_use]
    pub fn with_key_id(mut self, key_id: impl Into<KeyId>) -> Self {
        self.key_id = Some(key_id.into());
        self
    }

    /// Restricts the key to signatures with one algorithm (`use` `sig`, `alg`).
    ///
    /// # Errors
    ///
    /// [`JoseError::AlgorithmMismatch`] if the algorithm needs another type of key.
    pub fn for_signatures(mut self, algorithm: Algorithm) -> Result<Self, JoseError> {
        let key_type = self.parameters.key_type();
        if algorithm.key_type() != key_type {
            return Err(JoseError::AlgorithmMismatch { algorithm, key_type });
        }
        self.algorithm = Some(algorithm.as_str().to_owned());
        self.public_key_use = Some("sig".to_owned());
        Ok(self)
    }

    /// Adds the certificate chain (`x5c`, §4.7): each certificate as DER, the key's own first.
    /// Thumbprints of another certificate that the JWK came with are dropped.
    #[must_use]
    pub fn with_certificates(mut self, chain: Vec<Vec<u8>>) -> Self {
        if self.certificates.first() != chain.first() {
            (self.x5t_s256, self.x5t) = (None, None);
        }
        self.certificates = chain;
        self
    }

    /// Reads one public JWK.
    ///
    /// # Errors
    ///
    /// [`JoseError::Json`], [`JoseError::DuplicateMember`], [`JoseError::MissingMember`],
    /// [`JoseError::InvalidMember`] and [`JoseError::X5c`] for a malformed document;
    /// [`JoseError::UnsupportedKey`] for a `kty` or `crv` that this crate does not use;
    /// [`JoseError::PrivateMember`] for a private or symmetric key.
    pub fn from_json(json: &[u8]) -> Result<Self, JoseError> {
        let members = json::read(Self::WHAT, json)?;
        let parameters = KeyParameters::from_members(&members);
        let is_unsupported = matches!(parameters, Err(JoseError::UnsupportedKey { .. }));
        match Self::private_member(&members) {
            // For a symmetric key, report first that it is not public.
            Some(member) if !is_unsupported || members.get("k").is_some_and(Json::is_set) => {
                Err(JoseError::PrivateMember { member })
            }
            _ => Self::with_metadata(parameters?, &members),
        }
    }

    /// The first member with a private or symmetric value. `null` and `[]` hold none.
    pub(crate) fn private_member(members: &Members<'_>) -> Option<&'static str> {
        Self::PRIVATE_MEMBERS.into_iter().find(|member| members.get(member).is_some_and(Json::is_set))
    }

    /// The members apart from the key parameters; shared with private JWKs.
    pub(crate) fn with_metadata(parameters: KeyParameters, members: &Members<'_>) -> Result<Self, JoseError> {
        let text = |member| members.text(Self::WHAT, member);
        let owned = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        // These affect only which of several keys is tried.
        let thumbprint = |member| owned(members.get(member).and_then(Json::text));
        let texts = |member| {
            let (what, expected) = (Self::WHAT, "an array of strings");
            let value = members.get(member).filter(|value| value.is_set());
            value
                .map(|value| value.texts().ok_or(JoseError::InvalidMember { what, member, expected }))
                .transpose()
        };
        Ok(Self {
            parameters,
            key_id: text("kid")?.map(KeyId::from),
            algorithm: owned(text("alg")?),
            public_key_use: owned(text("use")?),
            key_operations: texts("key_ops")?,
            certificates: texts("x5c")?
                .unwrap_or_default()
                .iter()
                .map(|text| base64url::decode_standard(text).ok_or(JoseError::X5c))
                .collect::<Result<_, _>>()?,
            x5t_s256: thumbprint("x5t#S256"),
            x5t: thumbprint("x5t"),
        })
    }

    /// The parameters of the key.
    #[must_use]
    pub const fn parameters(&self) -> &KeyParameters {
        &self.parameters
    }

    /// The name of the key (`kid`).
    #[must_use]
    pub const fn key_id(&self) -> Option<&KeyId> {
        self.key_id.as_ref()
    }

    /// The algorithm of the key (`alg`, §4.4), unchanged; it may be an encryption algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Option<&str> {
        self.algorithm.as_deref()
    }

    /// The intended use of the key (`use`, §4.2): `sig`, `enc` or another word.
    #[must_use]
    pub fn public_key_use(&self) -> Option<&str> {
        self.public_key_use.as_deref()
    }

    /// The certificate chain as DER (`x5c`, §4.7), empty if absent. Not necessarily trusted.
    #[must_use]
    pub fn certificates(&self) -> &[Vec<u8>] {
        &self.certificates
    }

    /// The SHA-256 thumbprint of the key's certificate as the JWK states it (`x5t#S256`, §4.9). It
    /// is not compared with [`certificates`](Self::certificates).
    pub(crate) fn x5t_s256(&self) -> Option<&str> {
        self.x5t_s256.as_deref()
    }

    /// The stated SHA-1 thumbprint of the key's certificate (`x5t`, §4.8), also not compared.
    pub(crate) fn x5t(&self) -> Option<&str> {
        self.x5t.as_deref()
    }

    /// The RFC 7638 thumbprint.
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint::of(&self.parameters)
    }

    pub(crate) fn verifies(&self, algorithm: Algorithm) -> bool {
        self.mismatch(algorithm).is_none()
    }

    /// Why type, `use`, `key_ops` or `alg` forbid such a signature (RFC 7517 §4.2–4.4).
    pub(crate) fn mismatch(&self, algorithm: Algorithm) -> Option<KeyMismatch> {
        let not_for_signatures = |member, text: &str| {
            Some(KeyMismatch::NotForSignatures { member, found: format!("\"{}\"", excerpt(text)) })
        };
        if let Some(word) = self.public_key_use().filter(|word| *word != "sig") {
            return not_for_signatures("use", word);
        }
        if !self.may_sign_or_verify("verify") {
            let operations = self.key_operations.as_deref().unwrap_or_default();
            return not_for_signatures("key_ops", &operations.join(" "));
        }
        let (found, needed) = (self.parameters.key_type(), algorithm.key_type());
        let bound = self.algorithm().filter(|name| !algorithm.is_named(name));
        match bound.map(|name| name.parse().map_err(|_| name)) {
            Some(Err(name)) => not_for_signatures("alg", name),
            _ if found != needed => Some(KeyMismatch::OtherKeyType { found, needed }),
            Some(Ok(found)) => Some(KeyMismatch::OtherAlgorithm { found }),
            None => None,
        }
    }

    /// Whether `use` and `key_ops` allow signatures.
    pub(crate) fn may_sign_or_verify(&self, operation: &str) -> bool {
        self.public_key_use.as_deref().is_none_or(|word| word == "sig")
            && self.key_operations.as_deref().is_none_or(|words| words.iter().any(|word| word == operation))
    }

    /// The JWK as single-line JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Serializing a map of strings to memory cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl serde::Serialize for Jwk {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = |text: Option<&str>| text.map(Value::from);
        let chain: Vec<String> = self.certificates.iter().map(base64url::encode_standard).collect();
        let others = [
            ("kid", text(self.key_id().map(KeyId::as_str))),
            ("alg", text(self.algorithm())),
            ("use", text(self.public_key_use())),
            ("key_ops", self.key_operations.clone().map(Value::from)),
            ("x5c", (!chain.is_empty()).then(|| chain.into())),
            ("x5t", text(self.x5t())),
            ("x5t#S256", text(self.x5t_s256())),
        ];
        let key = self.parameters.members().into_iter().map(|(name, value)| (name, Some(value.into())));
        let members = key.chain(others).filter_map(|(name, value)| Some((name.to_owned(), value?)));
        members.collect::<Map<_, _>>().serialize(serializer)
    }
}

#[cfg(test)]
mod tests;
