//! `pkjwt doctor`: finds out why a server rejects a client. The checks are the library's; this file
//! reads the arguments and prints.

mod print;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::builder::NonEmptyStringValueParser;
use private_key_jwt::dev_server::ClientKeys;
use private_key_jwt::doctor::{self, ExpectedAssertion, KeySource, Report, Setup};
use private_key_jwt::jose::SecretForm;
use private_key_jwt::keys::KeyError;
use private_key_jwt::oauth::ClientAssertionBuilder;
use private_key_jwt::transport::MetadataSource;
use private_key_jwt::{
    Algorithm, Audience, AuthorizationServer, ClientAssertion, ClientAssertionVerifier, Discovery, JwkSet,
    PrivateKey, Profile,
};
use time::OffsetDateTime;

use crate::assertion::AssertionOptions;
use crate::error::{Context, Failure};
use crate::http::HttpOptions;
use crate::key::{self, KeyOptions, algorithm_parser};
use crate::{public_keys, source, verify};

const EXAMPLE: &str = "Examples:
  pkjwt doctor --issuer https://as.example --client-id my-client --key key.pem
  pkjwt doctor --issuer https://as.example --client-id my-client --key key.pem --jwks-url https://app.example/jwks
  pkjwt doctor --issuer https://as.example --client-id my-client --key key.pem --probe
  pkjwt doctor --assertion assertion.jwt --profile okta
  pkjwt doctor --explain 'AADSTS700027: Client assertion contains an invalid signature'

Nothing secret is printed, so the output can go into a ticket. The doctor sends one real token request; with --probe,
at most twelve. Servers count failed requests. Only the server and the JWKS URL are contacted. The exit status is 1 if
something is wrong.";

/// Find out why a server rejects a client
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// Issuer of the authorization server, or the URL of its metadata document
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new(),
        required_unless_present_any = ["token_endpoint", "assertion", "explain"])]
    issuer: Option<String>,
    /// Token endpoint, for a server without discovery
    #[arg(long, value_name = "URL", conflicts_with = "issuer", value_parser = NonEmptyStringValueParser::new())]
    token_endpoint: Option<String>,
    /// Issuer that the metadata must name if it differs from --issuer
    #[arg(long, value_name = "URL", conflicts_with = "token_endpoint", value_parser = NonEmptyStringValueParser::new())]
    expect_issuer: Option<String>,
    /// Client id, as registered with the server
    #[arg(long, value_name = "ID", required_unless_present_any = ["assertion", "explain"])]
    client_id: Option<String>,
    /// Private key: a file, - for standard input, or env:VAR for an environment variable
    #[arg(long, value_name = "KEY", required_unless_present_any = ["assertion", "explain"])]
    key: Option<PathBuf>,
    #[command(flatten)]
    options: KeyOptions,
    /// Algorithm to sign with [default: the one in the file, or the usual one for the type of key]
    #[arg(long, value_name = "ALG", value_parser = algorithm_parser())]
    alg: Option<Algorithm>,
    /// Key id (kid) [default: the one in the file, or the RFC 7638 thumbprint]
    #[arg(long, value_name = "KID", value_parser = NonEmptyStringValueParser::new())]
    kid: Option<String>,
    /// Audience of the assertion [default: the profile's, or else the issuer]
    #[arg(long, value_name = "URL")]
    audience: Option<String>,
    /// Scope to request; may be repeated
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// URL of the client's JWKS, as registered with the server
    #[arg(long, value_name = "URL", conflicts_with = "jwks", value_parser = NonEmptyStringValueParser::new())]
    jwks_url: Option<String>,
    /// File with the client's JWKS, as registered with the server
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// If the server rejects the assertion, try the settings that servers differ in: at most
    /// twelve requests
    #[arg(long, conflicts_with = "offline")]
    probe: bool,
    /// Send nothing
    #[arg(long)]
    offline: bool,
    /// Judge this assertion of another library by the rules of --profile: a file, or - for standard
    /// input
    #[arg(long, value_name = "FILE")]
    assertion: Option<PathBuf>,
    /// Look up a message of a server or of its log; - reads standard input
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    explain: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: AssertionOptions,
    #[command(flatten)]
    http: HttpOptions,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let paths = [&arguments.key, &arguments.jwks, &arguments.assertion];
    let paths = paths.into_iter().flatten().map(PathBuf::as_path);
    let text = arguments.explain.iter().map(Path::new);
    source::one_stdin(paths.chain(text).chain(arguments.http.path()))?;
    let report = match (&arguments.explain, &arguments.assertion) {
        (Some(text), _) => doctor::explain(&message(text)?),
        (None, Some(path)) => assertion(arguments, path)?,
        (None, None) => {
            let setup = setup(arguments)?;
            crate::block_on(doctor::examine(&setup))?
        }
    };
    print::report(&report, arguments.json)?;
    match print::wrong(&report) {
        0 => Ok(()),
        1 => Err(Failure::refused("doctor", "1 check failed")),
        several => Err(Failure::refused("doctor", format!("{several} checks failed"))),
    }
}

