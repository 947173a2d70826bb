//! OpenID Connect: ID tokens, the userinfo endpoint, and the settings of tokens.

use std::time::Duration;

use private_key_jwt::jose::JwkSet as Jwks;
use private_key_jwt::oauth::Endpoint::{Introspection, PushedAuthorization};
use serde_json::json;

use super::authorization::{REQUEST, authorize, code, exchange};
use super::*;

/// A login in the browser with these additional parameters.
fn log_in(client: &Client, more: &[(&str, &str)], decided: OffsetDateTime, now: OffsetDateTime) -> Value {
    client.dev.log_in_as("user-7");
    let usual = REQUEST.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
    let pairs: Vec<_> = usual.chain(more.iter().copied()).collect();
    let code = code(&authorize(client, &pairs, decided));
    good(&client.token(&exchange(&code, &[]), now))
}

/// Header and claims of a JWT. The published keys verify its signature.
fn read(dev: &DevServer, token: &Value) -> (Value, Value) {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let token = token.as_str().unwrap();
    let jws = CompactJws::parse(token).unwrap();
    let published = body(&page(dev, dev.jwks_uri(), now()));
    let keys = PublicKeySet::from(Jwks::from_json(published.to_string().as_bytes()).unwrap());
    let key = keys.select(jws.header().key_id.as_ref(), jws.header().algorithm).unwrap();
    key.verify(jws.signing_input().as_bytes(), jws.signature()).unwrap();
    let header = Base64UrlUnpadded::decode_vec(token.split('.').next().unwrap()).unwrap();
    (serde_json::from_slice(&header).unwrap(), serde_json::from_slice(jws.payload()).unwrap())
}

/// OpenID Connect Core §3.1.3.6, computed in another way.
fn at_hash(token: &Value) -> String {
    use base64ct::{Base64UrlUnpadded, Encoding};
    use sha2::{Digest, Sha256};
    let hash = Sha256::digest(token.as_str().unwrap().as_bytes());
    Base64UrlUnpadded::encode_string(&hash[..16])
}

#[test]
fn oidc_core_2_a_login_with_openid_gets_an_id_token() {
    let client = Client::alone();
    let tokens = log_in(&client, &[("scope", "openid a"), ("nonce", "n-1 ~")], at(0), at(50));
    let members: Vec<&str> = tokens.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["access_token", "expires_in", "id_token", "refresh_token", "scope", "token_type"]);
    let (header, claims) = read(&client.dev, &tokens["id_token"]);
    let kid = text(&header["kid"]);
    assert_eq!(header, json!({"alg": "RS256", "typ": "JWT", "kid": kid}));
    let hash = at_hash(&tokens["access_token"]);
    let expected = json!({
        "iss": client.dev.issuer(), "sub": "user-7", "aud": "client", "iat": 1_700_000_050, "exp": 1_700_003_650,
        "auth_time": 1_700_000_000, "at_hash": hash, "nonce": "n-1 ~",
    });
    assert_eq!(claims, expected);

    // §12.2: the same user and the same time of authentication, and no nonce.
    let refreshed = good(&client.refresh(&tokens["refresh_token"], at(100)));
    let (_, claims) = read(&client.dev, &refreshed["id_token"]);
    assert_eq!(
        claims,
        json!({
            "iss": client.dev.issuer(), "sub": "user-7", "aud": "client", "iat": 1_700_000_100,
            "exp": 1_700_003_700, "auth_time": 1_700_000_000, "at_hash": at_hash(&refreshed["access_token"]),
        })
    );
    // Narrowed to other scopes, it is no longer an OpenID request.
    let narrowed = [("grant_type", "refresh_token"), ("scope", "a")];
    let token = [("refresh_token", refreshed["refresh_token"].as_str().unwrap())];
    assert_eq!(good(&client.token(&[&narrowed[..], &token].concat(), at(101))).get("id_token"), None);
}

