//! Tokens of two seconds, from a server that is down for a third of the time.

use std::time::Duration;

use crate::load::{self, DURATION, LIFE};
use crate::server::{Behaviour, Rules, Server};
use crate::support::random::Random;

/// The rest of a token's lifetime when it is refreshed at the latest: half of the last tenth.
const REMAINING: Duration = Duration::from_millis(100);
const SEED: u64 = 6;

/// An outage from its beginning to its end.
struct Outage {
    from: Duration,
    to: Duration,
    kind: Behaviour,
}

/// Outages of every kind for a third of the time, each shorter than the rest of a token's lifetime.
fn outages() -> Vec<Outage> {
    let kinds = [Behaviour::Gone, Behaviour::HangUp, Behaviour::Status(503), Behaviour::Status(429)];
    let (mut at, mut random, mut outages) = (Duration::ZERO, Random::new(SEED), Vec::new());
    // Somewhat longer than the load, whose last calls may wait.
    while at < DURATION + Duration::from_secs(5) {
        let length = Duration::from_millis(30 + random.below(61));
        let from = at + length * 2 * u32::try_from(50 + random.below(101)).unwrap() / 100;
        let kind = kinds[usize::try_from(random.below(4)).unwrap()];
        at = from + length;
        outages.push(Outage { from, to: at, kind });
    }
    outages
}

pub(crate) async fn no_call_fails_while_the_server_is_down_a_third_of_the_time() {
    let outages = outages();
    let end = outages.last().unwrap().to;
    let down: Duration = outages.iter().map(|outage| outage.to - outage.from).sum();
    let share = down.as_secs_f64() / end.as_secs_f64();
    assert!((0.31..0.36).contains(&share), "{share}");
    assert!(outages.iter().all(|outage| outage.to - outage.from < REMAINING));

    let server = Server::start(Rules::default(), move |now| {
        let current = outages.iter().find(|outage| (outage.from..outage.to).contains(&now));
        current.map_or(Behaviour::Token(LIFE), |outage| outage.kind)
    })
    .await;
    let outcome = load::run(&server).await;

    let requests = server.requests();
    let answered = requests.iter().filter(|request| **request == Behaviour::Token(LIFE)).count();
    println!(
        "down for {:.1} % of the time: {outcome}; {} requests, {answered} of them answered",
        share * 100.0,
        requests.len(),
    );
    assert!(outcome.errors.is_empty(), "{:?}", outcome.errors);
    // The test had an effect: tokens were refreshed, and requests met outages.
    assert!((25..=60).contains(&answered), "{answered}");
    assert!(requests.len() > answered);
    // And no assertion was refused.
    assert!(!requests.contains(&Behaviour::Status(401)));
}
