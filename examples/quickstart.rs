//! The main job, step by step: a private key in, an access token out, and the proof checked at the other end.
//!
//! ```text
//! cargo run --example quickstart --features dev-server
//! ```
//!
//! By itself it talks to the embedded dev server. These variables turn it to a real one:
//!
//! | variable | |
//! | --- | --- |
//! | `PKJWT_ISSUER` | the issuer, whose metadata is discovered; or |
//! | `PKJWT_TOKEN_ENDPOINT` | the token endpoint, for a server without metadata |
//! | `PKJWT_CLIENT_ID` | the client id; required with one of the two above |
//! | `PKJWT_KEY` | the private key file, required with one of the two above; without it a key is made |
//! | `PKJWT_KEY_PASSPHRASE` | its passphrase, when it is encrypted |
//! | `PKJWT_SCOPE` | the scopes, separated by spaces |
//! | `PKJWT_PROFILE` | `ping-one` for PingOne's rules |

use std::error::Error;
use std::process::ExitCode;

use base64ct::{Base64UrlUnpadded, Encoding};
use private_key_jwt::dev_server::{DevServer, RunningDevServer};
use private_key_jwt::jose::CompactJws;
use private_key_jwt::transport::{HttpClient, ReqwestClient};
use private_key_jwt::{
    Algorithm, AuthorizationServer, ClientAssertionVerifier, InMemoryReplayStore, JwkSet, PrivateKey,
    Profile, PublicKeySet, TokenClient, TokenRequest, TokenResponse,
};
use serde_json::Value;
use time::OffsetDateTime;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> ExitCode {
    let Err(error) = run().await else {
        return ExitCode::SUCCESS;
    };
    let mut line = format!("quickstart: {error}");
    let mut source = error.source();
    while let Some(error) = source {
        line.push_str(&format!(": {error}"));
        source = error.source();
    }
    eprintln!("{line}");
    ExitCode::FAILURE
}

async fn run() -> Result<()> {
    println!("1. The key");
    let key = key()?;
    let jwks = JwkSet::from(key.public_jwk().clone());
    println!("   {} for {}, kid {}", key.key_type(), key.algorithm(), key.key_id());
    println!("   its public JWKS, which the server is given:\n   {}", jwks.to_json());

    println!("\n2. The authorization server");
    let client_id = variable("PKJWT_CLIENT_ID").unwrap_or_else(|| "quickstart".to_owned());
    let (server, dev) = server(&client_id, &jwks).await?;
    println!("   issuer          {}", server.issuer().unwrap_or("not known"));
    println!("   token endpoint  {}", server.token_endpoint());
    println!("   client id       {client_id}");
    let client = TokenClient::builder(server.clone(), client_id.as_str(), key).profile(profile()?).build()?;

    println!("\n3. A client assertion (one for show; the one that is sent stays a secret)");
    let shown = client.assertion().await?;
    print_jwt(shown.secret())?;

    println!("\n4. The request");
    let scope = variable("PKJWT_SCOPE").unwrap_or_else(|| dev.as_ref().map_or("", |_| "api:read").to_owned());
    let request =
        TokenRequest::client_credentials(scope.as_str()).to_http(&server, &client.assertion().await?)?;
    println!("   {} {}", request.method(), request.uri());
    for (name, value) in form_urlencoded::parse(request.body()) {
        let elided = name == "client_assertion";
        println!("   {name} = {}", if elided { "eyJ... (elided)" } else { value.as_ref() });
    }

    println!("\n5. The token");
    let http = ReqwestClient::new()?;
    let response = http.send(request.clone()).await?;
    let response = TokenResponse::from_http(response, OffsetDateTime::now_utc())?;
    let token = response.access_token();
    println!("   a {} token of {} characters", token.token_type(), token.secret().len());
    if let Some(expires_at) = token.expires_at() {
        println!("   until {expires_at}");
    }
    if dev.is_some() {
        print_jwt(token.secret())?;
    }

    println!("\n6. The verification, as a server does it");
    let verifier = ClientAssertionVerifier::new(server.issuer().unwrap_or(server.token_endpoint()));
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(shown.form()).finish();
    let now = OffsetDateTime::now_utc();
    let keys = PublicKeySet::from(jwks);
    let verified = verifier.parse(form.as_bytes())?.verify(&keys, None, now)?;
    let proven = InMemoryReplayStore::default().spend_now(verified, now)?;
    println!("   the assertion of step 3 verifies against the JWKS of step 1: it is {proven}");
    let Some(dev) = dev else {
        return Ok(());
    };

    let keys = http.send(http::Request::get(dev.jwks_uri()).body(Vec::new())?).await?;
    let keys = PublicKeySet::from(JwkSet::from_json(keys.body())?);
    let jws = CompactJws::parse(token.secret())?;
    let key = keys.select(jws.header().key_id.as_ref(), jws.header().algorithm)?;
    key.verify(jws.signing_input().as_bytes(), jws.signature())?;
    println!("   the token of step 5 verifies against the server's JWKS");

    match TokenResponse::from_http(http.send(request).await?, OffsetDateTime::now_utc()) {
        Ok(_) => return Err("the server took the same assertion twice".into()),
        Err(error) => println!("   the request of step 4, sent again: {error}"),
    }
    let again = client.token(scope).await?;
    println!("\nSteps 3 to 5 in one call, with a fresh assertion: client.token(scope).await -> {again:?}");
    Ok(())
}

