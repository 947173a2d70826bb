//! The inspector without a browser: what its page receives, and what it never does.

use private_key_jwt::Profile;
use serde_json::json;

use super::authorization::{CALLBACK, CHALLENGE};
use super::*;

fn get(dev: &DevServer, path: &str) -> http::Response<Vec<u8>> {
    dev.respond(&http::Request::get(format!("{ORIGIN}{path}")).body(Vec::new()).unwrap(), now())
}

/// The requests that the page shows.
fn shown(dev: &DevServer) -> Vec<Value> {
    good(&get(dev, "/inspector/requests?after=0"))["requests"].as_array().unwrap().clone()
}

fn judge(dev: &DevServer, body: &Value) -> http::Response<Vec<u8>> {
    let request = http::Request::post(format!("{ORIGIN}/inspector/judge"))
        .header("content-type", "application/json")
        .body(body.to_string().into_bytes())
        .unwrap();
    dev.respond(&request, now())
}

/// The checks of a request or a judgement that have this result.
fn with_result<'v>(checks: &'v Value, result: &str) -> Vec<(&'v str, &'v str)> {
    let checks = checks.as_array().unwrap().iter().filter(|check| check[1] == result);
    checks.map(|check| (check[0].as_str().unwrap(), check[2].as_str().unwrap())).collect()
}

fn names<'v>(checks: &[(&'v str, &'v str)]) -> Vec<&'v str> {
    checks.iter().map(|(name, _)| *name).collect()
}

/// A JWT of these parts with a signature that nothing verifies.
fn jwt(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| base64url(value.to_string().as_bytes());
    format!("{}.{}.{}", part(header), part(claims), base64url(&[7; 64]))
}

#[test]
fn the_page_is_at_the_root_and_runs_only_its_own_script() {
    let dev = DevServer::new(ORIGIN).unwrap();
    assert_eq!(dev.inspector(), format!("{ORIGIN}/"));
    let page = get(&dev, "/");
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers()["x-frame-options"], "DENY");
    assert_eq!(page.headers()["cache-control"], "no-store");
    assert_eq!(page.headers()["referrer-policy"], "same-origin");
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    let directives: Vec<&str> =
        policy.split("; ").map(|directive| directive.split(" 'sha256-").next().unwrap()).collect();
    assert_eq!(
        directives,
        [
            "default-src 'none'",
            "script-src",
            "style-src",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'"
        ]
    );
    let html = String::from_utf8(page.body().clone()).unwrap();
    assert!(html.contains(dev.issuer()) && html.contains("<label for=\"assertion\">"));
    // Neither the page nor its requests are shown.
    assert_eq!(shown(&dev), Vec::<Value>::new());
    let wrong = dev.respond(&http::Request::post(format!("{ORIGIN}/")).body(Vec::new()).unwrap(), now());
    assert_eq!(wrong.status(), 405);
}

