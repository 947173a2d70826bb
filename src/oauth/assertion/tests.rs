use std::time::Duration;

use time::OffsetDateTime;

use super::*;
use crate::jose::{Algorithm, CompactJws, base64url};
use crate::keys::PrivateKey;
use crate::oauth::{Audience, AuthorizationServer, CLIENT_ASSERTION_TYPE, JwtGrant, OAuthError, Profile};

const NOW: i64 = 1_800_000_000;

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(NOW).unwrap()
}

fn key() -> PrivateKey {
    let seed = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"k1"}"#;
    PrivateKey::from_bytes(seed.as_bytes()).unwrap()
}

fn builder() -> ClientAssertionBuilder {
    let server = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
    ClientAssertion::builder("client", &server)
}

fn parts(builder: &ClientAssertionBuilder) -> (String, String) {
    let assertion = builder.sign(&key(), now(), "j1").unwrap();
    let [header, claims] = [0, 1].map(|part| assertion.secret().split('.').nth(part).unwrap().to_owned());
    CompactJws::parse(assertion.secret()).unwrap();
    let text = |part: String| String::from_utf8(base64url::decode("x", &part).unwrap()).unwrap();
    (text(header), text(claims))
}

#[test]
fn rfc7523_3_an_audience_alone_need_not_be_a_url() {
    let p256 = PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap();
    let builder = ClientAssertion::builder_for_audience("client", "urn:example:as");
    for builder in [builder.clone(), builder.clone().profile(Profile::ping_one())] {
        let unsigned = builder.audience(Audience::TokenEndpoint).prepare(&p256, now(), "j1");
        let unsigned = unsigned.unwrap();
        let claims = std::str::from_utf8(unsigned.signing_input()).unwrap();
        let claims = base64url::decode("x", claims.split('.').nth(1).unwrap()).unwrap();
        assert!(String::from_utf8(claims).unwrap().contains(r#""aud":"urn:example:as""#));
    }
    let empty = ClientAssertion::builder_for_audience("client", "");
    assert!(matches!(empty.sign(&key(), now(), "j1"), Err(OAuthError::EmptyAudience)));
}

#[test]
fn rfc7523_3_the_default_assertion_byte_for_byte() {
    let (header, claims) = parts(&builder());
    assert_eq!(header, r#"{"alg":"EdDSA","kid":"k1","typ":"client-authentication+jwt"}"#);
    assert_eq!(
        claims,
        r#"{"iss":"client","sub":"client","aud":"https://as.example","jti":"j1","iat":1800000000,"exp":1800000060}"#
    );
    let again = builder().sign(&key(), now(), "j1").unwrap();
    assert_eq!(again.secret(), builder().sign(&key(), now(), "j1").unwrap().secret());
    assert_eq!((again.issued_at(), again.expires_at()), (now(), now() + time::Duration::seconds(60)));
}

#[test]
fn every_option_shows_up() {
    let changed = builder()
        .audience(Audience::Exactly("urn:x".to_owned()))
        .lifetime(Duration::from_secs(10))
        .not_before(Duration::from_secs(5))
        .media_type(None)
        .without_key_id()
        .claim("tenant", "t1")
        .unwrap();
    let (header, claims) = parts(&changed);
    assert_eq!(header, r#"{"alg":"EdDSA"}"#);
    assert_eq!(
        claims,
        r#"{"iss":"client","sub":"client","aud":"urn:x","jti":"j1","iat":1800000000,"exp":1800000010,"nbf":1799999995,"tenant":"t1"}"#
    );
}

#[test]
fn rfc7521_4_2_the_form_has_the_client_id_unless_it_is_left_out() {
    let assertion = builder().sign(&key(), now(), "j1").unwrap();
    assert_eq!(
        assertion.form(),
        [
            ("client_assertion_type", CLIENT_ASSERTION_TYPE),
            ("client_assertion", assertion.secret()),
            ("client_id", "client")
        ]
    );
    let assertion = builder().without_client_id().sign(&key(), now(), "j1").unwrap();
    assert_eq!(assertion.form().len(), 2);
}

#[test]
fn the_form_of_a_request_is_the_same_pairs_encoded() {
    let server = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
    for builder in
        [builder(), builder().without_client_id(), ClientAssertion::builder("a b&c=d%~*-._/", &server)]
    {
        let assertion = builder.sign(&key(), now(), "j1").unwrap();
        let mut pushed = "a=b".to_owned();
        assertion.push_form(&mut pushed);
        let expected =
            form_urlencoded::Serializer::new("a=b".to_owned()).extend_pairs(assertion.form()).finish();
        assert_eq!(pushed, expected);
        assert!(pushed.len() <= 3 + assertion.form_room());
    }
}

/// The order of the calls does not matter.
#[test]
fn a_setting_takes_precedence_over_the_profile() {
    let certified = PrivateKey::from_file("testdata/keys/p256.key-then-cert.pem").unwrap();
    let signed = |builder: ClientAssertionBuilder| {
        String::from_utf8(builder.prepare(&certified, now(), "j1").unwrap().signing_input().to_vec()).unwrap()
    };
    let profile = || {
        Profile::new("a bank")
            .audience(Audience::TokenEndpoint)
            .lifetime(Duration::from_secs(30))
            .not_before(Duration::from_secs(1))
            .media_type(Some("JWT"))
            .x5t_s256()
    };
    let settings: [fn(ClientAssertionBuilder) -> ClientAssertionBuilder; 8] = [
        |builder| builder,
        |builder| builder.audience(Audience::Issuer),
        |builder| builder.lifetime(Duration::from_secs(60)),
        |builder| builder.not_before(Duration::from_secs(9)),
        |builder| builder.media_type(Some("at+jwt")),
        |builder| builder.media_type(None),
        ClientAssertionBuilder::without_key_id,
        ClientAssertionBuilder::x5t,
    ];
    let mut seen = Vec::new();
    for set in settings {
        let (before, after) = (set(builder()).profile(profile()), set(builder().profile(profile())));
        let signed = [before, after.clone(), after.profile(profile())].map(signed);
        assert_eq!((&signed[0], &signed[0]), (&signed[1], &signed[2]));
        assert!(!seen.contains(&signed[0]));
        seen.push(signed[0].clone());
    }
    let twice = |first: Profile, second| parts(&builder().profile(first).profile(second));
    assert_eq!(twice(profile(), Profile::default()), parts(&builder()));
    // The last word on a setting counts.
    let lasting = |seconds| builder().lifetime(Duration::from_secs(seconds));
    assert_eq!(parts(&lasting(9).lifetime(Duration::from_secs(8))), parts(&lasting(8)));
    assert_eq!(parts(&builder().media_type(None).media_type(Some("JWT"))), {
        parts(&builder().media_type(Some("JWT")))
    });
}

#[test]
fn a_profile_adds_the_headers_of_a_certificate_and_works_without_one() {
    let certified = PrivateKey::from_file("testdata/keys/p256.key-then-cert.pem").unwrap();
    let header = |builder: &ClientAssertionBuilder, key: &PrivateKey| {
        let unsigned = builder.prepare(key, now(), "j1").unwrap();
        let input = std::str::from_utf8(unsigned.signing_input()).unwrap().to_owned();
        let header = base64url::decode("x", input.split('.').next().unwrap()).unwrap();
        serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&header).unwrap()
    };
    let profiled = builder().profile(Profile::new("a bank").x5t_s256().x5t().x5c());
    let of_profile = header(&profiled, &certified);
    assert_eq!(of_profile, header(&builder().x5t().x5c().x5t_s256(), &certified));
    assert_eq!(of_profile.keys().collect::<Vec<_>>(), ["alg", "kid", "typ", "x5c", "x5t", "x5t#S256"]);
    assert_eq!(header(&profiled, &key()).keys().collect::<Vec<_>>(), ["alg", "kid", "typ"]);
    let required = profiled.x5t().prepare(&key(), now(), "j1");
    assert!(matches!(required, Err(OAuthError::NoCertificate { member: "x5t" })));
}

#[test]
fn extra_claims_cannot_overwrite() {
    for name in ["iss", "sub", "aud", "jti", "exp", "iat", "nbf"] {
        let result = builder().claim(name, "x");
        assert!(matches!(result, Err(OAuthError::ReservedClaim { name: found }) if found == name));
    }
}

#[test]
fn a_grant_and_an_assertion_are_made_in_the_same_way() {
    let server = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
    let grant = JwtGrant::builder("client", "client", &server).unwrap();
    let grant = grant.claim("tenant", "t1").unwrap().sign(&key(), now(), "j1").unwrap();
    let assertion = builder().media_type(Some("JWT")).claim("tenant", "t1").unwrap();
    assert_eq!(grant.secret(), assertion.sign(&key(), now(), "j1").unwrap().secret());
}

#[test]
fn what_does_not_fit_is_refused() {
    let server = AuthorizationServer::from_token_endpoint("https://as.example/token").unwrap();
    let error = |builder: ClientAssertionBuilder| builder.sign(&key(), now(), "j1").unwrap_err();
    assert!(matches!(error(ClientAssertion::builder("", &server)), OAuthError::ClientId { reason: "empty" }));
    assert!(matches!(error(ClientAssertion::builder("a\nb", &server)), OAuthError::ClientId { .. }));
    let limit = Duration::from_secs(86_400);
    for found in [Duration::ZERO, Duration::from_millis(999), Duration::MAX] {
        assert!(matches!(
            error(builder().lifetime(found)),
            OAuthError::Lifetime { found: f, limit: l, profile: None } if f == found && l == limit
        ));
    }
    assert!(matches!(error(builder().audience(Audience::Exactly(String::new()))), OAuthError::EmptyAudience));
    assert!(matches!(error(builder().x5c()), OAuthError::NoCertificate { member: "x5c" }));
    assert!(matches!(
        error(builder().profile(Profile::ping_one())),
        OAuthError::ProfileAlgorithm { profile: "PingOne", algorithm: Algorithm::EdDSA, .. }
    ));
    assert!(matches!(
        error(builder().profile(Profile::ping_one()).lifetime(Duration::from_secs(3601))),
        OAuthError::ProfileAlgorithm { .. }
    ));
    for jti in [String::new(), "x".repeat(257)] {
        let result = builder().prepare(&key(), now(), &jti);
        assert!(matches!(result, Err(OAuthError::TokenId { found }) if found == jti.len()));
    }
    let before_1970 = now() - time::Duration::seconds(NOW + 1);
    assert!(matches!(builder().prepare(&key(), before_1970, "j"), Err(OAuthError::Time)));
}

#[test]
fn a_signature_of_another_algorithm_is_not_attached() {
    let unsigned = builder().prepare(&key(), now(), "j1").unwrap();
    let other = key().with_algorithm(Algorithm::Ed25519).unwrap().sign(unsigned.signing_input()).unwrap();
    assert!(matches!(
        unsigned.attach(other),
        Err(OAuthError::SignatureAlgorithm { expected: Algorithm::EdDSA, found: Algorithm::Ed25519 })
    ));
}

#[test]
fn debug_is_redacted() {
    let assertion = builder().sign(&key(), now(), "j1").unwrap();
    let debug = format!("{assertion:?} {:?}", builder().prepare(&key(), now(), "j1").unwrap());
    assert!(!debug.contains("eyJ"), "{debug}");
}
