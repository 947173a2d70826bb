//! The authorization endpoint, pushed requests (RFC 9126), and the codes that both issue.

use private_key_jwt::oauth::Endpoint::PushedAuthorization;
use serde_json::json;

use super::*;

pub(crate) const CALLBACK: &str = "http://127.0.0.1:9/cb?a=b";
// RFC 7636 appendix B
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A good authorization request, without the client.
pub(crate) const REQUEST: [(&str, &str); 6] = [
    ("response_type", "code"),
    ("redirect_uri", CALLBACK),
    ("scope", "a b"),
    ("state", "s &1"),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
];

/// The good request with one parameter changed or added, or removed if there is no value.
fn with<'a>(name: &'a str, value: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    let others = REQUEST.into_iter().filter(|(found, _)| *found != name);
    others.chain(value.map(|value| (name, value))).collect()
}

fn url(dev: &DevServer, pairs: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{}?{query}", dev.authorization_server().authorization_endpoint().unwrap())
}

fn of_client<'a>(pairs: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[("client_id", "client")], pairs].concat()
}

pub(crate) fn authorize(
    client: &Client,
    pairs: &[(&str, &str)],
    now: OffsetDateTime,
) -> http::Response<Vec<u8>> {
    page(&client.dev, &url(&client.dev, &of_client(pairs)), now)
}

/// The target of a redirect, and its parameters.
#[track_caller]
fn sent_to(response: &http::Response<Vec<u8>>) -> (String, Pairs) {
    assert_eq!(response.status(), 303, "{}", String::from_utf8_lossy(response.body()));
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["referrer-policy"], "no-referrer");
    assert!(response.body().is_empty());
    let location = response.headers()["location"].to_str().unwrap();
    let (address, query) = location.split_once('?').unwrap();
    (address.to_owned(), form_urlencoded::parse(query.as_bytes()).into_owned().collect())
}

/// The code in the redirect to the application.
#[track_caller]
pub(crate) fn code(response: &http::Response<Vec<u8>>) -> String {
    let (_, pairs) = sent_to(response);
    pairs.iter().find(|(name, _)| name == "code").expect("a code").1.clone()
}

pub(crate) fn exchange<'a>(code: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let usual = usual.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
    usual.chain(more.iter().copied()).collect()
}

#[test]
fn rfc6749_4_1_2_with_a_user_who_is_logged_in_the_browser_is_sent_on_at_once() {
    let client = Client::alone();
    client.dev.log_in_as("user-7");
    let request = http::Request::get(url(&client.dev, &of_client(&REQUEST))).body(Vec::new()).unwrap();
    let exchanged = client.dev.handle(&request, now());
    let (address, pairs) = sent_to(&exchanged.response);
    assert_eq!(address, "http://127.0.0.1:9/cb");
    let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    // The redirect URI keeps its own query; RFC 9207 adds the issuer.
    assert_eq!(names, ["a", "code", "state", "iss"]);
    assert_eq!(
        (pairs[0].1.as_str(), pairs[2].1.as_str(), pairs[3].1.as_str()),
        ("b", "s &1", client.dev.issuer())
    );
    let path = format!("/{}/as/authorize", DevServer::ENVIRONMENT_ID);
    assert_eq!(
        exchanged.outcome,
        format!("GET {path} 303 approved sub=\"user-7\" client=client scope=\"a b\"")
    );

    let tokens = good(&client.token(&exchange(&pairs[1].1, &[]), at(1)));
    let members: Vec<&str> = tokens.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["access_token", "expires_in", "refresh_token", "scope", "token_type"]);
    let claims = claims(&client.dev, tokens["access_token"].as_str().unwrap());
    assert_eq!(
        (&claims["sub"], &claims["client_id"], &claims["scope"], &claims["aud"]),
        (&json!("user-7"), &json!("client"), &json!("a b"), &json!(DevServer::DEFAULT_AUDIENCE))
    );
    assert_eq!(client.refresh(&tokens["refresh_token"], at(2)).status(), 200);

    client.dev.log_out();
    assert!(html(&authorize(&client, &REQUEST, now())).contains("<form method=\"post\""));
}

