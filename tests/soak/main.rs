//! A minute of real time with servers that misbehave, each with its own 200 calls per second.
//! CONTRIBUTING.md has its command.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

mod load;
mod outages;
mod refusals;
mod server;

/// One test, so that it takes one minute, however many tests run at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minute_of_outages_of_a_wrong_clock_and_of_refusals() {
    use refusals::a_key_that_is_refused_is_a_handful_of_requests as refused;
    let revoked = Duration::from_secs(3);
    // One task each, so that a failed task does not end the others.
    let soaks = [
        tokio::spawn(outages::no_call_fails_while_the_server_is_down_a_third_of_the_time()),
        tokio::spawn(refusals::no_call_fails_with_a_server_whose_clock_is_three_minutes_off()),
        tokio::spawn(refused(revoked, 401, r#"{"error":"invalid_client"}"#)),
        tokio::spawn(refused(revoked, 401, "")),
        tokio::spawn(refused(revoked, 400, "")),
        tokio::spawn(refused(Duration::ZERO, 403, "<html>")),
    ];
    let mut failed = 0;
    for soak in soaks {
        // Each task has reported its failure.
        failed += usize::from(soak.await.is_err());
    }
    assert_eq!(failed, 0);
}
