//! Clients with a wrong setup: the refusal names what was found and what was expected. The
//! verifier's own suite checks the whole sentences; here they only have to arrive.

use private_key_jwt::PublicKey;
use private_key_jwt::dev_server::ClientKeys;
use private_key_jwt::oauth::CLIENT_ASSERTION_TYPE;
use serde_json::{Map, json};

use super::jwt_bearer::signed;
use super::*;

/// A client whose assertions are made by hand.
struct SetUp {
    client: Client,
    header: Map<String, Value>,
    claims: Map<String, Value>,
    form: Vec<(&'static str, String)>,
}

impl SetUp {
    fn right() -> Self {
        let client = Client::alone();
        let now = now().unix_timestamp();
        let object = |value: Value| value.as_object().unwrap().clone();
        Self {
            header: object(json!({"alg": "ES256", "kid": client.key.key_id().as_str()})),
            claims: object(
                json!({"iss": "client", "sub": "client", "aud": client.dev.issuer(), "jti": fresh(),
                "iat": now, "exp": now + 60}),
            ),
            form: vec![
                ("grant_type", "client_credentials".to_owned()),
                ("client_id", "client".to_owned()),
                ("client_assertion_type", CLIENT_ASSERTION_TYPE.to_owned()),
            ],
            client,
        }
    }

    fn assertion(&self) -> String {
        signed(&self.client.key, self.header.clone().into(), self.claims.clone().into())
    }

    fn send(&self, assertion: &str) -> (http::Response<Vec<u8>>, String) {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(&self.form).append_pair("client_assertion", assertion);
        let request = http::Request::post(self.client.dev.token_endpoint())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.finish().into_bytes())
            .unwrap();
        let exchange = self.client.dev.handle(&request, now());
        (exchange.response, exchange.outcome)
    }

    /// The message after this change: it contains all of these words, and no assertion.
    #[track_caller]
    fn refused(&self, assertion: &str, error: &str, words: &[&str]) -> String {
        let (response, outcome) = self.send(assertion);
        let (status, found, description) = refusal(&response);
        assert_eq!((status, found.as_str()), (400, error), "{description}");
        for word in words {
            assert!(description.contains(word), "no `{word}` in `{description}`");
        }
        for text in [&description, &outcome] {
            assert!(!text.contains("eyJ") && text.lines().count() == 1, "{text}");
        }
        outcome
    }
}

/// Applies this change to the right setup.
#[track_caller]
fn with(change: impl FnOnce(&mut SetUp), words: &[&str]) -> String {
    let mut set_up = SetUp::right();
    change(&mut set_up);
    set_up.refused(&set_up.assertion(), "invalid_client", words)
}

#[test]
fn the_right_one_is_accepted() {
    let set_up = SetUp::right();
    assert_eq!(set_up.send(&set_up.assertion()).0.status(), 200);
}

#[test]
fn keys() {
    // The wrong `kid` for the right key: the message contains the registered one.
    let mut set_up = SetUp::right();
    let kid = set_up.client.key.key_id().to_string();
    set_up.header.insert("kid".into(), "other".into());
    let words = ["ES256", "`kid` 'other'", "no key has that `kid`", kid.as_str()];
    set_up.refused(&set_up.assertion(), "invalid_client", &words);
    // The same key under another kid, and another key under the same kid.
    with(
        |it| it.client.key = es256().with_key_id(it.header["kid"].as_str().unwrap()),
        &["the signature does not verify with the key that client `client` registered"],
    );
    // An RSA key where an EC key is registered.
    let rsa = PrivateKey::from_file("testdata/keys/rsa2048.pkcs8.pem").unwrap();
    with(
        |it| {
            it.header.insert("alg".into(), "RS256".into());
            it.client.key = rsa.clone();
        },
        &["RS256", "EC P-256", "RSA"],
    );
    // A key for encryption next to one that signs.
    with(
        |it| {
            let key = it.client.key.public_jwk().to_json().replace("\"sig\"", "\"enc\"");
            let good = es256().with_key_id("signs").public_jwk().to_json();
            let keys = ClientKeys::from_bytes(format!("{{\"keys\":[{key},{good}]}}").as_bytes()).unwrap();
            it.client.dev.register("client", keys).unwrap();
        },
        &["`use`", "enc"],
    );
    // The typ of another token.
    with(
        |it| drop(it.header.insert("typ".into(), "at+jwt".into())),
        &["`at+jwt`", "expected", "`client-authentication+jwt`"],
    );
    for (alg, words) in [
        ("none", &["not signed", "`none`"][..]),
        ("HS256", &["HS256", "client_secret_jwt", "only private_key_jwt"]),
        ("ES256K", &["ES256K"]),
        ("es256", &["es256"]),
    ] {
        with(|it| drop(it.header.insert("alg".into(), alg.into())), words);
    }
    with(|it| drop(it.header.remove("alg")), &["the JWS header", "`alg`"]);
    // Registered without a `kid`, signed with one.
    with(
        |it| {
            let jwk = it
                .client
                .key
                .public_jwk()
                .to_json()
                .replace(&format!(",\"kid\":\"{}\"", it.client.key.key_id()), "");
            assert!(!jwk.contains("kid"), "{jwk}");
            let keys = ClientKeys::from_bytes(format!("{{\"keys\":[{jwk}]}}").as_bytes()).unwrap();
            it.client.dev.register("client", keys).unwrap();
        },
        &["no key", "the only key of the set has no `kid`"],
    );
}

