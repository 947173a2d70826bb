//! `pkjwt verify`: checks a client assertion as an authorization server does, but for the replay.

use std::path::Path;

use private_key_jwt::dev_server::ClientKeys;
use private_key_jwt::transport::{HttpClient, ReqwestClient};
use private_key_jwt::{ClientAssertionVerifier, JwkSet, PublicKeySet};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::error::{Context, Failure};
use crate::{key, output, public_keys};

const EXAMPLE: &str = "Example:
  pkjwt assert --key key.pem --client-id my-client --audience https://as.example |
    pkjwt verify - --jwks jwks.json --issuer my-client --audience https://as.example";

/// Check a client assertion and print its claims; whether it was used before is for its server to know
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// The assertion, or - for standard input
    #[arg(value_name = "JWT")]
    jwt: String,
    /// The client's public keys: a file (JWK Set, JWK, certificate or public key) or the URL of a JWK Set
    #[arg(long, value_name = "FILE_OR_URL")]
    jwks: String,
    /// The client that the assertion should speak for (iss and sub)
    #[arg(long, value_name = "ID")]
    issuer: String,
    /// The authorization server that the assertion should be for (aud)
    #[arg(long, value_name = "URL")]
    audience: String,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.jwt == "-" && arguments.jwks == "-" {
        return Err(Failure::usage("-", "standard input holds the assertion or the keys, not both"));
    }
    let jwt = read(&arguments.jwt)?;
    let jwt = jwt.trim_ascii();
    let keys = public_keys::load(&arguments.jwks)?;

    let verifier = ClientAssertionVerifier::new(&arguments.audience);
    let unverified = verifier.parse_assertion(jwt).context("verify")?;
    if unverified.client_id() != arguments.issuer {
        let (found, expected) = (unverified.client_id(), &arguments.issuer);
        return Err(Failure::refused("verify", format!("iss is `{found:.128}`, expected is `{expected}`")));
    }
    let keys = match keys {
        ClientKeys::Jwks(jwks) => PublicKeySet::from(jwks),
        // A key without a name is the one that is meant, whatever the assertion calls it.
        ClientKeys::PublicKey(key) => key.into(),
        ClientKeys::JwksUrl(url) => fetch(&url)?.into(),
        _ => return Err(Failure::usage("--jwks", "not a source of keys")),
    };
    let verified = unverified.verify(&keys, None, OffsetDateTime::now_utc()).context("verify")?;
    output::json(&verified.claims())
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