#[test]
fn the_page_carries_the_request_to_the_decision() {
    let client = Client::alone();
    let more = [("resource", "https://api.example/?a='1'&b"), ("audience", "\"><b>")];
    let shown = html(&authorize(&client, &[&REQUEST[..], &more[..]].concat(), now()));
    assert!(shown.contains("The client <b>client</b> asks for <b>a b</b>."));
    let path = format!("/{}/as/authorize", DevServer::ENVIRONMENT_ID);
    assert!(shown.contains(&format!("<form method=\"post\" action=\"{path}\">")));
    for (name, value) in [
        ("client_id", "client"),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "a b"),
        ("state", "s &amp;1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("resource", "https://api.example/?a=&#39;1&#39;&amp;b"),
        ("audience", "&quot;&gt;&lt;b&gt;"),
    ] {
        let input = format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
        assert!(shown.contains(&input), "{input} in {shown}");
    }
    assert_eq!(shown.matches("type=\"hidden\"").count(), 9);

    let endpoint = client.dev.authorization_server().authorization_endpoint().unwrap();
    let decide = |more: &[(&str, &str)]| {
        press(&client.dev, endpoint, &[of_client(&REQUEST), more.to_vec()].concat(), now())
    };
    let approved = decide(&[("subject", "user-7"), ("decision", "approve")]);
    let tokens = good(&client.token(&exchange(&code(&approved), &[]), now()));
    assert_eq!(claims(&client.dev, tokens["access_token"].as_str().unwrap())["sub"], "user-7");

    let (_, pairs) = sent_to(&decide(&[("decision", "deny")]));
    let pairs: Vec<(&str, &str)> =
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        pairs,
        [
            ("a", "b"),
            ("error", "access_denied"),
            ("error_description", "the user denied the request"),
            ("state", "s &1"),
            ("iss", client.dev.issuer())
        ]
    );
    // OpenID Connect Core §3.1.2.1: a request by POST shows the same page.
    let by_post = press(&client.dev, endpoint, &[of_client(&REQUEST), more.to_vec()].concat(), now());
    assert_eq!(html(&by_post), shown);
    // Only a form on the page presses a button.
    let mut by_query = http::Request::post(url(&client.dev, &of_client(&REQUEST)));
    by_query = by_query.header("content-type", "application/x-www-form-urlencoded");
    let response = client.dev.respond(&by_query.body(b"decision=approve".to_vec()).unwrap(), now());
    let said = "the URL has `client_id`, which belongs in the body (RFC 6749 section 3.2)";
    assert_eq!(refusal(&response), invalid_request(said));
}

