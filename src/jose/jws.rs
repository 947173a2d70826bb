use std::sync::Arc;

use super::{Header, JoseError, Signature, Wiped, base64url};

/// A well-formed compact JWS (RFC 7515 §7.1). Its signature is not verified yet.
pub struct CompactJws<'a> {
    header: Arc<Header>,
    signing_input: &'a str,
    payload: Vec<u8>,
    signature: Signature,
}

impl<'a> CompactJws<'a> {
    /// Parses a token: three parts, strict base64url, a header without repeated members and without
    /// `crit`, a known algorithm, a signature with that algorithm's length.
    ///
    /// The caller must limit the length of the token first.
    ///
    /// # Errors
    ///
    /// [`JoseError::PartCount`], [`JoseError::Base64Url`], the JSON errors,
    /// [`JoseError::CriticalHeader`], [`JoseError::UnsupportedAlgorithm`],
    /// [`JoseError::SignatureLength`].
    pub fn parse(token: &'a str) -> Result<Self, JoseError> {
        Self::parse_with(token, |header| Header::read(header).map(Arc::new))
    }

    /// As [`CompactJws::parse`], with another function to read the header.
    pub(crate) fn parse_with(
        token: &'a str,
        read_header: impl FnOnce(&str) -> Result<Arc<Header>, JoseError>,
    ) -> Result<Self, JoseError> {
        let [header, payload, signature] = parts(token)?;
        let signing_input = token.get(..header.len() + 1 + payload.len()).unwrap_or(token);
        let header = read_header(header)?;
        let payload = base64url::decode("the JWS payload", payload)?;
        let signature = base64url::decode("the JWS signature", signature)?;
        let signature = Signature::from_raw(header.algorithm, signature)?;
        Ok(Self { header, signing_input, payload, signature })
    }

    /// The protected header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The bytes that the signature covers (RFC 7515 §5.2 step 8).
    #[must_use]
    pub const fn signing_input(&self) -> &'a str {
        self.signing_input
    }

    /// The decoded payload. Do not trust it until the signature is verified.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The signature.
    #[must_use]
    pub const fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The header, the payload and the signature.
    pub(crate) fn into_parts(self) -> (Arc<Header>, Vec<u8>, Signature) {
        (self.header, self.payload, self.signature)
    }
}

/// The three parts of a compact JWS, encoded.
pub(crate) fn parts(token: &str) -> Result<[&str; 3], JoseError> {
    let mut parts = token.split('.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(header), Some(payload), Some(signature), None) => Ok([header, payload, signature]),
        _ => Err(JoseError::PartCount { found: token.split('.').count() }),
    }
}

impl std::fmt::Debug for CompactJws<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CompactJws").field("header", &self.header).finish_non_exhaustive()
    }
}

/// The signing input of a JWS (RFC 7515 §5.1), with space for a signature of this length.
pub(crate) fn signing_input(header: &[u8], payload: &[u8], signature_len: usize) -> Wiped<Vec<u8>> {
    let parts = [header.len(), payload.len(), signature_len].map(base64url::encoded_len);
    let mut jws = Wiped::new(Vec::with_capacity(parts.iter().sum::<usize>() + 2));
    jws.push_base64url(header);
    jws.push(b".");
    jws.push_base64url(payload);
    jws
}

/// The compact serialization (RFC 7515 §7.1).
pub(crate) fn signed(mut signing_input: Wiped<Vec<u8>>, signature: &Signature) -> Wiped<String> {
    signing_input.push(b".");
    signing_input.push_base64url(signature.as_bytes());
    // base64url is text.
    signing_input.into_text().unwrap_or_else(|| Wiped::new(String::new()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::Algorithm;

    fn token(header: &str) -> String {
        format!("{}.{}.{}", base64url::encode(header), base64url::encode("{}"), base64url::encode([1; 64]))
    }

    fn error(token: &str) -> JoseError {
        CompactJws::parse(token).unwrap_err()
    }

    #[test]
    fn rfc7515_7_1_three_parts() {
        for (text, found) in [("", 1), ("a", 1), ("a.b", 2), ("a.b.c.d", 4), ("....", 5)] {
            assert_eq!(error(text), JoseError::PartCount { found });
        }
        assert_eq!(
            *CompactJws::parse(&token(r#"{"alg":"ES256","kid":"k","typ":"JWT"}"#)).unwrap().header(),
            Header {
                algorithm: Algorithm::ES256,
                key_id: Some("k".into()),
                media_type: Some("JWT".to_owned()),
                x5t_s256: None,
                x5t: None,
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
