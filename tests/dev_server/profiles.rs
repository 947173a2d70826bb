//! The server stands in for a provider: as strict, and as terse.

use std::time::Duration;

use private_key_jwt::dev_server::DevServerBuilder;
use private_key_jwt::{Profile, TokenClient};
use serde_json::json;

use super::authorization::{CALLBACK, CHALLENGE};
use super::*;

/// A server with one client.
fn strict(builder: DevServerBuilder, keys: &[&PrivateKey]) -> DevServer {
    let dev = builder.build(ORIGIN).unwrap();
    dev.register("client", keys.iter().map(|key| key.public_jwk().clone()).collect::<JwkSet>()).unwrap();
    dev
}

fn named(name: &str) -> Profile {
    Profile::known().find(|(found, _)| *found == name).unwrap().1
}

/// A key that a profile accepts, with a certificate if there is one for it.
fn key_for(profile: &Profile) -> PrivateKey {
    let algorithm = profile.rules().algorithms()[0];
    let file = match algorithm.as_str().get(..2) {
        Some("RS" | "PS") => "rsa2048.key-then-chain.pem",
        _ => return sample(algorithm),
    };
    support::key(file).with_algorithm(algorithm).unwrap()
}

/// A token request with this header and these claims, signed. `null` removes a claim.
fn signed(key: &PrivateKey, header: Value, claims: Value, now: i64) -> Vec<u8> {
    let mut all =
        json!({"iss": "client", "sub": "client", "aud": "", "jti": fresh(), "iat": now, "exp": now + 60});
    let mut head = json!({"alg": key.algorithm().as_str(), "kid": key.key_id().as_str(), "typ": "JWT"});
    for (target, changes) in [(&mut all, claims), (&mut head, header)] {
        for (name, value) in changes.as_object().unwrap() {
            target.as_object_mut().unwrap().insert(name.clone(), value.clone());
        }
        target.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    }
    let encode = |value: &Value| base64url(value.to_string().as_bytes());
    let input = format!("{}.{}", encode(&head), encode(&all));
    let signature = base64url(key.sign(input.as_bytes()).unwrap().as_bytes());
    let pairs = [
        ("grant_type", "client_credentials".to_owned()),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned()),
        ("client_assertion", format!("{input}.{signature}")),
        ("client_id", "client".to_owned()),
    ];
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish().into_bytes()
}

fn post(dev: &DevServer, endpoint: Endpoint, form: Vec<u8>) -> http::Response<Vec<u8>> {
    let url = dev.authorization_server().endpoint(endpoint).unwrap();
    let request = http::Request::post(url).header("content-type", "application/x-www-form-urlencoded");
    dev.respond(&request.body(form).unwrap(), now())
}

/// Status and body.
fn said(response: &http::Response<Vec<u8>>) -> (u16, Value) {
    (response.status().as_u16(), body(response))
}

#[tokio::test]
async fn every_named_profile_is_accepted_by_its_own_server_at_every_endpoint() {
    for (name, profile) in Profile::known() {
        let key = key_for(&profile);
        let dev = strict(DevServer::builder().profile(profile.clone()), &[&key]);
        let server = dev.authorization_server().clone();
        let client = TokenClient::builder(server, "client", key).profile(profile).http(dev);
        let client = client.build().unwrap();
        let token = client.token("api:read").await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(client.introspect(token.secret()).await.unwrap().is_active(), "{name}");
        client.revoke(token.secret()).await.unwrap();
        client.authorize_device("api:read").await.unwrap();
    }
}

