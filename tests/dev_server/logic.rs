//! The dev server's logic, without a socket.

use std::time::Duration;

use private_key_jwt::Audience;
use private_key_jwt::dev_server::DevServerError;
use private_key_jwt::oauth::CLIENT_ASSERTION_TYPE;
use serde_json::json;

use super::*;

const LONG: &str = "the assertion lives 3600 s, at most 300 s are accepted; the builder's `longest_lifetime` and \
                    `pkjwt serve --longest-lifetime` allow more";

#[test]
fn rfc9068_2_2_an_issued_token_has_every_claim_and_verifies() {
    let (dev, key) = dev();
    let exchange = dev.handle(&request(&dev, &key, as_it_is), now());
    assert_eq!(exchange.response.status(), 200);
    let body = body(&exchange.response);
    assert_eq!(
        (&body["token_type"], &body["expires_in"], &body["scope"]),
        (&json!("Bearer"), &json!(3600), &json!("a b"))
    );

    let mut claims = claims(&dev, body["access_token"].as_str().unwrap());
    let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
    assert_eq!(jti.as_str().unwrap().len(), 36);
    assert_eq!(
        claims,
        json!({
            "iss": dev.issuer(),
            "sub": "client",
            "client_id": "client",
            "aud": DevServer::DEFAULT_AUDIENCE,
            "iat": 1_700_000_000,
            "exp": 1_700_003_600,
            "scope": "a b",
        })
    );
    let path = format!("/{}/as/token", DevServer::ENVIRONMENT_ID);
    assert_eq!(
        exchange.outcome,
        format!("POST {path} 200 client=client alg=ES256 grant=client_credentials scope=\"a b\"")
    );
    let debug = format!("{exchange:?}");
    assert!(!debug.contains(body["access_token"].as_str().unwrap()), "{debug}");
}

#[test]
fn rfc8707_2_the_audience_is_the_resource() {
    let (dev, key) = dev();
    let ask = |resources: &[&str]| {
        let request = request(&dev, &key, as_it_is);
        let resources = resources.iter().map(|url| ("resource".to_owned(), (*url).to_owned()));
        dev.respond(&with_form(&request, form(&request).into_iter().chain(resources)), now())
    };
    let audience = |resources: &[&str]| {
        claims(&dev, body(&ask(resources))["access_token"].as_str().unwrap())["aud"].clone()
    };
    assert_eq!(audience(&["https://a.example/api"]), "https://a.example/api");
    assert_eq!(audience(&["https://a.example", "urn:b"]), json!(["https://a.example", "urn:b"]));
    for wrong in ["api", "https://a.example/#x"] {
        let description = format!("the resource `{wrong}` is not an absolute URI without a fragment");
        assert_eq!(refusal(&ask(&[wrong])), refused(400, "invalid_target", &description));
    }
}

#[test]
fn without_a_scope_there_is_none_in_the_answer_and_in_the_token() {
    let (dev, key) = dev();
    let request = TokenRequest::client_credentials(())
        .to_http(&server(&dev), &assertion(&dev, &key, as_it_is))
        .unwrap();
    let exchange = dev.handle(&request, now());
    let body = body(&exchange.response);
    assert_eq!(body.get("scope"), None);
    assert_eq!(claims(&dev, body["access_token"].as_str().unwrap()).get("scope"), None);
    assert!(
        exchange.outcome.ends_with("/as/token 200 client=client alg=ES256 grant=client_credentials"),
        "{}",
        exchange.outcome
    );
}

#[test]
fn an_assertion_is_accepted_once() {
    let (dev, key) = dev();
    let request = request(&dev, &key, as_it_is);
    assert_eq!(dev.respond(&request, now()).status(), 200);
    let exchange = dev.clone().handle(&request, now());
    assert_eq!(refusal(&exchange.response), invalid_client(USED));
    let path = format!("/{}/as/token", DevServer::ENVIRONMENT_ID);
    let line = format!("POST {path} 400 client=client invalid_client: {USED}");
    assert_eq!(exchange.outcome, line);
}

#[test]
fn the_issuer_and_the_token_endpoint_are_audiences_and_nothing_else() {
    let (dev, key) = dev();
    let ask = |audience| dev.respond(&request(&dev, &key, |assertion| assertion.audience(audience)), now());
    assert_eq!(ask(Audience::Issuer).status(), 200);
    assert_eq!(ask(Audience::TokenEndpoint).status(), 200);
    let (issuer, endpoint) = (dev.issuer(), dev.token_endpoint());
    for wrong in ["https://other.example", ORIGIN, &format!("{issuer}/")] {
        assert_eq!(
            refusal(&ask(Audience::Exactly(wrong.to_owned()))),
            invalid_client(&format!("the audience is `{wrong}`, expected `{issuer}` or `{endpoint}`"))
        );
    }
}

