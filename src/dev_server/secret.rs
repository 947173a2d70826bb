//! Codes and opaque tokens.

use crate::client::random_bytes;
use crate::jose::base64url;
use crate::keys::KeyError;

/// A secret that cannot be guessed (RFC 6749 §10.10): 256 bits, base64url.
pub(super) fn fresh() -> Result<String, KeyError> {
    Ok(base64url::encode(*random_bytes::<32>()?))
}

/// The letters of a user code: no vowels, so that no words occur, and no two letters that look
/// alike (RFC 8628 §6.1).
const LETTERS: [char; 20] =
    ['B', 'C', 'D', 'F', 'G', 'H', 'J', 'K', 'L', 'M', 'N', 'P', 'Q', 'R', 'S', 'T', 'V', 'W', 'X', 'Z'];

/// A code for a user to type in, such as `WDJB-MJHT`: 34 bits.
pub(super) fn fresh_user_code() -> Result<String, KeyError> {
    Ok(user_code_of(u64::from_le_bytes(*random_bytes()?)))
}

fn user_code_of(mut random: u64) -> String {
    let mut code = String::with_capacity(9);
    for place in 0..8 {
        if place == 4 {
            code.push('-');
        }
        // 64 random bits for a 34-bit code: no letter is noticeably likelier than another.
        let letter = usize::try_from(random % 20).unwrap_or_default();
        code.extend(LETTERS.get(letter));
        random /= 20;
    }
    code
}

/// Normalises a typed user code to the form in which it was issued: upper case, with a dash.
pub(super) fn typed_user_code(typed: &str) -> String {
    let mut letters =
        typed.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase());
    let first: String = letters.by_ref().take(4).collect();
    let second: String = letters.take(9).collect();
    format!("{first}-{second}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc8628_6_1_a_user_code_is_two_groups_of_four_letters() {
        assert_eq!(user_code_of(0), "BBBB-BBBB");
        assert_eq!(user_code_of(20_u64.pow(8) - 1), "ZZZZ-ZZZZ");
        assert_eq!(user_code_of(20_u64.pow(8)), "BBBB-BBBB");
        assert_eq!(user_code_of(1 + 20_u64.pow(4) * 2), "CBBB-DBBB");
        let code = fresh_user_code().unwrap();
        assert_eq!(typed_user_code(&code), code);
        assert_ne!(code, fresh_user_code().unwrap());
    }

    #[test]
    fn a_user_code_is_the_same_however_it_is_typed() {
        for typed in ["WDJB-MJHT", "wdjbmjht", " wdjb mjht\n", "W.D.J.B.M.J.H.T"] {
            assert_eq!(typed_user_code(typed), "WDJB-MJHT");
        }
        for other in ["", "WDJB", "WDJB-MJHTX", &"W".repeat(1 << 16)] {
            assert_ne!(typed_user_code(other), "WDJB-MJHT");
            assert!(typed_user_code(other).len() <= 14);
        }
    }

    #[test]
    fn a_secret_has_256_bits_and_is_never_the_same() {
        let secret = fresh().unwrap();
        assert_eq!(secret.len(), 43);
        assert_ne!(secret, fresh().unwrap());
    }
}
