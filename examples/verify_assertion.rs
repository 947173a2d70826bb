//! The server side: a token endpoint in axum that checks client assertions. The example starts it,
//! requests a token, and shows that a replayed request is rejected.
//!
//! ```text
//! cargo run --example verify_assertion
//! ```

use std::error::Error;
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, header};
use axum::{Router, body::Bytes, extract::State, response::IntoResponse, routing::post};
use private_key_jwt::transport::{HttpClient, ReqwestClient};
use private_key_jwt::verifier::VerifierError;
use private_key_jwt::{
    Algorithm, AuthorizationServer, ClientAssertionVerifier, InMemoryReplayStore, JwkSet, PrivateKey,
    PublicKeySet, ReplayStore, TokenClient, TokenRequest,
};
use time::OffsetDateTime;

struct Server {
    verifier: ClientAssertionVerifier,
    replay: InMemoryReplayStore,
    client: (String, PublicKeySet, Algorithm), // the registered client: its id, its keys, its algorithm
}

async fn authenticate(server: &Server, form: &[u8]) -> Result<String, VerifierError> {
    let now = OffsetDateTime::now_utc();
    let unverified = server.verifier.parse(form)?; // one assertion, one method, client_id agrees
    let ((client_id, keys, algorithm), none) = (&server.client, PublicKeySet::default());
    let keys = if unverified.client_id() == client_id { keys } else { &none }; // not proven yet
    let verified = unverified.verify(keys, *algorithm, now)?;
    server.replay.spend(verified, now).await // uses up the jti; the client is proven
}

async fn token(State(server): State<Arc<Server>>, headers: HeaderMap, form: Bytes) -> impl IntoResponse {
    let (status, body) = match authenticate(&server, &form).await {
        // A second authentication method (RFC 6749 §2.3).
        _ if headers.contains_key(header::AUTHORIZATION) => {
            (StatusCode::BAD_REQUEST, r#"{"error":"invalid_request"}"#)
        }
        // From here on, the server decides about the grant and the scope.
        Ok(_client_id) => (StatusCode::OK, r#"{"access_token":"an example","token_type":"Bearer"}"#),
        Err(error) => {
            eprintln!("rejected: {error}"); // the reason belongs into the server's log
            (StatusCode::BAD_REQUEST, r#"{"error":"invalid_client"}"#) // 401 needs a challenge (RFC 9110 §15.5.2)
        }
    };
    (status, [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], body)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let issuer = format!("http://{}", listener.local_addr()?);
    let state = Server {
        verifier: ClientAssertionVerifier::new(&issuer),
        replay: InMemoryReplayStore::default(),
        client: ("client".into(), JwkSet::from(key.public_jwk().clone()).into(), Algorithm::ES256),
    };
    let router = Router::new().route("/token", post(token)).with_state(Arc::new(state));
    tokio::spawn(async move { axum::serve(listener, router).await });

    let server = AuthorizationServer::new(&issuer, format!("{issuer}/token"))?;
    let client = TokenClient::new(server.clone(), "client", key)?;
    println!("{:?}", client.token(()).await?);

    let request = TokenRequest::client_credentials(()).to_http(&server, &client.assertion().await?)?;
    let http = ReqwestClient::new()?;
    for _ in 0..2 {
        println!("the same request: {}", http.send(request.clone()).await?.status());
    }
    Ok(())
}
