//! JWTs of issuers that the server trusts (RFC 7523 §2.1).

use private_key_jwt::dev_server::DevServerError;
use private_key_jwt::oauth::{JwtGrant, JwtGrantBuilder, OAuthError};
use serde_json::json;
use std::time::Duration;

use super::*;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const STS: &str = "https://sts.example";

/// A client of a server that trusts an issuer, and the issuer's key.
fn trusting() -> (Client, PrivateKey) {
    let (client, key) = (Client::alone(), es256());
    client.dev.trust_issuer(STS, jwks(&key));
    (client, key)
}

fn vouch(
    client: &Client,
    key: &PrivateKey,
    change: impl FnOnce(JwtGrantBuilder) -> Result<JwtGrantBuilder, OAuthError>,
) -> JwtGrant {
    let builder = JwtGrant::builder(STS, "user-7", client.dev.authorization_server()).and_then(change);
    builder.unwrap().sign(key, now(), fresh()).unwrap()
}

fn ask(client: &Client, assertion: &str, now: OffsetDateTime) -> http::Response<Vec<u8>> {
    client.token(&[("grant_type", GRANT), ("assertion", assertion), ("scope", "a")], now)
}

fn invalid_grant(description: &str) -> (u16, String, String) {
    refused(400, "invalid_grant", &format!("the assertion of the grant: {description}"))
}

/// A JWT of these claims, whatever they are.
pub(crate) fn signed(key: &PrivateKey, header: Value, claims: Value) -> String {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let part = |value: Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
    let input = format!("{}.{}", part(header), part(claims));
    let signature = key.sign(input.as_bytes()).unwrap();
    format!("{input}.{}", Base64UrlUnpadded::encode_string(signature.as_bytes()))
}

#[test]
fn a_token_for_the_subject_and_none_to_refresh_it_with() {
    let (client, key) = trusting();
    let grant = vouch(&client, &key, Ok);
    let pairs = [("grant_type", GRANT), ("assertion", grant.secret()), ("scope", "a")];
    let exchange = client.dev.handle(&client.request(Endpoint::Token, &pairs, now()), now());
    let tokens = good(&exchange.response);
    let members: Vec<&str> = tokens.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["access_token", "expires_in", "scope", "token_type"]);
    let mut claims = claims(&client.dev, tokens["access_token"].as_str().unwrap());
    claims.as_object_mut().unwrap().remove("jti").unwrap();
    assert_eq!(
        claims,
        json!({"iss": client.dev.issuer(), "sub": "user-7", "client_id": "client", "scope": "a",
            "aud": DevServer::DEFAULT_AUDIENCE, "iat": 1_700_000_000, "exp": 1_700_003_600})
    );
    let line = "200 client=client alg=ES256 grant=jwt-bearer sub=\"user-7\" scope=\"a\"";
    assert!(exchange.outcome.ends_with(line), "{}", exchange.outcome);
    assert!(!exchange.outcome.contains("eyJ"));
    // Each issuer's jti is valid once.
    assert_eq!(
        refusal(&ask(&client, grant.secret(), at(1))),
        invalid_grant("the `jti` of the assertion was used before; every assertion needs a new one")
    );
}

#[test]
fn rfc7523_3_the_audience_is_the_issuer_or_the_token_endpoint_perhaps_among_others() {
    let (client, key) = trusting();
    let endpoint = client.dev.token_endpoint().to_owned();
    let issuer = client.dev.issuer().to_owned();
    let grant = vouch(&client, &key, |builder| builder.audience(&endpoint));
    assert_eq!(ask(&client, grant.secret(), now()).status(), 200);
    let header = json!({"alg": "ES256", "kid": key.key_id().as_str()});
    let with = |aud: Value| {
        let claims = json!({"iss": STS, "sub": "user-7", "aud": aud, "exp": now().unix_timestamp() + 60});
        ask(&client, &signed(&key, header.clone(), claims), now())
    };
    assert_eq!(with(json!(["https://other.example", &issuer])).status(), 200);
    // Without a jti it is valid until it expires.
    assert_eq!(with(json!(["https://other.example", &issuer])).status(), 200);
    let expected = format!("expected `{issuer}` or `{endpoint}`");
    assert_eq!(
        refusal(&with(json!("https://other.example"))),
        invalid_grant(&format!("the audience is `https://other.example`, {expected}"))
    );
    assert_eq!(refusal(&with(json!([]))), invalid_grant(&format!("the audience is ``, {expected}")));
    assert_eq!(
        refusal(&with(json!(7))),
        invalid_grant("the claim `aud` is the number 7, not a string or an array of strings")
    );
}

