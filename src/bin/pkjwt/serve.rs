//! `pkjwt serve`: the dev server on a loopback port, with one line for each request.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::StatusCode;
#[cfg(feature = "dev-server-tls")]
use private_key_jwt::PrivateKey;
#[cfg(feature = "dev-server-tls")]
use private_key_jwt::dev_server::RunningDevServer;
use private_key_jwt::dev_server::{ClientKeys, DevServer, DevServerBuilder};
use private_key_jwt::oauth::{Endpoint, OAuthError};
use private_key_jwt::{Algorithm, Profile};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::assertion::duration;
use crate::error::{Context, Failure};
#[cfg(feature = "dev-server-tls")]
use crate::new_file;
use crate::{key, output, pairs, profiles, public_keys, source};

const EXAMPLE: &str = "Example:
  pkjwt serve --client my-client=jwks.json
  pkjwt token --issuer http://127.0.0.1:8080/de7de7de-0000-4000-8000-000000000000/as \\
    --key key.pem --client-id my-client

The server is for development only: it grants every scope and tells every caller which check failed. It is also an
OpenID provider: a login with the scope openid gets an ID token.

Open the URL of the inspector in a browser to see each request with its checks, and to judge an assertion.

With --profile, the server demands what that provider demands, and refuses in its words, which say less. The log and
the inspector still say why. With --profile fapi2, authorization requests must also be pushed, refresh tokens are not
rotated, and tokens are signed with PS256.

By default, the longest lifetime of an assertion is 300 s, and each is accepted once. Some clients need more:
--longest-lifetime (MSAL 600s, Authlib and Zitadel 3600s), --reuse-assertions (MSAL), --accept-missing-jti (Kafka), and
--allow-host if they reach the server by another name than a loopback name, for example from a container.

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
    #[arg(long, value_name = "ID=FILE_OR_URL", required_unless_present = "clients")]
    client: Vec<String>,
    /// Folder with a file for each client, named CLIENT_ID.json or CLIENT_ID.pem. A file that
    /// cannot be used is named on stderr, and the others are registered
    #[arg(long, value_name = "DIR")]
    clients: Option<PathBuf>,
    /// Issuer whose JWTs the jwt-bearer grant accepts, and a file with its public keys, as for
    /// --client; may be repeated
    #[arg(long, value_name = "ISSUER=FILE")]
    trust_issuer: Vec<String>,
    /// Demand what this provider demands of assertions, and refuse in its words [default: the
    /// server's own rules]
    #[arg(long, value_parser = profiles::parser())]
    profile: Option<Profile>,
    /// Log in every browser as this user, so that the authorization endpoint shows no page
    #[arg(long, value_name = "SUBJECT", value_parser = subject)]
    log_in_as: Option<String>,
    /// Algorithm that access tokens are signed with [default: RS256, or PS256 with --profile fapi2]
    #[arg(long, value_name = "ALG", value_parser = key::algorithm_parser())]
    token_alg: Option<Algorithm>,
    /// Header typ of access tokens, such as JWT for resource servers that accept no other; an empty
    /// value omits it
    #[arg(long, value_name = "TYP", default_value = "at+jwt")]
    token_typ: String,
    /// Lifetime of access tokens and ID tokens: 30s, 10m, 1h, or plain seconds
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
    token_lifetime: Duration,
    /// How long JWK Sets are cached: the server's own by its readers (Cache-Control), and those of
    /// --client ID=URL by the server [default: the server's own not at all, those of clients until
    /// an assertion names another key]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    jwks_cache_time: Option<Duration>,
    /// Answer the first N token requests with this error status, for example 2=503
    #[arg(long, value_name = "N=STATUS", value_parser = failures)]
    fail_next: Option<(u32, StatusCode)>,
    /// Send every answer after this time
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = duration)]
    delay: Duration,
    /// How far the server's clock is ahead of the system's
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = duration, conflicts_with = "clock_behind")]
    clock_ahead: Duration,
    /// How far the server's clock is behind the system's
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = duration)]
    clock_behind: Duration,
    /// Longest lifetime of a client assertion: 300s, 10m, 1h, or plain seconds [default: that of
    /// --profile, or else 300s]
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    longest_lifetime: Option<Duration>,
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
    /// Origin in the issuer and in all endpoints, if clients reach the server under another URL
    /// than it listens on, through a proxy or in a container: scheme, host and port. Its host is
    /// allowed, as with --allow-host
    #[arg(long, value_name = "ORIGIN")]
    public_url: Option<String>,
    /// Print JSON, one object per line: the endpoints, then each request
    #[arg(long)]
    json: bool,
    #[cfg(feature = "dev-server-tls")]
    #[command(flatten)]
    tls: Tls,
}

