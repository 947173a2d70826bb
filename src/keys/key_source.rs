//! Reads key input: one file, or one environment variable.

use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::KeyError;
use crate::jose::SecretForm;
use crate::jose::secret_form::is_der;

/// The maximum length of a key file, in bytes.
pub(super) const MAX_LEN: usize = 1 << 20;

/// The contents of a key file.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    use std::io::Read;
    let file = |source| match secret_form(path) {
        Some(found) => KeyError::KeyAsPath { found },
        None => KeyError::File { path: path.to_owned(), source: Arc::new(source) },
    };
    let opened = std::fs::File::open(path).map_err(file)?;
    // Allocate in full at once: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_LEN + 2));
    opened.take(MAX_LEN as u64 + 1).read_to_end(&mut bytes).map_err(file)?;
    Ok(bytes)
}

/// The error of a file's content, with the path. A path that looks like a secret is left out.
pub(super) fn in_file(path: &Path, reason: KeyError) -> KeyError {
    match secret_form(path) {
        Some(_) => reason,
        None => KeyError::InFile { path: path.to_owned(), reason: Arc::new(reason) },
    }
}

/// What the path looks like, if that may be a secret.
fn secret_form(path: &Path) -> Option<SecretForm> {
    // A path may be DER, which can have any bytes.
    let encoded = || is_der(path.as_os_str().as_encoded_bytes()).then_some(SecretForm::Encoded);
    SecretForm::suspect(&Zeroizing::new(path.to_string_lossy().into_owned())).or_else(encoded)
}

/// The value of an environment variable, if there is one.
pub(super) fn environment(variable: &str) -> Option<Zeroizing<Vec<u8>>> {
    // The operating system's functions do not accept every string.
    let takes = !variable.is_empty() && !variable.contains(['=', '\0']);
    let value = takes.then(|| std::env::var_os(variable)).flatten()?;
    Some(Zeroizing::new(value.into_encoded_bytes())).filter(|value| !value.trim_ascii().is_empty())
}

/// The name of a variable for an error message. If a key was passed instead of a name, it is not
/// shown.
pub(super) fn variable_name(variable: &str) -> String {
    const LONGEST: usize = 64;
    let is_ours = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let is_name = (1..=LONGEST).contains(&variable.len()) && variable.bytes().all(is_ours);
    if is_name && SecretForm::suspect(variable).is_none() {
        variable.to_owned()
    } else {
        "(not a valid name)".to_owned()
    }
}
