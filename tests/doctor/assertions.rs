//! Assertions that other libraries made.

use private_key_jwt::doctor::{ExpectedAssertion, Report, Verdict, explain};
use private_key_jwt::{Algorithm, AuthorizationServer, ClientAssertion, JwkSet, PrivateKey, Profile};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::support::{key, now};
use crate::{Mistake, all_texts, assert_found, checks, finding};

const ISSUER: &str = "https://as.example/t1";

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    use base64ct::{Base64UrlUnpadded, Encoding};
    Base64UrlUnpadded::encode_string(bytes.as_ref())
}

/// A JWT with these members, signed with ES256. A test changes them first.
fn jwt(change: impl FnOnce(&mut Map<String, Value>, &mut Map<String, Value>)) -> String {
    let key = key("p256.pkcs8.pem");
    let seconds = now().unix_timestamp();
    let header = json!({"alg": "ES256", "typ": "JWT", "kid": key.key_id().as_str()});
    let claims = json!({"iss": "client", "sub": "client", "aud": ISSUER, "jti": "j1", "iat": seconds, "exp": seconds + 60});
    let (Value::Object(mut header), Value::Object(mut claims)) = (header, claims) else { panic!() };
    change(&mut header, &mut claims);
    let part = |members| base64url(serde_json::to_vec(&Value::Object(members)).unwrap());
    let signing_input = format!("{}.{}", part(header), part(claims));
    let signature = key.sign(signing_input.as_bytes()).unwrap();
    format!("{signing_input}.{}", base64url(signature.as_bytes()))
}

fn expected(profile: Profile) -> ExpectedAssertion {
    let server = AuthorizationServer::new(ISSUER, format!("{ISSUER}/token")).unwrap();
    let keys = JwkSet::from(key("p256.pkcs8.pem").public_jwk().clone());
    ExpectedAssertion::new(profile).server(server).client_id("client").keys(keys)
}

fn judged(assertion: &str) -> Report {
    expected(Profile::default()).examine(assertion, now())
}

#[test]
fn nothing_wrong_is_said_about_a_good_assertion() {
    let report = judged(&jwt(|_, _| {}));
    assert_eq!(checks(&report, Verdict::Wrong), [""; 0], "{}", all_texts(&report));
    assert_eq!(checks(&report, Verdict::Warning), [""; 0], "{}", all_texts(&report));
    assert_eq!(finding(&report, "assertion/signature").unwrap().verdict, Verdict::Good);
    let own = key("p256.pkcs8.pem");
    let server = AuthorizationServer::new(ISSUER, format!("{ISSUER}/token")).unwrap();
    let assertion = ClientAssertion::builder("client", &server).sign(&own, now(), "j1").unwrap();
    assert!(judged(assertion.secret()).is_healthy());
    // Without a server and keys, it says what was not checked.
    let bare = ExpectedAssertion::new(Profile::default()).examine(assertion.secret(), now());
    assert_eq!(checks(&bare, Verdict::NotChecked), ["assertion/audience", "assertion/signature"]);
}

#[test]
fn an_rsa_signature_under_es256_is_told_from_der() {
    let good = jwt(|_, _| {});
    let (signing_input, _) = good.rsplit_once('.').unwrap();
    for (length, advice) in [
        (256, "set `alg` to the algorithm of the key that signs"),
        (70, "ECDSA signatures are R and S side by side (RFC 7518 §3.4), not DER"),
    ] {
        let report = judged(&format!("{signing_input}.{}", base64url(vec![0x30; length])));
        let found = finding(&report, "assertion/signature").unwrap();
        assert_eq!(found.advice.as_deref(), Some(advice), "{length}");
    }
}