/// https instead of http.
#[cfg(feature = "dev-server-tls")]
#[derive(clap::Args)]
struct Tls {
    /// Serve https with a new self-signed certificate, and write it to this file, for the --ca-file
    /// of clients
    #[arg(long, value_name = "FILE", conflicts_with = "tls_cert")]
    tls_self_signed: Option<PathBuf>,
    /// Serve https with this certificate chain (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of --tls-cert (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
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

/// The URLs of the server, under their metadata names, and that of its inspector.
fn endpoints(server: &DevServer) -> Result<Vec<(&'static str, String)>, OAuthError> {
    let metadata = server.authorization_server();
    let mut urls = vec![
        ("issuer", server.issuer().to_owned()),
        ("inspector", server.inspector().to_owned()),
        ("authorization_endpoint", metadata.authorization_endpoint()?.to_owned()),
    ];
    for endpoint in Endpoint::ALL {
        urls.push((endpoint.metadata_name(), metadata.endpoint(endpoint)?.to_owned()));
    }
    urls.push(("userinfo_endpoint", server.userinfo_endpoint().to_owned()));
    urls.push(("jwks_uri", server.jwks_uri().to_owned()));
    Ok(urls)
}

/// Prints an object in one line.
fn json_line(members: impl IntoIterator<Item = (&'static str, String)>) -> Result<(), Failure> {
    let members = members.into_iter().map(|(name, value)| (name.to_owned(), value.into()));
    output::line(&output::ascii(&Value::Object(members.collect()).to_string()))
}

pub(crate) fn address(text: &str) -> Result<SocketAddr, &'static str> {
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

/// N=STATUS.
fn failures(text: &str) -> Result<(u32, StatusCode), &'static str> {
    const EXPECTED: &str = "expected a number and an error status from 400 to 599, such as 2=503";
    let (n, status) = text.split_once('=').ok_or(EXPECTED)?;
    let n = n.parse().map_err(|_| EXPECTED)?;
    let status = StatusCode::from_bytes(status.as_bytes()).map_err(|_| EXPECTED)?;
    let is_error = status.is_client_error() || status.is_server_error();
    if is_error { Ok((n, status)) } else { Err(EXPECTED) }
}

impl Arguments {
    /// The settings of the server.
    fn builder(&self) -> Result<DevServerBuilder, Failure> {
        let typ = Some(self.token_typ.as_str()).filter(|typ| !typ.is_empty());
        let [ahead, behind] = [self.clock_ahead, self.clock_behind]
            .map(|duration| time::Duration::try_from(duration).unwrap_or(time::Duration::MAX));
        let mut builder = DevServer::builder()
            .clock(move || OffsetDateTime::now_utc().saturating_add(ahead).saturating_sub(behind))
            .token_media_type(typ)
            .token_lifetime(self.token_lifetime)
            .delay(self.delay);
        if let Some(profile) = &self.profile {
            builder = builder.profile(profile.clone());
        }
        if let Some(algorithm) = self.token_alg {
            builder = builder.token_algorithm(algorithm);
        }
        if let Some(lifetime) = self.longest_lifetime {
            builder = builder.longest_lifetime(lifetime);
        }
        if let Some(time) = self.jwks_cache_time {
            builder = builder.jwks_cache_time(time);
        }
        if let Some((n, status)) = self.fail_next {
            builder = builder.fail_next(n, status);
        }
        if self.reuse_assertions {
            builder = builder.reusable_assertions();
        }
        if self.accept_missing_jti {
            builder = builder.accept_missing_jti();
        }
        for host in &self.allow_host {
            builder = builder.allow_host(host);
        }
        if let Some(origin) = &self.public_url {
            builder = builder.public_url(origin);
        }
        #[cfg(feature = "dev-server-tls")]
        {
            builder = self.tls.apply(builder)?;
        }
        Ok(builder)
    }
}

#[cfg(feature = "dev-server-tls")]
impl Tls {
    fn apply(&self, builder: DevServerBuilder) -> Result<DevServerBuilder, Failure> {
        let read = |path| source::read(path, PrivateKey::MAX_FILE_LEN);
        Ok(match (&self.tls_self_signed, &self.tls_cert, &self.tls_key) {
            (Some(_), ..) => builder.tls(),
            (None, Some(certificates), Some(key)) => {
                builder.tls_with(read(certificates)?.to_vec(), read(key)?)
            }
            _ => builder,
        })
    }

