//! Canaille: logins on its pages, and what it answers to clients that it rejects. It takes an
//! assertion for a code, a refresh token or a password only: for the client credentials grant, and
//! at its introspection and revocation endpoints, it wants a secret.

use private_key_jwt::client::fresh_code_verifier;
use private_key_jwt::doctor::{Setup, examine};
use private_key_jwt::oauth::{AuthorizationRequest, AuthorizationResponse, CodeVerifier, Endpoint};
use private_key_jwt::{Algorithm, Audience, AuthorizationServer, TokenClient};

use crate::browser::{Browser, REDIRECT_URI};
use crate::doctor::examined;
use crate::peers::canaille;
use crate::record::Record;
use crate::refusals::{Draft, of};
use crate::{ALGORITHMS, path, published, refusal, signing_key};

/// Those that it accepts: what joserfc recommends.
const ACCEPTED: [(Algorithm, &str); 2] = [ALGORITHMS[0], ALGORITHMS[6]];

async fn server() -> AuthorizationServer {
    AuthorizationServer::discover(&canaille(published::url()).issuer).await.unwrap()
}

fn client(
    server: &AuthorizationServer,
    client_id: &str,
    (algorithm, file): (Algorithm, &str),
    record: &Record,
) -> TokenClient {
    let builder = TokenClient::builder(server.clone(), client_id, signing_key(algorithm, file));
    builder.audience(Audience::TokenEndpoint).http(record.clone()).build().unwrap()
}

/// Logs in on two pages, the name and the password. Returns the code.
async fn code(server: &AuthorizationServer, client_id: &str, verifier: &CodeVerifier) -> String {
    let request = AuthorizationRequest::new(REDIRECT_URI, verifier).scope("openid profile").state("state-1");
    let mut browser = Browser::new();
    let name = browser.open(&request.to_url(server, client_id).unwrap()).await;
    let password = browser.submit(&name, &[("login", "ada")]).await;
    let back = browser.submit(&password, &[("password", "ada")]).await.url;
    let query = back.query().unwrap_or_else(|| panic!("{back}"));
    AuthorizationResponse::from_query(query, server, "state-1").unwrap().code().to_owned()
}

#[tokio::test]
async fn logins_with_keys_by_value_and_by_url() {
    let (server, record) = (server().await, Record::of("Canaille"));
    for named in ACCEPTED {
        for client_id in [named.0.as_str().to_owned(), format!("url-{}", named.0)] {
            let client = client(&server, &client_id, named, &record);
            let verifier = fresh_code_verifier().unwrap();
            let code = code(&server, &client_id, &verifier).await;
            let first = client.authorization_code(&*code, REDIRECT_URI, &verifier).await.unwrap();
            assert!(first.id_token().is_some(), "{client_id}");
            let second = client.refresh_token(first.refresh_token().unwrap()).await.unwrap();
            assert!(second.access_token().bearer().is_some(), "{client_id}");
            let refused = refusal(client.authorization_code(&*code, REDIRECT_URI, &verifier).await);
            assert_eq!((refused.status(), refused.error()), (400, Some("invalid_grant")));
        }
    }
    let counts = record.print();
    let count = |status| counts[&(path(&server, Endpoint::Token), status)];
    assert_eq!((count(200), count(400)), (8, 4));
    println!("Canaille, logins: 4");
}

#[tokio::test]
async fn it_says_why_it_refuses() {
    let server = server().await;
    let draft = async || {
        let mut draft = Draft::new(server.token_endpoint(), "ES256", server.token_endpoint());
        draft.form[0].1 = "authorization_code".to_owned();
        draft
    };
    assert_eq!(of("Canaille", draft).await, REFUSALS);
}

/// The doctor's request is for client credentials, for which Canaille takes no assertion.
#[tokio::test]
async fn what_is_wrong_at_canaille() {
    let issuer = canaille(published::url()).issuer.as_str();
    let setup = Setup::new(issuer, "ES256", signing_key(Algorithm::ES256, "p256.pkcs8.pem"));
    examined(
        "Canaille",
        vec![(
            "any client",
            setup.clone(),
            &[&[
                "The client cannot authenticate with methods: ['client_secret_basic']",
                "some of Canaille's take client_secret_basic only",
            ]],
        )],
    )
    .await;
    // No setting of the assertion helps, so none is tried.
    let report = examine(&setup.probe()).await;
    assert_eq!((report.setting().is_none(), report.requests()), (true, 1));
}

/// What it answers to each kind of request that it should reject, in the order of the kinds.
const REFUSALS: [&str; 22] = [
    "nothing wrong: 400 invalid_request, Missing 'code' in request., -",
    "another audience: 400 invalid_client, Invalid claim: 'aud', Audience",
    "two audiences: 400 invalid_request, Missing 'code' in request., -",
    "no audience: 400 invalid_client, Missing claim: 'aud', Malformed",
    "an unknown client: 400 invalid_client, The client does not exist on this server., UnknownClient",
    "another iss: 400 invalid_client, Issuer and Subject MUST match., Subject",
    "another sub: 400 invalid_client, The client does not exist on this server., UnknownClient",
    "another client_id: 400 invalid_request, Missing 'code' in request., -",
    "an unknown kid: 400 invalid_request, Missing 'code' in request., -",
    "another key: 400 invalid_client, -, Unspecific",
    "another algorithm: 400 invalid_client, Algorithm 'RS256' requires 'RSA' key, Algorithm",
    "the algorithm none: 400 invalid_client, Algorithm of 'none' is not recommended, Algorithm",
    "an expired assertion: 400 invalid_client, The token is expired, Expired",
    "an assertion of the future: 400 invalid_client, The token was issued in the future, NotYetValid",
    "no exp: 400 invalid_client, Missing claim: 'exp', Malformed",
    "no jti: 400 invalid_client, Missing JWT ID., TokenIdMissing",
    "no assertion type: 401 invalid_client, The client cannot authenticate with methods: ['client_secret_basic', 'client_secret_post', 'client_assertion_jwt', 'none'], AuthenticationMethod",
    "another assertion type: 401 invalid_client, The client cannot authenticate with methods: ['client_secret_basic', 'client_secret_post', 'client_assertion_jwt', 'none'], AuthenticationMethod",
    "no assertion: 401 invalid_client, The client cannot authenticate with methods: ['client_secret_basic', 'client_secret_post', 'client_assertion_jwt', 'none'], AuthenticationMethod",
    "an assertion that is no JWT: 400 invalid_client, Invalid JWT assertion., Malformed",
    "a secret beside it: 400 invalid_request, Missing 'code' in request., -",
    "a copy: 400 invalid_client, JWT ID is used before., TokenIdReused",
];
