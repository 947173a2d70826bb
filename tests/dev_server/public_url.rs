//! A server behind a proxy or in a container: it has another URL than it listens on.

use private_key_jwt::dev_server::{DevServerBuilder, DevServerError};

use super::*;

fn behind(public_url: &str) -> DevServer {
    DevServer::builder().public_url(public_url).build(ORIGIN).unwrap()
}

#[test]
fn every_url_that_it_tells_is_below_the_public_one() {
    let dev = behind("https://auth.test:8443");
    let issuer = format!("https://auth.test:8443/{}/as", DevServer::ENVIRONMENT_ID);
    assert_eq!(dev.issuer(), issuer);
    for below in [dev.token_endpoint(), dev.jwks_uri(), dev.userinfo_endpoint()] {
        assert!(below.starts_with(&issuer), "{below}");
    }
    let document = good(&page(&dev, &format!("{issuer}/.well-known/openid-configuration"), now()));
    assert_eq!(document["issuer"], issuer);
    for (name, value) in document.as_object().unwrap() {
        if name.ends_with("_endpoint") || name.ends_with("_uri") {
            assert!(value.as_str().unwrap().starts_with(&issuer), "{name}: {value}");
        }
    }
    assert!(!document.to_string().contains("127.0.0.1"));
    let client = Client::of(&dev, "client");
    let codes = client.device(&[], now());
    assert_eq!(codes["verification_uri"], format!("{issuer}/device"));
    let tokens = client.log_in("a", now());
    assert_eq!(claims(&dev, tokens["access_token"].as_str().unwrap())["iss"], issuer);
}

#[test]
fn it_answers_to_the_public_name_and_to_its_own() {
    let dev = behind("https://auth.test:8443");
    let status = |host: &str| {
        let path = format!("/{}/as/jwks", DevServer::ENVIRONMENT_ID);
        let request = http::Request::get(path).header("host", host).body(Vec::new()).unwrap();
        dev.respond(&request, now()).status().as_u16()
    };
    let found =
        ["auth.test:8443", "127.0.0.1:8080", "localhost:8080", "auth.test", "other.test:8443"].map(status);
    assert_eq!(found, [200, 200, 200, 421, 421]);
    let any_port = behind("https://auth.test");
    let request = http::Request::get(any_port.jwks_uri()).body(Vec::new()).unwrap();
    assert_eq!(any_port.respond(&request, now()).status(), 200);
}

/// A proxy may keep the `Host` or put its own.
#[test]
fn a_page_of_the_public_origin_is_its_own() {
    for host in ["auth.test", "127.0.0.1:8080"] {
        let dev = behind("https://auth.test");
        let client = Client::of(&dev, "client");
        let codes = client.device(&[], now());
        let form = format!("user_code={}&decision=approve", codes["user_code"].as_str().unwrap());
        let post = |origin: &str| {
            let request = http::Request::post(format!("/{}/as/device", DevServer::ENVIRONMENT_ID))
                .header("host", host)
                .header("origin", origin)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form.clone().into_bytes())
                .unwrap();
            dev.respond(&request, now()).status().as_u16()
        };
        assert_eq!(
            ["https://evil.test", "https://auth.test:1", "http://auth.test:1"].map(post),
            [403; 3],
            "{host}"
        );
        assert_eq!(post("https://auth.test"), 200, "{host}");
    }
}

#[test]
fn plain_http_inside_a_container_network_needs_no_other_consent() {
    let dev = behind("http://auth:8080");
    let client = Client::of(&dev, "client");
    assert_eq!(client.token(&[("grant_type", "client_credentials")], now()).status(), 200);
    let server = dev.authorization_server().clone();
    private_key_jwt::TokenClient::new(server, "client", es256()).unwrap();
}

#[test]
fn a_public_url_is_an_origin_and_nothing_else() {
    let build = |url: &str| DevServer::builder().public_url(url).build(ORIGIN).map(|_| ());
    for (url, expected) in [
        ("auth.test", "the public URL auth.test is not an origin, such as https://auth.test"),
        ("", "the public URL \"\" is not an origin, such as https://auth.test"),
        ("ftp://auth.test", "the public URL ftp://auth.test is not an origin, such as https://auth.test"),
        ("https://auth.test/", "the public URL https://auth.test/ has more than a scheme, a host and a port"),
        (
            "https://auth.test/as",
            "the public URL https://auth.test/as has more than a scheme, a host and a port",
        ),
    ] {
        match build(url) {
            Err(error @ DevServerError::PublicUrl { .. }) => assert_eq!(error.to_string(), expected),
            other => panic!("{url}: {other:?}"),
        }
    }
    let shown = |builder: DevServerBuilder| format!("{builder:?}");
    for secret in ["https://user:hunter2@auth.test", "https://auth.test?token=hunter2"] {
        let error = build(secret).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        assert!(!shown(DevServer::builder().public_url(secret)).contains("hunter2"));
    }
}
