//! `pkjwt keygen`: a new private key as PKCS#8 PEM, in a file that only its owner can read.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use private_key_jwt::jose::KeyType;
use private_key_jwt::keys::{GeneratedKey, KeyError};
use private_key_jwt::{Algorithm, PrivateKey};

use crate::error::{Context, Failure};
use crate::key::{self, PassphraseSource};
use crate::new_file::{self, Readers};
use crate::{output, source};

const EXAMPLE: &str = "Examples:
  pkjwt keygen --alg ES256 --out key.pem
  KEY_PASSPHRASE=... pkjwt keygen --alg RS256 --bits 4096 --passphrase-env KEY_PASSPHRASE --out key.pem";

/// Generate a private key (PKCS#8 PEM), encrypted if a passphrase is given
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// Algorithm that the key signs with
    #[arg(long, value_name = "ALG", value_parser = key::algorithm_parser())]
    alg: Algorithm,
    /// Length of an RSA key in bits: 2048, 3072, 4096 or 8192 [default: 3072]
    #[arg(long, value_name = "BITS")]
    bits: Option<usize>,
    /// File to create, readable only by its owner; - prints the key, even on a terminal
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
    /// Print the file, kid, algorithm and public key as JSON on stdout; needs --out FILE
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

/// Runs the command. All checks come before the key is generated, which may take long.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let bits = bits(arguments.alg, arguments.bits)?;
    let passphrase = arguments.passphrase.new_passphrase()?;
    let file = arguments.out.as_deref().filter(|path| !source::is_stdin(path));
    match file {
        Some(path) => new_file::check(path, arguments.force)?,
        None if arguments.json => {
            return Err(Failure::usage("--json", "needs --out FILE; without it, stdout has the key"));
        }
        None if arguments.force => {
            return Err(Failure::usage("--force", "needs --out FILE, the file to replace"));
        }
        None if arguments.out.is_none() && io::stdout().is_terminal() => {
            return Err(Failure::usage(
                "keygen",
                "refusing to print a private key on a terminal; use --out FILE, or --out - to print it anyway",
            ));
        }
        _ => {}
    }

    let generated = generate(arguments.alg, bits)?;
    let pem = match passphrase {
        Some(passphrase) => generated.to_encrypted_pem(&passphrase),
        None => generated.to_pem(),
    }
    .context("keygen")?;
    let Some(path) = file else { return output::line(&pem) };
    new_file::write(path, pem.as_bytes(), Readers::Owner, arguments.force)?;

    let key = generated.private_key().context("keygen")?;
    if arguments.json {
        return output::json(&serde_json::json!({
            "file": path.to_string_lossy(),
            "kid": key.key_id().as_str(),
            "alg": key.algorithm().as_str(),
            "jwk": key.public_jwk(),
        }));
    }
    output::note(&format!("kid {}", key.key_id()));
    // A file does not name its algorithm, so every command that uses it needs `--alg` unless the
    // default fits.
    let default =
        PrivateKey::from_bytes(generated.to_pem().context("keygen")?.as_bytes()).context("keygen")?;
    let is_default = default.algorithm() == key.algorithm();
    let alg = if is_default { String::new() } else { format!(" --alg {}", key.algorithm()) };
    let passphrase = arguments.passphrase.arguments();
    let path = match path.to_string_lossy() {
        path if path.starts_with('-') => output::quoted(&format!("./{path}")),
        path => output::quoted(&path),
    };
    output::note(&format!("to print its public JWKS: pkjwt jwks{alg}{passphrase} {path}"));
    output::note(&format!("to sign with it: --key {path}{alg}{passphrase}"));
    Ok(())
}

fn bits(algorithm: Algorithm, bits: Option<usize>) -> Result<usize, Failure> {
    match bits {
        None => Ok(PrivateKey::DEFAULT_RSA_BITS),
        Some(_) if algorithm.key_type() != KeyType::Rsa => Err(Failure::usage(
            "--bits",
            format!("is only for RSA: the length of an {algorithm} key is fixed"),
        )),
        Some(bits) if PrivateKey::NEW_RSA_BITS.contains(&bits) => Ok(bits),
        Some(bits) => Err(Failure::usage("--bits", KeyError::NewRsaSize { bits }.to_string())),
    }
}

/// An RSA key takes a while.
fn generate(algorithm: Algorithm, bits: usize) -> Result<GeneratedKey, Failure> {
    if algorithm.key_type() == KeyType::Rsa {
        output::progress(&format!("generating an RSA key of {bits} bits"));
    }
    PrivateKey::generate_rsa_bits(algorithm, bits).context("keygen")
}