#[test]
fn rfc7523_3_1_what_does_not_hold_is_refused_with_the_check_that_failed() {
    let (client, key) = trusting();
    let refusal_of = |assertion: &str, now| refusal(&ask(&client, assertion, now));
    let forged = es256().with_key_id(key.key_id().as_str());
    assert_eq!(
        refusal_of(vouch(&client, &forged, Ok).secret(), now()),
        invalid_grant("the signature does not verify")
    );
    let unnamed = es256();
    assert_eq!(
        refusal_of(vouch(&client, &unnamed, Ok).secret(), now()),
        invalid_grant(&format!(
            "no key in the set fits ES256 and `kid` '{}': no key has that `kid`; the set has '{}'",
            unnamed.key_id(),
            key.key_id()
        ))
    );
    let stranger =
        JwtGrant::builder("https://other.example", "u", client.dev.authorization_server()).unwrap();
    let stranger = stranger.sign(&key, now(), fresh()).unwrap();
    assert_eq!(
        refusal_of(stranger.secret(), now()),
        invalid_grant("the issuer `https://other.example` is not trusted, trusted: `https://sts.example`")
    );
    let grant = vouch(&client, &key, Ok);
    assert_eq!(
        refusal_of(grant.secret(), at(70)),
        invalid_grant("the JWT expired at 2023-11-14T22:14:20Z, 10 s ago (now is 2023-11-14T22:14:30Z)")
    );
    assert_eq!(
        refusal_of(grant.secret(), at(-11)),
        invalid_grant(
            "the claim `iat` is 2023-11-14T22:13:20Z, 11 s in the future (now is 2023-11-14T22:13:09Z)"
        )
    );
    let day = 24 * 3600;
    let long = vouch(&client, &key, |builder| builder.lifetime(Duration::from_secs(day)));
    assert_eq!(ask(&client, long.secret(), now()).status(), 200);
    let header = json!({"alg": "ES256", "kid": key.key_id().as_str()});
    let claims = |exp: u64| json!({"iss": STS, "sub": "u", "aud": client.dev.issuer(), "iat": 1_700_000_000, "exp": 1_700_000_000 + exp});
    assert_eq!(
        refusal_of(&signed(&key, header.clone(), claims(day + 11)), now()),
        invalid_grant("the assertion lives 86411 s, at most 86400 s are accepted")
    );
    for missing in ["iss", "sub", "aud", "exp"] {
        let mut claims = claims(60);
        claims.as_object_mut().unwrap().remove(missing);
        assert_eq!(
            refusal_of(&signed(&key, header.clone(), claims), now()),
            invalid_grant(&format!("the claim `{missing}` is missing"))
        );
    }
    assert_eq!(refusal_of("a.b", now()), invalid_grant("a compact JWS has three parts, found 2"));
    let none = "eyJhbGciOiJub25lIn0.e30.";
    assert_eq!(refusal_of(none, now()), invalid_grant("unsupported algorithm `none`"));
    let big = "a".repeat(16 * 1024 + 1);
    assert_eq!(refusal_of(&big, now()), invalid_grant("the JWT has 16385 bytes, at most 16384 are read"));
    // None of these used it up.
    assert_eq!(ask(&client, grant.secret(), now()).status(), 200);
}

#[test]
fn rfc8725_3_11_no_other_kind_of_token_is_a_grant() {
    let (client, key) = trusting();
    for media_type in ["client-authentication+jwt", "at+jwt", "x"] {
        let grant = vouch(&client, &key, |builder| Ok(builder.media_type(Some(media_type))));
        assert_eq!(
            refusal(&ask(&client, grant.secret(), now())),
            invalid_grant(&format!("the typ is `{media_type}`, expected `JWT` or none"))
        );
    }
    let untyped = vouch(&client, &key, |builder| Ok(builder.media_type(None)));
    assert_eq!(ask(&client, untyped.secret(), now()).status(), 200);
    // A grant does not authenticate its issuer, even if the issuer is a client.
    client.dev.register(STS, jwks(&key)).unwrap();
    let grant = vouch(&client, &key, Ok);
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("grant_type", "client_credentials"),
            ("client_assertion_type", private_key_jwt::oauth::CLIENT_ASSERTION_TYPE),
            ("client_assertion", grant.secret()),
        ])
        .finish();
    let request = http::Request::post(client.dev.token_endpoint())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.into_bytes())
        .unwrap();
    let refusal = refusal(&client.dev.respond(&request, now()));
    assert_eq!(
        refusal,
        invalid_client(&format!("iss is `{STS}`, sub is `user-7`; both must be the client id"))
    );
}

#[test]
fn rfc8725_3_12_the_assertion_of_the_client_is_no_grant_as_well() {
    let client = Client::alone();
    for name in ["assertion", "subject_token", "actor_token"] {
        let request = client.request(Endpoint::Token, &[("grant_type", GRANT)], now());
        let mut pairs = form(&request);
        let own = pairs.iter().find(|(name, _)| name == "client_assertion").unwrap().1.clone();
        pairs.push((name.to_owned(), own));
        assert_eq!(
            refusal(&client.dev.respond(&with_form(&request, pairs), now())),
            invalid_client(&format!("the client_assertion is also the `{name}`; each needs its own JWT"))
        );
    }
}

#[test]
fn an_issuer_without_a_name_is_not_trusted() {
    let (client, key) = trusting();
    let header = json!({"alg": "ES256", "kid": key.key_id().as_str()});
    for blank in ["", " "] {
        client.dev.trust_issuer(blank, jwks(&key));
        let claims = json!({"iss": blank, "sub": "user-7", "aud": client.dev.issuer(),
            "exp": now().unix_timestamp() + 60});
        assert_eq!(
            refusal(&ask(&client, &signed(&key, header.clone(), claims), now())),
            invalid_grant(&format!("the issuer `{blank}` is not trusted, trusted: `{STS}`"))
        );
        let refused = client.dev.register(blank, jwks(&key));
        assert!(matches!(refused, Err(DevServerError::ClientId { reason: "empty" })));
    }
}
