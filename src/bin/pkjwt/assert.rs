//! `pkjwt assert`: a signed client assertion, for a request that another program sends.

use private_key_jwt::ClientAssertion;
use private_key_jwt::client::fresh_jti;
use private_key_jwt::oauth::CLIENT_ASSERTION_TYPE;
use serde_json::json;
use time::OffsetDateTime;

use crate::assertion::AssertionOptions;
use crate::error::{Context, Failure};
use crate::findings::rfc3339;
use crate::key::SigningKey;
use crate::output;

const EXAMPLE: &str = "Examples:
  pkjwt assert --key key.pem --client-id my-client --audience https://as.example
  curl https://as.example/token -d grant_type=client_credentials -d client_id=my-client \\
    -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \\
    -d client_assertion=$(pkjwt assert --key key.pem --client-id my-client --audience https://as.example)

An assertion is a secret until it has been used or has expired. pkjwt token builds its assertion from the same options.";

/// Print a signed client assertion
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    #[command(flatten)]
    key: SigningKey,
    /// Client id, as registered with the server (iss and sub)
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// Audience of the assertion (aud): the server's issuer, or another value that the server
    /// accepts
    #[arg(long, value_name = "URL")]
    audience: String,
    /// Print JSON: the parameters of the request (RFC 7523 §2.2), and when the assertion expires
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    assertion: AssertionOptions,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let builder = ClientAssertion::builder_for_audience(&arguments.client_id, &arguments.audience);
    let builder = arguments.assertion.apply(builder)?;
    let key = arguments.key.load()?;
    let assertion =
        builder.sign(&key, OffsetDateTime::now_utc(), fresh_jti().context("assert")?).context("assert")?;
    if arguments.json {
        return output::json(&json!({
            "client_id": arguments.client_id,
            "client_assertion_type": CLIENT_ASSERTION_TYPE,
            "client_assertion": assertion.secret(),
            "expires_at": rfc3339(assertion.expires_at()),
        }));
    }
    output::line(assertion.secret())
}
