//! An issuer that publishes what the test says, without a socket.

use private_key_jwt::server::RemoteJwksBuilder;
use private_key_jwt::{Jwk, RemoteJwks};

use super::set;
use crate::support::clock::TestClock;
pub(crate) use crate::support::http::{Answer, ScriptedHttp as Issuer, answer, ok};

pub(crate) const URL: &str = "https://as.example/jwks";

/// The role of an issuer of keys.
pub(crate) trait Publish: Sized {
    /// An issuer that publishes these keys.
    fn of(keys: &[&Jwk]) -> Self;

    /// From now on, publishes these keys.
    fn publish(&self, keys: &[&Jwk]);

    fn builder(&self, time: &TestClock) -> RemoteJwksBuilder;

    fn jwks(&self, time: &TestClock) -> RemoteJwks {
        self.builder(time).build().unwrap()
    }
}

impl Publish for Issuer {
    fn of(keys: &[&Jwk]) -> Self {
        let issuer = Self::silent();
        issuer.publish(keys);
        issuer
    }

    fn publish(&self, keys: &[&Jwk]) {
        let body = set(keys);
        self.answers(move |_| ok(&[], &body));
    }

    fn builder(&self, time: &TestClock) -> RemoteJwksBuilder {
        RemoteJwks::builder(URL).http(self.clone()).clock(time.clone())
    }
}

/// An issuer of these keys, a set that has just fetched them, and the clock.
pub(crate) async fn warm(keys: &[&Jwk]) -> (Issuer, RemoteJwks, TestClock) {
    let (issuer, time) = (Issuer::of(keys), TestClock::new());
    let jwks = issuer.jwks(&time);
    jwks.keys().await.unwrap();
    (issuer, jwks, time)
}
