//! Servers that refuse: one whose clock is three minutes off, and some that no longer know the key.

use std::time::Duration;

use crate::load::{self, LIFE};
use crate::server::{Behaviour, Rules, Server};

pub(crate) async fn no_call_fails_with_a_server_whose_clock_is_three_minutes_off() {
    let rules = Rules { ahead: Duration::from_secs(180), ..Rules::default() };
    let server = Server::start(rules, |_| Behaviour::Token(LIFE)).await;
    let outcome = load::run(&server).await;
    let requests = server.requests();
    let refused = requests.iter().filter(|request| **request == Behaviour::Status(401)).count();
    println!("three minutes off: {outcome}; {} requests, {refused} of them refused", requests.len());
    // Not even the first call, whose assertion was made again.
    assert!(outcome.errors.is_empty(), "{:?}", outcome.errors);
    assert_eq!(refused, 1);
    assert!((25..=60).contains(&(requests.len() - refused)), "{}", requests.len());
}

/// The server knows the key for this long, and the tokens of that time still serve; or it never
/// knew the key.
pub(crate) async fn a_key_that_is_refused_is_a_handful_of_requests(
    known_for: Duration,
    status: u16,
    body: &'static str,
) {
    let rules = Rules { known_for, refusal: (status, body), ..Rules::default() };
    let server = Server::start(rules, |_| Behaviour::Token(LIFE)).await;
    let outcome = load::run(&server).await;
    let requests = server.requests();
    let refused = requests.iter().filter(|request| **request == Behaviour::Status(status)).count();
    let answered = requests.len() - refused;
    println!(
        "refused with {status} and `{body}`: {outcome}; {answered} requests answered, {refused} refused"
    );
    // After at least 1, 2, 4, 8, 16 and 30 s, or half of each.
    assert!((2..=9).contains(&refused), "{refused}");
    if known_for.is_zero() {
        assert_eq!((answered, outcome.errors.len()), (0, outcome.calls()));
    } else {
        assert!(answered > 0 && (outcome.calls() / 2..outcome.calls()).contains(&outcome.errors.len()));
    }
    for error in &outcome.errors {
        assert_eq!(error.refusal().map(|refusal| refusal.status()), Some(status), "{error:?}");
    }
}
