//! The inspector alone says why an assertion was refused, and what to change: under
//! `Profile::keycloak`, whose answers say little.

use private_key_jwt::{JwkSet, Profile};
use serde_json::json;

use super::*;
use crate::support::key;

const NOW: i64 = 1_700_000_000;

/// A server that stands in for Keycloak.
struct Terse {
    dev: DevServer,
    key: PrivateKey,
}

impl Terse {
    fn new() -> Self {
        let dev = DevServer::builder().profile(Profile::keycloak()).build(ORIGIN).unwrap();
        let key = es256().with_key_id("k1");
        dev.register("billing", jwks(&key)).unwrap();
        Self { dev, key }
    }

    /// Sends an assertion with these members changed (`null` removes one), and returns its row.
    fn send(&self, key: &PrivateKey, header: &Value, claims: &Value) -> Value {
        self.post(&self.signed(key, header, claims))
    }

    fn signed(&self, key: &PrivateKey, header: &Value, claims: &Value) -> String {
        let input = self.signing_input(key, header, claims);
        format!("{input}.{}", base64url(key.sign(input.as_bytes()).unwrap().as_bytes()))
    }

    fn signing_input(&self, key: &PrivateKey, header: &Value, claims: &Value) -> String {
        let mut head = json!({"alg": key.algorithm().as_str(), "kid": "k1", "typ": "JWT"});
        let mut all = json!({"iss": "billing", "sub": "billing", "aud": self.dev.issuer(), "jti": fresh(),
            "iat": NOW, "exp": NOW + 60});
        for (target, changes) in [(&mut head, header), (&mut all, claims)] {
            let target = target.as_object_mut().unwrap();
            target.extend(changes.as_object().unwrap().clone());
            target.retain(|_, value| !value.is_null());
        }
        format!("{}.{}", base64url(head.to_string().as_bytes()), base64url(all.to_string().as_bytes()))
    }

    fn post(&self, token: &str) -> Value {
        let pairs = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", token),
        ];
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let request = http::Request::post(self.dev.token_endpoint())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.into_bytes())
            .unwrap();
        let _ = self.dev.respond(&request, now());
        let all =
            http::Request::get(format!("{ORIGIN}/inspector/requests?after=0")).body(Vec::new()).unwrap();
        let all = self.dev.respond(&all, now());
        let signature = token.rsplit('.').next().unwrap();
        assert!(signature.len() < 9 || !String::from_utf8_lossy(all.body()).contains(signature));
        good(&all)["requests"].as_array().unwrap().last().unwrap().clone()
    }
}

