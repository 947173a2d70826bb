//! The assertion builder from the outside: certificate headers, reproducible bytes, signing in two
//! steps.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use private_key_jwt::oauth::{ClientAssertionBuilder, Endpoint, HintedToken, OAuthError};
use private_key_jwt::{
    Algorithm, Audience, AuthorizationServer, ClientAssertion, PrivateKey, Profile, PublicKey, Region,
};
use serde_json::Value;
use sha2::Digest;

use crate::support::{clean, key, now, testdata};

fn builder() -> ClientAssertionBuilder {
    let server = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
    ClientAssertion::builder("client", &server)
}

fn part(jwt: &str, index: usize) -> Value {
    let part = jwt.split('.').nth(index).unwrap();
    serde_json::from_slice(&Base64UrlUnpadded::decode_vec(part).unwrap()).unwrap()
}

/// The DER of the certificates in a PEM file, decoded without the crate, to check the crate.
fn certificates(file: &str) -> Vec<Vec<u8>> {
    let text = String::from_utf8(testdata(&format!("keys/{file}"))).unwrap();
    text.split("-----BEGIN CERTIFICATE-----")
        .skip(1)
        .map(|rest| {
            let body: String = rest.split("-----END").next().unwrap().split_whitespace().collect();
            Base64::decode_vec(&body).unwrap()
        })
        .collect()
}

#[test]
fn an_assertion_lives_for_a_minute_by_default() {
    let assertion = builder().sign(&key("p256.pkcs8.pem"), now(), "j").unwrap();
    assert_eq!(assertion.expires_at() - assertion.issued_at(), Profile::LIFETIME);
    assert_eq!(Profile::LIFETIME.as_secs(), 60);
}

#[test]
fn rfc7515_4_1_6_to_8_the_certificate_headers() {
    let file = "rsa2048.key-then-chain.pem";
    let chain = certificates(file);
    assert_eq!(chain.len(), 2);
    let assertion = builder().x5c().x5t().x5t_s256().sign(&key(file), now(), "j").unwrap();
    let header = part(assertion.secret(), 0);
    assert_eq!(header["x5t#S256"], Base64UrlUnpadded::encode_string(&sha2::Sha256::digest(&chain[0])));
    assert_eq!(header["x5t"], Base64UrlUnpadded::encode_string(&sha1::Sha1::digest(&chain[0])));
    let x5c: Vec<String> = chain.iter().map(|der| Base64::encode_string(der)).collect();
    assert_eq!(header["x5c"], serde_json::json!(x5c));
    // Only the header that was requested.
    let header = part(builder().x5t_s256().sign(&key(file), now(), "j").unwrap().secret(), 0);
    let names: Vec<&String> = header.as_object().unwrap().keys().collect();
    assert_eq!(names, ["alg", "kid", "typ", "x5t#S256"]);
}

#[test]
fn a_certificate_header_needs_a_certificate() {
    for (builder, member) in
        [(builder().x5c(), "x5c"), (builder().x5t(), "x5t"), (builder().x5t_s256(), "x5t#S256")]
    {
        let error = clean(builder.sign(&key("p256.pkcs8.pem"), now(), "j").unwrap_err());
        assert!(matches!(error, OAuthError::NoCertificate { member: found } if found == member));
    }
}

#[test]
fn rs_and_eddsa_are_reproducible_byte_for_byte() {
    for (file, algorithms) in [
        ("rsa2048.pkcs8.pem", &[Algorithm::RS256, Algorithm::RS384, Algorithm::RS512][..]),
        ("ed25519.pkcs8.pem", &[Algorithm::EdDSA, Algorithm::Ed25519]),
    ] {
        for algorithm in algorithms {
            let key = key(file).with_algorithm(*algorithm).unwrap();
            let sign = || builder().sign(&key, now(), "j").unwrap().secret().to_owned();
            assert_eq!(sign(), sign(), "{algorithm}");
        }
    }
}

