//! `--probe`: finds the settings that a server takes, within a dozen requests.

use http::Request;
use private_key_jwt::doctor::{Report, Verdict, examine};
use private_key_jwt::jose::UnverifiedJwt;
use private_key_jwt::{
    Algorithm, Audience, AuthorizationServer, ClientAssertion, JwkSet, PrivateKey, Profile,
};

use crate::support::http::answer;
use crate::support::{MARK, key, now, testdata};
use crate::world::{World, jwks};
use crate::{all_texts, checks, finding};

const RFC10070: Option<&str> = Some("client-authentication+jwt");
const INVALID_CLIENT: &str = r#"{"error":"invalid_client"}"#;
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
    /// Whether it wants the thumbprint of the certificate.
    thumbprint: bool,
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
        Self { token_endpoint: false, typ: RFC10070, kid: true, algorithm, ahead: 0, thumbprint: false }
    }

    /// What an assertion lacks.
    fn lacks(&self, jwt: &UnverifiedJwt, server: &AuthorizationServer, now: i64) -> Option<&'static str> {
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
        if self.thumbprint && !header.contains_key("x5t#S256") {
            return Some("there is no thumbprint");
        }
        match iat - (now + self.ahead) {
            21.. => Some("Token was issued in the future"),
            ..-20 => Some("the assertion has expired"),
            _ => None,
        }
    }
}

/// The assertion of a token request.
fn assertion(request: &Request<Vec<u8>>) -> Option<UnverifiedJwt> {
    let mut form = url::form_urlencoded::parse(request.body());
    let (_, assertion) = form.find(|(name, _)| name == "client_assertion")?;
    Some(UnverifiedJwt::parse(&assertion).unwrap())
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
                Ok(dev.respond(&local, now()))
            });
        }
        match demand.lacks(&assertion(request).unwrap(), &server, clock.seconds()) {
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
            ahead: -60,
            ..Demand::usual(Algorithm::PS256)
        },
        Demand { token_endpoint: true, typ: None, kid: false, ahead: 60, ..Demand::usual(Algorithm::RS384) },
        Demand { typ: None, ..Demand::usual(Algorithm::PS512) },
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

/// The settings as options of `pkjwt`, applied to an assertion as `pkjwt token` applies them.
fn pasted(options: &str, server: &AuthorizationServer, key: &PrivateKey) -> UnverifiedJwt {
    let (mut builder, mut key) = (ClientAssertion::builder("client", server), key.clone());
    let mut words = options.split(' ').map(|word| word.trim_matches('\''));
    while let Some(option) = words.next() {
        let mut value = || words.next().unwrap();
        builder = match option {
            "--profile" => {
                let name = value();
                builder.profile(Profile::known().find(|(known, _)| *known == name).unwrap().1)
            }
            "--audience" => builder.audience(Audience::Exactly(value().to_owned())),
            "--typ" => builder.media_type(Some(value()).filter(|typ| !typ.is_empty())),
            "--no-kid" => builder.without_key_id(),
            "--x5t-s256" => builder.x5t_s256(),
            "--x5t" => builder.x5t(),
            "--x5c" => builder.x5c(),
            "--alg" => {
                key = key.with_algorithm(value().parse().unwrap()).unwrap();
                builder
            }
            other => panic!("no such option: {other}"),
        };
    }
    let assertion = builder.sign(&key, now(), "a-jti").unwrap_or_else(|error| panic!("{options}: {error}"));
    UnverifiedJwt::parse(assertion.secret()).unwrap()
}

/// An RSA key with its certificate: the profiles of some servers need one.
fn certified() -> PrivateKey {
    let pem = [testdata("keys/rsa2048.pkcs8.pem"), testdata("keys/rsa2048.cert.pem")].concat();
    PrivateKey::from_bytes(&pem).unwrap()
}