/// The result and the text of a check.
fn check<'v>(row: &'v Value, name: &str) -> (&'v str, &'v str) {
    let checks = row["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check[0] == name).unwrap();
    (check[1].as_str().unwrap(), check[2].as_str().unwrap())
}

const SIGN: &str = "sign with the private key of the registered public key, or register the public key of this \
                    private key; if they are partners, something changes the JWT after it is signed";

#[test]
fn an_unknown_kid_is_told_from_an_unknown_key() {
    let terse = Terse::new();
    let unknown = "no key in the set fits ES256 and `kid` \"old\": no key has that `kid`; the set has \"k1\"";
    // The right key under a wrong name.
    let row = terse.send(&terse.key, &json!({"kid": "old"}), &json!({}));
    assert_eq!(
        row["reasons"],
        json!([format!("{unknown}; the signature verifies with the registered key `k1`")])
    );
    assert_eq!(row["advice"], json!(["send the `kid` of that key: `k1`"]));
    assert_eq!(row["said"], "invalid_client: Unable to load public key");
    assert_eq!(
        check(&row, "Signature"),
        ("passed", "it verifies with the registered key `k1`: send that kid")
    );
    // Another key.
    let row = terse.send(&es256(), &json!({"kid": "old"}), &json!({}));
    let other = "the signature does not verify with the registered key: another private key signed it";
    assert_eq!(row["reasons"], json!([unknown, other]));
    assert_eq!(row["advice"], json!([SIGN]));
    assert_eq!(check(&row, "Signature"), ("failed", other));
    // One of several keys, without a name.
    let second = es256().with_key_id("k2");
    let both: JwkSet = [&terse.key, &second].map(|key| key.public_jwk().clone()).into_iter().collect();
    terse.dev.register("billing", both).unwrap();
    let row = terse.send(&second, &json!({"kid": null}), &json!({}));
    let reason = "2 keys in the set fit ES256 (the header has no `kid`); the signature verifies with the registered key `k2`";
    assert_eq!(
        (&row["reasons"], &row["advice"]),
        (&json!([reason]), &json!(["send the `kid` of that key: `k2`"]))
    );
    let row = terse.send(&es256(), &json!({"kid": "old"}), &json!({}));
    assert_eq!(
        row["reasons"][1],
        "the signature verifies with none of the 2 registered keys of its algorithm: another private key signed it"
    );
}

#[test]
fn a_key_that_is_registered_without_a_kid_is_named_by_its_thumbprint() {
    let terse = Terse::new();
    let mut nameless = json!(terse.key.public_jwk());
    nameless.as_object_mut().unwrap().remove("kid");
    let keys = JwkSet::from_json(json!({"keys": [nameless]}).to_string().as_bytes()).unwrap();
    terse.dev.register("billing", keys).unwrap();
    let row = terse.send(&terse.key, &json!({}), &json!({}));
    let thumbprint = terse.key.public_jwk().thumbprint();
    let key = format!("the registered key without `kid` (thumbprint `{thumbprint}`)");
    let unknown = "no key in the set fits ES256 and `kid` \"k1\": the only key of the set has no `kid`";
    assert_eq!(row["reasons"], json!([format!("{unknown}; the signature verifies with {key}")]));
    assert_eq!(
        row["advice"],
        json!(["register that key under the `kid` that the assertion has, or send no `kid`"])
    );
    assert_eq!(check(&row, "Signature"), ("passed", format!("it verifies with {key}").as_str()));
}

#[test]
fn a_wrong_signature_is_tried_with_the_other_registered_keys() {
    let terse = Terse::new();
    let row = terse.send(&es256(), &json!({}), &json!({}));
    assert_eq!(row["reasons"], json!(["the signature does not verify with the registered key `k1`"]));
    assert_eq!(row["advice"], json!([SIGN]));

    let second = es256().with_key_id("k2");
    let both: JwkSet = [&terse.key, &second].map(|key| key.public_jwk().clone()).into_iter().collect();
    terse.dev.register("billing", both).unwrap();
    let row = terse.send(&second, &json!({}), &json!({}));
    assert_eq!(
        row["reasons"],
        json!([
            "the signature does not verify with the registered key `k1`; it verifies with the registered key `k2`"
        ])
    );
    assert_eq!(
        row["advice"],
        json!(["send the `kid` of the key that signs: `k2`; or sign with the key that the `kid` names"])
    );
    let row = terse.send(&es256(), &json!({}), &json!({}));
    assert_eq!(
        row["reasons"],
        json!([
            "the signature does not verify with the registered key `k1`, nor with any of the 2 registered keys of its \
                algorithm"
        ])
    );

    // The key of another client, and a client id that is misspelled.
    let shop = es256().with_key_id("s1");
    terse.dev.register("shop", jwks(&shop)).unwrap();
    let row = terse.send(&shop, &json!({}), &json!({}));
    assert_eq!(
        row["reasons"],
        json!([
            "the signature does not verify with the registered key `k1`; it verifies with the key `s1` of client `shop`"
        ])
    );
    assert_eq!(
        row["advice"],
        json!(["sign with this client's private key, or set `iss` and `sub` to `shop`"])
    );
    let row = terse.send(&shop, &json!({}), &json!({"iss": "shopp", "sub": "shopp"}));
    assert_eq!(row["reasons"], json!(["client `shopp` is not registered, registered: `billing`, `shop`"]));
    assert_eq!(
        row["advice"],
        json!(["set `iss` and `sub` to `shop`, whose registered key verifies the signature"])
    );
}

/// However many keys are registered, at most eight of the client and eight of others are tried.
#[test]
fn few_keys_are_tried() {
    let terse = Terse::new();
    let keys: Vec<PrivateKey> = (0..10).map(|n| es256().with_key_id(format!("many-{n}"))).collect();
    terse
        .dev
        .register("billing", keys.iter().map(|key| key.public_jwk().clone()).collect::<JwkSet>())
        .unwrap();
    let row = terse.send(&keys[9], &json!({"kid": "old"}), &json!({}));
    assert_eq!(
        row["reasons"][1],
        "the signature verifies with none of the first 8 registered keys of its algorithm: another private key signed it"
    );
    let row = terse.send(&keys[7], &json!({"kid": "old"}), &json!({}));
    assert_eq!(row["advice"], json!(["send the `kid` of that key: `many-7`"]));
    for n in 0..8 {
        terse.dev.register(&format!("a{n}"), jwks(&es256())).unwrap();
    }
    terse.dev.register("z", jwks(&terse.key)).unwrap();
    let row = terse.send(&terse.key, &json!({}), &json!({"iss": "none", "sub": "none"}));
    assert_eq!(row["advice"], json!(["check the client id, the tenant, and that the client is enabled"]));
}

#[test]
fn a_signature_in_der_is_recognized() {
    let terse = Terse::new();
    let der = [&[0x30, 0x45, 0x02, 0x20][..], &[1; 32], &[0x02, 0x21, 0x00], &[0x81; 32]].concat();
    let row = terse.post(&format!(
        "{}.{}",
        terse.signing_input(&terse.key, &json!({}), &json!({})),
        base64url(&der)
    ));
    assert_eq!(
        row["reasons"],
        json!([
            "a signature of 71 bytes cannot be ES256: it begins as DER does, expected R and S side by side (RFC 7518 §3.4)"
        ])
    );
    assert_eq!(
        row["advice"],
        json!(["send the signature as R and S side by side, 32 bytes each (RFC 7518 §3.4), not as DER"])
    );
    let row = terse.post(&format!(
        "{}.{}",
        terse.signing_input(&terse.key, &json!({}), &json!({})),
        base64url(&[7; 60])
    ));
    assert_eq!(row["reasons"], json!(["a signature of 60 bytes cannot be ES256"]));
    assert_eq!(row["advice"], json!(["check that the signature is not truncated"]));
}

#[test]
fn each_cause_comes_with_one_change() {
    let terse = Terse::new();
    let issuer = terse.dev.issuer();
    let cases = [
        (json!({"aud": "https://x"}), format!("set `aud` to the issuer, `{issuer}`")),
        (json!({"aud": [issuer, "https://x"]}), format!("send `aud` as one string: the issuer, `{issuer}`")),
        (json!({"aud": null}), format!("send `aud` as one string: the issuer, `{issuer}`")),
        (
            json!({"iat": NOW + 600, "exp": NOW + 660}),
            "the clock of the client is 10 min ahead, or the client adds time to `iat`: set `iat` to the current time".to_owned(),
        ),
        (json!({"iss": "biling"}), "set both to the client id `billing`".to_owned()),
        (json!({"sub": "user-1"}), "set both to the client id `billing`".to_owned()),
        (json!({"iss": "x", "sub": "y"}), "set both to the client id as registered".to_owned()),
        (json!({"exp": 60}), "set `exp` to a time in seconds since 1970: `iat` plus a lifetime of 60 s".to_owned()),
        (json!({"exp": null}), "add `exp` to the assertion".to_owned()),
        (json!({"exp": "soon"}), "send `exp` as a number of seconds since 1970".to_owned()),
        (json!({"jti": null}), "add a jti to the assertion".to_owned()),
    ];
    for (claims, advice) in cases {
        let row = terse.send(&terse.key, &json!({}), &claims);
        assert_eq!(row["advice"], json!([advice]), "{row}");
    }
    let headers = [
        (json!({"alg": "HS256"}), "sign with the private key and ES256, for which a key is registered"),
        (json!({"alg": "none"}), "sign with the private key and ES256, for which a key is registered"),
        (json!({"alg": "es256"}), "set `alg` to `ES256`: upper and lower case differ"),
        (json!({"alg": null}), "add `alg` to the JWS header"),
        (json!({"kid": 7}), "send `kid` as a string"),
    ];
    for (header, advice) in headers {
        let row = terse.send(&terse.key, &header, &json!({}));
        assert_eq!(row["advice"], json!([advice]), "{row}");
    }
    let padded = format!("{}==", terse.signed(&terse.key, &json!({}), &json!({})));
    assert_eq!(
        terse.post(&padded)["advice"],
        json!([
            "encode each part as base64url: `-` and `_` in place of `+` and `/`, and no `=`; if a library did, check that \
                the JWT is not truncated"
        ])
    );
    let row = terse.send(&terse.key, &json!({"typ": "at+jwt"}), &json!({}));
    assert_eq!(row["advice"], json!(["set `typ` to `client-authentication+jwt`"]));
    // The settings of the server come after it.
    let row = terse.send(&terse.key, &json!({}), &json!({"jti": null}));
    assert_eq!(
        row["options"],
        json!([
            "the builder's `accept_missing_jti` and `pkjwt serve --accept-missing-jti` turn this check off"
        ])
    );
    let row = terse.send(&terse.key, &json!({}), &json!({"exp": NOW + 90_000}));
    assert_eq!(row["reasons"], json!(["the assertion lives 90000 s, at most 86400 s are accepted"]));
    assert_eq!(row["advice"], json!(["set `exp` to at most 86400 s after `iat`: 60 s are enough"]));
    assert_eq!(
        row["options"],
        json!(["the builder's `longest_lifetime` and `pkjwt serve --longest-lifetime` allow more"])
    );
    let old = terse.send(&terse.key, &json!({}), &json!({"iat": NOW - 1_000, "exp": NOW - 940}));
    assert_eq!(
        old["advice"][0],
        "sign a new assertion for each request; if this one was new, the clock of the client is 16 min 40 s behind"
    );
}

#[test]
fn a_used_jti_names_the_request_that_used_it() {
    let terse = Terse::new();
    terse.send(&terse.key, &json!({}), &json!({"aud": "https://x", "jti": "j"}));
    let token = terse.signed(&terse.key, &json!({}), &json!({"jti": "j"}));
    assert_eq!(terse.post(&token)["status"], 200);
    // A refused assertion, such as the first, is not used up.
    let row = terse.post(&token);
    let used = "the `jti` was used before: request #2 at 2023-11-14T22:13:20Z";
    assert_eq!(row["number"], 3);
    assert_eq!(row["reasons"], json!([format!("{used} sent the same JWT")]));
    assert_eq!(
        row["advice"],
        json!([
            "sign a new assertion for each request, also for a repeated one; check whether the client or a proxy repeats \
                requests"
        ])
    );
    assert_eq!(
        row["options"],
        json!([
            "the builder's `reusable_assertions` and `pkjwt serve --reuse-assertions` accept it repeatedly, for clients \
                such as MSAL"
        ])
    );
    assert_eq!(row["said"], "invalid_client: Token reuse detected");
    let row = terse.send(&terse.key, &json!({}), &json!({"jti": "j", "exp": NOW + 30}));
    assert_eq!(row["reasons"], json!([format!("{used} sent another JWT with it")]));
    assert_eq!(
        row["advice"],
        json!(["make a new random `jti` for each assertion: this JWT is new, but its `jti` is not"])
    );
    for _ in 0..100 {
        terse.post("a.b.c");
    }
    let row = terse.post(&token);
    assert_eq!(row["reasons"], json!(["the `jti` was used before, by a request that is no longer listed"]));
}

#[test]
fn all_wrong_times_are_told_and_milliseconds_are_read() {
    let terse = Terse::new();
    let row = terse.send(&terse.key, &json!({}), &json!({"iat": NOW * 1000, "exp": (NOW + 60) * 1000}));
    let wrong = |claim: &str, found: i64| {
        format!(
            "the claim `{claim}` is {found}, which is past the year 9999: it must be in seconds, not milliseconds"
        )
    };
    assert_eq!(row["reasons"], json!([wrong("exp", (NOW + 60) * 1000), wrong("iat", NOW * 1000)]));
    assert_eq!(
        row["advice"],
        json!([
            "send `exp` in seconds since 1970, not in milliseconds: 1700000060",
            "send `iat` in seconds since 1970, not in milliseconds: 1700000000"
        ])
    );
    let claims = row["decoded"]["claims"].as_array().unwrap();
    let told = "not in seconds; in milliseconds: 2023-11-14T22:14:20Z, 1 min in the future";
    assert!(claims.contains(&json!(["exp", "1700000060000", told])), "{claims:?}");
    assert_eq!(
        check(&row, "Lifetime"),
        ("not checked", "in milliseconds, `exp` is 60 s after `iat`; at most 86400 s are accepted")
    );
    let row = terse.send(&terse.key, &json!({}), &json!({"iat": NOW + 600, "exp": NOW + 660}));
    assert_eq!(
        check(&row, "Lifetime"),
        ("not checked", "`exp` is 60 s after `iat`; at most 86400 s are accepted")
    );
    let row = terse.send(&terse.key, &json!({}), &json!({"iat": NOW + 600, "exp": null}));
    assert_eq!(check(&row, "Lifetime"), ("not checked", "there is no `exp`"));
    // The one that decided comes first.
    let row = terse.send(&es256(), &json!({}), &json!({"aud": "https://x", "jti": null}));
    let reasons: Vec<&str> =
        row["reasons"].as_array().unwrap().iter().map(|reason| reason.as_str().unwrap()).collect();
    assert!(reasons[0].starts_with("the signature does not verify"), "{reasons:?}");
    assert!(reasons[1].starts_with("the audience is `https://x`"), "{reasons:?}");
    assert_eq!(reasons[2..], ["the claim `jti` is missing"]);
}

#[test]
fn an_audience_is_compared_with_the_accepted_ones() {
    let terse = Terse::new();
    let row = terse.send(&terse.key, &json!({}), &json!({"aud": "https://x"}));
    let checks = row["checks"].as_array().unwrap();
    let audience = checks.iter().find(|check| check[0] == "Audience (aud)").unwrap();
    assert_eq!(audience[3][0], "https://x");
    assert_eq!(audience[3][1][0], terse.dev.issuer());
    let row = terse.send(&terse.key, &json!({}), &json!({"aud": null}));
    let checks = row["checks"].as_array().unwrap();
    let audience = checks.iter().find(|check| check[0] == "Audience (aud)").unwrap();
    assert_eq!(audience[3][0], "none");
    let passed = checks.iter().filter(|check| check[1] == "passed");
    assert_eq!(passed.filter(|check| !check[3].is_null()).count(), 0);
}

/// What a test ordered is the reason, whatever else is wrong.
#[test]
fn an_ordered_failure_comes_first() {
    let terse = Terse::new();
    terse.dev.fail_next(1, http::StatusCode::SERVICE_UNAVAILABLE);
    let row = terse.send(&es256(), &json!({"kid": "old"}), &json!({}));
    assert_eq!(row["reasons"][0], "this failure was ordered with `fail_next`, 0 more to come");
    assert_eq!(row["said"], "temporarily_unavailable");
}

/// A `kid` that names a key of another type, while the key that signed is registered.
#[test]
fn a_kid_of_another_type_of_key_is_told_from_a_wrong_algorithm() {
    let terse = Terse::new();
    let rsa = key("rsa2048.pkcs8.pem").with_key_id("r1");
    let both: JwkSet = [&terse.key, &rsa].map(|key| key.public_jwk().clone()).into_iter().collect();
    terse.dev.register("billing", both.clone()).unwrap();
    let row = terse.send(&terse.key, &json!({"kid": "r1"}), &json!({}));
    assert_eq!(row["advice"], json!(["send the `kid` of that key: `k1`"]));
    // Another key signed, of another type than the one that this `kid` names.
    let row = terse.send(&es256(), &json!({"kid": "r1"}), &json!({}));
    assert_eq!(row["advice"][0], "sign with RS256, for which a key is registered");

    // Auth0 does not take ES256, so its `kid` does not help.
    let dev = DevServer::builder().profile(Profile::auth0()).build(ORIGIN).unwrap();
    dev.register("billing", both).unwrap();
    let auth0 = Terse { dev, key: es256() };
    for header in [json!({"kid": "r1"}), json!({"kid": "r1", "alg": "HS256"})] {
        let row = auth0.send(&terse.key, &header, &json!({}));
        let text = row["advice"].to_string();
        assert!(text.contains("RS256, for which a key is registered") && !text.contains("ES256"), "{row}");
        assert_eq!(row["advice"].as_array().unwrap().len(), 1, "{row}");
    }
}

#[test]
fn an_rsa_signature_under_es256_is_told_from_der() {
    let terse = Terse::new();
    let row = terse.send(&key("rsa2048.pkcs8.pem"), &json!({"alg": "ES256"}), &json!({}));
    assert_eq!(row["advice"], json!(["set `alg` to the algorithm of the key that signs"]));
}

#[test]
fn a_truncated_rsa_signature_is_told_by_its_length() {
    let terse = Terse::new();
    let rsa = key("rsa3072.pkcs8.pem").with_key_id("r1");
    terse.dev.register("billing", jwks(&rsa)).unwrap();
    for header in [json!({"kid": "r1"}), json!({"kid": null})] {
        let token = terse.signed(&rsa, &header, &json!({}));
        let row = terse.post(&token[..token.len() - 16]);
        let reason = row["reasons"][0].as_str().unwrap();
        let length = ": it has 372 bytes, one of that key 384, so it is truncated, or of another key";
        assert!(reason.ends_with(length), "{reason}");
    }
}

/// What is wrong with the form, not with the assertion.
#[test]
fn a_wrong_form_comes_with_a_change() {
    let terse = Terse::new();
    let token = terse.signed(&terse.key, &json!({}), &json!({}));
    let form = format!(
        "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&\
         client_assertion={token}"
    );
    let send = |method: &str, fields: &[(&str, &str)], body: &str| {
        let mut request = http::Request::builder().method(method).uri(terse.dev.token_endpoint());
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let _ = terse.dev.respond(&request.body(body.as_bytes().to_vec()).unwrap(), now());
        let all =
            http::Request::get(format!("{ORIGIN}/inspector/requests?after=0")).body(Vec::new()).unwrap();
        good(&terse.dev.respond(&all, now()))["requests"].as_array().unwrap().last().unwrap().clone()
    };
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);
    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
    const AS_FORM: &str = "send the form as application/x-www-form-urlencoded";
    const IN_FORM: &str =
        "send the JWT as `client_assertion` in the form, with no `client_secret` and no Authorization header";
    let twice = format!("{form}&client_assertion={token}");
    let bearer = format!("Bearer {token}");
    let header = ("authorization", bearer.as_str());
    let cases: [Case<'_>; 9] = [
        ("GET", &[FORM], &form, "send what the text names"),
        ("POST", &[], &form, AS_FORM),
        ("POST", &[FORM, FORM], &form, AS_FORM),
        ("POST", &[("content-type", "application/json")], &form, AS_FORM),
        ("POST", &[FORM], "{\"grant_type\": \"client_credentials\"}", AS_FORM),
        ("POST", &[FORM], &form[29..], "send what the text names"),
        ("POST", &[FORM], &twice, "send each parameter once"),
        ("POST", &[FORM, header], "grant_type=client_credentials", IN_FORM),
        ("POST", &[FORM, header], &form, IN_FORM),
    ];
    for (method, fields, body, advice) in cases {
        let row = send(method, fields, body);
        assert_eq!(row["advice"], json!([advice]), "{row}");
    }
}
