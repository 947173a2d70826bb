//! Bytes from a server: cut at every length, changed at every byte, and made up. The result is a
//! typed error or a value, never a panic, and shows no secret.

use private_key_jwt::jose::JoseError;
use private_key_jwt::oauth::{AuthorizationResponse, OAuthError};
use private_key_jwt::{AuthorizationServer, ClientAssertionVerifier, Scope, TokenRequest, TokenResponse};
use proptest::prelude::*;

use crate::support::{MARK, clean, has_mark, marked_assertion, now};

const ISSUER: &str = "https://as.example";

fn judge(status: u16, body: &[u8]) -> Result<TokenResponse, OAuthError> {
    let response = http::Response::builder().status(status).body(body.to_vec()).unwrap();
    TokenResponse::from_http(response, now())
}

/// Everything that the parser returns is fit for a log.
fn check_judgement(status: u16, body: &[u8]) {
    match judge(status, body) {
        Ok(response) => assert!(!has_mark(&format!("{response:?}")), "{response:?}"),
        Err(error) => drop(clean(error)),
    }
}

fn token_body() -> String {
    format!(
        r#"{{"access_token":"{MARK}","token_type":"Bearer","expires_in":300,"scope":"a b","refresh_token":"{MARK}","x":{{"y":["{MARK}"]}}}}"#
    )
}

#[test]
fn token_responses_cut_and_changed() {
    let body = token_body().into_bytes();
    assert!(judge(200, &body).is_ok());
    for len in 0..body.len() {
        let error = judge(200, &body[..len]).unwrap_err();
        assert!(matches!(clean(error), OAuthError::Response { reason: JoseError::Json { .. }, .. }), "{len}");
    }
    for index in 0..body.len() {
        for mask in [1, 2, 4, 16, 32, 128, 255] {
            let mut changed = body.clone();
            changed[index] ^= mask;
            for status in [200, 401] {
                // One flipped bit may change the mark itself; the rest of it must still not be
                // shown whole.
                match judge(status, &changed) {
                    Ok(response) => assert!(!has_mark(&format!("{response:?}"))),
                    Err(error) => assert!(!error.to_string().contains(char::is_control)),
                }
            }
        }
    }
}