#[test]
fn the_nonce_of_a_pushed_request_and_of_a_page_reaches_the_id_token() {
    let client = Client::alone();
    let pairs =
        [&REQUEST[..2], &REQUEST[3..], &[("scope", "openid"), ("nonce", "n"), ("client_id", "x")]].concat();
    let of_client: Vec<_> = pairs.iter().copied().filter(|(name, _)| *name != "client_id").collect();
    let pushed = client.ask(PushedAuthorization, &of_client, now());
    assert_eq!(pushed.status(), 201);
    let request_uri = text(&body(&pushed)["request_uri"]);
    client.dev.log_in_as("user-7");
    let code_of_pushed = code(&authorize(&client, &[("request_uri", &request_uri)], now()));
    client.dev.log_out();
    let shown = html(&authorize(&client, &of_client, now()));
    assert!(shown.contains("<input type=\"hidden\" name=\"nonce\" value=\"n\">"), "{shown}");
    let endpoint = client.dev.authorization_server().authorization_endpoint().unwrap();
    let decided = [&of_client[..], &[("client_id", "client"), ("decision", "approve")]].concat();
    let code_of_page = code(&press(&client.dev, endpoint, &decided, now()));
    for code in [code_of_pushed, code_of_page] {
        let tokens = good(&client.token(&exchange(&code, &[]), now()));
        assert_eq!(read(&client.dev, &tokens["id_token"]).1["nonce"], "n");
    }
}

#[test]
fn a_device_gets_an_id_token_and_a_client_in_its_own_name_none() {
    let client = Client::alone();
    let tokens = client.log_in("openid", at(3));
    let (_, claims) = read(&client.dev, &tokens["id_token"]);
    assert_eq!(
        (&claims["sub"], &claims["aud"], &claims["auth_time"], claims.get("nonce")),
        (&json!("user-1"), &json!("client"), &json!(1_700_000_003), None)
    );
    assert_eq!(client.log_in("a", now()).get("id_token"), None);
    let own = [("grant_type", "client_credentials"), ("scope", "openid")];
    assert_eq!(good(&client.token(&own, now())).get("id_token"), None);
}

#[test]
fn oidc_core_3_1_2_6_without_a_user_prompt_none_ends_with_login_required() {
    let client = Client::alone();
    let pairs = [&REQUEST[..], &[("prompt", "none")]].concat();
    let location = |response: http::Response<Vec<u8>>| {
        assert_eq!(response.status(), 303);
        response.headers()["location"].to_str().unwrap().to_owned()
    };
    assert!(location(authorize(&client, &pairs, now())).contains("error=login_required&"));
    client.dev.log_in_as("user-7");
    assert!(location(authorize(&client, &pairs, now())).contains("code="));
}

fn userinfo(dev: &DevServer, header: Option<&str>, now: OffsetDateTime) -> http::Response<Vec<u8>> {
    let mut request = http::Request::get(dev.userinfo_endpoint());
    if let Some(header) = header {
        request = request.header("authorization", header);
    }
    dev.respond(&request.body(Vec::new()).unwrap(), now)
}

