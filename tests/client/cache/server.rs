//! The server, and helpers for all tests of the cache.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};

use private_key_jwt::client::ErrorKind;
use private_key_jwt::client::TokenClientBuilder;
use private_key_jwt::keys::BoxFuture;
use private_key_jwt::oauth::OAuthError;
use private_key_jwt::transport::{Clock, HttpClient, TransportError};
use private_key_jwt::{
    AuthorizationServer, ClientAssertionVerifier, Error, JwkSet, PublicKeySet, TokenClient,
};
use tokio::sync::watch;

use crate::support::clock::TestClock;
use crate::support::http::{Answer, answer, broken};
use crate::support::{clean, key};

const ISSUER: &str = "https://as.example";

/// The parameters of a request, without its authentication.
pub(crate) type Form = BTreeMap<String, String>;

/// What the server does with a request.
pub(crate) enum Reply {
    /// A token response with these members. By default, the token is the number of the request.
    Token(serde_json::Value),
    Status(u16, Vec<(&'static str, &'static str)>, &'static str),
    Unreachable,
    /// The connection breaks before an answer.
    Broken,
    /// No answer, ever.
    Nothing,
    Panic,
}

impl Reply {
    /// A token for this many seconds.
    pub(crate) fn token(seconds: impl Into<serde_json::Value>) -> Self {
        Self::Token(serde_json::json!({"expires_in": seconds.into()}))
    }

    pub(crate) fn refused(code: &'static str) -> Self {
        let body = match code {
            "invalid_grant" => r#"{"error":"invalid_grant"}"#,
            "invalid_client" => r#"{"error":"invalid_client"}"#,
            other => panic!("{other}"),
        };
        Self::Status(400, Vec::new(), body)
    }
}

type Answerer = Box<dyn FnMut(&Form) -> Reply + Send>;

#[derive(Clone)]
pub(crate) struct Server(Arc<Shared>);

struct Shared {
    clock: TestClock,
    forms: Mutex<Vec<Form>>,
    jtis: Mutex<Vec<String>>,
    reply: Mutex<Answerer>,
    /// While this is closed, requests are held.
    open: watch::Sender<bool>,
}

impl Server {
    /// Issues tokens for five minutes.
    pub(crate) fn new() -> Self {
        Self::answering(|_| Reply::token(300))
    }

    pub(crate) fn answering(reply: impl FnMut(&Form) -> Reply + Send + 'static) -> Self {
        Self(Arc::new(Shared {
            clock: TestClock::new(),
            forms: Mutex::default(),
            jtis: Mutex::default(),
            reply: Mutex::new(Box::new(reply)),
            open: watch::Sender::new(true),
        }))
    }

    pub(crate) fn answer(&self, reply: impl FnMut(&Form) -> Reply + Send + 'static) {
        *self.0.reply.lock().unwrap() = Box::new(reply);
    }

    pub(crate) fn client(&self) -> TokenClient {
        self.client_with(|builder| builder)
    }

    /// A client that retries nothing, so that every repeated request comes from the cache.
    pub(crate) fn client_with(
        &self,
        change: impl FnOnce(TokenClientBuilder) -> TokenClientBuilder,
    ) -> TokenClient {
        let server = AuthorizationServer::new(ISSUER, format!("{ISSUER}/token")).unwrap();
        let builder = TokenClient::builder(server, "client", key("p256.pkcs8.pem"))
            .http(self.clone())
            .clock(self.0.clock.clone())
            .without_retries();
        change(builder).build().unwrap()
    }

    pub(crate) fn clock(&self) -> &TestClock {
        &self.0.clock
    }

    /// Holds requests, or lets them go on.
    pub(crate) fn open(&self, is_open: bool) {
        self.0.open.send_replace(is_open);
    }

    /// How many requests there were. Checks that no assertion came twice: a panic in the server
    /// would only look like one more failed request.
    pub(crate) fn requests(&self) -> usize {
        let jtis = self.0.jtis.lock().unwrap();
        let different: HashSet<&String> = jtis.iter().collect();
        assert_eq!(different.len(), jtis.len(), "an assertion was sent twice");
        self.0.forms.lock().unwrap().len()
    }

    pub(crate) fn form(&self, number: usize) -> Form {
        self.0.forms.lock().unwrap()[number].clone()
    }

    /// Records a request, which must be authenticated.
    fn receive(&self, body: &[u8]) -> Reply {
        let verifier = ClientAssertionVerifier::new(ISSUER);
        let keys = PublicKeySet::from(JwkSet::from(key("p256.pkcs8.pem").public_jwk().clone()));
        let verified = verifier.parse(body).unwrap().verify(&keys, None, self.0.clock.now()).unwrap();
        self.0.jtis.lock().unwrap().push(verified.jti().unwrap().to_owned());
        let form: Form = form_urlencoded::parse(body)
            .into_owned()
            .filter(|(name, _)| !name.starts_with("client_"))
            .collect();
        let reply = (self.0.reply.lock().unwrap())(&form);
        let mut forms = self.0.forms.lock().unwrap();
        forms.push(form);
        match reply {
            Reply::Token(mut members) => {
                let object = members.as_object_mut().unwrap();
                object.entry("access_token").or_insert(forms.len().to_string().into());
                object.entry("token_type").or_insert("Bearer".into());
                Reply::Token(members)
            }
            other => other,
        }
    }
}

impl HttpClient for Server {
    fn send(&self, request: http::Request<Vec<u8>>) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            let reply = self.receive(request.body());
            self.0.open.subscribe().wait_for(|open| *open).await.unwrap();
            match reply {
                Reply::Token(members) => Ok(http::Response::new(members.to_string().into_bytes())),
                Reply::Status(status, headers, body) => answer(status, &headers, body),
                Reply::Unreachable => {
                    Err(TransportError::Connect { host: "as.example".to_owned(), source: "refused".into() })
                }
                Reply::Broken => Err(broken()),
                Reply::Nothing => std::future::pending().await,
                Reply::Panic => panic!("on purpose"),
            }
        })
    }
}

/// Lets the tasks of a single-threaded runtime run until they wait.
pub(crate) async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// The text of the token.
pub(crate) async fn text(source: &private_key_jwt::TokenSource) -> String {
    source.token().await.unwrap().secret().to_owned()
}

/// The error, checked for secrets.
pub(crate) async fn error(source: &private_key_jwt::TokenSource) -> Error {
    clean(source.token().await.unwrap_err())
}

pub(crate) fn is_unavailable(error: &Error, status: u16) -> bool {
    matches!(error.kind(), ErrorKind::OAuth(OAuthError::Unavailable(answer)) if answer.status() == status)
}

/// The token `1` of 300 s is returned while its refresh fails, once. The next attempt brings
/// another token.
pub(crate) async fn assert_renewed_at_last(server: &Server, tokens: &private_key_jwt::TokenSource) {
    server.clock().set(286.0);
    for _ in 0..10 {
        assert_eq!(text(tokens).await, "1");
        settle().await;
    }
    assert_eq!(server.requests(), 2);
    server.answer(|_| Reply::token(300));
    server.clock().set(294.0);
    assert_eq!(text(tokens).await, "1");
    settle().await;
    assert_eq!(text(tokens).await, "3");
}