#[test]
fn every_named_profile_refuses_what_its_provider_refuses_in_its_words() {
    let at = now().unix_timestamp();
    let issuer = format!("{ORIGIN}/{}/as", DevServer::ENVIRONMENT_ID);
    let token = format!("{issuer}/token");
    let client = |text: &str| json!({"error": "invalid_client", "error_description": text});
    let bare = || json!({"error": "invalid_client"});
    let aud = |aud: &str| json!({"aud": aud});
    let none = || json!({});
    let cases = [
        (
            "okta",
            none(),
            aud(&issuer),
            401,
            client("The audience claim for client_assertion must be the endpoint invoked for the request."),
        ),
        ("okta", json!({"kid": "x"}), aud(&token), 401, client("The client_assertion JWT kid is invalid.")),
        (
            "okta",
            none(),
            json!({"aud": token, "exp": at - 11}),
            401,
            client("The client_assertion token is expired."),
        ),
        (
            "okta",
            none(),
            json!({"aud": token, "exp": at + 3620}),
            401,
            client("The client_assertion token has an expiration too far into the future."),
        ),
        ("okta", none(), json!({"aud": token, "sub": "x"}), 401, bare()),
        ("auth0", none(), aud(&token), 401, bare()),
        ("auth0", none(), json!({"aud": issuer, "exp": at + 320}), 401, bare()),
        ("auth0", none(), json!({"aud": issuer, "jti": null}), 401, bare()),
        ("keycloak", none(), aud(&format!("{issuer}/revoke")), 400, client("Invalid token audience")),
        ("keycloak", none(), json!({"aud": [issuer, token]}), 400, client("Multiple audiences not allowed")),
        ("keycloak", none(), json!({"aud": issuer, "jti": null}), 400, client("Token jti claim is required")),
        (
            "keycloak",
            none(),
            json!({"aud": issuer, "iat": at + 16}),
            400,
            client("Token was issued in the future"),
        ),
        (
            "keycloak",
            none(),
            json!({"aud": issuer, "iat": at - 76, "exp": at + 60}),
            400,
            client("Token was issued too far in the past to be used now"),
        ),
        (
            "keycloak",
            none(),
            json!({"aud": issuer, "iat": null, "exp": at + 76}),
            400,
            client("Token expiration is too far in the future and iat claim not present in token"),
        ),
        ("keycloak", none(), json!({"aud": issuer, "exp": at - 16}), 400, client("Token is not active")),
        ("keycloak", json!({"kid": "x"}), aud(&issuer), 400, client("Unable to load public key")),
        (
            "keycloak",
            none(),
            json!({"aud": issuer, "iss": "x", "sub": "x"}),
            400,
            client("client_id parameter does not match sub claim"),
        ),
        (
            "ping-one",
            none(),
            aud("https://other.example"),
            401,
            client("Request denied: Invalid client credentials"),
        ),
        ("ping-federate", none(), aud("x"), 401, client("Invalid client or client credentials.")),
        (
            "ibm-verify",
            none(),
            aud("x"),
            401,
            client("CSIAQ0155E The requested OAuth 2.0 Client could not be authenticated."),
        ),
        ("spring", none(), aud("x"), 401, bare()),
        (
            "hydra",
            none(),
            aud(&issuer),
            401,
            client(
                "Client authentication failed (e.g., unknown client, no client authentication included, or unsupported authentication method). Claim 'audience' from 'client_assertion' must match the authorization server's token endpoint.",
            ),
        ),
        (
            "hydra",
            none(),
            json!({"aud": token, "iat": at + 1}),
            500,
            json!({"error": "error", "error_description": "The error is unrecognizable"}),
        ),
        (
            "zitadel",
            none(),
            json!({"aud": issuer, "iat": at + 2}),
            400,
            json!({"error": "invalid_grant", "error_description": "issuedAt of token is in the future"}),
        ),
        (
            "nhs-england",
            json!({"typ": null}),
            aud(&token),
            400,
            json!({"error": "invalid_request", "error_description": "Invalid 'typ' header in client_assertion JWT"}),
        ),
        ("forgerock", none(), aud(&issuer), 401, client("Audience validation failed")),
        (
            "login-gov",
            none(),
            aud(&issuer),
            400,
            json!({"error": "Client assertion Invalid audience claim, expected the token endpoint"}),
        ),
    ];
    for (name, header, mut claims, status, expected) in cases {
        let profile = named(name);
        let key = key_for(&profile);
        let dev = strict(DevServer::builder().profile(profile), &[&key]);
        // The issuer of Auth0 ends with a slash.
        if claims["aud"] == issuer {
            claims["aud"] = dev.issuer().into();
        }
        let answer = post(&dev, Endpoint::Token, signed(&key, header.clone(), claims.clone(), at));
        assert_eq!(said(&answer), (status, expected), "{name} {header} {claims}");
    }
}

#[test]
fn smart_demands_its_type_and_a_kid() {
    let profile = named("smart-backend-services");
    let key = key_for(&profile);
    let dev = strict(DevServer::builder().profile(profile), &[&key]);
    let aud = json!({"aud": dev.token_endpoint()});
    let at = now().unix_timestamp();
    for (header, text) in [
        (json!({"typ": "client-authentication+jwt"}), "Invalid token 'typ' header. Must be 'JWT'."),
        (json!({"kid": null}), "Missing token 'kid' header"),
    ] {
        let answer = post(&dev, Endpoint::Token, signed(&key, header, aud.clone(), at));
        assert_eq!(said(&answer), (401, json!({"error": "invalid_client", "error_description": text})));
    }
}