#[test]
fn a_good_request_is_shown_with_every_check_ticked_and_times_in_words() {
    let (dev, key) = dev();
    let assertion = assertion(&dev, &key, |builder| builder);
    let request = TokenRequest::client_credentials("a b").to_http(&server(&dev), &assertion).unwrap();
    let answer = good(&dev.respond(&request, now()));
    let [found] = shown(&dev).try_into().unwrap();
    assert_eq!(
        (&found["method"], &found["endpoint"], &found["client"], &found["status"], &found["refused"]),
        (&json!("POST"), &json!("token"), &json!("client"), &json!(200), &json!(false))
    );
    assert_eq!(found["time"], "2023-11-14T22:13:20Z");
    let header = found["decoded"]["header"].as_array().unwrap();
    assert!(header.contains(&json!(["alg", "ES256", null])), "{header:?}");
    assert!(header.contains(&json!(["typ", "client-authentication+jwt", null])), "{header:?}");
    let claims = found["decoded"]["claims"].as_array().unwrap();
    assert!(
        claims.contains(&json!(["exp", "1700000060", "2023-11-14T22:14:20Z, 1 min in the future"])),
        "{claims:?}"
    );
    assert!(claims.contains(&json!(["iat", "1700000000", "2023-11-14T22:13:20Z, now"])), "{claims:?}");
    assert_eq!(
        names(&with_result(&found["checks"], "passed")),
        [
            "Authentication method",
            "Format",
            "Type (typ)",
            "Algorithm (alg)",
            "Key (kid)",
            "Signature",
            "Client (iss, sub)",
            "Kind of JWT",
            "Audience (aud)",
            "Expiry (exp)",
            "Not before (nbf)",
            "Issued at (iat)",
            "Lifetime",
            "JWT ID (jti)",
            "Registration",
            "Single use"
        ]
    );
    assert_eq!(found["checks"].as_array().unwrap().len(), 16);
    let parameters = found["parameters"].as_array().unwrap();
    assert!(parameters.contains(&json!(["scope", "a b"])), "{parameters:?}");
    let length = assertion.secret().len();
    assert!(
        parameters.contains(&json!(["client_assertion", format!("[{length} characters, not shown]")])),
        "{parameters:?}"
    );
    let said = found["answer"].as_str().unwrap();
    let length = text(&answer["access_token"]).len();
    assert!(said.contains(&format!("\"access_token\": \"[{length} characters, not shown]\"")), "{said}");
    assert!(said.contains("\"token_type\": \"Bearer\""), "{said}");
}

#[test]
fn a_refused_request_has_a_cross_and_a_reason_for_everything_that_is_wrong() {
    let (dev, key) = dev();
    let form = |dev: &DevServer, token: &str| {
        let pairs = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", token),
        ];
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let request = http::Request::post(dev.token_endpoint())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.into_bytes())
            .unwrap();
        dev.respond(&request, now())
    };
    let last = |dev: &DevServer| shown(dev).pop().unwrap();

    let kid = key.key_id().as_str();
    let token = jwt(
        &json!({"alg": "ES256", "kid": kid, "typ": "at+jwt"}),
        &json!({"iss": "client", "sub": "client", "aud": "https://other.example", "exp": 1_699_999_000, "iat": 1}),
    );
    assert_eq!(form(&dev, &token).status(), 400);
    let found = last(&dev);
    assert_eq!((&found["refused"], &found["status"]), (&json!(true), &json!(400)));
    let failed = with_result(&found["checks"], "failed");
    assert_eq!(
        names(&failed),
        ["Type (typ)", "Signature", "Audience (aud)", "Expiry (exp)", "JWT ID (jti)"],
        "{failed:?}"
    );
    let reason = |name: &str| failed.iter().find(|(found, _)| *found == name).unwrap().1;
    assert_eq!(
        reason("Audience (aud)"),
        format!(
            "the audience is `https://other.example`, expected `{}` or `{}`",
            dev.issuer(),
            dev.token_endpoint()
        )
    );
    assert_eq!(
        reason("Expiry (exp)"),
        "the JWT expired at 2023-11-14T21:56:40Z, 16 min 40 s ago (now is 2023-11-14T22:13:20Z)"
    );
    assert_eq!(reason("JWT ID (jti)"), "the claim `jti` is missing");
    let passed = names(&with_result(&found["checks"], "passed"));
    assert_eq!(passed[..3], ["Authentication method", "Format", "Algorithm (alg)"]);

    // A client that is not registered has no key to check with.
    let token = jwt(&json!({"alg": "ES256"}), &json!({"iss": "x", "sub": "x"}));
    form(&dev, &token);
    let found = last(&dev);
    let failed = with_result(&found["checks"], "failed");
    assert!(
        failed.contains(&("Registration", "client `x` is not registered, registered: `client`")),
        "{failed:?}"
    );
    assert_eq!(with_result(&found["checks"], "not checked")[0].0, "Key (kid)");

    // An assertion that is used twice, and a grant that fails.
    let good = request(&dev, &key, as_it_is);
    let _ = dev.respond(&good, now());
    let _ = dev.respond(&good, now());
    let found = last(&dev);
    assert_eq!(names(&with_result(&found["checks"], "failed")), ["Single use"]);
    let wrong = with_form(&request(&dev, &key, as_it_is), {
        let mut pairs = self::form(&request(&dev, &key, as_it_is));
        pairs.retain(|(name, _)| name != "grant_type");
        pairs.push(("grant_type".to_owned(), "password".to_owned()));
        pairs
    });
    let _ = dev.respond(&wrong, now());
    let found = last(&dev);
    let failed = with_result(&found["checks"], "failed");
    assert_eq!(names(&failed), ["Rest of the request"]);
    assert!(failed[0].1.starts_with("the grant_type is `password`"), "{failed:?}");
    let passed = with_result(&found["checks"], "passed");
    assert!(passed.contains(&("Signature", "made with the client's key")), "{passed:?}");

    // Another method.
    let mut secret = request(&dev, &key, as_it_is);
    *secret.body_mut() = b"grant_type=client_credentials&client_id=client&client_secret=hush".to_vec();
    let _ = dev.respond(&secret, now());
    let found = last(&dev);
    assert_eq!(names(&with_result(&found["checks"], "failed")), ["Authentication method"]);
    assert!(!found.to_string().contains("hush"));
}