#[test]
fn a_bad_assertion_is_refused_with_the_check_that_failed() {
    let (dev, key) = dev();
    let refusal_of = |request: &http::Request<Vec<u8>>| refusal(&dev.respond(request, now()));

    // Another key under the same kid.
    let forged = es256().with_key_id(key.key_id().as_str());
    assert_eq!(
        refusal_of(&request(&dev, &forged, as_it_is)),
        invalid_client("the signature does not verify with the key that client `client` registered")
    );
    // Another key under its own kid.
    let other = es256();
    let kid = other.key_id().as_str().to_owned();
    assert_eq!(
        refusal_of(&request(&dev, &other, as_it_is)),
        invalid_client(&format!(
            "no key in the set fits ES256 and `kid` '{kid}': no key has that `kid`; the set has '{}'",
            key.key_id()
        ))
    );
    // Too late.
    let request_of_now = request(&dev, &key, as_it_is);
    assert_eq!(
        refusal(&dev.respond(&request_of_now, now() + Duration::from_secs(70))),
        invalid_client("the JWT expired at 2023-11-14T22:14:20Z, 10 s ago (now is 2023-11-14T22:14:30Z)")
    );
    // Too early.
    assert_eq!(
        refusal(&dev.respond(&request_of_now, now() - Duration::from_secs(11))),
        invalid_client(
            "the claim `iat` is 2023-11-14T22:13:20Z, 11 s in the future (now is 2023-11-14T22:13:09Z)"
        )
    );
    // Too long a life.
    let long = request(&dev, &key, |assertion| assertion.lifetime(Duration::from_secs(3600)));
    assert_eq!(refusal_of(&long), invalid_client(LONG));
    // Another kind of token.
    let typed = request(&dev, &key, |assertion| assertion.media_type(Some("at+jwt")));
    assert_eq!(
        refusal_of(&typed),
        invalid_client("the typ is `at+jwt`, expected `client-authentication+jwt`, `JWT` or none")
    );
    // None of these requests used up the assertion.
    assert_eq!(dev.respond(&request_of_now, now()).status(), 200);
}

#[test]
fn an_unknown_client_is_refused_and_its_name_escaped() {
    let (dev, key) = dev();
    for (client_id, shown) in [("stranger", "stranger"), ("a\"\\b", "a'/b")] {
        let assertion = ClientAssertion::builder(client_id, &server(&dev)).sign(&key, now(), "jti").unwrap();
        let request = TokenRequest::client_credentials(()).to_http(&server(&dev), &assertion).unwrap();
        assert_eq!(
            refusal(&dev.respond(&request, now())),
            invalid_client(&format!("client `{shown}` is not registered, registered: `client`"))
        );
    }
}

#[test]
fn rfc6749_2_3_two_methods_are_one_too_many() {
    let (dev, key) = dev();
    let plain = request(&dev, &key, as_it_is);
    let mut with_header = plain.clone();
    with_header.headers_mut().insert("authorization", "Basic YTpi".parse().unwrap());
    assert_eq!(
        refusal(&dev.respond(&with_header, now())),
        invalid_request(
            "the request has both an Authorization header (Basic) and a client_assertion; use one method"
        )
    );
    let secret = ("client_secret".to_owned(), "s".to_owned());
    assert_eq!(
        refusal(&dev.respond(&with_form(&plain, form(&plain).into_iter().chain([secret])), now())),
        invalid_request("the form has a `client_secret` in addition to the assertion")
    );
    // Nothing was used up.
    assert_eq!(dev.respond(&plain, now()).status(), 200);
}