#[test]
fn the_jwt_itself() {
    let set_up = SetUp::right();
    let assertion = set_up.assertion();
    let refused = |assertion: &str, words: &[&str]| set_up.refused(assertion, "invalid_client", words);
    refused(&format!("{assertion}\n"), &["white space", "line end"]);
    refused(&format!("\"{assertion}\""), &["quotes"]);
    refused(&format!("Bearer {assertion}"), &["begins with `Bearer`", "only the JWT"]);
    refused(&assertion.replace('.', "%2E"), &["`%`", "percent-encoded twice"]);
    refused("-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----", &["PEM", "never sent"]);
    refused("{\"alg\":\"ES256\"}", &["JSON", "compact form"]);
    refused("@assertion.jwt", &["`@`", "--data-urlencode"]);
    refused("secret", &["three parts", "found 1"]);
    refused(&format!("{assertion}.x.y"), &["three parts", "found 5", "encrypted"]);
    refused(&format!("{assertion}="), &["the JWS signature", "base64url", "truncated"]);
    let (input, signature) = assertion.rsplit_once('.').unwrap();
    // As OpenSSL writes a signature: DER.
    use base64ct::{Base64UrlUnpadded, Encoding};
    let der = Base64UrlUnpadded::encode_string(&[0x30; 71]);
    refused(&format!("{input}.{der}"), &["71 bytes", "ES256", "not DER"]);
    refused(&format!("{input}."), &["the client_assertion is not signed", "third part is empty"]);
    let cut = Base64UrlUnpadded::encode_string(&[0x30; 58]);
    refused(&format!("{input}.{cut}"), &["58 bytes", "ES256", "truncated"]);
    let rsa = Base64UrlUnpadded::encode_string(&[0x30; 256]);
    refused(&format!("{input}.{rsa}"), &["256 bytes", "ES256", "an RSA signature", "`alg`"]);
    let other: String = signature.chars().rev().collect();
    let changed = format!("{input}.{other}");
    if Base64UrlUnpadded::decode_vec(&other).is_ok() {
        refused(&changed, &["the signature does not verify"]);
    }
    assert_eq!(set_up.send(&assertion).0.status(), 200);
    let outcome = refused(&assertion, &["`jti`", "used before"]);
    assert!(outcome.contains(" 400 client=client invalid_client: "), "{outcome}");
}

