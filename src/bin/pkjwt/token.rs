//! `pkjwt token`: an access token for the client itself, from a real authorization server.

use private_key_jwt::oauth::Endpoint;
use private_key_jwt::{TokenRequest, TokenResponse};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::client::ClientOptions;
use crate::error::{Context, Failure};
use crate::{key, output};

const EXAMPLE: &str = "Examples:
  pkjwt token --issuer https://auth.pingone.com/ENV_ID/as --profile ping-one --key key.pem --client-id CLIENT_ID
  curl -H \"Authorization: Bearer $(pkjwt token --issuer https://as.example --key key.pem --client-id my-client \\
    --scope api:read)\" https://api.example";

/// Print an access token, got with a client assertion (client_credentials)
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    #[command(flatten)]
    client: ClientOptions,
    /// A scope to ask for; may be repeated
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// Print the whole response as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    key::one_stdin(arguments.client.paths())?;
    let request = TokenRequest::client_credentials(arguments.scope.clone());
    let request = arguments.client.parameters(request, TokenRequest::parameter)?;
    let client = arguments.client.prepare()?;
    crate::block_on(async {
        let connected = client.connect("token").await?;
        let endpoint = connected.endpoint(Endpoint::Token)?;
        let response = connected.client.request(&request).await.context(&endpoint)?;
        if arguments.json {
            return output::json(&whole(&response, connected.answered_at()));
        }
        // Whoever sees the token alone takes it for a Bearer token.
        let token = response.access_token();
        if !token.is_bearer() {
            output::note(&format!(
                "pkjwt: the token is not a Bearer token, its type is {:.128}",
                token.token_type()
            ));
        }
        secret(token.secret())
    })?
}

/// The token alone. One that is not of RFC 6749 A.12's characters could drive the terminal, and fits no header.
fn secret(secret: &str) -> Result<(), Failure> {
    if secret.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        output::line(secret)
    } else {
        Err(Failure::refused(
            "token",
            "the access token is not printable ASCII (RFC 6749 A.12); see it with --json",
        ))
    }
}

/// The response with the members that the server sent (RFC 6749 §5.1).
fn whole(response: &TokenResponse, now: OffsetDateTime) -> Value {
    let token = response.access_token();
    let mut members: Map<String, Value> =
        response.members().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    members.insert("access_token".to_owned(), token.secret().into());
    members.insert("token_type".to_owned(), token.token_type().into());
    let optional = [
        ("expires_in", token.expires_at().map(|end| (end - now).whole_seconds().into())),
        ("scope", response.scope().map(|scope| scope.to_string().into())),
        ("refresh_token", response.refresh_token().map(Value::from)),
        ("id_token", response.id_token().map(Value::from)),
    ];
    members.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    members.into()
}
