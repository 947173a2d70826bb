//! Keys, tokens and passwords in the place of a path, a URL or a name: the library says what they
//! look like, and shows nothing of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/secrets.rs"]
mod secrets;
mod support;

use std::error::Error;
use std::fmt::Debug;

use private_key_jwt::keys::{KeyError, KeyLoader};
use private_key_jwt::oauth::{
    AuthorizationRequest, AuthorizationResponse, CodeVerifier, Discovery, Endpoint, HintedToken, JwksUri,
    JwtGrant, PingAccess, Region, TokenExchange, TokenKind,
};
use private_key_jwt::{
    Audience, AuthorizationServer, ClientAssertion, KeyId, PrivateKey, Scope, TokenRequest,
};
use secrets::{secrets, suspects};
use support::{all_texts, has_mark, key, testdata};

#[track_caller]
fn hidden(what: &str, form: &str, shown: impl Debug) {
    let text = format!("{shown:?}");
    assert!(!has_mark(&text), "{what}, {form}: {text}");
}

#[track_caller]
fn refused<T, E: Error + 'static>(what: &str, form: &str, result: Result<T, E>) {
    if let Err(error) = result {
        let texts = all_texts(&error);
        assert!(!has_mark(&texts), "{what}, {form}: {texts}");
    }
}

#[test]
fn a_secret_in_the_place_of_a_path_is_named() {
    for (form, text) in secrets().into_iter().chain(suspects()) {
        for error in [
            PrivateKey::from_file(&text).map(drop).unwrap_err(),
            PrivateKey::from_encrypted_file(&text, "passphrase").map(drop).unwrap_err(),
            KeyLoader::new().load_file(&text).map(drop).unwrap_err(),
        ] {
            assert!(matches!(error, KeyError::KeyAsPath { .. }), "{form}: {error}");
            refused("a path", form, Err::<(), _>(error));
        }
        refused("a variable", form, PrivateKey::from_env(&text));
        refused("a variable", form, KeyLoader::new().load_env(&text));
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        for file in ["ed25519.pkcs8.der", "p256.pkcs8.der", "p384.sec1.der", "rsa2048.pkcs1.der"] {
            let der = testdata(&format!("keys/{file}"));
            for error in [
                PrivateKey::from_file(std::ffi::OsStr::from_bytes(&der)).map(drop).unwrap_err(),
                KeyLoader::new().load_file(std::ffi::OsStr::from_bytes(&der)).map(drop).unwrap_err(),
            ] {
                assert!(matches!(error, KeyError::KeyAsPath { .. }), "{file}: {error}");
            }
        }
    }
    let error = PrivateKey::from_file(&secrets()[0].1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected the path of a key file, found a PEM private key: pass a key to PrivateKey::from_bytes, or write it to a file"
    );
}

#[test]
fn a_secret_in_the_place_of_a_url_is_not_shown() {
    for (form, text) in secrets().into_iter().chain(suspects()) {
        let url = "https://as.example";
        refused("issuer", form, AuthorizationServer::new(text.as_str(), "https://as.example/token"));
        refused("token endpoint", form, AuthorizationServer::new(url, text.as_str()));
        refused("token endpoint", form, AuthorizationServer::from_token_endpoint(text.as_str()));
        refused("plain http", form, AuthorizationServer::danger_unencrypted(text.as_str(), text.as_str()));
        refused("plain http", form, AuthorizationServer::danger_unencrypted_token_endpoint(text.as_str()));
        refused("metadata", form, AuthorizationServer::metadata_urls(&text));
        refused("metadata", form, AuthorizationServer::from_metadata(&text, b"{}"));
        let document = serde_json::json!({"issuer": text, "token_endpoint": text}).to_string();
        refused("metadata", form, AuthorizationServer::from_metadata(url, document.as_bytes()));
        let document = serde_json::json!({"issuer": url, "token_endpoint": text}).to_string();
        refused("metadata", form, AuthorizationServer::from_metadata(url, document.as_bytes()));
        let server = || AuthorizationServer::new(url, "https://as.example/token").unwrap();
        refused("jwks_uri", form, server().with_jwks_uri(text.as_str()));
        refused("endpoint", form, server().with_authorization_endpoint(text.as_str()));
        for endpoint in Endpoint::ALL {
            refused("endpoint", form, server().with_endpoint(endpoint, text.as_str()));
        }
        let discovery = Discovery::new(text.as_str()).expect_issuer(text.as_str());
        hidden("discovery", form, &discovery);
        refused("discovery", form, discovery.urls());
        refused("discovery", form, discovery.read(b"{}"));
        refused("PingOne", form, AuthorizationServer::ping_one(Region::Europe, &text));
        refused("PingOne", form, JwksUri::ping_one(Region::Europe, &text));
        refused("PingFederate", form, JwksUri::ping_federate(&text));
        refused("Auth0", form, JwksUri::auth0(&text));
        let ping_access = PingAccess::new(text.as_str());
        hidden("PingAccess", form, &ping_access);
        refused("PingAccess", form, ping_access.oidc_jwks_uri());
        refused("resource", form, TokenRequest::client_credentials(()).resource(text.as_str()));
    }
}

