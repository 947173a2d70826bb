//! A token client whose server echoes the request in every way. The assertions are known only after
//! they were sent, so the freed blocks are recorded and inspected afterwards.

use std::path::Path;
use std::sync::{Arc, Mutex};

use private_key_jwt::keys::BoxFuture;
use private_key_jwt::oauth::{AuthorizationRequest, Endpoint, HintedToken, TokenKind};
use private_key_jwt::transport::{HttpClient, TransportError};
use private_key_jwt::{
    AuthorizationServer, CodeVerifier, DeviceAuthorization, JwtGrant, PrivateKey, TokenClient, TokenExchange,
    TokenRequest,
};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::marks::Marks;
use crate::responses::{ACCESS_TOKEN, ID_TOKEN, REFRESH_TOKEN};
use crate::spelling;
use crate::watch::{record, turn};

pub(crate) const CODE: &str = "cD6t/Rb+2mVx8/Gq4+Ns9Wz1yLe7Ph3==";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const SUBJECT: &str = "sJ8u/Yc+5nKf1/Dw7+Xb3Qm6zTg9Rv4==";

/// A server's answer, made from the assertion and the whole form that it received.
type Say = fn(&str, &str) -> Zeroizing<String>;

struct Echo {
    status: u16,
    content_type: &'static str,
    say: Say,
    /// The bodies of the requests, which this client would have to wipe. They are kept until the
    /// end.
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl HttpClient for Echo {
    fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, TransportError>> {
        let form = request.into_body();
        let body = {
            let form = std::str::from_utf8(&form).unwrap();
            (self.say)(assertion_in(form), form).as_bytes().to_vec()
        };
        self.seen.lock().unwrap().push(form);
        let response =
            http::Response::builder().status(self.status).header("content-type", self.content_type);
        let response = response.body(body).unwrap();
        Box::pin(async move { Ok(response) })
    }
}

pub(crate) fn assertion_in(form: &str) -> &str {
    let value = form.split('&').find_map(|pair| pair.strip_prefix("client_assertion="));
    value.unwrap()
}

/// Texts in one buffer that does not grow.
pub(crate) fn all(texts: &[&str]) -> Zeroizing<String> {
    Zeroizing::new(texts.concat())
}

/// A JSON string in one of its spellings.
fn string(text: &str, way: usize) -> Zeroizing<String> {
    spelling::json(text).map(Zeroizing::new)[way].clone()
}

/// The value of a JSON string.
fn inside(text: &str, way: usize) -> Zeroizing<String> {
    let string = string(text, way);
    all(&[&string[1..string.len() - 1]])
}

const HTML: &str = "text/html";
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Answers other than a token.
const SAYINGS: [(&str, Say); 22] = [
    (JSON, |_, _| all(&["{\"error\":\"invalid_client\"}"])),
    (JSON, |jwt, _| all(&["{\"error\":\"invalid_client\",\"error_description\":\"bad ", jwt, "\"}"])),
    (JSON, |_, form| all(&["{\"error\":\"invalid_request\",\"error_description\":", &string(form, 0), "}"])),
    (JSON, |_, form| all(&["{\"error\":\"invalid_request\",\"error_description\":", &string(form, 1), "}"])),
    (JSON, |_, form| all(&["{\"error\":\"invalid_request\",\"error_description\":", &string(form, 2), "}"])),
    (JSON, |_, form| all(&["{\"message\":\"no\",\"errors\":[{\"detail\":", &string(form, 3), "}]}"])),
    (JSON, |jwt, form| {
        all(&["{\"error\":{\"code\":", &string(jwt, 2), ",\"message\":", &string(form, 3), "}}"])
    }),
    (JSON, |jwt, form| {
        all(&["{\"error\":\"x\",\"a\":[[{\"b\":", &string(jwt, 2), "}]],\"c\":", &string(form, 1), "}"])
    }),
    (JSON, |jwt, _| all(&["{\"error\":", &string(jwt, 0), ",\"error\":", &string(jwt, 2), "}"])),
    (JSON, |jwt, _| all(&["{\"error\":\"x\",", &string(jwt, 0), ":1,", &string(jwt, 2), ":2}"])),
    (JSON, |jwt, form| {
        all(&["{\"error\":\"x\",\"error_description\":", &string(jwt, 2), ",\"b\":\"", &inside(form, 1)])
    }),
    (JSON, |_, form| all(&["{\"error\":\"x\",\"error_description\":\"a\n", &inside(form, 1), "\"}"])),
    (JSON, |_, form| all(&["{\"error\":\"x\",\"error_description\":\"", &inside(form, 2), "\\x\"}"])),
    (JSON, |jwt, form| {
        all(&["{\"errors\":{\"client_assertion\":[", &string(jwt, 2), "],\"form\":", &string(form, 1), "}}"])
    }),
    (JSON, |jwt, form| {
        all(&[
            "[{\"message\":",
            &string(jwt, 3),
            ",\"causes\":[",
            &string(form, 0),
            ",",
            &string(form, 2),
            "]}]",
        ])
    }),
    (JSON, |jwt, form| {
        all(&[
            "{\"message\":",
            &string(jwt, 0),
            ",\"errorCauses\":[{\"errorSummary\":",
            &string(form, 1),
            "},{\"errorSummary\":",
            &string(jwt, 2),
            "}]}",
        ])
    }),
    (JSON, |_, form| string(form, 2)),
    (FORM, |_, form| all(&["error=x&error_description=", &spelling::form(form)[1], "&", form])),
    (FORM, |jwt, form| {
        all(&["error=", &spelling::form(jwt)[1], "&error_description=", &spelling::form(form)[2]])
    }),
    (HTML, |jwt, form| all(&["<title>No ", jwt, "</title><p>", form, "&amp;<b>", form, "</b>"])),
    ("text/plain", |jwt, form| all(&["cannot  read ", form, "\n", jwt, " \u{e9}"])),
    ("application/problem+json", |jwt, form| {
        all(&["{\"title\":", &string(jwt, 1), ",\"detail\":", &string(form, 2), "}"])
    }),
];

/// Records what a client frees while it talks to a server, and inspects it.
fn is_clean(
    what: &str,
    (status, content_type, say): (u16, &'static str, Say),
    work: impl AsyncFnOnce(&TokenClient),
) {
    let turn = turn();
    let seen: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let recording = record(&turn, || {
        let server = AuthorizationServer::new("https://as.example", "https://as.example/token")
            .and_then(|server| server.with_endpoint(Endpoint::Introspection, "https://as.example/introspect"))
            .and_then(|server| server.with_endpoint(Endpoint::Revocation, "https://as.example/revoke"))
            .and_then(|server| server.with_endpoint(Endpoint::PushedAuthorization, "https://as.example/par"))
            .unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/keys/ed25519.pkcs8.pem");
        let client = TokenClient::builder(server, "client", PrivateKey::from_file(path).unwrap())
            .http(Echo { status, content_type, say, seen: Arc::clone(&seen) })
            .without_retries()
            .build()
            .unwrap();
        runtime.block_on(work(&client));
        drop(client);
    });
    let seen = seen.lock().unwrap();
    assert!(!seen.is_empty(), "{what}: nothing was sent");
    recording.is_clean(what, &marks(&seen));
}

/// The secrets of the received requests, and of their answers.
pub(crate) fn marks(seen: &[Vec<u8>]) -> Marks {
    let mut marks = Marks::default()
        .text("the code", CODE)
        .text("the code verifier", VERIFIER)
        .text("the subject token", SUBJECT)
        .text("the access token", ACCESS_TOKEN)
        .text("the refresh token", REFRESH_TOKEN)
        .text("the ID token", ID_TOKEN);
    for form in seen {
        let (_, signed) = assertion_in(std::str::from_utf8(form).unwrap()).split_once('.').unwrap();
        marks = marks.text("the assertion", signed);
    }
    marks.ready()
}

/// Every request that carries a secret.
pub(crate) async fn every_request(client: &TokenClient) {
    let verifier = CodeVerifier::new(VERIFIER).unwrap();
    let exchange = TokenExchange::new(SUBJECT, TokenKind::AccessToken).actor(CODE, TokenKind::Jwt);
    let _ = client.token("a").await;
    let _ = client.request(&TokenRequest::client_credentials("a").parameter("password", CODE).unwrap()).await;
    let _ = client.authorization_code(CODE, "https://app.example/cb", &verifier).await;
    let _ = client.refresh_token(SUBJECT).await;
    let _ = client.request(&TokenRequest::jwt_bearer(&JwtGrant::from_jwt(SUBJECT))).await;
    let _ = client.request(&TokenRequest::token_exchange(&exchange)).await;
    let _ = client.introspect(HintedToken::access_token(SUBJECT)).await;
    let _ = client.revoke(HintedToken::refresh_token(SUBJECT)).await;
    let request = AuthorizationRequest::new("https://app.example/cb", &verifier).state("a-state");
    let _ = client.push_authorization(&request).await;
}

#[test]
fn an_echo_leaves_nothing() {
    for (content_type, say) in SAYINGS {
        for status in [200, 401, 503] {
            let what = format!("{status} {content_type} {}", &*say("JWT", "FORM"));
            is_clean(&what, (status, content_type, say), async |client| every_request(client).await);
        }
    }
}

#[test]
fn tokens_leave_nothing() {
    const TOKENS: [Say; 3] = [|_, _| tokens(0), |_, _| tokens(1), |_, _| tokens(2)];
    fn tokens(way: usize) -> Zeroizing<String> {
        all(&[
            "{\"token_type\":\"Bearer\",\"expires_in\":300,\"access_token\":",
            &string(ACCESS_TOKEN, way),
            ",\"refresh_token\":",
            &string(REFRESH_TOKEN, way),
            ",\"id_token\":",
            &string(ID_TOKEN, way),
            "}",
        ])
    }
    for say in TOKENS {
        is_clean("every request", (200, JSON, say), async |client| every_request(client).await);
        is_clean("a cached token", (200, JSON, say), async |client| {
            let token = client.token("a").await.unwrap();
            assert_eq!(client.token("a").await.unwrap().secret(), token.secret());
            assert!(client.invalidate(&token));
            drop(token);
            drop(client.token("a").await.unwrap());
        });
        is_clean("a source with a refresh token", (200, JSON, say), async |client| {
            let login = client.refresh_token(SUBJECT).await.unwrap();
            let source = client.source_from(login);
            for _ in 0..2 {
                let token = source.token().await.unwrap();
                drop(source.refresh_token());
                source.invalidate(&token);
            }
            let exchange = TokenExchange::new(SUBJECT, TokenKind::AccessToken);
            let source = client.source(TokenRequest::token_exchange(&exchange).scope("b a"));
            drop(source.token().await.unwrap());
        });
        is_clean("a device", (200, JSON, say), async |client| {
            let body = "{\"device_code\":\"cD6t\\/Rb+2mVx8\\/Gq4+Ns9Wz1yLe7Ph3==\",\"user_code\":\"W\",\"interval\":1,\
                 \"verification_uri\":\"https://as.example/d\",\"expires_in\":99}";
            let response = http::Response::new(body.as_bytes().to_vec());
            let codes = DeviceAuthorization::from_http(response, OffsetDateTime::now_utc()).unwrap();
            drop(client.request(&TokenRequest::device_code(&codes)).await.unwrap());
        });
    }
}

#[test]
fn an_assertion_for_other_code_leaves_nothing() {
    let say: Say = |_, _| all(&["{}"]);
    is_clean("an assertion", (200, JSON, say), async |client| {
        let assertion = client.assertion().await.unwrap();
        assert_eq!(assertion.form().len(), 3);
        drop(assertion);
        let _ = client.token("a").await;
    });
}