#[tokio::test]
async fn the_answer_can_be_pasted_under_every_profile() {
    let mut dropped = Vec::new();
    for (name, profile) in Profile::known() {
        let keys = [key("p256.key-then-cert.pem"), certified()];
        let is_accepted = |key: &PrivateKey| profile.rules().algorithms().contains(&key.algorithm());
        let Some(key) = keys.into_iter().find(is_accepted) else { continue };
        let usual = Demand::usual(key.algorithm());
        for demand in [
            usual,
            Demand { token_endpoint: true, ..usual },
            Demand { typ: Some("JWT"), kid: false, ..usual },
            Demand { typ: None, ..usual },
            Demand { token_endpoint: true, typ: None, kid: false, ..usual },
        ] {
            let thumbprint = profile.rules().certificate_headers().contains(&"x5t#S256");
            let demand = Demand { thumbprint, ..demand };
            let world = world(&key, demand, Words::All, true);
            let report = examine(&world.setup(key.clone()).profile(profile.clone()).probe()).await;
            all_texts(&report);
            // Auth0's profile refuses an issuer without a slash at the end, so nothing is sent.
            if report.requests() <= 1 {
                assert!(report.is_healthy() || report.requests() == 0, "{name}, {demand:?}: {report:?}");
                continue;
            }
            let setting = report.setting().unwrap_or_else(|| panic!("{name}, {demand:?}: {report:?}"));
            let server = world.dev.authorization_server();
            let lacks = |jwt| demand.lacks(&jwt, server, world.clock.seconds());
            let options = setting.options();
            assert_eq!(lacks(pasted(&options, server, &key)), None, "{name}, {demand:?}: {options}");
            let builder = ClientAssertion::builder("client", server).profile(setting.profile());
            let assertion = builder.sign(&key, now(), "a-jti").unwrap();
            let jwt = UnverifiedJwt::parse(assertion.secret()).unwrap();
            assert_eq!(lacks(jwt), None, "{name}, {demand:?}");
            let is_kept = options.starts_with(&format!("--profile {name} "));
            assert_eq!(setting.rust().starts_with("Profile::new("), !is_kept, "{}", setting.rust());
            if !is_kept {
                dropped.push(name);
                assert_eq!(options.contains("--x5t-s256"), thumbprint, "{options}");
                assert_eq!(setting.rust().contains(".x5t_s256()"), thumbprint, "{}", setting.rust());
            }
        }
    }
    dropped.dedup();
    assert!(dropped.len() > 2 && dropped.contains(&"okta"), "{dropped:?}");
}

#[tokio::test]
async fn an_algorithm_that_the_profile_refuses_drops_the_profile() {
    let own = key("rsa2048.pkcs8.pem");
    let demand = Demand { token_endpoint: true, ..Demand::usual(Algorithm::PS256) };
    let world = world(&own, demand, Words::All, true);
    let report = examine(&world.setup(own.clone()).profile(Profile::okta()).probe()).await;
    let options = report.setting().unwrap().options();
    let server = world.dev.authorization_server();
    assert_eq!(demand.lacks(&pasted(&options, server, &own), server, world.clock.seconds()), None);
    assert!(options.starts_with("--audience ") && options.ends_with(" --alg PS256"), "{options}");
}

