//! A token from a real server, configured by environment variables.
//!
//! ```text
//! PKJWT_ISSUER=https://auth.pingone.eu/ENV_ID/as PKJWT_CLIENT_ID=CLIENT_ID PKJWT_KEY=client.pem \
//!     cargo run --example client_credentials
//! ```
//!
//! `PKJWT_SCOPE` holds the scopes, separated by spaces. Without it, the server chooses.

use std::process::ExitCode;

use private_key_jwt::oauth::Retry;
use private_key_jwt::{Error, PrivateKey, TokenClient};

#[tokio::main]
async fn main() -> ExitCode {
    let settings = ["PKJWT_ISSUER", "PKJWT_CLIENT_ID", "PKJWT_KEY"].map(variable);
    let [Ok(issuer), Ok(client_id), Ok(key)] = settings else {
        settings.iter().filter_map(|setting| setting.as_ref().err()).for_each(|error| eprintln!("{error}"));
        return ExitCode::from(2);
    };
    match run(&issuer, &client_id, &key, &variable("PKJWT_SCOPE").unwrap_or_default()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            explain(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(issuer: &str, client_id: &str, key: &str, scope: &str) -> Result<(), Error> {
    let key = PrivateKey::from_file(key)?; // format, type and algorithm come from the file
    let client = TokenClient::discover(issuer, client_id, key)?; // the first request discovers the server
    let token = client.token(scope).await?;
    println!("a {} token of {} characters", token.token_type(), token.secret().len());
    if let Some(expires_at) = token.expires_at() {
        println!("expires at {expires_at}; the client caches it until then");
    }
    Ok(())
}

/// Prints what an operator needs to know.
fn explain(error: &Error) {
    eprintln!("{error:#}"); // with its causes
    if let Some(refusal) = error.refusal() {
        eprintln!("  for support: {:?} {:?}", refusal.correlation_ids(), refusal.members());
    }
    for cause in error.hint() {
        eprintln!("  {:?}: {cause}", cause.certainty());
    }
    match error.retry() {
        Retry::After(pause) => eprintln!("  retry after {} s", pause.as_secs()),
        Retry::BackOff => eprintln!("  retry with growing pauses"),
        _ => eprintln!("  a retry will not help"),
    }
}

/// An environment variable; an empty one counts as not set.
fn variable(name: &str) -> Result<String, String> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty());
    value.ok_or_else(|| format!("{name} is not set; see the top of this example"))
}
