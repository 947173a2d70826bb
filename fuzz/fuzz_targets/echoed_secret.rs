//! A server that echoes the secrets of a request, in any encoding and any place of its answer. The
//! input is the answer, with a tilde and a letter in the place of a secret. No error shows a
//! secret.
#![no_main]

use std::error::Error as _;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use base64ct::{Base64UrlUnpadded, Encoding};
use libfuzzer_sys::fuzz_target;
use private_key_jwt::keys::BoxFuture;
use private_key_jwt::oauth::CodeVerifier;
use private_key_jwt::transport::{HttpClient, TransportError};
use private_key_jwt::{TokenClient, TokenRequest};
use private_key_jwt_fuzz::{ED25519, SERVER, check_error, choice, now, run, texts_of};

const CODE: &str = "cOdE/7f3a+9c51=sEcReT~1";
const VERIFIER: &str = "vErIfIeR-2b8e_0d44.aaaaaaaaaaaaaaaaaaaaaaaaaaa";

const STATUSES: [u16; 8] = [400, 401, 403, 500, 302, 404, 429, 200];
const FIELDS: [&str; 8] = [
    "content-type",
    "www-authenticate",
    "location",
    "x-correlation-id",
    "request-id",
    "date",
    "retry-after",
    "content-encoding",
];

struct Server {
    answer: Vec<u8>,
    /// The assertions that were sent.
    assertions: Mutex<Vec<String>>,
}

impl HttpClient for Server {
    fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, TransportError>> {
        let form: Vec<_> = form_urlencoded::parse(request.body()).into_owned().collect();
        let (_, assertion) = form.into_iter().find(|(name, _)| name == "client_assertion").unwrap();
        let response = answer(&self.answer, &assertion);
        self.assertions.lock().unwrap().push(assertion);
        Box::pin(std::future::ready(Ok(response)))
    }
}

/// A line for the status, given by a letter, and one for each field, then the body.
fn answer(input: &[u8], assertion: &str) -> http::Response<Vec<u8>> {
    let mut parts = input.splitn(FIELDS.len() + 2, |byte| *byte == b'\n');
    let mut head = http::Response::builder().status(choice(&STATUSES, parts.next(), 0));
    for name in FIELDS {
        let value = parts.next().map(|part| http::HeaderValue::from_bytes(&echo(part, assertion)));
        match value {
            Some(Ok(value)) if !value.is_empty() => head = head.header(name, value),
            _ => {}
        }
    }
    head.body(echo(parts.next().unwrap_or_default(), assertion)).unwrap()
}

/// Puts the secrets where the input has a tilde and a letter.
fn echo(part: &[u8], assertion: &str) -> Vec<u8> {
    let mut text = Vec::new();
    let mut bytes = part.iter();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.as_slice().first().and_then(|letter| encoded(*letter, assertion))) {
            (b'~', Some(secret)) => {
                bytes.next();
                text.extend_from_slice(secret.as_bytes());
            }
            _ => text.push(*byte),
        }
    }
    text
}

/// A secret of the request, in the encoding that the letter selects.
fn encoded(letter: u8, assertion: &str) -> Option<String> {
    Some(match letter {
        b'a' => CODE.to_owned(),
        b'b' => form_urlencoded::byte_serialize(CODE.as_bytes()).collect(),
        b'c' => CODE.bytes().map(|it| format!("%{it:02X}")).collect(),
        b'd' => CODE.replace('/', "\\/"),
        b'e' => CODE.replace('+', "\\u002B").replace('=', "\\u003d"),
        b'f' => CODE.bytes().map(|it| format!("\\u{it:04x}")).collect(),
        b'g' => CODE.replace('+', "&#43;").replace('/', "&#x2F;").replace('=', "&equals;"),
        b'h' => CODE.bytes().map(|it| format!("&#{it};")).collect(),
        b'i' => VERIFIER.to_owned(),
        b'j' => assertion.to_owned(),
        b'k' => assertion.replace('.', "%2E"),
        b'l' => assertion.replace('.', "\\u002e"),
        _ => return None,
    })
}

fuzz_target!(|input: &[u8]| {
    let server = Arc::new(Server { answer: input.to_vec(), assertions: Mutex::default() });
    let client = TokenClient::builder(SERVER.clone(), "client", ED25519.clone())
        .http(Arc::clone(&server))
        .clock(now)
        .deadline(std::time::Duration::MAX)
        .without_retries()
        .build()
        .unwrap();
    let verifier = CodeVerifier::new(VERIFIER).unwrap();
    let request = TokenRequest::authorization_code(CODE, "https://app.example/cb", &verifier);
    if let Err(error) = run(client.request(&request)) {
        check_error(&error);
        let mut texts = texts_of(&error);
        if let Some(refusal) = error.refusal() {
            let _ = write!(texts, "{refusal}\n{:?}", refusal);
        }
        let _ = error.source();
        check_secrets(&texts, &server.assertions.lock().unwrap());
    }
});

/// The secrets, plain and as they were sent. A piece of a signature counts like all of it.
#[track_caller]
fn check_secrets(texts: &str, assertions: &[String]) {
    let encoded: String = form_urlencoded::byte_serialize(CODE.as_bytes()).collect();
    for secret in [CODE, &encoded, VERIFIER] {
        assert!(!texts.contains(secret), "{secret} in {texts}");
    }
    for assertion in assertions {
        let signature = assertion.rsplit('.').next().unwrap();
        assert!(Base64UrlUnpadded::decode_vec(signature).is_ok());
        assert!(!texts.contains(&signature[..16]), "the signature in {texts}");
    }
}
