//! The clients' keys at URLs, for servers that fetch them.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};

use private_key_jwt::JwkSet;
use serde_json::json;

use crate::support::loopback;
use crate::{ALGORITHMS, jwks};

/// JWK Sets that change, by the path where they are found.
static CHANGING: Mutex<BTreeMap<String, JwkSet>> = Mutex::new(BTreeMap::new());

/// Publishes a JWK Set at this path, in place of the one that was there.
pub(crate) fn publish(path: &str, set: JwkSet) {
    CHANGING.lock().unwrap().insert(format!("GET {path}"), set);
}

/// Serves the keys of every algorithm, each at `/ALGORITHM`, and those that change. Returns the
/// URL without a path.
pub(crate) fn url() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| {
        let documents: BTreeMap<String, String> = ALGORITHMS
            .into_iter()
            .map(|(algorithm, file)| (format!("GET /{algorithm}"), jwks(algorithm, file).to_string()))
            .collect();
        let answer = move |(), request: loopback::Request| {
            let changing = CHANGING.lock().unwrap().get(&request.line).map(|set| json!(set).to_string());
            let document = changing.or_else(|| documents.get(&request.line).cloned());
            let status = if document.is_some() { "200 OK" } else { "404 Not Found" };
            let head = format!("{status}\r\ncontent-type: application/json\r\nconnection: close");
            loopback::answer(&head, document.unwrap_or_default())
        };
        format!("http://{}", loopback::Server::on_a_thread(std::iter::repeat(()), None, answer))
    })
}