#[test]
fn oidc_core_5_3_the_userinfo_endpoint_says_the_subject() {
    let client = Client::alone();
    let tokens = log_in(&client, &[("scope", "openid a")], now(), now());
    let token = text(&tokens["access_token"]);
    let expected = json!({"sub": "user-7"});
    for header in [format!("Bearer {token}"), format!("bearer {token}")] {
        assert_eq!(good(&userinfo(&client.dev, Some(&header), at(10))), expected);
    }
    let post = |header: bool, body: String| {
        let mut request = http::Request::post(client.dev.userinfo_endpoint());
        if header {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        client.dev.respond(&request.body(body.into_bytes()).unwrap(), now())
    };
    assert_eq!(good(&post(true, String::new())), expected);
    assert_eq!(good(&post(false, format!("access_token={token}"))), expected);
    assert_eq!(
        refusal(&post(true, format!("access_token={token}"))),
        invalid_request("the request has an access token in the header and in the form; send it once")
    );
    let in_url =
        page(&client.dev, &format!("{}?access_token={token}", client.dev.userinfo_endpoint()), now());
    assert_eq!(
        refusal(&in_url),
        invalid_request(
            "the access token is in the URL; send it in the Authorization header (RFC 6750 section 2.3)"
        )
    );
}

#[test]
fn rfc6750_3_what_is_no_token_of_a_user_is_refused_with_a_challenge() {
    let client = Client::alone();
    let realm = format!("Bearer realm=\"{}\"", client.dev.issuer());
    let bare = userinfo(&client.dev, None, now());
    assert_eq!(bare.status(), 401);
    assert_eq!(bare.headers()["www-authenticate"], realm.as_str());

    let tokens = log_in(&client, &[("scope", "openid")], now(), now());
    let other = Client::alone();
    let foreign = other.log_in("openid", now())["access_token"].clone();
    let without = client.log_in("a", now())["access_token"].clone();
    let ask = |token: &Value, now| {
        let response = userinfo(&client.dev, Some(&format!("Bearer {}", token.as_str().unwrap())), now);
        let challenge = response.headers()["www-authenticate"].to_str().unwrap().to_owned();
        (refusal(&response), challenge)
    };
    for (token, when, reason) in [
        (&foreign, now(), "is not a token of this server"),
        (&tokens["id_token"], now(), "is an ID token, not an access token"),
        (&tokens["refresh_token"], now(), "is a refresh token of client `client`"),
        (&tokens["access_token"], at(3601), "expired at 2023-11-14T23:13:20Z, 1 s ago"),
        (&json!("x"), now(), "is not a JWT that this server has issued"),
    ] {
        let description = format!("the access token {reason}");
        let expected = refused(401, "invalid_token", &description);
        let challenge = format!("{realm}, error=\"invalid_token\", error_description=\"{description}\"");
        assert_eq!(ask(token, when), (expected, challenge));
    }
    let description = "the access token does not have the scope `openid`";
    let challenge = format!(
        "{realm}, error=\"insufficient_scope\", error_description=\"{description}\", scope=\"openid\""
    );
    assert_eq!(ask(&without, now()), (refused(403, "insufficient_scope", description), challenge));
    // Any other scheme counts as no token, and an unknown token is an error (RFC 6750 §3.1).
    for (header, found) in [("Basic YTpi", "Basic"), ("DPoP x", "DPoP"), ("x", "without a scheme")] {
        let response = userinfo(&client.dev, Some(header), now());
        let description =
            format!("the Authorization header is {found}, expected `Bearer` and an access token");
        assert_eq!(refusal(&response), refused(401, "invalid_request", &description));
        assert_eq!(response.headers()["www-authenticate"], realm.as_str());
    }
    let response = userinfo(&client.dev, Some("Bearer"), now());
    let description = "the Authorization header is `Bearer` without an access token";
    assert_eq!(refusal(&response), invalid_request(description));
    let challenge = format!("{realm}, error=\"invalid_request\", error_description=\"{description}\"");
    assert_eq!(response.headers()["www-authenticate"], challenge.as_str());
    let in_url = page(&client.dev, &format!("{}?access_token=x", client.dev.userinfo_endpoint()), now());
    let challenge = in_url.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.starts_with(&format!("{realm}, error=\"invalid_request\"")), "{challenge}");
}

#[test]
fn tokens_are_signed_and_typed_as_the_settings_say() {
    for (algorithm, media_type) in [
        (Algorithm::RS256, Some("at+jwt")),
        (Algorithm::ES256, Some("JWT")),
        (Algorithm::EdDSA, None),
        (Algorithm::PS256, Some("application/at+jwt")),
    ] {
        let dev = DevServer::builder().token_algorithm(algorithm).token_media_type(media_type);
        let client = Client::of(&dev.build(ORIGIN).unwrap(), "client");
        let tokens = log_in(&client, &[("scope", "openid")], now(), now());
        let (header, _) = read(&client.dev, &tokens["access_token"]);
        assert_eq!(header["alg"], algorithm.as_str());
        assert_eq!(header.get("typ").and_then(Value::as_str), media_type);
        // Settings of access tokens do not change ID tokens, which every client must accept.
        assert_eq!(read(&client.dev, &tokens["id_token"]).0["alg"], "RS256");
        let keys = client.dev.jwks().keys().len();
        assert_eq!(keys, if algorithm == Algorithm::RS256 { 1 } else { 2 });

        let token = text(&tokens["access_token"]);
        assert!(client.is_active(&tokens["access_token"], now()));
        assert!(!client.is_active(&tokens["id_token"], now()));
        assert_eq!(good(&userinfo(&client.dev, Some(&format!("Bearer {token}")), now()))["sub"], "user-7");
    }
}

