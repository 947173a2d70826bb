//! `pkjwt verify`: checks a client assertion as an authorization server does, but for the replay, or an access token as a
//! resource server does.

use std::path::Path;
use std::time::Duration;

use private_key_jwt::dev_server::ClientKeys;
use private_key_jwt::transport::{HttpClient, ReqwestClient};
use private_key_jwt::{AccessTokenVerifier, ClientAssertionVerifier, JwkSet, PublicKeySet};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::assertion::duration;
use crate::error::{Context, Failure};
use crate::{key, output, public_keys};

const EXAMPLE: &str = "Examples:
  pkjwt assert --key key.pem --client-id my-client --audience https://as.example |
    pkjwt verify - --jwks jwks.json --issuer my-client --audience https://as.example
  pkjwt token --issuer https://as.example --key key.pem --client-id my-client |
    pkjwt verify - --kind access-token --jwks https://as.example/jwks --issuer https://as.example \\
    --audience https://api.example --scope api:read

A token that somebody else could still use is better piped in: other users can see arguments.";

/// Check a client assertion or an access token, and print its claims
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// The JWT, or - for standard input
    #[arg(value_name = "JWT")]
    jwt: String,
    /// What the JWT is
    #[arg(long, value_enum, default_value_t = Kind::ClientAssertion)]
    kind: Kind,
    /// The public keys of whoever signed it: a file (JWK Set, JWK, certificate or public key) or the URL of a JWK Set
    #[arg(long, value_name = "FILE_OR_URL")]
    jwks: String,
    /// Who should have signed it (iss): the client, or the authorization server that issued the token
    #[arg(long, value_name = "ISSUER")]
    issuer: String,
    /// Whom it should be for (aud): the authorization server, or the resource server
    #[arg(long, value_name = "URL")]
    audience: String,
    /// How much the clocks may differ, 60s at most [default: 10s]
    #[arg(long, value_name = "DURATION", value_parser = leeway)]
    leeway: Option<Duration>,
    /// A scope that the access token must have; may be repeated
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// Take an access token whose typ is JWT or missing, from an issuer that does not follow RFC 9068; an ID token of
    /// the same audience passes too
    #[arg(long)]
    accept_untyped: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// By which a client authenticates (RFC 7523); whether it was used before is for its server to know
    ClientAssertion,
    /// For a resource server (RFC 9068)
    AccessToken,
}

/// The library would take a longer one for the longest.
fn leeway(text: &str) -> Result<Duration, &'static str> {
    const LONGEST: Duration = AccessTokenVerifier::MAX_LEEWAY;
    duration(text)
        .and_then(|leeway| if leeway <= LONGEST { Ok(leeway) } else { Err("clocks differ by 60s at most") })
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let is_access_token = arguments.kind == Kind::AccessToken;
    for (option, given) in
        [("--scope", !arguments.scope.is_empty()), ("--accept-untyped", arguments.accept_untyped)]
    {
        if given && !is_access_token {
            return Err(Failure::usage(option, "is for --kind access-token"));
        }
    }
    key::one_stdin([&arguments.jwt, &arguments.jwks].map(Path::new))?;
    let jwt = read(&arguments.jwt)?;
    let keys = public_keys::load(&arguments.jwks)?;
    if is_access_token {
        access_token(arguments, jwt.trim_ascii(), keys)
    } else {
        client_assertion(arguments, jwt.trim_ascii(), keys)
    }
}

fn client_assertion(arguments: &Arguments, jwt: &str, keys: ClientKeys) -> Result<(), Failure> {
    let mut verifier = ClientAssertionVerifier::new(&arguments.audience);
    if let Some(leeway) = arguments.leeway {
        verifier = verifier.leeway(leeway);
    }
    let unverified = verifier.parse_assertion(jwt).context("verify")?;
    if unverified.client_id() != arguments.issuer {
        let (found, expected) = (unverified.client_id(), &arguments.issuer);
        return Err(Failure::refused("verify", format!("iss is `{found:.128}`, expected is `{expected}`")));
    }
    let keys = key_set(keys)?;
    let verified = unverified.verify(&keys, None, OffsetDateTime::now_utc()).context("verify")?;
    output::json(&verified.claims())
}

fn access_token(arguments: &Arguments, jwt: &str, keys: ClientKeys) -> Result<(), Failure> {
    let mut verifier = AccessTokenVerifier::new(&arguments.issuer, &arguments.audience)
        .require_scope(arguments.scope.as_slice());
    if let Some(leeway) = arguments.leeway {
        verifier = verifier.leeway(leeway);
    }
    if arguments.accept_untyped {
        verifier = verifier.accept_untyped();
    }
    let claims = verifier.verify(&key_set(keys)?, jwt, OffsetDateTime::now_utc()).context("verify")?;
    output::json(&claims.all())
}

fn key_set(keys: ClientKeys) -> Result<PublicKeySet, Failure> {
    match keys {
        ClientKeys::Jwks(jwks) => Ok(PublicKeySet::from(jwks)),
        // A key without a name is the one that is meant, whatever the JWT calls it.
        ClientKeys::PublicKey(key) => Ok(key.into()),
        ClientKeys::JwksUrl(url) => fetch(&url).map(PublicKeySet::from),
        _ => Err(Failure::usage("--jwks", "not a source of keys")),
    }
}

fn read(jwt: &str) -> Result<Zeroizing<String>, Failure> {
    if jwt != "-" {
        return Ok(Zeroizing::new(jwt.to_owned()));
    }
    // White space around it, and a byte more than is accepted.
    let bytes = key::read(Path::new(jwt), ClientAssertionVerifier::MAX_ASSERTION_LEN + 1024)?;
    let text = std::str::from_utf8(&bytes).context("standard input")?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn fetch(url: &str) -> Result<JwkSet, Failure> {
    let request = http::Request::get(url).header(http::header::ACCEPT, "application/json").body(Vec::new());
    let request = request.context(url)?;
    let http = ReqwestClient::new().context("verify")?;
    let response = crate::block_on(http.send(request))?.context(url)?;
    if response.status() != http::StatusCode::OK {
        return Err(Failure::refused(url, format!("answered {}", response.status().as_u16())));
    }
    JwkSet::from_json(response.body()).context(url)
}
