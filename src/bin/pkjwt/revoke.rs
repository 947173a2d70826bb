//! `pkjwt revoke`: revokes a token (RFC 7009).

use private_key_jwt::oauth::Endpoint;

use crate::error::{Context, Failure};
use crate::hinted::HintedOptions;

const EXAMPLE: &str = "Example:
  pkjwt revoke refresh-token.txt --hint refresh_token --issuer https://as.example --key key.pem --client-id my-client

The server also confirms tokens that it does not know (RFC 7009 §2.2).";

/// Revoke a token
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    #[command(flatten)]
    about: HintedOptions,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (token, client) = arguments.about.prepare()?;
    crate::block_on(async {
        let connected = client.connect("revoke").await?;
        let endpoint = connected.endpoint(Endpoint::Revocation)?;
        connected.client.revoke(token).await.context(&endpoint)
    })?
}
