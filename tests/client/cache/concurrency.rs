//! Many concurrent callers.

use std::time::Duration;

use private_key_jwt::TokenClient;
use tokio::task::JoinHandle;

use super::server::{Reply, Server, settle};
use crate::support::random::Random;

const CALLERS: usize = 1000;
const SCOPES: [[&str; 2]; 5] =
    [["a b", "b a"], ["a", "a a"], ["b c", "c b"], ["", " "], ["x y z", "z y x y"]];

/// A token names its scope and the number of its request.
fn server() -> Server {
    let mut number = 0;
    Server::answering(move |form| {
        number += 1;
        let scope = form.get("scope").map_or("", String::as_str);
        let mut scopes: Vec<&str> = scope.split(' ').collect();
        scopes.sort_unstable();
        scopes.dedup();
        let token = format!("{} {number}", scopes.join(" "));
        Reply::Token(serde_json::json!({"access_token": token, "expires_in": 300}))
    })
}

/// What one caller gets: its scopes and its token.
type Caller = JoinHandle<(usize, String)>;

/// Each through a client or a source.
fn callers(client: &TokenClient) -> Vec<Caller> {
    let call = |caller: usize| {
        let client = client.clone();
        let set = caller % SCOPES.len();
        let scope = SCOPES[set][caller / SCOPES.len() % 2];
        tokio::spawn(async move {
            let token = if caller.is_multiple_of(3) {
                client.source(scope).token().await.unwrap()
            } else {
                client.token(scope).await.unwrap()
            };
            (set, token.secret().to_owned())
        })
    };
    (0..CALLERS).map(call).collect()
}

/// All callers get their token in time, and there is one token per set of scopes.
async fn finish(callers: Vec<Caller>) {
    let mut tokens: [Option<String>; 5] = Default::default();
    let all = async {
        for caller in callers {
            let (set, token) = caller.await.unwrap();
            assert_eq!(*tokens[set].get_or_insert(token.clone()), token);
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all).await.expect("a caller hangs");
    for (token, scopes) in tokens.iter().zip(["a b", "a", "b c", "", "x y z"]) {
        let (scope, _) = token.as_ref().unwrap().rsplit_once(' ').unwrap();
        assert_eq!(scope, scopes);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_callers_of_five_scope_sets_make_five_requests() {
    let server = server();
    let client = server.client();
    for _ in 0..2 {
        finish(callers(&client)).await;
        assert_eq!(server.requests(), 5);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cancelling_a_random_half_of_them_leaves_five_requests_and_no_caller_hanging() {
    for seed in 1..=8_u64 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let server = server();
        let client = server.client();
        server.open(false);
        let (mut kept, mut waiting) = (Vec::new(), Vec::new());
        for caller in callers(&client) {
            match random.below(4) {
                // Usually before the request has begun.
                0 => caller.abort(),
                1 => waiting.push(caller),
                _ => kept.push(caller),
            }
        }
        let all = async {
            while server.requests() < 5 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), all).await.expect("fewer than five requests");
        // While the requests are held.
        for caller in waiting {
            caller.abort();
            assert!(caller.await.unwrap_err().is_cancelled());
        }
        assert!((400..600).contains(&kept.len()), "{}", kept.len());
        server.open(true);
        finish(kept).await;
        assert_eq!(server.requests(), 5);
    }
}

#[tokio::test]
async fn the_caller_who_began_a_request_may_go_away() {
    let server = Server::new();
    let client = server.client();
    server.open(false);
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.token("a").await }
    });
    settle().await;
    let second = tokio::spawn({
        let client = client.clone();
        async move { client.token("a").await }
    });
    settle().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    server.open(true);
    assert_eq!(second.await.unwrap().unwrap().secret(), "1");
    // After all callers are gone, the token is cached for the next one.
    server.clock().set(300.0);
    server.open(false);
    let third = tokio::spawn({
        let client = client.clone();
        async move { client.token("a").await }
    });
    settle().await;
    third.abort();
    server.open(true);
    settle().await;
    assert_eq!(client.token("a").await.unwrap().secret(), "2");
    assert_eq!(server.requests(), 2);
}