#[test]
fn each_mistake_of_another_library_is_named() {
    let seconds = now().unix_timestamp();
    let set =
        |name: &'static str, value: Value| jwt(move |_, claims| drop(claims.insert(name.to_owned(), value)));
    let header =
        |name: &'static str, value: Value| jwt(move |header, _| drop(header.insert(name.to_owned(), value)));
    let without = |name: &'static str| jwt(move |_, claims| drop(claims.remove(name)));
    let case = |name, assertion: String, wrong: &'static [&'static str], cause, text| Mistake {
        name,
        report: judged(&assertion),
        wrong,
        cause,
        text,
    };
    let expired = jwt(|_, claims| {
        claims.insert("iat".to_owned(), (seconds - 700).into());
        claims.insert("exp".to_owned(), (seconds - 600).into());
    });
    let der = {
        let good = jwt(|_, _| {});
        let (signing_input, _) = good.rsplit_once('.').unwrap();
        format!("{signing_input}.{}", base64url([0x30; 70]))
    };
    let other = {
        let good = jwt(|_, _| {});
        let (signing_input, _) = good.rsplit_once('.').unwrap();
        let other = PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap();
        format!("{signing_input}.{}", base64url(other.sign(signing_input.as_bytes()).unwrap().as_bytes()))
    };
    let unsigned = {
        let none = header("alg", "none".into());
        format!("{}.", none.rsplit_once('.').unwrap().0)
    };
    assert_found(vec![
        case("expired", expired, &["assertion/expiry"], "assertion/expiry", "expired 10 minutes ago"),
        case("no exp", without("exp"), &["assertion/expiry"], "assertion/expiry", "exp is missing"),
        case(
            "milliseconds",
            set("exp", (seconds * 1000).into()),
            &["assertion/lifetime", "assertion/times"],
            "assertion/times",
            "exp is past the year 9999",
        ),
        case(
            "a text",
            set("iat", "now".into()),
            &["assertion/times"],
            "assertion/times",
            "iat is not a number",
        ),
        case(
            "iat",
            set("iat", (seconds + 60).into()),
            &["assertion/lifetime", "assertion/issued-at"],
            "assertion/issued-at",
            "iat is 60 seconds in the future",
        ),
        case("nbf", set("nbf", (seconds + 600).into()), &["assertion/not-before"], "assertion/not-before", {
            "nbf is 10 minutes in the future"
        }),
        case("iss and sub", set("iss", "other".into()), &["assertion/subject"], "assertion/subject", {
            "iss is `other`, but sub is `client`"
        }),
        case("no sub", without("sub"), &["assertion/subject"], "assertion/subject", "sub is missing"),
        case("no aud", without("aud"), &["assertion/audience"], "assertion/audience", "aud is missing"),
        case(
            "slash",
            set("aud", format!("{ISSUER}/").into()),
            &["assertion/audience"],
            "assertion/audience",
            "they differ only by a slash at the end",
        ),
        case(
            "two audiences",
            set("aud", json!([ISSUER, "b"])),
            &["assertion/audience"],
            "assertion/audience",
            "an array of 2 values",
        ),
        case("an array", set("aud", json!([ISSUER])), &[], "assertion/audience", "an array with one value"),
        case(
            "an array with a foreign audience",
            set("aud", json!(["https://other.example"])),
            &["assertion/audience"],
            "assertion/audience",
            "an array with one value, https://other.example",
        ),
        case("no jti", without("jti"), &[], "assertion/jti", "jti is missing"),
        case("a number", set("jti", 7.into()), &["assertion/jti"], "assertion/jti", "jti is not a string"),
        case(
            "typ",
            header("typ", "at+jwt".into()),
            &["assertion/typ"],
            "assertion/typ",
            "the typ is `at+jwt`",
        ),
        case("no kid", jwt(|header, _| drop(header.remove("kid"))), &[], "assertion/kid", "has no kid"),
        case(
            "another kid",
            header("kid", "other".into()),
            &["assertion/signature"],
            "assertion/signature",
            "no key has that `kid`",
        ),
        case("jku", header("jku", "https://app.example".into()), &[], "assertion/header", "has `jku`"),
        case("crit", header("crit", json!(["b64"])), &["assertion/header"], "assertion/header", "has `crit`"),
        case("DER", der, &["assertion/signature"], "assertion/signature", "70"),
        case("another key", other, &["assertion/signature"], "assertion/signature", "does not verify"),
        case("unsigned", unsigned, &["assertion/algorithm"], "assertion/algorithm", "does not accept none"),
        case(
            "a shared secret",
            header("alg", "HS256".into()),
            &["assertion/algorithm"],
            "assertion/algorithm",
            "does not accept HS256",
        ),
        case("no JWT", "abc".to_owned(), &["assertion/form"], "assertion/form", "not a JWT"),
        case(
            "encrypted",
            "e30.e30.e30.e30.e30".to_owned(),
            &["assertion/form"],
            "assertion/form",
            "not a JWT",
        ),
        case("too long", "a".repeat(20_000), &["assertion/form"], "assertion/form", "at most 16384 are read"),
    ]);
    let wrong_id = expected(Profile::default()).client_id("registered").examine(&jwt(|_, _| {}), now());
    assert_eq!(
        finding(&wrong_id, "assertion/subject").unwrap().text,
        "iss and sub are `client`, not the client id `registered`"
    );
}

