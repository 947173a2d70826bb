//! `pkjwt verify`.

use std::fs;

use private_key_jwt::dev_server::DevServer;
use private_key_jwt::{Algorithm, ClientAssertion, Jwk, PrivateKey};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::run::{
    AUDIENCE, KEYS, Place, Run, assertion, decode, pkjwt, pkjwt_stdin, private_key, testdata, to_base64url,
};
use crate::server::{Server, token_command};

pub(crate) fn verify(jwt: &str, jwks: &str) -> Run {
    pkjwt(["verify", jwt, "--jwks", jwks, "--issuer", "client", "--audience", AUDIENCE])
}

#[test]
fn verify_takes_what_assert_makes_with_every_algorithm() {
    let place = Place::new();
    for algorithm in Algorithm::ALL {
        let stem = KEYS
            .iter()
            .map(|(stem, _)| *stem)
            .find(|stem| private_key(stem).key_type() == algorithm.key_type());
        let key = testdata(&format!("{}.pkcs8.pem", stem.unwrap()));
        let jwks = place.put("jwks.json", pkjwt(["jwks", &key, "--alg", algorithm.as_str()]).done());
        let jwt = assertion(&key, &["--alg", algorithm.as_str(), "--claim", "note=\"\u{9b}2Jé\""]);
        let printed = verify(&jwt, &jwks).done();
        assert!(printed.is_ascii() && printed.lines().count() > 1, "{printed}");
        assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), decode(&jwt).1);
    }
}

#[test]
fn a_wrapped_set_is_read_wherever_a_wrapped_key_is() {
    use base64ct::Encoding;
    let place = Place::new();
    let key = testdata("p256.pkcs8.pem");
    let jwt = assertion(&key, &[]);
    let string = pkjwt(["jwks", "--json-string", &key]).done();
    let base64 = base64ct::Base64::encode_string(pkjwt(["jwks", &key]).done().as_bytes());
    for (name, text) in [("string.json", string), ("base64.txt", base64)] {
        let set = place.put(name, text);
        verify(&jwt, &set).done();
        let shown = pkjwt(["inspect", &set]).done();
        assert!(shown.contains("kind: public keys") && shown.contains("JWK Set, JSON, in "), "{shown}");
    }
}

