//! Callers who ask for a token two hundred times a second.

use std::time::{Duration, Instant};

use private_key_jwt::{AccessToken, Error};

pub(crate) const DURATION: Duration = Duration::from_secs(60);
pub(crate) const CALLS_PER_SECOND: u32 = 200;

/// What came of all calls.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) calls: usize,
    pub(crate) errors: Vec<Error>,
    /// How many calls were not answered on the spot, and the longest time that one took.
    pub(crate) waited: usize,
    pub(crate) longest: Duration,
}

/// Calls for a minute, each in a task of its own, and waits for all of them.
pub(crate) async fn run<F>(call: impl Fn() -> F) -> Outcome
where
    F: Future<Output = Result<AccessToken, Error>> + Send + 'static,
{
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / CALLS_PER_SECOND);
    let began = Instant::now();
    let mut calls = Vec::new();
    while began.elapsed() < DURATION {
        ticks.tick().await;
        let call = call();
        calls.push(tokio::spawn(async move {
            let began = Instant::now();
            (call.await, began.elapsed())
        }));
    }
    let mut outcome = Outcome { calls: calls.len(), ..Outcome::default() };
    for call in calls {
        let (result, time) = call.await.unwrap();
        outcome.errors.extend(result.err());
        outcome.waited += usize::from(time > Duration::from_millis(1));
        outcome.longest = outcome.longest.max(time);
    }
    outcome
}
