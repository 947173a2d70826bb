//! Where the content of an argument comes from: a file, `-` for standard input, or `env:VAR` for an
//! environment variable.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use private_key_jwt::jose::SecretForm;
use zeroize::Zeroizing;

use crate::error::Failure;
use crate::misplaced;

/// The prefix of an argument that names an environment variable.
const ENV: &str = "env:";

/// As [`contents`], but errors name the file.
pub(crate) fn read(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    match in_environment(path) {
        // The name is not repeated: it may be a key in the place of its variable's name.
        Some(variable) => {
            value(&variable).ok_or_else(|| Failure::usage(name(path), "the variable is empty or not set"))
        }
        None => contents(path, limit).map_err(|error| match SecretForm::suspect(&path.to_string_lossy()) {
            Some(form) => Failure::usage("the path", misplaced::path(form)),
            None => Failure::refused(name(path), error),
        }),
    }
}

/// The contents of a file or of standard input: at most `limit` bytes and one more, so that the
/// caller can tell that there are too many.
pub(crate) fn contents(path: &Path, limit: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    // Allocate everything at the start: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 2));
    let reader: &mut dyn Read = if is_stdin(path) { &mut io::stdin().lock() } else { &mut File::open(path)? };
    reader.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The variable that an argument names. A file of such a name is `./env:…`.
fn in_environment(path: &Path) -> Option<String> {
    path.as_os_str().to_str().and_then(|text| text.strip_prefix(ENV)).map(str::to_owned)
}

/// Whether the argument means standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Only one argument can read standard input.
pub(crate) fn one_stdin<'a>(sources: impl IntoIterator<Item = &'a Path>) -> Result<(), Failure> {
    match sources.into_iter().filter(|source| is_stdin(source)).count() {
        0 | 1 => Ok(()),
        _ => Err(Failure::usage("-", "only one argument can read standard input")),
    }
}

/// The name of a file in a message. A name that looks like a secret is not shown.
pub(crate) fn name(path: &Path) -> String {
    if is_stdin(path) {
        return "standard input".to_owned();
    }
    if let Some(variable) = in_environment(path) {
        let is_ours = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let is_name = (1..=64).contains(&variable.len()) && variable.bytes().all(is_ours);
        let is_name = is_name && SecretForm::suspect(&variable).is_none();
        return if is_name { format!("{ENV}{variable}") } else { format!("{ENV} (not a valid name)") };
    }
    misplaced::shown(&path.to_string_lossy())
}

/// The value of an environment variable that an option names.
pub(crate) fn variable(option: &str, name: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    value(name).ok_or_else(|| Failure::usage(option, "the variable is empty or not set"))
}

fn value(name: &str) -> Option<Zeroizing<Vec<u8>>> {
    // The operating system does not accept every string as a name.
    let takes = !name.is_empty() && !name.contains(['=', '\0']);
    takes
        .then(|| std::env::var_os(name))
        .flatten()
        .map(|value| Zeroizing::new(value.into_encoded_bytes()))
        .filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_never_shows_a_key_in_the_place_of_a_name() {
        for (argument, shown) in [
            ("key.pem", "key.pem"),
            ("-", "standard input"),
            ("env:CLIENT_KEY", "env:CLIENT_KEY"),
            ("env:-----BEGIN PRIVATE KEY-----", "env: (not a valid name)"),
            ("-----BEGIN PRIVATE KEY-----\nMC4", "(a PEM private key, not shown)"),
            (r#"{"kty":"OKP"}"#, "(a JWK or other JSON, not shown)"),
            ("correct horse", "(a possible secret, not shown)"),
            ("env:cAnArY-7f3a9c51-sEcReT", "env: (not a valid name)"),
        ] {
            assert_eq!(name(Path::new(argument)), shown);
        }
        for argument in [
            // As long as an Ed25519 key.
            "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC",
            r#"[{"kty":"OKP"}]"#,
            "'{\"kty\":\"OKP\"}'",
            "\u{feff}{\"kty\":\"OKP\"}",
        ] {
            let shown = name(Path::new(argument));
            assert!(shown.ends_with(", not shown)"), "{argument}: {shown}");
        }
    }
}
