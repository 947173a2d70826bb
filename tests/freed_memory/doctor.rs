//! A JWK Set that has private values by mistake, examined by the doctor and dropped.

use std::sync::{Arc, LazyLock};

use private_key_jwt::PrivateKey;
use private_key_jwt::doctor::{Setup, examine};
use private_key_jwt::keys::BoxFuture;
use private_key_jwt::transport::{HttpClient, TransportError};

use crate::marks::Marks;
use crate::watch::{is_clean, turn};

/// The private value of `testdata/keys/p256.jwk.json`, as its file has it.
static VALUE: LazyLock<String> = LazyLock::new(|| {
    let jwk: serde_json::Value =
        serde_json::from_slice(include_bytes!("../../testdata/keys/p256.jwk.json")).unwrap();
    jwk["d"].as_str().unwrap().to_owned()
});

static MARKS: LazyLock<Arc<Marks>> =
    LazyLock::new(|| Arc::new(Marks::default().text("the private value", VALUE.as_str()).ready()));

fn documents() -> Vec<Vec<u8>> {
    let jwk = String::from_utf8(include_bytes!("../../testdata/keys/p256.jwk.json").to_vec()).unwrap();
    let set = format!("{{\"keys\":[{jwk}]}}");
    let texts = [set.clone(), jwk.clone(), format!("[{jwk}]"), format!("{set}x"), format!("\u{feff}{set}")];
    texts.map(String::into_bytes).to_vec()
}

/// Answers a request for the JWK Set with a document, and knows nothing else.
struct Document(Vec<u8>);

impl HttpClient for Document {
    fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, TransportError>> {
        let is_set = request.uri().path() == "/jwks";
        let mut response = http::Response::new(if is_set { self.0.clone() } else { Vec::new() });
        if !is_set {
            *response.status_mut() = http::StatusCode::NOT_FOUND;
        }
        Box::pin(std::future::ready(Ok(response)))
    }
}

#[test]
fn published_private_keys_leave_nothing() {
    let turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let key = PrivateKey::from_file("testdata/keys/ed25519.pkcs8.pem").unwrap();
    let setup = || Setup::new("https://as.example", "client", key.clone());
    for document in documents() {
        let path = folder.path().join("jwks.json");
        std::fs::write(&path, &document).unwrap();
        is_clean(&turn, "a file", &MARKS, || {
            drop(runtime.block_on(examine(&setup().jwks_file(&path).offline())));
        });
        let given = document.clone();
        is_clean(&turn, "a document", &MARKS, || {
            drop(runtime.block_on(examine(&setup().jwks(given).offline())));
        });
        let http = Document(document.clone());
        let served = setup().jwks_url("https://app.example/jwks").http(http);
        is_clean(&turn, "a URL", &MARKS, || drop(runtime.block_on(examine(&served))));
    }
}
