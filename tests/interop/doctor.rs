//! The doctor at servers that others wrote: it names what is wrong with a client, and finds nothing
//! wrong with a healthy one.

use private_key_jwt::doctor::{Report, Setup, Verdict, examine};
use private_key_jwt::{Algorithm, Audience, PrivateKey};
use time::OffsetDateTime;

use crate::keycloak::keycloak;
use crate::peers::oidc_provider;
use crate::{ALGORITHMS, signing_key};

fn key(algorithm: Algorithm) -> PrivateKey {
    let named = ALGORITHMS.into_iter().find(|(known, _)| *known == algorithm).unwrap();
    signing_key(named.0, named.1)
}

fn es256() -> PrivateKey {
    key(Algorithm::ES256)
}

/// The first words about each thing that is wrong, as `step/check: text (advice)`.
fn wrong(report: &Report) -> Vec<String> {
    let findings = report.findings().iter().filter(|finding| finding.verdict == Verdict::Wrong);
    findings
        .map(|finding| {
            let advice = finding.advice.as_deref().unwrap_or_default();
            format!("{}/{}: {} ({advice}", finding.step, finding.check, finding.text)
        })
        .collect()
}

pub(crate) fn off(setup: Setup, seconds: i64) -> Setup {
    setup.clock(move || OffsetDateTime::now_utc() + time::Duration::seconds(seconds))
}

pub(crate) fn with_audience(setup: Setup, audience: &'static str) -> Setup {
    setup.assertion(move |assertion| assertion.audience(Audience::Exactly(audience.to_owned())))
}

/// Examines each client. What is wrong must be these findings, each by parts of its text.
pub(crate) async fn examined(server: &str, cases: Vec<(&str, Setup, &[&[&str]])>) {
    let mut failures = Vec::new();
    let count = cases.len();
    for (name, setup, expected) in cases {
        let found = wrong(&examine(&setup).await);
        let agrees = |(found, parts): (&String, &&[&str])| parts.iter().all(|part| found.contains(part));
        if found.len() != expected.len() || !found.iter().zip(expected).all(agrees) {
            failures.push(format!("{name}: {found:#?}, not {expected:#?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    println!("{server}, examined clients: {count}");
}

#[tokio::test]
async fn what_is_wrong_at_keycloak() {
    let at = |client_id: &str, key: PrivateKey| Setup::new(keycloak(), client_id, key);
    let new_key = PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap();
    let known = es256().key_id().clone();
    let elsewhere = "https://elsewhere.example";
    examined("Keycloak", vec![
        ("by value", at("value-ES256", es256()), &[]),
        ("by URL", at("url-PS384", key(Algorithm::PS384)), &[]),
        (
            "by certificate",
            at("certificate-RS256", key(Algorithm::RS256)).assertion(|assertion| assertion.without_key_id()),
            &[],
        ),
        ("unknown kid", at("value-ES256", es256().with_key_id("unknown")), &[&[
            "request/token: the server rejected the assertion: 400 invalid_client: Unable to load public key",
            "(likely: kid is \"unknown\"; register the public key under this kid",
        ]]),
        ("unregistered key", at("value-ES256", new_key.clone()), &[&["Unable to load public key", "(likely: kid is"]]),
        ("another key under the kid", at("value-ES256", new_key.with_key_id(known)), &[&[
            "Signature on JWT token failed validation",
            "register the public key",
        ]]),
        ("another algorithm", at("value-ES256", key(Algorithm::RS256)), &[&[
            "Invalid signature algorithm",
            "(alg is RS256; use the signature algorithm that is set in the client's credentials",
        ]]),
        ("unknown client", at("unknown", es256()), &[&["(likely: iss is \"unknown\"; check the client id, the realm"]]),
        ("disabled client", at("disabled", es256()), &[&["and that the client is enabled"]]),
        ("a kid beside a certificate", at("certificate-ES256", es256()), &[&[
            "a client with a certificate needs Keycloak's own kid, or none",
        ]]),
        ("a slash", Setup::new(format!("{}/", keycloak()), "value-ES256", es256()), &[&[
            "discovery/issuer: ",
            "they differ only by a slash at the end",
        ]]),
        ("another realm", Setup::new(keycloak().replace("/pkjwt", "/other"), "value-ES256", es256()), &[&[
            "discovery/document: ",
            "answered 404 Realm does not exist (check the host and the tenant, realm",
        ]]),
        ("another audience", with_audience(at("value-ES256", es256()), elsewhere), &[&[
            "Invalid token audience (aud is \"https://elsewhere.example\", but the server's issuer is",
        ]]),
        ("ten minutes ahead", off(at("value-ES256", es256()), 600), &[&[
            "Token was issued in the future",
            "compare this machine's clock with the server's",
        ]]),
        ("ten minutes behind", off(at("value-ES256", es256()), -600), &[&[
            "Token is not active",
            "compare this machine's clock with the server's",
        ]]),
    ])
    .await;
}

#[tokio::test]
async fn a_probe_finds_what_keycloak_takes_from_a_client_with_a_certificate() {
    let report = examine(&Setup::new(keycloak(), "certificate-ES256", es256()).probe()).await;
    let setting = report.setting().unwrap();
    assert!(!setting.sends_key_id());
    assert_eq!((setting.audience(), setting.algorithm()), (&Audience::Issuer, Algorithm::ES256));
    assert_eq!(report.requests(), 2);
}

/// It has one answer for every cause.
#[tokio::test]
async fn what_is_wrong_at_oidc_provider() {
    let issuer = oidc_provider().issuer.as_str();
    let at = |client_id: &str, key: PrivateKey| Setup::new(issuer, client_id, key);
    let unseen = "this machine cannot see whether the client id, the tenant and this key";
    examined(
        "oidc-provider",
        vec![
            ("healthy", at("ES256", es256()), &[]),
            ("healthy, EdDSA", at("EdDSA", key(Algorithm::EdDSA)), &[]),
            ("unknown kid", at("ES256", es256().with_key_id("unknown")), &[&[unseen, "(kid \"unknown\")"]]),
            ("unknown client", at("unknown", es256()), &[&[unseen]]),
            (
                "another algorithm",
                at("ES256", key(Algorithm::RS256)),
                &[&["the server does not say why", unseen]],
            ),
            (
                "a slash",
                Setup::new(format!("{issuer}/"), "ES256", es256()),
                &[&["discovery/issuer", "only by a slash"]],
            ),
            (
                "ten minutes ahead",
                off(at("ES256", es256()), 600),
                &[&["clock/date", "10 minutes ahead of the server's"]],
            ),
            (
                "ten minutes behind",
                off(at("ES256", es256()), -600),
                &[
                    &["clock/date", "10 minutes behind the server's"],
                    &["request/token", "but the server's clock says"],
                ],
            ),
            (
                "another audience",
                with_audience(at("ES256", es256()), "https://elsewhere.example"),
                &[&["aud is \"https://elsewhere.example\", but the server's issuer is"]],
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_probe_finds_the_algorithm_that_oidc_provider_expects() {
    let setup = Setup::new(oidc_provider().issuer.as_str(), "PS256", key(Algorithm::RS256)).probe();
    let report = examine(&setup).await;
    assert_eq!(report.setting().unwrap().algorithm(), Algorithm::PS256);
    assert!(report.requests() <= Setup::MOST_REQUESTS);
}
