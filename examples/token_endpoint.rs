//! A token endpoint in axum with everything that it needs: keys of registered clients, a replay
//! store in Redis, error responses, and access tokens of its own. The example starts it, requests a
//! token, and shows that a replayed request is rejected.
//!
//! ```text
//! REDIS_URL=redis://127.0.0.1/ cargo run --example token_endpoint --features redis
//! ```

use std::{env, error::Error, sync::Arc};

use axum::http::{HeaderMap, Response, StatusCode};
use axum::{Router, body::Body, body::Bytes, extract::State, routing::post};
use private_key_jwt::{
    AccessTokenBuilder, Algorithm, AuthorizationServer, ClientAssertionVerifier, ClientKeys, ClientMetadata,
    ErrorResponse, JwkSet, PrivateKey, RedisReplayStore, ReplayStore, TokenClient, TokenRequest,
    client::fresh_jti, transport::HttpClient, transport::ReqwestClient,
};
use time::OffsetDateTime;

struct Server {
    issuer: String,
    verifier: ClientAssertionVerifier,
    clients: ClientKeys,
    replay: RedisReplayStore,
    key: PrivateKey,
}

async fn issue(server: &Server, head: &HeaderMap, form: &[u8]) -> Result<Response<Vec<u8>>, ErrorResponse> {
    let assertion = server.verifier.parse_request(head, form)?;
    let verified = server.clients.verify_assertion(assertion).await?;
    let now = OffsetDateTime::now_utc();
    let client_id = server.replay.spend(verified, now).await?; // from here on, the client is proven
    if !form_urlencoded::parse(form).any(|pair| pair == ("grant_type".into(), "client_credentials".into())) {
        return Err(ErrorResponse::new(StatusCode::BAD_REQUEST, "unsupported_grant_type", "not supported"));
    }
    let token = AccessTokenBuilder::new(&server.issuer, "https://api.example", client_id).scope("api:read");
    Ok(token.sign(&server.key, now, fresh_jti()?)?.to_http())
}

async fn token(State(server): State<Arc<Server>>, headers: HeaderMap, form: Bytes) -> Response<Body> {
    // What is logged has the reason, which may not be for the client.
    let issued = issue(&server, &headers, &form).await.inspect_err(|refused| eprintln!("refused: {refused}"));
    issued.unwrap_or_else(|refused| refused.to_http()).map(Body::from)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let clients_key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
    let jwks = JwkSet::from(clients_key.public_jwk().clone()); // or ClientMetadata::jwks_uri(url)
    let registry = move |id: &str| (id == "client").then(|| ClientMetadata::jwks(jwks.clone()));
    let replay = RedisReplayStore::open(&env::var("REDIS_URL")?)?;
    replay.check().await?; // fails if Redis may evict entries
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let issuer = format!("http://{}", listener.local_addr()?);
    let (verifier, clients) = (ClientAssertionVerifier::new(&issuer), ClientKeys::new(registry)?);
    let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
    let server = Arc::new(Server { issuer: issuer.clone(), verifier, clients, replay, key });
    let router = Router::new().route("/token", post(token)).with_state(server);
    tokio::spawn(async move { axum::serve(listener, router).await });

    // The other side: a client.
    let server = AuthorizationServer::new(&issuer, format!("{issuer}/token"))?;
    let client = TokenClient::new(server.clone(), "client", clients_key)?;
    println!("{:?}", client.token(()).await?);
    let request = TokenRequest::client_credentials(()).to_http(&server, &client.assertion().await?)?;
    let http = ReqwestClient::new()?;
    println!("once: {}", http.send(request.clone()).await?.status());
    println!("twice: {}", String::from_utf8_lossy(http.send(request).await?.body()));
    Ok(())
}
