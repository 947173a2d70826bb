//! The options that `token`, `introspect` and `revoke` share: which server, and as which client
//! with which key.

use std::path::Path;
use std::sync::Arc;

use clap::builder::NonEmptyStringValueParser;
use private_key_jwt::oauth::{ClientAssertionBuilder, Discovery, Endpoint, OAuthError};
use private_key_jwt::{Audience, AuthorizationServer, ClientAssertion, PrivateKey, TokenClient};

use crate::assertion::AssertionOptions;
use crate::error::{Context, Failure};
use crate::fingerprint::Fingerprint;
use crate::http::{Http, HttpOptions};
use crate::key::SigningKey;
use crate::{output, pairs};

/// The server and the client.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("server").required(true).multiple(true).args(["issuer", "token_endpoint"]))]
pub(crate) struct ClientOptions {
    /// Issuer of the authorization server, or the URL of its metadata document; the endpoints are
    /// discovered
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    issuer: Option<String>,
    /// Token endpoint, for a server without discovery
    #[arg(long, value_name = "URL", conflicts_with = "issuer", value_parser = NonEmptyStringValueParser::new())]
    token_endpoint: Option<String>,
    /// Issuer that the metadata must name if it differs from --issuer (Entra ID's common endpoint,
    /// a proxy). You then trust the server at --issuer to speak for this issuer
    #[arg(long, value_name = "URL", conflicts_with = "token_endpoint", value_parser = NonEmptyStringValueParser::new())]
    expect_issuer: Option<String>,
    /// URL of an endpoint that discovery does not find, by its RFC 8414 name
    /// (introspection_endpoint …); may be repeated
    #[arg(long, value_name = "NAME=URL", value_parser = named_endpoint)]
    endpoint: Vec<(NamedEndpoint, String)>,
    /// Audience of the assertion [default: the profile's, or else the issuer, or the token endpoint
    /// if no issuer is known]
    #[arg(long, value_name = "URL")]
    audience: Option<String>,
    #[command(flatten)]
    key: SigningKey,
    /// Client id, as registered with the server
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// Omit client_id from the request, because the assertion names the client
    #[arg(long)]
    no_client_id: bool,
    /// Add a parameter to the request, such as audience; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    param: Vec<String>,
    /// Accept status 201 where the specifications require 200
    #[arg(long)]
    accept_created: bool,
    #[command(flatten)]
    pub(crate) http: HttpOptions,
    #[command(flatten)]
    assertion: AssertionOptions,
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
    let (name, url) = text.split_once('=').filter(|(_, url)| !url.is_empty()).ok_or("expected NAME=URL")?;
    let endpoint = match others().find(|endpoint| endpoint.metadata_name() == name) {
        Some(endpoint) => NamedEndpoint::Authenticated(endpoint),
        None if name == AUTHORIZATION => NamedEndpoint::Authorization,
        None => {
            let names: Vec<_> = others().map(Endpoint::metadata_name).chain([AUTHORIZATION]).collect();
            return Err(format!("expected one of these names: {}", names.join(", ")));
        }
    };
    Ok((endpoint, url.to_owned()))
}

/// The key and the HTTP client of the options; nothing has been sent.
pub(crate) struct Prepared<'a> {
    options: &'a ClientOptions,
    key: PrivateKey,
    http: Http,
}

/// A client that knows its server.
pub(crate) struct Connected {
    pub(crate) client: TokenClient,
    pub(crate) server: Arc<AuthorizationServer>,
    command: &'static str,
}