#[test]
fn entra_id_repeats_its_number_as_a_member() {
    let profile = Profile::entra_id();
    let key = key_for(&profile);
    let dev = strict(DevServer::builder().profile(profile), &[&key]);
    let at = now().unix_timestamp();
    let answer = |header, claims| said(&post(&dev, Endpoint::Token, signed(&key, header, claims, at)));
    let entra = |code: u32, text: &str| {
        json!({"error": "invalid_client", "error_description": text, "error_codes": [code],
            "error_uri": format!("https://login.microsoftonline.com/error?code={code}")})
    };
    assert_eq!(
        answer(json!({}), json!({"aud": dev.issuer()})),
        (401, entra(700_023, "AADSTS700023: Client assertion audience claim does not match Realm issuer."))
    );
    let (status, body) = answer(json!({"kid": null}), json!({"aud": dev.token_endpoint()}));
    assert_eq!((status, &body["error_codes"]), (401, &json!([5_002_723])));
    let (status, body) = answer(json!({}), json!({"aud": dev.token_endpoint(), "jti": null}));
    assert_eq!(
        (status, &body["error"], &body["error_codes"]),
        (400, &"invalid_request".into(), &json!([90_014]))
    );
}

#[test]
fn the_log_says_why_where_the_answer_does_not() {
    let key = sample(Algorithm::RS256);
    let dev = strict(DevServer::builder().profile(Profile::auth0()), &[&key]);
    let form = signed(&key, json!({}), json!({"aud": dev.token_endpoint()}), now().unix_timestamp());
    let request = http::Request::post(dev.token_endpoint())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .unwrap();
    let exchange = dev.handle(&request, now());
    assert_eq!(said(&exchange.response), (401, json!({"error": "invalid_client"})));
    assert_eq!(
        exchange.outcome,
        format!(
            "POST /{}/as/token 401 client=client invalid_client: the audience is `{}`, expected `{}`",
            DevServer::ENVIRONMENT_ID,
            dev.token_endpoint(),
            dev.issuer()
        )
    );
}

#[test]
fn an_assertion_is_used_once_only_where_the_provider_says_so() {
    for (name, once) in
        [("okta", true), ("auth0", true), ("keycloak", true), ("entra-id", false), ("ping-one", false)]
    {
        let profile = named(name);
        let key = key_for(&profile);
        let dev = strict(DevServer::builder().profile(profile.clone()), &[&key]);
        let aud = match profile.rules().audience() {
            Some(private_key_jwt::Audience::Issuer) | None => dev.issuer(),
            _ => dev.token_endpoint(),
        };
        let form = signed(&key, json!({}), json!({"aud": aud}), now().unix_timestamp());
        assert_eq!(post(&dev, Endpoint::Token, form.clone()).status(), 200, "{name}");
        let again = post(&dev, Endpoint::Token, form);
        assert_eq!(again.status().is_success(), !once, "{name}");
    }
}

#[test]
fn okta_needs_a_kid_only_if_the_client_has_several_keys() {
    let (one, other) = (sample(Algorithm::ES256), sample(Algorithm::RS256));
    for (keys, status) in [(vec![&one], 200), (vec![&one, &other], 401)] {
        let dev = strict(DevServer::builder().profile(Profile::okta()), &keys);
        let claims = json!({"aud": dev.token_endpoint()});
        let form = signed(&one, json!({"kid": null}), claims, now().unix_timestamp());
        assert_eq!(post(&dev, Endpoint::Token, form).status(), status);
    }
}

#[test]
fn a_setting_takes_precedence_over_the_profile_whatever_the_order() {
    let key = sample(Algorithm::RS256);
    let lifetime = Duration::from_secs(3600);
    for builder in [
        DevServer::builder().profile(Profile::auth0()).longest_lifetime(lifetime).reusable_assertions(),
        DevServer::builder().longest_lifetime(lifetime).reusable_assertions().profile(Profile::auth0()),
    ] {
        let dev = strict(builder.accept_missing_jti(), &[&key]);
        let at = now().unix_timestamp();
        let claims = json!({"aud": dev.issuer(), "exp": at + 3600, "jti": null});
        let form = signed(&key, json!({}), claims, at);
        assert_eq!(post(&dev, Endpoint::Token, form.clone()).status(), 200);
        assert_eq!(post(&dev, Endpoint::Token, form).status(), 200);
    }
}