/// Errors of every format, with secrets where a server echoes a request.
#[test]
fn error_bodies_cut_and_changed() {
    let bodies = [
        format!(
            r#"{{"error":"invalid_client","error_description":"no","refresh_token":"{MARK}","x":[{{"token":"{MARK}"}}]}}"#
        ),
        format!(r#"[{{"errorCode":"E1","errorSummary":"s\u00e9","errorCauses":[{{"token":"{MARK}"}}]}}]"#),
        format!(r#"{{"fault":{{"faultstring":"f","detail":{{"errorcode":"c","client_secret":"{MARK}"}}}}}}"#),
        format!("error=invalid_client&error_description=no+client&refresh_token={MARK}&code_verifier={MARK}"),
        format!(
            "<html><title>Error &amp; &#233;</title><p>refresh_token={MARK}</p><!-- x --><![CDATA[y]]></html>"
        ),
        format!("cannot read grant_type=refresh_token&refresh_token={MARK} \u{e9}"),
    ];
    for body in bodies {
        let bytes = body.as_bytes();
        for len in 0..=bytes.len() {
            for status in [400, 503] {
                drop(clean(judge(status, &bytes[..len]).unwrap_err()));
            }
        }
        for index in 0..bytes.len() {
            for mask in [1, 2, 4, 16, 32, 128, 255] {
                let mut changed = bytes.to_vec();
                changed[index] ^= mask;
                let error = judge(400, &changed).unwrap_err().to_string();
                assert!(!error.contains(char::is_control) && error.chars().count() < 2_000, "{error}");
            }
        }
    }
}

#[test]
fn an_error_body_of_a_megabyte_is_read_in_a_moment() {
    let start = std::time::Instant::now();
    for piece in [
        "<",
        "<p>",
        "<!--",
        "&",
        "&;",
        "=",
        "token=",
        "a=b&",
        "\"",
        "\\",
        "\n",
        "{\"error\":",
        "[",
        "\u{e9}",
        "x ",
    ] {
        for opening in ["", "<", "{\"", "\"", "error="] {
            let body = format!("{opening}{}", piece.repeat((1 << 18) / piece.len()));
            let error = clean(judge(400, body.as_bytes()).unwrap_err()).to_string();
            assert!(error.chars().count() < 2_000);
        }
    }
    assert!(start.elapsed() < std::time::Duration::from_secs(60), "{:?}", start.elapsed());
}

#[test]
fn json_nested_too_deeply_is_an_error() {
    for open in ["[", r#"{"a":"#] {
        let body = open.repeat(100_000);
        let error = clean(judge(200, body.as_bytes()).unwrap_err());
        assert!(matches!(error, OAuthError::Response { reason: JoseError::Json { .. }, .. }));
        check_judgement(400, body.as_bytes());
    }
}

#[test]
fn metadata_cut_and_changed() {
    let document =
        format!(r#"{{"issuer":"{ISSUER}","token_endpoint":"{ISSUER}/token","jwks_uri":"{ISSUER}/jwks"}}"#);
    let read = |json: &[u8]| AuthorizationServer::from_metadata(ISSUER, json);
    assert!(read(document.as_bytes()).is_ok());
    for len in 0..document.len() {
        assert!(matches!(
            clean(read(&document.as_bytes()[..len]).unwrap_err()),
            OAuthError::Metadata(JoseError::Json { .. })
        ));
    }
    for index in 0..document.len() {
        for mask in [1, 2, 4, 16, 32, 128] {
            let mut changed = document.clone().into_bytes();
            changed[index] ^= mask;
            // A change may hit only a path; it never yields another issuer or a plain http
            // endpoint.
            if let Ok(server) = read(&changed) {
                assert_eq!(server.issuer(), Some(ISSUER));
                assert!(server.token_endpoint().to_ascii_lowercase().starts_with("https://"));
            }
        }
    }
}

#[test]
fn forms_cut_and_changed() {
    let server = AuthorizationServer::new(ISSUER, format!("{ISSUER}/token")).unwrap();
    let body = TokenRequest::client_credentials("a")
        .to_http(&server, &marked_assertion(&server))
        .unwrap()
        .into_body();
    let verifier = ClientAssertionVerifier::new(ISSUER);
    assert!(verifier.parse(&body).is_ok());
    for len in 0..body.len() {
        match verifier.parse(&body[..len]) {
            // Only the optional `client_id` may be cut off.
            Ok(unverified) => assert!(!has_mark(&format!("{unverified:?}"))),
            Err(error) => drop(clean(error)),
        }
    }
    for index in 0..body.len() {
        for mask in [1, 2, 4, 16, 32, 128] {
            let mut changed = body.clone();
            changed[index] ^= mask;
            if let Err(error) = verifier.parse(&changed) {
                assert!(!error.to_string().contains(char::is_control), "{error}");
            }
        }
    }
}

/// JSON of any shape, in which members with a meaning are frequent.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        any::<String>().prop_map(serde_json::Value::from),
        Just(serde_json::Value::from(MARK)),
    ];
    let name = prop_oneof![
        prop::sample::select(vec![
            "access_token",
            "token_type",
            "expires_in",
            "scope",
            "error",
            "error_description"
        ])
        .prop_map(str::to_owned),
        any::<String>()
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::vec((name.clone(), inner), 0..6)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn made_up_bytes_are_judged(status in 100_u16..600, body in prop::collection::vec(any::<u8>(), 0..300)) {
        check_judgement(status, &body);
        drop(AuthorizationServer::from_metadata(ISSUER, &body));
        drop(ClientAssertionVerifier::new(ISSUER).parse(&body).map(|unverified| unverified.client_id().len()));
    }

    #[test]
    fn made_up_json_is_judged(value in json()) {
        // These two are no secrets, and are shown.
        let mut success = value.clone();
        if let Some(members) = success.as_object_mut() {
            members.remove("scope");
            members.entry("token_type").and_modify(|member| {
                if member == MARK {
                    *member = "Bearer".into();
                }
            });
        }
        // A success never shows the mark. An error may show it in its own text where the mark
        // stands for no secret.
        if let Ok(response) = judge(200, success.to_string().as_bytes()) {
            let shown = format!("{response:?}");
            prop_assert!(!has_mark(&shown), "{}", shown);
            prop_assert!(!response.access_token().secret().is_empty());
        }
        if let Err(error) = judge(400, value.to_string().as_bytes()) {
            prop_assert!(!error.to_string().contains(char::is_control));
            prop_assert!(error.to_string().chars().count() < 2_000);
        }
    }

    #[test]
    fn made_up_texts_are_urls_or_errors(text in any::<String>()) {
        drop(AuthorizationServer::new(text.clone(), format!("https://as.example/{text}")));
        drop(AuthorizationServer::metadata_urls(&text));
        if let Ok(server) = AuthorizationServer::from_token_endpoint(text.clone()) {
            prop_assert_eq!(server.token_endpoint(), text.as_str());
        }
        let server = AuthorizationServer::new(ISSUER, "https://as.example/token").unwrap();
        prop_assert!(AuthorizationResponse::from_query(&text, &server, "state").is_err());
        prop_assert!(!Scope::from(text.as_str()).iter().any(|scope| scope.contains(' ')));
    }

    #[test]
    fn made_up_tokens_are_refused(header in any::<String>(), claims in json()) {
        use base64ct::{Base64UrlUnpadded, Encoding};
        let token = [header.as_bytes(), claims.to_string().as_bytes(), &[1; 64]].map(Base64UrlUnpadded::encode_string);
        let verifier = ClientAssertionVerifier::new(ISSUER);
        prop_assert!(verifier.parse_assertion(&token.join(".")).is_err());
        let header = Base64UrlUnpadded::encode_string(br#"{"alg":"ES256"}"#);
        let token = format!("{header}.{}.{}", token[1], token[2]);
        if let Ok(unverified) = verifier.parse_assertion(&token) {
            prop_assert!(unverified.verify(&private_key_jwt::PublicKeySet::default(), None, now()).is_err());
        }
    }
}

/// Soft hyphens, tag characters and the like hide text in a log line, or reorder it.
#[test]
fn what_is_not_visible_is_escaped_wherever_a_server_writes_it() {
    for hidden in [
        "\u{ad}",
        "\u{e0041}",
        "\u{fe0f}",
        "\u{202e}",
        "\u{200b}",
        "\u{2028}",
        "\u{3164}",
        "\u{e000}",
        "\u{378}",
    ] {
        let escaped = hidden.chars().next().unwrap().escape_unicode().to_string();
        let text = format!("a{hidden}b");
        let name = text.as_str();
        let body =
            serde_json::json!({"error": text, "error_description": text, "error_uri": text, name: text});
        let request = http::Response::builder().status(401).header("x-request-id", text.as_bytes());
        let response =
            request.header("www-authenticate", text.as_bytes()).body(body.to_string().into_bytes());
        let error = TokenResponse::from_http(response.unwrap(), now()).unwrap_err();
        let OAuthError::Refused(refusal) = &error else { panic!("{error:?}") };
        let expected = format!("a{escaped}b");
        let texts = [refusal.error(), refusal.description(), refusal.uri(), refusal.www_authenticate()];
        assert_eq!(texts, [Some(expected.as_str()); 4]);
        assert_eq!(refusal.members()[&expected], expected);
        assert_eq!(refusal.correlation_ids()[0].1, expected);
        assert!(!format!("{error} {error:?}").contains(hidden));
    }
}