impl ClientOptions {
    /// The files to read; one of them may be standard input.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        [self.key.path()].into_iter().chain(self.http.path())
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
        self.param.iter().try_fold(request, |request, parameter| {
            let (name, value) = pairs::split("--param", "NAME=VALUE", parameter)?;
            add(request, name.to_owned(), value.to_owned()).context("--param")
        })
    }

    /// Reads the key and the certificates, and checks what can be checked before a request.
    pub(crate) fn prepare(&self) -> Result<Prepared<'_>, Failure> {
        self.apply(ClientAssertion::builder_for_audience(&self.client_id, "unknown"))?;
        let http = self.http.client()?;
        Ok(Prepared { options: self, key: self.key.load()?, http })
    }

    /// What decides which token the client gets, besides its key.
    fn describe(&self, fingerprint: &mut Fingerprint) {
        fingerprint.add("issuer", self.issuer.as_slice());
        fingerprint.add("token-endpoint", self.token_endpoint.as_slice());
        fingerprint.add("expect-issuer", self.expect_issuer.as_slice());
        fingerprint.add("audience", self.audience.as_slice());
        fingerprint.add("client-id", &[&self.client_id]);
        fingerprint.add("no-client-id", &[self.no_client_id.to_string()]);
        let mut parameters = self.param.clone();
        parameters.sort_unstable();
        fingerprint.add("param", &parameters);
        self.assertion.describe(fingerprint);
    }

    fn apply(&self, assertion: ClientAssertionBuilder) -> Result<ClientAssertionBuilder, Failure> {
        let assertion = self.assertion.apply(assertion)?;
        Ok(if self.no_client_id { assertion.without_client_id() } else { assertion })
    }

    /// The server, and an audience that takes precedence over the profile's.
    async fn server(&self, http: &Http) -> Result<(AuthorizationServer, Option<Audience>), Failure> {
        let (mut server, audience) = match (&self.issuer, &self.token_endpoint) {
            (Some(issuer), _) => {
                (self.discovery(issuer).discover_with(http).await.context("--issuer")?, None)
            }
            (None, Some(endpoint)) => {
                let server = if self.http.is_unencrypted() {
                    AuthorizationServer::danger_unencrypted_token_endpoint(endpoint)
                } else {
                    AuthorizationServer::from_token_endpoint(endpoint)
                };
                (server.context("--token-endpoint")?, self.audience_without_issuer())
            }
            (None, None) => {
                return Err(Failure::usage("the server", "needs --issuer or --token-endpoint"));
            }
        };
        for (endpoint, url) in &self.endpoint {
            server = match endpoint {
                NamedEndpoint::Authenticated(endpoint) => server.with_endpoint(*endpoint, url),
                NamedEndpoint::Authorization => server.with_authorization_endpoint(url),
            }
            .context("--endpoint")?;
        }
        if self.accept_created {
            server = server.accept_created();
        }
        Ok((server, self.audience.clone().map(Audience::Exactly).or(audience)))
    }

    /// Without an issuer, the token endpoint stands in for it.
    fn audience_without_issuer(&self) -> Option<Audience> {
        match self.assertion.profile().and_then(|profile| profile.rules().audience()) {
            None | Some(Audience::Issuer) => Some(Audience::TokenEndpoint),
            Some(_) => None,
        }
    }

    fn discovery(&self, issuer: &str) -> Discovery {
        let mut discovery = Discovery::new(issuer);
        if let Some(expected) = &self.expect_issuer {
            discovery = discovery.expect_issuer(expected);
        }
        if self.http.is_unencrypted() {
            discovery = discovery.danger_allow_unencrypted();
        }
        discovery
    }
}

impl Prepared<'_> {
    /// What decides which token the client gets.
    pub(crate) fn describe(&self, fingerprint: &mut Fingerprint) {
        self.options.describe(fingerprint);
        fingerprint.add("key", &[self.key.thumbprint().to_string().as_str(), self.key.key_id().as_str()]);
        fingerprint.add("alg", &[self.key.algorithm().as_str()]);
    }

    /// Discovers the endpoints of the server, unless they are given.
    pub(crate) async fn connect(self, command: &'static str) -> Result<Connected, Failure> {
        let Self { options, key, http } = self;
        let (server, audience) = options.server(&http).await?;
        for unlisted in server.unlisted_algorithms(&key) {
            output::note(&format!("pkjwt: warning: {unlisted}"));
        }
        let server = Arc::new(server);
        let client = TokenClient::builder(Arc::clone(&server), &options.client_id, key)
            .try_assertion(|assertion| {
                let assertion = options.apply(assertion)?;
                Ok(match audience {
                    Some(audience) => assertion.audience(audience),
                    None => assertion,
                })
            })?
            .http(http)
            // The request, and another one with a corrected time.
            .deadline(options.http.timeout().saturating_mul(2))
            // The user sees the error, and can run the command again.
            .without_retries()
            .build()
            .context(command)?;
        Ok(Connected { client, server, command })
    }
}

impl Connected {
    /// The URL of an endpoint.
    pub(crate) fn endpoint(&self, endpoint: Endpoint) -> Result<String, Failure> {
        self.server.endpoint(endpoint).map(str::to_owned).map_err(|error| {
            let hint = format!("set it with --endpoint {}=URL", endpoint.metadata_name());
            Failure::caused(self.command, &error).hint(hint)
        })
    }
}
