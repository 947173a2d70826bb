//! Text in the place of a URL, a scope, a verifier or a resource.
#![no_main]

use libfuzzer_sys::fuzz_target;
use private_key_jwt::oauth::{CodeVerifier, Endpoint};
use private_key_jwt::transport::PublicNetworkClient;
use private_key_jwt::{AuthorizationServer, Discovery, JwksUri, Region, Scope, TokenRequest};
use private_key_jwt_fuzz::{SERVER, checked};
use std::sync::LazyLock;
use url::{Host, Url};

static PUBLIC: LazyLock<PublicNetworkClient> = LazyLock::new(|| PublicNetworkClient::new().unwrap());

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    for server in [
        checked(AuthorizationServer::new(text, "https://as.example/token")),
        checked(AuthorizationServer::new("https://as.example", text)),
        checked(AuthorizationServer::from_token_endpoint(text)),
        checked(SERVER.clone().with_endpoint(Endpoint::Revocation, text)),
        checked(SERVER.clone().with_authorization_endpoint(text)),
        checked(SERVER.clone().with_jwks_uri(text)),
    ]
    .into_iter()
    .flatten()
    {
        let urls = [server.issuer(), Some(server.token_endpoint()), server.jwks_uri().ok()];
        let endpoints = Endpoint::ALL.map(|endpoint| server.endpoint(endpoint).ok());
        for url in urls.into_iter().chain(endpoints).chain([server.authorization_endpoint().ok()]).flatten() {
            check_url(url);
        }
    }
    for url in checked(Discovery::new(text).urls()).into_iter().flatten() {
        check_url(&url);
    }
    for uri in [
        checked(JwksUri::ping_one(Region::NorthAmerica, text)),
        checked(JwksUri::ping_federate(text)),
        checked(JwksUri::auth0(text)),
    ]
    .into_iter()
    .flatten()
    {
        check_url(uri.as_str());
    }
    if checked(PUBLIC.check(text)).is_some() {
        let url = Url::parse(text).unwrap();
        assert_eq!(url.scheme(), "https");
        match url.host().unwrap() {
            // Addresses are checked when a name is resolved.
            Host::Domain(name) => assert!(!name.is_empty()),
            Host::Ipv4(it) => {
                assert!(
                    !it.is_loopback() && !it.is_private() && !it.is_link_local() && !it.is_unspecified(),
                    "{it}"
                );
            }
            Host::Ipv6(it) => assert!(!it.is_loopback() && it.to_ipv4_mapped().is_none(), "{it}"),
        }
    }
    if let Some(verifier) = checked(CodeVerifier::new(text)) {
        assert!((43..=128).contains(&text.len()) && verifier.matches(&verifier.challenge()));
        assert!(!format!("{verifier:?}").contains(text));
    }
    let scope = Scope::from(text);
    assert_eq!(Scope::from(scope.to_string().as_str()), scope);
    drop(checked(TokenRequest::client_credentials(text).resource(text)));
});

#[track_caller]
fn check_url(text: &str) {
    let url = Url::parse(text).unwrap();
    let is_loopback = match url.host().unwrap() {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    assert!(url.scheme() == "https" || (url.scheme() == "http" && is_loopback), "{text}");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{text}");
}