#[test]
fn every_format_of_a_key_makes_the_same_assertion() {
    let sign = |file: &str| builder().sign(&key(file), now(), "j").unwrap().secret().to_owned();
    let expected = sign("rsa2048.pkcs8.pem");
    for file in ["rsa2048.pkcs8.der", "rsa2048.pkcs1.pem", "rsa2048.pkcs1.der"] {
        assert_eq!(sign(file), expected, "{file}");
    }
}

#[test]
fn the_second_step_may_happen_elsewhere() {
    let key = key("p384.pkcs8.pem");
    let unsigned = builder().prepare(&key, now(), "j").unwrap();
    assert_eq!(unsigned.algorithm(), Algorithm::ES384);
    let elsewhere = |input: &[u8]| key.sign(input).unwrap();
    let assertion = unsigned.attach(elsewhere(unsigned.signing_input())).unwrap();
    let (input, signature) = assertion.secret().rsplit_once('.').unwrap();
    assert_eq!(input.as_bytes(), unsigned.signing_input());
    let signature = private_key_jwt::Signature::from_raw(
        Algorithm::ES384,
        Base64UrlUnpadded::decode_vec(signature).unwrap(),
    );
    PublicKey::from_jwk(key.public_jwk()).unwrap().verify(input.as_bytes(), &signature.unwrap()).unwrap();
}

#[test]
fn ping_ones_profile_is_its_documentation() {
    let server = AuthorizationServer::ping_one(Region::NorthAmerica, "env-1").unwrap();
    let sign = |key: PrivateKey| {
        ClientAssertion::builder("client", &server).profile(Profile::ping_one()).sign(&key, now(), "j")
    };
    let assertion = sign(key("rsa2048.pkcs8.pem")).unwrap();
    let (header, claims) = (part(assertion.secret(), 0), part(assertion.secret(), 1));
    assert_eq!((&header["typ"], &header["alg"]), (&"JWT".into(), &"RS256".into()));
    assert_eq!(header["kid"], key("rsa2048.pkcs8.pem").thumbprint().to_string());
    assert_eq!(claims["aud"], "https://auth.pingone.com/env-1/as");
    assert!(sign(key("p521.pkcs8.pem")).is_ok());
    let pss = key("rsa2048.pkcs8.pem").with_algorithm(Algorithm::PS256).unwrap();
    for key in [pss, key("ed25519.pkcs8.pem")] {
        let algorithm = key.algorithm();
        assert!(matches!(
            clean(sign(key).unwrap_err()),
            OAuthError::ProfileAlgorithm { profile: "PingOne", algorithm: found, .. } if found == algorithm
        ));
    }
    let hour = std::time::Duration::from_secs(3600);
    let lifetime = |lifetime| {
        let builder =
            ClientAssertion::builder("client", &server).profile(Profile::ping_one()).lifetime(lifetime);
        builder.sign(&key("p256.pkcs8.pem"), now(), "j")
    };
    assert!(lifetime(hour).is_ok());
    let error = clean(lifetime(hour + std::time::Duration::from_secs(1)).unwrap_err());
    assert!(matches!(error, OAuthError::Lifetime { limit, .. } if limit == hour));
}

#[test]
fn an_audience_is_one_string() {
    for (audience, expected) in [
        (Audience::Issuer, "https://as.example"),
        (Audience::TokenEndpoint, "https://as.example/token"),
        (Audience::CalledEndpoint, "https://as.example/token"),
        (Audience::Exactly("urn:other".to_owned()), "urn:other"),
    ] {
        let assertion = builder().audience(audience).sign(&key("p256.pkcs8.pem"), now(), "j").unwrap();
        assert_eq!(part(assertion.secret(), 1)["aud"], expected);
    }
}

