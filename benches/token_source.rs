//! What it costs to ask for a cached token, from one task and from eight, compared with the least
//! that such a call can do: load an `Arc` from an `ArcSwap`, and read the clock to see whether the
//! token is still valid. The clock is the same one, behind the same trait object.
//! `client.token(..)` is compared with the same and one look-up in a map, because it has to find
//! the entry of its scopes.
//!
//! Each figure is the time per call: eight tasks share two threads, and the time from the first
//! call to the last is divided by the number of calls.
//!
//! `cargo bench --bench token_source`
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use criterion::{Criterion, criterion_group, criterion_main};
use private_key_jwt::keys::BoxFuture;
use private_key_jwt::transport::{Clock, HttpClient, SystemClock, TransportError};
use private_key_jwt::{AccessToken, AuthorizationServer, PrivateKey, TokenClient, TokenSource};
use tokio::runtime::Runtime;

const SCOPE: &str = "api:read";

/// A server that issues one token.
struct Server;

impl HttpClient for Server {
    fn send(
        &self,
        _: http::Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, TransportError>> {
        let body = br#"{"access_token":"a token","token_type":"Bearer","expires_in":864000}"#.to_vec();
        Box::pin(std::future::ready(Ok(http::Response::new(body))))
    }
}

/// The calls to compare, with what each needs.
struct Contenders {
    clock: Arc<dyn Clock>,
    held: Arc<ArcSwap<AccessToken>>,
    map: Arc<HashMap<String, ArcSwap<AccessToken>>>,
    client: TokenClient,
    tokens: TokenSource,
}

impl Contenders {
    fn new(runtime: &Runtime) -> Self {
        let path = format!("{}/testdata/keys/p256.pkcs8.pem", env!("CARGO_MANIFEST_DIR"));
        let server = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
        let key = PrivateKey::from_file(path).unwrap();
        let client = TokenClient::builder(server, "client", key).http(Server).build().unwrap();
        let token = runtime.block_on(client.token(SCOPE)).unwrap();
        let held = || ArcSwap::from_pointee(token.clone());
        Self {
            clock: Arc::new(SystemClock),
            held: Arc::new(held()),
            map: Arc::new(HashMap::from([(SCOPE.to_owned(), held())])),
            tokens: client.source(SCOPE),
            client,
        }
    }
}

/// The time of this many calls in this many tasks.
fn time<F: Future<Output = ()> + Send + 'static>(
    runtime: &Runtime,
    tasks: u64,
    calls: u64,
    task: impl Fn(u64) -> F,
) -> Duration {
    runtime.block_on(async {
        let start = Instant::now();
        let tasks: Vec<_> = (0..tasks).map(|_| tokio::spawn(task(calls.div_ceil(tasks)))).collect();
        for task in tasks {
            task.await.unwrap();
        }
        start.elapsed()
    })
}

fn token_source(criterion: &mut Criterion) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let Contenders { clock, held, map, client, tokens } = Contenders::new(&runtime);
    for tasks in [1, 8] {
        let mut group = criterion.benchmark_group(format!("tasks: {tasks}"));
        let mut bench = |name: &str, time: &dyn Fn(u64) -> Duration| {
            group.bench_function(name, |bencher| bencher.iter_custom(time));
        };
        bench("load_full and the clock", &|calls| {
            time(&runtime, tasks, calls, |calls| {
                let (held, clock) = (Arc::clone(&held), Arc::clone(&clock));
                async move {
                    for _ in 0..calls {
                        black_box((held.load_full(), clock.now()));
                    }
                }
            })
        });
        bench("TokenSource::token", &|calls| {
            time(&runtime, tasks, calls, |calls| {
                let tokens = tokens.clone();
                async move {
                    for _ in 0..calls {
                        black_box(tokens.token().await.unwrap());
                    }
                }
            })
        });
        bench("a look-up, load_full and the clock", &|calls| {
            time(&runtime, tasks, calls, |calls| {
                let (map, clock) = (Arc::clone(&map), Arc::clone(&clock));
                async move {
                    for _ in 0..calls {
                        let held = map.get(black_box(SCOPE)).unwrap();
                        black_box((held.load_full(), clock.now()));
                    }
                }
            })
        });
        bench("TokenClient::token", &|calls| {
            time(&runtime, tasks, calls, |calls| {
                let client = client.clone();
                async move {
                    for _ in 0..calls {
                        black_box(client.token(black_box(SCOPE)).await.unwrap());
                    }
                }
            })
        });
    }
}

criterion_group!(benches, token_source);
criterion_main!(benches);
