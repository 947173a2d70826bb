//! An authorization server without sockets, with a clock and keys of its own, that checks every assertion.

use std::collections::HashSet;
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

use crate::clock::Skips;
use crate::server::jti;

pub(crate) const ISSUER: &str = "https://as.example";

/// The server; clones are the same.
#[derive(Clone)]
pub(crate) struct Simulated {
    clock: Skips,
    state: Arc<Mutex<State>>,
}

pub(crate) struct State {
    /// The keys that the server knows.
    pub(crate) keys: JwkSet,
    /// How far its clock is ahead of the client's.
    pub(crate) ahead: time::Duration,
    /// How far the `Date` of its answers is, if they have one.
    pub(crate) date_ahead: Option<time::Duration>,
    /// Status and body of a refusal.
    pub(crate) refusal: (u16, &'static str),
    /// How long an answer takes.
    pub(crate) latency: Duration,
    /// What is answered to a good assertion in place of a token.
    pub(crate) instead: Option<(u16, &'static str)>,
    /// The names of all assertions, good or not.
    jtis: Vec<String>,
    /// Every request: when it came, the key, and whether its assertion was good.
    pub(crate) requests: Vec<(OffsetDateTime, Option<KeyId>, bool)>,
}

impl Simulated {
    pub(crate) fn new(clock: &Skips, keys: impl Into<JwkSet>) -> Self {
        let state = State {
            keys: keys.into(),
            ahead: time::Duration::ZERO,
            date_ahead: None,
            refusal: (401, r#"{"error":"invalid_client"}"#),
            latency: Duration::ZERO,
            instead: None,
            jtis: Vec::new(),
            requests: Vec::new(),
        };
        Self { clock: clock.clone(), state: Arc::new(Mutex::new(state)) }
    }

    /// A server whose clock is ahead of the client's by this, as its answers say.
    pub(crate) fn ahead(clock: &Skips, key: &PrivateKey, seconds: i64) -> Self {
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

    /// How many requests there were, and how many with a good assertion, since this was asked last. No assertion may have
    /// come twice.
    pub(crate) fn requests(&self) -> (usize, usize) {
        let mut state = self.state.lock().unwrap();
        let jtis: HashSet<&String> = state.jtis.iter().collect();
        assert_eq!(jtis.len(), state.jtis.len(), "an assertion came twice");
        let requests = std::mem::take(&mut state.requests);
        (requests.len(), requests.iter().filter(|(.., good)| *good).count())
    }

    /// A client of this server with the same clock, whose every endpoint is there.
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
        let (keys, ahead, date_ahead, refusal, latency, instead) = {
            let state = self.state.lock().unwrap();
            let State { keys, ahead, date_ahead, refusal, latency, instead, .. } = &*state;
            (PublicKeySet::from(keys.clone()), *ahead, *date_ahead, *refusal, *latency, *instead)
        };
        let now = received + ahead;
        let verifier = ClientAssertionVerifier::new(ISSUER);
        let unverified = verifier.parse(request.body()).unwrap();
        let key_id = private_key_jwt::jose::CompactJws::parse(assertion(request.body()))
            .unwrap()
            .header()
            .key_id
            .clone();
        let good = unverified.verify(&keys, None, now).is_ok();
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
        let mut response = http::Response::builder().status(status);
        if let Some(ahead) = date_ahead {
            // When it was made: half of the time has passed.
            let date = SystemTime::from(received + ahead + latency / 2);
            response = response.header("date", httpdate::fmt_http_date(date));
        }
        response.body(body.as_bytes().to_vec()).unwrap()
    }
}

impl HttpClient for Simulated {
    fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, TransportError>> {
        Box::pin(async move { Ok(self.answer(&request)) })
    }
}

/// The assertion in a form.
fn assertion(form: &[u8]) -> &str {
    let form = std::str::from_utf8(form).unwrap();
    form.split_once("client_assertion=").unwrap().1.split('&').next().unwrap()
}
