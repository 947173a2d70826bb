//! Mistakes in the server's URL, its metadata, the clock, the profile, and the registration.

use std::time::Duration;

use private_key_jwt::doctor::{Setup, Verdict, examine};
use private_key_jwt::{Algorithm, Audience, JwkSet, PrivateKey, Profile};
use serde_json::{Value, json};

use crate::support::http::answer;
use crate::support::key;
use crate::world::{ORIGIN, World};
use crate::{Mistake, assert_found, checks, finding};

const OPENID: &str = "/.well-known/openid-configuration";

fn metadata(issuer: &str, token_endpoint: &str) -> String {
    json!({"issuer": issuer, "token_endpoint": token_endpoint}).to_string()
}

/// The metadata of `https://as.example/t1` is this document.
async fn discovered(
    name: &'static str,
    issuer: &str,
    document: String,
    cause: &'static str,
    text: &'static str,
) -> Mistake {
    let key = key("p256.pkcs8.pem");
    let url = format!("{}{OPENID}", issuer.trim_end_matches('/'));
    let world = World::new(&key).with(&url, answer(200, &[], document));
    let report = examine(&world.setup_at(issuer, key)).await;
    assert_eq!(world.token_requests(), 0, "{name}");
    let wrong: &[&str] = match cause {
        "discovery/issuer" => &["discovery/issuer"],
        "discovery/token-endpoint" => &["discovery/token-endpoint"],
        _ => &["discovery/document"],
    };
    Mistake { name, report, wrong, cause, text }
}

#[tokio::test]
async fn a_bad_issuer_or_document_is_named() {
    const T1: &str = "https://as.example/t1";
    let of = |issuer: &str| metadata(issuer, "https://as.example/t1/token");
    assert_found(vec![
        discovered("trailing slash", "https://as.example/t1/", of(T1), "discovery/issuer", {
            "names the issuer https://as.example/t1, not https://as.example/t1/; they differ only by a slash"
        })
        .await,
        discovered("no slash", T1, of("https://as.example/t1/"), "discovery/issuer", "only by a slash").await,
        discovered("wrong tenant", T1, of("https://as.example/t2"), "discovery/issuer", "different tenants")
            .await,
        discovered("capitals", T1, of("https://AS.example/t1"), "discovery/issuer", "capital letters").await,
        discovered("http", T1, of("http://as.example/t1"), "discovery/issuer", "by http and https").await,
        discovered("a proxy", T1, of("https://internal.example/t1"), "discovery/issuer", "different hosts")
            .await,
        discovered("a template", T1, of("https://as.example/{tenantid}"), "discovery/issuer", "a template")
            .await,
        discovered("http issuer", "http://as.example", of(T1), "discovery/issuer", "plain http").await,
        discovered("no token endpoint", T1, json!({"issuer": T1}).to_string(), "discovery/token-endpoint", {
            "the metadata has no token_endpoint"
        })
        .await,
        discovered("plain http", T1, metadata(T1, "http://as.example/token"), "discovery/token-endpoint", {
            "is plain http"
        })
        .await,
        discovered("a page", T1, "<html>".to_owned(), "discovery/document", "cannot read").await,
    ]);
}

#[tokio::test]
async fn a_tenant_that_does_not_exist_is_named() {
    let key = key("p256.pkcs8.pem");
    let world = World::new(&key);
    let report = examine(&world.setup_at(&format!("{ORIGIN}/other/as"), key)).await;
    assert_found(vec![Mistake {
        name: "wrong tenant",
        report,
        wrong: &["discovery/document"],
        cause: "discovery/document",
        text: "answered 404",
    }]);
}

