use serde_json::value::RawValue;

use super::json::{Json, Rules};
use super::{JoseError, Jwk, KeyId, json};

/// A JSON Web Key Set of public keys (RFC 7517 §5).
///
/// Unusable keys are skipped, and [`JwkSet::skipped`] lists them with the reason. One odd key does
/// not affect the others, not even one with a duplicate member (RFC 7517 §4).
///
/// Outside the keys, a duplicate member makes the whole set unusable (RFC 7517 §5 allows that).
/// Otherwise, two readers could read two different sets from one document.
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
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct JwkSet {
    pub(crate) keys: Vec<Jwk>,
    #[serde(skip)]
    pub(crate) skipped: Vec<SkippedJwk>,
}

/// An unusable key of a set, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SkippedJwk {
    /// Its position in the `keys` array, from 0.
    pub index: usize,
    /// The names that it claims (`kid`) as far as they can be read: several if `kid` is repeated.
    pub key_ids: Vec<KeyId>,
    /// Why it was skipped.
    pub reason: JoseError,
    /// The thumbprints of its certificate that it claims: `x5t#S256` and `x5t`.
    pub(crate) thumbprints: [Vec<String>; 2],
}

impl JwkSet {
    /// The maximum number of keys in a set. A longer list is an attack or a mistake.
    pub const MAX_KEYS: usize = 256;
    const WHAT: &str = "a JWK Set";

    /// Reads a set.
    ///
    /// # Errors
    ///
    /// [`JoseError::Json`], [`JoseError::NotAnObject`], [`JoseError::DuplicateMember`],
    /// [`JoseError::MissingMember`] and [`JoseError::InvalidMember`] if the document itself is
    /// malformed; [`JoseError::TooManyKeys`] for more than [`JwkSet::MAX_KEYS`].
    pub fn from_json(json: &[u8]) -> Result<Self, JoseError> {
        let (what, member) = (Self::WHAT, "keys");
        let rules = Rules { unparsed: &[member], top_level_only: true, ..Rules::default() };
        let keys = match json::read_by(rules, what, json)?.take(member) {
            Some(Json::Unparsed(keys)) if keys != "null" => keys,
            _ => return Err(JoseError::MissingMember { what, member }),
        };
        let elements: Vec<&RawValue> = serde_json::from_str(keys).map_err(|_| JoseError::InvalidMember {
            what,
            member,
            expected: "an array",
        })?;
        if elements.len() > Self::MAX_KEYS {
            return Err(JoseError::TooManyKeys { found: elements.len(), limit: Self::MAX_KEYS });
        }
        let mut set = Self::default();
        for (index, element) in elements.iter().enumerate() {
            match Jwk::from_json(element.get().as_bytes()) {
                Ok(jwk) => set.keys.push(jwk),
                Err(reason) => {
                    let claimed = |member| json::claimed_strings(element.get(), member);
                    let key_ids = claimed("kid").into_iter().map(KeyId::from).collect();
                    let thumbprints = ["x5t#S256", "x5t"].map(claimed);
                    set.skipped.push(SkippedJwk { index, key_ids, reason, thumbprints });
                }
            }
        }
        Ok(set)
    }

    /// The usable keys, in the order of the document.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// The skipped keys, and the reasons.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedJwk] {
        &self.skipped
    }

    /// The set as single-line JSON.
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

#[cfg(test)]
mod tests {
    use super::*;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    #[test]
    fn one_odd_key_does_not_take_the_others_away() {
        let json = format!(
            r#"{{"keys":[7,{{"kty":"EC","crv":"P-192","kid":"a"}},{{"kty":"OKP","crv":"Ed25519","x":"{X}","d":"AA"}},
               {{"kty":"OKP","crv":"Ed25519","x":"{X}"}},{{"kty":"OKP","kid":"b","kid":"c"}},
               {{"kty":"OKP","crv":"Ed25519","x":"{X}","kid":"d","more":{{"e":1,"\u0065":2}}}},
               {{"kid":"\ud800"}},null,{{"kid":7}},{{"kid":"e","deep":{}{}}}]}}"#,
            "[".repeat(1000),
            "]".repeat(1000)
        );
        let set = JwkSet::from_json(json.as_bytes()).unwrap();
        assert_eq!(set.keys().len(), 1);
        let (jwk, line) = ("a JWK", 1);
        let twice = |member: &str| JoseError::DuplicateMember { what: "a JWK", member: member.to_owned() };
        let expected = [
            (0, &[][..], JoseError::NotAnObject { what: jwk }),
            (1, &["a"], JoseError::UnsupportedKey { found: "EC P-192".to_owned() }),
            (2, &[], JoseError::PrivateMember { member: "d" }),
            (4, &["b", "c"], twice("kid")),
            (5, &["d"], twice("e")),
            (6, &[], JoseError::Json { what: jwk, line, column: 15 }),
            (7, &[], JoseError::NotAnObject { what: jwk }),
            (8, &[], JoseError::MissingMember { what: jwk, member: "kty" }),
            (9, &["e"], JoseError::Json { what: jwk, line, column: 145 }),
        ];
        let expected = expected.map(|(index, key_ids, reason)| SkippedJwk {
            index,
            key_ids: key_ids.iter().map(|key_id| KeyId::from(*key_id)).collect(),
            reason,
            thumbprints: Default::default(),
        });
        assert_eq!(set.skipped(), expected);
    }

    #[test]
    fn rfc7517_5_a_member_twice_outside_the_keys_spoils_the_set() {
        let what = "a JWK Set";
        for (json, member) in [
            (r#"{"keys":[],"keys":[]}"#, "keys"),
            (r#"{"keys":[],"\u006beys":[]}"#, "keys"),
            (r#"{"more":1,"keys":[],"more":1}"#, "more"),
            (r#"{"keys":[],"more":{"a":1,"a":1}}"#, "a"),
        ] {
            let member = member.to_owned();
            assert_eq!(JwkSet::from_json(json.as_bytes()), Err(JoseError::DuplicateMember { what, member }));
        }
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
        for json in ["{}", r#"{"keys":null}"#, r#"{"kty":"EC"}"#] {
            let missing = JoseError::MissingMember { what, member: "keys" };
            assert_eq!(JwkSet::from_json(json.as_bytes()), Err(missing), "{json}");
        }
        for json in [r#"{"keys":{}}"#, r#"{"keys":"[]"}"#, r#"{"keys":7}"#] {
            let wrong = JoseError::InvalidMember { what, member: "keys", expected: "an array" };
            assert_eq!(JwkSet::from_json(json.as_bytes()), Err(wrong), "{json}");
        }
        assert_eq!(JwkSet::from_json(br#"{"keys": [ ] , "more": null}"#), Ok(JwkSet::default()));
        assert!(
            matches!(JwkSet::from_json(br#"{"keys":[1,]}"#), Err(JoseError::Json { what: found, .. }) if found == what)
        );
        assert_eq!(JwkSet::from_json(b"[]"), Err(JoseError::NotAnObject { what }));
    }
}
