//! The options that `token`, `introspect` and `revoke` share: which server, and as which client with which key.

use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use private_key_jwt::oauth::{Endpoint, OAuthError};
use private_key_jwt::transport::ReqwestClient;
use private_key_jwt::{Audience, AuthorizationServer, PrivateKey, Profile, TokenClient};

use crate::assertion::AssertionOptions;
use crate::error::{Context, Failure};
use crate::key::{self, SigningKey};

/// The server and the client.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("server").required(true).args(["issuer", "token_endpoint"]))]
pub(crate) struct ClientOptions {
    /// The authorization server's issuer; its endpoints are discovered
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    issuer: Option<String>,
    /// The token endpoint, without discovery
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    token_endpoint: Option<String>,
    /// Another endpoint, by its name in RFC 8414 (introspection_endpoint …), where the server does not name it; may be
    /// repeated
    #[arg(long, value_name = "NAME=URL", value_parser = named_endpoint)]
    endpoint: Vec<(NamedEndpoint, String)>,
    /// Whom the assertion is for [default: the issuer, or else the token endpoint]
    #[arg(long, value_name = "URL")]
    audience: Option<String>,
    #[command(flatten)]
    key: SigningKey,
    /// The client, as the server knows it
    #[arg(long, value_name = "ID")]
    client_id: String,
    #[command(flatten)]
    assertion: AssertionOptions,
    /// Follow the rules of this kind of server
    #[arg(long, value_enum)]
    profile: Option<ProfileName>,
    /// Add a parameter to the request, such as resource or audience; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    param: Vec<String>,
    /// Trust these too: CA certificates, or a self-signed one that says CA:FALSE
    #[arg(long, value_name = "PEM")]
    ca_file: Option<PathBuf>,
}

/// The profiles of the library, by name.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum ProfileName {
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

/// An endpoint that can be named by hand.
#[derive(Clone, Copy)]
enum NamedEndpoint {
    Authenticated(Endpoint),
    Authorization,
}

fn named_endpoint(text: &str) -> Result<(NamedEndpoint, String), String> {
    const AUTHORIZATION: &str = "authorization_endpoint";
    let others = || Endpoint::ALL.into_iter().filter(|endpoint| *endpoint != Endpoint::Token);
    let (name, url) =
        text.split_once('=').filter(|(_, url)| !url.is_empty()).ok_or("an endpoint is written NAME=URL")?;
    let endpoint = match others().find(|endpoint| endpoint.metadata_name() == name) {
        Some(endpoint) => NamedEndpoint::Authenticated(endpoint),
        None if name == AUTHORIZATION => NamedEndpoint::Authorization,
        None => {
            let names: Vec<_> = others().map(Endpoint::metadata_name).chain([AUTHORIZATION]).collect();
            return Err(format!("the endpoints are {}", names.join(", ")));
        }
    };
    Ok((endpoint, url.to_owned()))
}

/// What the options hold, read and not used yet: nothing has been sent.
pub(crate) struct Prepared<'a> {
    options: &'a ClientOptions,
    key: PrivateKey,
    http: ReqwestClient,
}

/// A client that knows its server.
pub(crate) struct Connected {
    pub(crate) client: TokenClient,
}

impl ClientOptions {
    /// The files that are read; one of them may be standard input.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        [self.key.path()].into_iter().chain(self.ca_file.as_deref())
    }

    /// The client, as the server knows it.
    pub(crate) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Adds the parameters of the command line to a request.
    pub(crate) fn parameters<R>(
        &self,
        request: R,
        add: impl Fn(R, String, String) -> Result<R, OAuthError>,
    ) -> Result<R, Failure> {
        self.param.iter().try_fold(request, |request, parameter| match parameter.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                add(request, name.to_owned(), value.to_owned()).context("--param")
            }
            // It may be a secret, so it is not repeated.
            _ => Err(Failure::usage("--param", "a parameter is written name=value")),
        })
    }

    /// Reads the key and the certificates.
    pub(crate) fn prepare(&self) -> Result<Prepared<'_>, Failure> {
        Ok(Prepared { options: self, key: self.key.load()?, http: http(self.ca_file.as_deref())? })
    }

    async fn server(&self, http: &ReqwestClient) -> Result<(AuthorizationServer, Audience), Failure> {
        let (mut server, audience) = match (&self.issuer, &self.token_endpoint) {
            (Some(issuer), _) => (
                AuthorizationServer::discover_with(issuer, http).await.context("--issuer")?,
                Audience::Issuer,
            ),
            (None, Some(endpoint)) => (
                AuthorizationServer::from_token_endpoint(endpoint).context("--token-endpoint")?,
                Audience::TokenEndpoint,
            ),
            (None, None) => {
                return Err(Failure::usage("the server", "--issuer or --token-endpoint is needed"));
            }
        };
        for (endpoint, url) in &self.endpoint {
            server = match endpoint {
                NamedEndpoint::Authenticated(endpoint) => server.with_endpoint(*endpoint, url),
                NamedEndpoint::Authorization => server.with_authorization_endpoint(url),
            }
            .context("--endpoint")?;
        }
        Ok((server, self.audience.clone().map_or(audience, Audience::Exactly)))
    }
}

impl Prepared<'_> {
    /// Asks the server for its endpoints, unless they are given.
    pub(crate) async fn connect(self, command: &str) -> Result<Connected, Failure> {
        let Self { options, key, http } = self;
        let (server, audience) = options.server(&http).await?;
        let client = TokenClient::builder(server, &options.client_id, key)
            .profile(options.profile.map_or_else(Profile::default, Profile::from))
            .audience(audience)
            .assertion(|assertion| options.assertion.apply(assertion))
            .http(http)
            // Whoever runs a command sees what happened, and can run it again.
            .without_retries()
            .build()
            .context(command)?;
        Ok(Connected { client })
    }
}

impl Connected {
    /// Where the requests to an endpoint go.
    pub(crate) fn endpoint(&self, endpoint: Endpoint) -> Result<String, Failure> {
        let name = endpoint.metadata_name();
        self.client.server().endpoint(endpoint).map(str::to_owned).map_err(|_| {
            Failure::refused(name, format!("the server does not name it; --endpoint {name}=URL does"))
        })
    }
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
    ReqwestClient::build(trust).context(ca_file.map_or("the HTTP client".to_owned(), key::name))
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
fn http(ca_file: Option<&Path>) -> Result<ReqwestClient, Failure> {
    match ca_file {
        Some(path) => Err(Failure::usage(key::name(path), "this program was built without TLS")),
        None => ReqwestClient::new().context("the HTTP client"),
    }
}