#[test]
fn claims() {
    let issuer = SetUp::right().client.dev.issuer().to_owned();
    let claim = |name: &'static str, value: Value, words: &[&str]| {
        let outcome = with(|it| drop(it.claims.insert(name.to_owned(), value)), words);
        if !["iss", "sub"].contains(&name) {
            // The signature is valid, so the client is known.
            assert!(outcome.contains(" 400 client=client invalid_client: "), "{outcome}");
        }
    };
    with(|it| drop(it.claims.remove("jti")), &["`jti` is missing", "OpenID Connect Core section 9"]);
    for name in ["iss", "sub", "aud", "exp", "jti"] {
        with(|it| drop(it.claims.remove(name)), &[&format!("`{name}`"), "missing"]);
    }
    claim("iss", "other".into(), &["iss is `other`", "sub is `client`"]);
    claim("sub", "user-1".into(), &["iss is `client`", "sub is `user-1`"]);
    let with_slash = format!("{issuer}/");
    for wrong in ["https://other.example/token", with_slash.as_str(), "client"] {
        claim("aud", wrong.into(), &[&format!("`{issuer}`"), &format!("`{issuer}/token`"), "expected"]);
    }
    // Two URLs that differ in their last character are shown whole.
    claim("aud", with_slash.as_str().into(), &[&format!("is `{with_slash}`, expected `{issuer}`")]);
    let expected = format!("expected `{issuer}` or `{issuer}/token`");
    claim("aud", json!([issuer, "https://other.example"]), &["2 audiences", "one", &expected]);
    with(|it| drop(it.claims.insert("aud".into(), json!([]))), &["0 audiences", &expected]);
    with(|it| drop(it.claims.remove("aud")), &["`aud` is missing", &expected]);
    // A lifetime in the place of a time.
    claim(
        "exp",
        json!(300),
        &["expired at 1970-01-01T00:05:00Z", "`exp` is 300", "must be a time", "not a lifetime"],
    );
    claim("aud", json!(7), &["`aud`", "the number 7", "a string"]);
    claim(
        "exp",
        json!(1_699_999_000),
        &["expired", "2023-11-14T21:56:40Z", "16 min 40 s ago", "2023-11-14T22:13:20Z"],
    );
    claim(
        "iat",
        json!(1_700_000_030),
        &["`iat`", "2023-11-14T22:13:50Z", "30 s in the future", "2023-11-14T22:13:20Z"],
    );
    claim("nbf", json!(1_700_000_030), &["`nbf`", "2023-11-14T22:13:50Z", "2023-11-14T22:13:20Z"]);
    claim("exp", json!("1700000060"), &["`exp`", "is a string", "a number of seconds"]);
    claim("exp", json!(1_700_003_600), &["lives 3600 s", "at most 300 s", "--longest-lifetime"]);
    with(
        |it| {
            it.claims.remove("iat");
            it.claims.insert("exp".to_owned(), json!(1_700_003_660));
        },
        &["expires in 3660 s by this clock", "at most 300 s"],
    );
    claim("exp", json!(1_700_000_060_000_i64), &["`exp`", "milliseconds"]);
    claim("iat", json!(1_700_000_000_000_i64), &["`iat`", "milliseconds"]);
    claim("jti", json!(7), &["`jti`", "a string"]);
    claim("jti", json!(""), &["`jti`"]);
}

#[test]
fn the_other_members_of_the_form() {
    let form = |name: &'static str, value: &str| {
        let mut set_up = SetUp::right();
        set_up.form.retain(|(found, _)| *found != name);
        if !value.is_empty() {
            set_up.form.push((name, value.to_owned()));
        }
        set_up
    };
    let refused = |name, value: &str, error, words: &[&str]| {
        let set_up = form(name, value);
        set_up.refused(&set_up.assertion(), error, words)
    };
    let jwt_bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    let (found, expected) = (format!("is `{jwt_bearer}`"), format!("`{CLIENT_ASSERTION_TYPE}`"));
    refused("client_assertion_type", jwt_bearer, "invalid_client", &[&found, "expected", &expected]);
    let found = "no `client_assertion_type`";
    refused("client_assertion_type", "", "invalid_request", &[found, "expected", &expected]);
    refused("client_id", "other", "invalid_client", &["`other`", "`client`"]);
    refused("client_secret", "s", "invalid_request", &["`client_secret`", "in addition to the assertion"]);
    refused("grant_type", "", "invalid_request", &["no `grant_type`"]);
    refused(
        "grant_type",
        CLIENT_ASSERTION_TYPE,
        "unsupported_grant_type",
        &[CLIENT_ASSERTION_TYPE, jwt_bearer],
    );
    refused(
        "grant_type",
        "client-credentials",
        "unsupported_grant_type",
        &["`client-credentials`", "`client_credentials`"],
    );
    for (grant, missing) in [
        ("authorization_code", "code"),
        ("refresh_token", "refresh_token"),
        ("urn:ietf:params:oauth:grant-type:device_code", "device_code"),
        (jwt_bearer, "assertion"),
        ("urn:ietf:params:oauth:grant-type:token-exchange", "subject_token"),
    ] {
        let outcome =
            refused("grant_type", grant, "invalid_request", &[&format!("the form has no `{missing}`")]);
        assert!(outcome.contains(" 400 client=client alg=ES256 invalid_request: "), "{outcome}");
    }
    // A token in the wrong parameter is not shown.
    let token = SetUp::right().assertion();
    refused("grant_type", &token, "unsupported_grant_type", &["[a JWT]"]);
}

