//! `pkjwt introspect`: asks the server about a token (RFC 7662).

use private_key_jwt::oauth::{Endpoint, Introspection};
use serde_json::Value;
use time::OffsetDateTime;

use crate::error::{Context, Failure};
use crate::hinted::HintedOptions;
use crate::output;

const EXAMPLE: &str = "Example:
  pkjwt token --issuer https://as.example --key key.pem --client-id my-client |
    pkjwt introspect - --issuer https://as.example --key key.pem --client-id my-client

Exit status: 0 the token is active, 1 it is not active or the request failed, 2 wrong usage. The answer is printed
whether the token is active or not.";

/// Ask the server whether a token is active and print the answer
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// Print JSON, which is the default
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    about: HintedOptions,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    // The answer is JSON; the option is for scripts that pass it to each command.
    let Arguments { json: _, about } = arguments;
    let (token, client) = about.prepare()?;
    crate::block_on(async {
        let connected = client.connect("introspect").await?;
        let endpoint = connected.endpoint(Endpoint::Introspection)?;
        let answer = connected.client.introspect(token).await.context(&endpoint)?;
        output::json(&whole(&answer))?;
        if answer.is_active() {
            Ok(())
        } else {
            Err(Failure::refused("introspect", "the token is not active"))
        }
    })?
}

/// The answer with the members that the server sent (RFC 7662 §2.2).
fn whole(answer: &Introspection) -> Value {
    let audience = match answer.audience() {
        [] => None,
        [audience] => Some(Value::from(audience.as_str())),
        several => Some(several.into()),
    };
    let seconds = |time: Option<OffsetDateTime>| time.map(|time| time.unix_timestamp().into());
    let known = [
        ("active", Some(answer.is_active().into())),
        ("scope", answer.scope().map(|scope| scope.to_string().into())),
        ("client_id", answer.client_id().map(Value::from)),
        ("username", answer.username().map(Value::from)),
        ("token_type", answer.token_type().map(Value::from)),
        ("sub", answer.subject().map(Value::from)),
        ("iss", answer.issuer().map(Value::from)),
        ("jti", answer.token_id().map(Value::from)),
        ("aud", audience),
        ("exp", seconds(answer.expires_at())),
        ("iat", seconds(answer.issued_at())),
        ("nbf", seconds(answer.not_before())),
    ];
    output::object(answer.members(), known)
}
