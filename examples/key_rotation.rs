//! The whole life of keys in a folder, and an authorization server that keeps a copy of their JWKS.
//!
//! ```text
//! cargo run --example key_rotation --features dev-server,rotation,tower
//! ```
//!
//! An operator changes the folder, and a service follows it. All clocks are `now`, so three months
//! take a second. A real service calls neither `clock` nor `without_watching`: a task then does
//! what `refresh` does here.

use std::error::Error;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed};

use axum::{Router, extract::Request, middleware};
use private_key_jwt::dev_server::{ClientKeys, DevServer};
use private_key_jwt::rotation::{KeyDirectory, KeyFolder, RotateOptions};
use private_key_jwt::{Algorithm, AuthorizationServer, KeyRing, PrivateKey, TokenClient, TokenRequest};
use time::OffsetDateTime;

/// Midnight of 2026-12-01, and the minutes since then.
const START: i64 = 1_796_083_200;
static MINUTES: AtomicI64 = AtomicI64::new(0);
/// How often the server has read the JWKS.
static READS: AtomicUsize = AtomicUsize::new(0);

fn now() -> OffsetDateTime {
    let seconds = START + 60 * MINUTES.load(Relaxed);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let place = tempfile::tempdir()?;
    let operator = KeyFolder::open(place.path())?; // `pkjwt rotate` does the same
    let next = || operator.rotate(&RotateOptions::new(Algorithm::ES256), now());
    next()?;

    // The service: its keys, and their JWKS at a URL.
    let keys = KeyDirectory::builder(place.path()).clock(now).without_watching().open().await?;
    let count = middleware::from_fn(|request: Request, next: middleware::Next| {
        READS.fetch_add(1, Relaxed);
        next.run(request)
    });
    let router = Router::new().route_service("/jwks.json", keys.jwks_service()).layer(count);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/jwks.json", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });

    // The authorization server keeps its copy for 5 minutes, the propagation time.
    let dev = DevServer::builder().clock(now).jwks_cache_time(KeyRing::PROPAGATION);
    let dev = dev.bind(([127, 0, 0, 1], 0).into()).await?;
    dev.register("client", ClientKeys::JwksUrl(url))?;
    let server = AuthorizationServer::discover(dev.issuer()).await?;
    let client = TokenClient::builder(server.clone(), "client", keys.ring()).clock(now).build()?;

    show(&keys, &client, "the first key of a folder signs at once, because there is no other").await;
    pass(1);
    let second = next()?;
    show(&keys, &client, "rotated: the next key is published, and the server has an older copy").await;
    pass(5);
    show(&keys, &client, "propagated: the copy was too old, so the server reads both keys").await;
    pass(5);
    show(&keys, &client, "activated: the server accepts the next key without reading anything").await;
    pass(24 * 60 - 1);
    show(&keys, &client, "retiring: the former key stays for what it signed, 24 hours by default").await;
    pass(1);
    show(&keys, &client, "gone: no server needs the former key any more").await;
    println!("  removed its file {}\n", operator.prune(now())?.removed.join(", "));

    pass(90 * 24 * 60);
    next()?;
    show(&keys, &client, "rotated again after 90 days").await;
    pass(6);
    show(&keys, &client, "propagated: the next key can replace the other at any moment").await;
    let stolen = PrivateKey::from_file(place.path().join(&second.file))?;
    let thief = TokenClient::builder(server, "client", stolen).clock(now).build()?;
    operator.revoke(&second.key_id, now())?;
    show(&keys, &client, "revoked: the stolen key is out, and the next one signs before its time").await;
    ask(&thief, "the thief at once, while the server has its copy").await;
    pass(6);
    ask(&thief, "the thief 6 minutes later, with the new copy").await;
    ask(&client, "the service").await;
    Ok(())
}

fn pass(minutes: i64) {
    MINUTES.fetch_add(minutes, Relaxed);
}

/// Shows what happened, the keys of the folder, and a request.
async fn show(keys: &KeyDirectory, client: &TokenClient, what: &str) {
    keys.refresh().await;
    let (date, time) = (now().date(), now().time());
    println!("{date} {:02}:{:02} {what}", time.hour(), time.minute());
    for key in keys.status().keys {
        println!("  {:9} {}", key.phase, key.file);
    }
    ask(client, "a request").await;
    println!();
}

/// Requests a token with an assertion, and shows the answer.
async fn ask(client: &TokenClient, what: &str) {
    // Not `client.token`, which would return the cached token of an earlier step.
    let answer = match client.request(&TokenRequest::client_credentials(())).await {
        Ok(_) => "token".to_owned(),
        // For an operator, `error` says more: which key the server misses.
        Err(error) => error.refusal().and_then(|refusal| refusal.error()).unwrap_or("failed").to_owned(),
    };
    println!("  {what}: {answer} (JWKS reads: {})", READS.load(Relaxed));
}
