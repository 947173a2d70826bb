//! `pkjwt serve`: the dev server on a loopback port, with one line for each request.

use std::net::SocketAddr;

use private_key_jwt::dev_server::DevServer;

use crate::error::{Context, Failure};
use crate::{output, public_keys};

const EXAMPLE: &str = "Example:
  pkjwt serve --client my-client=jwks.json
  pkjwt token --issuer http://127.0.0.1:8080/de7de7de-0000-4000-8000-000000000000/as \\
    --key key.pem --client-id my-client

The server is for development only: it grants every scope and tells whoever asks which check failed.";

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
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "an address is an IP address and a port, such as 127.0.0.1:8080")
}

/// Runs the command until it is interrupted.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut clients = Vec::new();
    for client in &arguments.client {
        let (id, source) = client
            .split_once('=')
            .filter(|(id, source)| !id.is_empty() && !source.is_empty())
            .ok_or_else(|| Failure::usage("--client", "a client is written ID=FILE_OR_URL"))?;
        if clients.iter().any(|(there, _)| *there == id) {
            return Err(Failure::usage("--client", format!("`{id}` is given more than once")));
        }
        clients.push((id, public_keys::load(source)?));
    }
    crate::block_on(async {
        // Requests are served whether or not somebody still reads about them.
        let log = |outcome: &str| drop(output::line(&output::printable(outcome)));
        let server = DevServer::bind_with(arguments.listen, log).await.context("serve")?;
        for (id, keys) in clients {
            server.register(id, keys).context("--client")?;
        }
        output::line(&format!(
            "issuer: {}\ntoken_endpoint: {}\njwks_uri: {}",
            server.issuer(),
            server.token_endpoint(),
            server.jwks_uri()
        ))?;
        tokio::select! {
            () = server.wait() => Ok(()),
            interrupted = tokio::signal::ctrl_c() => interrupted.context("serve"),
        }
    })?
}
