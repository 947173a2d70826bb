//! `pkjwt assert`: a signed client assertion, for a request that something else sends.

use private_key_jwt::ClientAssertion;
use private_key_jwt::client::fresh_jti;
use serde_json::Value;
use time::OffsetDateTime;

use crate::assertion::AssertionOptions;
use crate::error::{Context, Failure};
use crate::key::SigningKey;
use crate::output;

const EXAMPLE: &str = "Example:
  pkjwt assert --key key.pem --client-id my-client --audience https://as.example";

/// Print a signed client assertion
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    #[command(flatten)]
    key: SigningKey,
    /// The client that the assertion speaks for (iss and sub)
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// The authorization server that the assertion is for (aud): its issuer, or what else it takes
    #[arg(long, value_name = "URL")]
    audience: String,
    #[command(flatten)]
    assertion: AssertionOptions,
    /// Add the SHA-256 hash of the certificate that stands beside the key
    #[arg(long)]
    x5t_s256: bool,
    /// Add a claim, its value as JSON; may be repeated
    #[arg(long, value_name = "NAME=JSON")]
    claim: Vec<String>,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut builder = arguments
        .assertion
        .apply(ClientAssertion::builder_for_audience(&arguments.client_id, &arguments.audience));
    if arguments.x5t_s256 {
        builder = builder.x5t_s256();
    }
    let mut names: Vec<&str> = Vec::new();
    for claim in &arguments.claim {
        let (name, value) = parse_claim(claim)?;
        if names.contains(&name) {
            return Err(Failure::usage("--claim", format!("`{name}` is given more than once")));
        }
        names.push(name);
        builder = builder.claim(name, value).context("--claim")?;
    }
    let key = arguments.key.load()?;
    let assertion =
        builder.sign(&key, OffsetDateTime::now_utc(), fresh_jti().context("assert")?).context("assert")?;
    output::line(assertion.secret())
}

/// `name=JSON`. The value may be a secret, so it is not repeated.
fn parse_claim(claim: &str) -> Result<(&str, Value), Failure> {
    match claim.split_once('=') {
        Some((name, json)) if !name.is_empty() => {
            let value = serde_json::from_str(json).map_err(|_| {
                Failure::usage("--claim", format!("the value of `{name}` is not JSON; text is quoted"))
            })?;
            Ok((name, value))
        }
        _ => Err(Failure::usage("--claim", "a claim is written name=JSON")),
    }
}
