//! What is checked before the parameters: the method, the URL, and client authentication.

use private_key_jwt::oauth::Endpoint::{PushedAuthorization, Token};

use super::authorization::{CALLBACK, REQUEST};
use super::*;

fn ask(dev: &DevServer, method: &str, url: &str) -> http::Response<Vec<u8>> {
    dev.respond(&http::Request::builder().method(method).uri(url).body(Vec::new()).unwrap(), now())
}

#[test]
fn rfc9110_9_3_2_head_is_answered_as_get_without_the_content() {
    let client = Client::alone();
    let issuer = client.dev.issuer().to_owned();
    for path in
        ["/.well-known/openid-configuration", "/jwks", "/authorize", "/device", "/userinfo", "/nowhere"]
    {
        let url = format!("{issuer}{path}");
        let [get, head] = ["GET", "HEAD"].map(|method| ask(&client.dev, method, &url));
        assert_eq!(get.status(), head.status(), "{path}");
        assert!(head.body().is_empty() && !get.body().is_empty(), "{path}");
        assert_eq!(head.headers()["content-length"], get.body().len().to_string().as_str());
        assert_eq!(head.headers()["content-type"], get.headers()["content-type"]);
    }
    client.dev.log_in_as("user-1");
    let pairs = [&REQUEST[..], &[("client_id", "client")]].concat();
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let head = ask(&client.dev, "HEAD", &format!("{issuer}/authorize?{query}"));
    assert!(head.status() == 303 && head.headers()["location"].to_str().unwrap().starts_with("http"));
}

#[test]
fn rfc6749_5_2_a_header_is_challenged_by_its_scheme_and_a_form_is_not() {
    let client = Client::alone();
    let request = client.request(Token, &[("grant_type", "client_credentials")], now());
    let others = form(&request).into_iter().filter(|(name, _)| !name.starts_with("client_"));
    let bare = with_form(&request, others);
    assert_eq!(
        refusal(&client.dev.respond(&bare, now())),
        invalid_client(&format!("the form has no `client_assertion`; {ONLY_METHOD}"))
    );
    assert!(!client.dev.respond(&bare, now()).headers().contains_key("www-authenticate"));
    for (header, found, challenge) in [
        ("Basic YTpi", "is client_secret_basic (`Basic`)", "Basic"),
        ("basic YTpi", "is client_secret_basic (`Basic`)", "basic"),
        ("Bearer abc", "is `Bearer`", "Bearer"),
        ("DPoP abc", "is `DPoP`", "DPoP"),
        // It may be a secret.
        ("eyJhbGciOiJub25lIn0.e30.", "has no scheme", "Basic"),
        ("a\"b c", "has no scheme", "Basic"),
        ("", "has no scheme", "Basic"),
    ] {
        let mut with_header = bare.clone();
        with_header.headers_mut().insert("authorization", header.parse().unwrap());
        let response = client.dev.respond(&with_header, now());
        let said = format!("the Authorization header {found}; {ONLY_METHOD}");
        assert_eq!(refusal(&response), refused(401, "invalid_client", &said));
        let expected = format!("{challenge} realm=\"private_key_jwt is the only method\"");
        assert_eq!(response.headers()["www-authenticate"], expected.as_str());
    }
    let with = |name: &str, value: &str| {
        let pairs = form(&bare).into_iter().chain([(name.to_owned(), value.to_owned())]);
        refusal(&client.dev.respond(&with_form(&bare, pairs), now()))
    };
    assert_eq!(
        with("client_secret", "s"),
        invalid_client(&format!(
            "the form has a `client_secret`, which is client_secret_post; {ONLY_METHOD}"
        ))
    );
    assert_eq!(
        with("assertion", "eyJ"),
        invalid_client(
            "the form has no `client_assertion`; its `assertion` is the grant's (RFC 7523 section 2.1) and does not \
             authenticate the client"
        )
    );
}

#[test]
fn rfc6749_3_2_an_endpoint_is_served_whatever_unknown_its_url_has() {
    let client = Client::alone();
    let with_query = |query: &str| {
        let mut request = client.request(Token, &[("grant_type", "client_credentials")], now());
        *request.uri_mut() = format!("{}?{query}", client.dev.token_endpoint()).parse().unwrap();
        client.dev.respond(&request, now())
    };
    for query in ["", "dc=ESTS-PUB-EUS", "client-request-id=1&x=%22", "dc=1&dc=1", "=", "Scope=a"] {
        assert_eq!(with_query(query).status(), 200, "{query}");
    }
    for name in ["scope", "client_id", "client_assertion", "client_secret", "resource", "code", "sco%70e"] {
        let found = name.replace("%70", "p");
        let said = format!("the URL has `{found}`, which belongs in the body (RFC 6749 section 3.2)");
        assert_eq!(refusal(&with_query(&format!("dc=1&{name}=a"))), invalid_request(&said));
    }
}

#[test]
fn rfc9126_2_1_a_pushed_request_has_a_client_id() {
    let client = Client::alone();
    let request = client.request(PushedAuthorization, &REQUEST, now());
    let without = |name: &'static str| form(&request).into_iter().filter(move |(found, _)| found != name);
    let bare = with_form(&request, without("client_id"));
    assert_eq!(
        refusal(&client.dev.respond(&bare, now())),
        invalid_request(
            "the form has no `client_id`, which a pushed request requires (RFC 9126 section 2.1)"
        )
    );
    // Nothing was used up.
    assert_eq!(client.dev.respond(&request, now()).status(), 201);
}

#[test]
fn a_request_object_is_named_before_what_it_may_hold_is_missed() {
    let client = Client::alone();
    let endpoint = client.dev.authorization_server().authorization_endpoint().unwrap().to_owned();
    let ask = |pairs: &[(&str, &str)]| {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        page(&client.dev, &format!("{endpoint}?{query}"), now())
    };
    for (name, error) in [
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
        ("registration", "registration_not_supported"),
    ] {
        // Without a redirect URI, or for an unknown client, the error is shown to the user.
        for pairs in [
            &[(name, "x")][..],
            &[(name, "x"), ("client_id", "client")],
            &[(name, "x"), ("client_id", "stranger"), ("redirect_uri", CALLBACK)],
            &[(name, "x"), ("client_id", "client"), ("redirect_uri", "https://evil.example/")],
        ] {
            let (status, found, _) = refusal(&ask(pairs));
            assert_eq!((status, found.as_str()), (400, error));
        }
        let sent = ask(&[(name, "x"), ("client_id", "client"), ("redirect_uri", CALLBACK), ("state", "s")]);
        let location = sent.headers()["location"].to_str().unwrap();
        assert!(location.starts_with(&format!("{CALLBACK}&error={error}&")), "{location}");
        assert!(location.contains("&state=s&iss="), "{location}");

        let (status, found, _) = refusal(&client.ask(PushedAuthorization, &[(name, "x")], now()));
        assert_eq!((status, found.as_str()), (400, error));
    }
}
