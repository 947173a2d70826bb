//! Requests that are cut off: by a panic, with their runtime, and without a runtime.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use private_key_jwt::TokenSource;
use private_key_jwt::client::ErrorKind;
use private_key_jwt::oauth::Retry;
use tokio::runtime::{Builder, Runtime};

use super::server::{Reply, Server, assert_renewed_at_last, error, settle, text};

fn poll<F: Future>(call: Pin<&mut F>) -> Poll<F::Output> {
    call.poll(&mut Context::from_waker(Waker::noop()))
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Begins a request that the server holds.
async fn begin(server: &Server, tokens: &TokenSource) {
    server.open(false);
    let tokens = tokens.clone();
    tokio::spawn(async move { tokens.token().await });
    settle().await;
}

#[tokio::test]
async fn a_panic_is_an_error_of_all_who_wait_and_the_next_caller_begins_anew() {
    let server = Server::answering(|_| Reply::Panic);
    let tokens = server.client().source("a");
    server.open(false);
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let tokens = tokens.clone();
            tokio::spawn(async move { error(&tokens).await })
        })
        .collect();
    settle().await;
    server.open(true);
    for caller in callers {
        let error = caller.await.unwrap();
        assert!(matches!(error.kind(), ErrorKind::Interrupted), "{error:?}");
        assert_eq!(error.retry(), Retry::BackOff);
    }
    // One more request for the caller that waited, and no other.
    assert_eq!(server.requests(), 2);
    server.answer(|_| Reply::token(300));
    assert_eq!(text(&tokens).await, "3");
}

#[tokio::test]
async fn a_panic_while_a_token_serves_is_not_repeated_at_once() {
    let server = Server::new();
    let tokens = server.client().source("a");
    assert_eq!(text(&tokens).await, "1");
    server.answer(|_| Reply::Panic);
    assert_renewed_at_last(&server, &tokens).await;
}

#[test]
fn callers_of_a_later_runtime_begin_anew_when_the_first_was_shut_down() {
    let server = Server::new();
    let tokens = server.client().source("a");
    let first = runtime();
    first.block_on(begin(&server, &tokens));
    assert_eq!(server.requests(), 1);
    drop(first);
    server.open(true);
    assert_eq!(runtime().block_on(text(&tokens)), "2");
}

#[test]
fn who_waits_in_another_runtime_goes_on_when_the_first_is_shut_down() {
    let server = Server::new();
    let tokens = server.client().source("a");
    let first = runtime();
    first.block_on(begin(&server, &tokens));
    runtime().block_on(async {
        let waiting = tokio::spawn({
            let tokens = tokens.clone();
            async move { text(&tokens).await }
        });
        settle().await;
        assert!(!waiting.is_finished());
        first.shutdown_background();
        server.open(true);
        assert_eq!(waiting.await.unwrap(), "2");
    });
}

/// A runtime that exists and that nothing drives, like one that is entered for single calls.
#[test]
fn a_request_of_a_runtime_that_stands_still_is_given_up() {
    let server = Server::new();
    let client = server.client_with(|builder| builder.deadline(Duration::from_secs(5)));
    let tokens = client.source("a");
    let first = runtime();
    first.block_on(begin(&server, &tokens));
    server.open(true);
    // A caller that comes soon waits as long as a request may take, two times 5 s and 10 s more,
    // and begins another request.
    let second = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let began = std::time::Instant::now();
    assert_eq!(second.block_on(text(&tokens)), "2");
    assert!(began.elapsed() < Duration::from_secs(5), "it was not the time of the runtime");
    // The result of the first request is too late.
    first.block_on(settle());
    assert_eq!(runtime().block_on(text(&tokens)), "2");
    // A caller that comes late does not wait at all.
    server.clock().set(300.0);
    first.block_on(begin(&server, &tokens));
    server.open(true);
    server.clock().set(320.0);
    assert_eq!(runtime().block_on(text(&tokens)), "4");
}

#[test]
fn a_runtime_that_is_being_shut_down_is_no_endless_loop() {
    let server = Server::new();
    let tokens = server.client().source("a");
    let first = runtime();
    let handle = first.handle().clone();
    drop(first);
    let _entered = handle.enter();
    let Poll::Ready(outcome) = poll(pin!(tokens.token())) else {
        panic!("it waits");
    };
    assert!(matches!(outcome.unwrap_err().kind(), ErrorKind::Interrupted));
    assert_eq!(server.requests(), 0);
}

#[test]
fn without_a_runtime_there_is_an_error_unless_a_token_serves() {
    let server = Server::new();
    let tokens = server.client().source("a");
    let now = |tokens: &TokenSource| match poll(pin!(tokens.token())) {
        Poll::Ready(outcome) => outcome.map(|token| token.secret().to_owned()),
        Poll::Pending => panic!("it waits"),
    };
    assert!(matches!(now(&tokens).unwrap_err().kind(), ErrorKind::Interrupted));
    assert_eq!(server.requests(), 0);
    assert_eq!(runtime().block_on(text(&tokens)), "1");
    server.clock().set(286.0);
    assert_eq!(now(&tokens).unwrap(), "1");
    assert_eq!(server.requests(), 1);
    server.clock().set(900.0);
    assert!(matches!(now(&tokens).unwrap_err().kind(), ErrorKind::Interrupted));
}