#[test]
fn no_secret_of_a_login_is_shown() {
    let client = Client::alone();
    let dev = &client.dev;
    dev.log_in_as("user-1");
    let pairs = [
        ("client_id", "client"),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "the-state-is-a-secret"),
    ];
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let answer = page(dev, &format!("{}/authorize?{query}", dev.issuer()), now());
    let location = url::Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    let code = location.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", verifier),
    ];
    let request = client.request(Endpoint::Token, &form, now());
    let tokens = good(&dev.respond(&request, now()));
    let again = client.refresh(&tokens["refresh_token"], now());
    let introspected = client.introspect(tokens["access_token"].as_str().unwrap(), now());
    assert_eq!(introspected["active"], true);

    let all = String::from_utf8(get(dev, "/inspector/requests?after=0").into_body()).unwrap();
    let assertion =
        form_urlencoded::parse(request.body()).find(|(name, _)| name == "client_assertion").unwrap().1;
    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    let next = good(&again);
    for secret in [
        code.as_str(),
        verifier,
        "the-state-is-a-secret",
        signed,
        signature,
        tokens["access_token"].as_str().unwrap(),
        tokens["refresh_token"].as_str().unwrap(),
        next["refresh_token"].as_str().unwrap(),
    ] {
        assert!(!all.contains(secret), "{secret}");
    }
    // No JWT, whole or in part: a header in base64url begins like this.
    assert!(!all.contains("eyJ"), "{all}");
    let endpoints: Vec<_> = shown(dev).iter().map(|found| text(&found["endpoint"])).collect();
    assert_eq!(endpoints, ["authorization", "token", "token", "introspection"]);
    let first = &shown(dev)[0];
    assert!(first["answer"].as_str().unwrap().starts_with("redirect to http://127.0.0.1:9/cb?a="), "{first}");
}

#[test]
fn the_page_is_told_only_what_is_new_and_the_oldest_leave() {
    let (dev, key) = dev();
    for _ in 0..120 {
        let _ = dev.respond(&request(&dev, &key, as_it_is), now());
    }
    let requests = shown(&dev);
    assert_eq!((requests.len(), &requests[0]["number"]), (100, &json!(21)));
    let newer = |after: &str| good(&get(&dev, &format!("/inspector/requests?after={after}")));
    assert_eq!(newer("119")["requests"].as_array().unwrap().len(), 1);
    assert_eq!(newer("120"), json!({"last": 120, "requests": []}));
    // A page that was opened before the server was started again.
    assert_eq!(newer("500")["requests"].as_array().unwrap().len(), 100);
    assert_eq!(newer("x")["requests"].as_array().unwrap().len(), 100);
}

