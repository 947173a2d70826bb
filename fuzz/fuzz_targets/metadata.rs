//! The metadata of an authorization server (RFC 8414 §2), under its issuer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use private_key_jwt::jose::UnverifiedJwt;
use private_key_jwt::oauth::{AuthorizationServer, Endpoint};
use private_key_jwt::{Audience, ClientAssertion, Discovery};
use private_key_jwt_fuzz::{ED25519, ISSUER, check_line, checked, members, now};
use url::Url;

fuzz_target!(|json: &[u8]| {
    let server = checked(AuthorizationServer::from_metadata(ISSUER, json));
    drop(checked(Discovery::new(ISSUER).read(json)));
    let Some(server) = server else { return };
    let document = members(json);
    // A member that the crate reads appears once; others may be repeated.
    let only = |wanted: &str| match document.iter().filter(|(name, _)| name == wanted).collect::<Vec<_>>()[..]
    {
        [(_, value)] => value.text(),
        ref found => panic!("{found:?}"),
    };
    assert_eq!((server.issuer(), only("issuer")), (Some(ISSUER), Some(ISSUER)));
    check_line(&format!("{server:?}"));
    let endpoints = Endpoint::ALL.map(|endpoint| checked(server.endpoint(endpoint)));
    let others = [checked(server.authorization_endpoint()), checked(server.jwks_uri())];
    for url in endpoints.into_iter().chain(others).flatten() {
        check_url(url);
        assert!(document.iter().any(|(_, value)| value.text() == Some(url)), "{url} is not in the document");
    }
    assert_eq!(only("token_endpoint"), Some(server.token_endpoint()));
    // An assertion is for the issuer, whatever the metadata says. It is for an endpoint only if the
    // endpoint is below the issuer, because another tenant of the same host has endpoints too.
    let for_issuer = ClientAssertion::builder("client", &server).sign(&ED25519, now(), "jti").unwrap();
    assert_eq!(audience(&for_issuer), ISSUER);
    let for_endpoint = ClientAssertion::builder("client", &server).audience(Audience::TokenEndpoint);
    if let Some(assertion) = checked(for_endpoint.sign(&ED25519, now(), "jti")) {
        let (aud, issuer) = (Url::parse(&audience(&assertion)).unwrap(), Url::parse(ISSUER).unwrap());
        assert_eq!(audience(&assertion), server.token_endpoint());
        assert_eq!(aud.origin(), issuer.origin());
        let rest = aud.path().strip_prefix(issuer.path()).expect("a path below the issuer's");
        assert!(rest.is_empty() || rest.starts_with('/'), "{aud}");
    }
});

fn audience(assertion: &ClientAssertion) -> String {
    let jwt = UnverifiedJwt::parse(assertion.secret()).unwrap();
    jwt.claims()["aud"].as_str().unwrap().to_owned()
}

/// A secret goes to an https URL or to this machine, and the URL contains nothing that a reader
/// could take for another host.
#[track_caller]
fn check_url(text: &str) {
    check_line(text);
    let url = Url::parse(text).unwrap();
    let host = url.host_str().unwrap();
    let is_loopback = host == "localhost" || host == "[::1]" || host.starts_with("127.");
    assert!(url.scheme() == "https" || (url.scheme() == "http" && is_loopback), "{text}");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{text}");
}