#[test]
fn a_profile_of_the_users_own_sets_the_rules_and_the_server_explains() {
    let key = sample(Algorithm::ES256);
    let bank = Profile::new("my bank")
        .audience(private_key_jwt::Audience::TokenEndpoint)
        .algorithms([Algorithm::PS256])
        .longest_lifetime(Duration::from_secs(30));
    let dev = strict(DevServer::builder().profile(bank), &[&key]);
    let at = now().unix_timestamp();
    let form = signed(&key, json!({}), json!({"aud": dev.issuer()}), at);
    assert_eq!(
        refusal(&post(&dev, Endpoint::Token, form)),
        invalid_client("the algorithm is ES256, allowed: PS256")
    );
}

#[test]
fn the_metadata_lists_the_algorithms_of_the_profile() {
    let metadata = |builder: DevServerBuilder| {
        let dev = builder.build(ORIGIN).unwrap();
        let base = dev.issuer().trim_end_matches('/');
        let url = format!("{base}/.well-known/openid-configuration");
        body(&dev.respond(&http::Request::get(url).body(Vec::new()).unwrap(), now()))
    };
    let algorithms = "token_endpoint_auth_signing_alg_values_supported";
    let auth0 = metadata(DevServer::builder().profile(Profile::auth0()));
    assert_eq!(auth0[algorithms], json!(["RS256", "RS384", "PS256"]));
    assert_eq!(auth0.get("require_pushed_authorization_requests"), None);
    let fapi2 = metadata(DevServer::builder().profile(Profile::fapi2()));
    assert_eq!(fapi2[algorithms], json!(["PS256", "ES256", "EdDSA", "Ed25519"]));
    assert_eq!(fapi2["require_pushed_authorization_requests"], true);
    assert_eq!(fapi2["id_token_signing_alg_values_supported"], json!(["PS256"]));
    assert_eq!(fapi2["authorization_response_iss_parameter_supported"], true);
    assert_eq!(fapi2["code_challenge_methods_supported"], json!(["S256"]));
}

#[test]
fn fapi2_5_3_2_1_the_audience_is_the_issuer_as_a_string_and_nothing_else() {
    let key = sample(Algorithm::ES256);
    let dev = strict(DevServer::builder().profile(Profile::fapi2()), &[&key]);
    let at = now().unix_timestamp();
    for endpoint in Endpoint::ALL {
        let url = dev.authorization_server().endpoint(endpoint).unwrap();
        for aud in [url, dev.token_endpoint()] {
            let answer = post(&dev, endpoint, with_token(signed(&key, json!({}), json!({"aud": aud}), at)));
            assert_eq!(
                refusal(&answer),
                invalid_client(&format!("the audience is `{aud}`, expected `{}`", dev.issuer())),
                "{endpoint:?}"
            );
        }
        let aud = json!({"aud": [dev.issuer()]});
        let answer = post(&dev, endpoint, with_token(signed(&key, json!({}), aud, at)));
        assert_eq!(refusal(&answer), invalid_client("the claim `aud` is an array, not a string"));
        let aud = json!({"aud": dev.issuer()});
        let answer = post(&dev, endpoint, with_token(signed(&key, json!({}), aud, at)));
        assert!(answer.status() != 401 && !String::from_utf8_lossy(answer.body()).contains("invalid_client"));
    }
}

/// The same form, with a token for the endpoints that need one.
fn with_token(mut form: Vec<u8>) -> Vec<u8> {
    form.extend_from_slice(b"&token=x");
    form
}

#[test]
fn fapi2_5_4_1_only_ps256_es256_and_ed25519_sign_assertions_and_ps256_signs_tokens() {
    for algorithm in Algorithm::ALL {
        let key = sample(algorithm);
        let dev = strict(DevServer::builder().profile(Profile::fapi2()), &[&key]);
        let form = signed(&key, json!({}), json!({"aud": dev.issuer()}), now().unix_timestamp());
        let answer = post(&dev, Endpoint::Token, form);
        if ["PS256", "ES256", "EdDSA", "Ed25519"].contains(&algorithm.as_str()) {
            let token = text(&good(&answer)["access_token"]);
            let jws = CompactJws::parse(&token).unwrap();
            assert_eq!(jws.header().algorithm, Algorithm::PS256);
        } else {
            let expected = format!("the algorithm is {algorithm}, allowed: PS256, ES256, EdDSA, Ed25519");
            assert_eq!(refusal(&answer), invalid_client(&expected));
        }
    }
}

