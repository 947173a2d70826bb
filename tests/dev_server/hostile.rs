//! Requests that every endpoint refuses.

use private_key_jwt::Audience;
use proptest::prelude::*;

use super::*;

/// Each endpoint with a good request to it.
fn requests(client: &Client) -> Vec<(Endpoint, Vec<(&'static str, String)>)> {
    let pair = |name, value: &str| (name, value.to_owned());
    let authorization = [
        pair("response_type", "code"),
        pair("redirect_uri", "http://127.0.0.1/cb"),
        pair("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        pair("code_challenge_method", "S256"),
        pair("state", "s"),
        pair("scope", "a"),
    ];
    let login = client.log_in("a", now());
    vec![
        (Endpoint::Token, vec![pair("grant_type", "client_credentials"), pair("scope", "a")]),
        (
            Endpoint::Token,
            vec![
                pair("grant_type", "refresh_token"),
                pair("refresh_token", login["refresh_token"].as_str().unwrap()),
            ],
        ),
        (
            Endpoint::Introspection,
            vec![pair("token", login["access_token"].as_str().unwrap()), pair("token_type_hint", "x")],
        ),
        (Endpoint::Revocation, vec![pair("token", "x"), pair("token_type_hint", "x")]),
        (Endpoint::PushedAuthorization, authorization.to_vec()),
        (Endpoint::DeviceAuthorization, vec![pair("scope", "a")]),
    ]
}

fn as_pairs<'a>(pairs: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    pairs.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// The error if a required parameter is missing.
const REQUIRED: [&str; 7] = [
    "grant_type",
    "refresh_token",
    "token",
    "response_type",
    "redirect_uri",
    "code_challenge",
    "code_challenge_method",
];

#[test]
fn rfc6749_3_2_no_parameter_is_there_twice_and_one_without_a_value_is_not_there() {
    let client = Client::alone();
    for (endpoint, pairs) in requests(&client) {
        for place in 0..pairs.len() {
            let name = pairs[place].0;
            let twice = [as_pairs(&pairs), vec![(name, "x")]].concat();
            assert_eq!(
                refusal(&client.ask(endpoint, &twice, now())),
                invalid_request(&format!("the form has `{name}` more than once"))
            );
            let others: Vec<_> = as_pairs(&pairs).into_iter().filter(|(found, _)| *found != name).collect();
            let empty = [others.clone(), vec![(name, "")]].concat();
            for (what, pairs) in [("missing", others), ("empty", empty)] {
                let response = client.ask(endpoint, &pairs, now());
                if let "code_challenge" | "code_challenge_method" = name {
                    let (status, error, description) = refusal(&response);
                    assert_eq!((status, error.as_str()), (400, "invalid_request"));
                    assert!(description.starts_with(&format!("the form has no `{name}`")), "{description}");
                } else if REQUIRED.contains(&name) {
                    let expected = invalid_request(&format!("the form has no `{name}`"));
                    assert_eq!(refusal(&response), expected, "{what}");
                } else {
                    assert!(response.status().is_success(), "{what} {name} at {endpoint:?}");
                }
            }
        }
        // An unknown parameter is ignored if it appears once.
        let unknown = [as_pairs(&pairs), vec![("x", "1")]].concat();
        assert!(client.ask(endpoint, &unknown, now()).status().is_success(), "{endpoint:?}");
    }
}

#[test]
fn rfc6749_3_2_only_a_posted_form_is_a_request() {
    let client = Client::alone();
    for (endpoint, pairs) in requests(&client) {
        let good = client.request(endpoint, &as_pairs(&pairs), now());
        for method in ["GET", "PUT", "HEAD", "OPTIONS", "DELETE"] {
            let mut wrong = good.clone();
            *wrong.method_mut() = method.parse().unwrap();
            let response = client.dev.respond(&wrong, now());
            assert_eq!(response.status(), 405);
            assert_eq!(response.headers()["allow"], "POST");
            if method != "HEAD" {
                let said = format!("the method is {method}, expected POST");
                assert_eq!(refusal(&response), refused(405, "invalid_request", &said));
            }
        }
        for content_type in ["application/json", "multipart/form-data", ""] {
            let mut wrong = good.clone();
            wrong.headers_mut().insert("content-type", content_type.parse().unwrap());
            let said =
                format!("the Content-Type is `{content_type}`, expected `application/x-www-form-urlencoded`");
            assert_eq!(refusal(&client.dev.respond(&wrong, now())), invalid_request(&said));
        }
        let mut query = good.clone();
        *query.uri_mut() = format!("{}?token=x", good.uri()).parse().unwrap();
        assert_eq!(
            refusal(&client.dev.respond(&query, now())),
            invalid_request("the URL has `token`, which belongs in the body (RFC 6749 section 3.2)")
        );
        let mut long = good.clone();
        long.body_mut().extend(b"&x=".iter().chain(&[b'x'; 64 * 1024]));
        let len = long.body().len();
        assert_eq!(
            refusal(&client.dev.respond(&long, now())),
            invalid_request(&format!("the form has {len} bytes, at most 65536 are read"))
        );
        // None of these requests used up the assertion.
        assert!(client.dev.respond(&good, now()).status().is_success(), "{endpoint:?}");
    }
}

#[test]
fn only_a_client_that_proves_who_it_is_is_answered() {
    let client = Client::alone();
    let stranger = Client { key: es256().with_key_id(client.key.key_id().as_str()), ..client.clone() };
    let unknown = Client { id: "stranger", ..client.clone() };
    for (endpoint, pairs) in requests(&client) {
        let pairs = as_pairs(&pairs);
        assert_eq!(
            refusal(&stranger.ask(endpoint, &pairs, now())),
            invalid_client("the signature does not verify with the key that client `client` registered")
        );
        assert_eq!(
            refusal(&unknown.ask(endpoint, &pairs, now())),
            invalid_client("client `stranger` is not registered, registered: `client`")
        );
        let request = client.request(endpoint, &pairs, now());
        let unauthenticated = with_form(
            &request,
            form(&request).into_iter().filter(|(name, _)| !name.starts_with("client_assertion")),
        );
        assert_eq!(
            refusal(&client.dev.respond(&unauthenticated, now())),
            invalid_client(&format!("the form has no `client_assertion`; {ONLY_METHOD}"))
        );
        let mut two_methods = request.clone();
        two_methods.headers_mut().insert("authorization", "Basic YTpi".parse().unwrap());
        assert_eq!(
            refusal(&client.dev.respond(&two_methods, now())),
            invalid_request(
                "the request has both an Authorization header (Basic) and a client_assertion; use one method"
            )
        );
        assert!(client.dev.respond(&request, now()).status().is_success());
        assert_eq!(refusal(&client.dev.respond(&request, now())), invalid_client(USED));
    }
}

#[test]
fn the_audience_is_the_issuer_the_token_endpoint_or_the_endpoint_that_is_called() {
    let client = Client::alone();
    let server = client.dev.authorization_server().clone();
    let urls: Vec<&str> = Endpoint::ALL.map(|endpoint| server.endpoint(endpoint).unwrap()).to_vec();
    for (endpoint, pairs) in requests(&client) {
        let request = client.request(endpoint, &as_pairs(&pairs), now());
        let others = form(&request).into_iter().filter(|(name, _)| !name.starts_with("client_assertion"));
        let others: Pairs = others.collect();
        let called = server.endpoint(endpoint).unwrap();
        for audience in [urls.clone(), vec![client.dev.issuer(), "https://other.example"]].concat() {
            let assertion = ClientAssertion::builder("client", &server)
                .audience(Audience::Exactly(audience.to_owned()))
                .sign(&client.key, now(), fresh())
                .unwrap();
            let own =
                assertion.form().into_iter().take(2).map(|(name, value)| (name.to_owned(), value.to_owned()));
            let response =
                client.dev.respond(&with_form(&request, others.clone().into_iter().chain(own)), now());
            let accepted = [client.dev.issuer(), client.dev.token_endpoint(), called].contains(&audience);
            if accepted {
                // The request before may have used up its grant.
                let text = String::from_utf8_lossy(response.body());
                assert!(!text.contains("invalid_client"), "{audience} at {endpoint:?}: {text}");
            } else {
                let (status, error, description) = refusal(&response);
                assert_eq!((status, error.as_str()), (400, "invalid_client"), "{audience} at {endpoint:?}");
                assert!(description.starts_with("the audience is `"), "{description}");
            }
        }
    }
}

#[test]
fn a_line_of_the_log_has_no_secret_and_is_one_line() {
    let client = Client::alone();
    let hostile = "x\n\u{1b}[2J\u{202e}";
    for (endpoint, pairs) in requests(&client) {
        let good = client.request(endpoint, &as_pairs(&pairs), now());
        let secrets: Vec<String> = form(&good)
            .into_iter()
            .filter(|(name, _)| ["client_assertion", "token", "refresh_token"].contains(&name.as_str()))
            .map(|(_, value)| value)
            .filter(|value| value.len() > 1)
            .collect();
        let others: Vec<_> = form(&good);
        let mut lines = vec![client.dev.handle(&good, now())];
        for place in 0..others.len() {
            let mut changed = others.clone();
            changed[place].1 = hostile.to_owned();
            lines.push(client.dev.handle(&with_form(&good, changed), now()));
        }
        for exchange in lines {
            let line = &exchange.outcome;
            assert!(
                !line.chars().any(|character| character.is_control() || character == '\u{202e}'),
                "{line}"
            );
            assert!(secrets.iter().all(|secret| !line.contains(secret)) && !line.contains("eyJ"), "{line}");
            let answer: Value = serde_json::from_slice(exchange.response.body()).unwrap_or_default();
            for secret in ["access_token", "refresh_token", "device_code", "request_uri"] {
                assert!(answer[secret].as_str().is_none_or(|secret| !line.contains(secret)), "{line}");
            }
        }
    }
}

/// Every path of the server, below the issuer.
const PATHS: [&str; 10] = [
    "/userinfo",
    "/token",
    "/par",
    "/introspect",
    "/revoke",
    "/device_authorization",
    "/authorize",
    "/device",
    "/jwks",
    "/.well-known/openid-configuration",
];

/// Names that have a meaning somewhere, with values that may have one.
fn parameters() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let names = [
        "client_id",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
        "resource",
        "code_challenge",
        "request_uri",
        "user_code",
        "decision",
        "subject",
        "token",
        "grant_type",
        "client_assertion",
        "client_assertion_type",
    ];
    let values = prop_oneof![
        any::<String>(),
        prop::sample::select(vec![
            "client",
            "http://127.0.0.1/cb",
            "code",
            "approve",
            "a b",
            "client_credentials"
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec((prop::sample::select(names.to_vec()), values), 0..10)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_is_answered(
        path in prop::sample::select(PATHS.to_vec()),
        posted in any::<bool>(),
        pairs in parameters(),
        garbage in prop::collection::vec(any::<u8>(), 0..64),
        whole in any::<bool>(),
    ) {
        let client = Client::alone();
        client.dev.log_in_as("user-1");
        let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let url = format!("{}{path}", client.dev.issuer());
        let request = if posted {
            let body = if whole { encoded.into_bytes() } else { garbage };
            http::Request::post(url).header("content-type", "application/x-www-form-urlencoded").body(body)
        } else {
            http::Request::get(format!("{url}?{encoded}")).body(garbage)
        };
        let exchange = client.dev.handle(&request.unwrap(), now());
        let status = exchange.response.status().as_u16();
        prop_assert!([200, 303, 400, 401, 404, 405].contains(&status), "{}", status);
        prop_assert!(!exchange.outcome.contains(char::is_control), "{}", exchange.outcome);
        prop_assert_eq!(&exchange.response.headers()["cache-control"], "no-store");
        prop_assert_eq!(exchange.response.headers().contains_key("location"), status == 303);
    }
}