#[test]
fn a_pasted_assertion_is_judged_under_each_profile_and_stays_unused() {
    let dev = DevServer::new(ORIGIN).unwrap();
    let key = sample(Algorithm::RS256);
    dev.register("client", jwks(&key)).unwrap();
    let assertion = assertion(&dev, &key, |builder| builder);
    let judged = good(&judge(&dev, &json!({"assertion": format!("\n{}  ", assertion.secret())})));
    let profiles = judged["profiles"].as_array().unwrap();
    let listed: Vec<_> = profiles.iter().map(|profile| profile["name"].as_str().unwrap()).collect();
    let known: Vec<_> = std::iter::once("").chain(Profile::known().map(|(name, _)| name)).collect();
    assert_eq!(listed, known);
    let of = |name: &str| profiles.iter().find(|profile| profile["name"] == name).unwrap();
    assert_eq!((&of("")["title"], &of("")["accepted"]), (&json!("This server"), &json!(true)));
    assert_eq!(of("keycloak")["accepted"], true);
    let okta = of("okta");
    assert_eq!(okta["accepted"], false);
    assert_eq!(names(&with_result(&okta["checks"], "failed")), ["Audience (aud)"]);
    let answer = json!([
        401,
        "{\n  \"error\": \"invalid_client\",\n  \"error_description\": \"The audience claim for client_assertion must be \
         the endpoint invoked for the request.\"\n}"
    ]);
    assert_eq!(okta["answer"], answer);
    assert_eq!(of("fapi2")["reasons"][0], "the algorithm is RS256, allowed: PS256, ES256, EdDSA, Ed25519");
    assert_eq!(names(&with_result(&of("smart-backend-services")["checks"], "failed"))[0], "Type (typ)");
    let claims = judged["decoded"]["claims"].as_array().unwrap();
    assert!(claims.contains(&json!(["exp", "1700000060", "2023-11-14T22:14:20Z, 1 min in the future"])));
    assert!(!judged.to_string().contains(assertion.secret().rsplit('.').next().unwrap()));

    // It is neither shown nor used up.
    assert_eq!(shown(&dev), Vec::<Value>::new());
    let request = TokenRequest::client_credentials("a").to_http(&server(&dev), &assertion).unwrap();
    assert_eq!(dev.respond(&request, now()).status(), 200);
}

#[test]
fn an_assertion_for_another_server_is_judged_by_its_issuer_and_endpoint() {
    let dev = DevServer::new(ORIGIN).unwrap();
    let (issuer, endpoint) = ("https://tenant.example/", "https://tenant.example/oauth/token");
    let token = jwt(
        &json!({"alg": "RS256", "kid": "k"}),
        &json!({"iss": "c", "sub": "c", "aud": endpoint, "exp": 1_700_000_060, "iat": 1_700_000_000, "jti": "j"}),
    );
    // An RS256 signature has 256 bytes.
    let token = format!("{}.{}", token.rsplit_once('.').unwrap().0, base64url(&[7; 256]));
    let judged =
        good(&judge(&dev, &json!({"assertion": token, "issuer": issuer, "token_endpoint": endpoint})));
    let profiles = judged["profiles"].as_array().unwrap();
    let of = |name: &str| profiles.iter().find(|profile| profile["name"] == name).unwrap();
    assert_eq!(
        of("okta")["reasons"][0],
        "nothing wrong, but the signature was not checked: client `c` is not registered here, so its key is unknown"
    );
    assert_eq!(of("auth0")["reasons"][0], format!("the audience is `{endpoint}`, expected `{issuer}`"));
}

