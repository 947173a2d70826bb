use std::fmt;

use zeroize::Zeroizing;

/// The form of a text that may be a secret in the wrong place. An error can name the form instead
/// of repeating the text.
///
/// ```
/// use private_key_jwt::jose::SecretForm;
///
/// let path = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA…";
/// assert_eq!(SecretForm::of(path), Some(SecretForm::PrivateKey));
/// assert_eq!(SecretForm::of("/etc/keys/client.pem"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SecretForm {
    /// A private key in PEM (RFC 7468), or a part of it with its first or its last line.
    PrivateKey,
    /// PEM of another type.
    Pem,
    /// JSON, such as a JWK, a JWK Set or the key file of a console.
    Json,
    /// A JWS or JWE in compact form, such as an assertion or a token.
    Jwt,
    /// DER, PEM or JSON in base64 or in hexadecimal digits.
    Encoded,
    /// A URL or connection string that contains a password.
    Password,
    /// None of the above, and no words: a token, a code, a passphrase.
    Opaque,
}

impl SecretForm {
    /// The form of a text that certainly does not belong where a name, a path or a URL is expected.
    /// Never [`Self::Opaque`]: key ids and client ids look like that.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        const PEM: [&str; 5] =
            ["-----BEGIN", "-----END", "PRIVATE KEY--", "BEGIN PRIVATE KEY", "PuTTY-User-Key-File"];
        // As in JSON, as in JavaScript and other languages, and escaped.
        const JSON: [&str; 9] = [
            "\"kty\"",
            "\\\"kty\\\"",
            "\"private_key\"",
            "'kty'",
            "{kty:",
            "%22kty%22",
            "\\u0022kty\\u0022",
            "&quot;kty&quot;",
            "&#34;kty&#34;",
        ];
        let text = text.trim_matches(|character: char| {
            character.is_whitespace() || matches!(character, '"' | '\'' | '\u{feff}')
        });
        if PEM.iter().any(|mark| text.contains(mark)) {
            let is_private = text.contains("PRIVATE KEY") || text.contains("PuTTY");
            return Some(if is_private { Self::PrivateKey } else { Self::Pem });
        }
        // Regardless of how a word processor changed the dashes; also the XML of .NET.
        let has = |mark: &str| text.contains(mark);
        if has("PRIVATE KEY") && (has("BEGIN") || has("END")) || has("<RSAKeyValue>") {
            return Some(Self::PrivateKey);
        }
        let inner = text.trim_start_matches(|character: char| character.is_whitespace() || character == '[');
        let member = inner.strip_prefix('{').map(str::trim_start);
        let is_object = member.is_some_and(|member| member.starts_with(['"', '\\', '\'']));
        if is_object || JSON.iter().any(|mark| text.contains(mark)) {
            return Some(Self::Json);
        }
        if has_encoded_json(text) {
            return Some(if text.contains('.') { Self::Jwt } else { Self::Encoded });
        }
        if is_encoded_key(text) || has_encoded_key(text) {
            return Some(Self::Encoded);
        }
        has_password(text).then_some(Self::Password)
    }

    /// As [`SecretForm::of`], where a path, a URL, a number or one of a few words is expected:
    /// there, text without words also counts as a secret. A passphrase that looks like a file name
    /// cannot be told from one.
    #[must_use]
    pub fn suspect(text: &str) -> Option<Self> {
        Self::of(text).or_else(|| is_opaque(text).then_some(Self::Opaque))
    }
}

impl fmt::Display for SecretForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PrivateKey => "a PEM private key",
            Self::Pem => "PEM text",
            Self::Json => "a JWK or other JSON",
            Self::Jwt => "a JWT",
            Self::Encoded => "an encoded key",
            Self::Password => "text with a password",
            Self::Opaque => "what may be a secret",
        })
    }
}

/// A text from the user as `Debug` shows it. A text that does not belong there is only named by its
/// form.
pub(crate) struct Shown<'a>(pub(crate) &'a str);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match SecretForm::of(self.0) {
            Some(form) => f.write_str(&instead(form)),
            None => fmt::Debug::fmt(self.0, f),
        }
    }
}

/// As [`Shown`], for a list of texts.
pub(crate) struct ShownAll<'a, T>(pub(crate) &'a [T]);

