//! The KEY argument, and the passphrase of an encrypted key. A passphrase comes from an environment
//! variable, a file or a prompt on a terminal, never from an argument, which other users can see.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use private_key_jwt::keys::{KeyError, KeyLoader};
use private_key_jwt::{Algorithm, PrivateKey};
use zeroize::Zeroizing;

use crate::error::{Context, Failure};
use crate::output::{printable, quoted};
use crate::source;

/// Where the passphrase of an encrypted key comes from.
#[derive(Clone, clap::Args)]
pub(crate) struct PassphraseSource {
    /// Environment variable with the passphrase of the key
    #[arg(long, value_name = "VAR", conflicts_with = "passphrase_file")]
    passphrase_env: Option<String>,
    /// File with the passphrase of the key, with or without a line end
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
            return source::variable("--passphrase-env", name).map(Some);
        }
        let Some(path) = &self.passphrase_file else {
            return Ok(None);
        };
        let passphrase = source::contents(path, MAX_LEN).map_err(|error| {
            Failure::refused(OPTION, format!("{error}; expected a file with the passphrase"))
        })?;
        if passphrase.len() > MAX_LEN {
            return Err(Failure::refused(OPTION, format!("more than {MAX_LEN} bytes")));
        }
        if without_line_end(&passphrase).is_empty() {
            return Err(Failure::usage(OPTION, "the file is empty"));
        }
        Ok(Some(passphrase))
    }

    /// As [`passphrase`](Self::passphrase), or else that of the variable for keys that exist.
    fn passphrase_or_default(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        Ok(self.passphrase()?.or_else(|| source::variable("", "PKJWT_KEY_PASSPHRASE").ok()))
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

/// How a key is taken out of its file: what commands share that read one.
#[derive(Clone, clap::Args)]
pub(crate) struct KeyOptions {
    #[command(flatten)]
    passphrase: PassphraseSource,
    /// Key to use from a file with several: its alias, kid or thumbprint
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    entry: Option<String>,
}

impl KeyOptions {
    /// The passphrase of the keys of a folder.
    pub(crate) fn of_folder(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        if self.entry.is_some() {
            return Err(Failure::usage("--entry", "names a key of one file, but a folder was given"));
        }
        self.passphrase.passphrase()
    }
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
    let name = source::name(path);
    let mut key = open(&name, &source::read(path, PrivateKey::MAX_FILE_LEN)?, options)?;
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
    match examined(name, bytes, options)? {
        Err(error @ KeyError::PassphraseRequired) => {
            Err(Failure::refused(name, format!("{error}; use --passphrase-env or --passphrase-file")))
        }
        Err(error @ KeyError::SeveralKeys { .. }) => {
            Err(Failure::refused(name, format!("{error} with --entry NAME")))
        }
        other => other.context(name),
    }
}

/// As [`open`], for a command that goes on without a usable key.
pub(crate) fn examined(
    name: &str,
    bytes: &[u8],
    options: &KeyOptions,
) -> Result<Result<PrivateKey, KeyError>, Failure> {
    let mut loader = KeyLoader::new();
    if let Some(entry) = &options.entry {
        loader = loader.entry(entry);
    }
    Ok(match options.passphrase.passphrase_or_default()? {
        Some(passphrase) => loader.passphrase(passphrase).load_bytes(bytes),
        None => match loader.load_bytes(bytes) {
            Err(KeyError::PassphraseRequired) if io::stderr().is_terminal() => {
                loader.passphrase(prompt(name)?.as_bytes()).load_bytes(bytes)
            }
            other => other,
        },
    })
}

/// The prompt goes to the terminal itself. It works while the key is on standard input, and never
/// ends up in a result.
fn prompt(name: &str) -> Result<Zeroizing<String>, Failure> {
    let prompt = format!("Passphrase for {}: ", printable(name));
    rpassword::prompt_password(prompt).map(Zeroizing::new).context("the terminal")
}

/// The options of a key that signs.
#[derive(clap::Args)]
pub(crate) struct SigningKey {
    /// Private key: a file, - for standard input, or env:VAR for an environment variable
    #[arg(long, value_name = "KEY")]
    key: PathBuf,
    #[command(flatten)]
    options: KeyOptions,
    /// Algorithm to sign with [default: the one in the file, or the usual one for the type of key]
    #[arg(long, value_name = "ALG", value_parser = algorithm_parser())]
    alg: Option<Algorithm>,
    /// Key id (kid) [default: the one in the file, or the RFC 7638 thumbprint]
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
