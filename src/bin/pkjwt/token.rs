//! `pkjwt token`: an access token from an authorization server, by any grant that makes sense at a
//! prompt.

use private_key_jwt::TokenResponse;
use private_key_jwt::oauth::{AuthorizationRequest, Endpoint, TokenKind};
use serde_json::Value;

use crate::client::ClientOptions;
use crate::error::{Context, Failure};
use crate::grant::{Grant, GrantOptions, add_resources};
use crate::redirect::Redirect;
use crate::{login, misplaced, output, source};

const EXAMPLE: &str = "Examples:
  pkjwt token --issuer https://auth.pingone.com/ENV_ID/as --profile ping-one --key key.pem --client-id CLIENT_ID
  pkjwt token --issuer https://login.microsoftonline.com/TENANT/v2.0 --scope api://APP/.default --client-id CLIENT_ID \\
    --audience https://login.microsoftonline.com/TENANT/oauth2/v2.0/token --typ JWT --x5t-s256 --key key-and-cert.pem
  curl -H \"Authorization: Bearer $(pkjwt token --issuer https://as.example --key key.pem --client-id my-client \\
    --scope api:read)\" https://api.example
  pkjwt token --grant device-code --issuer https://as.example --key key.pem --client-id my-client --json
  pkjwt token --grant refresh-token --refresh-token token.txt --issuer https://as.example --key key.pem \\
    --client-id my-client

A SECRET is a file, - for standard input, or env:VAR for an environment variable; never the secret itself, because other
users can see arguments. With --grant authorization-code or device-code, --param adds to the request that starts the
login.";

/// Request an access token and print it
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// Print the whole response as JSON, with the refresh token if there is one
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    client: ClientOptions,
    #[command(flatten)]
    grant: GrantOptions,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Arguments { json, client: options, grant } = arguments;
    source::one_stdin(options.paths().chain(grant.paths()))?;
    let grant = grant.read(options)?;
    let client = options.prepare()?;
    crate::block_on(async {
        let connected = client.connect("token").await?;
        let response = match &grant {
            Grant::Request(request) => {
                let endpoint = connected.endpoint(Endpoint::Token)?;
                connected.client.request(request).await.context(&endpoint)?
            }
            Grant::Device(request) => login::on_a_device(&connected, request).await?,
            Grant::Browser { scope, resources, redirect_uri } => {
                let request = |redirect_uri: &str, verifier: &_| {
                    let request = AuthorizationRequest::new(redirect_uri, verifier).scope(scope.clone());
                    let request = add_resources(request, resources, AuthorizationRequest::resource)?;
                    options.parameters(request, AuthorizationRequest::parameter)
                };
                let redirect = Redirect::listen(redirect_uri.as_deref()).await?;
                login::in_a_browser(&connected, options.client_id(), redirect, request).await?
            }
        };
        if *json {
            return output::json(&whole(&response));
        }
        // Without its type, the token looks like a Bearer token.
        let token = response.access_token();
        if !token.is_bearer() {
            // A server may have put the token there.
            let token_type = misplaced::shown(token.token_type());
            output::note(&format!("pkjwt: token type is \"{token_type:.128}\", not \"Bearer\""));
        }
        secret(token.secret())
    })?
}

/// Prints only the token. Other characters than those of RFC 6749 A.12 are refused: they could
/// control the terminal, and would not fit into a header.
fn secret(secret: &str) -> Result<(), Failure> {
    if secret.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        output::line(secret)
    } else {
        Err(Failure::refused(
            "token",
            "the access token is not printable ASCII (RFC 6749 A.12); print it with --json",
        ))
    }
}

/// The response with the members that the server sent (RFC 6749 §5.1).
fn whole(response: &TokenResponse) -> Value {
    let token = response.access_token();
    let known = [
        ("access_token", Some(token.secret().into())),
        ("token_type", Some(token.token_type().into())),
        ("expires_in", response.expires_in().map(|life| life.as_secs().into())),
        ("scope", response.scope().map(|scope| scope.to_string().into())),
        ("refresh_token", response.refresh_token().map(Value::from)),
        ("id_token", response.id_token().map(Value::from)),
        ("issued_token_type", response.issued_token_type().map(TokenKind::as_str).map(Value::from)),
    ];
    output::object(response.members(), known)
}