#[test]
fn a_malformed_form_is_refused() {
    let (dev, key) = dev();
    let plain = request(&dev, &key, as_it_is);
    let changed = |change: &dyn Fn(&mut Pairs)| {
        let mut pairs = form(&plain);
        change(&mut pairs);
        refusal(&dev.respond(&with_form(&plain, pairs), now()))
    };
    let without = |name: &str| changed(&|pairs| pairs.retain(|(found, _)| found != name));
    let replaced = |name: &str, value: &str| {
        changed(&|pairs| {
            pairs.iter_mut().filter(|(found, _)| found == name).for_each(|pair| pair.1 = value.into())
        })
    };
    let added = |name: &str, value: &str| changed(&|pairs| pairs.push((name.into(), value.into())));

    assert_eq!(without("grant_type"), invalid_request("the form has no `grant_type`"));
    assert_eq!(replaced("grant_type", ""), invalid_request("the form has no `grant_type`"));
    assert_eq!(
        without("client_assertion"),
        invalid_client(&format!("the form has no `client_assertion`; {ONLY_METHOD}"))
    );
    assert_eq!(
        without("client_assertion_type"),
        invalid_request(
            "the form has no `client_assertion_type`, expected \
             `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`"
        )
    );
    assert_eq!(
        replaced("client_assertion_type", "urn:x"),
        invalid_client(&format!("the client_assertion_type is `urn:x`, expected `{CLIENT_ASSERTION_TYPE}`"))
    );
    assert_eq!(
        replaced("client_id", "other"),
        invalid_client("the form's client_id is `other`, the assertion's is `client`")
    );
    assert_eq!(replaced("client_assertion", "a.b"), invalid_client("a compact JWS has three parts, found 2"));
    for name in ["scope", "client_assertion", "grant_type", "anything"] {
        let twice = changed(&|pairs| {
            pairs.retain(|(found, _)| found != name);
            pairs.extend([(name.to_owned(), "x".to_owned()), (name.to_owned(), "x".to_owned())]);
        });
        assert_eq!(twice, invalid_request(&format!("the form has `{name}` more than once")));
    }
    let len = plain.body().len() + "&x=".len() + 64 * 1024;
    assert_eq!(
        added("x", &"x".repeat(64 * 1024)),
        invalid_request(&format!("the form has {len} bytes, at most 65536 are read"))
    );
    // Nothing was used up.
    assert_eq!(dev.respond(&plain, now()).status(), 200);
}

#[test]
fn other_grants_and_scopes_outside_rfc6749_3_3_are_refused() {
    let (dev, key) = dev();
    let ask = |name: &str, value: &str| {
        let plain = request(&dev, &key, as_it_is);
        let pairs = form(&plain).into_iter().filter(|(found, _)| found != name);
        let pairs: Vec<_> = pairs.chain([(name.to_owned(), value.to_owned())]).collect();
        refusal(&dev.respond(&with_form(&plain, pairs), now()))
    };
    assert_eq!(
        ask("grant_type", "password"),
        refused(
            400,
            "unsupported_grant_type",
            "the grant_type is `password`, supported: `client_credentials`, `authorization_code`, `refresh_token`, \
             `urn:ietf:params:oauth:grant-type:device_code`, `urn:ietf:params:oauth:grant-type:jwt-bearer`, \
             `urn:ietf:params:oauth:grant-type:token-exchange`"
        )
    );
    assert_eq!(
        ask("scope", "a\tb"),
        refused(
            400,
            "invalid_scope",
            "the scope contains a character that RFC 6749 section 3.3 does not allow"
        )
    );
}

#[test]
fn only_a_posted_form_is_a_token_request() {
    let (dev, key) = dev();
    let plain = request(&dev, &key, as_it_is);

    let mut get = plain.clone();
    *get.method_mut() = http::Method::GET;
    let response = dev.respond(&get, now());
    assert_eq!(refusal(&response), refused(405, "invalid_request", "the method is GET, expected POST"));
    assert_eq!(response.headers()["allow"], "POST");

    for content_type in
        [Some("application/json"), Some("text/plain"), Some("application/x-www-form-urlencoded2"), None]
    {
        let mut request = plain.clone();
        request.headers_mut().remove("content-type");
        if let Some(content_type) = content_type {
            request.headers_mut().insert("content-type", content_type.parse().unwrap());
        }
        let found = content_type.map_or_else(
            || "the request has no Content-Type".to_owned(),
            |found| format!("the Content-Type is `{found}`"),
        );
        let expected = format!("{found}, expected `application/x-www-form-urlencoded`");
        assert_eq!(refusal(&dev.respond(&request, now())), invalid_request(&expected));
    }
    let mut twice = plain.clone();
    twice.headers_mut().append("content-type", "text/plain".parse().unwrap());
    let several = "the request has more than one Content-Type, expected `application/x-www-form-urlencoded`";
    assert_eq!(refusal(&dev.respond(&twice, now())), invalid_request(several));

    let mut query = plain.clone();
    *query.uri_mut() = format!("{}?scope=a", dev.token_endpoint()).parse().unwrap();
    assert_eq!(
        refusal(&dev.respond(&query, now())),
        invalid_request("the URL has `scope`, which belongs in the body (RFC 6749 section 3.2)")
    );

    let mut with_charset = plain.clone();
    with_charset
        .headers_mut()
        .insert("content-type", "Application/X-WWW-Form-Urlencoded; charset=UTF-8".parse().unwrap());
    assert_eq!(dev.respond(&with_charset, now()).status(), 200);
}

