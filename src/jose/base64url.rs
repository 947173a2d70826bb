//! Base64url without padding, and nothing else (RFC 7515 §2): no padding, no white space, no non-zero
//! trailing bits. The codec is constant-time, because private JWKs pass through it too.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use zeroize::Zeroizing;

use super::JoseError;

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    Base64UrlUnpadded::encode_string(bytes.as_ref())
}

/// The other alphabet, padded: only `x5c` wants it (RFC 7515 §4.1.6).
pub(crate) fn encode_standard(bytes: impl AsRef<[u8]>) -> String {
    Base64::encode_string(bytes.as_ref())
}

pub(crate) fn decode(what: &'static str, text: &str) -> Result<Vec<u8>, JoseError> {
    Base64UrlUnpadded::decode_vec(text).map_err(|_| JoseError::Base64Url { what })
}

/// As [`decode`], for a private value: the buffer is wiped, also when decoding fails half-way.
pub(crate) fn decode_secret(what: &'static str, text: &str) -> Result<Zeroizing<Vec<u8>>, JoseError> {
    let mut buffer = Zeroizing::new(vec![0; text.len().div_ceil(4) * 3]);
    let len = Base64UrlUnpadded::decode(text, &mut buffer).map_err(|_| JoseError::Base64Url { what })?.len();
    buffer.truncate(len);
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc7515_2_only_the_one_form_is_accepted() {
        assert_eq!(decode("x", "AQID").unwrap(), [1, 2, 3]);
        assert_eq!(decode("x", "").unwrap(), [0_u8; 0]);
        for bad in ["AQ==", "AQI=", "AQ I", "AQ\n", "A", "AR", "AQJ", "+/==", "+w", "a/", "AQID.", "AQIDé"] {
            assert_eq!(decode("x", bad), Err(JoseError::Base64Url { what: "x" }), "{bad}");
            assert_eq!(
                decode_secret("x", bad).map(|secret| secret.to_vec()),
                Err(JoseError::Base64Url { what: "x" }),
                "{bad}"
            );
        }
        assert_eq!(decode_secret("x", "AQID").unwrap().as_slice(), [1, 2, 3]);
        assert_eq!(encode([0xfb, 0xff]), "-_8");
    }
}
