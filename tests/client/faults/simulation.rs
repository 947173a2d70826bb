//! An authorization server without sockets. It has a clock and keys of its own, and checks every
//! assertion.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use private_key_jwt::client::TokenClientBuilder;
use private_key_jwt::keys::BoxFuture;
use private_key_jwt::transport::{Clock, HttpClient, TransportError};
use private_key_jwt::{
    AuthorizationServer, ClientAssertionVerifier, JwkSet, KeyId, KeyRing, PrivateKey, PublicKeySet,
    TokenClient,
};
use time::OffsetDateTime;

use crate::support::clock::TestClock;
use crate::support::loopback::jti;

pub(crate) const ISSUER: &str = "https://as.example";

/// The server. Clones are the same server.
#[derive(Clone)]
pub(crate) struct Simulated {
    clock: TestClock,
    state: Arc<Mutex<State>>,
}

/// Returns status and body of a refusal, given the times.
pub(crate) type Judge = fn(i64, i64) -> Option<(u16, &'static str)>;

pub(crate) struct State {
    /// The keys that the server knows.
    pub(crate) keys: JwkSet,
    /// How far its clock is ahead of the client's.
    pub(crate) ahead: time::Duration,
    /// How far the `Date` of its answers is ahead, if they have one.
    pub(crate) date_ahead: Option<time::Duration>,
    /// Status and body of a refusal.
    pub(crate) refusal: (u16, &'static str),
    /// How long an answer takes.
    pub(crate) latency: Duration,
    /// The answer to a good assertion in place of a token.
    pub(crate) instead: Option<(u16, &'static str)>,
    /// Answers to the next requests with a good assertion.
    pub(crate) answers: VecDeque<(u16, &'static str)>,
    /// Judges the times in place of the verifier, given the seconds since `iat` and the seconds
    /// until `exp`.
    pub(crate) judge: Option<Judge>,
    /// Whether it issues an ID token with its time of issue.
    pub(crate) issues_jwts: bool,
    /// The `Age` of the metadata.
    pub(crate) age: Option<u32>,
    /// The jti of every assertion, good or not.
    jtis: Vec<String>,
    /// Every request: its time, the key, and whether the assertion was good.
    pub(crate) requests: Vec<(OffsetDateTime, Option<KeyId>, bool)>,
}

impl Simulated {
    pub(crate) fn new(clock: &TestClock, keys: impl Into<JwkSet>) -> Self {
        let state = State {
            keys: keys.into(),
            ahead: time::Duration::ZERO,
            date_ahead: None,
            refusal: (401, r#"{"error":"invalid_client"}"#),
            latency: Duration::ZERO,
            instead: None,
            answers: VecDeque::new(),
            judge: None,
            issues_jwts: false,
            age: None,
            jtis: Vec::new(),
            requests: Vec::new(),
        };
        Self { clock: clock.clone(), state: Arc::new(Mutex::new(state)) }
    }

    /// A server whose clock is ahead of the client's by this, as its answers show.
    pub(crate) fn ahead(clock: &TestClock, key: &PrivateKey, seconds: i64) -> Self {
        let server = Self::new(clock, key.public_jwk().clone());
        server.set(|state| {
            state.ahead = time::Duration::seconds(seconds);
            state.date_ahead = Some(state.ahead);
        });
        server
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    /// The number of requests, and of those with a good assertion, since the last call. No
    /// assertion may have come twice.
    pub(crate) fn requests(&self) -> (usize, usize) {
        let mut state = self.state.lock().unwrap();
        let jtis: HashSet<&String> = state.jtis.iter().collect();
        assert_eq!(jtis.len(), state.jtis.len(), "an assertion came twice");
        let requests = std::mem::take(&mut state.requests);
        (requests.len(), requests.iter().filter(|(.., good)| *good).count())
    }

    /// A client that has discovered the server.
    pub(crate) async fn discovered(&self, keys: impl Into<KeyRing>) -> TokenClientBuilder {
        let server = AuthorizationServer::discover_with(ISSUER, self).await.unwrap();
        TokenClient::builder(server, "client", keys).http(self.clone()).clock(self.clock.clone())
    }

    /// A client of this server with the same clock and every endpoint.
    pub(crate) fn client(&self, keys: impl Into<KeyRing>) -> TokenClientBuilder {
        let server = AuthorizationServer::new(ISSUER, format!("{ISSUER}/token"))
            .and_then(|server| {
                let url = format!("{ISSUER}/introspect");
                server.with_endpoint(private_key_jwt::oauth::Endpoint::Introspection, url)
            })
            .unwrap();
        TokenClient::builder(server, "client", keys).http(self.clone()).clock(self.clock.clone())
    }

    fn answer(&self, request: &http::Request<Vec<u8>>) -> http::Response<Vec<u8>> {
        let received = self.clock.now();
        let (keys, ahead, date_ahead, refusal, latency, instead, judge, issues_jwts) = {
            let mut state = self.state.lock().unwrap();
            let next = state.answers.pop_front();
            let State { keys, ahead, date_ahead, refusal, latency, instead, judge, issues_jwts, .. } =
                &*state;
            let keys = PublicKeySet::from(keys.clone());
            (keys, *ahead, *date_ahead, *refusal, *latency, next.or(*instead), *judge, *issues_jwts)
        };
        let now = received + ahead;
        let verifier = ClientAssertionVerifier::new(ISSUER);
        let unverified = verifier.parse(request.body()).unwrap();
        let key_id = private_key_jwt::jose::CompactJws::parse(assertion(request.body()))
            .unwrap()
            .header()
            .key_id
            .clone();
        let judged = judge.map(|judge| {
            let [iat, exp] = times(request.body());
            (judge(now.unix_timestamp() - iat, exp - now.unix_timestamp()), iat)
        });
        let good = match judged {
            Some((refusal, iat)) => {
                let then = OffsetDateTime::from_unix_timestamp(iat).unwrap();
                refusal.is_none() && unverified.verify(&keys, None, then).is_ok()
            }
            None => unverified.verify(&keys, None, now).is_ok(),
        };
        let refusal = judged.and_then(|(refusal, _)| refusal).unwrap_or(refusal);
        {
            let mut state = self.state.lock().unwrap();
            state.jtis.push(jti(request.body()));
            state.requests.push((received, key_id, good));
        }
        self.clock.move_by(latency.try_into().unwrap());
        let (status, body) = match (good, instead) {
            (false, _) => refusal,
            (true, Some(instead)) => instead,
            (true, None) => {
                (200, r#"{"access_token":"AT","token_type":"Bearer","expires_in":300,"active":true}"#)
            }
        };
        let mut body = body.to_owned();
        if good && instead.is_none() && issues_jwts {
            // Issued halfway through the request.
            let claims = format!(r#"{{"iat":{}}}"#, (now + latency / 2).unix_timestamp());
            body.insert_str(1, &format!(r#""id_token":"e30.{}.c2ln","#, base64url(claims.as_bytes())));
        }
        let mut response = http::Response::builder().status(status);
        if let Some(ahead) = date_ahead {
            // The answer is made halfway through the request.
            let date = SystemTime::from(received + ahead + latency / 2);
            response = response.header("date", httpdate::fmt_http_date(date));
        }
        response.body(body.into_bytes()).unwrap()
    }

    fn metadata(&self) -> http::Response<Vec<u8>> {
        let state = self.state.lock().unwrap();
        let mut response = http::Response::builder();
        if let Some(ahead) = state.date_ahead {
            let age = state.age.unwrap_or_default();
            let date = SystemTime::from(self.clock.now() + ahead - Duration::from_secs(age.into()));
            response = response.header("date", httpdate::fmt_http_date(date));
        }
        if let Some(age) = state.age {
            response = response.header("age", age);
        }
        let body = format!(r#"{{"issuer":"{ISSUER}","token_endpoint":"{ISSUER}/token"}}"#);
        response.body(body.into_bytes()).unwrap()
    }
}

impl HttpClient for Simulated {
    fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, TransportError>> {
        Box::pin(async move {
            Ok(if request.method() == http::Method::GET { self.metadata() } else { self.answer(&request) })
        })
    }
}

/// The assertion in a form.
fn assertion(form: &[u8]) -> &str {
    let form = std::str::from_utf8(form).unwrap();
    form.split_once("client_assertion=").unwrap().1.split('&').next().unwrap()
}

/// `iat` and `exp` of the assertion in a form.
fn times(form: &[u8]) -> [i64; 2] {
    let jws = private_key_jwt::jose::CompactJws::parse(assertion(form)).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(jws.payload()).unwrap();
    ["iat", "exp"].map(|claim| claims[claim].as_i64().unwrap())
}

/// Base64url without padding (RFC 7515 §2).
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = (0..3).fold(0, |group, at| group << 8 | u32::from(*chunk.get(at).unwrap_or(&0)));
        let characters = [18, 12, 6, 0].map(|shift| char::from(ALPHABET[(group >> shift & 63) as usize]));
        text.extend(&characters[..=chunk.len()]);
    }
    text
}