#[test]
fn rfc6749_4_1_2_1_a_wrong_client_or_address_is_shown_and_not_redirected() {
    let client = Client::alone();
    client.dev.log_in_as("user-1");
    let shown = |pairs: &[(&str, &str)]| refusal(&page(&client.dev, &url(&client.dev, pairs), now()));
    assert_eq!(shown(&REQUEST), invalid_request("the query has no `client_id`"));
    let stranger = [&[("client_id", "stranger\n")], &REQUEST[..]].concat();
    // Control characters are escaped, and RFC 6749 §5.2 has no backslash.
    let said = "client `stranger/u{a}` is not registered, registered: `client`";
    assert_eq!(shown(&stranger), invalid_request(said));
    assert_eq!(
        shown(&of_client(&with("redirect_uri", None))),
        invalid_request("the query has no `redirect_uri`")
    );
    for address in [
        "https://app.example/cb",
        "http://127.0.0.1.evil/cb",
        "http://127.0.0.1@evil/cb",
        "http://127.0.0.1/cb#x",
        "app:/cb",
        "javascript:alert(1)",
        "//127.0.0.1/cb",
        "/cb",
        "http://127.0.0.1/\r\nset-cookie: a",
    ] {
        let (status, error, description) = shown(&of_client(&with("redirect_uri", Some(address))));
        assert_eq!((status, error.as_str()), (400, "invalid_request"));
        assert!(description.ends_with("is not http or https on loopback"), "{description}");
    }
    for address in ["http://localhost/", "https://[::1]:8443/cb", "http://127.1.2.3:1"] {
        let response = authorize(&client, &with("redirect_uri", Some(address)), now());
        assert!(sent_to(&response).0.starts_with(address));
    }
    assert_eq!(
        shown(&of_client(&with("state", Some("s\n")))),
        invalid_request("the state is not printable ASCII (RFC 6749 A.5)")
    );
    for twice in ["client_id", "redirect_uri", "state", "scope", "anything"] {
        let pairs = [of_client(&with(twice, None)), vec![(twice, "x"), (twice, "x")]].concat();
        assert_eq!(shown(&pairs), invalid_request(&format!("the query has `{twice}` more than once")));
    }
    let long = "s".repeat(64 * 1024);
    let endpoint = client.dev.authorization_server().authorization_endpoint().unwrap();
    let pressed = press(&client.dev, endpoint, &[("decision", "deny"), ("state", &long)], now());
    assert_eq!(refusal(&pressed), invalid_request("the form has 65556 bytes, at most 65536 are read"));
}

/// A request, the error, and its description, in which PLACE stands for where the parameters are.
type Wrong = (Vec<(&'static str, &'static str)>, &'static str, &'static str);

