//! `pkjwt jwks`: the public JWK Set of private keys, to register or to publish.

use std::path::PathBuf;

use private_key_jwt::{Algorithm, KeyRing};
use time::OffsetDateTime;

use crate::error::{Context, Failure};
use crate::key::{self, KeyOptions};
use crate::{output, source};

const EXAMPLE: &str = "Examples:
  pkjwt jwks key.pem > jwks.json
  pkjwt jwks --json-string key.pem    # the value of PingOne's `jwks` property";

/// Print the public JWK Set of one or more private keys
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// Private key: a file, - for standard input, or env:VAR for an environment variable
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<PathBuf>,
    /// Algorithm of the keys [default: the one in the file, or the usual one for the type of key]
    #[arg(long, value_name = "ALG", value_parser = key::algorithm_parser())]
    alg: Option<Algorithm>,
    /// Key id (kid) of a single key [default: the one in the file, or the RFC 7638 thumbprint]
    #[arg(long, value_name = "KID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    kid: Option<String>,
    /// Print one line, quoted and escaped as a JSON string
    #[arg(long)]
    json_string: bool,
    #[command(flatten)]
    options: KeyOptions,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.kid.is_some() && arguments.keys.len() > 1 {
        return Err(Failure::usage("--kid", "names one key, but several were given"));
    }
    source::one_stdin(arguments.keys.iter().map(PathBuf::as_path))?;
    let mut ring: Option<KeyRing> = None;
    for path in &arguments.keys {
        let key = key::load(path, &arguments.options, arguments.alg, arguments.kid.as_deref())?;
        match &ring {
            None => ring = Some(KeyRing::from(key)),
            // The time matters to a ring that signs.
            Some(ring) => {
                ring.publish(key, OffsetDateTime::UNIX_EPOCH).context(source::name(path))?;
            }
        }
    }
    let jwks = ring.map(|ring| ring.jwks()).unwrap_or_default();
    if arguments.json_string {
        let string = serde_json::to_string(&output::ascii(&jwks.to_json())).context("jwks")?;
        output::line(&string)
    } else {
        output::json(&jwks)
    }
}