#[test]
fn a_key_or_a_token_in_the_place_of_a_name_is_not_shown() {
    let server = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
    let signer = key("p256.pkcs8.pem");
    let now = support::now();
    for (form, text) in secrets() {
        let roots =
            PingAccess::new("https://app.example").context_root(&format!("{text}?")).reserved_root(&text);
        hidden("PingAccess", form, &roots);
        refused("PingAccess", form, roots.oidc_jwks_uri());
        hidden("kid", form, KeyId::from(text.as_str()));
        assert!(!has_mark(&KeyId::from(text.as_str()).to_string()), "{form}");
        hidden("kid", form, key("p256.pkcs8.pem").with_key_id(text.as_str()));
        hidden("scope", form, Scope::from(text.as_str()));
        hidden("audience", form, Audience::Exactly(text.clone()));
        hidden("kind", form, TokenKind::from(text.as_str()));
        let builder = ClientAssertion::builder(text.as_str(), &server).media_type(Some(&text));
        hidden("client id", form, &builder);
        refused("client id", form, builder.sign(&signer, now, &text));
        refused(
            "audience",
            form,
            ClientAssertion::builder_for_audience(text.as_str(), text.as_str()).sign(&signer, now, "j"),
        );
        let claim = ClientAssertion::builder("c", &server).claim(text.as_str(), 1);
        refused("claim", form, claim.and_then(|builder| builder.claim(text.as_str(), 2)));
        refused(
            "claim",
            form,
            JwtGrant::builder("i", "s", &server)
                .unwrap()
                .claim(text.as_str(), 1)
                .and_then(|grant| grant.claim(text.as_str(), 2)),
        );
        refused("scope", form, TokenRequest::client_credentials(text.as_str()).parameter(text.as_str(), "x"));
        let twice = TokenRequest::client_credentials(()).parameter(text.as_str(), "x").unwrap();
        hidden("parameter", form, &twice);
        refused("parameter", form, twice.parameter(text.as_str(), "y"));
        hidden(
            "exchange",
            form,
            TokenRequest::token_exchange(&TokenExchange::new(text.as_str(), TokenKind::from(text.as_str()))),
        );
        let hinted = HintedToken::new(text.as_str()).parameter(text.as_str(), "x").unwrap();
        hidden("token", form, &hinted);
        refused("token", form, hinted.parameter(text.as_str(), "y"));
        let verifier = CodeVerifier::new("0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF").unwrap();
        let request =
            AuthorizationRequest::new(text.as_str(), &verifier).state(text.as_str()).scope(text.as_str());
        hidden("authorization request", form, &request);
        refused("authorization request", form, request.to_url(&server, &text));
        refused("code verifier", form, CodeVerifier::new(text.as_str()));
        refused("login", form, AuthorizationResponse::from_query(&text, &server, "s"));
        let query: String = form_urlencoded::Serializer::new("state=s".to_owned())
            .extend_pairs([("error", text.as_str()), ("error_description", &text), ("iss", &text)])
            .finish();
        refused("login", form, AuthorizationResponse::from_query(&query, &server, "s"));
        let names: String = form_urlencoded::Serializer::new("state=s&iss=https://as.example".to_owned())
            .append_pair("error", &text)
            .finish();
        refused("login", form, AuthorizationResponse::from_query(&names, &server, "s"));
        let entry = KeyLoader::new().entry(text.as_str());
        hidden("entry", form, &entry);
        let two = [testdata("keys/p256.pkcs8.pem"), testdata("keys/p384.pkcs8.pem")].concat();
        let missing = entry.load_bytes(&two).map(drop).unwrap_err();
        assert!(matches!(missing, KeyError::NoSuchEntry { .. }));
        refused("entry", form, Err::<(), _>(missing));
    }
}