#[test]
fn hostile_pastes_are_harmless() {
    let dev = DevServer::new(ORIGIN).unwrap();
    let judged = |assertion: &str| good(&judge(&dev, &json!({"assertion": assertion})));
    // Over the limit of an assertion: one cross, and nothing is decoded.
    let long = jwt(&json!({"alg": "ES256"}), &json!({"iss": "x".repeat(20_000)}));
    let answer = judged(&long);
    assert_eq!((&answer["decoded"], &answer["length"]), (&Value::Null, &json!(long.len())));
    for profile in answer["profiles"].as_array().unwrap() {
        assert_eq!(
            with_result(&profile["checks"], "failed"),
            [("Format", format!("the JWT has {} bytes, at most 16384 are read", long.len()).as_str())]
        );
    }
    let too_long = judge(&dev, &json!({"assertion": "x".repeat(70_000)}));
    assert_eq!(refusal(&too_long), invalid_request("the body has 70016 bytes, at most 65536 are read"));

    // Scripts are text, control characters are escaped, secrets in claims are named.
    let script = "<script>alert(1)</script>";
    let hostile = jwt(
        &json!({"alg": "ES256", "kid": script, "<b>": "\u{202e}\n"}),
        &json!({"iss": script, "sub": script, "aud": [script], "t": "eyJhbGciOiJub25lIn0.e30.", "exp": 1e300}),
    );
    let answer = judged(&hostile);
    let header = answer["decoded"]["header"].as_array().unwrap();
    assert!(header.contains(&json!(["<b>", "\\u{202e}\\u{a}", null])), "{header:?}");
    let claims = answer["decoded"]["claims"].as_array().unwrap();
    assert!(claims.contains(&json!(["iss", script, null])), "{claims:?}");
    assert!(claims.contains(&json!(["t", "[a JWT]", null])), "{claims:?}");

    // Many members and deep values are cut.
    let many: Value =
        (0..500).map(|n| (format!("c{n}"), json!("y".repeat(20)))).collect::<serde_json::Map<_, _>>().into();
    let answer = judged(&jwt(&json!({"alg": "ES256"}), &many));
    assert_eq!(answer["length"].as_u64().map(|length| length > 16_384), Some(true));
    let many: Value = (0..100).map(|n| (format!("c{n}"), json!(1))).collect::<serde_json::Map<_, _>>().into();
    let answer = judged(&jwt(&json!({"alg": "ES256"}), &many));
    let claims = answer["decoded"]["claims"].as_array().unwrap();
    assert_eq!((claims.len(), claims.last().unwrap()), (41, &json!(["…", "60 more", null])));

    // What is no JWT at all is named, and a key is not repeated.
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA";
    let jwk = "{\"kty\":\"OKP\",\"d\":\"c2VjcmV0\"}";
    for (paste, damage, secret) in [
        (pem, "is PEM, expected a JWT; the key signs the JWT and is never sent", "MC4CAQ"),
        ("Bearer s3cr3t", "begins with `Bearer`, expected only the JWT", "s3cr3t"),
        (jwk, "is JSON, expected a JWT in compact form", "c2VjcmV0"),
    ] {
        let answer = judged(paste);
        assert_eq!(answer["damage"], damage);
        assert!(!answer.to_string().contains(secret), "{answer}");
    }
}

