mod encoded;

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use zeroize::Zeroizing;

pub(crate) use encoded::{begins_json, is_der, is_encoded_key};
use encoded::{has_encoded_json, has_encoded_key};

/// The form of a text that may be a misplaced secret. Errors name the form, not the text.
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
        let has = |mark: &str| text.contains(mark);
        // Regardless of how a word processor changed the dashes; also the XML of .NET.
        let is_pem = has("PRIVATE KEY") && (has("BEGIN") || has("END") || has("PRIVATE KEY--"));
        if is_pem || has("PuTTY-User-Key-File") || has("<RSAKeyValue>") {
            return Some(Self::PrivateKey);
        }
        if has("-----BEGIN") || has("-----END") {
            return Some(Self::Pem);
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

    /// As [`SecretForm::of`], where a path, a URL, a number or one of a few words is expected: text
    /// without words is a secret there. A passphrase that looks like a file name is not recognised.
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
            Self::Opaque => "a possible secret",
        })
    }
}

/// A text from the user for `Debug`: in full, or named by its form.
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
pub(crate) fn all_shown<T: AsRef<str>>(texts: &[T]) -> Vec<Shown<'_>> {
    texts.iter().map(|text| Shown(text.as_ref())).collect()
}

/// A text from the user for an error that states the expected values: as [`Shown`].
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
    let extension = Path::new(text).extension().map(OsStr::as_encoded_bytes).unwrap_or_default();
    let is_extension = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_file = (1..=8).contains(&extension.len()) && extension.iter().all(is_extension);
    let is_path = is_file || text.contains(['/', '\\']);
    // Several words that are not a path: a passphrase.
    if !is_path && text.contains(char::is_whitespace) {
        return true;
    }
    let least = if is_path { 44 } else { 16 };
    let Mix { count, changes, is_hexadecimal, .. } = Mix::of(text.as_bytes());
    count >= least && changes * 2 >= count || !is_path && count >= 32 && is_hexadecimal
}

/// How upper case, lower case and digits are mixed: in words in runs, in a token at random.
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
        let kind = |byte: &u8| (byte.is_ascii_uppercase(), byte.is_ascii_digit());
        let all = || text.iter().filter(|byte| byte.is_ascii_alphanumeric());
        let runs = text.split(|byte| !byte.is_ascii_alphanumeric());
        Self {
            count: all().count(),
            changes: all().zip(all().skip(1)).filter(|(one, next)| kind(one) != kind(next)).count(),
            longest: runs.map(<[u8]>::len).max().unwrap_or_default(),
            is_hexadecimal: all().all(u8::is_ascii_hexdigit),
        }
    }
}

#[cfg(test)]
mod tests;
