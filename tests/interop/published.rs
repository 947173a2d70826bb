//! The clients' keys at URLs, for servers that fetch them.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};

use axum::Router;
use axum::http::header::IF_NONE_MATCH;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use private_key_jwt::KeyRing;

use crate::{ALGORITHMS, signing_key};

/// Rings, by the path where their keys are found.
static RINGS: Mutex<BTreeMap<String, KeyRing>> = Mutex::new(BTreeMap::new());

/// Publishes the keys of a ring at this path, as they are at the time of each request.
pub(crate) fn publish(path: &str, keys: KeyRing) {
    RINGS.lock().unwrap().insert(path.to_owned(), keys);
}

/// Serves the keys of every algorithm, each at `/ALGORITHM`, and those that were published. Returns
/// the URL without a path.
pub(crate) fn url() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| {
        for (algorithm, file) in ALGORITHMS {
            publish(&format!("/{algorithm}"), signing_key(algorithm, file).into());
        }
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, Router::new().fallback(answer)).await.unwrap();
            });
        });
        url
    })
}

async fn answer(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let keys = RINGS.lock().unwrap().get(uri.path()).cloned();
    let Some(keys) = keys else { return StatusCode::NOT_FOUND.into_response() };
    keys.jwks_response().respond(method, headers.get_all(IF_NONE_MATCH))
}
