//! `pkjwt serve`: the dev server on a loopback port, with one line for each request.

use std::net::SocketAddr;

use private_key_jwt::PublicKeySet;
use private_key_jwt::dev_server::{ClientKeys, DevServer};
use private_key_jwt::oauth::{Endpoint, OAuthError};

use crate::error::{Context, Failure};
use crate::{output, public_keys};

const EXAMPLE: &str = "Example:
  pkjwt serve --client my-client=jwks.json
  pkjwt token --issuer http://127.0.0.1:8080/de7de7de-0000-4000-8000-000000000000/as \\
    --key key.pem --client-id my-client

The server is for development only: it grants every scope and tells whoever asks which check failed. When a device
login begins, the log has the URL at which it is approved or denied; without a browser:
  curl -d user_code=CODE -d decision=approve -d subject=user-1 ISSUER/device";

/// Run a small, strict authorization server for development
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// The loopback address to listen on; port 0 is any free port
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8080", value_parser = address)]
    listen: SocketAddr,
    /// A client and its public keys: a file (JWK Set, JWK, certificate or public key) or the URL of a JWK Set; may be
    /// repeated
    #[arg(long, value_name = "ID=FILE_OR_URL", required = true)]
    client: Vec<String>,
    /// Somebody whose JWTs are good for a token (the jwt-bearer grant), and the public keys, a file as for --client; may
    /// be repeated
    #[arg(long, value_name = "ISSUER=FILE")]
    trust_issuer: Vec<String>,
    /// The user of every browser: the authorization endpoint then shows no page
    #[arg(long, value_name = "SUBJECT")]
    log_in_as: Option<String>,
}

/// NAME=SOURCE, each name once.
fn named<'a>(
    option: &'static str,
    form: &'static str,
    arguments: &'a [String],
) -> Result<Vec<(&'a str, ClientKeys)>, Failure> {
    let mut found = Vec::new();
    for argument in arguments {
        let (name, source) = argument
            .split_once('=')
            .filter(|(name, source)| !name.is_empty() && !source.is_empty())
            .ok_or_else(|| Failure::usage(option, form))?;
        if found.iter().any(|(there, _)| *there == name) {
            return Err(Failure::usage(option, format!("`{name}` is given more than once")));
        }
        found.push((name, public_keys::load(source)?));
    }
    Ok(found)
}

fn key_set(keys: ClientKeys) -> Result<PublicKeySet, Failure> {
    match keys {
        ClientKeys::Jwks(jwks) => Ok(jwks.into()),
        ClientKeys::PublicKey(key) => Ok(key.into()),
        _ => Err(Failure::usage("--trust-issuer", "the keys of an issuer are a file")),
    }
}

/// Where everything is, under the names of the metadata.
fn endpoints(server: &DevServer) -> Result<String, OAuthError> {
    let metadata = server.authorization_server();
    let mut lines = format!("issuer: {}\n", server.issuer());
    lines.push_str(&format!("authorization_endpoint: {}\n", metadata.authorization_endpoint()?));
    for endpoint in Endpoint::ALL {
        lines.push_str(&format!("{}: {}\n", endpoint.metadata_name(), metadata.endpoint(endpoint)?));
    }
    lines.push_str(&format!("jwks_uri: {}", server.jwks_uri()));
    Ok(lines)
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "an address is an IP address and a port, such as 127.0.0.1:8080")
}

/// Runs the command until it is interrupted.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let clients = named("--client", "a client is written ID=FILE_OR_URL", &arguments.client)?;
    let issuers = named("--trust-issuer", "an issuer is written ISSUER=FILE", &arguments.trust_issuer)?;
    let issuers = issuers.into_iter().map(|(id, keys)| Ok((id, key_set(keys)?)));
    let issuers = issuers.collect::<Result<Vec<_>, Failure>>()?;
    crate::block_on(async {
        // Requests are served whether or not somebody still reads about them.
        let log = |outcome: &str| drop(output::line(&output::printable(outcome)));
        let server = DevServer::bind_with(arguments.listen, log).await.context("serve")?;
        for (id, keys) in clients {
            server.register(id, keys).context("--client")?;
        }
        for (issuer, keys) in issuers {
            server.trust_issuer(issuer, keys);
        }
        if let Some(subject) = &arguments.log_in_as {
            server.log_in_as(subject);
        }
        output::line(&endpoints(&server).context("serve")?)?;
        tokio::select! {
            () = server.wait() => Ok(()),
            interrupted = tokio::signal::ctrl_c() => interrupted.context("serve"),
        }
    })?
}