#[test]
fn fapi2_5_3_2_2_an_authorization_request_must_be_pushed() {
    let dev = DevServer::builder().profile(Profile::fapi2()).build(ORIGIN).unwrap();
    let client = Client::of(&dev, "client");
    dev.log_in_as("user-1");
    let pairs = [
        ("client_id", "client"),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let authorize = |pairs: &[(&str, &str)]| {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let url = format!("{}/authorize?{query}", dev.issuer());
        let response = dev.respond(&http::Request::get(url).body(Vec::new()).unwrap(), now());
        let location = response.headers()["location"].to_str().unwrap().to_owned();
        let url = url::Url::parse(&location).unwrap();
        url.query_pairs().into_owned().collect::<std::collections::BTreeMap<_, _>>()
    };
    let refused = authorize(&pairs);
    assert_eq!(refused["error"], "invalid_request");
    assert_eq!(
        refused["error_description"],
        "the request was not pushed; FAPI 2.0 accepts only pushed requests (section 5.3.2.2)"
    );
    let pushed = body(&client.ask(Endpoint::PushedAuthorization, &pairs[1..], now()));
    let answered = authorize(&[("client_id", "client"), ("request_uri", &text(&pushed["request_uri"]))]);
    assert_eq!(answered["iss"], dev.issuer());
    assert!(answered.contains_key("code"));
}

#[test]
fn fapi2_5_3_2_1_a_refresh_token_is_not_rotated() {
    let dev = DevServer::builder().profile(Profile::fapi2()).build(ORIGIN).unwrap();
    let client = Client::of(&dev, "client");
    let tokens = client.log_in("a b", now());
    for scope in ["a b", "a"] {
        let pairs = [
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
            ("scope", scope),
        ];
        let answer = good(&client.token(&pairs, now()));
        assert_eq!(answer.get("refresh_token"), None);
        assert_eq!(answer["scope"], scope);
        assert!(client.is_active(&answer["access_token"], now()));
    }
    // More than was granted is still refused, and revoking the token ends the login.
    assert_eq!(client.refresh(&tokens["refresh_token"], now()).status(), 200);
    let token = text(&tokens["refresh_token"]);
    client.ask(Endpoint::Revocation, &[("token", &token)], now());
    assert_eq!(
        refusal(&client.refresh(&tokens["refresh_token"], now())),
        refused(400, "invalid_grant", "the refresh token was revoked")
    );
}

#[test]
fn auth0_has_an_issuer_with_a_slash_and_refuses_it_without() {
    let key = sample(Algorithm::RS256);
    let dev = strict(DevServer::builder().profile(Profile::auth0()), &[&key]);
    assert_eq!(dev.issuer(), format!("{ORIGIN}/{}/as/", DevServer::ENVIRONMENT_ID));
    assert_eq!(dev.token_endpoint(), format!("{ORIGIN}/{}/as/token", DevServer::ENVIRONMENT_ID));
    let url = format!("{}.well-known/openid-configuration", dev.issuer());
    let metadata = good(&dev.respond(&http::Request::get(url).body(Vec::new()).unwrap(), now()));
    assert_eq!(metadata["issuer"], dev.issuer());
    assert_eq!(metadata["token_endpoint"], dev.token_endpoint());
    for (aud, status) in [(dev.issuer(), 200), (dev.issuer().strip_suffix('/').unwrap(), 401)] {
        let form = signed(&key, json!({}), json!({"aud": aud}), now().unix_timestamp());
        assert_eq!(post(&dev, Endpoint::Token, form).status(), status, "{aud}");
    }
}

#[test]
fn keycloak_answers_an_unknown_client_with_401() {
    let key = sample(Algorithm::ES256);
    let dev = DevServer::builder().profile(Profile::keycloak()).build(ORIGIN).unwrap();
    let form = signed(&key, json!({}), json!({"aud": dev.issuer()}), now().unix_timestamp());
    let text = "Invalid client or Invalid client credentials";
    assert_eq!(
        said(&post(&dev, Endpoint::Token, form)),
        (401, json!({"error": "invalid_client", "error_description": text}))
    );
}
