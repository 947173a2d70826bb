//! `pkjwt serve`: the dev server on a loopback port, with one line for each request.

use std::net::SocketAddr;
use std::time::Duration;

use private_key_jwt::Algorithm;
use private_key_jwt::dev_server::{ClientKeys, DevServer};
use private_key_jwt::oauth::{Endpoint, OAuthError};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::assertion::duration;
use crate::error::{Context, Failure};
use crate::{key, output, pairs, public_keys};

const EXAMPLE: &str = "Example:
  pkjwt serve --client my-client=jwks.json
  pkjwt token --issuer http://127.0.0.1:8080/de7de7de-0000-4000-8000-000000000000/as \\
    --key key.pem --client-id my-client

The server is for development only: it grants every scope and tells every caller which check failed. It is also an
OpenID provider: a login with the scope openid gets an ID token.

By default, an assertion lives for 300 s at most and is accepted once. Some clients need more: --longest-lifetime (MSAL
600s, Authlib and zitadel 3600s), --reuse-assertions (MSAL), --accept-missing-jti (Kafka), and --allow-host if they
reach the server by another name than a loopback name, for example from a container.

When a device login begins, the log shows the URL where the user approves or denies it. Without a browser:
  curl -d user_code=CODE -d decision=approve -d subject=user-1 ISSUER/device";

/// Run a small, strict authorization server for development
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// Loopback address to listen on; port 0 picks any free port
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8080", value_parser = address)]
    listen: SocketAddr,
    /// Client and its public keys: a file (JWK Set, JWK, certificate or public key) or the URL of
    /// a JWK Set; may be repeated
    #[arg(long, value_name = "ID=FILE_OR_URL", required = true)]
    client: Vec<String>,
    /// Issuer whose JWTs the jwt-bearer grant accepts, and a file with its public keys, as for
    /// --client; may be repeated
    #[arg(long, value_name = "ISSUER=FILE")]
    trust_issuer: Vec<String>,
    /// Log in every browser as this user, so that the authorization endpoint shows no page
    #[arg(long, value_name = "SUBJECT", value_parser = subject)]
    log_in_as: Option<String>,
    /// Algorithm that access tokens are signed with
    #[arg(long, value_name = "ALG", default_value = "RS256", value_parser = key::algorithm_parser())]
    token_alg: Algorithm,
    /// Header typ of access tokens, such as JWT for resource servers that accept no other; an empty
    /// value omits it
    #[arg(long, value_name = "TYP", default_value = "at+jwt")]
    token_typ: String,
    /// Maximum lifetime of a client assertion: 300s, 10m, 1h, or plain seconds
    #[arg(long, value_name = "DURATION", default_value = "300s", value_parser = lifetime)]
    longest_lifetime: Duration,
    /// Accept an assertion repeatedly until it expires, for clients that reuse one (MSAL)
    #[arg(long)]
    reuse_assertions: bool,
    /// Accept assertions without jti, for clients that send none (Kafka). RFC 7523 makes jti
    /// optional, OpenID Connect requires it
    #[arg(long)]
    accept_missing_jti: bool,
    /// Also answer requests to this host name, such as host.docker.internal; may be repeated. A
    /// site that controls what the name resolves to can then make its pages call the server from
    /// your browser
    #[arg(long, value_name = "HOST[:PORT]")]
    allow_host: Vec<String>,
}

/// The public keys in NAME=SOURCE arguments.
fn named<'a>(
    option: &'static str,
    form: &str,
    arguments: &'a [String],
) -> Result<Vec<(&'a str, ClientKeys)>, Failure> {
    let sources = pairs::distinct(option, form, arguments)?;
    let empty = || Failure::usage(option, format!("expected {form}"));
    let load = |(name, source): (&'a str, &str)| {
        if source.is_empty() { Err(empty()) } else { Ok((name, public_keys::load(source)?)) }
    };
    sources.into_iter().map(load).collect()
}

/// The URLs of the server, under their metadata names.
fn endpoints(server: &DevServer) -> Result<String, OAuthError> {
    let metadata = server.authorization_server();
    let mut lines = format!("issuer: {}\n", server.issuer());
    lines.push_str(&format!("authorization_endpoint: {}\n", metadata.authorization_endpoint()?));
    for endpoint in Endpoint::ALL {
        lines.push_str(&format!("{}: {}\n", endpoint.metadata_name(), metadata.endpoint(endpoint)?));
    }
    lines.push_str(&format!("userinfo_endpoint: {}\n", server.userinfo_endpoint()));
    lines.push_str(&format!("jwks_uri: {}", server.jwks_uri()));
    Ok(lines)
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "expected an IP address and a port, such as 127.0.0.1:8080")
}

/// Accepts the same subjects as the server's page (OpenID Connect Core §2).
fn subject(text: &str) -> Result<String, &'static str> {
    let is_printable = text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    if (1..=255).contains(&text.len()) && is_printable {
        Ok(text.to_owned())
    } else {
        Err("expected 1 to 255 characters of printable ASCII")
    }
}

fn lifetime(text: &str) -> Result<Duration, &'static str> {
    match duration(text) {
        Ok(Duration::ZERO) => Err("must be at least one second"),
        other => other,
    }
}

/// The time of a log line, in UTC.
fn timestamp() -> String {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(0).unwrap_or(now).format(&Rfc3339).unwrap_or_default()
}

/// Runs the command until it is interrupted.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let clients = named("--client", "ID=FILE_OR_URL", &arguments.client)?;
    let issuers = named("--trust-issuer", "ISSUER=FILE", &arguments.trust_issuer)?;
    let no_url = |_: &str| Err(Failure::usage("--trust-issuer", "needs a file, not a URL"));
    let issuers = issuers.into_iter().map(|(id, keys)| Ok((id, public_keys::set(keys, no_url)?)));
    let issuers = issuers.collect::<Result<Vec<_>, Failure>>()?;
    crate::block_on(async {
        // Requests are served even if no one reads the log.
        let log = |outcome: &str| {
            drop(output::line(&output::printable(&format!("{} {outcome}", timestamp()))));
        };
        let typ = Some(arguments.token_typ.as_str()).filter(|typ| !typ.is_empty());
        let mut builder = DevServer::builder()
            .token_algorithm(arguments.token_alg)
            .token_media_type(typ)
            .longest_lifetime(arguments.longest_lifetime);
        if arguments.reuse_assertions {
            builder = builder.reusable_assertions();
        }
        if arguments.accept_missing_jti {
            builder = builder.accept_missing_jti();
        }
        for host in &arguments.allow_host {
            builder = builder.allow_host(host);
        }
        let server = builder.bind_with(arguments.listen, log).await.context("serve")?;
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