#[tokio::test]
async fn what_the_metadata_does_not_offer_is_a_warning_if_the_server_takes_it() {
    let own = key("p256.pkcs8.pem");
    let without = |name: &'static str, value: Value| {
        World::new(&own).with_metadata(move |metadata| drop(metadata.insert(name.to_owned(), value.clone())))
    };
    let methods = without("token_endpoint_auth_methods_supported", json!(["client_secret_basic"]));
    let algorithms = without("token_endpoint_auth_signing_alg_values_supported", json!(["RS256", "PS256"]));
    assert_found(vec![
        Mistake {
            name: "no private_key_jwt",
            report: methods.examine(own.clone()).await,
            wrong: &[],
            cause: "discovery/methods",
            text: "does not list private_key_jwt, but client_secret_basic",
        },
        Mistake {
            name: "no ES256",
            report: algorithms.examine(own.clone()).await,
            wrong: &[],
            cause: "discovery/algorithms",
            text: "the metadata lists RS256, PS256, not ES256",
        },
    ]);
    // Lists that are missing say nothing.
    let bare = World::new(&own).with_metadata(|metadata| metadata.retain(|name, _| !name.contains("_auth_")));
    let report = bare.examine(own).await;
    assert_eq!(
        checks(&report, Verdict::NotChecked),
        ["discovery/methods", "discovery/algorithms", "jwks/fetch"]
    );
}

#[tokio::test]
async fn a_clock_that_is_ten_minutes_off_is_named() {
    let key = key("p256.pkcs8.pem");
    let mut mistakes = Vec::new();
    for (name, seconds, text) in [
        ("behind", 600, "this machine's clock is 10 minutes behind the server's"),
        ("ahead", -600, "this machine's clock is 10 minutes ahead of the server's"),
    ] {
        let world = World::new(&key);
        world.server_clock.pass(seconds);
        let report = world.examine(key.clone()).await;
        let advice = finding(&report, "request/token").unwrap().advice.clone().unwrap();
        assert!(advice.contains("see above: clock (date)"), "{advice}");
        mistakes.push(Mistake {
            name,
            report,
            wrong: &["clock/date", "request/token"],
            cause: "clock/date",
            text,
        });
    }
    let world = World::new(&key);
    world.server_clock.pass(20);
    let report = world.examine(key.clone()).await;
    let text = "this machine's clock is 20 seconds behind the server's";
    mistakes.push(Mistake { name: "20 s", report, wrong: &[], cause: "clock/date", text });
    assert_found(mistakes);
}

/// The assertion cannot be made, or not well, under these settings.
async fn under(
    name: &'static str,
    key: &PrivateKey,
    change: impl FnOnce(Setup) -> Setup,
    cause: &'static str,
    text: &'static str,
) -> Mistake {
    let world = World::new(key);
    let report = examine(&change(world.setup(key.clone()))).await;
    let wrong: &[&str] = match (cause, world.token_requests()) {
        ("profile/algorithm", 0) => &["profile/algorithm"],
        ("profile/lifetime", 0) => &["profile/lifetime"],
        ("profile/audience", 0) => &["profile/audience"],
        ("profile/client-id", 0) => &["profile/client-id"],
        ("profile/certificate", 0) => &["profile/certificate"],
        _ => &[],
    };
    Mistake { name, report, wrong, cause, text }
}

#[tokio::test]
async fn what_a_provider_refuses_is_named_before_a_request() {
    let (p256, rsa) = (key("p256.pkcs8.pem"), key("rsa2048.pkcs8.pem"));
    let pss = rsa.clone().with_algorithm(Algorithm::PS512).unwrap();
    let ten_minutes = |setup: Setup| setup.assertion(|it| it.lifetime(Duration::from_secs(600)));
    assert_found(vec![
        under("ES256 at Auth0", &p256, |it| it.profile(Profile::auth0()), "profile/algorithm", {
            "Auth0 does not accept ES256, only RS256, RS384 or PS256"
        })
        .await,
        under("RS256 under FAPI", &rsa, |it| it.profile(Profile::fapi2()), "profile/algorithm", {
            "FAPI 2.0 does not accept RS256"
        })
        .await,
        under("PS512 at Okta", &pss, |it| it.profile(Profile::okta()), "profile/algorithm", "PS512").await,
        under(
            "ten minutes at Auth0",
            &rsa,
            |it| ten_minutes(it.profile(Profile::auth0())),
            "profile/lifetime",
            "the lifetime is 600s, but Auth0 accepts 1 s to 300s",
        )
        .await,
        under(
            "no certificate at Entra ID",
            &rsa,
            |it| it.profile(Profile::entra_id()),
            "profile/certificate",
            "requires `x5t#S256`, but the key has no certificate",
        )
        .await,
        under(
            "no client id",
            &p256,
            |_| Setup::new(ORIGIN, " ", p256.clone()).offline(),
            "profile/client-id",
            "the client id is empty",
        )
        .await,
        under(
            "nbf",
            &p256,
            |it| it.assertion(|it| it.not_before(Duration::ZERO)),
            "profile/nbf",
            "nbf equals iat",
        )
        .await,
    ]);
}

