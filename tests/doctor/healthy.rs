use std::time::Duration;

use private_key_jwt::doctor::{Report, Verdict, examine};
use private_key_jwt::{Algorithm, AuthorizationServer, Profile};

use crate::support::key;
use crate::world::{JWKS_URL, World, set};
use crate::{all_texts, checks};

#[tokio::test]
async fn nothing_wrong_is_said_about_healthy_set_ups() {
    let mut reports: Vec<(String, Report)> = Vec::new();
    for stem in ["rsa2048", "p256", "p384", "p521", "ed25519"] {
        let key = key(&format!("{stem}.pkcs8.pem"));
        let world = World::new(&key);
        reports.push((stem.to_owned(), examine(&world.setup(key.clone()).jwks(set(&[&key]))).await));
    }
    let p256 = key("p256.pkcs8.pem");
    let pss = key("rsa2048.pkcs8.pem").with_algorithm(Algorithm::PS256).unwrap();
    let fapi = examine(&World::new(&pss).setup(pss.clone()).profile(Profile::fapi2())).await;
    reports.push(("FAPI 2.0 with PS256".to_owned(), fapi));

    let cached = World::new(&p256).publishing(&[("cache-control", "max-age=300")], &set(&[&p256, &pss]));
    let report = examine(&cached.setup(p256.clone()).jwks_url(JWKS_URL)).await;
    reports.push(("keys at a URL, and two of them".to_owned(), report));

    let certified = key("p256.key-then-cert.pem");
    let world = World::new(&certified);
    reports.push(("with a certificate".to_owned(), world.examine(certified.clone()).await));

    let server = World::new(&p256);
    let known = AuthorizationServer::from_token_endpoint(server.dev.token_endpoint()).unwrap();
    let setup = private_key_jwt::doctor::Setup::new(known, "client", p256.clone());
    let setup = setup.http(server.clone()).clock(server.clock.clone());
    reports.push(("a token endpoint alone".to_owned(), examine(&setup).await));

    let slow = World::new(&p256);
    slow.server_clock.pass(4);
    reports.push(("clocks that differ by 4 s".to_owned(), slow.examine(p256.clone()).await));

    let unnamed = World::new(&p256);
    let setup = unnamed.setup(p256.clone()).assertion(|assertion| {
        assertion.without_key_id().media_type(Some("JWT")).lifetime(Duration::from_secs(300))
    });
    let report = examine(&setup.jwks(set(&[&p256]))).await;
    reports.push(("without a kid".to_owned(), report));

    let offline = World::new(&p256);
    let report = examine(&offline.setup(p256.clone()).jwks(set(&[&p256])).offline()).await;
    assert_eq!(offline.log(), [""; 0]);
    reports.push(("offline".to_owned(), report));

    let rsa = key("rsa2048.pkcs8.pem");
    let login_gov = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
    let slash = private_key_jwt::Audience::Exactly("https://as.example/token/".to_owned());
    let setup = private_key_jwt::doctor::Setup::new(login_gov, "client", rsa).profile(Profile::login_gov());
    let setup = setup.assertion(move |assertion| assertion.audience(slash.clone()));
    reports
        .push(("offline, with a slash that the server ignores".to_owned(), examine(&setup.offline()).await));

    assert!(reports.len() >= 10);
    let problems: Vec<String> = reports
        .iter()
        .filter(|(_, report)| {
            let warnings = checks(report, Verdict::Warning);
            !report.is_healthy() || !warnings.is_empty()
        })
        .map(|(name, report)| format!("{name}: {}", all_texts(report)))
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    for (name, report) in &reports {
        assert_eq!(report.requests(), usize::from(!name.starts_with("offline")), "{name}");
    }
}

#[tokio::test]
async fn each_step_is_taken_in_its_order_and_one_request_is_sent() {
    let key = key("p256.pkcs8.pem");
    let world = World::new(&key).publishing(&[], &set(&[&key]));
    let report = examine(&world.setup(key).jwks_url(JWKS_URL)).await;
    assert_eq!(
        checks(&report, Verdict::Good),
        [
            "key/type",
            "key/health",
            "discovery/issuer",
            "discovery/token-endpoint",
            "discovery/methods",
            "discovery/algorithms",
            "clock/date",
            "jwks/url",
            "jwks/private-members",
            "jwks/key",
            "jwks/use-and-alg",
            "profile/assertion",
            "request/token",
        ]
    );
    let issuer = world.dev.issuer();
    assert_eq!(
        world.log(),
        [
            format!("GET {issuer}/.well-known/openid-configuration"),
            format!("GET {JWKS_URL}"),
            format!("POST {issuer}/token"),
        ]
    );
    assert_eq!((report.requests(), report.setting()), (1, None));
}
