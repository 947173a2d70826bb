//! What cannot be reached: the doctor says what was not checked, and goes on.

use private_key_jwt::doctor::{Setup, Verdict, examine};
use private_key_jwt::keys::KeyError;
use private_key_jwt::transport::TransportError;

use crate::support::http::{answer, broken};
use crate::support::key;
use crate::world::{JWKS_URL, World, set};
use crate::{all_texts, checks, finding};

#[tokio::test]
async fn without_a_server_the_key_and_the_published_keys_are_examined() {
    let own = key("p256.pkcs8.pem");
    let world = World::new(&own).publishing(&[], &set(&[&own]));
    let report = examine(&world.setup_at("https://no.example", own).jwks_url(JWKS_URL)).await;
    assert_eq!(checks(&report, Verdict::Wrong), ["discovery/document"]);
    assert_eq!(checks(&report, Verdict::NotChecked), ["clock/date", "request/token"]);
    assert_eq!(
        finding(&report, "discovery/document").unwrap().text,
        "cannot connect to no.example: no such host"
    );
    let clock = &finding(&report, "clock/date").unwrap().text;
    assert_eq!(clock, "the clock was not compared: the server did not answer");
    let request = &finding(&report, "request/token").unwrap().text;
    assert_eq!(request, "no request was sent: the token endpoint is not known");
    assert_eq!(finding(&report, "jwks/key").unwrap().verdict, Verdict::Good);
    assert_eq!(finding(&report, "profile/assertion").unwrap().verdict, Verdict::Good);
    all_texts(&report);
}

#[tokio::test]
async fn without_the_published_keys_everything_else_is_examined() {
    let own = key("p256.pkcs8.pem");
    let world = World::new(&own);
    let report = examine(&world.setup(own.clone()).jwks_url(JWKS_URL)).await;
    assert_eq!(checks(&report, Verdict::Wrong), ["jwks/fetch"]);
    let text = &finding(&report, "jwks/fetch").unwrap().text;
    assert_eq!(text, "cannot fetch https://app.example/jwks: cannot connect to app.example: no such host");
    assert_eq!(finding(&report, "request/token").unwrap().verdict, Verdict::Good);
    let report = examine(&world.setup(own).jwks_file("/no/such/jwks.json")).await;
    assert!(report.is_healthy());
    let text = &finding(&report, "jwks/fetch").unwrap().text;
    assert!(text.starts_with("cannot read /no/such/jwks.json: "), "{text}");
}

#[tokio::test]
async fn without_a_key_the_server_is_examined() {
    let own = key("p256.pkcs8.pem");
    let world = World::new(&own);
    let none: Result<private_key_jwt::PrivateKey, _> = Err(KeyError::Empty);
    let report = examine(&world.setup(none).jwks(set(&[&own]))).await;
    assert_eq!(checks(&report, Verdict::Wrong), ["key/load"]);
    assert_eq!(checks(&report, Verdict::NotChecked), ["jwks/key", "profile/assertion", "request/token"]);
    assert_eq!(finding(&report, "discovery/issuer").unwrap().verdict, Verdict::Good);
    assert_eq!(world.token_requests(), 0);
}

#[tokio::test]
async fn offline_says_what_was_not_checked_and_sends_nothing() {
    let own = key("p256.pkcs8.pem");
    let world = World::new(&own).publishing(&[], &set(&[&own]));
    let report = examine(&world.setup(own).jwks_url(JWKS_URL).probe().offline()).await;
    assert_eq!(world.log(), [""; 0]);
    assert!(report.is_healthy());
    assert_eq!(
        checks(&report, Verdict::NotChecked),
        ["discovery/document", "clock/date", "jwks/fetch", "request/token"]
    );
}

#[tokio::test]
async fn a_token_endpoint_that_does_not_answer_as_one_is_named() {
    let own = key("p256.pkcs8.pem");
    let silent = |error: fn() -> TransportError| {
        World::new(&own).between(move |request| (request.method() == "POST").then(|| Err(error())))
    };
    let answering = |status: u16, headers: &'static [(&'static str, &'static str)], body: &'static str| {
        World::new(&own)
            .between(move |request| (request.method() == "POST").then(|| answer(status, headers, body)))
    };
    for (world, text) in [
        (silent(broken), "the token endpoint did not answer: the connection to as.example broke: on purpose"),
        (answering(200, &[], "<html>"), "the token endpoint did not answer as one: "),
        (
            answering(307, &[("location", "https://evil.example/")], ""),
            "the token endpoint did not answer as one: the server answered 307, a redirect to https://evil.example/",
        ),
        (answering(404, &[], "not here"), "the token endpoint answered 404: not here"),
        (answering(503, &[], ""), "the token endpoint answered 503"),
    ] {
        let report = examine(&world.setup(own.clone()).probe()).await;
        assert_eq!(checks(&report, Verdict::Wrong)[0], "request/token", "{text}");
        // Nothing is tried where no settings can help.
        assert_eq!(report.requests(), 1, "{text}");
        let found = finding(&report, "request/token").unwrap();
        assert!(found.text.starts_with(text), "{}", found.text);
        all_texts(&report);
    }
}

#[tokio::test]
async fn a_report_shows_no_secret_that_a_server_echoes() {
    let own = key("p256.pkcs8.pem");
    let world = World::new(&own).between(|request| {
        (request.method() == "POST").then(|| {
            let body = String::from_utf8_lossy(request.body()).into_owned();
            let text = format!("you sent {body}");
            answer(
                401,
                &[],
                serde_json::json!({"error": "invalid_client", "error_description": text}).to_string(),
            )
        })
    });
    let mark = crate::support::MARK;
    let setup = world.setup(own).assertion(move |assertion| assertion.clone().claim("canary", mark).unwrap());
    let report = examine(&setup.probe()).await;
    let shown = all_texts(&report);
    assert!(shown.contains("you sent"), "{shown}");
    let debug = format!("{:?}", Setup::new("https://a:b@as.example", "client", key("p256.pkcs8.pem")));
    assert!(!debug.contains("a:b"), "{debug}");
}
