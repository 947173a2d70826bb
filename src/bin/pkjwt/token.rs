//! `pkjwt token`: an access token from an authorization server, by any grant that makes sense at a
//! prompt.

use private_key_jwt::oauth::{AuthorizationRequest, Endpoint};
use time::OffsetDateTime;

use crate::cache::CacheOptions;
use crate::client::{ClientOptions, Prepared};
use crate::error::{Context, Failure};
use crate::fingerprint::Fingerprint;
use crate::grant::{Grant, GrantOptions, add_resources};
use crate::issued::{Format, Issued};
use crate::redirect::Redirect;
use crate::{login, source};

const EXAMPLE: &str = "Examples:
  pkjwt token --issuer https://auth.pingone.com/ENV_ID/as --profile ping-one --key key.pem --client-id CLIENT_ID
  pkjwt token --issuer https://login.microsoftonline.com/TENANT/v2.0 --scope api://APP/.default --client-id CLIENT_ID \\
    --audience https://login.microsoftonline.com/TENANT/oauth2/v2.0/token --typ JWT --x5t-s256 --key key-and-cert.pem
  pkjwt token --cache --header --issuer https://as.example --key key.pem --client-id my-client --scope api:read |
    curl -H @- https://api.example
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
    /// What to print [default: text]
    #[arg(long, value_name = "FORMAT", value_enum, conflicts_with_all = ["json", "header"])]
    format: Option<Format>,
    /// Print the whole response as JSON, with the refresh token if there is one; --format json
    #[arg(long, conflicts_with = "header")]
    json: bool,
    /// Print `Authorization: Bearer TOKEN`, for curl -H @-; --format header
    #[arg(long)]
    header: bool,
    #[command(flatten)]
    client: ClientOptions,
    #[command(flatten)]
    grant: GrantOptions,
    #[command(flatten)]
    cache: CacheOptions,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Arguments { client: options, grant, cache, .. } = arguments;
    cache.check()?;
    if cache.is_used() {
        grant.check_repeatable()?;
    }
    source::one_stdin(options.paths().chain(grant.paths()))?;
    let mut fingerprint = Fingerprint::default();
    let request = grant.read(options, &mut fingerprint)?;
    let client = options.prepare()?;
    client.describe(&mut fingerprint);
    let issued = crate::block_on(async {
        let ask = async || ask(options, client, &request).await;
        if cache.is_used() { cache.token(fingerprint, &options.http, ask).await } else { ask().await }
    })??;
    issued.print(arguments.format(), OffsetDateTime::now_utc())
}

async fn ask(options: &ClientOptions, client: Prepared<'_>, request: &Grant) -> Result<Issued, Failure> {
    let connected = client.connect("token").await?;
    let response = match request {
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
    Ok(Issued::of(&response))
}

impl Arguments {
    fn format(&self) -> Format {
        match self.format {
            Some(format) => format,
            None if self.json => Format::Json,
            None if self.header => Format::Header,
            None => Format::Text,
        }
    }
}