#[test]
fn verify_uses_a_set_in_which_several_keys_cannot_be_used() {
    let place = Place::new();
    let jwt = assertion(&testdata("p256.pkcs8.pem"), &[]);
    let good = pkjwt(["jwks", &testdata("p256.pkcs8.pem")]).done();
    let good = serde_json::from_str::<Value>(&good).unwrap()["keys"][0].to_string();
    let odd = r#"null,{},"x",{"kty":"RSA","n":"AQAB","e":"AQAB="},{"kid":"a","kid":"b"}"#;
    let set = place.put("odd.json", format!(r#"{{"keys":[{odd},{good}]}}"#));
    verify(&jwt, &set).done();
    // A private key in the set is still refused.
    let private = fs::read_to_string(testdata("ed25519.jwk.json")).unwrap();
    let set = place.put("private.json", format!(r#"{{"keys":[{odd},{good},{private}]}}"#));
    verify(&jwt, &set).refused(&["private key", "pkjwt jwks"]);
}

#[test]
fn verify_reads_the_assertion_from_standard_input_and_the_keys_from_any_file() {
    let place = Place::new();
    let jwt = assertion(&testdata("rsa2048.pkcs8.pem"), &[]);
    let named = assertion(&testdata("rsa2048.pkcs8.pem"), &["--kid", "another name"]);
    let nameless = assertion(&testdata("rsa2048.pkcs8.pem"), &["--no-kid"]);
    let jwks = place.jwks("rsa2048");
    let run = |jwt: &str| {
        let arguments = ["verify", "-", "--jwks", &jwks, "--issuer", "client", "--audience", AUDIENCE];
        pkjwt_stdin(arguments, jwt.as_bytes())
    };
    run(&format!("\n {jwt}\r\n")).done();
    run("").refused(&["expected a JWT", "empty"]);
    for (text, words) in [
        (format!("Bearer {jwt}"), &["`Bearer`", "only the JWT"][..]),
        (format!("{{\"access_token\": \"{jwt}\"}}"), &["JSON", "access_token"]),
        (format!("\"{jwt}\""), &["quotes"]),
        (format!("{jwt}.a.b"), &["five parts", "encrypted"]),
        (fs::read_to_string(testdata("rsa2048.pub.pem")).unwrap(), &["PEM"]),
        (jwks.clone(), &["name of a file", "standard input"]),
    ] {
        let line = run(&text).refused(words);
        assert!(!line.contains("eyJ"), "{line}");
    }
    access_token("opaque", &jwks, "https://as.example", AUDIENCE, &[]).refused(&[
        "not a JWT",
        "no dots",
        "pkjwt introspect",
    ]);
    run(&"x".repeat(20_000)).refused(&["at most 16384"]);
    // A certificate or a public key has no kid, and is always the key to use.
    let jwk: Jwk = private_key("rsa2048").public_jwk().clone();
    let one_jwk = place.put("jwk.json", serde_json::to_string(&jwk).unwrap());
    for jwt in [&jwt, &named, &nameless] {
        for file in ["rsa2048.cert.pem", "rsa2048.cert.der", "rsa2048.pub.pem"] {
            verify(jwt, &testdata(file)).done();
        }
    }
    verify(&jwt, &one_jwk).done();
    verify(&nameless, &one_jwk).done();
    verify(&named, &one_jwk).refused(&["no key", "another name"]);
    for private in
        ["rsa2048.pkcs8.pem", "rsa2048.jwk.json", "p256.cert-then-key.pem", "two-private.jwks.json"]
    {
        verify(&jwt, &testdata(private)).refused(&[private, "private key", "pkjwt jwks"]);
    }
    // Next to a certificate, even a key that no loader reads.
    let certificate = fs::read_to_string(testdata("rsa2048.cert.pem")).unwrap();
    for unusable in ["bad/rsa1024.pkcs8.pem", "bad/openssh-rsa.pem", "p256.pkcs8.pem"] {
        let both = certificate.clone() + &fs::read_to_string(testdata(unusable)).unwrap();
        verify(&jwt, &place.put("both.pem", both)).refused(&["both.pem", "private key", "pkjwt jwks"]);
    }
    let long = place.put("long.json", vec![b'x'; PrivateKey::MAX_FILE_LEN + 1]);
    verify(&jwt, &long).refused(&["long.json", "too large"]);
    verify(&jwt, &place.put("x", "hello")).refused(&["not a key"]);
    verify(&jwt, "missing.json").refused(&["missing.json", "No such file"]);
    pkjwt(["verify", "-", "--jwks", "-", "--issuer", "a", "--audience", "b"]).usage(&["standard input"]);
    pkjwt(["verify", &jwt]).clap();
}

#[test]
fn verify_names_the_check_that_failed() {
    let place = Place::new();
    let jwks = place.jwks("p256");
    let jwt = assertion(&testdata("p256.pkcs8.pem"), &[]);
    let check = |jwt: &str, issuer: &str, audience: &str, words: &[&str]| {
        let run = pkjwt(["verify", jwt, "--jwks", &jwks, "--issuer", issuer, "--audience", audience]);
        let line = run.refused(words);
        assert!(!line.contains("eyJ"), "{line}");
    };
    check(&jwt, "client", "https://other.example", &["audience", AUDIENCE, "https://other.example"]);
    check(&jwt, "another", AUDIENCE, &["iss is `client`", "expected `another`"]);
    check("a.b", "client", AUDIENCE, &["three parts"]);

    let (signed, signature) = jwt.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let tampered = format!("{signed}.{flipped}{}", &signature[1..]);
    check(&tampered, "client", AUDIENCE, &["signature does not verify"]);

    let other = assertion(&testdata("p384.pkcs8.pem"), &[]);
    check(&other, "client", AUDIENCE, &["no key in the set fits ES384"]);

    let long = assertion(&testdata("p256.pkcs8.pem"), &["--lifetime", "1h"]);
    check(&long, "client", AUDIENCE, &["lives 3600 s, at most 300 s"]);
    let typed = assertion(&testdata("p256.pkcs8.pem"), &["--typ", "at+jwt"]);
    check(&typed, "client", AUDIENCE, &["typ is `at+jwt`", "pass --kind access-token"]);

    let hour = Duration::hours(1);
    let now = OffsetDateTime::now_utc();
    let builder = ClientAssertion::builder_for_audience("client", AUDIENCE);
    let old = builder.sign(&private_key("p256"), now - hour, "j").unwrap();
    check(old.secret(), "client", AUDIENCE, &["expired"]);
    let early = builder.sign(&private_key("p256"), now + hour, "j").unwrap();
    check(early.secret(), "client", AUDIENCE, &["`iat`"]);
}

fn access_token(jwt: &str, jwks: &str, issuer: &str, audience: &str, more: &[&str]) -> Run {
    let arguments = ["verify", "-", "--kind", "access-token", "--jwks", jwks, "--issuer", issuer];
    pkjwt_stdin(arguments.iter().chain(&["--audience", audience]).chain(more), jwt.as_bytes())
}

#[test]
fn verify_takes_an_access_token_of_a_server_with_the_servers_keys() {
    let place = Place::new();
    let server = Server::start(&[format!("p256={}", place.jwks("p256"))]);
    let scopes = ["--scope", "api:read", "--scope", "api:write"];
    let token = pkjwt(token_command(["--issuer", &server.issuer], "p256", &scopes)).done();
    let check = |audience: &str, more: &[&str]| {
        access_token(&token, &server.jwks_uri, &server.issuer, audience, more)
    };
    let audience = DevServer::DEFAULT_AUDIENCE;
    for more in [&[][..], &["--scope", "api:write"], &["--scope", "api:write api:read", "--leeway", "1m"]] {
        let printed = check(audience, more).done();
        assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), decode(token.trim_end()).1);
    }
    check(audience, &["--scope", "api:delete"])
        .refused(&["does not have the scope `api:delete`; it has `api:read api:write`"]);
    check(audience, &["--scope", "a", "--permission-claim", "roles"])
        .refused(&["does not have the scope `a`; it has none"]);
    check("https://other.example", &[])
        .refused(&[&format!("the audience is `{audience}`, expected `https://other.example`")]);
    access_token(&token, &server.jwks_uri, "https://as.example", audience, &[])
        .refused(&["the issuer is `http://127.0.0.1:", "expected `https://as.example`"]);
    access_token(&token, &place.jwks("p256"), &server.issuer, audience, &[]).refused(&["no key in the set"]);
    // A client assertion is no access token, and the other way round.
    let assertion = assertion(&testdata("p256.pkcs8.pem"), &[]);
    access_token(&assertion, &place.jwks("p256"), "client", AUDIENCE, &[])
        .refused(&["the typ is `client-authentication+jwt`", "pass --kind client-assertion"]);
    verify(token.trim_end(), &server.jwks_uri).refused(&["the typ is `at+jwt`", "pass --kind access-token"]);
    // Any of several issuers and audiences.
    let more = ["--issuer", "https://as.example", "--audience", audience];
    access_token(&token, &server.jwks_uri, &server.issuer, "https://other.example", &more).done();
}

/// A token of these claims by the key `p256`.
fn token(typ: Option<&str>, mut claims: Value) -> String {
    let key = private_key("p256");
    let mut header = json!({"alg": "ES256", "kid": key.key_id().as_str()});
    if let Some(typ) = typ {
        header["typ"] = json!(typ);
    }
    let now = OffsetDateTime::now_utc().unix_timestamp();
    claims["iat"] = json!(now);
    claims["exp"] = json!(now + 300);
    let input = format!("{}.{}", to_base64url(header.to_string()), to_base64url(claims.to_string()));
    let signature = key.sign(input.as_bytes()).unwrap();
    format!("{input}.{}", to_base64url(signature.as_bytes()))
}

#[test]
fn verify_takes_an_untyped_access_token_only_when_told_to() {
    let place = Place::new();
    let jwks = place.jwks("p256");
    let key = testdata("p256.pkcs8.pem");
    for (typ, found) in [("JWT", "`JWT`"), ("", "missing")] {
        let jwt = assertion(&key, &["--typ", typ]);
        let check = |more: &[&str]| access_token(&jwt, &jwks, "client", AUDIENCE, more);
        check(&[]).refused(&[&format!(
            "the typ is {found}, expected `at+jwt`; pass --profile for the issuer, or --relaxed"
        )]);
        for relaxed in [&["--relaxed"][..], &["--accept-untyped"], &["--profile", "relaxed"]] {
            let printed = check(relaxed).done();
            assert_eq!(serde_json::from_str::<Value>(&printed).unwrap()["iss"], "client");
        }
        check(&["--relaxed", "--profile", "okta"]).clap();
    }
    let other = assertion(&key, &["--typ", "logout+jwt"]);
    access_token(&other, &jwks, "client", AUDIENCE, &["--relaxed"]).refused(&["the typ is `logout+jwt`"]);
    // An access token without the `typ` of one is taken for a client assertion, and the error says
    // what to do.
    let untyped = token(Some("JWT"), json!({"iss": "client", "sub": "user", "aud": AUDIENCE}));
    verify(&untyped, &jwks).refused(&["sub is `user`", "pass --kind access-token"]);
}

#[test]
fn verify_knows_the_profiles_of_issuers() {
    let place = Place::new();
    let jwks = place.jwks("p256");
    let (issuer, api) = ("https://as.example", "https://api.example");
    let check = |typ: Option<&str>, claims: &Value, more: &[&str]| {
        access_token(&token(typ, claims.clone()), &jwks, issuer, api, more)
    };
    let with = |more: Value| {
        let mut claims = json!({"iss": issuer, "aud": api});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    };
    // Each preset accepts the minimum that its issuer sends.
    for (profile, typ, claims) in [
        ("rfc9068", Some("at+jwt"), with(json!({"sub": "s", "client_id": "c", "jti": "j", "scope": "a"}))),
        ("relaxed", None, with(json!({"scp": "a"}))),
        ("ping-one", None, with(json!({"client_id": "c", "scope": "a"}))),
        ("ping-federate", None, with(json!({"client_id": "c", "scope": ["a"]}))),
        ("auth0", Some("JWT"), with(json!({"azp": "c", "scope": "a"}))),
        ("okta", None, with(json!({"cid": "c", "scp": ["a"]}))),
        ("entra-id", Some("JWT"), with(json!({"azp": "c", "roles": ["a"], "ver": "2.0"}))),
        ("entra-id-v1", Some("JWT"), with(json!({"appid": "c", "scp": "a", "ver": "1.0"}))),
        ("entra-id-v2", Some("JWT"), with(json!({"azp": "c", "scp": "a", "ver": "2.0"}))),
        ("keycloak", Some("JWT"), with(json!({"typ": "Bearer", "scope": "a"}))),
        ("adfs", Some("JWT"), with(json!({"appid": "c", "scp": "a"}))),
        ("cognito", None, with(json!({"token_use": "access", "client_id": "c", "scope": "a"}))),
        ("spring", None, with(json!({"scope": ["a"]}))),
        ("hydra", Some("JWT"), with(json!({"client_id": "c", "scp": ["a"]}))),
        ("zitadel", Some("JWT"), with(json!({"scope": "a"}))),
    ] {
        check(typ, &claims, &["--profile", profile, "--scope", "a"]).done();
        let more = ["--profile", profile, "--permission-claim", "groups", "--scope", "a"];
        check(typ, &claims, &more).refused(&["does not have the scope `a`"]);
    }
    let roles = with(json!({"cid": "c", "scp": "a", "roles": ["b"], "realm": {"roles": ["c"]}}));
    let named = ["--permission-claim", "roles", "--permission-claim", "/realm/roles", "--scope", "b c"];
    check(None, &roles, &[&["--profile", "okta"], &named[..]].concat()).done();
    check(None, &with(json!({"sub": "s"})), &["--profile", "cognito"])
        .refused(&["not an access token by the profile `cognito`: the claim `token_use` is missing"]);
    check(None, &roles, &["--profile", "nobody"]).clap();
    // The strict default names the claim and the options.
    check(Some("at+jwt"), &with(json!({"client_id": "c", "jti": "j"})), &[]).refused(&[
        "the claim `sub` is missing, RFC 9068 requires a string; pass --profile for the issuer, or --relaxed",
    ]);
    check(Some("at+jwt"), &with(json!({"client_id": "c", "jti": "j", "sub": "s", "scope": ["a"]})), &[])
        .refused(&["the claim `scope` is an array of strings", "--relaxed"]);
}

#[test]
fn verify_takes_a_token_without_audience_by_client_id_only() {
    let place = Place::new();
    let jwks = place.jwks("p256");
    let claims = json!({"iss": "https://as.example", "token_use": "access", "client_id": "c1"});
    let jwt = token(None, claims.clone());
    let run = |jwt: &str, more: &[&str]| {
        let options = ["verify", "-", "--kind", "access-token", "--profile", "cognito", "--jwks", &jwks];
        let issuer = ["--issuer", "https://as.example"];
        pkjwt_stdin(options.iter().chain(&issuer).chain(more), jwt.as_bytes())
    };
    let api = ["--audience", "https://api.example"];
    run(&jwt, &api).refused(&[
        "the claim `aud` is missing, expected `https://api.example`; --missing-audience-from accepts it",
    ]);
    run(&jwt, &["--missing-audience-from", "c1"]).done();
    run(&jwt, &["--missing-audience-from", "c2", "--missing-audience-from", "c1"]).done();
    run(&jwt, &["--missing-audience-from", "c2"]).refused(&["the client is `c1`", "`c2`"]);
    let mut other = claims;
    other["aud"] = json!("https://other.example");
    let other = token(None, other);
    run(&other, &["--missing-audience-from", "c1"])
        .refused(&["the audience is `https://other.example`, expected none; pass --audience"]);
    run(&other, &[&api[..], &["--missing-audience-from", "c1"]].concat())
        .refused(&["the audience is `https://other.example`, expected `https://api.example`"]);
    run(&jwt, &[]).clap();
}

#[test]
fn verify_allows_the_clocks_to_differ_by_as_much_as_it_is_told() {
    let place = Place::new();
    let jwks = place.jwks("p256");
    // It expired 30 s ago.
    let began = OffsetDateTime::now_utc() - Duration::seconds(90);
    let builder = ClientAssertion::builder_for_audience("client", AUDIENCE).media_type(Some("JWT"));
    let jwt = builder.sign(&private_key("p256"), began, "j").unwrap();
    for kind in [&["--kind", "access-token", "--relaxed"][..], &[]] {
        let verify = ["verify", jwt.secret(), "--jwks", &jwks, "--issuer", "client", "--audience", AUDIENCE];
        let with = |more: &[&str]| pkjwt(verify.iter().chain(kind).chain(more));
        with(&[]).refused(&["expired at"]);
        with(&["--leeway", "0"]).refused(&["expired at"]);
        with(&["--leeway", "60s"]).done();
        for leeway in ["61", "2m", "-1", "x"] {
            with(&["--leeway", leeway]).clap();
        }
    }
}

#[test]
fn verify_says_that_a_token_is_bound() {
    let place = Place::new();
    let jwks = place.jwks("p256");
    let (issuer, api) = ("https://as.example", "https://api.example");
    let hash = private_key("p384").thumbprint().to_string();
    let with = |cnf: Value, more: &[&str]| {
        let claims = json!({"iss": issuer, "aud": api, "client_id": "c", "sub": "s", "jti": "j", "cnf": cnf});
        access_token(&token(Some("at+jwt"), claims), &jwks, issuer, api, more)
    };
    for (cnf, refused, noted) in [
        (
            json!({"jkt": hash}),
            "the token is bound to a DPoP key, and this command cannot check the proof; pass --accept-bound to check the rest",
            "pkjwt: the token is bound to a DPoP key; its proof was not checked",
        ),
        (
            json!({"x5t#S256": hash}),
            "the token is bound to a client certificate, and this command cannot check the proof; pass --accept-bound",
            "pkjwt: the token is bound to a client certificate; its proof was not checked",
        ),
        (
            json!({"jwk": {}}),
            "the token is bound to a key by `cnf.jwk`; pass --accept-bound to check the rest",
            "pkjwt: the token is bound to a key by `cnf.jwk`; its proof was not checked",
        ),
        (
            json!({"jkt": hash, "x5t#S256": hash, "a": 1}),
            "the token is bound to a DPoP key",
            "pkjwt: the token is bound to a DPoP key and a client certificate and a key by `cnf.a`; \
             its proof was not checked",
        ),
    ] {
        with(cnf.clone(), &[]).refused(&[refused]);
        let run = with(cnf.clone(), &["--accept-bound"]);
        assert_eq!(run.stderr.trim_end(), noted);
        assert_eq!(serde_json::from_str::<Value>(&run.stdout).unwrap()["cnf"], cnf);
    }
    with(json!({"jkt": "x"}), &["--accept-bound"]).refused(&["the claim `cnf.jkt` is 1 bytes long"]);
    with(json!([]), &["--accept-bound"]).refused(&["the claim `cnf` is an empty array, not an object"]);
}

#[test]
fn verify_bounds_the_life_of_an_access_token() {
    let place = Place::new();
    let jwks = place.jwks("p256");
    let claims = json!({"iss": "https://as.example", "aud": "https://api.example", "client_id": "c", "sub": "s",
        "jti": "j"});
    let jwt = token(Some("at+jwt"), claims);
    let run = |more: &[&str]| access_token(&jwt, &jwks, "https://as.example", "https://api.example", more);
    run(&[]).done();
    run(&["--longest-lifetime", "5m"]).done();
    run(&["--longest-lifetime", "1m"])
        .refused(&["the token lives 300 s, at most 60 s are accepted; --longest-lifetime accepts more"]);
    run(&["--longest-lifetime", "soon"]).clap();
}

#[test]
fn verify_takes_no_empty_value_for_a_check() {
    for option in ["--issuer", "--audience", "--scope", "--missing-audience-from", "--permission-claim"] {
        for blank in ["", " "] {
            let verify = [
                "verify",
                "a.b.c",
                "--kind",
                "access-token",
                "--jwks",
                "x",
                "--issuer",
                "i",
                "--audience",
                "a",
            ];
            pkjwt(verify.iter().chain(&[option, blank])).clap();
        }
    }
}

#[test]
fn verify_refuses_options_of_the_other_kind() {
    let verify = ["verify", "a.b.c", "--jwks", "x", "--issuer", "i", "--audience", "a"];
    let with = |more: &[&str]| pkjwt(verify.iter().chain(more));
    for option in [
        &["--scope", "a"][..],
        &["--relaxed"],
        &["--missing-audience-from", "c"],
        &["--permission-claim", "roles"],
        &["--accept-bound"],
        &["--longest-lifetime", "1h"],
    ] {
        let line = format!("pkjwt: {}: is only valid with --kind access-token\n", option[0]);
        assert_eq!(with(option).usage(&[]), line);
    }
    // A client assertion has one issuer and one audience.
    let (place, jwt) = (Place::new(), assertion(&testdata("p256.pkcs8.pem"), &[]));
    let jwks = place.jwks("p256");
    for option in ["--issuer", "--audience"] {
        let verify = ["verify", &jwt, "--jwks", &jwks, "--issuer", "client", "--audience", AUDIENCE];
        pkjwt(verify.iter().chain(&[option, "another"])).usage(&[option, "only with --kind access-token"]);
    }
    with(&["--kind", "id-token"]).clap();
}

#[test]
fn verify_finds_the_keys_of_the_issuer() {
    let place = Place::new();
    let server = Server::start(&[format!("p256={}", place.jwks("p256"))]);
    let token = pkjwt(token_command(["--issuer", &server.issuer], "p256", &["--scope", "a"])).done();
    let verify = |more: &[&str]| {
        let arguments = ["verify", "-", "--kind", "access-token", "--audience", DevServer::DEFAULT_AUDIENCE];
        pkjwt_stdin(arguments.iter().chain(more), token.as_bytes())
    };
    let claims: Value =
        serde_json::from_str(&verify(&["--issuer", &server.issuer, "--json"]).done()).unwrap();
    assert_eq!((&claims["client_id"], &claims["scope"]), (&json!("p256"), &json!("a")));
    // The token chooses among the named issuers, and only among them.
    verify(&["--issuer", "https://as.invalid", "--issuer", &server.issuer]).done();
    let line = verify(&["--issuer", "https://a.invalid", "--issuer", "https://b.invalid"]).refused(&[]);
    let expected = "expected `https://a.invalid` or `https://b.invalid`";
    assert!(
        line.starts_with("pkjwt: verify: iss is `http://127.0.0.1:") && line.contains(expected),
        "{line}"
    );
    // The metadata must be that of the issuer.
    verify(&["--issuer", &format!("{}/", server.issuer)]).refused(&["--issuer: ", "; --jwks names the keys"]);
    verify(&["--issuer", "http://127.0.0.1:1"]).refused(&["cannot connect", "; --jwks names the keys"]);
    let shown = verify(&["--issuer", &server.issuer, "--verbose"]);
    assert!(shown.stderr.contains(&format!("> GET {}\n", server.jwks_uri)), "{}", shown.stderr);
    // A client has no metadata.
    let jwt = assertion(&testdata("p256.pkcs8.pem"), &[]);
    pkjwt(["verify", &jwt, "--issuer", "client", "--audience", AUDIENCE])
        .usage(&["--jwks: is required for a client assertion"]);
}

/// The rules of a provider, after the signature: what the provider would reject.
#[test]
fn verify_judges_a_client_assertion_under_a_profile() {
    let place = Place::new();
    let (key, jwks) = (testdata("p256.pkcs8.pem"), place.jwks("p256"));
    let check = |jwt: &str, profile: &str| {
        let verify = ["verify", jwt, "--jwks", &jwks, "--issuer", "client", "--audience", AUDIENCE];
        pkjwt(verify.iter().chain(&["--profile", profile]))
    };
    let jwt = assertion(&key, &[]);
    for profile in ["fapi2", "okta", "keycloak", "ping_one", "atproto"] {
        check(&jwt, profile).done();
    }
    for (profile, expected) in [
        (
            "auth0",
            "Auth0 does not accept ES256, only RS256, RS384 or PS256; Auth0 does not accept the audience \
             https://as.example, only the issuer https://as.example/",
        ),
        ("singpass", "Singpass does not accept the typ `client-authentication+jwt`, only `JWT`"),
        (
            "entra-id",
            "Microsoft Entra ID does not accept ES256, only PS256 or RS256; Microsoft Entra ID requires \
             `x5t#S256`, but the header has none",
        ),
    ] {
        assert_eq!(check(&jwt, profile).refused(&[]), format!("pkjwt: verify: {expected}\n"));
    }
    let without_kid = assertion(&key, &["--no-kid"]);
    check(&without_kid, "atproto").refused(&["AT Protocol requires `kid`, but the header has none"]);
    // The profile, not the default of the verifier, decides how long an assertion may live.
    let long = assertion(&key, &["--lifetime", "30m"]);
    check(&long, "okta").done();
    check(&long, "singpass").refused(&["120"]);

    // Some profiles are for one kind of JWT only.
    check(&jwt, "cognito")
        .usage(&["--profile: `cognito` has no rules for client assertions; the ones with rules are atproto"]);
    let access_token =
        ["verify", "a.b.c", "--kind", "access-token", "--jwks", &jwks, "--issuer", "i", "--audience", "a"];
    pkjwt(access_token.iter().chain(&["--profile", "fapi2"])).usage(&[
        "--profile: `fapi2` has no rules for access tokens; the ones with rules are rfc9068, relaxed, ping-one",
    ]);
}
