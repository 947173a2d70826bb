//! The worst input of each door that takes bytes: what it costs, so that a mistake in it shows.
//!
//! `cargo bench --bench worst_inputs`
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use private_key_jwt::keys::BoxFuture;
use private_key_jwt::transport::{HttpClient, TransportError};
use private_key_jwt::{Algorithm, AuthorizationServer, PrivateKey, TokenClient, TokenRequest};

/// The longest body that is read.
const LONGEST: usize = private_key_jwt::transport::ReqwestClient::MAX_BODY_LEN;

/// Answers every request alike.
struct Always(http::StatusCode, Vec<u8>);

impl HttpClient for Always {
    fn send(
        &self,
        _: http::Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, TransportError>> {
        let mut response = http::Response::new(self.1.clone());
        *response.status_mut() = self.0;
        Box::pin(std::future::ready(Ok(response)))
    }
}

/// A call of the token endpoint that is answered with an error of a megabyte, signature included.
fn token_answer(criterion: &mut Criterion) {
    const SECRET: &str = "aB3-xY9_z";
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let key = PrivateKey::generate(Algorithm::EdDSA).and_then(|key| key.private_key()).unwrap();
    let mut group = criterion.benchmark_group("token answer");
    group.sample_size(20).measurement_time(Duration::from_secs(5));
    let long = |piece: &str| piece.repeat(LONGEST / piece.len() - 16);
    let members: String =
        (0..16).map(|at| format!(r#""m{at}":"{}","#, "%2525 ".repeat(LONGEST / 16 / 6 - 8))).collect();
    for (name, body) in [
        ("a secret over and over", format!(r#"{{"error":"{}"}}"#, long(SECRET))),
        ("escapes within escapes", format!(r#"{{"error":"{}"}}"#, long("%25"))),
        ("names of secrets", format!(r#"{{"error":"{}"}}"#, long("token="))),
        ("headers of tokens", format!(r#"{{"error":"{}"}}"#, long("eyJhbGci"))),
        ("sixteen members", format!("{{{members}\"error\":\"e\"}}")),
        ("text", long("x ")),
        ("a page", format!("<{}", long("&amp;"))),
        ("nothing", "{}".to_owned()),
    ] {
        let server = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
        group.throughput(Throughput::Bytes(body.len() as u64));
        let client = TokenClient::builder(server, "client", key.clone())
            .http(Always(http::StatusCode::BAD_REQUEST, body.into_bytes()))
            .without_retries()
            .build()
            .unwrap();
        let request = TokenRequest::refresh_token(SECRET);
        group.bench_function(name, |bencher| {
            bencher.iter(|| runtime.block_on(client.request(black_box(&request))).map(drop).unwrap_err());
        });
    }
    group.finish();
}

criterion_group!(benches, token_answer);
criterion_main!(benches);