fn message(text: &str) -> Result<String, Failure> {
    /// The longest message that is read, in bytes.
    const LIMIT: usize = 64 * 1024;
    if text != "-" {
        return Ok(text.to_owned());
    }
    let bytes = source::read(Path::new(text), LIMIT)?;
    Ok(String::from_utf8_lossy(bytes.get(..LIMIT).unwrap_or(&bytes)).into_owned())
}

fn setup(arguments: &Arguments) -> Result<Setup, Failure> {
    let client_id = arguments.client_id.clone().unwrap_or_default();
    let change = change(arguments)?;
    let key = key(arguments)?;
    let mut setup = Setup::new(server(arguments)?, client_id, key)
        .assertion(change)
        .scope(arguments.scope.iter().map(String::as_str).collect::<private_key_jwt::Scope>());
    if let Some(profile) = arguments.settings.profile() {
        setup = setup.profile(profile.clone());
    }
    if let Some(url) = &arguments.jwks_url {
        setup = setup.jwks_url(url);
    }
    setup = match &arguments.jwks {
        Some(path) if source::is_stdin(path) => {
            // The copy is wiped with the setup, and the doctor refuses it if it is too long.
            setup.jwks(source::read(path, PrivateKey::MAX_FILE_LEN)?.to_vec())
        }
        Some(path) => setup.jwks_file(path),
        None => setup,
    };
    if arguments.offline {
        return Ok(setup.offline());
    }
    setup = setup.http(arguments.http.client()?);
    Ok(if arguments.probe { setup.probe() } else { setup })
}

fn server(arguments: &Arguments) -> Result<MetadataSource, Failure> {
    if let Some(endpoint) = &arguments.token_endpoint {
        return Ok(endpoint_alone(arguments, endpoint)?.into());
    }
    Ok(discovery(arguments, arguments.issuer.as_deref().unwrap_or_default()).into())
}

fn endpoint_alone(arguments: &Arguments, endpoint: &str) -> Result<AuthorizationServer, Failure> {
    if arguments.http.is_unencrypted() {
        AuthorizationServer::danger_unencrypted_token_endpoint(endpoint)
    } else {
        AuthorizationServer::from_token_endpoint(endpoint)
    }
    .context("--token-endpoint")
}

fn discovery(arguments: &Arguments, issuer: &str) -> Discovery {
    let mut discovery = Discovery::new(issuer);
    if let Some(expected) = &arguments.expect_issuer {
        discovery = discovery.expect_issuer(expected);
    }
    if arguments.http.is_unencrypted() { discovery.danger_allow_unencrypted() } else { discovery }
}