#[tokio::test]
async fn an_endpoint_that_only_the_profile_takes_for_an_audience_is_named_in_full() {
    const ISSUER: &str = "https://as.example/T/v2.0";
    const ENDPOINT: &str = "https://as.example/T/oauth2/v2.0/token";
    let document = format!(r#"{{"issuer":"{ISSUER}","token_endpoint":"{ENDPOINT}"}}"#);
    let server = AuthorizationServer::from_metadata(ISSUER, document.as_bytes()).unwrap();
    let key = certified();
    for (profile, start) in [
        (Profile::entra_id(), "--profile entra-id --audience "),
        (Profile::entra_id().noted("changed"), "--audience "),
    ] {
        let is_right = |jwt: &UnverifiedJwt| {
            let header = jwt.header();
            let has = |name| header.contains_key(name);
            jwt.claims()["aud"] == ENDPOINT
                && header.get("typ").is_some_and(|typ| typ == "JWT")
                && !has("kid")
                && has("x5t#S256")
        };
        let metadata = answer(200, &[], document.clone());
        let world = World::new(&key).with(&format!("{ISSUER}/.well-known/openid-configuration"), metadata);
        let world = world.between(move |request| {
            let token = r#"{"access_token":"opaque","token_type":"Bearer"}"#;
            let is_right = is_right(&assertion(request)?);
            Some(if is_right { answer(200, &[], token) } else { answer(401, &[], INVALID_CLIENT) })
        });
        let report = examine(&world.setup_at(ISSUER, key.clone()).profile(profile).probe()).await;
        let setting = report.setting().unwrap_or_else(|| panic!("{report:?}"));
        let options = setting.options();
        assert!(options.starts_with(start), "{options}");
        assert!(is_right(&pasted(&options, &server, &key)), "{options}");
        let builder = ClientAssertion::builder("client", &server).profile(setting.profile());
        let signed = builder.sign(&key, now(), "a-jti").unwrap();
        assert!(is_right(&UnverifiedJwt::parse(signed.secret()).unwrap()), "{}", setting.rust());
    }
}

#[tokio::test]
async fn an_audience_that_is_not_shown_is_sent_as_it_is() {
    let own = key("p256.pkcs8.pem");
    let path = "a".repeat(600);
    for audience in [format!("https://user:{MARK}@as.example/"), format!("https://as.example/{path}")] {
        let sent = audience.clone();
        let world = World::new(&own).between(move |request| {
            let jwt = assertion(request)?;
            let is_right = jwt.claims()["aud"] == sent.as_str() && jwt.header()["typ"] == "JWT";
            let token = r#"{"access_token":"opaque","token_type":"Bearer"}"#;
            Some(if is_right { answer(200, &[], token) } else { answer(401, &[], INVALID_CLIENT) })
        });
        let exactly = Audience::Exactly(audience.clone());
        let setup = world.setup(own.clone()).assertion(move |it| it.audience(exactly.clone()));
        let report = examine(&setup.probe()).await;
        let shown = all_texts(&report);
        assert!(!shown.contains(&path), "{shown}");
        let setting = report.setting().unwrap_or_else(|| panic!("{shown}"));
        assert_eq!(setting.audience(), &Audience::Exactly(audience));
        assert_eq!(setting.options(), r#"--audience "$AUDIENCE" --typ JWT"#);
        let expected =
            r#"Profile::new("my server").audience(Audience::Exactly(audience)).media_type(Some("JWT"))"#;
        assert_eq!(setting.rust(), expected);
        let advice = finding(&report, "probe/settings").unwrap().advice.clone().unwrap();
        assert!(
            advice.ends_with("the audience is the one of this setup, which this report does not show"),
            "{advice}"
        );
    }
}

#[tokio::test]
async fn a_typ_that_is_not_shown_is_sent_as_it_is() {
    let own = key("p256.pkcs8.pem");
    let typ = "t".repeat(100);
    let sent = typ.clone();
    let world = World::new(&own).between(move |request| {
        let jwt = assertion(request)?;
        let is_right = jwt.header().get("typ").is_some_and(|typ| typ == sent.as_str())
            && !jwt.header().contains_key("kid");
        let token = r#"{"access_token":"opaque","token_type":"Bearer"}"#;
        Some(if is_right { answer(200, &[], token) } else { answer(401, &[], INVALID_CLIENT) })
    });
    let wanted = typ.clone();
    let setup = world.setup(own).assertion(move |it| it.media_type(Some(&wanted)));
    let report = examine(&setup.probe()).await;
    let shown = all_texts(&report);
    let setting = report.setting().unwrap_or_else(|| panic!("{shown}"));
    assert_eq!(setting.media_type(), Some(typ.as_str()));
    assert_eq!(setting.options(), format!("--audience {} --typ \"$TYP\" --no-kid", world.dev.issuer()));
    assert!(setting.rust().contains(".media_type(Some(typ))"), "{}", setting.rust());
}

#[tokio::test]
async fn times_are_moved_by_an_hour_at_most() {
    let own = key("p256.pkcs8.pem");
    for ahead in [-3600, 3600] {
        let world = World::new(&own);
        world.server_clock.pass(ahead);
        let report = examine(&world.setup(own.clone()).probe()).await;
        let moved = report.setting().unwrap_or_else(|| panic!("{report:?}")).moved().whole_seconds();
        assert!(moved.abs() <= 3600 && (moved - ahead).abs() <= 1, "{moved}");
    }
    for ahead in [-7200, 3700, 7200, 40 * 365 * 86_400] {
        for words in
            [r#"{"error":"invalid_client"}"#, r#"{"error":"x","error_description":"wrong audience"}"#]
        {
            let latest = std::sync::Arc::new(std::sync::Mutex::new(0));
            let kept = std::sync::Arc::clone(&latest);
            let world = World::new(&own);
            world.server_clock.pass(ahead);
            let world = world.between(move |request| {
                let claims = assertion(request)?.claims().clone();
                let distance = (claims["iat"].as_i64().unwrap() - now().unix_timestamp()).abs();
                let mut latest = kept.lock().unwrap();
                *latest = distance.max(*latest);
                Some(answer(401, &[], words))
            });
            let report = examine(&world.setup(own.clone()).probe()).await;
            assert_eq!((*latest.lock().unwrap(), report.requests()), (0, 1), "{ahead}");
            assert_eq!(checks(&report, Verdict::Wrong), ["clock/date", "request/token"]);
            let found = finding(&report, "probe/settings").unwrap();
            assert_eq!(found.verdict, Verdict::NotChecked);
            assert!(found.text.starts_with("not tried: this machine's clock is "), "{}", found.text);
            assert!(found.advice.as_ref().unwrap().contains("clock (date)"), "{found:?}");
        }
    }
}

#[tokio::test]
async fn a_probe_stops_at_an_answer_that_judges_no_assertion() {
    let own = key("p256.pkcs8.pem");
    let stopping: [(u16, &'static [(&str, &str)]); 9] = [
        (404, &[]),
        (408, &[]),
        (429, &[]),
        (502, &[]),
        (503, &[("retry-after", "60")]),
        (504, &[]),
        (529, &[]),
        (500, &[("retry-after", "60")]),
        (401, &[("retry-after", "60")]),
    ];
    for (status, headers) in stopping {
        let count = std::sync::atomic::AtomicUsize::new(0);
        let world = World::new(&own).between(move |request| {
            (request.method() == "POST").then(|| {
                match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                    0..3 => answer(401, &[], INVALID_CLIENT),
                    _ => answer(status, headers, ""),
                }
            })
        });
        let report = examine(&world.setup(own.clone()).probe()).await;
        assert_eq!((world.token_requests(), report.requests()), (4, 4), "{status}");
        let found = finding(&report, "probe/settings").unwrap();
        assert_eq!(found.verdict, Verdict::NotChecked, "{status}");
        assert!(found.text.starts_with(&format!("stopped: {status}")), "{}", found.text);
    }
}

#[tokio::test]
async fn a_grant_that_is_refused_only_with_some_settings_shows_an_accepted_client() {
    let (requests, options) = {
        let own = key("p256.pkcs8.pem");
        let world = World::new(&own).between(|request| {
            let is_right = assertion(request)?.header()["typ"] == "JWT";
            let grant = r#"{"error":"unsupported_grant_type"}"#;
            Some(if is_right { answer(400, &[], grant) } else { answer(401, &[], INVALID_CLIENT) })
        });
        let report = examine(&world.setup(own).probe()).await;
        (report.requests(), report.setting().unwrap().options())
    };
    assert!(requests > 1 && options.ends_with("--typ JWT"), "{options}");
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
        kept.lock().unwrap().push(assertion(request)?);
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
        let jwt = assertion(request)?;
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