/// The key file, or a new key.
fn key() -> Result<PrivateKey> {
    Ok(match (variable("PKJWT_KEY"), variable("PKJWT_KEY_PASSPHRASE")) {
        (Some(file), Some(passphrase)) => PrivateKey::from_encrypted_file(file, passphrase)?,
        (Some(file), None) => PrivateKey::from_file(file)?,
        (None, _) => PrivateKey::generate(Algorithm::ES256)?.private_key()?,
    })
}

/// The server of the environment variables, or an embedded one where the client is registered.
async fn server(client_id: &str, jwks: &JwkSet) -> Result<(AuthorizationServer, Option<RunningDevServer>)> {
    let (issuer, endpoint) = (variable("PKJWT_ISSUER"), variable("PKJWT_TOKEN_ENDPOINT"));
    if issuer.is_some() || endpoint.is_some() {
        for required in ["PKJWT_CLIENT_ID", "PKJWT_KEY"] {
            variable(required).ok_or_else(|| format!("a real server needs {required} too"))?;
        }
    }
    let server = match (issuer, endpoint) {
        (Some(issuer), None) => AuthorizationServer::discover(&issuer).await?,
        (None, Some(endpoint)) => AuthorizationServer::from_token_endpoint(endpoint)?,
        (Some(issuer), Some(endpoint)) => AuthorizationServer::new(issuer, endpoint)?,
        (None, None) => {
            let dev = DevServer::bind(([127, 0, 0, 1], 0).into()).await?;
            dev.register(client_id, jwks.clone())?;
            return Ok((AuthorizationServer::discover(dev.issuer()).await?, Some(dev)));
        }
    };
    Ok((server, None))
}

fn profile() -> Result<Profile> {
    match variable("PKJWT_PROFILE").as_deref() {
        None => Ok(Profile::default()),
        Some("ping-one") => Ok(Profile::ping_one()),
        Some(other) => Err(format!("PKJWT_PROFILE is {other:?}, known is ping-one").into()),
    }
}

/// An environment variable; an empty one counts as not set.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The header and the claims; the signature is what makes it a secret.
fn print_jwt(jwt: &str) -> Result<()> {
    let mut parts = jwt.split('.');
    for what in ["header", "claims"] {
        let json = Base64UrlUnpadded::decode_vec(parts.next().unwrap_or_default())
            .map_err(|_| format!("the {what} of the JWT are not base64url"))?;
        println!("   {what}     {}", serde_json::from_slice::<Value>(&json)?);
    }
    let signature = parts.next().unwrap_or_default();
    println!("   signature  {} characters (elided)", signature.len());
    Ok(())
}