impl<T: AsRef<str>> fmt::Debug for ShownAll<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|text| Shown(text.as_ref()))).finish()
    }
}

/// A text from the user for an error that states the expected values: in full, or named by its
/// form.
pub(crate) fn setting(text: impl AsRef<str>) -> String {
    let text = text.as_ref();
    SecretForm::of(text).map_or_else(|| text.to_owned(), instead)
}

/// As [`setting`], for a list of texts.
pub(crate) fn settings<T: AsRef<str>>(texts: &[T]) -> Vec<String> {
    texts.iter().map(setting).collect()
}

/// The form in brackets, in place of a text that is not shown.
pub(crate) fn instead(form: SecretForm) -> String {
    format!("[{form}]")
}

/// Whether one of the words of a text starts with JSON in base64.
fn has_encoded_json(text: &str) -> bool {
    let words = text.split(|character: char| !is_base64(character));
    words.filter(|word| word.len() >= 16).any(|word| word.starts_with('e') && begins_json(word.as_bytes()))
}

/// Whether one of the words of a text starts with a key in base64: after the name of a setting, in
/// a `data:` URL, or after a slash.
fn has_encoded_key(text: &str) -> bool {
    /// Shorter than any key, in characters.
    const SHORTEST: usize = 54;
    /// Enough to recognise the form, in characters.
    const BEGINNING: usize = 24;
    let begins = |word: &str| {
        let beginning = word.get(..BEGINNING).filter(|_| word.len() >= SHORTEST).unwrap_or_default();
        decode(beginning.as_bytes()).is_some_and(|bytes| match bytes.get(..) {
            // Any word may decode to the start of a SEQUENCE, so the number or the SEQUENCE inside
            // is checked as well.
            Some(der) if is_der(der) => content_of_der(der).is_some_and(
                |content| matches!(content, [0x02, 0x01, ..] | [0x30, 0x01..=0x7f | 0x81..=0x83, ..]),
            ),
            Some(text) => is_key_text(text),
            None => false,
        })
    };
    text.split(|character| !is_base64(character)).any(|word| {
        let behind_slashes = word.match_indices('/').filter_map(|(at, _)| word.get(at + 1..));
        [word].into_iter().chain(behind_slashes).any(begins)
    })
}

const fn is_base64(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '+' | '/' | '-' | '_')
}

/// Whether base64 of either alphabet begins with a JSON object: a header, a payload, a JWK. Eight
/// characters are enough.
pub(crate) fn begins_json(base64: &[u8]) -> bool {
    /// The maximum that is examined, in characters.
    const MOST: usize = 48;
    // `{"`, or white space after the brace.
    if !matches!(base64, [b'e', b'y' | b'w', ..]) {
        return false;
    }
    let len = base64.iter().take(MOST).take_while(|byte| is_base64(char::from(**byte))).count();
    let Some(bytes) = base64.get(..len / 4 * 4).filter(|text| text.len() >= 8).and_then(decode) else {
        return false;
    };
    let Some(member) = bytes.strip_prefix(b"{").map(<[u8]>::trim_ascii_start) else { return false };
    let text = match str::from_utf8(member) {
        Ok(text) => text,
        // The last character may be cut off.
        Err(error) if error.error_len().is_none() => {
            str::from_utf8(member.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default()
        }
        Err(_) => return false,
    };
    // The examined part may be only white space.
    let is_json = text.is_empty() || text.starts_with('"');
    is_json && !text.chars().any(|character| character.is_control() && !character.is_ascii_whitespace())
}

/// Decodes base64 of either alphabet, with or without padding, regardless of its last bits.
fn decode(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() / 4 * 3 + 3));
    let (mut bits, mut count) = (0_u32, 0);
    for character in text.iter().take_while(|byte| **byte != b'=') {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(bytes)
}

