//! The endpoints of a server built with Authlib, and the one grant that oidc-provider does not
//! have: JWT bearer (RFC 7523 §2.1).

use private_key_jwt::oauth::{Endpoint, HintedToken, JwtGrant};
use private_key_jwt::transport::{HttpClient, ReqwestClient};
use private_key_jwt::{Algorithm, Audience, AuthorizationServer, TokenClient, TokenRequest, TokenResponse};
use time::OffsetDateTime;

use crate::peers::authlib;
use crate::record::Record;
use crate::refusals::{Draft, expected, of};
use crate::{ALGORITHMS, client, refusal, signing_key};

fn server() -> AuthorizationServer {
    let issuer = &authlib().issuer;
    AuthorizationServer::new(issuer, format!("{issuer}/token"))
        .and_then(|server| server.with_endpoint(Endpoint::Introspection, format!("{issuer}/introspect")))
        .and_then(|server| server.with_endpoint(Endpoint::Revocation, format!("{issuer}/revoke")))
        .and_then(|server| {
            server.with_endpoint(Endpoint::DeviceAuthorization, format!("{issuer}/device_authorization"))
        })
        .unwrap()
}

#[tokio::test]
async fn a_token_from_its_request_to_its_revocation_with_every_algorithm() {
    let (server, record) = (server(), Record::of("Authlib"));
    for (algorithm, file) in ALGORITHMS {
        for audience in [Audience::Issuer, Audience::TokenEndpoint] {
            let builder =
                TokenClient::builder(server.clone(), algorithm.as_str(), signing_key(algorithm, file));
            let client = builder.audience(audience).http(record.clone()).build().unwrap();
            let token = client.token("api:read").await.unwrap();
            let said = client.introspect(HintedToken::access_token(token.secret())).await.unwrap();
            assert!(said.is_active());
            assert_eq!(
                (said.client_id(), said.subject()),
                (Some(algorithm.as_str()), Some(algorithm.as_str()))
            );
            client.revoke(token.secret()).await.unwrap();
            assert!(!client.introspect(token.secret()).await.unwrap().is_active());
        }
    }
    let counts = record.print();
    let count = |path: &str| counts[&(path.to_owned(), 200)];
    assert_eq!((count("/token"), count("/introspect"), count("/revoke")), (22, 44, 22));
    assert_eq!(counts.values().sum::<usize>(), 88);
}

/// A trusted issuer's statement about a user, signed with this algorithm.
fn grant(
    server: &AuthorizationServer,
    (algorithm, file): (Algorithm, &str),
    subject: &str,
    audience: Option<&str>,
) -> JwtGrant {
    let issuer = format!("https://sts.example/{algorithm}");
    let mut builder = JwtGrant::builder(issuer, subject, server).unwrap();
    if let Some(audience) = audience {
        builder = builder.audience(audience).unwrap();
    }
    builder.sign(&signing_key(algorithm, file), OffsetDateTime::now_utc(), "grant-1").unwrap()
}

#[tokio::test]
async fn rfc7523_2_1_a_jwt_grant_of_every_algorithm_from_a_client_of_every_algorithm() {
    let (server, record) = (server(), Record::of("Authlib, JWT bearer"));
    for named in ALGORITHMS {
        let client = client(&server, named, &record);
        let response = client.jwt_bearer(&grant(&server, named, "user-7", None), "api:read").await.unwrap();
        assert_eq!(response.scope().unwrap().to_string(), "api:read");
        let said = client.introspect(response.access_token().secret()).await.unwrap();
        assert_eq!((said.client_id(), said.subject()), (Some(named.0.as_str()), Some("user-7")));
    }
    assert_eq!(record.print()[&("/token".to_owned(), 200)], 11);
}

#[tokio::test]
async fn rfc7523_3_1_a_grant_that_is_none() {
    let (server, record) = (server(), Record::of("Authlib"));
    let named = ALGORITHMS[6];
    let client = client(&server, named, &record);
    let assertion = client.assertion().await.unwrap();
    for (what, grant) in [
        ("another audience", grant(&server, named, "user-7", Some("https://elsewhere.example"))),
        ("a subject that is not known", grant(&server, named, "nobody", None)),
        ("another key", {
            let builder = JwtGrant::builder("https://sts.example/RS256", "user-7", &server).unwrap();
            builder.sign(&signing_key(named.0, named.1), OffsetDateTime::now_utc(), "grant-1").unwrap()
        }),
        ("the assertion of a client", JwtGrant::from_jwt(assertion.secret())),
    ] {
        let refusal = refusal(client.jwt_bearer(&grant, ()).await);
        assert_eq!((refusal.status(), refusal.error()), (400, Some("invalid_grant")), "{what}");
    }
}

#[tokio::test]
async fn an_assertion_is_good_once_and_a_grant_is_no_assertion() {
    let (server, record) = (server(), Record::of("Authlib"));
    let named = ALGORITHMS[6];
    let client = client(&server, named, &record);
    let assertion = client.assertion().await.unwrap();
    let request = TokenRequest::client_credentials(()).to_http(&server, &assertion).unwrap();
    let http = ReqwestClient::new().unwrap();
    let mut statuses = Vec::new();
    for _ in 0..2 {
        statuses.push(http.send(request.clone()).await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [200, 400]);
    let grant = grant(&server, named, "user-7", None);
    let form = String::from_utf8(request.into_body()).unwrap().replace(assertion.secret(), grant.secret());
    let request = http::Request::post(server.token_endpoint())
        .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form.into_bytes())
        .unwrap();
    let response = http.send(request).await.unwrap();
    let error = TokenResponse::from_http(response, OffsetDateTime::now_utc()).unwrap_err();
    assert_eq!(refusal::<()>(Err(error.into())).error(), Some("invalid_client"));
}

#[tokio::test]
async fn a_device_login_to_its_end_with_every_algorithm() {
    let (server, record, http) = (server(), Record::of("Authlib"), ReqwestClient::new().unwrap());
    for named in ALGORITHMS {
        let client = client(&server, named, &record);
        for (answer, expected) in [("yes", None), ("no", Some("access_denied"))] {
            let codes = client.authorize_device("api:read").await.unwrap();
            let url = format!("{}&answer={answer}", codes.verification_uri_complete().unwrap());
            http.send(http::Request::get(url).body(Vec::new()).unwrap()).await.unwrap();
            let response = client.device_token(&codes).await;
            if expected.is_some() {
                assert_eq!(refusal(response).error(), expected);
                continue;
            }
            let said = client.introspect(response.unwrap().access_token().secret()).await.unwrap();
            assert_eq!((said.client_id(), said.subject()), (Some(named.0.as_str()), Some("user-1")));
        }
    }
    let counts = record.print();
    let count = |path: &str, status| counts[&(path.to_owned(), status)];
    assert_eq!(
        (count("/device_authorization", 200), count("/token", 200), count("/token", 400)),
        (22, 11, 11)
    );
}

#[tokio::test]
async fn it_says_why_it_refuses_and_the_hint_says_what_to_do() {
    let server = server();
    let draft = async || Draft::new(server.token_endpoint(), "ES256", server.issuer().unwrap());
    assert_eq!(of("Authlib", draft).await, expected::AUTHLIB);
}
