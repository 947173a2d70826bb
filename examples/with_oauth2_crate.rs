//! The crate `oauth2` makes the requests, and this crate makes the assertions.
//!
//! ```text
//! cargo run --example with_oauth2_crate --features dev-server
//! ```
//!
//! `oauth2` does not support assertions, but sends extra parameters as they are. Three rules:
//!
//! - `oauth2` puts `client_id` into the form itself, so leave it out of the assertion's form, and
//!   set no secret: a request uses one authentication method (RFC 6749 §2.3).
//! - An assertion is valid for one request. `oauth2` repeats the same request while it polls for a
//!   device login, and the server rejects all but the first; use `TokenClient::device_token` there.
//! - The HTTP client must not follow redirects, or the assertion goes to another host. The client
//!   of this crate does not.

use std::error::Error;

use oauth2::basic::BasicClient;
use oauth2::{AuthType, ClientId, Scope, TokenResponse, TokenUrl};
use private_key_jwt::dev_server::DevServer;
use private_key_jwt::transport::{HttpClient, ReqwestClient};
use private_key_jwt::{Algorithm, AuthorizationServer, JwkSet, PrivateKey, TokenClient};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
    let dev = DevServer::bind(([127, 0, 0, 1], 0).into()).await?;
    dev.register("client", JwkSet::from(key.public_jwk().clone()))?;

    // Makes only assertions: a fresh `jti` for each, signed with the active key of a ring.
    let server = AuthorizationServer::discover(dev.issuer()).await?;
    let assertions = TokenClient::builder(server.clone(), "client", key)
        .assertion(|assertion| assertion.without_client_id())
        .build()?;

    let client = BasicClient::new(ClientId::new("client".to_owned()))
        .set_auth_type(AuthType::RequestBody)
        .set_token_uri(TokenUrl::new(server.token_endpoint().to_owned())?);

    let http = ReqwestClient::new()?;
    let send = |request: http::Request<Vec<u8>>| {
        let names: Vec<_> = form_urlencoded::parse(request.body()).map(|(name, _)| name).collect();
        println!("sent: {}", names.join(", "));
        http.send(request)
    };
    for _ in 0..2 {
        let assertion = assertions.assertion().await?; // one for each request
        let mut request = client.exchange_client_credentials().add_scope(Scope::new("api:read".to_owned()));
        for (name, value) in assertion.form() {
            request = request.add_extra_param(name, value);
        }
        let token = request.request_async(&send).await?;
        println!("a token of {} characters", token.access_token().secret().len());
    }
    Ok(())
}
