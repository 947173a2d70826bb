//! `pkjwt token`: an access token for the client itself, from a real authorization server.

use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use private_key_jwt::transport::ReqwestClient;
use private_key_jwt::{
    Audience, AuthorizationServer, Profile, Scope, TokenClient, TokenRequest, TokenResponse,
};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::assertion::AssertionOptions;
use crate::error::{Context, Failure};
use crate::key::{self, SigningKey};
use crate::output;

const EXAMPLE: &str = "Examples:
  pkjwt token --issuer https://auth.pingone.com/ENV_ID/as --profile ping-one --key key.pem --client-id CLIENT_ID
  curl -H \"Authorization: Bearer $(pkjwt token --issuer https://as.example --key key.pem --client-id my-client \\
    --scope api:read)\" https://api.example";

/// Print an access token, got with a client assertion (client_credentials)
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
#[command(group = clap::ArgGroup::new("server").required(true).args(["issuer", "token_endpoint"]))]
pub(crate) struct Arguments {
    /// The authorization server's issuer; its endpoints are discovered
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    issuer: Option<String>,
    /// The token endpoint, without discovery
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    token_endpoint: Option<String>,
    /// Whom the assertion is for [default: the issuer, or else the token endpoint]
    #[arg(long, value_name = "URL")]
    audience: Option<String>,
    #[command(flatten)]
    key: SigningKey,
    /// The client that the token is for
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// A scope to ask for; may be repeated
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    #[command(flatten)]
    assertion: AssertionOptions,
    /// Follow the rules of this kind of server
    #[arg(long, value_enum)]
    profile: Option<ProfileName>,
    /// Add a parameter to the request, such as resource; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    param: Vec<String>,
    /// Trust these too: CA certificates, or a self-signed one that says CA:FALSE
    #[arg(long, value_name = "PEM")]
    ca_file: Option<PathBuf>,
    /// Print the whole response as JSON
    #[arg(long)]
    json: bool,
}

/// The profiles of the library, by name.
#[derive(Clone, Copy, clap::ValueEnum)]
enum ProfileName {
    /// typ JWT, only RS256 to RS512 and ES256 to ES512, a lifetime of at most an hour
    PingOne,
}

impl From<ProfileName> for Profile {
    fn from(name: ProfileName) -> Self {
        match name {
            ProfileName::PingOne => Self::ping_one(),
        }
    }
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let request = request(arguments)?;
    let key = arguments.key.load()?;
    let http = http(arguments.ca_file.as_deref())?;
    crate::block_on(async {
        let (server, audience) = server(arguments, &http).await?;
        let endpoint = server.token_endpoint().to_owned();
        // One time for the whole exchange: `expires_in` is then exactly what the server said.
        let now = OffsetDateTime::now_utc();
        let response = TokenClient::builder(server, &arguments.client_id, key)
            .profile(arguments.profile.map_or_else(Profile::default, Profile::from))
            .audience(audience)
            .assertion(|assertion| arguments.assertion.apply(assertion))
            .http(http)
            .clock(move || now)
            // Whoever runs a command sees what happened, and can run it again.
            .without_retries()
            .build()
            .context("token")?
            .request(&request)
            .await
            .context(&endpoint)?;
        if arguments.json {
            return output::json(&whole(&response, now));
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

fn request(arguments: &Arguments) -> Result<TokenRequest, Failure> {
    let scope = Scope::from(arguments.scope.clone());
    arguments.param.iter().try_fold(TokenRequest::client_credentials(scope), |request, parameter| {
        match parameter.split_once('=') {
            Some((name, value)) if !name.is_empty() => request.parameter(name, value).context("--param"),
            // It may be a secret, so it is not repeated.
            _ => Err(Failure::usage("--param", "a parameter is written name=value")),
        }
    })
}

async fn server(
    arguments: &Arguments,
    http: &ReqwestClient,
) -> Result<(AuthorizationServer, Audience), Failure> {
    let (server, audience) = match (&arguments.issuer, &arguments.token_endpoint) {
        (Some(issuer), _) => {
            (AuthorizationServer::discover_with(issuer, http).await.context("--issuer")?, Audience::Issuer)
        }
        (None, Some(endpoint)) => (
            AuthorizationServer::from_token_endpoint(endpoint).context("--token-endpoint")?,
            Audience::TokenEndpoint,
        ),
        (None, None) => return Err(Failure::usage("token", "--issuer or --token-endpoint is needed")),
    };
    Ok((server, arguments.audience.clone().map_or(audience, Audience::Exactly)))
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn http(ca_file: Option<&Path>) -> Result<ReqwestClient, Failure> {
    /// The longest file of certificates that is read, in bytes: the usual bundles have a quarter of it.
    const MAX_LEN: usize = 1 << 20;
    let mut certificates = Vec::new();
    if let Some(path) = ca_file {
        let bytes = key::read(path, MAX_LEN)?;
        if bytes.len() > MAX_LEN {
            return Err(Failure::refused(key::name(path), "too long for a file of certificates"));
        }
        certificates = reqwest::Certificate::from_pem_bundle(&bytes).context(key::name(path))?;
        if certificates.is_empty() {
            return Err(Failure::refused(key::name(path), "no certificate in PEM form in it"));
        }
    }
    let trust =
        |builder| certificates.iter().cloned().fold(builder, reqwest::ClientBuilder::add_root_certificate);
    ReqwestClient::build(trust).context(ca_file.map_or("token".to_owned(), key::name))
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
fn http(ca_file: Option<&Path>) -> Result<ReqwestClient, Failure> {
    match ca_file {
        Some(path) => Err(Failure::usage(key::name(path), "this program was built without TLS")),
        None => ReqwestClient::new().context("token"),
    }
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