#[tokio::test]
async fn settings_that_the_server_rejects_are_named() {
    let own = key("p256.pkcs8.pem");
    let sent_to = |audience: &'static str| {
        let world = World::new(&own);
        let exactly = move || Audience::Exactly(audience.to_owned());
        world.setup(own.clone()).assertion(move |assertion| assertion.audience(exactly()))
    };
    let slash: &'static str = Box::leak(format!("{}/", World::new(&own).dev.issuer()).into_boxed_str());
    let long = World::new(&own).setup(own.clone());
    let long = long.assertion(|assertion| assertion.lifetime(Duration::from_secs(3600)));
    let typed = World::new(&own).setup(own.clone()).assertion(|it| it.media_type(Some("at+jwt")));
    assert_found(vec![
        Mistake {
            name: "another audience",
            report: examine(&sent_to("https://other.example")).await,
            wrong: &["request/token"],
            cause: "profile/audience",
            text: "the audience https://other.example is neither the issuer nor the token endpoint",
        },
        Mistake {
            name: "an audience with a slash",
            report: examine(&sent_to(slash)).await,
            wrong: &["profile/audience", "request/token"],
            cause: "profile/audience",
            text: "they differ only by a slash at the end",
        },
        Mistake {
            name: "an hour",
            report: examine(&long).await,
            wrong: &["request/token"],
            cause: "profile/lifetime",
            text: "assertions are valid for 60 minutes; many servers accept at most 5 minutes",
        },
        Mistake {
            name: "typ of an access token",
            report: examine(&typed).await,
            wrong: &["request/token"],
            cause: "request/token",
            text: "the typ is `at+jwt`",
        },
    ]);
}

#[tokio::test]
async fn what_is_registered_wrongly_is_named() {
    let own = key("p256.pkcs8.pem");
    let other = PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap();
    let world = || World::new(&own);
    let wrong_id = Setup::new(world().dev.issuer(), "clinet", own.clone());
    let of_other = World::new(&other);
    let renamed = other.clone().with_key_id(own.key_id().as_str());
    let under_same_name = World::new(&renamed);
    // Registered before a rotation: the server still has the old key.
    let stale = world();
    stale.dev.register("client", JwkSet::from(other.public_jwk().clone())).unwrap();
    let stale_setup = stale.setup(own.clone()).jwks(crate::world::set(&[&own, &other]));
    let report = examine(&stale_setup).await;
    assert_eq!(finding(&report, "jwks/key").unwrap().verdict, Verdict::Good);
    let request = |name, report, text| Mistake {
        name,
        report,
        wrong: &["request/token"],
        cause: "request/token",
        text,
    };
    assert_found(vec![
        request("stale registration", report, "no key has that `kid`"),
        request(
            "wrong client id",
            examine(&wrong_id.http(world()).clock(world().clock)).await,
            "client `clinet` is not registered, registered: `client`",
        ),
        request("another key", of_other.examine(own.clone()).await, "no key has that `kid`"),
        request("another key, same kid", under_same_name.examine(own.clone()).await, "does not verify"),
    ]);
}