#[cfg(feature = "client")]
#[tokio::test]
async fn a_secret_in_the_place_of_a_clients_url_is_not_shown() {
    use private_key_jwt::transport::{HttpClient as _, PublicNetworkClient, ReqwestClient};
    for (form, text) in secrets().into_iter().chain(suspects()) {
        refused("discovery", form, AuthorizationServer::discover(&text).await);
        refused("discovery", form, Discovery::new(text.as_str()).discover().await);
        refused("public network", form, PublicNetworkClient::new().unwrap().check(&text));
        refused("JWK Set", form, private_key_jwt::RemoteJwks::new(text.as_str()).map(drop));
        refused("JWK Set", form, private_key_jwt::RemoteJwks::client_registered(text.as_str()).map(drop));
        refused("JWK Set", form, private_key_jwt::RemoteJwks::builder(text.as_str()).build().map(drop));
        if let Ok(request) = http::Request::get(&text).body(Vec::new()) {
            refused("request", form, ReqwestClient::new().unwrap().send(request).await);
        }
    }
}

#[cfg(feature = "reqwest-middleware")]
#[test]
fn a_secret_in_the_place_of_an_origin_is_not_shown() {
    use private_key_jwt::TokenClient;
    use private_key_jwt::client::BearerMiddleware;
    let server = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
    let client = TokenClient::new(server, "client", key("p256.pkcs8.pem")).unwrap();
    for (form, text) in secrets().into_iter().chain(suspects()).chain(urls()) {
        refused("origin", form, BearerMiddleware::new(client.source(())).origin(&text).map(drop));
    }
}

/// Every token fails if the issuer, the audience or a scope is a secret, and the error shows the
/// expected value.
#[test]
fn a_secret_in_the_place_of_a_setting_of_a_verifier_is_not_shown() {
    use private_key_jwt::verifier::{AccessTokenProfile, AudiencePolicy, PermissionClaims};
    use private_key_jwt::{AccessTokenVerifier, ClientAssertionVerifier, PublicKeySet};
    let server = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
    let (signer, now) = (key("p256.pkcs8.pem"), support::now());
    let keys = PublicKeySet::from(signer.public_key().unwrap());
    let assertion = |audience: &str| {
        let builder =
            ClientAssertion::builder("client", &server).audience(Audience::Exactly(audience.to_owned()));
        builder.media_type(Some("JWT")).sign(&signer, now, "j").unwrap().secret().to_owned()
    };
    let token = assertion("https://api.example");
    for (form, text) in secrets() {
        let text = text.as_str();
        let verifier = ClientAssertionVerifier::new(text).audience_policy(AudiencePolicy::compatible([text]));
        hidden("client assertions", form, &verifier);
        hidden("audience policy", form, AudiencePolicy::compatible([text]));
        let judged = verifier.parse_assertion(&token).and_then(|found| found.verify(&keys, None, now));
        assert!(judged.is_err());
        refused("audience", form, judged);

        let relaxed = |issuer: &str, audience: &str| AccessTokenVerifier::new(issuer, audience).relaxed();
        let issuer = relaxed(text, text);
        hidden("access tokens", form, &issuer);
        for verifier in [
            issuer,
            relaxed("https://as.example", "https://api.example").accept_issuer(text),
            relaxed("client", text),
            AccessTokenVerifier::without_audience("client", [text]).relaxed(),
            relaxed("client", "https://api.example").require_scope(text),
            relaxed("client", "https://api.example")
                .profile(AccessTokenProfile::new(text).require_claim(text)),
            relaxed("client", "https://api.example").profile(AccessTokenProfile::new(text).types([text])),
            relaxed("client", "https://api.example")
                .profile(AccessTokenProfile::new(text).require_value("iss", [text])),
            relaxed("client", "https://api.example")
                .profile(AccessTokenProfile::new(text).client_id_claims([text]).require_client_id()),
            relaxed("client", "https://api.example")
                .permission_claims(PermissionClaims::all_of([text]))
                .require_scope("a"),
        ] {
            hidden("access tokens", form, &verifier);
            let judged = verifier.verify(&keys, &token, now);
            assert!(judged.is_err());
            refused("access tokens", form, judged);
        }
    }
}

