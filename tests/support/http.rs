//! An HTTP client that answers from a script, without a socket.

use std::sync::{Arc, Mutex, PoisonError};

use http::{Request, Response};
use private_key_jwt::keys::BoxFuture;
use private_key_jwt::transport::{HttpClient, TransportError};
use tokio::sync::oneshot;

pub type Answer = Result<Response<Vec<u8>>, TransportError>;
type Script = Box<dyn FnMut(&Request<Vec<u8>>) -> BoxFuture<'static, Answer> + Send>;

/// Answers as its script says, and keeps the requests. Clones share both.
#[derive(Clone)]
pub struct ScriptedHttp(Arc<Mutex<State>>);

struct State {
    script: Script,
    requests: Vec<Request<Vec<u8>>>,
}

impl ScriptedHttp {
    /// Answers at once.
    pub fn answering(answer: impl FnMut(&Request<Vec<u8>>) -> Answer + Send + 'static) -> Self {
        let client = Self::silent();
        client.answers(answer);
        client
    }

    /// Never answers.
    pub fn silent() -> Self {
        let script: Script = Box::new(|_| Box::pin(std::future::pending()));
        Self(Arc::new(Mutex::new(State { script, requests: Vec::new() })))
    }

    /// From now on, answers like this, at once.
    pub fn answers(&self, mut answer: impl FnMut(&Request<Vec<u8>>) -> Answer + Send + 'static) {
        self.script(move |request| Box::pin(std::future::ready(answer(request))));
    }

    /// From now on, breaks every connection.
    pub fn breaks(&self) {
        self.answers(|_| Err(broken()));
    }

    /// Answers one more request, with what the test sends, when the test sends it.
    pub fn answers_when_told(&self) -> oneshot::Sender<Answer> {
        let (sender, receiver) = oneshot::channel();
        let mut receiver = Some(receiver);
        self.script(move |_| {
            let receiver = receiver.take().expect("one request");
            Box::pin(async { receiver.await.unwrap_or_else(|_| Err(broken())) })
        });
        sender
    }

    /// From now on, follows this script.
    pub fn script(
        &self,
        script: impl FnMut(&Request<Vec<u8>>) -> BoxFuture<'static, Answer> + Send + 'static,
    ) {
        self.0.lock().unwrap().script = Box::new(script);
    }

    /// The number of requests so far.
    pub fn requests(&self) -> usize {
        self.0.lock().unwrap().requests.len()
    }

    /// A header of the last request.
    pub fn last_header(&self, name: &str) -> Option<String> {
        let state = self.0.lock().unwrap();
        let value = state.requests.last().unwrap().headers().get(name)?;
        Some(value.to_str().unwrap().to_owned())
    }
}

impl HttpClient for ScriptedHttp {
    fn send(&self, request: Request<Vec<u8>>) -> BoxFuture<'_, Answer> {
        // A script may panic on purpose.
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let State { script, requests } = &mut *state;
        requests.push(request);
        script(requests.last().unwrap())
    }
}

pub fn broken() -> TransportError {
    TransportError::Broken { host: "as.example".to_owned(), source: "on purpose".into() }
}

pub fn ok(headers: &[(&str, &str)], body: &str) -> Answer {
    answer(200, headers, body)
}

pub fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    Ok(response.body(body.into()).unwrap())
}
