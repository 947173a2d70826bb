//! A program without an async runtime: this crate makes the request and reads the response, ureq carries them.
//!
//! ```text
//! cargo run --example blocking_ureq --features dev-server
//! ```
//!
//! A program of this kind needs none of this crate's HTTP: `default-features = false, features = ["rustcrypto"]`. Turn
//! on `rustls` or `native-tls` of ureq; here it talks to loopback only. The runtime below is the dev server's.

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

    // What a request with an assertion needs: no redirects, a bound for the time, every status an answer.
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .proxy(None) // there is none to loopback
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

    let builder = ClientAssertion::builder("client", &server); // kept, for any number of assertions
    let assertion = builder.sign(&key, OffsetDateTime::now_utc(), fresh_jti()?)?; // one for each request
    let request = TokenRequest::client_credentials("api:read").to_http(&server, &assertion)?;
    let response = TokenResponse::from_http(send(request)?, OffsetDateTime::now_utc())?;
    println!("{:?}", response.access_token());
    Ok(())
}
