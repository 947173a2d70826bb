use serde_json::Value;

use super::{JoseError, Jwk, json};

/// A JSON Web Key Set of public keys (RFC 7517 §5).
///
/// Reading one skips the keys that cannot be used and says which and why in [`JwkSet::skipped`]; one odd key does
/// not take the others away.
///
/// ```
/// use private_key_jwt::JwkSet;
///
/// let set = JwkSet::from_json(br#"{"keys":[
///     {"kty":"OKP","crv":"Ed25519","kid":"k1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
///     {"kty":"oct","k":"AAAA"}]}"#)?;
/// assert_eq!((set.keys().len(), set.skipped().len()), (1, 1));
/// # Ok::<(), private_key_jwt::jose::JoseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JwkSet {
    keys: Vec<Jwk>,
    skipped: Vec<SkippedJwk>,
}

/// A key of a set that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SkippedJwk {
    /// Its place in the `keys` array, from 0.
    pub index: usize,
    /// Why it was skipped.
    pub reason: JoseError,
}

impl JwkSet {
    /// The most keys that a set may have. Issuers publish a handful; a longer list is an attack or a mistake.
    pub const MAX_KEYS: usize = 256;
    const WHAT: &str = "a JWK Set";

    /// Reads a set.
    ///
    /// # Errors
    ///
    /// [`JoseError::Json`], [`JoseError::NotAnObject`], [`JoseError::DuplicateMember`],
    /// [`JoseError::MissingMember`] and [`JoseError::InvalidMember`] when the document itself is malformed;
    /// [`JoseError::TooManyKeys`] above [`JwkSet::MAX_KEYS`].
    pub fn from_json(json: &[u8]) -> Result<Self, JoseError> {
        let members = json::object(Self::WHAT, json)?;
        let elements = match members.get("keys") {
            Some(Value::Array(elements)) => elements,
            Some(_) => {
                return Err(JoseError::InvalidMember {
                    what: Self::WHAT,
                    member: "keys",
                    expected: "an array",
                });
            }
            None => return Err(JoseError::MissingMember { what: Self::WHAT, member: "keys" }),
        };
        if elements.len() > Self::MAX_KEYS {
            return Err(JoseError::TooManyKeys { found: elements.len(), limit: Self::MAX_KEYS });
        }
        let mut set = Self::default();
        for (index, element) in elements.iter().enumerate() {
            let jwk = element.as_object().ok_or(JoseError::NotAnObject { what: "a JWK" });
            match jwk.and_then(Jwk::from_members) {
                Ok(jwk) => set.keys.push(jwk),
                Err(reason) => set.skipped.push(SkippedJwk { index, reason }),
            }
        }
        Ok(set)
    }

    /// The usable keys, in the order of the document.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// The keys that were left out, and why.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedJwk] {
        &self.skipped
    }

    /// The usable keys, by value.
    pub(crate) fn into_keys(self) -> impl Iterator<Item = Jwk> {
        self.keys.into_iter()
    }

    /// The set as JSON in one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Serializing a map of strings to memory cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl FromIterator<Jwk> for JwkSet {
    fn from_iter<I: IntoIterator<Item = Jwk>>(keys: I) -> Self {
        Self { keys: keys.into_iter().collect(), skipped: Vec::new() }
    }
}

impl From<Jwk> for JwkSet {
    fn from(jwk: Jwk) -> Self {
        Self::from_iter([jwk])
    }
}

impl serde::Serialize for JwkSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("keys", &self.keys)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    #[test]
    fn one_odd_key_does_not_take_the_others_away() {
        let json = format!(
            r#"{{"keys":[7,{{"kty":"EC","crv":"P-192"}},{{"kty":"OKP","crv":"Ed25519","x":"{X}","d":"AA"}},
               {{"kty":"OKP","crv":"Ed25519","x":"{X}"}}]}}"#
        );
        let set = JwkSet::from_json(json.as_bytes()).unwrap();
        assert_eq!(set.keys().len(), 1);
        assert_eq!(
            set.skipped(),
            [
                SkippedJwk { index: 0, reason: JoseError::NotAnObject { what: "a JWK" } },
                SkippedJwk { index: 1, reason: JoseError::UnsupportedKey { found: "EC P-192".to_owned() } },
                SkippedJwk { index: 2, reason: JoseError::PrivateMember { member: "d" } },
            ]
        );
    }

    #[test]
    fn a_set_of_ten_thousand_keys_is_refused() {
        let json = format!(r#"{{"keys":[{}]}}"#, vec!["{}"; 10_000].join(","));
        assert_eq!(
            JwkSet::from_json(json.as_bytes()),
            Err(JoseError::TooManyKeys { found: 10_000, limit: JwkSet::MAX_KEYS })
        );
    }

    #[test]
    fn the_document_itself_must_be_a_set() {
        let what = "a JWK Set";
        assert_eq!(JwkSet::from_json(b"{}"), Err(JoseError::MissingMember { what, member: "keys" }));
        assert_eq!(
            JwkSet::from_json(br#"{"keys":{}}"#),
            Err(JoseError::InvalidMember { what, member: "keys", expected: "an array" })
        );
        assert_eq!(JwkSet::from_json(b"[]"), Err(JoseError::NotAnObject { what }));
    }
}
