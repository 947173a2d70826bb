//! `pkjwt assert`.

use serde_json::json;

use crate::run::{AUDIENCE, assert_command, assertion, base64url, decode, pkjwt, private_key, testdata};

#[test]
fn assert_signs_what_the_house_decided() {
    let key = private_key("p256");
    let jwt = assertion(&testdata("p256.pkcs8.pem"), &[]);
    let (header, claims) = decode(&jwt);
    assert_eq!(
        header,
        json!({"alg": "ES256", "kid": key.thumbprint().to_string(), "typ": "client-authentication+jwt"})
    );
    assert_eq!(
        (&claims["iss"], &claims["sub"], &claims["aud"]),
        (&json!("client"), &json!("client"), &json!(AUDIENCE))
    );
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
    let jti: uuid::Uuid = claims["jti"].as_str().unwrap().parse().unwrap();
    assert_eq!(jti.get_version_num(), 4);
    assert_eq!(claims.as_object().unwrap().len(), 6);
    let again = decode(&assertion(&testdata("p256.pkcs8.pem"), &[])).1;
    assert_ne!(again["jti"], claims["jti"]);
}

#[test]
fn assert_says_what_it_was_told_to() {
    let key = testdata("p256.key-then-cert.pem");
    let more = [
        "--lifetime",
        "5m",
        "--not-before",
        "30s",
        "--typ",
        "JWT",
        "--kid",
        "my key",
        "--x5t-s256",
        "--claim",
        "groups=[\"a\",1]",
        "--claim",
        "name=\"x=y\"",
    ];
    let (header, claims) = decode(&assertion(&key, &more));
    let thumbprint = header["x5t#S256"].as_str().unwrap();
    assert_eq!(base64url(thumbprint).len(), 32);
    assert_eq!((&header["typ"], &header["kid"]), (&json!("JWT"), &json!("my key")));
    let [iat, nbf, exp] = ["iat", "nbf", "exp"].map(|claim| claims[claim].as_i64().unwrap());
    assert_eq!((exp - iat, iat - nbf), (300, 30));
    assert_eq!((&claims["groups"], &claims["name"]), (&json!(["a", 1]), &json!("x=y")));

    let (header, _) = decode(&assertion(&key, &["--profile", "ping-one", "--x5c", "--x5t", "--no-kid"]));
    let members: Vec<&str> = header.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!((members, &header["typ"]), (vec!["alg", "typ", "x5c", "x5t"], &json!("JWT")));
    assert_eq!(base64url(header["x5t"].as_str().unwrap()).len(), 20);
    let (header, _) =
        decode(&assertion(&testdata("rsa2048.pkcs1.pem"), &["--alg", "PS256", "--no-kid", "--typ", ""]));
    assert_eq!(header, json!({"alg": "PS256"}));
    let urn = pkjwt(["assert", "--key", &key, "--client-id", "c", "--audience", "urn:x"]).done();
    assert_eq!(decode(urn.trim_end()).1["aud"], "urn:x");
    let plain = decode(&assertion(&key, &["--lifetime", "90"])).1;
    assert_eq!(plain["exp"].as_i64().unwrap() - plain["iat"].as_i64().unwrap(), 90);
}

#[test]
fn assert_follows_the_profile_of_every_known_server() {
    let (certified, ed25519) = (testdata("p256.key-then-cert.pem"), testdata("ed25519.pkcs8.pem"));
    let refused = |key: &str, profile: &str| pkjwt(assert_command(key, &["--profile", profile])).refused(&[]);
    assert!(refused(&certified, "entra-id").contains("Microsoft Entra ID does not accept ES256"));
    assert!(refused(&ed25519, "okta").contains("Okta does not accept EdDSA"));
    let rsa = testdata("rsa2048.key-then-chain.pem");
    let (header, _) = decode(&assertion(&rsa, &["--profile", "entra-id", "--alg", "PS256"]));
    assert_eq!((&header["typ"], &header["alg"]), (&json!("JWT"), &json!("PS256")));
    // An option takes precedence over the profile.
    let (header, claims) =
        decode(&assertion(&rsa, &["--profile", "keycloak", "--typ", "JWT", "--lifetime", "2m"]));
    assert_eq!(header["typ"], "JWT");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 120);
    let help = pkjwt(["assert", "--help"]).done();
    for name in ["ping-one", "ping-federate", "entra-id", "okta", "auth0", "keycloak", "fapi2", "mcp"] {
        assert!(help.contains(&format!("- {name}:")), "{name}: {help}");
    }
}

#[test]
fn assert_refuses_what_does_not_fit() {
    let key = testdata("p256.pkcs8.pem");
    let with = |more: &[&str]| pkjwt(assert_command(&key, more));
    assert_eq!(
        with(&["--x5t-s256"]).refused(&[]),
        "pkjwt: assert: the key has no certificate for x5t#S256; append the certificate to the key file\n"
    );
    with(&["--alg", "RS256"]).refused(&["p256.pkcs8.pem", "RS256 needs a key of type RSA"]);
    with(&["--claim", "aud=\"x\""]).usage(&["--claim", "`aud`"]);
    with(&["--claim", "a=1", "--claim", "a=2"]).usage(&["--claim", "`a`", "more than once"]);
    let line = with(&["--claim", "a=canary"]).usage(&["--claim", "`a` is not JSON"]);
    assert!(!line.contains("canary"));
    for claim in ["canary", "=1", ""] {
        let line = with(&["--claim", claim]).usage(&["NAME=JSON"]);
        assert!(!line.contains("canary"));
    }
    with(&["--lifetime", "25h"]).usage(&["the lifetime is"]);
    with(&["--profile", "ping-one", "--lifetime", "2h"]).usage(&["the lifetime is"]);
    for lifetime in ["0", "0s", "1d", "-1", "x", "", "1.5s"] {
        with(&["--lifetime", lifetime]).clap();
    }
    with(&["--not-before", "soon"]).clap();
    with(&["--kid", "k", "--no-kid"]).clap();
    with(&["--kid", ""]).clap();
    pkjwt(["assert", "--key", &key, "--client-id", "", "--audience", AUDIENCE])
        .usage(&["client id is empty"]);
    pkjwt(["assert", "--key", &key, "--client-id", "c", "--audience", ""]).usage(&["audience is empty"]);
    pkjwt(["assert", "--key", &key, "--client-id", "c"]).clap();
}

#[test]
fn assert_as_json_has_the_parameters_of_the_request() {
    let printed = pkjwt(assert_command(&testdata("p256.pkcs8.pem"), &["--json"])).done();
    let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let members: Vec<&String> = printed.as_object().unwrap().keys().collect();
    assert_eq!(members, ["client_assertion", "client_assertion_type", "client_id", "expires_at"]);
    assert_eq!(printed["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    let (_, claims) = decode(printed["client_assertion"].as_str().unwrap());
    assert_eq!(claims["iss"], printed["client_id"]);
    let exp = time::OffsetDateTime::from_unix_timestamp(claims["exp"].as_i64().unwrap()).unwrap();
    let exp = exp.format(&time::format_description::well_known::Rfc3339).unwrap();
    assert_eq!(printed["expires_at"], exp);
}
