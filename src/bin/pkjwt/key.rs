//! The KEY argument: a file, or `-` for standard input, and the passphrase of an encrypted one. A passphrase comes
//! from an environment variable or from a prompt on a terminal, never from an argument, which other users can see.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use private_key_jwt::keys::KeyError;
use private_key_jwt::{Algorithm, PrivateKey};
use zeroize::Zeroizing;

use crate::error::{Context, Failure};

/// Where the passphrase of an encrypted key comes from.
#[derive(clap::Args)]
pub(crate) struct PassphraseSource {
    /// The environment variable that holds the key's passphrase
    #[arg(long, value_name = "VAR")]
    passphrase_env: Option<String>,
}

impl PassphraseSource {
    /// The passphrase, where a variable was named. One that is not there is wrong usage, and its name is not
    /// repeated: it might be a passphrase in the wrong place.
    pub(crate) fn passphrase(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        self.passphrase_env.as_deref().map(|name| variable("--passphrase-env", name)).transpose()
    }
}

/// The value of an environment variable that an option names.
pub(crate) fn variable(option: &str, name: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    // The operating system's functions do not take every string.
    let takes = !name.is_empty() && !name.contains(['=', '\0']);
    takes
        .then(|| std::env::var_os(name))
        .flatten()
        .map(|value| Zeroizing::new(value.into_encoded_bytes()))
        .filter(|value| !value.is_empty())
        .ok_or_else(|| Failure::usage(option, "that variable is empty or not set"))
}

/// `alg` names, for clap.
pub(crate) fn algorithm_parser() -> impl clap::builder::TypedValueParser<Value = Algorithm> {
    use clap::builder::TypedValueParser;
    clap::builder::PossibleValuesParser::new(Algorithm::ALL.map(Algorithm::as_str))
        .try_map(|name| name.parse::<Algorithm>())
}

/// Loads a KEY with the algorithm and the `kid` that were asked for.
pub(crate) fn load(
    path: &Path,
    passphrase: &PassphraseSource,
    algorithm: Option<Algorithm>,
    key_id: Option<&str>,
) -> Result<PrivateKey, Failure> {
    let name = name(path);
    let mut key = open(&name, &read(path, PrivateKey::MAX_FILE_LEN)?, passphrase)?;
    if let Some(algorithm) = algorithm {
        key = key.with_algorithm(algorithm).context(&name)?;
    }
    Ok(match key_id {
        Some(key_id) => key.with_key_id(key_id),
        None => key,
    })
}

/// Takes a key out of the contents of a KEY, with its passphrase where it has one.
pub(crate) fn open(name: &str, bytes: &[u8], passphrase: &PassphraseSource) -> Result<PrivateKey, Failure> {
    match passphrase.passphrase()? {
        Some(passphrase) => PrivateKey::from_encrypted_bytes(bytes, passphrase),
        None => match PrivateKey::from_bytes(bytes) {
            Err(KeyError::PassphraseRequired) if io::stderr().is_terminal() => {
                PrivateKey::from_encrypted_bytes(bytes, prompt(name)?.as_bytes())
            }
            Err(error @ KeyError::PassphraseRequired) => {
                return Err(Failure::refused(
                    name,
                    format!("{error}: name its variable with --passphrase-env"),
                ));
            }
            other => other,
        },
    }
    .context(name)
}

/// The prompt goes to the terminal itself, so that it works with the key on standard input and never lands in a
/// result.
fn prompt(name: &str) -> Result<Zeroizing<String>, Failure> {
    let prompt = format!("Passphrase of {}: ", crate::output::printable(name));
    rpassword::prompt_password(prompt).map(Zeroizing::new).context("the terminal")
}

/// As [`contents`], with the name of the file where that fails.
pub(crate) fn read(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    contents(path, limit).context(name(path))
}

/// The contents of a file or of standard input, and one byte more than `limit` at most, so that whoever reads it sees
/// that it is too long.
pub(crate) fn contents(path: &Path, limit: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    // Room for everything from the start: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 2));
    let reader: &mut dyn Read = if is_stdin(path) { &mut io::stdin().lock() } else { &mut File::open(path)? };
    reader.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether the argument means standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Standard input can be read by one argument.
pub(crate) fn one_stdin<'a>(sources: impl IntoIterator<Item = &'a Path>) -> Result<(), Failure> {
    match sources.into_iter().filter(|source| is_stdin(source)).count() {
        0 | 1 => Ok(()),
        _ => Err(Failure::usage("-", "standard input holds one thing, and several arguments want it")),
    }
}

/// What to call a file in a message.
pub(crate) fn name(path: &Path) -> String {
    if is_stdin(path) { "standard input".to_owned() } else { path.display().to_string() }
}

/// The options of a key that signs.
#[derive(clap::Args)]
pub(crate) struct SigningKey {
    /// The private key: a file, or - for standard input
    #[arg(long, value_name = "KEY")]
    key: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseSource,
    /// Sign with this algorithm instead of the one that follows from the key
    #[arg(long, value_name = "ALG", value_parser = algorithm_parser())]
    alg: Option<Algorithm>,
    /// Name the key this instead of its RFC 7638 thumbprint
    #[arg(long, value_name = "KID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    kid: Option<String>,
}

impl SigningKey {
    /// Where the key comes from.
    pub(crate) fn path(&self) -> &Path {
        &self.key
    }

    /// Loads the key.
    pub(crate) fn load(&self) -> Result<PrivateKey, Failure> {
        load(&self.key, &self.passphrase, self.alg, self.kid.as_deref())
    }
}