#[test]
fn with_two_jwts_in_a_request_the_text_says_which() {
    let set_up = |grant: &str, parameter: &'static str, value: &str| {
        let mut set_up = SetUp::right();
        set_up.form.retain(|(name, _)| *name != "grant_type");
        set_up.form.extend([("grant_type", grant.to_owned()), (parameter, value.to_owned())]);
        set_up
    };
    let jwt_bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
    for (grant, parameter) in
        [(jwt_bearer, "assertion"), (exchange, "subject_token"), (exchange, "actor_token")]
    {
        let mut set_up = set_up(grant, parameter, "a.b.c");
        set_up.claims.insert("exp".to_owned(), json!(1_699_999_000));
        set_up.refused(&set_up.assertion(), "invalid_client", &["the client_assertion: ", "expired"]);
    }
    let of_grant = set_up(jwt_bearer, "assertion", "a.b");
    let words = ["the assertion of the grant: ", "three parts, found 2"];
    of_grant.refused(&of_grant.assertion(), "invalid_grant", &words);
    // The client's own assertion in the place of the grant's.
    let mut both = set_up(jwt_bearer, "assertion", "");
    let own = both.assertion();
    both.form.retain(|(name, _)| *name != "assertion");
    both.form.push(("assertion", own));
    both.claims.insert("jti".to_owned(), fresh().into());
    let words = ["the assertion of the grant: ", "the issuer `client` is not trusted; no issuer is"];
    both.refused(&both.assertion(), "invalid_grant", &words);
}

#[test]
fn an_unknown_client_sees_which_are_known() {
    let set_up = SetUp::right();
    for more in ["a", "b", "c", "d", "e"] {
        set_up.client.dev.register(more, jwks(&set_up.client.key)).unwrap();
    }
    let mut unknown = SetUp { client: set_up.client.clone(), ..SetUp::right() };
    for (name, value) in [("iss", "Client"), ("sub", "Client"), ("aud", set_up.client.dev.issuer())] {
        unknown.claims.insert(name.to_owned(), value.into());
    }
    unknown.form.retain(|(name, _)| *name != "client_id");
    let words = ["client `Client` is not registered, registered: `a`, `b`, `c`, `client`, `d` and more"];
    unknown.refused(&unknown.assertion(), "invalid_client", &words);
}

/// RFC 9864 §2.2: one algorithm by two names.
#[test]
fn an_ed25519_key_is_registered_and_used_by_either_name() {
    let key = PrivateKey::from_file("testdata/keys/ed25519.pkcs8.pem").unwrap();
    let key = |algorithm| key.clone().with_algorithm(algorithm).unwrap();
    for registered in [Algorithm::EdDSA, Algorithm::Ed25519] {
        for used in [Algorithm::EdDSA, Algorithm::Ed25519] {
            let dev = DevServer::new(ORIGIN).unwrap();
            dev.register("client", jwks(&key(registered))).unwrap();
            let exchange = dev.handle(&request(&dev, &key(used), as_it_is), now());
            assert_eq!(exchange.response.status(), 200, "{}", exchange.outcome);
            dev.register("client", PublicKey::from_jwk(key(registered).public_jwk()).unwrap()).unwrap();
            let exchange = dev.handle(&request(&dev, &key(used), as_it_is), now());
            assert_eq!(exchange.response.status(), 200, "{}", exchange.outcome);
        }
    }
}
