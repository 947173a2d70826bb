//! An issuer that is a closure.

use std::sync::{Arc, Mutex};

use http::{Request, Response};
use private_key_jwt::RemoteJwks;
use private_key_jwt::keys::BoxFuture;
use private_key_jwt::server::RemoteJwksBuilder;
use private_key_jwt::transport::{HttpClient, TransportError};
use tokio::sync::oneshot;

use super::{Time, set};
use private_key_jwt::Jwk;

pub(crate) const URL: &str = "https://as.example/jwks";

pub(crate) type Answer = Result<Response<Vec<u8>>, TransportError>;
type Script = Box<dyn FnMut(&Request<Vec<u8>>) -> BoxFuture<'static, Answer> + Send>;

/// Answers as it is told, and remembers what it was asked. Clones are the same issuer.
#[derive(Clone)]
pub(crate) struct Issuer(Arc<Mutex<State>>);

struct State {
    script: Script,
    asked: Vec<Request<Vec<u8>>>,
}

impl Issuer {
    /// An issuer that publishes these keys and says nothing else.
    pub(crate) fn new(keys: &[&Jwk]) -> Self {
        let issuer = Self::silent();
        issuer.publish(keys);
        issuer
    }

    /// One that never answers.
    pub(crate) fn silent() -> Self {
        Self(Arc::new(Mutex::new(State {
            script: Box::new(|_| Box::pin(std::future::pending())),
            asked: vec![],
        })))
    }

    pub(crate) fn publish(&self, keys: &[&Jwk]) {
        let body = set(keys);
        self.answers(move |_| ok(&[], &body));
    }

    /// Answers at once.
    pub(crate) fn answers(&self, mut answer: impl FnMut(&Request<Vec<u8>>) -> Answer + Send + 'static) {
        self.script(move |request| Box::pin(std::future::ready(answer(request))));
    }

    /// Breaks every connection.
    pub(crate) fn breaks(&self) {
        self.answers(|_| Err(broken()));
    }

    /// Answers when it is told what, once.
    pub(crate) fn is_asked_and_waits(&self) -> oneshot::Sender<Answer> {
        let (sender, receiver) = oneshot::channel();
        let mut receiver = Some(receiver);
        self.script(move |_| {
            let receiver = receiver.take().expect("asked once");
            Box::pin(async { receiver.await.unwrap_or_else(|_| Err(broken())) })
        });
        sender
    }

    pub(crate) fn script(
        &self,
        script: impl FnMut(&Request<Vec<u8>>) -> BoxFuture<'static, Answer> + Send + 'static,
    ) {
        self.0.lock().unwrap().script = Box::new(script);
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.0.lock().unwrap().asked.len()
    }

    /// A header of the last request.
    pub(crate) fn last_header(&self, name: &str) -> Option<String> {
        let state = self.0.lock().unwrap();
        let value = state.asked.last().unwrap().headers().get(name)?;
        Some(value.to_str().unwrap().to_owned())
    }

    pub(crate) fn builder(&self, time: &Time) -> RemoteJwksBuilder {
        RemoteJwks::builder(URL).http(self.clone()).clock(time.clone())
    }

    pub(crate) fn jwks(&self, time: &Time) -> RemoteJwks {
        self.builder(time).build().unwrap()
    }
}

impl HttpClient for Issuer {
    fn send(&self, request: Request<Vec<u8>>) -> BoxFuture<'_, Answer> {
        let mut state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let State { script, asked } = &mut *state;
        asked.push(request);
        script(asked.last().unwrap())
    }
}

/// An issuer of these keys, a set that has fetched them just now, and the time.
pub(crate) async fn warm(keys: &[&Jwk]) -> (Issuer, RemoteJwks, Time) {
    let (issuer, time) = (Issuer::new(keys), Time::new());
    let jwks = issuer.jwks(&time);
    jwks.keys().await.unwrap();
    (issuer, jwks, time)
}

pub(crate) fn broken() -> TransportError {
    TransportError::Broken { host: "as.example".to_owned(), source: "on purpose".into() }
}

pub(crate) fn ok(headers: &[(&str, &str)], body: &str) -> Answer {
    answer(200, headers, body)
}

pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    Ok(response.body(body.as_bytes().to_vec()).unwrap())
}
