//! The time of the worst input of each entry point that takes bytes, so that a regression shows.
//!
//! `cargo bench --bench worst_inputs`
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use private_key_jwt::keys::BoxFuture;
use private_key_jwt::oauth::CLIENT_ASSERTION_TYPE;
use private_key_jwt::transport::{HttpClient, TransportError};
use private_key_jwt::verifier::{AccessTokenVerifier, ClientAssertionVerifier};
use private_key_jwt::{
    Algorithm, AuthorizationServer, JwkSet, PrivateKey, PublicKeySet, TokenClient, TokenRequest,
};
use time::OffsetDateTime;

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

/// A request to the token endpoint that is answered with an error of a megabyte, including the
/// signature.
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

const ISSUER: &str = "https://as.example";
const CLIENT_ID: &str = "client";

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, bytes)
}

/// A JWT of at most this many bytes. `filler`, called with the number of the member, fills its
/// claims. The signature is by the right key, over other data.
fn forged(len: usize, key: &PrivateKey, filler: impl Fn(usize) -> String) -> String {
    let header = base64url(format!(r#"{{"alg":"{}","kid":"0"}}"#, key.algorithm()));
    let signature = base64url(key.sign(b"something else").unwrap().as_bytes());
    let room = (len - header.len() - signature.len() - 2) / 4 * 3;
    let mut claims = format!(
        r#"{{"iss":"{CLIENT_ID}","sub":"{CLIENT_ID}","aud":"{ISSUER}","exp":1800000000,"iat":1800000000,"jti":"j""#
    );
    for at in 0.. {
        let member = filler(at);
        if claims.len() + member.len() + 2 > room {
            break;
        }
        claims.push(',');
        claims.push_str(&member);
    }
    claims.push('}');
    format!("{header}.{}.{signature}", base64url(claims))
}

/// What an attacker may send to a server: forged, with the `kid` of a registered key, and as long
/// as allowed.
fn forged_tokens(criterion: &mut Criterion) {
    const ASSERTION: usize = ClientAssertionVerifier::MAX_ASSERTION_LEN;
    let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
    let key = |file: &str| {
        let path = format!("{}/testdata/keys/{file}", env!("CARGO_MANIFEST_DIR"));
        PrivateKey::from_file(path).unwrap().with_key_id("0")
    };
    let (ed25519, p521, rsa8192) =
        (key("ed25519.pkcs8.pem"), key("p521.pkcs8.pem"), key("rsa8192.pkcs8.pem"));
    let set = |key: &PrivateKey| PublicKeySet::from(JwkSet::from(key.public_jwk().clone()));
    let short = |at: usize| format!(r#""{at:x}":0"#);
    let escaped = |at: usize| format!(r#""\u0061{at:x}":"\u00e9\ud83d\ude00""#);
    let nested = |at: usize| format!(r#""{at:x}":{}{}"#, "[".repeat(100), "]".repeat(100));
    let numbers = |at: usize| format!(r#""{at:x}":1.7976931348623157e-300"#);
    let mut group = criterion.benchmark_group("assertion");
    let verifier = ClientAssertionVerifier::new(ISSUER);
    for (name, key, filler) in [
        ("the shortest", &ed25519, &(|_| " ".repeat(ASSERTION)) as &dyn Fn(usize) -> String),
        ("many members", &ed25519, &short),
        ("many escapes", &ed25519, &escaped),
        ("many arrays", &ed25519, &nested),
        ("many numbers", &ed25519, &numbers),
        ("many arrays, ES512", &p521, &nested),
        ("many arrays, RSA-8192", &rsa8192, &nested),
    ] {
        let (assertion, keys) = (forged(ASSERTION, key, filler), set(key));
        let form = format!("client_assertion_type={CLIENT_ASSERTION_TYPE}&client_assertion={assertion}");
        group.throughput(Throughput::Bytes(form.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let unverified = verifier.parse(black_box(form.as_bytes())).unwrap();
                unverified.verify(&keys, None, now).map(drop).unwrap_err()
            });
        });
    }
    // The form around it may be four times as long.
    let longest = ClientAssertionVerifier::MAX_FORM_LEN;
    for (name, form) in [
        ("a form of parameters", (0..longest / 6).map(|at| format!("{at:x}=&")).collect()),
        ("a form of escapes", format!("a={}", "%61".repeat(longest / 3 - 1))),
        ("a form of one name", "client_id=x&".repeat(longest / 12)),
    ] {
        group.throughput(Throughput::Bytes(form.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| verifier.parse(black_box(form.as_bytes())).map(drop).unwrap_err());
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("access token");
    let verifier = AccessTokenVerifier::new(CLIENT_ID, ISSUER).relaxed();
    let longest = AccessTokenVerifier::MAX_TOKEN_LEN;
    for (name, key, filler) in [
        ("many arrays", &ed25519, &nested as &dyn Fn(usize) -> String),
        ("many arrays, ES512", &p521, &nested),
        ("many arrays, RSA-8192", &rsa8192, &nested),
    ] {
        let (token, keys) = (forged(longest, key, filler), set(key));
        group.throughput(Throughput::Bytes(token.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| verifier.verify(&keys, black_box(&token), now).map(drop).unwrap_err());
        });
    }
    group.finish();
}

criterion_group!(benches, token_answer, forged_tokens);
criterion_main!(benches);