/// Well-formed URLs that contain a secret.
#[cfg(feature = "client")]
fn urls() -> Vec<(&'static str, String)> {
    let secrets: std::collections::HashMap<_, _> = secrets().into_iter().collect();
    let mark = support::MARK;
    vec![
        ("a JWT in the path", format!("https://127.0.0.1:1/{}", secrets["JWT"])),
        ("a key in the path", format!("https://127.0.0.1:1/{}", secrets["base64 of PEM"])),
        ("a token in the query", format!("https://127.0.0.1:1/?access_token={mark}")),
        ("a JWT in the query", format!("https://127.0.0.1:1/?a={}", secrets["JWT"])),
        ("a loopback URL", format!("http://127.0.0.1:1/?access_token={mark}")),
    ]
}

#[cfg(feature = "client")]
#[tokio::test]
async fn a_secret_in_a_url_is_not_shown() {
    use private_key_jwt::TokenClient;
    use private_key_jwt::transport::PublicNetworkClient;
    use support::http::{ScriptedHttp, answer, ok};

    let not_found = ScriptedHttp::answering(|_| answer(404, &[], ""));
    let nothing = ScriptedHttp::answering(|_| ok(&[], "{}"));
    for (form, url) in urls() {
        let url = url.as_str();
        refused("discovery", form, AuthorizationServer::discover_with(url, &not_found).await);
        refused("discovery", form, AuthorizationServer::discover_with(url, &nothing).await);
        refused("public network", form, PublicNetworkClient::new().unwrap().check(url));
        if let Ok(server) = AuthorizationServer::new(url, url) {
            hidden("server", form, &server);
        }
        let server = AuthorizationServer::from_token_endpoint(url)
            .and_then(|server| server.with_jwks_uri(url))
            .and_then(|server| server.with_authorization_endpoint(url))
            .and_then(|server| server.with_endpoint(Endpoint::Introspection, url))
            .unwrap();
        hidden("server", form, &server);
        let client = TokenClient::builder(server, "client", key("p256.pkcs8.pem")).http(not_found.clone());
        let client = client.without_retries().build().unwrap();
        hidden("client", form, &client);
        refused("client", form, client.token(()).await);
        for jwks in [
            private_key_jwt::RemoteJwks::builder(url).http(not_found.clone()).build(),
            private_key_jwt::RemoteJwks::builder(url).http(nothing.clone()).build(),
        ] {
            let jwks = jwks.unwrap();
            hidden("JWK Set", form, &jwks);
            let verifier = private_key_jwt::AccessTokenVerifier::new("https://as.example", "a").relaxed();
            let token = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ.e30.c2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlcw";
            let judged = jwks.verify(&verifier, token).await;
            assert!(judged.is_err());
            refused("JWK Set", form, judged);
        }
    }
}

#[cfg(feature = "dev-server")]
#[test]
fn a_secret_in_the_place_of_a_setting_of_the_dev_server_is_not_shown() {
    use private_key_jwt::dev_server::DevServer;
    for (form, text) in secrets() {
        hidden("dev server", form, DevServer::builder().token_media_type(Some(&text)));
    }
    for (form, text) in secrets().into_iter().chain(urls()) {
        let text = text.as_str();
        let builder = DevServer::builder().allow_host(text);
        hidden("dev server", form, &builder);
        refused("dev server", form, builder.build("http://127.0.0.1:8080").map(drop));
        refused("dev server", form, DevServer::builder().build(text).map(drop));
    }
}
