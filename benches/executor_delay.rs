//! How signing delays the other tasks of an async executor. Eight tasks sign without a pause on two
//! worker threads, while another task measures how late it is woken: once with the signatures on
//! the executor's own threads, and once through `TokenClient::assertion`, which moves RSA to the
//! blocking pool.
//!
//! `cargo bench --bench executor_delay` prints one table. It counts percentiles, so it does not use
//! criterion.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::time::{Duration, Instant};

use private_key_jwt::client::fresh_jti;
use private_key_jwt::{Algorithm, AuthorizationServer, ClientAssertion, PrivateKey, TokenClient};
use time::OffsetDateTime;

const SIGNING_TASKS: usize = 8;
const WORKERS: usize = 2;
const TICK: Duration = Duration::from_millis(1);
const DURATION: Duration = Duration::from_secs(4);

fn main() {
    // `cargo test --benches` passes `--test`: run once, quickly.
    let duration = if std::env::args().any(|argument| argument == "--bench") { DURATION } else { TICK * 20 };
    println!("| key | signatures | signed per second | delay p50 | p99 | longest |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for (algorithm, stem) in [
        (Algorithm::ES256, "p256"),
        (Algorithm::ES512, "p521"),
        (Algorithm::RS256, "rsa2048"),
        (Algorithm::RS256, "rsa4096"),
    ] {
        let path = format!("{}/testdata/keys/{stem}.pkcs8.pem", env!("CARGO_MANIFEST_DIR"));
        let key = PrivateKey::from_file(path).unwrap().with_algorithm(algorithm).unwrap();
        for (name, through_the_client) in [("on the executor", false), ("by the client", true)] {
            let outcome = run(&key, through_the_client, duration);
            let [p50, p99, longest] = [0.5, 0.99, 1.0].map(|share| milliseconds(&outcome.delays, share));
            println!("| {stem} | {name} | {:.0} | {p50} | {p99} | {longest} |", outcome.rate);
        }
    }
}

struct Outcome {
    delays: Vec<Duration>,
    rate: f64,
}

fn run(key: &PrivateKey, through_the_client: bool, duration: Duration) -> Outcome {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build().unwrap();
    let server = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
    let builder = ClientAssertion::builder("client", &server);
    let client = TokenClient::new(server, "client", key.clone()).unwrap();
    let end = Instant::now() + duration;
    let outcome = runtime.block_on(async {
        let signing: Vec<_> = (0..SIGNING_TASKS)
            .map(|_| {
                let (key, builder, client) = (key.clone(), builder.clone(), client.clone());
                tokio::spawn(async move {
                    let mut made = 0_u32;
                    while Instant::now() < end {
                        if through_the_client {
                            client.assertion().await.unwrap();
                        } else {
                            builder.sign(&key, OffsetDateTime::now_utc(), fresh_jti().unwrap()).unwrap();
                        }
                        made += 1;
                        // Like a request: other tasks run between two signatures.
                        tokio::task::yield_now().await;
                    }
                    made
                })
            })
            .collect();
        let waiting = tokio::spawn(async move {
            let mut delays = Vec::new();
            while Instant::now() < end {
                let due = Instant::now() + TICK;
                tokio::time::sleep_until(due.into()).await;
                delays.push(due.elapsed());
            }
            delays
        });
        let mut made = 0;
        for task in signing {
            made += task.await.unwrap();
        }
        let mut delays = waiting.await.unwrap();
        delays.sort_unstable();
        Outcome { delays, rate: f64::from(made) / duration.as_secs_f64() }
    });
    runtime.shutdown_background();
    outcome
}

/// The delay that this share of the samples does not exceed.
fn milliseconds(sorted: &[Duration], share: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let place = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(place).map_or_else(|| "-".to_owned(), |delay| format!("{:.2} ms", delay.as_secs_f64() * 1e3))
}
