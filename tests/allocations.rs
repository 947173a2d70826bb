//! What the crate allocates around a signature, for a cached token, and for a remembered assertion.
//! This is a count, not a time, so it is the same on every machine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[cfg(feature = "client")]
use std::task::{Context, Poll, Waker};

use private_key_jwt::verifier::ReplayEntry;
use private_key_jwt::{
    Algorithm, AuthorizationServer, ClientAssertion, ClientAssertionVerifier, InMemoryReplayStore, JwkSet,
    PrivateKey, PublicKeySet,
};
use time::OffsetDateTime;

const KEYS: [(Algorithm, &str); 5] = [
    (Algorithm::RS256, "rsa2048"),
    (Algorithm::ES256, "p256"),
    (Algorithm::ES384, "p384"),
    (Algorithm::ES512, "p521"),
    (Algorithm::EdDSA, "ed25519"),
];

fn keys() -> impl Iterator<Item = (Algorithm, PrivateKey)> {
    KEYS.into_iter().map(|(algorithm, stem)| {
        (algorithm, PrivateKey::from_file(format!("testdata/keys/{stem}.pkcs8.pem")).unwrap())
    })
}

/// How many allocations a call makes after the first call, which fills the caches. The minimum of
/// many counts, because some signatures allocate more by chance: AWS-LC's ECDSA grows with the
/// length of its DER, and RSA of RustCrypto with each blinding factor drawn in vain.
fn allocations<T>(mut work: impl FnMut() -> T) -> u64 {
    drop(work());
    (0..100).map(|_| allocation_counter::measure(|| drop(work())).count_total).min().unwrap()
}

fn server() -> AuthorizationServer {
    AuthorizationServer::new("https://as.example/t", "https://as.example/t/token").unwrap()
}

#[cfg(feature = "client")]
#[test]
fn a_cached_token_takes_none() {
    use private_key_jwt::{TokenClient, TokenResponse};
    let (_, key) = keys().last().unwrap();
    let body = br#"{"access_token":"t","token_type":"Bearer","expires_in":300}"#.to_vec();
    let response = TokenResponse::from_http(http::Response::new(body), OffsetDateTime::now_utc()).unwrap();
    let tokens = TokenClient::new(server(), "client", key).unwrap().source_from(response);
    let taken =
        allocations(|| match std::pin::pin!(tokens.token()).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(token) => token.unwrap(),
            Poll::Pending => panic!("it waits"),
        });
    assert_eq!(taken, 0);
}

/// Answers every request with the same token, as a server does that sends a `Date`.
#[cfg(feature = "client")]
struct Issuer;

#[cfg(feature = "client")]
impl Issuer {
    fn response() -> http::Response<Vec<u8>> {
        let body = br#"{"access_token":"t","token_type":"Bearer","expires_in":300,"scope":"api:read"}"#;
        let response = http::Response::builder().header("date", "Thu, 01 Jan 1970 00:00:00 GMT");
        response.body(body.to_vec()).unwrap()
    }
}

#[cfg(feature = "client")]
impl private_key_jwt::transport::HttpClient for Issuer {
    fn send(
        &self,
        _: http::Request<Vec<u8>>,
    ) -> std::pin::Pin<
        Box<
            dyn Future<Output = Result<http::Response<Vec<u8>>, private_key_jwt::transport::TransportError>>
                + Send
                + '_,
        >,
    > {
        Box::pin(std::future::ready(Ok(Self::response())))
    }
}

#[cfg(feature = "client")]
#[test]
fn a_token_request_takes_few_allocations_more_than_its_signature_and_its_response() {
    use private_key_jwt::{TokenClient, TokenRequest};
    let (_, key) = keys().last().unwrap();
    let unsigned = ClientAssertion::builder("client", &server());
    let unsigned = unsigned.prepare(&key, OffsetDateTime::now_utc(), "a-jti").unwrap();
    let bare = allocations(|| key.sign(unsigned.signing_input()).unwrap());
    let response = allocations(|| Box::new(Issuer::response()));
    let client = TokenClient::builder(server(), "client", key).http(Issuer).build().unwrap();
    let request = TokenRequest::client_credentials("api:read");
    let whole = allocations(|| {
        match std::pin::pin!(client.request(&request)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(response) => response.unwrap(),
            Poll::Pending => panic!("it waits"),
        }
    });
    // Before the request: the jti, the header, the claims and the assertion, the form and its copy
    // for errors, the table and the entries of the request's header fields. Then the members of the
    // response, the token, its type, its shared place, and the scopes.
    assert_eq!(whole - bare - response, 13);
}

#[test]
fn an_assertion_takes_four_allocations_more_than_its_signature() {
    let builder = ClientAssertion::builder("client", &server());
    let now = OffsetDateTime::now_utc();
    for (algorithm, key) in keys() {
        let unsigned = builder.prepare(&key, now, "a-jti").unwrap();
        let bare = allocations(|| key.sign(unsigned.signing_input()).unwrap());
        let whole = allocations(|| builder.sign(&key, now, String::from("a-jti")).unwrap());
        // The text of the assertion, its header and its claims as JSON, and the caller's jti.
        assert_eq!(whole - bare, 4, "{algorithm}");
    }
}

#[test]
fn a_verification_takes_few_allocations_more_than_the_bare_one() {
    let builder = ClientAssertion::builder("client", &server());
    let verifier = ClientAssertionVerifier::new("https://as.example/t");
    let now = OffsetDateTime::now_utc();
    for (algorithm, key) in keys() {
        let assertion = builder.sign(&key, now, "a-jti").unwrap();
        let unsigned = builder.prepare(&key, now, "a-jti").unwrap();
        let signature = key.sign(unsigned.signing_input()).unwrap();
        let public = key.public_key().unwrap();
        let keys = PublicKeySet::from(JwkSet::from(key.public_jwk().clone()));
        let bare = allocations(|| public.verify(unsigned.signing_input(), &signature).unwrap());
        let whole = allocations(|| {
            let unverified = verifier.parse_assertion(assertion.secret()).unwrap();
            unverified.verify(&keys, algorithm, now).unwrap()
        });
        // The payload, the signature, the claims, the client id and the jti. The header is cached
        // from the call before.
        assert_eq!(whole - bare, 5, "{algorithm}");
    }
}

#[test]
fn a_remembered_assertion_takes_less_than_100_bytes() {
    const ENTRIES: u32 = 1_000_000;
    let mut store = None;
    // Each entry is of another client, which is the most that an entry can take. Then as many
    // again, with a constant number of remembered entries.
    let used = allocation_counter::measure(|| {
        let filled = InMemoryReplayStore::with_capacity(2 * ENTRIES as usize);
        for number in 0..ENTRIES / 2 * 3 {
            let second = i64::from(number / (ENTRIES / 100));
            let entry = ReplayEntry::new(&number.to_string(), "jti", second + 100);
            let now = OffsetDateTime::from_unix_timestamp(second).unwrap();
            assert!(filled.insert_now(entry, now).unwrap());
        }
        store = Some(filled);
    });
    let of_each = [used.bytes_current as f64, used.bytes_max as f64].map(|bytes| bytes / f64::from(ENTRIES));
    assert!(of_each.iter().all(|bytes| (60.0..100.0).contains(bytes)), "{of_each:?} bytes");
}
