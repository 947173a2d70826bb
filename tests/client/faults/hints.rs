//! What an error of a client says about the cause: the words of the server, and what was sent.

use private_key_jwt::oauth::{CauseKind, Certainty};
use private_key_jwt::{Audience, Error, Profile, TokenRequest};

use super::outcome::{es256, es384};
use super::simulation::Simulated;
use crate::support::clean;
use crate::support::clock::TestClock;

fn sure(error: &Error) -> Vec<(CauseKind, Certainty)> {
    error.hint().iter().map(|cause| (cause.kind(), cause.certainty())).collect()
}

fn request() -> TokenRequest {
    TokenRequest::client_credentials("a")
}

#[tokio::test]
async fn the_words_are_compared_with_what_was_sent_and_with_the_profile() {
    let clock = TestClock::skipping();
    let server = Simulated::ahead(&clock, &es384(), 0);
    let refusal = r#"{"error":"invalid_client","error_description":"Invalid token audience"}"#;
    server.set(|state| state.refusal = (400, refusal));
    let elsewhere = Audience::Exactly("https://proxy.example/realm".to_owned());
    let client = server.client(es256()).profile(Profile::keycloak());
    let client = client.assertion(|assertion| assertion.audience(elsewhere)).build().unwrap();

    let error = clean(client.request(&request()).await.unwrap_err());
    assert_eq!(sure(&error), [(CauseKind::Audience, Certainty::Certain)]);
    assert_eq!(
        error.hint()[0].to_string(),
        "aud is \"https://proxy.example/realm\", but Keycloak takes \"https://as.example\"; set the audience to the \
         realm's issuer as its metadata has it, without a slash at the end"
    );
    let sent = error.sent().unwrap();
    assert_eq!(sent.audiences(), ["https://proxy.example/realm"]);
    assert_eq!(sent.key_id(), Some(es256().key_id().as_str()));
    assert_eq!((sent.algorithm(), sent.media_type()), ("ES256", Some("client-authentication+jwt")));
    assert_eq!((sent.issuer(), sent.subject()), (Some("client"), Some("client")));
    assert_eq!(sent.expires_at().unwrap() - sent.issued_at().unwrap(), time::Duration::minutes(1));
    assert_eq!(sent.server_ahead(), Some(time::Duration::ZERO));

    // A call that is not sent says the same.
    let remembered = clean(client.request(&request()).await.unwrap_err());
    assert_eq!((remembered.attempts(), remembered.hint()), (0, error.hint()));
    assert_eq!(server.requests(), (1, 0));
}

#[tokio::test]
async fn one_answer_for_every_cause_lists_what_was_sent_and_what_differs() {
    let clock = TestClock::skipping();
    let server = Simulated::ahead(&clock, &es256(), 600);
    let client = server.client(es256()).profile(Profile::spring()).without_time_correction().build().unwrap();
    let error = clean(client.request(&request()).await.unwrap_err());
    assert_eq!(
        sure(&error),
        [(CauseKind::Expired, Certainty::Likely), (CauseKind::Unspecific, Certainty::Possible)]
    );
    let causes = error.hint();
    let contradiction = causes[0].contradiction().unwrap();
    assert_eq!((contradiction.what(), contradiction.source()), ("exp", "the server's clock"));
    let kid = es256().key_id().to_string();
    assert_eq!(
        causes[1].to_string(),
        format!(
            "alg is ES256, aud is \"https://as.example\", kid is \"{kid}\", typ is \"client-authentication+jwt\", valid \
             for 60 s; Spring Authorization Server has one answer for every cause: check the client id, and that the \
             server knows the public key"
        )
    );
}

#[tokio::test]
async fn an_unknown_text_gives_no_guess_and_neither_does_an_outage() {
    let clock = TestClock::skipping();
    let server = Simulated::ahead(&clock, &es384(), 0);
    for (refusal, expected) in [
        ((401, r#"{"error":"invalid_client","error_description":"computer says no"}"#), vec![]),
        ((500, ""), vec![]),
        ((500, r#"{"error":"error","error_description":"The error is unrecognizable"}"#), {
            vec![(CauseKind::Expired, Certainty::Likely), (CauseKind::NotYetValid, Certainty::Likely)]
        }),
        (
            (400, r#"{"error":"invalid_scope","error_description":"no"}"#),
            vec![(CauseKind::Scope, Certainty::Likely)],
        ),
    ] {
        server.set(|state| state.refusal = refusal);
        let client = server.client(es256()).without_refusal_memory().build().unwrap();
        let error = clean(client.request(&request()).await.unwrap_err());
        assert_eq!(sure(&error), expected, "{refusal:?}");
    }
}
