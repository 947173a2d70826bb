//! Base64url without padding, and nothing else (RFC 7515 §2): no padding, no white space, no non-zero
//! trailing bits.
//!
//! Two codecs: `data-encoding` for what a token shows to whoever sees it, `base64ct` for the members of a private JWK.
//! The constant-time one takes five times as long, which a verified RSA signature would feel.

use std::io;

use base64ct::{Base64UrlUnpadded, Encoding};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use zeroize::Zeroizing;

use super::JoseError;

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64URL_NOPAD.encode(bytes.as_ref())
}

/// The length of so many bytes, encoded; saturates.
pub(crate) const fn encoded_len(len: usize) -> usize {
    len.saturating_mul(4).div_ceil(3)
}

/// Encodes to the end of a text.
pub(crate) fn push(text: &mut String, bytes: &[u8]) {
    BASE64URL_NOPAD.encode_append(bytes, text);
}

/// Encodes what is written piece by piece to the end of a text: no buffer holds the whole of it.
pub(crate) struct Writer<'a> {
    text: &'a mut String,
    /// A whole number of groups of three bytes.
    pending: [u8; 192],
    len: usize,
}

impl<'a> Writer<'a> {
    pub(crate) const fn new(text: &'a mut String) -> Self {
        Self { text, pending: [0; 192], len: 0 }
    }

    /// Encodes the rest; to be called once, at the end.
    pub(crate) fn finish(self) {
        push(self.text, self.pending.get(..self.len).unwrap_or_default());
    }
}

impl io::Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.pending.get_mut(self.len..).unwrap_or_default().write(bytes)?;
        self.len += taken;
        if self.len == self.pending.len() {
            push(self.text, &self.pending);
            self.len = 0;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The other alphabet, padded: only `x5c` wants it (RFC 7515 §4.1.6).
pub(crate) fn encode_standard(bytes: impl AsRef<[u8]>) -> String {
    BASE64.encode(bytes.as_ref())
}

/// As [`encode_standard`], the other way.
pub(crate) fn decode_standard(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.as_bytes()).ok()
}

pub(crate) fn decode(what: &'static str, text: &str) -> Result<Vec<u8>, JoseError> {
    let mut bytes = Vec::new();
    decode_into(what, text, &mut bytes)?;
    Ok(bytes)
}

/// As [`decode`], in place of what a buffer held before; its contents mean nothing after an error.
pub(crate) fn decode_into(what: &'static str, text: &str, buffer: &mut Vec<u8>) -> Result<(), JoseError> {
    let invalid = JoseError::Base64Url { what };
    let len = BASE64URL_NOPAD.decode_len(text.len()).map_err(|_| invalid.clone())?;
    buffer.resize(len, 0);
    let written = BASE64URL_NOPAD.decode_mut(text.as_bytes(), buffer).map_err(|_| invalid)?;
    buffer.truncate(written);
    Ok(())
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

    #[test]
    fn pieces_of_any_length_are_encoded_as_the_whole() {
        use std::io::Write;
        let bytes: Vec<u8> = (0..1000_u32).map(|number| (number * 7) as u8).collect();
        for (whole, piece) in
            [(0, 1), (1, 1), (191, 2), (192, 192), (193, 5), (384, 64), (1000, 1), (1000, 999)]
        {
            let bytes = &bytes[..whole];
            let mut text = "before.".to_owned();
            let mut writer = Writer::new(&mut text);
            bytes.chunks(piece).for_each(|piece| writer.write_all(piece).unwrap());
            writer.finish();
            assert_eq!(text, format!("before.{}", encode(bytes)));
            assert_eq!(text.len(), 7 + encoded_len(whole));
        }
    }
}
