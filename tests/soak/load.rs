//! Callers that request a token two hundred times a second, for a minute.

use std::time::Duration;

use private_key_jwt::{Error, TokenClient};

use crate::server::Server;
use crate::support::key;
use crate::support::load::{self, Outcome};

pub(crate) const DURATION: Duration = Duration::from_secs(60);
const CALLS_PER_SECOND: u32 = 200;
/// The lifetime of a token, in seconds.
pub(crate) const LIFE: u32 = 2;

/// Calls one source of this server's tokens.
pub(crate) async fn run(server: &Server) -> Outcome<Error> {
    let client = TokenClient::new(server.metadata(), "client", key("p256.pkcs8.pem")).unwrap();
    let tokens = client.source("api:read");
    let minute = tokio::time::sleep(DURATION);
    let ((), outcome) = load::during(minute, CALLS_PER_SECOND, || {
        let tokens = tokens.clone();
        async move { tokens.token().await.map(drop) }
    })
    .await;
    assert!(outcome.calls() >= usize::try_from(CALLS_PER_SECOND * 55).unwrap(), "{outcome}");
    outcome
}
