//! What a probe says about settings that no named profile has, and about a server that fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Request;
use private_key_jwt::doctor::{Report, Verdict, examine};
use private_key_jwt::jose::UnverifiedJwt;
use private_key_jwt::{ClientAssertion, Profile};

use crate::support::http::answer;
use crate::support::{key, now};
use crate::world::World;
use crate::{all_texts, checks, finding};

const TOKEN: &str = r#"{"access_token":"opaque","token_type":"Bearer"}"#;
const INVALID_CLIENT: &str = r#"{"error":"invalid_client"}"#;

/// A parameter of the form of a token request.
fn parameter(request: &Request<Vec<u8>>, wanted: &str) -> Option<String> {
    let mut form = url::form_urlencoded::parse(request.body());
    form.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
}

/// What this server wants: `typ: JWT`, two minutes, and an `nbf` a minute before `iat`.
fn pleases(jwt: &UnverifiedJwt) -> bool {
    let seconds = |name: &str| jwt.claims().get(name).and_then(serde_json::Value::as_i64);
    let (iat, exp) = (seconds("iat").unwrap(), seconds("exp").unwrap());
    jwt.header()["typ"] == "JWT" && exp - iat == 120 && seconds("nbf") == Some(iat - 60)
}

fn world(wants_claim: bool) -> World {
    World::new(&key("p256.pkcs8.pem")).between(move |request| {
        let jwt = UnverifiedJwt::parse(&parameter(request, "client_assertion")?).unwrap();
        let has_claim = jwt.claims().get("tenant").is_some_and(|tenant| tenant == "t1");
        let is_right = pleases(&jwt) && parameter(request, "client_id").is_none() && has_claim == wants_claim;
        Some(if is_right { answer(200, &[], TOKEN) } else { answer(401, &[], INVALID_CLIENT) })
    })
}

/// A profile of the user's own. An edited copy of a named one counts as one, too.
fn own(profile: Profile) -> Profile {
    profile.lifetime(Duration::from_secs(120)).not_before(Duration::from_secs(60)).without_client_id()
}

fn assert_pasteable(report: &Report, world: &World) {
    let shown = all_texts(report);
    let setting = report.setting().unwrap_or_else(|| panic!("{shown}"));
    let issuer = world.dev.issuer();
    assert_eq!(
        setting.options(),
        format!("--audience {issuer} --typ JWT --lifetime 120s --not-before 60s --no-client-id")
    );
    assert_eq!(
        setting.rust(),
        "Profile::new(\"my server\").audience(Audience::Issuer).media_type(Some(\"JWT\"))\
         .lifetime(Duration::from_secs(120)).not_before(Duration::from_secs(60)).without_client_id()"
    );
    let builder = ClientAssertion::builder("client", world.dev.authorization_server());
    let assertion = builder.profile(setting.profile()).sign(&key("p256.pkcs8.pem"), now(), "a-jti").unwrap();
    assert!(pleases(&UnverifiedJwt::parse(assertion.secret()).unwrap()));
    assert!(!setting.profile().rules().sends_client_id());
}

#[tokio::test]
async fn the_answer_has_the_settings_of_a_profile_without_a_name() {
    for profile in [own(Profile::new("my bank")), own(Profile::keycloak())] {
        let world = world(false);
        // Its rules do not limit the probe, but its settings may be what the server wants.
        let setup = world.setup(key("p256.pkcs8.pem")).profile(profile);
        assert_pasteable(&examine(&setup.probe()).await, &world);
    }
}

#[tokio::test]
async fn the_answer_has_the_other_settings_of_the_assertion() {
    let world = world(true);
    let setup = world.setup(key("p256.pkcs8.pem")).assertion(|assertion| {
        let assertion = assertion.lifetime(Duration::from_secs(120)).not_before(Duration::from_secs(60));
        assertion.without_client_id().claim("tenant", "t1").unwrap()
    });
    let report = examine(&setup.probe()).await;
    assert_pasteable(&report, &world);
    let advice = finding(&report, "probe/settings").unwrap().advice.clone().unwrap();
    assert!(
        advice.ends_with("; the other claims are those of this setup, which this report does not show"),
        "{advice}"
    );
}

/// A server that answers like this, in turn.
async fn failing(answers: &'static [(u16, &'static str)]) -> (Report, usize) {
    let count = Arc::new(AtomicUsize::new(0));
    let world = World::new(&key("p256.pkcs8.pem")).between(move |request| {
        (request.method() == "POST").then(|| {
            let (status, body) = answers[count.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1)];
            answer(status, &[], body)
        })
    });
    let report = examine(&world.setup(key("p256.pkcs8.pem")).probe()).await;
    all_texts(&report);
    assert_eq!(report.requests(), world.token_requests());
    let count = report.requests();
    (report, count)
}

#[tokio::test]
async fn a_probe_stops_when_the_server_fails_twice() {
    let cases: [(&'static [(u16, &'static str)], usize); 4] = [
        (&[(500, "")], 2),
        (&[(500, "<html>oops</html>")], 2),
        (&[(401, INVALID_CLIENT), (401, INVALID_CLIENT), (500, "")], 4),
        (&[(500, ""), (401, INVALID_CLIENT), (500, ""), (401, INVALID_CLIENT)], 3),
    ];
    for (answers, requests) in cases {
        let (report, count) = failing(answers).await;
        assert_eq!(count, requests, "{answers:?}");
        let found = finding(&report, "probe/settings").unwrap();
        assert_eq!(found.verdict, Verdict::NotChecked, "{answers:?}");
        let text = "stopped: the server failed twice, so it is not a matter of settings; its answer: 500";
        assert!(found.text.starts_with(text), "{}", found.text);
        assert_eq!(checks(&report, Verdict::Wrong), ["request/token"]);
    }
    // A failure whose words name a cause is a rejection: Hydra answers so to a clock that is off.
    let hydra = r#"{"error":"error","error_description":"The error is unrecognizable"}"#;
    let (_, count) = failing(Box::leak(Box::new([(500, hydra)]))).await;
    assert_eq!(count, 12);
    // One failure is none.
    let (_, count) = failing(&[(500, ""), (401, INVALID_CLIENT)]).await;
    assert_eq!(count, 12);
}
