//! The KEY argument: a file, `-` for standard input, or `env:VAR` for an environment variable, and
//! the passphrase of an encrypted one. A passphrase comes from an environment variable, a file or a
//! prompt on a terminal, never from an argument, which other users can see.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use private_key_jwt::jose::SecretForm;
use private_key_jwt::keys::{KeyError, KeyLoader};
use private_key_jwt::{Algorithm, PrivateKey};
use zeroize::Zeroizing;

use crate::error::{Context, Failure};
use crate::misplaced;

/// The prefix of an argument that names an environment variable.
const ENV: &str = "env:";

/// Where the passphrase of an encrypted key comes from.
#[derive(Clone, clap::Args)]
pub(crate) struct PassphraseSource {
    /// The environment variable that holds the key's passphrase
    #[arg(long, value_name = "VAR", conflicts_with = "passphrase_file")]
    passphrase_env: Option<String>,
    /// The file that holds the key's passphrase, with or without a line end
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl PassphraseSource {
    /// The passphrase unchanged, if an option names one. An unset variable is a usage error. Its
    /// name is not repeated, because it might be a passphrase in the wrong place.
    pub(crate) fn passphrase(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        /// Maximum length of a passphrase, in bytes.
        const MAX_LEN: usize = 64 * 1024;
        const OPTION: &str = "--passphrase-file";
        if let Some(name) = &self.passphrase_env {
            return variable("--passphrase-env", name).map(Some);
        }
        let Some(path) = &self.passphrase_file else {
            return Ok(None);
        };
        let passphrase = contents(path, MAX_LEN).map_err(|error| {
            Failure::refused(OPTION, format!("{error}; it is a file with the passphrase"))
        })?;
        if passphrase.len() > MAX_LEN {
            return Err(Failure::refused(OPTION, format!("more than {MAX_LEN} bytes")));
        }
        if without_line_end(&passphrase).is_empty() {
            return Err(Failure::usage(OPTION, "that file is empty"));
        }
        Ok(Some(passphrase))
    }

    /// The passphrase of a new key, without the line end of a file, as other programs read it.
    pub(crate) fn new_passphrase(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        let passphrase = self.passphrase()?;
        Ok(passphrase.map(|passphrase| Zeroizing::new(without_line_end(&passphrase).to_vec())))
    }

    /// The options that open a key with the same passphrase, ready to be pasted.
    pub(crate) fn arguments(&self) -> String {
        let env = self.passphrase_env.as_ref().map(|name| format!(" --passphrase-env {}", quoted(name)));
        let file = self
            .passphrase_file
            .as_ref()
            .map(|path| format!(" --passphrase-file {}", quoted(&path.display().to_string())));
        env.or(file).unwrap_or_default()
    }
}

fn without_line_end(passphrase: &[u8]) -> &[u8] {
    let shorter = passphrase.strip_suffix(b"\n").unwrap_or(passphrase);
    shorter.strip_suffix(b"\r").unwrap_or(shorter)
}

/// Quotes a word for a shell.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:,+@%".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// How a key is taken out of its file: what commands share that read one.
#[derive(Clone, clap::Args)]
pub(crate) struct KeyOptions {
    #[command(flatten)]
    passphrase: PassphraseSource,
    /// Of a file with several keys take this one: an alias, a kid or a thumbprint
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    entry: Option<String>,
}

impl KeyOptions {
    /// Uses the passphrase in this variable if the options name none.
    pub(crate) fn or_passphrase_env(&self, variable: Option<&str>) -> Self {
        let mut options = self.clone();
        if options.passphrase.passphrase_file.is_none() && options.passphrase.passphrase_env.is_none() {
            options.passphrase.passphrase_env = variable.map(str::to_owned);
        }
        options
    }
}

/// The value of an environment variable that an option names.
pub(crate) fn variable(option: &str, name: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    value(name).ok_or_else(|| Failure::usage(option, "that variable is empty or not set"))
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

/// `alg` names, for clap.
pub(crate) fn algorithm_parser() -> impl clap::builder::TypedValueParser<Value = Algorithm> {
    use clap::builder::TypedValueParser;
    clap::builder::PossibleValuesParser::new(Algorithm::ALL.map(Algorithm::as_str))
        .try_map(|name| name.parse::<Algorithm>())
}

/// Loads a KEY with the requested algorithm and `kid`.
pub(crate) fn load(
    path: &Path,
    options: &KeyOptions,
    algorithm: Option<Algorithm>,
    key_id: Option<&str>,
) -> Result<PrivateKey, Failure> {
    let name = name(path);
    let mut key = open(&name, &read(path, PrivateKey::MAX_FILE_LEN)?, options)?;
    if let Some(algorithm) = algorithm {
        key = key.with_algorithm(algorithm).context(&name)?;
    }
    Ok(match key_id {
        Some(key_id) => key.with_key_id(key_id),
        None => key,
    })
}

/// Reads a key from the contents of a KEY, with its passphrase if it has one.
pub(crate) fn open(name: &str, bytes: &[u8], options: &KeyOptions) -> Result<PrivateKey, Failure> {
    let mut loader = KeyLoader::new();
    if let Some(entry) = &options.entry {
        loader = loader.entry(entry);
    }
    let opened = match options.passphrase.passphrase()? {
        Some(passphrase) => loader.passphrase(passphrase).load_bytes(bytes),
        None => match loader.load_bytes(bytes) {
            Err(KeyError::PassphraseRequired) if io::stderr().is_terminal() => {
                loader.passphrase(prompt(name)?.as_bytes()).load_bytes(bytes)
            }
            Err(error @ KeyError::PassphraseRequired) => {
                return Err(Failure::refused(
                    name,
                    format!(
                        "{error}: name its variable with --passphrase-env, or its file with --passphrase-file"
                    ),
                ));
            }
            other => other,
        },
    };
    match opened {
        Err(error @ KeyError::SeveralKeys { .. }) => {
            Err(Failure::refused(name, format!("{error} with --entry NAME")))
        }
        other => other.context(name),
    }
}

/// The prompt goes to the terminal itself. It works while the key is on standard input, and never
/// ends up in a result.
fn prompt(name: &str) -> Result<Zeroizing<String>, Failure> {
    let prompt = format!("Passphrase of {}: ", crate::output::printable(name));
    rpassword::prompt_password(prompt).map(Zeroizing::new).context("the terminal")
}

/// As [`contents`], but errors name the file.
pub(crate) fn read(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    match in_environment(path) {
        // The name is not repeated: it may be a key in the place of its variable's name.
        Some(variable) => {
            value(&variable).ok_or_else(|| Failure::usage(name(path), "that variable is empty or not set"))
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
        _ => Err(Failure::usage("-", "standard input holds one thing, and several arguments want it")),
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
        return if is_name { format!("{ENV}{variable}") } else { format!("{ENV} without a variable's name") };
    }
    misplaced::shown(&path.to_string_lossy())
}

/// The options of a key that signs.
#[derive(clap::Args)]
pub(crate) struct SigningKey {
    /// The private key: a file, - for standard input, or env:VAR for an environment variable
    #[arg(long, value_name = "KEY")]
    key: PathBuf,
    #[command(flatten)]
    options: KeyOptions,
    /// Sign with this algorithm instead of the one that follows from the key
    #[arg(long, value_name = "ALG", value_parser = algorithm_parser())]
    alg: Option<Algorithm>,
    /// Name the key this instead of its RFC 7638 thumbprint
    #[arg(long, value_name = "KID", value_parser = NonEmptyStringValueParser::new())]
    kid: Option<String>,
}

impl SigningKey {
    /// Where the key comes from.
    pub(crate) fn path(&self) -> &Path {
        &self.key
    }

    /// Loads the key.
    pub(crate) fn load(&self) -> Result<PrivateKey, Failure> {
        load(&self.key, &self.options, self.alg, self.kid.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_for_a_shell_where_it_has_to_be() {
        for (word, expected) in [
            ("key.pem", "key.pem"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
            ("$HOME", "'$HOME'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }

    #[test]
    fn a_message_never_shows_a_key_in_the_place_of_a_name() {
        for (argument, shown) in [
            ("key.pem", "key.pem"),
            ("-", "standard input"),
            ("env:CLIENT_KEY", "env:CLIENT_KEY"),
            ("env:-----BEGIN PRIVATE KEY-----", "env: without a variable's name"),
            ("-----BEGIN PRIVATE KEY-----\nMC4", "(a PEM private key, not shown)"),
            (r#"{"kty":"OKP"}"#, "(a JWK or other JSON, not shown)"),
            ("correct horse", "(what may be a secret, not shown)"),
            ("env:cAnArY-7f3a9c51-sEcReT", "env: without a variable's name"),
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