#[test]
fn an_assertion_is_judged_under_each_profile() {
    let assertion = jwt(|_, _| {});
    for (name, profile) in Profile::known() {
        let report = expected(profile.clone()).examine(&assertion, now());
        let accepts = profile.rules().algorithms().contains(&Algorithm::ES256);
        let has_fault = checks(&report, Verdict::Wrong).contains(&"assertion/algorithm".to_owned());
        assert_ne!(accepts, has_fault, "{name}");
        all_texts(&report);
    }
    let long = jwt(|_, claims| drop(claims.insert("exp".to_owned(), (now().unix_timestamp() + 600).into())));
    let report = expected(Profile::smart_backend_services()).examine(&long, now());
    assert!(
        checks(&report, Verdict::Wrong).contains(&"assertion/lifetime".to_owned()),
        "{}",
        all_texts(&report)
    );
}

#[test]
fn hostile_claims_are_shown_harmless_and_the_assertion_is_never_repeated() {
    let hostile = jwt(|header, claims| {
        header.insert("typ".to_owned(), "<script>\u{1b}[2J\u{202e}".into());
        claims.insert("iss".to_owned(), "a\nb\u{9b}".into());
        claims.insert("aud".to_owned(), "https://x.example/\r\n\u{7}".into());
    });
    let report = judged(&hostile);
    assert!(!report.is_healthy());
    let shown = all_texts(&report);
    let signature = hostile.rsplit('.').next().unwrap();
    assert!(!shown.contains(signature) && shown.is_ascii() | !shown.contains('\u{202e}'), "{shown}");
    for damaged in ["", ".", "..", "a.b.c", "\u{0}", "e30.e30."] {
        assert!(
            !ExpectedAssertion::new(Profile::default())
                .examine(damaged, OffsetDateTime::UNIX_EPOCH)
                .is_healthy()
        );
    }
}

#[test]
fn a_message_is_looked_up_and_an_unknown_one_gets_no_guess() {
    let known =
        explain("AADSTS700027: Client assertion contains an invalid signature. The key was not found.");
    assert!(known.findings()[0].text.contains("certificate"), "{known:?}");
    let unknown = explain("the printer is on fire");
    assert_eq!(checks(&unknown, Verdict::NotChecked), ["request/message"]);
    assert_eq!(unknown.findings()[0].text, "this message is not known, so there is no guess");
}

/// The endpoints of the server are not known, as without its metadata.
#[test]
fn an_audience_is_compared_with_an_issuer_alone() {
    let key = key("p256.pkcs8.pem");
    let judged = |profile: Profile, aud: &str| {
        let assertion =
            ClientAssertion::builder_for_audience("client", aud).sign(&key, now(), "jti").unwrap();
        let expected = ExpectedAssertion::new(profile).issuer(ISSUER);
        let report = expected.examine(assertion.secret(), now());
        let found = finding(&report, "assertion/audience").unwrap();
        (found.verdict, found.text.clone())
    };
    let at_issuer = format!("aud is the issuer {ISSUER}, which Okta does not accept");
    assert_eq!(judged(Profile::okta(), ISSUER), (Verdict::Wrong, at_issuer));
    let endpoint = format!("{ISSUER}/v1/token");
    let unknown = format!("aud is {endpoint}, not the issuer; the server's endpoints are not known");
    for profile in [Profile::okta(), Profile::keycloak()] {
        assert_eq!(judged(profile, &endpoint), (Verdict::NotChecked, unknown.clone()));
    }
    assert_eq!(judged(Profile::keycloak(), ISSUER), (Verdict::Good, format!("aud is {ISSUER}")));
    let (verdict, text) = judged(Profile::keycloak(), &format!("{ISSUER}/"));
    assert_eq!(verdict, Verdict::Wrong);
    assert!(text.ends_with("they differ only by a slash at the end"), "{text}");
}

#[test]
fn a_slash_that_the_server_ignores_is_no_mistake() {
    let verdict = |profile: Profile, aud: String| {
        let assertion = jwt(|_, claims| drop(claims.insert("aud".to_owned(), aud.into())));
        finding(&expected(profile).examine(&assertion, now()), "assertion/audience").unwrap().verdict
    };
    let slash = || format!("{ISSUER}/token/");
    assert_eq!(verdict(Profile::login_gov(), slash()), Verdict::Good);
    assert_eq!(verdict(Profile::hydra(), slash()), Verdict::Wrong);
}