#[test]
fn the_longest_life_of_an_assertion_is_a_setting() {
    let (short, key) = dev();
    let long = DevServer::builder().longest_lifetime(Duration::from_secs(3600)).build(ORIGIN).unwrap();
    long.register("client", jwks(&key)).unwrap();
    let living = |seconds| request(&short, &key, |it| it.lifetime(Duration::from_secs(seconds)));
    let usual = DevServer::LONGEST_LIFETIME.as_secs();
    assert_eq!(short.respond(&living(usual), now()).status(), 200);
    assert_eq!(refusal(&short.respond(&living(2 * usual), now())).1, "invalid_client");
    for seconds in [600, 3600] {
        assert_eq!(long.respond(&living(seconds), now()).status(), 200);
    }
    assert_eq!(refusal(&long.respond(&living(3611), now())).1, "invalid_client");
}

#[test]
fn a_log_line_says_why_a_token_is_not_active() {
    let client = Client::alone();
    let id_token = client.log_in("openid", now())["id_token"].clone();
    let asked = client.request(Introspection, &[("token", id_token.as_str().unwrap())], now());
    let exchange = client.dev.handle(&asked, now());
    assert_eq!(good(&exchange.response), json!({"active": false}));
    let line = "200 client=client alg=ES256 active=false: the token is an ID token, not an access token";
    assert!(exchange.outcome.ends_with(line), "{}", exchange.outcome);
}

#[test]
fn an_assertion_is_reused_only_where_that_is_a_setting() {
    let lenient = DevServer::builder().reusable_assertions().build(ORIGIN).unwrap();
    let (strict, key) = dev();
    lenient.register("client", jwks(&key)).unwrap();
    let request = request(&strict, &key, as_it_is);
    for (dev, second) in [(&strict, 400), (&lenient, 200)] {
        assert_eq!(dev.respond(&request, now()).status(), 200);
        assert_eq!(dev.respond(&request, at(1)).status(), second);
        // It still expires.
        assert_eq!(dev.respond(&request, at(70)).status(), 400);
    }
}

#[test]
fn an_assertion_without_a_jti_is_accepted_once_and_only_where_that_is_a_setting() {
    let lenient = DevServer::builder().accept_missing_jti().build(ORIGIN).unwrap();
    let (strict, key) = dev();
    lenient.register("client", jwks(&key)).unwrap();
    let claims = json!({"iss": "client", "sub": "client", "aud": strict.issuer(),
        "iat": now().unix_timestamp(), "exp": now().unix_timestamp() + 60});
    let header = json!({"alg": "ES256", "kid": key.key_id().as_str()});
    let assertion = super::jwt_bearer::signed(&key, header, claims);
    let asked = request(&strict, &key, as_it_is);
    let others = form(&asked).into_iter().filter(|(name, _)| name != "client_assertion");
    let bare = with_form(&asked, others.chain([("client_assertion".to_owned(), assertion)]));
    assert_eq!(
        refusal(&strict.respond(&bare, now())),
        invalid_client(
            "the claim `jti` is missing; OpenID Connect Core section 9 requires it; \
             kafka-clients adds it with `sasl.oauthbearer.assertion.claim.jti.include=true`, \
             the builder's `accept_missing_jti` and `pkjwt serve --accept-missing-jti` turn this check off"
        )
    );
    assert_eq!(lenient.respond(&bare, now()).status(), 200);
    let (_, _, description) = refusal(&lenient.respond(&bare, now()));
    let said = "without a `jti`, two assertions made in one second are the same; the builder's `reusable_assertions`";
    assert!(description.contains(said), "{description}");
}