#[test]
fn the_judge_takes_only_json_from_its_own_page() {
    let dev = DevServer::new(ORIGIN).unwrap();
    let ask = |method: &str, kind: &str, body: &str, headers: &[(&str, &str)]| {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{ORIGIN}/inspector/judge"))
            .header("content-type", kind);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        dev.respond(&request.body(body.as_bytes().to_vec()).unwrap(), now())
    };
    let json = "application/json";
    assert_eq!(
        refusal(&ask("GET", json, "{}", &[])),
        refused(405, "invalid_request", "the method is GET, expected POST")
    );
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        assert_eq!(
            refusal(&ask("POST", kind, "{}", &[])),
            invalid_request("the Content-Type is not `application/json`")
        );
    }
    assert_eq!(refusal(&ask("POST", json, "{}", &[])), invalid_request("the body has no `assertion`"));
    assert_eq!(refusal(&ask("POST", json, "[]", &[])), invalid_request("the body is not a JSON object"));
    for headers in [
        [("sec-fetch-site", "cross-site")].as_slice(),
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ] {
        assert_eq!(ask("POST", json, r#"{"assertion":"a.b.c"}"#, headers).status(), 403, "{headers:?}");
        let mut reading = http::Request::get(format!("{ORIGIN}/inspector/requests?after=0"));
        for (name, value) in headers {
            reading = reading.header(*name, *value);
        }
        assert_eq!(dev.respond(&reading.body(Vec::new()).unwrap(), now()).status(), 403, "{headers:?}");
    }
    let own = [("sec-fetch-site", "same-origin"), ("origin", ORIGIN)];
    assert_eq!(ask("POST", json, r#"{"assertion":"a.b.c"}"#, &own).status(), 200);
}

#[test]
fn what_never_reached_an_endpoint_is_shown_too() {
    let dev = DevServer::new(ORIGIN).unwrap();
    get(&dev, "/nothing-here");
    get(&dev, &format!("/{}/as/jwks", DevServer::ENVIRONMENT_ID));
    let foreign = http::Request::get(format!("{ORIGIN}/")).header("host", "evil.example:8080");
    assert_eq!(dev.respond(&foreign.body(Vec::new()).unwrap(), now()).status(), 421);
    let found = shown(&dev);
    let statuses: Vec<_> =
        found.iter().map(|request| (text(&request["endpoint"]), request["status"].clone())).collect();
    let expected = [("/nothing-here", 404), ("keys", 200), ("/", 421)];
    assert_eq!(statuses, expected.map(|(endpoint, status)| (endpoint.to_owned(), json!(status))));
    assert_eq!(found[0]["checks"], Value::Null);
}

#[test]
fn another_client_id_in_the_form_is_the_only_cross() {
    let (dev, key) = dev();
    let good = request(&dev, &key, as_it_is);
    let pairs = form(&good).into_iter().map(|(name, value)| {
        let value = if name == "client_id" { "other".to_owned() } else { value };
        (name, value)
    });
    let _ = dev.respond(&with_form(&good, pairs), now());
    let [found] = shown(&dev).try_into().unwrap();
    let failed = with_result(&found["checks"], "failed");
    let reason = "the form's client_id is `other`, the assertion's is `client`";
    assert_eq!(failed, [("Rest of the request", reason)]);
    assert!(with_result(&found["checks"], "passed").contains(&("Registration", "the client is registered")));
}

/// The page asks twice a second, so the log of the server would be full of it.
#[tokio::test]
async fn the_requests_of_the_page_are_neither_logged_nor_delayed() {
    let lines = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = lines.clone();
    let builder = DevServer::builder().delay(std::time::Duration::from_secs(3_600));
    let dev = builder
        .bind_with("127.0.0.1:0".parse().unwrap(), move |line| log.lock().unwrap().push(line.to_owned()))
        .await
        .unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for path in ["", "inspector/requests?after=0"] {
        let answer = http.get(format!("{}{path}", dev.inspector())).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
    }
    let pasted = http.post(format!("{}inspector/judge", dev.inspector()));
    let pasted = pasted.header("content-type", "application/json").body(r#"{"assertion":"a.b.c"}"#);
    assert_eq!(pasted.send().await.unwrap().status(), 200);
    assert_eq!(*lines.lock().unwrap(), Vec::<String>::new());

    // Everything else is.
    dev.set_delay(std::time::Duration::ZERO);
    http.get(dev.jwks_uri()).send().await.unwrap();
    let path = url::Url::parse(dev.jwks_uri()).unwrap().path().to_owned();
    assert_eq!(*lines.lock().unwrap(), [format!("GET {path} 200")]);
}