/// Whether a text is DER, PEM or JSON in base64 or in hexadecimal digits, in lines or not, wrapped
/// up to three times.
pub(crate) fn is_encoded_key(text: &str) -> bool {
    /// Shorter than any key, in bytes.
    const SHORTEST: usize = 40;
    /// The start is enough to recognise the form.
    const MOST: usize = 1 << 10;
    let mut encoded: Zeroizing<Vec<u8>> = Zeroizing::new(Vec::with_capacity(MOST));
    let mut rest = text.bytes().take(4 * MOST);
    while let Some(byte) = rest.next()
        && encoded.len() < MOST
    {
        match byte {
            // Line ends, also spelled out.
            b'\\' if matches!(rest.next(), Some(b'n' | b'r')) => {}
            b'%' => match [rest.next(), rest.next()] {
                [Some(b'2'), Some(b'B' | b'b')] => encoded.push(b'+'),
                [Some(b'2'), Some(b'F' | b'f')] => encoded.push(b'/'),
                [Some(b'3'), Some(b'D' | b'd')] => encoded.push(b'='),
                [Some(b'0'), Some(b'A' | b'a' | b'D' | b'd')] => {}
                _ => return false,
            },
            _ if byte.is_ascii_whitespace() => {}
            _ => encoded.push(byte),
        }
    }
    if encoded.len() < SHORTEST {
        return false;
    }
    if let Some(bytes) = hexadecimal(&encoded) {
        return is_der(&bytes);
    }
    let mut encoded = encoded;
    for _ in 0..3 {
        let whole = encoded.len() / 4 * 4;
        let Some(bytes) = encoded.get(..whole).and_then(decode).filter(|bytes| bytes.len() > 8) else {
            return false;
        };
        if is_der(&bytes) || is_key_text(&bytes) {
            return true;
        }
        encoded = bytes;
    }
    false
}

fn hexadecimal(digits: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len() / 2));
    for pair in digits.chunks_exact(2) {
        bytes.push(u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?);
    }
    Some(bytes)
}

/// Whether bytes begin like PEM, JSON or an OpenSSH key.
fn is_key_text(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii_start();
    let inner = text.strip_prefix(b"[").unwrap_or(text).trim_ascii_start();
    let member = inner.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    text.starts_with(b"-----BEGIN")
        || text.starts_with(b"openssh-key-v1")
        || member.is_some_and(|member| member.starts_with(b"\""))
}

/// Whether bytes begin like the DER of a key: a SEQUENCE of an INTEGER or of another SEQUENCE.
pub(crate) fn is_der(bytes: &[u8]) -> bool {
    matches!(content_of_der(bytes), Some([0x02 | 0x30, ..]))
}

/// The content of a SEQUENCE that is long enough for a key.
const fn content_of_der(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [0x30, 0x81, _, content @ ..]
        | [0x30, 0x82, _, _, content @ ..]
        | [0x30, 0x83, _, _, _, content @ ..]
        | [0x30, 0x20..=0x7f, content @ ..] => Some(content),
        _ => None,
    }
}

/// Whether a URL or a list of settings contains a password.
fn has_password(text: &str) -> bool {
    const NAMES: [&str; 8] = [
        "password=",
        "passwd=",
        "pwd=",
        "passphrase=",
        "client_secret=",
        "accountkey=",
        "sharedaccesskey=",
        "sharedaccesssignature=",
    ];
    let of_url = text.split_once("://").is_some_and(|(_, rest)| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        // A password may contain a slash.
        let user =
            authority.rsplit_once('@').or_else(|| rest.rsplit_once('@').filter(|_| authority.contains(':')));
        user.is_some_and(|(user, _)| user.contains(':'))
    });
    let lower = Zeroizing::new(text.to_ascii_lowercase());
    let of_name = |name: &&str| {
        lower.split_once(*name).is_some_and(|(_, value)| !value.is_empty() && !value.starts_with([';', '&']))
    };
    of_url || NAMES.iter().any(of_name)
}

/// Whether a text without words stands in place of a path or a word.
fn is_opaque(text: &str) -> bool {
    let text = text.trim();
    let is_path = text.contains(['/', '\\']) || has_extension(text);
    // Several words that are not a path: a passphrase.
    if !is_path && text.contains(char::is_whitespace) {
        return true;
    }
    let least = if is_path { 44 } else { 16 };
    let Mix { count, changes, is_hexadecimal, .. } = Mix::of(text.as_bytes());
    count >= least && changes * 2 >= count || !is_path && count >= 32 && is_hexadecimal
}