    /// Writes the new certificate.
    fn write(&self, server: &RunningDevServer) -> Result<(), Failure> {
        if let (Some(path), Some(certificate)) = (&self.tls_self_signed, server.certificate_pem()) {
            new_file::check(path, true)?;
            new_file::write(path, certificate.as_bytes(), new_file::Readers::All, true)?;
        }
        Ok(())
    }
}

/// Registers the clients of a folder, and names the files that are none.
fn register_folder(server: &DevServer, folder: &Path) -> Result<(), Failure> {
    /// Further ones are counted.
    const NAMED: usize = 20;
    let outcome = server.register_folder(folder).context("--clients")?;
    if outcome.registered == 0 && outcome.refused.is_empty() {
        return Err(Failure::refused("--clients", format!("{} has no files", source::name(folder))));
    }
    let (named, others) = outcome.refused.split_at(outcome.refused.len().min(NAMED));
    for error in named {
        output::note(&Failure::caused("--clients", error).line());
    }
    if !others.is_empty() {
        output::note(&format!("pkjwt: --clients: {} more files cannot be used", others.len()));
    }
    if outcome.registered == 0 {
        return Err(Failure::refused("--clients", format!("{} has no usable file", source::name(folder))));
    }
    Ok(())
}

/// The time of a log line, in UTC.
pub(crate) fn timestamp() -> String {
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
        let is_json = arguments.json;
        let log = move |outcome: &str| {
            drop(if is_json {
                json_line([("time", timestamp()), ("request", outcome.to_owned())])
            } else {
                output::line(&output::printable(&format!("{} {outcome}", timestamp())))
            });
        };
        let server = arguments.builder()?.bind_with(arguments.listen, log).await.context("serve")?;
        #[cfg(feature = "dev-server-tls")]
        arguments.tls.write(&server)?;
        if let Some(folder) = &arguments.clients {
            register_folder(&server, folder)?;
        }
        for (id, keys) in clients {
            server.register(id, keys).context("--client")?;
        }
        for (issuer, keys) in issuers {
            server.trust_issuer(issuer, keys);
        }
        if let Some(subject) = &arguments.log_in_as {
            server.log_in_as(subject);
        }
        let urls = endpoints(&server).context("serve")?;
        if is_json {
            json_line(urls)?;
        } else {
            let lines: Vec<String> = urls.iter().map(|(name, url)| format!("{name}: {url}")).collect();
            output::line(&lines.join("\n"))?;
        }
        tokio::select! {
            () = server.wait() => Ok(()),
            interrupted = tokio::signal::ctrl_c() => interrupted.context("serve"),
        }
    })?
}
