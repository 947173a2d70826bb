//! An observer that records metrics with the API of OpenTelemetry.
//!
//! ```text
//! cargo run --example opentelemetry --features dev-server
//! ```
//!
//! A program also installs a provider, with `opentelemetry::global::set_meter_provider`, before it
//! builds the observer. Without one, as here, nothing is recorded.

use opentelemetry::metrics::{Counter, Histogram};
use opentelemetry::{KeyValue, global};
use private_key_jwt::dev_server::DevServer;
use private_key_jwt::observer::{Event, Observer, Outcome};
use private_key_jwt::{Algorithm, AuthorizationServer, JwkSet, PrivateKey, TokenClient};
use std::error::Error;

struct OpenTelemetry {
    requests: Counter<u64>,
    duration: Histogram<f64>,
    lookups: Counter<u64>,
}

impl OpenTelemetry {
    fn new() -> Self {
        let meter = global::meter("private_key_jwt");
        Self {
            requests: meter.u64_counter("oauth.token.requests").build(),
            duration: meter.f64_histogram("oauth.token.duration").with_unit("s").build(),
            lookups: meter.u64_counter("oauth.token.cache").build(),
        }
    }
    fn request(&self, issuer: &str, outcome: Outcome, error: &'static str, seconds: f64) {
        let (issuer, outcome) =
            (KeyValue::new("issuer", issuer.to_owned()), KeyValue::new("outcome", outcome.as_str()));
        self.duration.record(seconds, &[issuer.clone(), outcome.clone()]);
        self.requests.add(1, &[issuer, outcome, KeyValue::new("error", error)]);
    }
}

impl Observer for OpenTelemetry {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::TokenObtained { client, duration, .. } => {
                self.request(client.issuer, Outcome::Ok, "none", duration.as_secs_f64());
            }
            Event::CallFailed { client, grant_type: Some(_), duration, failure, .. } => {
                let error = failure.error_code.unwrap_or("none");
                self.request(client.issuer, failure.outcome, error, duration.as_secs_f64());
            }
            Event::TokenRequested { lookup, .. } => {
                self.lookups.add(1, &[KeyValue::new("result", lookup.as_str())]);
            }
            _ => {}
        }
    }
}
#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
    let dev = DevServer::bind(([127, 0, 0, 1], 0).into()).await?;
    dev.register("client", JwkSet::from(key.public_jwk().clone()))?;
    let server = AuthorizationServer::discover(dev.issuer()).await?;
    let client = TokenClient::builder(server, "client", key).observer(OpenTelemetry::new()).build()?;

    client.token("api:read").await?;
    client.token("api:read").await?;
    client.token("api:read").await?;
    let _ = client.refresh_token("unknown").await;
    let statistics = client.statistics();
    println!("cache: {} hits, {} miss", statistics.hits, statistics.misses);
    for &outcome in Outcome::ALL {
        println!("calls {outcome}: {}", statistics.calls(outcome));
    }
    Ok(())
}