/// The key, or why it cannot be used, which is a finding like others.
fn key(arguments: &Arguments) -> Result<KeySource, Failure> {
    let Some(path) = &arguments.key else {
        return Err(Failure::usage("--key", "is missing"));
    };
    let is_file = !source::is_stdin(path) && !path.to_string_lossy().starts_with("env:");
    let unreadable = |error: std::io::Error| KeyError::File { path: path.clone(), source: Arc::new(error) };
    let loaded = if is_file && SecretForm::suspect(&path.to_string_lossy()).is_none() {
        match source::contents(path, PrivateKey::MAX_FILE_LEN) {
            Ok(bytes) => key::examined(&source::name(path), &bytes, &arguments.options)?,
            Err(error) => Err(unreadable(error)),
        }
    } else {
        let bytes = source::read(path, PrivateKey::MAX_FILE_LEN)?;
        key::examined(&source::name(path), &bytes, &arguments.options)?
    };
    let loaded = match arguments.alg {
        Some(algorithm) => loaded.and_then(|key| key.with_algorithm(algorithm)),
        None => loaded,
    };
    let loaded = loaded.map(|key| match &arguments.kid {
        Some(kid) => key.with_key_id(kid.as_str()),
        None => key,
    });
    let source = KeySource::from(loaded);
    Ok(if is_file { source.permissions_of(path) } else { source })
}

/// The settings of the assertion. They are checked once here, so that they cannot fail later.
fn change(
    arguments: &Arguments,
) -> Result<impl Fn(ClientAssertionBuilder) -> ClientAssertionBuilder + Send + Sync + use<>, Failure> {
    arguments.settings.apply(ClientAssertion::builder_for_audience("client", "unknown"))?;
    let (settings, audience) = (arguments.settings.clone(), arguments.audience.clone());
    Ok(move |builder: ClientAssertionBuilder| {
        let builder = settings.apply(builder.clone()).unwrap_or(builder);
        match &audience {
            Some(audience) => builder.audience(Audience::Exactly(audience.clone())),
            None => builder,
        }
    })
}

/// Judges an assertion that another library made.
fn assertion(arguments: &Arguments, path: &Path) -> Result<Report, Failure> {
    const LIMIT: usize = ClientAssertionVerifier::MAX_ASSERTION_LEN;
    let bytes = source::read(path, LIMIT)?;
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return Err(Failure::refused(source::name(path), "not a JWT: it is not text"));
    };
    let profile = arguments.settings.profile().cloned().unwrap_or_else(Profile::default);
    let mut expected = ExpectedAssertion::new(profile);
    if let Some(client_id) = &arguments.client_id {
        expected = expected.client_id(client_id);
    }
    if let Some(server) = expected_server(arguments)? {
        expected = expected.server(server);
    } else if let Some(issuer) = &arguments.issuer {
        expected = expected.issuer(discovery(arguments, issuer).issuer());
    }
    if let Some(keys) = expected_keys(arguments)? {
        expected = expected.keys(keys);
    }
    Ok(expected.examine(text, OffsetDateTime::now_utc()))
}

/// The server that an assertion is for, if its endpoints are known.
fn expected_server(arguments: &Arguments) -> Result<Option<AuthorizationServer>, Failure> {
    if let Some(endpoint) = &arguments.token_endpoint {
        return endpoint_alone(arguments, endpoint).map(Some);
    }
    let Some(issuer) = &arguments.issuer else { return Ok(None) };
    if !arguments.offline {
        let http = arguments.http.client()?;
        match crate::block_on(discovery(arguments, issuer).discover_with(&http))?.context("--issuer") {
            Ok(server) => return Ok(Some(server)),
            Err(failure) => {
                crate::output::note(&failure.hint("aud is compared with the issuer alone").line());
            }
        }
    }
    discovery(arguments, issuer).urls().context("--issuer")?;
    Ok(None)
}

fn expected_keys(arguments: &Arguments) -> Result<Option<JwkSet>, Failure> {
    if let Some(url) = arguments.jwks_url.as_ref().filter(|_| !arguments.offline) {
        return verify::fetch(&arguments.http, url).map(Some);
    }
    let Some(path) = &arguments.jwks else { return Ok(None) };
    Ok(match public_keys::load(&path.to_string_lossy())? {
        ClientKeys::Jwks(set) => Some(set),
        ClientKeys::PublicKey(key) => Some(key.jwk().clone().into()),
        _ => None,
    })
}
