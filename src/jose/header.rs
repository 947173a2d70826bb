use std::sync::{Arc, RwLock};

use super::json::Json;
use super::{Algorithm, JoseError, KeyId, base64url, json};

/// The protected header of a JWS, limited to the parameters that may be used (RFC 7515 §4.1).
///
/// No `jku`, `jwk`, `x5u` or `x5c`: a key from a token proves nothing (RFC 8725 §3.10).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// `alg` (§4.1.1).
    pub algorithm: Algorithm,
    /// `kid` (§4.1.4).
    pub key_id: Option<KeyId>,
    /// `typ` (§4.1.9), unchanged.
    pub media_type: Option<String>,
    /// `x5t#S256` (§4.1.8), unchanged; `None` if it is not a string. It chooses among known keys.
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

    /// Whether `typ` names this media type, in any case, with or without `application/` (§4.1.9).
    #[must_use]
    pub fn is_typed(&self, media_type: &str) -> bool {
        fn subtype(text: &str) -> &str {
            match text.rsplit_once('/') {
                // With a second slash (parameters such as `;a="b/c"`), the prefix is required.
                Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application") => rest,
                _ => text,
            }
        }
        // An empty name is not a type, and no header matches it.
        let expected = subtype(media_type);
        let fits = |found: &str| !expected.is_empty() && subtype(found).eq_ignore_ascii_case(expected);
        self.media_type.as_deref().is_some_and(fits)
    }
}

/// A cache of recently read headers, keyed by their text. All tokens signed with one key have the
/// same header. With the cache, verifying RS256 takes 1.07 times the bare verification; without it,
/// just over 1.10, the target (AMD EPYC, AWS-LC, `benches/README.md`).
///
/// Its contents are attacker-controlled, so it is bounded and affects only speed.
#[derive(Default)]
pub(crate) struct ReadHeaders([Place; Self::PLACES]);

type Place = RwLock<Option<(Box<str>, Arc<Header>)>>;

impl ReadHeaders {
    const PLACES: usize = 32;
    /// A longer header is read each time.
    const MAX_LEN: usize = 512;

    /// The header of this text, with the result of [`Header::read`].
    pub(crate) fn read(&self, text: &str) -> Result<Arc<Header>, JoseError> {
        // Texts that share a place evict each other, which costs only time.
        let sum: usize = text.bytes().map(usize::from).sum();
        let Some(place) = self.0.get(sum % Self::PLACES) else {
            return Header::read(text).map(Arc::new);
        };
        // If the place is locked, skip the cache: nothing waits for it.
        if let Some((last, header)) = place.try_read().ok().as_deref().and_then(Option::as_ref)
            && **last == *text
        {
            return Ok(Arc::clone(header));
        }
        let header = Arc::new(Header::read(text)?);
        if text.len() <= Self::MAX_LEN
            && let Ok(mut place) = place.try_write()
        {
            *place = Some((text.into(), Arc::clone(&header)));
        }
        Ok(header)
    }
}

impl std::fmt::Debug for ReadHeaders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReadHeaders")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> String {
        base64url::encode(json)
    }

    fn kept(headers: &ReadHeaders) -> usize {
        headers.0.iter().filter(|place| place.read().unwrap().is_some()).count()
    }

    #[test]
    fn a_header_is_read_once_and_each_text_has_its_own() {
        let headers = ReadHeaders::default();
        // More headers than there are places.
        for round in 0..3 {
            for kid in 0..200 {
                let text = text(&format!(r#"{{"alg":"ES256","kid":"key {kid}"}}"#));
                let header = headers.read(&text).unwrap();
                assert_eq!(*header, Header::read(&text).unwrap(), "{kid} in round {round}");
                assert!(Arc::ptr_eq(&header, &headers.read(&text).unwrap()), "{kid} in round {round}");
            }
        }
        assert!(kept(&headers) > ReadHeaders::PLACES / 2);
    }

    #[test]
    fn what_is_refused_is_refused_each_time_and_not_kept() {
        let headers = ReadHeaders::default();
        for json in [r#"{"alg":"none"}"#, r#"{"alg":"ES256","crit":["b64"]}"#, "", "{}"] {
            for _ in 0..2 {
                assert_eq!(headers.read(&text(json)), Header::read(&text(json)).map(Arc::new), "{json}");
                assert!(headers.read(&text(json)).is_err(), "{json}");
            }
        }
        assert_eq!(kept(&headers), 0);
    }

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

    #[test]
    fn a_long_header_is_read_and_not_kept() {
        let headers = ReadHeaders::default();
        let text = text(&format!(r#"{{"alg":"ES256","kid":"{}"}}"#, "k".repeat(ReadHeaders::MAX_LEN)));
        assert_eq!(headers.read(&text), Header::read(&text).map(Arc::new));
        assert_eq!(kept(&headers), 0);
    }

    #[test]
    fn a_place_that_is_taken_is_not_waited_for() {
        let headers = ReadHeaders::default();
        let text = text(r#"{"alg":"ES256"}"#);
        let all: Vec<_> = headers.0.iter().map(|place| place.write().unwrap()).collect();
        assert_eq!(headers.read(&text), Header::read(&text).map(Arc::new));
        drop(all);
        assert_eq!(kept(&headers), 0);
    }
}
