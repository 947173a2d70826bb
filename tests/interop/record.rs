//! Requests and responses: for the log, and for the counts of every suite.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};

use private_key_jwt::Algorithm;
use private_key_jwt::jose::CompactJws;
use private_key_jwt::keys::BoxFuture;
use private_key_jwt::transport::{HttpClient, ReqwestClient, TransportError};
use serde_json::Value;

/// An HTTP client that records each request with an assertion: where it went, the assertion, and
/// the response. Clones share the records.
#[derive(Clone)]
pub(crate) struct Record {
    server: &'static str,
    http: ReqwestClient,
    notes: Arc<Mutex<Vec<Note>>>,
}

struct Note {
    path: String,
    algorithm: Algorithm,
    key_id: Option<String>,
    jti: String,
    status: u16,
}

impl Record {
    pub(crate) fn of(server: &'static str) -> Self {
        Self { server, http: ReqwestClient::new().unwrap(), notes: Arc::default() }
    }

    /// How often a path gave this response to an assertion of this algorithm.
    pub(crate) fn count(&self, path: &str, algorithm: Algorithm, status: u16) -> usize {
        let same = |note: &&Note| (&*note.path, note.algorithm, note.status) == (path, algorithm, status);
        self.notes.lock().unwrap().iter().filter(same).count()
    }

    /// The key of the last request, if the server accepted it.
    pub(crate) fn last_key_id(&self) -> Option<String> {
        self.notes.lock().unwrap().last().filter(|note| note.status == 200)?.key_id.clone()
    }

    /// Prints server, endpoint, algorithm and count. Returns the counts by path and response.
    /// Checks that no `jti` was sent twice.
    pub(crate) fn print(&self) -> BTreeMap<(String, u16), usize> {
        let notes = self.notes.lock().unwrap();
        let (mut lines, mut counts) = (BTreeMap::new(), BTreeMap::new());
        for Note { path, algorithm, status, .. } in notes.iter() {
            *lines.entry((path, algorithm.as_str(), status)).or_insert(0) += 1;
            *counts.entry((path.clone(), *status)).or_insert(0) += 1;
        }
        for ((path, algorithm, status), count) in lines {
            println!("{}, {path}, {algorithm}, {status}: {count}", self.server);
        }
        let jtis: HashSet<&str> = notes.iter().map(|note| &*note.jti).collect();
        assert_eq!(jtis.len(), notes.len(), "an assertion was used twice");
        counts
    }
}

impl HttpClient for Record {
    fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, TransportError>> {
        let path = request.uri().path().to_owned();
        let assertion = form_urlencoded::parse(request.body())
            .find_map(|(name, value)| (name == "client_assertion").then_some(value.into_owned()));
        Box::pin(async move {
            let response = self.http.send(request).await?;
            if let Some(assertion) = assertion {
                let jws = CompactJws::parse(&assertion).unwrap();
                let claims: Value = serde_json::from_slice(jws.payload()).unwrap();
                self.notes.lock().unwrap().push(Note {
                    path,
                    algorithm: jws.header().algorithm,
                    key_id: jws.header().key_id.as_ref().map(|key_id| key_id.as_str().to_owned()),
                    jti: claims["jti"].as_str().unwrap().to_owned(),
                    status: response.status().as_u16(),
                });
            }
            Ok(response)
        })
    }
}
