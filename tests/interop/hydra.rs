//! Ory Hydra: the token and the revocation endpoint, which are those where clients authenticate,
//! with every algorithm that it accepts, and keys by value and by URL.

use private_key_jwt::doctor::{Setup, examine};
use private_key_jwt::oauth::Endpoint;
use private_key_jwt::transport::{HttpClient, ReqwestClient};
use private_key_jwt::{
    AccessTokenProfile, AccessTokenVerifier, Algorithm, Audience, AuthorizationServer, JwkSet, PrivateKey,
    Profile, PublicKeySet, TokenClient,
};
use time::OffsetDateTime;

use crate::doctor::{examined, off, with_audience};
use crate::endpoints::call;
use crate::peers::hydra;
use crate::record::Record;
use crate::{ALGORITHMS, path, published, signing_key};

async fn server() -> AuthorizationServer {
    AuthorizationServer::discover(&hydra(published::url()).issuer).await.unwrap()
}

fn es256() -> PrivateKey {
    signing_key(Algorithm::ES256, "p256.pkcs8.pem")
}

#[tokio::test]
async fn nine_algorithms_by_value_and_by_url_at_both_endpoints() {
    let (server, record) = (server().await, Record::of("Ory Hydra"));
    let request = http::Request::get(server.jwks_uri().unwrap()).body(Vec::new()).unwrap();
    let document = ReqwestClient::new().unwrap().send(request).await.unwrap();
    let keys = PublicKeySet::from(JwkSet::from_json(document.body()).unwrap());
    for (algorithm, file) in &ALGORITHMS[..9] {
        for client_id in [algorithm.as_str().to_owned(), format!("url-{algorithm}")] {
            let builder = TokenClient::builder(server.clone(), &*client_id, signing_key(*algorithm, file));
            let client = builder.profile(Profile::hydra()).http(record.clone()).build().unwrap();
            for endpoint in [Endpoint::Token, Endpoint::Revocation] {
                let answer = call(&client, endpoint).await;
                answer.unwrap_or_else(|error| panic!("{endpoint:?} {client_id}: {error}"));
            }
            let token = client.token("api:read").await.unwrap();
            let verifier = AccessTokenVerifier::new(server.issuer().unwrap(), "urn:example:api")
                .profile(AccessTokenProfile::hydra())
                .accept_missing_audience_from([&*client_id])
                .require_scope("api:read");
            let claims = verifier.verify(&keys, token.secret(), OffsetDateTime::now_utc()).unwrap();
            assert_eq!((claims.client_id(), claims.subject()), (Some(&*client_id), Some(&*client_id)));
        }
    }
    let counts = record.print();
    for endpoint in [Endpoint::Token, Endpoint::Revocation] {
        assert_eq!(counts[&(path(&server, endpoint), 200)], 18, "{endpoint:?}");
    }
}

#[tokio::test]
async fn what_is_wrong_at_hydra() {
    let issuer = hydra(published::url()).issuer.as_str();
    let profiled =
        |client_id: &str, key: PrivateKey| Setup::new(issuer, client_id, key).profile(Profile::hydra());
    let new_key = PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap();
    let known = es256().key_id().clone();
    let rs256 = signing_key(Algorithm::RS256, "rsa2048.pkcs8.pem");
    let algorithm = "use the client's token_endpoint_auth_signing_alg";
    examined(
        "Ory Hydra",
        vec![
            ("by value", profiled("ES256", es256()), &[]),
            ("by URL", profiled("url-ES256", es256()), &[]),
            (
                "the issuer as audience",
                Setup::new(issuer, "ES256", es256()),
                &[&[
                    "request/token: the server rejected the assertion: 401 invalid_client",
                    "set the audience to the token endpoint as the metadata has it: the issuer is refused",
                ]],
            ),
            (
                "another audience",
                with_audience(profiled("ES256", es256()), "https://elsewhere.example"),
                &[&["aud is \"https://elsewhere.example\""]],
            ),
            (
                "unknown kid",
                profiled("ES256", es256().with_key_id("unknown")),
                &[&["(kid is \"unknown\"; register the public key under the kid that the assertion has"]],
            ),
            (
                "unknown kid, keys by URL",
                profiled("url-ES256", es256().with_key_id("unknown")),
                &[&["(kid is \"unknown\"; register the public key under the kid that the assertion has"]],
            ),
            (
                "another key under the kid",
                profiled("ES256", new_key.with_key_id(known)),
                &[&["register the public key of this private key"]],
            ),
            ("another algorithm", profiled("ES256", rs256), &[&["alg is RS256", algorithm]]),
            ("unknown client", profiled("unknown", es256()), &[&["iss is \"unknown\"; check the client id"]]),
            (
                "ten minutes ahead",
                off(profiled("ES256", es256()), 600),
                &[&["clock/date", "10 minutes ahead"], &["500 error", "Hydra tolerates no difference"]],
            ),
            (
                "ten minutes behind",
                off(profiled("ES256", es256()), -600),
                &[&["clock/date", "10 minutes behind"], &["500 error", "Hydra tolerates no difference"]],
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_probe_finds_the_audience_of_hydra() {
    let setup = Setup::new(hydra(published::url()).issuer.as_str(), "ES256", es256()).probe();
    let report = examine(&setup).await;
    let setting = report.setting().unwrap();
    assert_eq!((setting.audience(), setting.algorithm()), (&Audience::TokenEndpoint, Algorithm::ES256));
    assert_eq!(report.requests(), 2);
}
