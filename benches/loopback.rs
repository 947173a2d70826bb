//! Token requests to a server on loopback, 64 in flight, compared with bare reqwest that posts a
//! form made beforehand, with the same header fields.
//!
//! Rounds are short and interleaved, and each contender follows each other one equally often. The
//! server is a process of its own (this program again) that answers every request with the same
//! token, so only the client's work is compared. To account for the signatures, the rounds of bare
//! reqwest make the same bare signatures. Subtracting their time instead would credit us with what
//! a busy core costs everything else (fewer answers per wake-up), and with RSA nothing would be
//! left to divide by. In a third column, bare reqwest also reads the token from the answer, as any
//! caller must.
//!
//! `cargo bench --bench loopback --features dev-server`
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing)]

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use private_key_jwt::client::fresh_jti;
use private_key_jwt::transport::ReqwestClient;
use private_key_jwt::{AuthorizationServer, ClientAssertion, PrivateKey, TokenClient, TokenRequest};
use time::OffsetDateTime;

const IN_FLIGHT: usize = 64;
const SCOPE: &str = "api:read";
/// What PingOne sends, in size and members.
const ANSWER_LEN: usize = 900;
/// The orders in which a round runs the contenders. The last contender is ours. The order matters
/// because each contender leaves traces in the caches.
const ORDERS: [[usize; 4]; 4] = [[0, 1, 3, 2], [1, 2, 0, 3], [2, 3, 1, 0], [3, 0, 2, 1]];
const SERVE: &str = "PKJWT_BENCH_SERVE";

fn main() {
    if std::env::var_os(SERVE).is_some() {
        return serve();
    }
    // `cargo test --benches` passes `--test`: run once, quickly.
    let is_measured = std::env::args().any(|argument| argument == "--bench");
    let mut server = Command::new(std::env::current_exe().unwrap())
        .env(SERVE, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut address).unwrap();
    let endpoint = format!("http://{}/token", address.trim_end());

    println!(
        "| key | bare, per second | and a signature | and the token read | ours | to the 2nd | to the 3rd |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for (stem, rounds, requests) in [("p256", 120, 2560), ("ed25519", 120, 2560), ("rsa2048", 40, 1280)] {
        if is_measured {
            compare(stem, &endpoint, rounds, requests);
        } else {
            compare(stem, &endpoint, 1, IN_FLIGHT);
        }
    }
    drop(server.stdin.take());
    server.wait().unwrap();
}

fn compare(stem: &str, endpoint: &str, rounds: usize, requests: usize) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let path = format!("{}/testdata/keys/{stem}.pkcs8.pem", env!("CARGO_MANIFEST_DIR"));
    let key = PrivateKey::from_file(path).unwrap();
    let server = AuthorizationServer::new("http://127.0.0.1/as", endpoint).unwrap();
    let ours = TokenClient::new(server.clone(), "client", key.clone()).unwrap();
    // Sends a request each time instead of using the cache.
    let request = Arc::new(TokenRequest::client_credentials(SCOPE));
    let bare = Bare::new(endpoint, &server, key);
    let mut times = Vec::new();
    for (round, order) in (0..=rounds).zip(ORDERS.into_iter().cycle()) {
        let mut seconds = [0.0; 4];
        for which in order {
            let time = if which == 3 {
                let (ours, request) = (ours.clone(), Arc::clone(&request));
                runtime.block_on(in_flight(requests, move || {
                    let (ours, request) = (ours.clone(), Arc::clone(&request));
                    async move {
                        let response = ours.request(&request).await.unwrap();
                        assert!(response.access_token().secret().len() > 100);
                    }
                }))
            } else {
                let bare = bare.clone();
                runtime.block_on(in_flight(requests, move || {
                    let bare = bare.clone();
                    async move { bare.post(which > 0, which > 1).await }
                }))
            };
            seconds[which] = time.as_secs_f64();
        }
        // The first round opens the connections.
        if round > 0 {
            times.push(seconds);
        }
    }
    #[allow(clippy::cast_precision_loss)]
    let rates = [0, 1, 2, 3].map(|which| requests as f64 / sorted(times.iter().map(|time| time[which])).1);
    let ratios = [1, 2].map(|which| {
        let (least, ratio, most) = sorted(times.iter().map(|time| time[which] / time[3]));
        format!("{ratio:.3} ({least:.2} to {most:.2})")
    });
    println!("| {stem} | {} | {} |", rates.map(|rate| format!("{rate:.0}")).join(" | "), ratios.join(" | "));
}

