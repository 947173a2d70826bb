//! An HTTP client for an API: the middleware puts the token on each request, refreshes it, and
//! replaces it if the API rejects it.
//!
//! ```text
//! cargo run --example bearer_middleware --features dev-server,reqwest-middleware
//! ```
//!
//! The API in this example rejects the first token that it sees, like one that has lost its
//! sessions.

use std::collections::HashSet;
use std::error::Error;
use std::sync::{Arc, Mutex};

use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::{Router, response::IntoResponse, routing::get};
use private_key_jwt::client::BearerMiddleware;
use private_key_jwt::dev_server::DevServer;
use private_key_jwt::{Algorithm, JwkSet, PrivateKey, TokenClient};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
    let dev = DevServer::bind(([127, 0, 0, 1], 0).into()).await?;
    dev.register("client", JwkSet::from(key.public_jwk().clone()))?;
    let client = TokenClient::discover(dev.issuer(), "client", key)?;

    let api = api().await?;
    // The token goes to this origin only, and follows no redirect to another one.
    let http =
        BearerMiddleware::new(client.source("api:read")).origin(&api)?.client(reqwest::Client::builder())?;
    for order in 1..=3 {
        let response = http.get(format!("{api}/orders/{order}")).send().await?;
        println!("order {order}: {}", response.status());
    }

    // If there is no token, the error of this crate is inside the error of the middleware.
    let unknown = TokenClient::discover(dev.issuer(), "unknown", client.keys().clone())?;
    let http = BearerMiddleware::new(unknown.source(())).origin(&api)?.client(reqwest::Client::builder())?;
    if let Err(reqwest_middleware::Error::Middleware(error)) = http.get(&api).send().await
        && let Some(error) = error.downcast_ref::<private_key_jwt::Error>()
    {
        println!("no token: {:?}", error.refusal().and_then(|refusal| refusal.error()));
    }
    Ok(())
}

/// Starts the API and returns its URL.
async fn api() -> Result<String, Box<dyn Error>> {
    let seen = Arc::new(Mutex::new(HashSet::new()));
    let order = move |headers: HeaderMap| async move {
        let token = headers.get(AUTHORIZATION).cloned();
        let mut seen = seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // A resource server verifies it: see axum_resource_server.
        let refuses = token.is_none() || seen.is_empty();
        seen.insert(token);
        println!(
            "  the API has seen {} token(s), and {}",
            seen.len(),
            if refuses { "refuses" } else { "answers" }
        );
        if refuses {
            (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")]).into_response()
        } else {
            StatusCode::OK.into_response()
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let api = format!("http://{}", listener.local_addr()?);
    let router = Router::new().route("/orders/{order}", get(order));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(api)
}
