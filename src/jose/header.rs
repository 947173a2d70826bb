use super::json::Json;
use super::{Algorithm, JoseError, KeyId, base64url, json};

/// The protected header of a JWS, limited to the parameters that may be used (RFC 7515 §4.1).
///
/// `jku`, `jwk`, `x5u` and `x5c` are not available: a key that a token brings along proves nothing
/// (RFC 8725 §3.10).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// `alg` (§4.1.1).
    pub algorithm: Algorithm,
    /// `kid` (§4.1.4).
    pub key_id: Option<KeyId>,
    /// `typ` (§4.1.9), unchanged.
    pub media_type: Option<String>,
    /// `x5t#S256` (§4.1.8), unchanged. It may choose among known keys, and proves nothing. `None`
    /// also if it is not text.
    pub x5t_s256: Option<String>,
    /// `x5t` (§4.1.7), under the same rules.
    pub x5t: Option<String>,
}

impl Header {
    const WHAT: &str = "the JWS header";

    /// Reads the first part of a compact JWS: strict base64url, no repeated members, no `crit`, a
    /// known algorithm. A `null` counts as an absent member, except for `crit`.
    pub(super) fn read(text: &str) -> Result<Self, JoseError> {
        Self::from_json(&base64url::decode(Self::WHAT, text)?)
    }

    fn from_json(json: &[u8]) -> Result<Self, JoseError> {
        let members = json::read(Self::WHAT, json)?;
        if members.get("crit").is_some() {
            return Err(JoseError::CriticalHeader);
        }
        let text = |member| members.text(Self::WHAT, member);
        let thumbprint = |member| members.get(member).and_then(Json::text).map(str::to_owned);
        let missing = || JoseError::MissingMember { what: Self::WHAT, member: "alg" };
        let (alg, kid, typ) = (text("alg")?, text("kid")?, text("typ")?);
        Ok(Self {
            algorithm: alg.ok_or_else(missing)?.parse()?,
            key_id: kid.map(KeyId::from),
            media_type: typ.map(str::to_owned),
            x5t_s256: thumbprint("x5t#S256"),
            x5t: thumbprint("x5t"),
        })
    }

    /// Whether `typ` names this media type. The comparison ignores case, and `application/` may be
    /// omitted (RFC 7515 §4.1.9).
    #[must_use]
    pub fn is_typed(&self, media_type: &str) -> bool {
        fn subtype(text: &str) -> &str {
            match text.split_at_checked("application/".len()) {
                // With a second slash (parameters such as `;a="b/c"`), the prefix is required.
                Some((prefix, rest))
                    if prefix.eq_ignore_ascii_case("application/") && !rest.contains('/') =>
                {
                    rest
                }
                _ => text,
            }
        }
        // An empty name is not a type, and no header matches it.
        let expected = subtype(media_type);
        let fits = |found: &str| !expected.is_empty() && subtype(found).eq_ignore_ascii_case(expected);
        self.media_type.as_deref().is_some_and(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_absent_and_a_thumbprint_is_text_or_nothing() {
        let read = |json: &str| Header::from_json(json.as_bytes());
        let bare = read(r#"{"alg":"ES256"}"#).unwrap();
        assert_eq!(
            read(r#"{"alg":"ES256","kid":null,"typ":null,"x5t":null,"x5t#S256":7}"#),
            Ok(bare.clone())
        );
        assert_eq!(
            read(r#"{"x5t":"a","alg":"ES256","x5t#S256":"b"}"#),
            Ok(Header { x5t: Some("a".to_owned()), x5t_s256: Some("b".to_owned()), ..bare })
        );
        let what = Header::WHAT;
        assert_eq!(read(r#"{"alg":null}"#), Err(JoseError::MissingMember { what, member: "alg" }));
        assert_eq!(read(r#"{"alg":"ES256","crit":null}"#), Err(JoseError::CriticalHeader));
        assert_eq!(
            read(r#"{"alg":"ES256","x5t":"a","x5t":"a"}"#),
            Err(JoseError::DuplicateMember { what, member: "x5t".to_owned() })
        );
    }
}
