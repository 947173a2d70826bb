//! `pkjwt quickstart`: the main job, step by step, against a server inside this process or a real
//! one.

mod recorder;
mod steps;

use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::NonEmptyStringValueParser;
use private_key_jwt::dev_server::{DevServer, RunningDevServer};
use private_key_jwt::{
    Algorithm, Audience, AuthorizationServer, Discovery, JwkSet, PrivateKey, Profile, TokenClient,
    TokenRequest,
};

use crate::error::{Context, Failure};
use crate::http::{Http, HttpOptions};
use crate::key::{self, KeyOptions};
use crate::profiles;
use recorder::Recorder;

const EXAMPLE: &str = "Examples:
  pkjwt quickstart
  pkjwt quickstart --issuer https://auth.pingone.com/ENV_ID/as --profile ping-one --key key.pem --client-id CLIENT_ID

For a real server, register the client and its public JWKS (pkjwt jwks key.pem) there first. Environment variables can
replace options (pkjwt --help). pkjwt token has more options.";

/// Show each step of a token request, by default against an embedded dev server
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// Issuer of a real authorization server, from which the endpoints are discovered
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    issuer: Option<String>,
    /// Token endpoint of a real server without discovery
    #[arg(long, value_name = "URL", conflicts_with = "issuer", value_parser = NonEmptyStringValueParser::new())]
    token_endpoint: Option<String>,
    /// Client id, as registered with the server [default: quickstart]
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Private key: a file, - for standard input, or env:VAR for an environment variable [default:
    /// a new ES256 key]
    #[arg(long, value_name = "KEY")]
    key: Option<PathBuf>,
    #[command(flatten)]
    options: KeyOptions,
    /// Scope to request; may be repeated [default: api:read at the dev server, none at a real one]
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// Follow the rules of this provider
    #[arg(long, value_parser = profiles::parser())]
    profile: Option<Profile>,
    #[command(flatten)]
    http: HttpOptions,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let place = Place::of(arguments)?;
    let profile = arguments.profile.clone().unwrap_or_default();
    let key = arguments.load_key()?;
    let http = Recorder::over(arguments.http.client()?);
    crate::block_on(async {
        let jwks = JwkSet::from(key.public_jwk().clone());
        steps::key(&key, arguments.key.as_deref(), &jwks)?;
        let client_id = place.client_id.as_str();
        let (server, audience, dev) =
            place.server(&jwks, &http.inner, arguments.http.is_unencrypted()).await?;
        steps::server(&server, client_id, dev.is_some())?;

        let server = Arc::new(server);
        let client = TokenClient::builder(Arc::clone(&server), client_id, key)
            .profile(profile)
            .assertion(|assertion| match audience {
                Some(audience) => assertion.audience(audience),
                None => assertion,
            })
            .http(http.clone())
            // The steps show one request.
            .without_retries()
            .build()
            .context("quickstart")?;
        let scope = arguments.scope(dev.is_some());
        let answer = client.request(&TokenRequest::client_credentials(scope.as_str())).await;
        // Printed before the answer is checked: what was sent explains a refusal.
        let sent = http.last();
        if let Some(sent) = &sent {
            steps::assertion(sent)?;
            steps::request(sent)?;
        }
        let response = answer.map_err(|error| refused(&error, &server, client_id))?;
        let sent = sent.ok_or_else(|| Failure::refused("quickstart", "no request was sent"))?;
        steps::token(&response, dev.is_some())?;

        steps::verification(&sent, &server, &jwks)?;
        if let Some(dev) = &dev {
            steps::api(&response, dev, http.clone(), &scope).await?;
            steps::replay(sent, &http.inner).await?;
        }
        steps::next(&scope)
    })?
}

/// Explains why there is no token. On a first run, the usual mistake is that the server does not
/// know the key.
fn refused(error: &private_key_jwt::Error, server: &AuthorizationServer, client_id: &str) -> Failure {
    let failure = Failure::caused(server.token_endpoint(), error);
    match error.refusal().and_then(|refusal| refusal.error()) {
        Some("invalid_client") => {
            failure.hint(format!("is the public JWKS of step 1 registered for the client {client_id}?"))
        }
        _ => failure,
    }
}

/// The server that the token comes from, and the client id.
struct Place {
    at: At,
    client_id: String,
}

enum At {
    Embedded,
    Issuer(String),
    TokenEndpoint(String),
}

impl Place {
    fn of(arguments: &Arguments) -> Result<Self, Failure> {
        let client_id = arguments.client_id.clone();
        let at = match (&arguments.issuer, &arguments.token_endpoint) {
            (Some(issuer), _) => At::Issuer(issuer.clone()),
            (None, Some(endpoint)) => At::TokenEndpoint(endpoint.clone()),
            (None, None) => {
                let client_id = client_id.unwrap_or_else(|| "quickstart".to_owned());
                return Ok(Self { at: At::Embedded, client_id });
            }
        };
        let missing = |what| Failure::usage("quickstart", format!("a real server needs {what} too"));
        let client_id = client_id.ok_or_else(|| missing("--client-id ID (or PKJWT_CLIENT_ID)"))?;
        arguments.key.as_ref().ok_or_else(|| missing("--key KEY (or PKJWT_KEY)"))?;
        Ok(Self { at, client_id })
    }

    /// The server, an audience that takes precedence over the profile's, and the dev server if that
    /// is the server.
    async fn server(
        &self,
        jwks: &JwkSet,
        http: &Http,
        is_unencrypted: bool,
    ) -> Result<(AuthorizationServer, Option<Audience>, Option<RunningDevServer>), Failure> {
        let discover = async |issuer: &str| {
            let discovery = Discovery::new(issuer);
            let discovery = if is_unencrypted { discovery.danger_allow_unencrypted() } else { discovery };
            Ok((discovery.discover_with(http).await.context("the issuer")?, None))
        };
        let ((server, audience), dev) = match &self.at {
            At::Embedded => {
                let dev = DevServer::bind(([127, 0, 0, 1], 0).into()).await.context("the dev server")?;
                dev.register(&self.client_id, jwks.clone()).context("the dev server")?;
                (discover(dev.issuer()).await?, Some(dev))
            }
            At::Issuer(issuer) => (discover(issuer).await?, None),
            At::TokenEndpoint(endpoint) => {
                let server = if is_unencrypted {
                    AuthorizationServer::danger_unencrypted_token_endpoint(endpoint)
                } else {
                    AuthorizationServer::from_token_endpoint(endpoint)
                };
                ((server.context("the token endpoint")?, Some(Audience::TokenEndpoint)), None)
            }
        };
        Ok((server, audience, dev))
    }
}

impl Arguments {
    fn load_key(&self) -> Result<PrivateKey, Failure> {
        match &self.key {
            Some(path) => key::load(path, &self.options, None, None),
            None => PrivateKey::generate(Algorithm::ES256)
                .and_then(|generated| generated.private_key())
                .context("quickstart"),
        }
    }

    /// The scopes, separated by spaces.
    fn scope(&self, embedded: bool) -> String {
        match self.scope.as_slice() {
            [] if embedded => "api:read".to_owned(),
            scopes => scopes.join(" "),
        }
    }
}
