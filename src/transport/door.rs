//! The one place where HTTP clients are built: every client that sends an assertion or a token is
//! built here. The rules are set last, so the user's settings cannot override them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::redirect::Policy;

use super::TransportError;

pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
pub(super) const TIMEOUT: Duration = Duration::from_secs(20);
pub(super) const USER_AGENT: &str = concat!("private-key-jwt/", env!("CARGO_PKG_VERSION"));

/// One client for remote hosts, and one for loopback. Clones share the connections.
#[derive(Clone)]
pub(super) struct Clients {
    pub(super) remote: reqwest::Client,
    pub(super) loopback: reqwest::Client,
}

impl Clients {
    pub(super) fn build(
        configure: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
    ) -> Result<Self, TransportError> {
        let pinned = || pinned(configure(builder()));
        Ok(Self { remote: client(pinned())?, loopback: client(pinned().no_proxy())? })
    }
}

/// What the user's settings start from.
pub(super) fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder().user_agent(USER_AGENT)
}

/// Pins `localhost` to the loopback addresses, because plain http may go there.
pub(super) fn pinned(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    let localhost = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    builder.resolve_to_addrs("localhost", &localhost.map(|address| SocketAddr::new(address, 0)))
}

/// A client for requests with an assertion: no redirects, and a limit on the total time.
pub(super) fn client(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, TransportError> {
    built(builder.redirect(Policy::none()).timeout(TIMEOUT))
}

/// A client for requests to resource servers, with a policy that keeps tokens at their origins. How
/// long a request may take in all is up to the user.
#[cfg(feature = "reqwest-middleware")]
pub(crate) fn client_with_tokens(
    builder: reqwest::ClientBuilder,
    redirects: Policy,
) -> Result<reqwest::Client, TransportError> {
    built(pinned(builder).redirect(redirects))
}

fn built(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, TransportError> {
    builder
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .build()
        .map_err(|error| TransportError::Build(error.into()))
}
