use super::{Algorithm, JoseError, KeyId, Signature, base64url, json};

/// The protected header of a JWS, as far as it may be believed (RFC 7515 §4.1).
///
/// `jku`, `jwk`, `x5u` and `x5c` are not offered: a key that a token brings along proves nothing (RFC 8725 §3.10).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// `alg` (§4.1.1).
    pub algorithm: Algorithm,
    /// `kid` (§4.1.4).
    pub key_id: Option<KeyId>,
    /// `typ` (§4.1.9), as it stands there.
    pub media_type: Option<String>,
}

impl Header {
    const WHAT: &str = "the JWS header";

    fn from_json(json: &[u8]) -> Result<Self, JoseError> {
        let members = json::object(Self::WHAT, json)?;
        if members.contains_key("crit") {
            return Err(JoseError::CriticalHeader);
        }
        let string = |member| json::string(Self::WHAT, &members, member);
        let algorithm =
            string("alg")?.ok_or(JoseError::MissingMember { what: Self::WHAT, member: "alg" })?.parse()?;
        Ok(Self { algorithm, key_id: string("kid")?.map(KeyId::from), media_type: string("typ")? })
    }

    /// Whether `typ` names this media type: case-insensitive, `application/` may be left out (RFC 7515 §4.1.9).
    #[must_use]
    pub fn is_typed(&self, media_type: &str) -> bool {
        fn subtype(text: &str) -> &str {
            match text.split_at_checked("application/".len()) {
                // With a second slash (parameters such as `;a="b/c"`) the prefix is not optional.
                Some((prefix, rest))
                    if prefix.eq_ignore_ascii_case("application/") && !rest.contains('/') =>
                {
                    rest
                }
                _ => text,
            }
        }
        self.media_type
            .as_deref()
            .is_some_and(|found| subtype(found).eq_ignore_ascii_case(subtype(media_type)))
    }
}

/// A compact JWS (RFC 7515 §7.1) that is well-formed and whose signature nobody has checked yet.
pub struct CompactJws<'a> {
    header: Header,
    signing_input: &'a str,
    payload: Vec<u8>,
    signature: Signature,
}

impl<'a> CompactJws<'a> {
    /// Takes a token apart: three parts, strict base64url, a header without repeated members and without `crit`,
    /// a known algorithm, a signature of that algorithm's length.
    ///
    /// The caller bounds the length of the token first.
    ///
    /// # Errors
    ///
    /// [`JoseError::PartCount`], [`JoseError::Base64Url`], the JSON errors, [`JoseError::CriticalHeader`],
    /// [`JoseError::UnsupportedAlgorithm`], [`JoseError::SignatureLength`].
    pub fn parse(token: &'a str) -> Result<Self, JoseError> {
        let found = token.bytes().filter(|byte| *byte == b'.').count() + 1;
        let wrong_count = JoseError::PartCount { found };
        let Some((signing_input, signature)) = token.rsplit_once('.').filter(|_| found == 3) else {
            return Err(wrong_count);
        };
        let Some((header, payload)) = signing_input.split_once('.') else {
            return Err(wrong_count);
        };
        let header = Header::from_json(&base64url::decode("the JWS header", header)?)?;
        let payload = base64url::decode("the JWS payload", payload)?;
        let signature = base64url::decode("the JWS signature", signature)?;
        let signature = Signature::from_raw(header.algorithm, signature)?;
        Ok(Self { header, signing_input, payload, signature })
    }

    /// The protected header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The bytes that the signature covers (RFC 7515 §5.2 step 8).
    #[must_use]
    pub const fn signing_input(&self) -> &'a str {
        self.signing_input
    }

    /// The decoded payload. It is hostile until the signature has been checked.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The signature.
    #[must_use]
    pub const fn signature(&self) -> &Signature {
        &self.signature
    }
}

impl std::fmt::Debug for CompactJws<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CompactJws").field("header", &self.header).finish_non_exhaustive()
    }
}

