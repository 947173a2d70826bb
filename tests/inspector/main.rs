//! The dev server's inspector in a headless Chromium.
//!
//! `cargo test --test inspector --features dev-server` needs Debian's packages `chromium` and
//! `chromium-driver`, and fails with the name of what is missing. A plain `cargo test` does not run
//! this suite. With `PRIVATE_KEY_JWT_SCREENSHOTS=FOLDER`, it writes the pictures of the README into
//! that folder.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod browser;
mod hostile;
mod judge;
mod requests;
mod use_by_all;

use base64ct::{Base64UrlUnpadded, Encoding};
use private_key_jwt::dev_server::{DevServer, RunningDevServer};
use private_key_jwt::{Algorithm, Audience, ClientAssertion, JwkSet, PrivateKey, Profile, TokenClient};
use serde_json::{Value, json};
use time::OffsetDateTime;

use browser::{Browser, ENTER, TAB};

/// A server with one client, its key, and a browser that shows the inspector.
struct Place {
    dev: RunningDevServer,
    key: PrivateKey,
    browser: Browser,
}

impl Place {
    async fn open() -> Self {
        let key = PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap();
        let dev = DevServer::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        dev.register("my-client", JwkSet::from(key.public_jwk().clone())).unwrap();
        let browser = Browser::start().await;
        browser.open(dev.inspector()).await;
        browser.run("window.sameDocument = true").await;
        Self { dev, key, browser }
    }

    fn client(&self, audience: Option<&str>) -> TokenClient {
        let server = self.dev.authorization_server().clone();
        let builder = TokenClient::builder(server, "my-client", self.key.clone());
        match audience {
            Some(audience) => builder.audience(Audience::Exactly(audience.to_owned())).build().unwrap(),
            None => builder.build().unwrap(),
        }
    }

    /// Waits until the page lists this many requests.
    async fn listed(&self, count: usize) {
        self.browser.wait_for(&format!("document.querySelectorAll('#list > li').length === {count}")).await;
        assert_eq!(self.browser.run("return window.sameDocument").await, true, "the page was loaded again");
    }

    /// The newest request: its summary, and its checks as lists of name, result and reason.
    async fn newest(&self) -> (String, Vec<[String; 3]>) {
        let summary = self.browser.run("return document.querySelector('#list summary').textContent").await;
        let checks = self.browser.run(CHECKS).await;
        (summary.as_str().unwrap().to_owned(), serde_json::from_value(checks).unwrap())
    }

    fn assertion(&self) -> String {
        let server = self.dev.authorization_server();
        let jti = private_key_jwt::client::fresh_jti().unwrap();
        let assertion = ClientAssertion::builder("my-client", server);
        assertion.sign(&self.key, OffsetDateTime::now_utc(), jti).unwrap().secret().to_owned()
    }

    /// Pastes a text into the form and judges it, with the keyboard.
    async fn judge(&self, text: &str) {
        self.browser.run("document.getElementById('assertion').value = ''").await;
        self.browser.run("document.getElementById('assertion').focus()").await;
        self.browser.paste(text).await;
        self.browser.press(&[TAB, TAB, TAB, ENTER]).await;
        self.browser
            .wait_for("!['', 'Judging\u{2026}'].includes(document.getElementById('verdict').textContent)")
            .await;
    }
}

/// The checks of the newest request.
const CHECKS: &str = "return [...document.querySelector('#list table').rows].map((row) => [
    row.cells[0].textContent,
    row.querySelector('.mark').getAttribute('aria-label'),
    row.cells[1].lastElementChild.textContent,
]);";

/// A JWT with these claims and a signature that nothing verifies.
fn unsigned(claims: &Value) -> String {
    let part = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
    let header = json!({"alg": "ES256", "typ": claims["typ"]});
    format!("{}.{}.{}", part(&header), part(claims), Base64UrlUnpadded::encode_string(&[7; 64]))
}
