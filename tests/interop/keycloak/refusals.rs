//! What Keycloak answers to each kind of request that it rejects, and the hint that comes out.

use private_key_jwt::client::TokenClientBuilder;
use private_key_jwt::{Audience, AuthorizationServer};

use super::{builder, es256, keycloak, request};
use crate::record::Record;
use crate::refusals::{Draft, expected, of, one};
use crate::{ALGORITHMS, refusal, signing_key};

async fn draft(client_id: &str) -> Draft {
    let server = AuthorizationServer::discover(keycloak()).await.unwrap();
    Draft::new(server.token_endpoint(), client_id, keycloak())
}

#[tokio::test]
async fn it_says_why_it_refuses_and_the_hint_says_what_to_do() {
    assert_eq!(of("Keycloak", async || draft("value-ES256").await).await, expected::KEYCLOAK);
}

/// None of these is about time, so the client sends each once.
#[tokio::test]
async fn a_rejection_that_another_attempt_cannot_mend_is_final() {
    let record = Record::of("Keycloak");
    let refused = async |builder: TokenClientBuilder| {
        let refusal = refusal(builder.build().unwrap().request(&request()).await);
        assert_eq!(refusal.error(), Some("invalid_client"));
        (refusal.status(), refusal.description().unwrap().to_owned())
    };
    let (algorithm, file) = ALGORITHMS[6];
    let unknown_key = signing_key(algorithm, file).with_key_id("unknown");
    let unknown_key = builder("value", algorithm, unknown_key, &record).await;
    assert_eq!(refused(unknown_key).await, (400, "Unable to load public key".to_owned()));
    let audience = Audience::Exactly("https://elsewhere.example".to_owned());
    let wrong_audience = es256(&record).await.audience(audience);
    assert_eq!(refused(wrong_audience).await, (400, "Invalid token audience".to_owned()));
    let unknown_client = builder("unknown", algorithm, signing_key(algorithm, file), &record).await;
    assert_eq!(
        refused(unknown_client).await,
        (401, "Invalid client or Invalid client credentials".to_owned())
    );
    assert_eq!(record.print().values().sum::<usize>(), 3);
}

/// The text is that of an unknown client.
#[tokio::test]
async fn a_disabled_client() {
    let line = one("Keycloak", "a disabled client", &draft("disabled").await).await;
    assert_eq!(line, expected::KEYCLOAK[4].replace("an unknown", "a disabled"));
}
