//! A secret that is passed to a command: a file that holds it, `-` for standard input, or `env:`
//! and the name of an environment variable. Never the secret itself, because other users can see
//! arguments.

use std::path::Path;
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::error::Failure;
use crate::source;

/// Where to read a secret.
#[derive(Clone)]
pub(crate) struct SecretSource(String);

impl FromStr for SecretSource {
    type Err = &'static str;

    fn from_str(source: &str) -> Result<Self, Self::Err> {
        if source.is_empty() { Err("expected a file, - or env:VAR") } else { Ok(Self(source.to_owned())) }
    }
}

impl SecretSource {
    /// Maximum length of a secret, in bytes.
    const MAX_LEN: usize = 64 * 1024;

    /// The path of the file, unless the source names a variable.
    pub(crate) fn path(&self) -> &Path {
        Path::new(&self.0)
    }

    /// Reads the secret, without surrounding white space: a code or a token, in the characters that
    /// RFC 6749 appendix A allows. Errors do not repeat the argument, because it might be the
    /// secret in the wrong place.
    pub(crate) fn read(&self, option: &str) -> Result<Zeroizing<String>, Failure> {
        let bytes = match self.0.strip_prefix("env:") {
            Some(name) => source::variable(option, name)?,
            None => source::contents(self.path(), Self::MAX_LEN).map_err(|error| {
                let hint = "expected a file, - or env:VAR, never the secret itself";
                Failure::refused(option, format!("{error}; {hint}"))
            })?,
        };
        let refused = |why: String| Err(Failure::refused(option, why));
        if bytes.len() > Self::MAX_LEN {
            return refused(format!("more than {} bytes", Self::MAX_LEN));
        }
        match std::str::from_utf8(bytes.trim_ascii()) {
            Ok("") => refused("it is empty".to_owned()),
            Ok(secret) if secret.bytes().all(|byte| matches!(byte, b' '..=b'~')) => {
                Ok(Zeroizing::new(secret.to_owned()))
            }
            _ => refused("it is not one line of printable ASCII (RFC 6749 appendix A)".to_owned()),
        }
    }
}