/// The signing input of a JWS (RFC 7515 §5.1): both parts encoded, the signature still to come.
pub(crate) fn signing_input(header_json: &[u8], payload: &[u8]) -> String {
    let mut input = base64url::encode(header_json);
    input.push('.');
    input.push_str(&base64url::encode(payload));
    input
}

/// The compact serialization (RFC 7515 §7.1) of a signing input and its signature.
pub(crate) fn compact(signing_input: &str, signature: &Signature) -> String {
    let signature = base64url::encode(signature.as_bytes());
    // Room from the start: a buffer that grows leaves pieces of the assertion behind.
    let mut compact = String::with_capacity(signing_input.len() + 1 + signature.len());
    compact.push_str(signing_input);
    compact.push('.');
    compact.push_str(&signature);
    compact
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str) -> String {
        format!("{}.{}.{}", base64url::encode(header), base64url::encode("{}"), base64url::encode([1; 64]))
    }

    fn error(token: &str) -> JoseError {
        CompactJws::parse(token).map(|jws| jws.header).unwrap_err()
    }

    #[test]
    fn rfc7515_7_1_three_parts() {
        for (text, found) in [("", 1), ("a", 1), ("a.b", 2), ("a.b.c.d", 4), ("....", 5)] {
            assert_eq!(error(text), JoseError::PartCount { found });
        }
        assert_eq!(
            CompactJws::parse(&token(r#"{"alg":"ES256","kid":"k","typ":"JWT"}"#)).unwrap().header,
            Header {
                algorithm: Algorithm::ES256,
                key_id: Some("k".into()),
                media_type: Some("JWT".to_owned())
            }
        );
    }

    #[test]
    fn rfc7515_4_header_members_are_unique() {
        let what = "the JWS header";
        assert_eq!(
            error(&token(r#"{"alg":"ES256","alg":"ES256"}"#)),
            JoseError::DuplicateMember { what, member: "alg".to_owned() }
        );
        assert_eq!(error(&token("{}")), JoseError::MissingMember { what, member: "alg" });
        assert_eq!(
            error(&token(r#"{"alg":1}"#)),
            JoseError::InvalidMember { what, member: "alg", expected: "a string" }
        );
    }

    #[test]
    fn rfc7515_4_1_11_crit_is_refused() {
        assert_eq!(error(&token(r#"{"alg":"ES256","crit":["b64"],"b64":false}"#)), JoseError::CriticalHeader);
        assert_eq!(error(&token(r#"{"alg":"ES256","crit":[]}"#)), JoseError::CriticalHeader);
    }

    #[test]
    fn rfc8725_3_2_alg_none_is_refused() {
        assert_eq!(
            error(&token(r#"{"alg":"none"}"#)),
            JoseError::UnsupportedAlgorithm { found: "none".to_owned() }
        );
    }

    #[test]
    fn rfc7515_2_padding_is_refused() {
        let good = token(r#"{"alg":"ES256"}"#);
        assert_eq!(error(&format!("{good}==")), JoseError::Base64Url { what: "the JWS signature" });
        assert_eq!(error(&format!("={good}")), JoseError::Base64Url { what: "the JWS header" });
        assert_eq!(error(&good.replace(".e30.", ".e30=.")), JoseError::Base64Url { what: "the JWS payload" });
    }

    #[test]
    fn rfc7515_4_1_9_typ_is_compared_as_a_media_type() {
        let typed = |typ: &str, wanted| {
            CompactJws::parse(&token(&format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#)))
                .unwrap()
                .header
                .is_typed(wanted)
        };
        for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+JWT"] {
            assert!(typed(typ, "at+jwt"), "{typ}");
            assert!(typed(typ, "application/at+jwt"), "{typ}");
        }
        for typ in ["jwt", "text/at+jwt", "application/application/at+jwt", "at+jwt "] {
            assert!(!typed(typ, "at+jwt"), "{typ}");
        }
    }
}
