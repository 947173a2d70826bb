//! `--probe`: finds the settings that a server takes, within a dozen requests.

use http::Request;
use private_key_jwt::doctor::{Report, Verdict, examine};
use private_key_jwt::jose::UnverifiedJwt;
use private_key_jwt::{Algorithm, AuthorizationServer, JwkSet, PrivateKey, Profile};

use crate::support::http::answer;
use crate::support::key;
use crate::world::{World, jwks};
use crate::{all_texts, checks, finding};

const RFC10070: Option<&str> = Some("client-authentication+jwt");
const TYPES: [Option<&str>; 3] = [RFC10070, Some("JWT"), None];

/// What a server demands of an assertion, besides what the dev server checks.
#[derive(Clone, Copy, Debug)]
struct Demand {
    token_endpoint: bool,
    typ: Option<&'static str>,
    kid: bool,
    algorithm: Algorithm,
    /// How far the server's clock is ahead. It tolerates 20 s.
    ahead: i64,
}

/// How much the server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Words {
    /// One text for everything.
    None,
    /// Which check failed.
    All,
}

impl Demand {
    const fn usual(algorithm: Algorithm) -> Self {
        Self { token_endpoint: false, typ: RFC10070, kid: true, algorithm, ahead: 0 }
    }

    /// What a request lacks.
    fn lacks(
        &self,
        request: &Request<Vec<u8>>,
        server: &AuthorizationServer,
        now: i64,
    ) -> Option<&'static str> {
        let form = form_urlencoded_pairs(request.body());
        let assertion = &form.iter().find(|(name, _)| name == "client_assertion").unwrap().1;
        let jwt = UnverifiedJwt::parse(assertion).unwrap();
        let (header, claims) = (jwt.header(), jwt.claims());
        let aud = if self.token_endpoint { server.token_endpoint() } else { server.issuer().unwrap() };
        let iat = claims["iat"].as_i64().unwrap();
        if header["alg"] != self.algorithm.as_str() {
            return Some("Algorithm not supported");
        }
        if header.contains_key("kid") != self.kid {
            return Some("the kid is not as it should be");
        }
        if header.get("typ").and_then(|typ| typ.as_str()) != self.typ {
            return Some("the typ is not as it should be");
        }
        if claims["aud"] != aud {
            return Some("Invalid token audience");
        }
        match iat - (now + self.ahead) {
            21.. => Some("Token was issued in the future"),
            ..-20 => Some("the assertion has expired"),
            _ => None,
        }
    }
}

fn form_urlencoded_pairs(body: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(body).into_owned().collect()
}