#[test]
fn the_documents_are_at_ping_ones_paths_and_nothing_else_is_anywhere() {
    let (dev, _) = dev();
    let ask = |method: &str, url: &str| {
        let request = http::Request::builder().method(method).uri(url).body(Vec::new()).unwrap();
        dev.respond(&request, now())
    };
    let issuer = dev.issuer();
    assert_eq!(issuer, format!("{ORIGIN}/{}/as", DevServer::ENVIRONMENT_ID));
    assert_eq!(body(&ask("GET", dev.jwks_uri())), json!(dev.jwks()));

    let [openid, rfc8414] = AuthorizationServer::metadata_urls(issuer).unwrap();
    for url in [&openid, &rfc8414] {
        let document = ask("GET", url);
        let found = AuthorizationServer::from_metadata(issuer, document.body()).unwrap();
        assert_eq!(found.token_endpoint(), dev.token_endpoint());
        assert_eq!(found.jwks_uri().unwrap(), dev.jwks_uri());
        assert_eq!(found.authentication_methods().unwrap(), ["private_key_jwt"]);
        assert_eq!(found.signing_algorithms().unwrap(), Algorithm::ALL.map(Algorithm::as_str));
        assert_eq!(found, *dev.authorization_server());
        assert_eq!(body(&document), metadata(issuer));

        let response = ask("POST", url);
        assert_eq!(refusal(&response), refused(405, "invalid_request", "the method is POST, expected GET"));
        assert_eq!(response.headers()["allow"], "GET");
    }
    // The second path that Spring tries.
    let openid_in_front = rfc8414.replace("oauth-authorization-server", "openid-configuration");
    assert_eq!(body(&ask("GET", &openid_in_front)), metadata(issuer));
    // Nimbus appends the path of RFC 8414 to the issuer.
    for path in [
        "/oauth2/token".to_owned(),
        "/.well-known/openid-configuration".to_owned(),
        format!("/{}/as", DevServer::ENVIRONMENT_ID),
        format!("/{}/as/.well-known/oauth-authorization-server", DevServer::ENVIRONMENT_ID),
        format!("/{}/as/jwks/x", DevServer::ENVIRONMENT_ID),
    ] {
        let response = ask("GET", &format!("{ORIGIN}{path}"));
        let said = format!(
            "there is nothing at `{path}`; the issuer is {issuer}, its metadata is at {openid} and {rfc8414}"
        );
        assert_eq!(refusal(&response), refused(404, "not_found", &said));
    }
    for path in ["/token".to_owned(), format!("/{}/as/token/", DevServer::ENVIRONMENT_ID)] {
        let response = ask("POST", &format!("{ORIGIN}{path}"));
        let said = format!("there is nothing at `{path}`; the endpoint is {issuer}/token");
        assert_eq!(refusal(&response), refused(404, "not_found", &said));
    }
}

#[test]
fn an_origin_is_a_loopback_scheme_host_and_port() {
    for origin in ["http://127.0.0.1", "http://localhost:1", "http://[::1]:8080", "https://127.0.0.1:8443"] {
        assert!(DevServer::new(origin).is_ok(), "{origin}");
    }
    for (origin, expected) in [
        ("https://as.example", "is not loopback; the dev server is not for production"),
        ("http://as.example", "is not an origin of this machine, such as http://127.0.0.1:8080"),
        ("127.0.0.1:8080", "is not an origin of this machine, such as http://127.0.0.1:8080"),
        ("http://127.0.0.1@evil", "is not an origin of this machine, such as http://127.0.0.1:8080"),
        ("http://127.0.0.1/", "has more than a scheme, a host and a port"),
        ("http://127.0.0.1/a", "has more than a scheme, a host and a port"),
        ("http://127.0.0.1?a", "has more than a scheme, a host and a port"),
    ] {
        match DevServer::new(origin) {
            Err(DevServerError::Origin { reason, .. }) => assert_eq!(reason, expected, "{origin}"),
            other => panic!("{origin}: {other:?}"),
        }
    }
}

/// Every member of the document (RFC 8414 §2, OpenID Connect Discovery §3).
fn metadata(issuer: &str) -> serde_json::Value {
    let algorithms = Algorithm::ALL.map(Algorithm::as_str);
    let urn = |grant: &str| format!("urn:ietf:params:oauth:grant-type:{grant}");
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "pushed_authorization_request_endpoint": format!("{issuer}/par"),
        "introspection_endpoint": format!("{issuer}/introspect"),
        "revocation_endpoint": format!("{issuer}/revoke"),
        "device_authorization_endpoint": format!("{issuer}/device_authorization"),
        "jwks_uri": format!("{issuer}/jwks"),
        "grant_types_supported": [
            "client_credentials",
            "authorization_code",
            "refresh_token",
            urn("device_code"),
            urn("jwt-bearer"),
            urn("token-exchange"),
        ],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": ["private_key_jwt"],
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": ["private_key_jwt"],
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "scopes_supported": ["openid", "offline_access"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "claims_parameter_supported": false,
    })
}
