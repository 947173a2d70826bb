//! Tokens of two seconds, from a server that is down for a third of the time.

use std::time::Duration;

use private_key_jwt::TokenClient;

use crate::load::{self, CALLS_PER_SECOND, DURATION};
use crate::server::{Behaviour, Server};
use crate::support::key;

const LIFE: u32 = 2;
/// What is left of a token when it is renewed at the latest: half of the last tenth of its life.
const REMAINING: Duration = Duration::from_millis(100);
const SEED: u64 = 6;

/// An outage from its beginning to its end.
struct Outage {
    from: Duration,
    to: Duration,
    kind: Behaviour,
}

/// Outages of a third of the time, of every kind, each shorter than what is left of a token.
fn outages() -> Vec<Outage> {
    let kinds = [Behaviour::Gone, Behaviour::HangUp, Behaviour::Status(503), Behaviour::Status(429)];
    let (mut at, mut random, mut outages) = (Duration::ZERO, SEED, Vec::new());
    let mut random = move |of: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 32) % of
    };
    // Somewhat longer than the load, whose last calls may wait.
    while at < DURATION + Duration::from_secs(5) {
        let length = Duration::from_millis(30 + random(61));
        let from = at + length * 2 * u32::try_from(50 + random(101)).unwrap() / 100;
        let kind = kinds[usize::try_from(random(4)).unwrap()];
        at = from + length;
        outages.push(Outage { from, to: at, kind });
    }
    outages
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_the_server_is_down_a_third_of_the_time() {
    let outages = outages();
    let end = outages.last().unwrap().to;
    let down: Duration = outages.iter().map(|outage| outage.to - outage.from).sum();
    let share = down.as_secs_f64() / end.as_secs_f64();
    assert!((0.31..0.36).contains(&share), "{share}");
    assert!(outages.iter().all(|outage| outage.to - outage.from < REMAINING));

    let server = Server::start(move |now| {
        let current = outages.iter().find(|outage| (outage.from..outage.to).contains(&now));
        current.map_or(Behaviour::Token(LIFE), |outage| outage.kind)
    })
    .await;
    let client = TokenClient::new(server.metadata(), "client", key("p256.pkcs8.pem")).unwrap();
    let tokens = client.source("api:read");
    let outcome = load::run(move || {
        let tokens = tokens.clone();
        async move { tokens.token().await }
    })
    .await;

    let requests = server.requests();
    let answered = requests.iter().filter(|request| **request == Behaviour::Token(LIFE)).count();
    println!(
        "{} calls, {} failed, {} waited, {:?} at the longest; {} requests, {answered} of them answered; \
         down for {:.1} % of the time",
        outcome.calls,
        outcome.errors.len(),
        outcome.waited,
        outcome.longest,
        requests.len(),
        share * 100.0
    );
    assert!(outcome.errors.is_empty(), "{:?}", outcome.errors);
    // It was a soak: the calls were made, tokens were renewed, and outages were met.
    assert!(outcome.calls >= usize::try_from(CALLS_PER_SECOND * 55).unwrap());
    assert!((25..=60).contains(&answered), "{answered}");
    assert!(requests.len() > answered);
}
