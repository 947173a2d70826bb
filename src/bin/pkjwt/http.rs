//! The options of every command that sends requests: trust, time limits, and a look at the
//! requests.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use http::{HeaderValue, Request, Response};
use private_key_jwt::keys::BoxFuture;
use private_key_jwt::transport::{HttpClient, ReqwestClient, TransportError};
use time::OffsetDateTime;

use crate::assertion::positive_duration;
use crate::error::{Context, Failure};
use crate::{source, trace};

/// How requests are sent.
#[derive(clap::Args)]
#[command(next_help_heading = "HTTP")]
pub(crate) struct HttpOptions {
    /// Also trust these certificates: those of CAs, or a self-signed one with CA:FALSE
    #[arg(long, value_name = "PEM")]
    ca_file: Option<PathBuf>,
    /// Allow plain http to any host: everyone on the network path can read and use the tokens
    #[arg(long)]
    danger_unencrypted: bool,
    /// User-Agent of the requests [default: private-key-jwt/VERSION]
    #[arg(long, value_name = "TEXT", value_parser = user_agent)]
    user_agent: Option<HeaderValue>,
    /// Time limit of each request: 5s, 1m, or plain seconds [default: 20s]
    #[arg(long, value_name = "DURATION", value_parser = positive_duration)]
    timeout: Option<Duration>,
    /// Show each request and answer on stderr, with decoded assertions and without secrets
    #[arg(long)]
    verbose: bool,
}

fn user_agent(text: &str) -> Result<HeaderValue, &'static str> {
    let value = HeaderValue::from_str(text).ok().filter(|value| !value.is_empty());
    value.ok_or("expected one line of text, such as my-program/1.0")
}

impl HttpOptions {
    /// The file to read, which may be standard input.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    /// Whether plain http may go to any host.
    pub(crate) const fn is_unencrypted(&self) -> bool {
        self.danger_unencrypted
    }

    /// Whether requests are shown.
    pub(crate) const fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// The time limit of a request.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(ReqwestClient::TIMEOUT)
    }

    /// Reads the certificates.
    pub(crate) fn client(&self) -> Result<Http, Failure> {
        let http = build(self.ca_file.as_deref(), self.user_agent.as_ref())?.with_timeout(self.timeout());
        let http = if self.danger_unencrypted { http.danger_allow_unencrypted() } else { http };
        Ok(Http { http, verbose: self.verbose })
    }
}

/// Sends requests, and shows them with `--verbose`.
#[derive(Clone)]
pub(crate) struct Http {
    http: ReqwestClient,
    verbose: bool,
}

impl HttpClient for Http {
    fn send(&self, request: Request<Vec<u8>>) -> BoxFuture<'_, Result<Response<Vec<u8>>, TransportError>> {
        if !self.verbose {
            return self.http.send(request);
        }
        trace::request(&request);
        Box::pin(async {
            let begun = Instant::now();
            let answer = self.http.send(request).await;
            let elapsed = begun.elapsed();
            match &answer {
                Ok(response) => trace::response(response, elapsed, OffsetDateTime::now_utc()),
                Err(_) => trace::failure(elapsed),
            }
            answer
        })
    }
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn build(ca_file: Option<&Path>, user_agent: Option<&HeaderValue>) -> Result<ReqwestClient, Failure> {
    /// Maximum size of a file of certificates, in bytes. The usual bundles have a quarter of it.
    const MAX_LEN: usize = 1 << 20;
    let mut certificates = Vec::new();
    if let Some(path) = ca_file {
        let bytes = source::read(path, MAX_LEN)?;
        if bytes.len() > MAX_LEN {
            return Err(Failure::refused(source::name(path), "too long for a certificate file"));
        }
        certificates = reqwest::Certificate::from_pem_bundle(&bytes).context(source::name(path))?;
        if certificates.is_empty() {
            return Err(Failure::refused(source::name(path), "contains no PEM certificate"));
        }
    }
    let configure = |builder| {
        let trust = reqwest::ClientBuilder::add_root_certificate;
        named(certificates.iter().cloned().fold(builder, trust), user_agent)
    };
    ReqwestClient::build(configure).context(ca_file.map_or("the HTTP client".to_owned(), source::name))
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
fn build(ca_file: Option<&Path>, user_agent: Option<&HeaderValue>) -> Result<ReqwestClient, Failure> {
    match ca_file {
        Some(path) => Err(Failure::usage(source::name(path), "this program was built without TLS")),
        None => ReqwestClient::build(|builder| named(builder, user_agent)).context("the HTTP client"),
    }
}

fn named(builder: reqwest::ClientBuilder, user_agent: Option<&HeaderValue>) -> reqwest::ClientBuilder {
    match user_agent {
        Some(name) => builder.user_agent(name.clone()),
        None => builder,
    }
}