/// A server with this demand, which sends a `Date` or none.
fn world(key: &PrivateKey, demand: Demand, words: Words, has_date: bool) -> World {
    let world = World::new(key);
    let any_algorithm = jwks(key, |jwk| drop(jwk.remove("alg")));
    world.dev.register("client", JwkSet::from_json(any_algorithm.as_bytes()).unwrap()).unwrap();
    // The dev server tolerates the clock of its client: only the demand counts.
    let (server, clock) = (world.dev.authorization_server().clone(), world.clock.clone());
    let dev = world.dev.clone();
    world.between(move |request| {
        if request.method() != "POST" {
            // Without a `Date`, the metadata does not show the clock either.
            return (!has_date).then(|| {
                let mut local = request.clone();
                local.headers_mut().insert("host", "127.0.0.1:8080".parse().unwrap());
                Ok(dev.respond(&local, crate::support::now()))
            });
        }
        match demand.lacks(request, &server, clock.seconds()) {
            None if demand.ahead != 0 => {
                let token = r#"{"access_token":"opaque","token_type":"Bearer"}"#;
                Some(answer(200, &[], token))
            }
            None => None,
            Some(_) if words == Words::None => Some(answer(401, &[], r#"{"error":"invalid_client"}"#)),
            Some(text) => {
                let body = serde_json::json!({"error": "invalid_client", "error_description": text});
                Some(answer(400, &[], body.to_string()))
            }
        }
    })
}

async fn probed(key: &PrivateKey, demand: Demand, words: Words, has_date: bool) -> (Report, usize) {
    let world = world(key, demand, words, has_date);
    let report = examine(&world.setup(key.clone()).probe()).await;
    assert!(world.token_requests() <= 12, "{demand:?}: {}", world.token_requests());
    assert_eq!(report.requests(), world.token_requests());
    (report, world.token_requests())
}

#[track_caller]
fn assert_answer(report: &Report, demand: Demand) {
    let shown = all_texts(report);
    let setting = report.setting().unwrap_or_else(|| panic!("{demand:?}: {shown}"));
    let audience = if demand.token_endpoint { "TokenEndpoint" } else { "Issuer" };
    assert_eq!(format!("{:?}", setting.audience()), audience, "{demand:?}");
    assert_eq!(setting.media_type(), demand.typ, "{demand:?}");
    assert_eq!(setting.sends_key_id(), demand.kid, "{demand:?}");
    assert_eq!(setting.algorithm(), demand.algorithm, "{demand:?}");
    let missing = setting.moved().whole_seconds() - demand.ahead;
    assert!(missing.abs() <= 20, "{demand:?}: {missing}");
}

#[tokio::test]
async fn each_combination_of_audience_typ_and_kid_is_found_although_the_server_gives_no_reason() {
    let key = key("p256.pkcs8.pem");
    for token_endpoint in [false, true] {
        for typ in TYPES {
            for kid in [true, false] {
                let demand = Demand { token_endpoint, typ, kid, ..Demand::usual(Algorithm::ES256) };
                let (report, requests) = probed(&key, demand, Words::None, true).await;
                if requests == 1 {
                    // The first request fits.
                    assert!(report.is_healthy() && report.setting().is_none());
                } else {
                    assert_answer(&report, demand);
                }
            }
        }
    }
}

#[tokio::test]
async fn each_other_algorithm_of_an_rsa_key_is_found() {
    let key = key("rsa2048.pkcs8.pem");
    for algorithm in Algorithm::ALL.into_iter().filter(|other| other.key_type() == key.key_type()) {
        for words in [Words::None, Words::All] {
            let demand = Demand::usual(algorithm);
            let (report, requests) = probed(&key, demand, words, true).await;
            if requests > 1 {
                assert_answer(&report, demand);
            }
        }
    }
}

#[tokio::test]
async fn a_clock_that_is_a_minute_off_is_found_without_a_date() {
    let key = key("p256.pkcs8.pem");
    for ahead in [-60, 60] {
        for words in [Words::None, Words::All] {
            let demand = Demand { ahead, ..Demand::usual(Algorithm::ES256) };
            let (report, _) = probed(&key, demand, words, false).await;
            assert_answer(&report, demand);
            let text = &finding(&report, "probe/settings").unwrap().text;
            assert!(text.contains("by 60 seconds, so correct the clock"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_server_that_names_what_is_wrong_is_followed_to_everything_at_once() {
    let key = key("rsa2048.pkcs8.pem");
    for demand in [
        Demand {
            token_endpoint: true,
            typ: Some("JWT"),
            kid: false,
            algorithm: Algorithm::PS256,
            ahead: -60,
        },
        Demand { token_endpoint: true, typ: None, kid: false, algorithm: Algorithm::RS384, ahead: 60 },
        Demand { token_endpoint: false, typ: None, kid: true, algorithm: Algorithm::PS512, ahead: 0 },
    ] {
        let (report, _) = probed(&key, demand, Words::All, false).await;
        assert_answer(&report, demand);
    }
}

#[tokio::test]
async fn an_algorithm_that_the_metadata_lists_is_used_for_every_try() {
    let key = key("rsa2048.pkcs8.pem");
    let demand = Demand { token_endpoint: true, typ: Some("JWT"), ..Demand::usual(Algorithm::RS384) };
    let world = world(&key, demand, Words::None, true).with_metadata(|metadata| {
        let name = "token_endpoint_auth_signing_alg_values_supported".to_owned();
        metadata.insert(name, serde_json::json!(["RS384", "ES384"]));
    });
    let report = examine(&world.setup(key).probe()).await;
    assert_answer(&report, demand);
    let setting = report.setting().unwrap();
    let token_endpoint = world.dev.token_endpoint();
    assert_eq!(setting.options(), format!("--audience {token_endpoint} --typ JWT --alg RS384"));
    assert_eq!(
        setting.rust(),
        "Profile::new(\"my server\").audience(Audience::TokenEndpoint).media_type(Some(\"JWT\")); \
         key.with_algorithm(Algorithm::RS384)?"
    );
    let profile = Profile::new("x").audience(setting.audience().clone()).media_type(Some("JWT"));
    assert_eq!(setting.profile().rules().audience(), profile.rules().audience());
    assert_eq!(world.token_requests(), 9);
}

#[tokio::test]
async fn the_answer_starts_from_the_profile_of_the_user() {
    let key = key("p256.pkcs8.pem");
    let demand = Demand { kid: false, ..Demand::usual(Algorithm::ES256) };
    let world = world(&key, demand, Words::None, true);
    let report = examine(&world.setup(key).profile(Profile::keycloak()).probe()).await;
    let issuer = world.dev.issuer();
    let setting = report.setting().unwrap();
    assert_eq!(
        setting.options(),
        format!("--profile keycloak --audience {issuer} --typ client-authentication+jwt --no-kid")
    );
    assert!(
        setting.rust().starts_with("Profile::keycloak().audience(Audience::Issuer)"),
        "{}",
        setting.rust()
    );
    let json = serde_json::to_value(setting).unwrap();
    assert_eq!(
        (&json["kid"], &json["alg"], &json["moved_seconds"]),
        (&false.into(), &"ES256".into(), &0.into())
    );
}

#[tokio::test]
async fn if_no_setting_is_accepted_the_probe_says_so_after_a_dozen_requests() {
    let own = key("rsa2048.pkcs8.pem");
    let world = World::new(&own).between(|request| {
        (request.method() == "POST").then(|| answer(401, &[], r#"{"error":"invalid_client"}"#))
    });
    let report = examine(&world.setup(own.clone()).probe()).await;
    assert_eq!((world.token_requests(), report.requests()), (12, 12));
    assert_eq!(checks(&report, Verdict::Wrong), ["request/token", "probe/settings"]);
    assert_eq!(
        finding(&report, "probe/settings").unwrap().text,
        "the server accepted none of 11 other settings; its last answer: 401 invalid_client"
    );
    // Without the flag, one request is sent.
    let report = examine(&world.setup(own)).await;
    assert_eq!((world.token_requests(), report.requests()), (13, 1));
}

#[tokio::test]
async fn every_assertion_of_a_probe_is_another_and_for_the_issuer_or_its_token_endpoint() {
    let own = key("p256.pkcs8.pem");
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = std::sync::Arc::clone(&seen);
    let world = World::new(&own).between(move |request| {
        let form = form_urlencoded_pairs(request.body());
        let assertion = form.into_iter().find(|(name, _)| name == "client_assertion")?.1;
        kept.lock().unwrap().push(UnverifiedJwt::parse(&assertion).unwrap());
        Some(answer(401, &[], r#"{"error":"invalid_client"}"#))
    });
    examine(&world.setup(own).probe()).await;
    let seen = seen.lock().unwrap();
    let ids: std::collections::BTreeSet<_> = seen.iter().map(|jwt| jwt.claims()["jti"].to_string()).collect();
    assert_eq!((ids.len(), seen.len()), (12, 12));
    let own = [world.dev.issuer(), world.dev.token_endpoint()];
    assert!(seen.iter().all(|jwt| own.contains(&jwt.claims()["aud"].as_str().unwrap())));
}

#[tokio::test]
async fn a_probe_stops_when_the_server_wants_fewer_requests() {
    let own = key("p256.pkcs8.pem");
    let count = std::sync::atomic::AtomicUsize::new(0);
    let world = World::new(&own).between(move |request| {
        (request.method() == "POST").then(|| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0..3 => answer(401, &[], r#"{"error":"invalid_client"}"#),
            _ => answer(429, &[("retry-after", "60")], ""),
        })
    });
    let report = examine(&world.setup(own).probe()).await;
    assert_eq!(world.token_requests(), 4);
    assert_eq!(finding(&report, "probe/settings").unwrap().text, "stopped: 429");
}

#[tokio::test]
async fn settings_are_not_tried_where_they_cannot_help() {
    let own = key("p256.pkcs8.pem");
    // Another origin: an assertion never goes there for a try.
    let issuer = "https://as.example";
    let document = format!(r#"{{"issuer":"{issuer}","token_endpoint":"https://login.example/token"}}"#);
    let elsewhere = World::new(&own)
        .with(&format!("{issuer}/.well-known/openid-configuration"), answer(200, &[], document))
        .between(|request| {
            (request.method() == "POST").then(|| answer(401, &[], r#"{"error":"invalid_client"}"#))
        });
    let report = examine(&elsewhere.setup_at(issuer, own.clone()).probe()).await;
    assert_eq!(elsewhere.token_requests(), 1);
    let text = &finding(&report, "probe/settings").unwrap().text;
    assert!(text.contains("not at the issuer's origin"), "{text}");
    // The server says that the client may not use this method.
    let body = r#"{"error":"invalid_client","error_description":"AADSTS700016: Application not found"}"#;
    let unknown =
        World::new(&own).between(move |request| (request.method() == "POST").then(|| answer(401, &[], body)));
    let report = examine(&unknown.setup(own).probe()).await;
    assert_eq!(unknown.token_requests(), 1);
    let found = finding(&report, "probe/settings").unwrap();
    assert_eq!(found.verdict, Verdict::NotChecked);
    assert!(
        found
            .text
            .starts_with("not tried: these settings do not help; iss is \"client\"; check the client id"),
        "{}",
        found.text
    );
}

/// A server that answers like this until an assertion pleases it, and sends no `Date`.
async fn requests_at(
    text: &'static str,
    pleases: impl Fn(&UnverifiedJwt, &AuthorizationServer) -> bool + Send + Sync + 'static,
) -> (usize, String) {
    let own = key("p256.pkcs8.pem");
    let world = World::new(&own);
    let server = world.dev.authorization_server().clone();
    let world = world.between(move |request| {
        let form = form_urlencoded_pairs(request.body());
        let assertion = form.into_iter().find(|(name, _)| name == "client_assertion")?.1;
        let jwt = UnverifiedJwt::parse(&assertion).unwrap();
        let body = serde_json::json!({"error": "invalid_client", "error_description": text});
        (!pleases(&jwt, &server)).then(|| answer(400, &[], body.to_string()))
    });
    let report = examine(&world.setup(own).probe()).await;
    all_texts(&report);
    (report.requests(), report.setting().map(|setting| setting.options()).unwrap_or_default())
}

#[tokio::test]
async fn the_words_of_known_servers_lead_to_their_setting_at_once() {
    // Keycloak, for a client that is registered by certificate.
    let (requests, options) =
        requests_at("Unable to load public key", |jwt, _| !jwt.header().contains_key("kid")).await;
    assert_eq!(requests, 2);
    assert!(options.ends_with("--no-kid"), "{options}");
    let okta = "The audience claim for client_assertion must be the endpoint invoked for the request.";
    let (requests, options) =
        requests_at(okta, |jwt, server| jwt.claims()["aud"] == server.token_endpoint()).await;
    assert_eq!(requests, 2);
    assert!(options.contains("/token --typ client-authentication+jwt"), "{options}");
    let smart = "Invalid token 'typ' header. Must be 'JWT'";
    let (requests, options) = requests_at(smart, |jwt, _| jwt.header()["typ"] == "JWT").await;
    assert_eq!(requests, 2);
    assert!(options.contains("--typ JWT"), "{options}");
}