#[tokio::test]
async fn a_server_that_gives_no_reason_gets_no_guess_but_what_was_found_here() {
    let own = key("p256.pkcs8.pem");
    let terse = || {
        World::new(&own).between(|request| {
            (request.method() == "POST").then(|| answer(401, &[], r#"{"error":"invalid_client"}"#))
        })
    };
    let advice = |report: &private_key_jwt::doctor::Report| {
        finding(report, "request/token").unwrap().advice.clone().unwrap()
    };
    let report = terse().examine(own.clone()).await;
    assert_eq!(checks(&report, Verdict::Wrong), ["request/token"]);
    let kid = own.key_id().as_str();
    assert_eq!(
        advice(&report),
        format!(
            "the server does not say why | this machine cannot see whether the client id, the tenant and this key (kid \
             \"{kid}\") are registered with the server | `pkjwt doctor --probe` tries the settings that servers differ in"
        )
    );
    // A text that is not known is no reason to guess either.
    let body = r#"{"error":"invalid_client","error_description":"the printer is on fire"}"#;
    let odd =
        World::new(&own).between(move |request| (request.method() == "POST").then(|| answer(401, &[], body)));
    let report = odd.examine(own.clone()).await;
    assert!(advice(&report).starts_with("this text is not known here, so there is no guess"), "{report:?}");
    // What was found before the request may be the reason.
    let setup = terse().setup(own.clone()).jwks(r#"{"keys":[]}"#);
    let report = examine(&setup).await;
    assert!(
        advice(&report).starts_with("see above: jwks (key) | the server does not say"),
        "{}",
        advice(&report)
    );
}

#[tokio::test]
async fn a_client_that_may_not_have_what_it_requests_is_authenticated() {
    let own = key("p256.pkcs8.pem");
    let world = World::new(&own).between(|request| {
        (request.method() == "POST").then(|| answer(400, &[], r#"{"error":"invalid_scope"}"#))
    });
    let report = examine(&world.setup(own).scope("a").probe()).await;
    assert!(report.is_healthy());
    assert_eq!(checks(&report, Verdict::Warning), ["request/token"]);
    assert_eq!(
        finding(&report, "request/token").unwrap().text,
        "the server accepted the client, but not its request: 400 invalid_scope"
    );
    assert_eq!(report.requests(), 1);
}

#[tokio::test]
async fn a_grant_that_the_server_does_not_offer_says_nothing_about_the_client() {
    let own = key("p256.pkcs8.pem");
    for status in [400, 401] {
        let world = World::new(&own).between(move |request| {
            let body = r#"{"error":"unsupported_grant_type"}"#;
            (request.method() == "POST").then(|| answer(status, &[], body))
        });
        let report = examine(&world.setup(own.clone()).probe()).await;
        assert!(report.is_healthy());
        assert_eq!(report.requests(), 1);
        let found = finding(&report, "request/token").unwrap();
        assert_eq!(found.verdict, Verdict::NotChecked);
        let text = format!(
            "the server refuses client_credentials, so it is not known whether it accepts the client: {status} \
             unsupported_grant_type"
        );
        assert_eq!(found.text, text);
        assert!(found.advice.is_some());
        let probe = finding(&report, "probe/settings").unwrap();
        assert_eq!(probe.verdict, Verdict::NotChecked);
        let text = "not tried: the server refuses client_credentials before it looks at the client";
        assert_eq!(probe.text, text);
    }
}

#[tokio::test]
async fn a_known_provider_without_its_profile_is_named() {
    let own = key("p256.pkcs8.pem");
    let report = |issuer: &'static str, token_endpoint: &'static str| {
        let url = format!("{}{OPENID}", issuer.trim_end_matches('/'));
        let world = World::new(&own).with(&url, answer(200, &[], metadata(issuer, token_endpoint)));
        let setup = world.setup_at(issuer, own.clone());
        async move { examine(&setup).await }
    };
    assert_found(vec![
        Mistake {
            name: "Okta",
            report: report("https://dev-1.okta.com", "https://dev-1.okta.com/oauth2/v1/token").await,
            wrong: &["request/token"],
            cause: "profile/profile",
            text: "this looks like Okta, which has a profile",
        },
        Mistake {
            name: "ES256 at Auth0",
            report: report("https://t.eu.auth0.com/", "https://t.eu.auth0.com/oauth/token").await,
            wrong: &["request/token"],
            cause: "profile/profile",
            text: "under it, this client fails: Auth0 does not accept ES256",
        },
    ]);
}