fn has_extension(text: &str) -> bool {
    text.rsplit_once('.').is_some_and(|(name, extension)| {
        !name.is_empty()
            && (1..=8).contains(&extension.len())
            && extension.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

/// How upper case, lower case and digits are mixed: in words they come in runs, in a token they are
/// random.
#[derive(Default)]
pub(crate) struct Mix {
    /// The number of letters and digits.
    pub(crate) count: usize,
    /// The number of changes from one kind to another.
    pub(crate) changes: usize,
    /// The longest run of letters and digits.
    pub(crate) longest: usize,
    /// Whether all of them are hexadecimal digits.
    pub(crate) is_hexadecimal: bool,
}

impl Mix {
    pub(crate) fn of(text: &[u8]) -> Self {
        let mut mix = Self { is_hexadecimal: true, ..Self::default() };
        let (mut last, mut run) = (None, 0);
        for byte in text {
            let kind = match byte {
                b'A'..=b'Z' => 0,
                b'a'..=b'z' => 1,
                b'0'..=b'9' => 2,
                _ => {
                    run = 0;
                    continue;
                }
            };
            run += 1;
            mix.count += 1;
            mix.longest = mix.longest.max(run);
            mix.is_hexadecimal &= byte.is_ascii_hexdigit();
            mix.changes += usize::from(last.is_some_and(|last| last != kind));
            last = Some(kind);
        }
        mix
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    const BODY: &str = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC";
    const JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}"#;

    fn base64(text: &str) -> String {
        crate::jose::base64url::encode_standard(text)
    }

    #[test]
    fn a_key_is_known_in_every_wrapping() {
        let hexadecimal: String =
            decode(BODY.as_bytes()).unwrap().iter().map(|byte| format!("{byte:02X}")).collect();
        for (text, form) in [
            (PEM.to_owned(), SecretForm::PrivateKey),
            (PEM.replace('\n', "\\n"), SecretForm::PrivateKey),
            (PEM.replace('\n', " "), SecretForm::PrivateKey),
            (format!("\"{PEM}\""), SecretForm::PrivateKey),
            (format!("--key={PEM}"), SecretForm::PrivateKey),
            (format!("env:{PEM}"), SecretForm::PrivateKey),
            (PEM[..60].to_owned(), SecretForm::PrivateKey),
            (PEM[60..].to_owned(), SecretForm::PrivateKey),
            ("-----BEGIN CERTIFICATE-----\nMIIB".to_owned(), SecretForm::Pem),
            (JWK.to_owned(), SecretForm::Json),
            (format!(" [{JWK}]"), SecretForm::Json),
            (format!("'{JWK}'"), SecretForm::Json),
            (format!("\u{feff}{JWK}"), SecretForm::Json),
            (BODY.to_owned(), SecretForm::Encoded),
            (BODY.replace('+', "-").replace('/', "_"), SecretForm::Encoded),
            (BODY.replace('+', "%2B").replace('/', "%2f"), SecretForm::Encoded),
            (format!("{}\n{}", &BODY[..32], &BODY[32..]), SecretForm::Encoded),
            (hexadecimal.to_lowercase(), SecretForm::Encoded),
            (hexadecimal, SecretForm::Encoded),
            (base64(PEM), SecretForm::Encoded),
            (base64(JWK), SecretForm::Encoded),
            (base64(&base64(PEM)), SecretForm::Encoded),
            (base64(&base64(&base64(PEM))), SecretForm::Encoded),
            (format!("{}.{}.c2ln", base64(r#"{"alg":"ES256"}"#), "e30"), SecretForm::Jwt),
            (format!("Bearer {}.{}.c2ln", base64("{ \"alg\":\"ES256\"}"), "e30"), SecretForm::Jwt),
            (format!("x={}.e30.c2ln", base64("{\n  \"typ\":\"JWT\"}")), SecretForm::Jwt),
            (PEM.replace("-----", "\u{2014}\u{2013}"), SecretForm::PrivateKey),
            (format!("\u{2014}\u{2013}BEGIN RSA PRIVATE KEY\u{2014}\u{2013} {BODY}"), SecretForm::PrivateKey),
            (
                "<RSAKeyValue><Modulus>xA7S</Modulus><D>nWGx</D></RSAKeyValue>".to_owned(),
                SecretForm::PrivateKey,
            ),
            ("{kty:'OKP',crv:'Ed25519',d:'nWGxne'}".to_owned(), SecretForm::Json),
            (JWK.replace('"', "%22").replace('{', "%7B"), SecretForm::Json),
            (JWK.replace('"', "\\u0022").replace('{', "\\u007b"), SecretForm::Json),
            (JWK.replace('"', "&quot;"), SecretForm::Json),
            (format!("key={BODY}"), SecretForm::Encoded),
            (format!("file:{BODY}"), SecretForm::Encoded),
            (format!("./keys/{BODY}"), SecretForm::Encoded),
            (format!("data:application/x-pem-file;base64,{}", base64(PEM)), SecretForm::Encoded),
            (base64(&format!("[{JWK}]")), SecretForm::Encoded),
            (base64(&base64(&JWK.replace('{', "{\n  "))), SecretForm::Encoded),
            (
                "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZWQy".to_owned(),
                SecretForm::Encoded,
            ),
            ("redis://:hunter2@cache.example:6379/0".to_owned(), SecretForm::Password),
            ("postgres://user:p/w@db.example/x".to_owned(), SecretForm::Password),
            ("Endpoint=sb://x;SharedAccessKeyName=a;SharedAccessKey=b".to_owned(), SecretForm::Password),
            ("Server=db;User Id=a;Password=b;".to_owned(), SecretForm::Password),
        ] {
            assert_eq!(SecretForm::of(&text), Some(form), "{text}");
            assert_eq!(SecretForm::suspect(&text), Some(form), "{text}");
        }
    }

    #[test]
    fn a_name_a_path_and_a_url_are_no_secrets() {
        for text in [
            "",
            "-",
            "key.pem",
            "env:CLIENT_KEY",
            "/etc/keys/my client.pem",
            r"C:\Users\John Doe\AuthKey_2X9R4HXF34.p8",
            "AuthKey_2X9R4HXF34.p8",
            "/run/secrets/0b9b5f8e-2c55-4a3e-8f6c-1f2d3e4a5b6c/kubernetes.io~secret/key.pem",
            "https://as.example/oauth2/default?tenant=a@b",
            "https://user@as.example/",
            "https://login.microsoftonline.com/0b9b5f8e-2c55-4a3e-8f6c-1f2d3e4a5b6c/v2.0",
            "client-authentication+jwt",
            "com.example.identity.oauth2.exceptions.InvalidClientException",
            "PrivateKeyJwtAuthenticationProvider",
            "newsletter",
            "{8F3C1C2E-1B7A-4A3C-9A54-0A1B2C3D4E00}",
            "{tenantid}",
            "RS256",
            "api:read api.write",
            "password",
            "token_endpoint",
        ] {
            assert_eq!(SecretForm::of(text), None, "{text}");
        }
        // A thumbprint, a UUID and a passphrase may be names, but not paths.
        for text in [
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
            "0b9b5f8e-2c55-4a3e-8f6c-1f2d3e4a5b6c",
            "correct horse battery staple",
            "cAnArY-7f3a9c51-sEcReT",
        ] {
            assert_eq!(
                (SecretForm::of(text), SecretForm::suspect(text)),
                (None, Some(SecretForm::Opaque)),
                "{text}"
            );
        }
        for text in [
            "key.pem",
            "/etc/keys/my client.pem",
            "RS257",
            "token-endpoint",
            "signing-key-2026-01",
            "--isuer",
        ] {
            assert_eq!(SecretForm::suspect(text), None, "{text}");
        }
    }

    #[test]
    fn json_in_base64_is_known_by_what_it_decodes_to() {
        for text in ["eyJhbGci", "eyJhbGciOiJFUzI1NiJ9", "ewogICJhbGciOiJFUzI1NiIKfQ", "eyAiYWxnIjoiUlMyNTYi"]
        {
            assert!(begins_json(text.as_bytes()), "{text}");
        }
        for text in ["", "eyJ", "eyJwtAuthentication", "eyJwkSet", "ewardship", "eyes-and-ears", "eyJhbG"] {
            assert!(!begins_json(text.as_bytes()), "{text}");
        }
    }
}