/// Faults in the rest of a request, at both endpoints that accept one.
fn wrong_requests() -> Vec<Wrong> {
    vec![
        (with("response_type", None), "invalid_request", "the PLACE has no `response_type`"),
        (
            with("response_type", Some("token")),
            "unsupported_response_type",
            "the response_type is `token`, expected `code`",
        ),
        (
            with("response_mode", Some("fragment")),
            "invalid_request",
            "the response_mode is `fragment`, expected `query` or `form_post`",
        ),
        (
            with("request", Some("a.b.c")),
            "request_not_supported",
            "a request object (`request`, RFC 9101) is not supported; push the request instead (RFC 9126)",
        ),
        (
            with("request_uri", Some("https://127.0.0.1/request")),
            "request_uri_not_supported",
            "a request object by URL (`request_uri`, RFC 9101) is not supported; push the request instead (RFC 9126)",
        ),
        (
            with("registration", Some("{}")),
            "registration_not_supported",
            "the parameter `registration` is not supported; push the request instead (RFC 9126)",
        ),
        (with("nonce", Some("\n")), "invalid_request", "the nonce is not printable ASCII"),
        (
            with("prompt", Some("login none")),
            "invalid_request",
            "the prompt is `login none`, but `none` cannot be combined",
        ),
        (
            with("code_challenge", None),
            "invalid_request",
            "the PLACE has no `code_challenge`; PKCE is required (RFC 7636)",
        ),
        (
            with("code_challenge_method", None),
            "invalid_request",
            "the PLACE has no `code_challenge_method`, which then defaults to `plain`; expected `S256`",
        ),
        (
            with("code_challenge_method", Some("plain")),
            "invalid_request",
            "the code_challenge_method is `plain`, expected `S256`",
        ),
        (
            with("code_challenge", Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw")),
            "invalid_request",
            "the code_challenge has 30 bytes, expected the 32 bytes of a SHA-256 hash",
        ),
        (
            with("code_challenge", Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=")),
            "invalid_request",
            "the code_challenge is not base64url without padding (RFC 7636 section 4.2)",
        ),
        (
            with("scope", Some("a\\b")),
            "invalid_scope",
            "the scope contains a character that RFC 6749 section 3.3 does not allow",
        ),
        (
            with("resource", Some("x")),
            "invalid_target",
            "the resource `x` is not an absolute URI without a fragment",
        ),
        (
            with("resource", Some("https://api.exam\tple")),
            "invalid_target",
            "the resource `https://api.exam/u{9}ple` is not an absolute URI without a fragment",
        ),
        (with("audience", Some("\u{fc}")), "invalid_target", "the audience `?` is not printable ASCII"),
    ]
}

#[test]
fn rfc6749_4_1_2_1_everything_else_goes_back_to_the_application() {
    let client = Client::alone();
    for (pairs, error, description) in wrong_requests() {
        let (address, sent) = sent_to(&authorize(&client, &pairs, now()));
        assert_eq!(address, "http://127.0.0.1:9/cb");
        let description = description.replace("PLACE", "query");
        let expected = [
            ("a", "b"),
            ("error", error),
            ("error_description", &description),
            ("state", "s &1"),
            ("iss", client.dev.issuer()),
        ];
        assert_eq!(sent, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}

#[test]
fn rfc9126_2_3_a_wrong_request_is_refused_when_it_is_pushed() {
    let client = Client::alone();
    let push = |pairs: &[(&str, &str)]| refusal(&client.ask(PushedAuthorization, pairs, now()));
    for (pairs, error, description) in wrong_requests() {
        assert_eq!(push(&pairs), refused(400, error, &description.replace("PLACE", "form")));
    }
    assert_eq!(push(&with("redirect_uri", None)), invalid_request("the form has no `redirect_uri`"));
    assert_eq!(
        push(&with("redirect_uri", Some("https://app.example/cb"))),
        invalid_request("the redirect_uri `https://app.example/cb` is not http or https on loopback")
    );
    assert_eq!(
        push(&with("request_uri", Some("urn:ietf:params:oauth:request_uri:x"))),
        invalid_request("a request_uri cannot be pushed (RFC 9126 section 2.1)")
    );
    assert_eq!(push(&[("client_id", "other")]), invalid_request("the form has `client_id` more than once"));
}

/// Pushes a request and returns its name.
fn pushed(client: &Client, now: OffsetDateTime) -> String {
    let request = client.request(PushedAuthorization, &REQUEST, now);
    let exchange = client.dev.handle(&request, now);
    assert_eq!(exchange.response.status(), 201);
    assert!(
        exchange.outcome.ends_with("/par 201 client=client alg=ES256 scope=\"a b\""),
        "{}",
        exchange.outcome
    );
    let body = body(&exchange.response);
    assert_eq!(body["expires_in"], 60);
    assert_eq!(body.as_object().unwrap().len(), 2);
    let request_uri = text(&body["request_uri"]);
    let name = request_uri.strip_prefix("urn:ietf:params:oauth:request_uri:").unwrap();
    assert_eq!(name.len(), 43);
    request_uri
}

#[test]
fn rfc9126_4_a_pushed_request_is_decided_once_and_soon() {
    let client = Client::alone();
    let request_uri = pushed(&client, now());
    let pairs = [("request_uri", request_uri.as_str())];
    // The page may be reloaded, and contains only the name.
    for _ in 0..2 {
        let shown = html(&authorize(&client, &pairs, at(59)));
        assert!(shown.contains(&format!("name=\"request_uri\" value=\"{request_uri}\"")));
        assert_eq!(shown.matches("type=\"hidden\"").count(), 2);
    }
    let endpoint = client.dev.authorization_server().authorization_endpoint().unwrap();
    let decide = |decision| {
        let pairs = [of_client(&pairs), vec![("decision", decision)]].concat();
        press(&client.dev, endpoint, &pairs, at(59))
    };
    let tokens = client.token(&exchange(&code(&decide("approve")), &[]), at(60));
    assert_eq!(good(&tokens)["scope"], "a b");

    let invalid = |description: &str| refused(400, "invalid_request_uri", description);
    let used = invalid("the request_uri was used before");
    assert_eq!(refusal(&decide("approve")), used);
    assert_eq!(refusal(&authorize(&client, &pairs, at(59))), used);
    // Denying is a decision, too; and the request expires after a minute.
    client.dev.log_in_as("user-1");
    for (request_uri, now, said) in [
        (pushed(&client, now()), at(60), "the request_uri expired; pushed requests are valid for 60 s"),
        ("urn:ietf:params:oauth:request_uri:x".to_owned(), now(), "the request_uri is unknown"),
    ] {
        assert_eq!(refusal(&authorize(&client, &[("request_uri", &request_uri)], now)), invalid(said));
    }
    let request_uri = pushed(&client, now());
    let denied = [("client_id", "client"), ("request_uri", request_uri.as_str()), ("decision", "deny")];
    assert_eq!(sent_to(&press(&client.dev, endpoint, &denied, now())).1[1].1, "access_denied");
    assert_eq!(refusal(&authorize(&client, &[("request_uri", &request_uri)], now())), used);

    // The other parameters of the URL are ignored (RFC 9101 §6.3), and another client cannot use
    // the request.
    let request_uri = pushed(&client, now());
    Client::of(&client.dev, "other");
    let others = [("client_id", "other"), ("request_uri", request_uri.as_str())];
    assert_eq!(
        refusal(&page(&client.dev, &url(&client.dev, &others), now())),
        invalid("the request_uri was pushed by client `client`, but the client_id is `other`")
    );
    let more =
        [("request_uri", request_uri.as_str()), ("scope", "everything"), ("redirect_uri", "https://evil/")];
    let (address, sent) = sent_to(&authorize(&client, &more, now()));
    assert_eq!(address, "http://127.0.0.1:9/cb");
    assert_eq!(good(&client.token(&exchange(&sent[1].1, &[]), now()))["scope"], "a b");
}

/// OAuth 2.0 Form Post Response Mode §2.
#[test]
fn the_answer_is_posted_to_the_application_that_asks_for_it() {
    let client = Client::alone();
    client.dev.log_in_as("user-7");
    let inputs = |response: http::Response<Vec<u8>>| -> Pairs {
        assert_eq!(response.status(), 200);
        // The hash of the script as openssl has it.
        assert_eq!(
            response.headers()["content-security-policy"],
            "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; \
             script-src 'sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE='"
        );
        let page = String::from_utf8(response.into_body()).unwrap();
        assert!(page.contains("<form method=\"post\" action=\"http://127.0.0.1:9/cb?a=b\">"), "{page}");
        assert!(page.contains("<script>document.forms[0].submit()</script>"), "{page}");
        let inputs = page.lines().filter_map(|line| line.strip_prefix("<input type=\"hidden\" name=\""));
        let pair = |line: &str| {
            let (name, value) = line.strip_suffix("\">").unwrap().split_once("\" value=\"").unwrap();
            (name.to_owned(), value.replace("&amp;", "&"))
        };
        inputs.map(pair).collect()
    };
    let posted = inputs(authorize(&client, &with("response_mode", Some("form_post")), now()));
    let names: Vec<&str> = posted.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["code", "state", "iss"]);
    assert_eq!((posted[1].1.as_str(), posted[2].1.as_str()), ("s &1", client.dev.issuer()));
    assert_eq!(good(&client.token(&exchange(&posted[0].1, &[]), now()))["scope"], "a b");

    // Errors too, and pushed requests.
    let wrong = [&with("response_type", Some("token"))[..], &[("response_mode", "form_post")]].concat();
    assert_eq!(inputs(authorize(&client, &wrong, now()))[0].1, "unsupported_response_type");
    let pushed = client.ask(PushedAuthorization, &with("response_mode", Some("form_post")), now());
    let request_uri = text(&body(&pushed)["request_uri"]);
    assert_eq!(inputs(authorize(&client, &[("request_uri", &request_uri)], now()))[0].0, "code");
}
