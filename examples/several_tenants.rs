//! Many clients of many authorization servers. They share one HTTP client with one connection pool.
//!
//! ```text
//! cargo run --example several_tenants --features dev-server
//! cargo run --example several_tenants --features dev-server -- ISSUER CLIENT_ID KEY_FILE [ISSUER CLIENT_ID KEY_FILE]...
//! ```
//!
//! Without arguments it starts two dev servers with one client each.

use std::error::Error;

use private_key_jwt::dev_server::{DevServer, RunningDevServer};
use private_key_jwt::{Algorithm, JwkSet, PrivateKey, TokenClient};
use tokio::task::JoinSet;

struct Tenant {
    issuer: String,
    client_id: String,
    key: PrivateKey,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (mut tenants, mut servers) = (Vec::new(), Vec::new());
    for tenant in arguments.chunks(3) {
        let [issuer, client_id, file] = tenant else { return Err("a tenant has three arguments".into()) };
        let (issuer, client_id) = (issuer.clone(), client_id.clone());
        tenants.push(Tenant { issuer, client_id, key: PrivateKey::from_file(file)? });
    }
    if tenants.is_empty() {
        for client_id in ["tenant-a", "tenant-b"] {
            let (tenant, server) = embedded(client_id).await?;
            tenants.push(tenant);
            servers.push(server); // it serves until it is dropped
        }
    }

    let mut requests = JoinSet::new();
    for Tenant { issuer, client_id, key } in tenants {
        requests.spawn(async move {
            let client = TokenClient::discover(issuer, client_id.as_str(), key)?;
            let token = client.token(()).await?; // keep the client: it caches the token
            Ok::<_, private_key_jwt::Error>(format!("{client_id}: until {:?}", token.expires_at()))
        });
    }
    while let Some(line) = requests.join_next().await {
        println!("{}", line??);
    }
    Ok(())
}

async fn embedded(client_id: &str) -> Result<(Tenant, RunningDevServer), Box<dyn Error>> {
    let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
    let dev = DevServer::bind(([127, 0, 0, 1], 0).into()).await?;
    dev.register(client_id, JwkSet::from(key.public_jwk().clone()))?;
    Ok((Tenant { issuer: dev.issuer().to_owned(), client_id: client_id.to_owned(), key }, dev))
}