/// Metadata of this issuer, whose endpoints are as the metadata says.
fn discovered(issuer: &str, members: &str) -> AuthorizationServer {
    let json = format!(r#"{{"issuer":"{issuer}",{members}}}"#);
    AuthorizationServer::from_metadata(issuer, json.as_bytes()).unwrap()
}

/// Audience injection (CVE-2025-27370) between tenants of one host: `t2` would accept the
/// assertion.
#[test]
fn a_tenants_metadata_draws_no_assertion_for_another_tenant_of_its_host() {
    let sign = |server: &AuthorizationServer, audience: Audience, endpoint: Endpoint| {
        let builder = ClientAssertion::builder("client", server).audience(audience).endpoint(endpoint);
        builder.sign(&key("p256.pkcs8.pem"), now(), "j")
    };
    for other in [
        "https://as.example/t2/token",
        "https://as.example/t1/../t2/token",
        "https://as.example/t1/%2e%2e/t2/token",
        "https://as.example/t1/..;/t2/token",
        "https://as.example/t10/token",
        "https://as.example/T1/token",
        "https://evil.example/t1/token",
    ] {
        let members =
            Endpoint::ALL.map(|endpoint| format!(r#""{}":"{other}""#, endpoint.metadata_name())).join(",");
        let server = discovered("https://as.example/t1", &members);
        for endpoint in Endpoint::ALL {
            for audience in [Audience::TokenEndpoint, Audience::CalledEndpoint] {
                let error = clean(sign(&server, audience.clone(), endpoint).unwrap_err());
                let OAuthError::ForeignAudience { endpoint: url, issuer } = &error else {
                    panic!("{error:?}")
                };
                assert_eq!((url.as_str(), issuer.as_str()), (other, "https://as.example/t1"));
            }
            // The user configured this issuer, and says this about it.
            for audience in [Audience::Issuer, Audience::Exactly(other.to_owned())] {
                assert!(sign(&server, audience, endpoint).is_ok());
            }
        }
    }
}

/// An assertion for the token endpoint is valid wherever its audience is accepted, so it goes to no
/// other origin.
#[test]
fn an_assertion_for_the_token_endpoint_is_sent_to_its_origin_only() {
    let members = r#""token_endpoint":"https://as.example/token",
        "introspection_endpoint":"https://as.example/introspect","revocation_endpoint":"https://evil.example/revoke""#;
    let server = discovered("https://as.example", members);
    let builder = ClientAssertion::builder("client", &server).audience(Audience::TokenEndpoint);
    let sign = |builder: ClientAssertionBuilder| builder.sign(&key("p256.pkcs8.pem"), now(), "j");
    // Refused when it is made for that endpoint, and when an assertion for another endpoint is put
    // into a request.
    let at_signing = sign(builder.clone().endpoint(Endpoint::Revocation)).unwrap_err();
    let assertion = sign(builder).unwrap();
    let at_sending = HintedToken::new("t").to_revocation(&server, &assertion).unwrap_err();
    for error in [at_signing, at_sending] {
        let OAuthError::OtherOrigin { audience, endpoint } = clean(error) else { panic!() };
        assert_eq!((&*audience, &*endpoint), ("https://as.example/token", "https://evil.example/revoke"));
    }
    assert!(HintedToken::new("t").to_introspection(&server, &assertion).is_ok());
    let named = ClientAssertion::builder("client", &server);
    let named = named.audience(Audience::Exactly("https://as.example/token".to_owned()));
    assert!(HintedToken::new("t").to_revocation(&server, &sign(named).unwrap()).is_ok());
    // If only a token endpoint is known, it is also the audience.
    let alone = AuthorizationServer::from_token_endpoint("https://as.example/token").unwrap();
    assert!(sign(ClientAssertion::builder("client", &alone)).is_ok());
}

/// Its token endpoint is not below its issuer; with its profile, the tenant counts.
#[test]
fn entra_ids_token_endpoint_is_an_audience_of_its_profile() {
    let login = "https://login.microsoftonline.com";
    let server = |tenant: &str| {
        discovered(
            &format!("{login}/T/v2.0"),
            &format!(r#""token_endpoint":"{login}/{tenant}/oauth2/v2.0/token""#),
        )
    };
    let entra = |server: &AuthorizationServer| {
        let builder = ClientAssertion::builder("client", server).profile(Profile::entra_id());
        builder.sign(&key("rsa2048.key-then-chain.pem"), now(), "j")
    };
    let assertion = entra(&server("T")).unwrap();
    assert_eq!(part(assertion.secret(), 1)["aud"], format!("{login}/T/oauth2/v2.0/token"));
    assert_eq!(part(assertion.secret(), 0)["typ"], "JWT");
    for other in ["U", "common", "T2", "t"] {
        let error = clean(entra(&server(other)).unwrap_err());
        assert!(matches!(error, OAuthError::ForeignAudience { .. }), "{error:?}");
    }
    // An assertion of one profile is not mistaken for another's.
    let builder = ClientAssertion::builder("client", &server("T")).profile(Profile::entra_id());
    builder.sign(&key("rsa2048.key-then-chain.pem"), now(), "j").unwrap();
    let default =
        builder.profile(Profile::default()).audience(Audience::TokenEndpoint).media_type(Some("JWT"));
    let error = clean(default.sign(&key("rsa2048.key-then-chain.pem"), now(), "j").unwrap_err());
    assert!(matches!(error, OAuthError::ForeignAudience { .. }), "{error:?}");
}

#[test]
fn a_profile_is_known_by_its_name() {
    for (name, profile) in [
        ("atproto", Profile::atproto()),
        ("auth0", Profile::auth0()),
        ("fapi2", Profile::fapi2()),
        ("forgerock", Profile::forgerock()),
        ("hydra", Profile::hydra()),
        ("ibm-verify", Profile::ibm_verify()),
        ("keycloak", Profile::keycloak()),
        ("login-gov", Profile::login_gov()),
        ("nhs-england", Profile::nhs_england()),
        ("okta", Profile::okta()),
        ("ping-federate", Profile::ping_federate()),
        ("smart-backend-services", Profile::smart_backend_services()),
        ("spring", Profile::spring()),
        ("zitadel", Profile::zitadel()),
    ] {
        assert_eq!(Profile::known().find(|(known, _)| *known == name), Some((name, profile)));
    }
}

#[test]
fn a_profile_of_ones_own_changes_every_assertion() {
    let rules = Profile::new("bank")
        .audience(Audience::TokenEndpoint)
        .algorithms([Algorithm::RS256])
        .lifetime(std::time::Duration::from_secs(30))
        .longest_lifetime(std::time::Duration::from_secs(40))
        .not_before(std::time::Duration::from_secs(5))
        .media_type(Some("JWT"))
        .without_key_id()
        .without_client_id()
        .x5c()
        .x5t()
        .x5t_s256();
    let server = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
    let builder = ClientAssertion::builder("client", &server).profile(rules);
    let assertion = builder.sign(&key("p256.pkcs8.pem"), now(), "j");
    assert!(matches!(clean(assertion.unwrap_err()), OAuthError::ProfileAlgorithm { profile: "bank", .. }));
    let assertion = builder.sign(&key("rsa2048.key-then-chain.pem"), now(), "j").unwrap();
    let (header, claims) = (part(assertion.secret(), 0), part(assertion.secret(), 1));
    let mut names: Vec<&str> = header.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["alg", "typ", "x5c", "x5t", "x5t#S256"]);
    assert_eq!(claims["aud"], "https://as.example/token");
    let now = now().unix_timestamp();
    assert_eq!((&claims["nbf"], &claims["exp"]), (&(now - 5).into(), &(now + 30).into()));
    assert!(assertion.form().iter().all(|(name, _)| *name != "client_id"));
}
