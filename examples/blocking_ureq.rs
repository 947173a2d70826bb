//! A program without an async runtime: this crate makes the request and reads the response, ureq
//! sends it.
//!
//! ```text
//! cargo run --example blocking_ureq --features dev-server
//! ```
//!
//! Such a program does not need this crate's HTTP client: `default-features = false, features =
//! ["rustcrypto"]`. Turn on `rustls` or `native-tls` of ureq; this example talks to loopback only.
//! The runtime below is for the dev server.

use std::error::Error;
use std::time::Duration;

use private_key_jwt::client::fresh_jti;
use private_key_jwt::dev_server::DevServer;
use private_key_jwt::{
    Algorithm, AuthorizationServer, ClientAssertion, JwkSet, PrivateKey, TokenRequest, TokenResponse,
};
use time::OffsetDateTime;

fn main() -> Result<(), Box<dyn Error>> {
    let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let dev = runtime.block_on(DevServer::bind(([127, 0, 0, 1], 0).into()))?;
    dev.register("client", JwkSet::from(key.public_jwk().clone()))?;

    // For a request with an assertion: no redirects, a time limit, and every status is a response.
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .proxy(None) // not needed for loopback
        .build()
        .into();
    let send = |request: http::Request<Vec<u8>>| {
        let (parts, mut body) = agent.run(request)?.into_parts();
        let body = body.with_config().limit(1 << 20).read_to_vec()?;
        Ok::<_, ureq::Error>(http::Response::from_parts(parts, body))
    };

    let issuer = dev.issuer();
    let [metadata_url, _] = AuthorizationServer::metadata_urls(issuer)?;
    let metadata = send(http::Request::get(metadata_url).body(Vec::new())?)?;
    let server = AuthorizationServer::from_metadata(issuer, metadata.body())?; // the issuer is checked

    let builder = ClientAssertion::builder("client", &server); // keep it: it makes any number of assertions
    let assertion = builder.sign(&key, OffsetDateTime::now_utc(), fresh_jti()?)?; // one per request
    let request = TokenRequest::client_credentials("api:read").to_http(&server, &assertion)?;
    let response = TokenResponse::from_http(send(request)?, OffsetDateTime::now_utc())?;
    println!("{:?}", response.access_token());
    Ok(())
}