/// The 10th, 50th and 90th percentile.
fn sorted(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |tenths: usize| *values.get(values.len() * tenths / 10).unwrap();
    (at(1), at(5), at(9))
}

/// reqwest and a form that was made beforehand.
#[derive(Clone)]
struct Bare {
    http: reqwest::Client,
    endpoint: Arc<str>,
    form: Arc<[u8]>,
    key: PrivateKey,
    signing_input: Arc<[u8]>,
}

impl Bare {
    fn new(endpoint: &str, server: &AuthorizationServer, key: PrivateKey) -> Self {
        let builder = ClientAssertion::builder("client", server);
        let jti = fresh_jti().unwrap();
        let now = OffsetDateTime::now_utc();
        let assertion = builder.sign(&key, now, &jti).unwrap();
        let request = TokenRequest::client_credentials(SCOPE).to_http(server, &assertion).unwrap();
        Self {
            http: reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(Duration::from_secs(30))
                .build()
                .unwrap(),
            endpoint: endpoint.into(),
            form: request.into_body().into(),
            signing_input: builder.prepare(&key, now, &jti).unwrap().signing_input().into(),
            key,
        }
    }

    async fn post(&self, signs: bool, reads: bool) {
        if signs {
            std::hint::black_box(self.key.sign(&self.signing_input).unwrap());
        }
        let response = self
            .http
            .post(&*self.endpoint)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .header("accept-encoding", "identity")
            .header("user-agent", ReqwestClient::USER_AGENT)
            .body(self.form.to_vec())
            .send()
            .await
            .unwrap();
        let answer = response.bytes().await.unwrap();
        assert_eq!(answer.len(), ANSWER_LEN);
        if reads {
            let answer: Answer = serde_json::from_slice(&answer).unwrap();
            assert!(answer.access_token.len() > 100);
            std::hint::black_box((answer.token_type, answer.expires_in));
        }
    }
}

/// Reads the token with serde_json, as any caller could.
#[derive(serde::Deserialize)]
struct Answer {
    access_token: String,
    token_type: String,
    expires_in: u64,
}

/// How long this many requests take, with 64 in flight.
async fn in_flight<F: Future<Output = ()> + Send + 'static>(
    requests: usize,
    send: impl Fn() -> F + Clone + Send + 'static,
) -> Duration {
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let send = send.clone();
        tasks.spawn(async move {
            for _ in 0..requests / IN_FLIGHT {
                send().await;
            }
        });
    }
    while let Some(result) = tasks.join_next().await {
        result.unwrap();
    }
    start.elapsed()
}

/// Answers every request with the same token, until standard input ends.
fn serve() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        std::io::stdout().flush().unwrap();
        std::thread::spawn(|| {
            let _ = std::io::stdin().read_line(&mut String::new());
            std::process::exit(0);
        });
        let head = r#"{"token_type":"Bearer","expires_in":3600,"scope":"api:read","access_token":""#;
        let answer = format!("{head}{}\"}}", "x".repeat(ANSWER_LEN - head.len() - 2));
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let answer = answer.clone();
            let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let answer = answer.clone();
                async move {
                    request.into_body().collect().await?;
                    let response = http::Response::builder().header("content-type", "application/json");
                    Ok::<_, hyper::Error>(response.body(Full::new(hyper::body::Bytes::from(answer))).unwrap())
                }
            });
            let stream = hyper_util::rt::TokioIo::new(stream);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(stream, service));
        }
    });
}
