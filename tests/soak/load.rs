//! Callers that request a token two hundred times a second, for a minute.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use private_key_jwt::{Error, TokenClient};

use crate::server::Server;
use crate::support::key;

pub(crate) const DURATION: Duration = Duration::from_secs(60);
const CALLS_PER_SECOND: u32 = 200;
/// A call that takes longer than this after the load hangs: its deadline is 30 s.
const AT_LAST: Duration = Duration::from_secs(60);
/// The lifetime of a token, in seconds.
pub(crate) const LIFE: u32 = 2;

/// The results of all calls.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) calls: usize,
    pub(crate) errors: Vec<Error>,
    /// How many calls did not return at once, and the longest time of a call.
    waited: usize,
    longest: Duration,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, errors, waited, longest } = self;
        write!(f, "{calls} calls, {} failed, {waited} waited, {longest:?} at the longest", errors.len())?;
        let mut texts = BTreeMap::<String, usize>::new();
        for error in errors {
            *texts.entry(error.to_string()).or_default() += 1;
        }
        texts.iter().try_for_each(|(text, count)| write!(f, "; {count} times `{text}`"))
    }
}

/// Calls one source of this server's tokens, in a task for each call, and waits for all of them.
pub(crate) async fn run(server: &Server) -> Outcome {
    let client = TokenClient::new(server.metadata(), "client", key("p256.pkcs8.pem")).unwrap();
    let tokens = client.source("api:read");
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / CALLS_PER_SECOND);
    let began = Instant::now();
    let mut calls = Vec::new();
    while began.elapsed() < DURATION {
        ticks.tick().await;
        let tokens = tokens.clone();
        calls.push(tokio::spawn(async move {
            let began = Instant::now();
            (tokens.token().await, began.elapsed())
        }));
    }
    let last = tokio::time::Instant::now() + AT_LAST;
    let mut outcome = Outcome { calls: calls.len(), ..Outcome::default() };
    for call in calls {
        let ended = tokio::time::timeout_at(last, call).await.expect("a call hangs");
        let (result, time) = ended.unwrap();
        outcome.errors.extend(result.err());
        outcome.waited += usize::from(time > Duration::from_millis(1));
        outcome.longest = outcome.longest.max(time);
    }
    assert!(outcome.calls >= usize::try_from(CALLS_PER_SECOND * 55).unwrap(), "{outcome}");
    outcome
}
