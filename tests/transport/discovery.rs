//! Discovery of an authorization server: the two paths, and how each answer is used.

use private_key_jwt::jose::JoseError;
use private_key_jwt::oauth::{Discovery, OAuthError};
use private_key_jwt::transport::{ReqwestClient, TransportError};
use private_key_jwt::{AuthorizationServer, TokenClient};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{clean, key};

async fn metadata(server: &MockServer, at: &str, response: ResponseTemplate) {
    Mock::given(method("GET")).and(path(at)).respond_with(response).mount(server).await;
}

fn document(issuer: &str) -> serde_json::Value {
    serde_json::json!({"issuer": issuer, "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"), "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"]})
}

#[tokio::test]
async fn the_openid_path_comes_first() {
    let server = MockServer::start().await;
    let issuer = format!("{}/t", server.uri());
    let answer = ResponseTemplate::new(200).set_body_json(document(&issuer));
    metadata(&server, "/t/.well-known/openid-configuration", answer).await;
    let found = AuthorizationServer::discover(&issuer).await.unwrap();
    assert_eq!(found.issuer(), Some(issuer.as_str()));
    assert_eq!(found.token_endpoint(), format!("{issuer}/token"));
    assert_eq!(found.jwks_uri().unwrap(), format!("{issuer}/jwks"));
    assert_eq!(found.authentication_methods().unwrap(), ["private_key_jwt"]);
    assert_eq!(found.signing_algorithms().unwrap(), ["ES256"]);
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

const OPENID: &str = "/t/.well-known/openid-configuration";
const RFC8414: &str = "/.well-known/oauth-authorization-server/t";

fn plain(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status)
}

#[tokio::test]
async fn rfc8414_3_1_comes_second_whatever_the_first_path_answers() {
    let server = MockServer::start().await;
    let issuer = format!("{}/t", server.uri());
    let html = || plain(200).set_body_raw("<!doctype html><title>Log in</title>", "text/html");
    let statuses = [204, 301, 302, 400, 401, 403, 404, 405, 406, 410, 429, 500, 502, 503].map(plain);
    let documents = [
        html(),
        plain(200),
        plain(200).set_body_string("[]"),
        plain(200).set_body_string("{}"),
        plain(200).set_body_json(document("https://another.example")),
        plain(200).set_body_json(serde_json::json!({"issuer": issuer})),
        plain(200).set_body_json(serde_json::json!({"issuer": issuer, "token_endpoint": "/token"})),
        plain(200).set_body_bytes(vec![b' '; 2 << 20]),
    ];
    for first in statuses.into_iter().chain(documents) {
        server.reset().await;
        metadata(&server, OPENID, first).await;
        metadata(&server, RFC8414, plain(200).set_body_json(document(&issuer))).await;
        let found = AuthorizationServer::discover(&issuer).await.unwrap();
        assert_eq!(found.issuer(), Some(issuer.as_str()));
        let requests = server.received_requests().await.unwrap();
        let paths: Vec<&str> = requests.iter().map(|request| request.url.path()).collect();
        assert_eq!(paths, [OPENID, RFC8414]);
        for request in &requests {
            let header = |name| request.headers[name].to_str().unwrap();
            assert_eq!(header("accept"), "application/json");
            assert_eq!(header("accept-encoding"), "identity");
            assert_eq!(header("user-agent"), ReqwestClient::USER_AGENT);
        }
    }
}

#[tokio::test]
async fn if_both_paths_fail_the_error_is_the_one_that_says_more() {
    let server = MockServer::start().await;
    let issuer = format!("{}/t", server.uri());
    let foreign = || plain(200).set_body_json(document("https://another.example"));
    let html = || plain(200).set_body_string("<html>");
    let status = |status: u16, path: &str| format!("{}{path} answered {status}", server.uri());
    let mismatch = format!("the metadata names the issuer https://another.example, not {issuer}");
    let unreadable = "cannot read the authorization server's metadata".to_owned();
    for (first, second, expected) in [
        // Two statuses: the first path's, unless it says that nothing is there.
        (plain(400), plain(404), status(400, OPENID)),
        (plain(403), plain(500), status(403, OPENID)),
        (plain(404), plain(404), status(404, OPENID)),
        (plain(404), plain(410), status(404, OPENID)),
        (plain(404), plain(503), status(503, RFC8414)),
        // A document says more than a status, and the first document more than the second.
        (plain(400), foreign(), mismatch.clone()),
        (plain(404), html(), unreadable.clone()),
        (foreign(), plain(404), mismatch.clone()),
        (foreign(), html(), mismatch),
        (html(), foreign(), unreadable),
    ] {
        server.reset().await;
        metadata(&server, OPENID, first).await;
        metadata(&server, RFC8414, second).await;
        let error = clean(AuthorizationServer::discover(&issuer).await.unwrap_err());
        assert_eq!(error.to_string(), expected);
        assert_eq!(server.received_requests().await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_server_out_of_reach_is_asked_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = clean(AuthorizationServer::discover(&issuer).await.unwrap_err());
    assert!(matches!(error, TransportError::Connect { host, .. } if host == "127.0.0.1"));
}

#[tokio::test]
async fn a_document_url_is_understood_as_its_issuer() {
    let server = MockServer::start().await;
    let issuer = format!("{}/t", server.uri());
    metadata(&server, OPENID, plain(200).set_body_json(document(&issuer))).await;
    for path in [OPENID, RFC8414] {
        let found = AuthorizationServer::discover(&format!("{}{path}", server.uri())).await.unwrap();
        assert_eq!(found.issuer(), Some(issuer.as_str()));
    }
    let requests = server.received_requests().await.unwrap();
    let paths: Vec<&str> = requests.iter().map(|request| request.url.path()).collect();
    assert_eq!(paths, [OPENID, RFC8414, OPENID]);
}

#[tokio::test]
async fn an_issuer_that_differs_by_design_is_named_by_the_user() {
    let server = MockServer::start().await;
    let place = format!("{}/t", server.uri());
    let answer = plain(200).set_body_json(document("https://sts.example/{tenantid}/"));
    metadata(&server, OPENID, answer).await;
    let discovery = Discovery::new(&place).expect_issuer("https://sts.example/{tenantid}/");
    let found = discovery.discover().await.unwrap();
    assert_eq!(found.issuer(), Some("https://sts.example/{tenantid}/"));
    let error = clean(AuthorizationServer::discover(&place).await.unwrap_err());
    assert!(matches!(error, TransportError::OAuth(OAuthError::IssuerMismatch { .. })), "{error:?}");
}

#[tokio::test]
async fn what_the_server_says_in_place_of_its_metadata_is_in_the_error() {
    let server = MockServer::start().await;
    let issuer = format!("{}/t", server.uri());
    let problem = r#"{"title":"Blocked","detail":"no metadata for 10.0.0.7"}"#;
    let blocked = plain(403).set_body_raw(problem, "application/problem+json");
    for (answer, expected) in [
        (blocked.insert_header("x-request-id", "r7"), {
            "403 Blocked: no metadata for 10.0.0.7 [x-request-id r7]"
        }),
        (plain(503).set_body_raw("<title>Down</title>", "text/html"), "503: Down"),
        (plain(301).insert_header("location", "https://as.example/"), {
            "301, a redirect to https://as.example/, which is not followed"
        }),
        (plain(500), "500"),
    ] {
        server.reset().await;
        metadata(&server, OPENID, answer).await;
        let error = clean(AuthorizationServer::discover(&issuer).await.unwrap_err());
        let url = format!("{}{OPENID}", server.uri());
        assert_eq!(error.to_string(), format!("{url} answered {expected}"));
    }
}

#[tokio::test]
async fn plain_http_inside_a_mesh_needs_the_users_word() {
    let server = MockServer::start().await;
    let issuer = "http://as.mesh.svc/t";
    metadata(&server, OPENID, plain(200).set_body_json(document(issuer))).await;
    let answer = plain(200).set_body_json(serde_json::json!({"access_token": "AT", "token_type": "Bearer"}));
    Mock::given(method("POST")).and(path("/t/token")).respond_with(answer).mount(&server).await;
    // The name leads to the mock server, as it leads to the sidecar in a mesh.
    let address = *server.address();
    let mesh = ReqwestClient::build(|builder| builder.resolve("as.mesh.svc", address)).unwrap();

    let refused = AuthorizationServer::discover_with(issuer, &mesh).await.unwrap_err();
    assert!(matches!(clean(refused), TransportError::OAuth(OAuthError::Issuer { .. })));
    let discovery = Discovery::new(issuer).danger_allow_unencrypted();
    let refused = discovery.discover_with(&mesh).await.unwrap_err();
    assert!(matches!(
        clean(refused),
        TransportError::OAuth(OAuthError::Endpoint {
            reason: "is plain http, which is for loopback only",
            ..
        })
    ));
    assert!(server.received_requests().await.unwrap().is_empty());

    let mesh = mesh.danger_allow_unencrypted();
    let found = discovery.discover_with(&mesh).await.unwrap();
    assert_eq!(found.token_endpoint(), "http://as.mesh.svc/t/token");
    let by_hand = [AuthorizationServer::danger_unencrypted(issuer, "http://as.mesh.svc/t/token").unwrap(), {
        AuthorizationServer::danger_unencrypted_token_endpoint("http://as.mesh.svc/t/token").unwrap()
    }];
    for server in by_hand.into_iter().chain([found]) {
        let client = TokenClient::builder(server, "client", key("p256.pkcs8.pem")).http(mesh.clone());
        assert_eq!(client.build().unwrap().token("a").await.unwrap().secret(), "AT");
    }
    assert!(AuthorizationServer::from_token_endpoint("http://as.mesh.svc/t/token").is_err());
}

#[tokio::test]
async fn rfc8414_3_3_another_issuer_is_refused() {
    let server = MockServer::start().await;
    let issuer = server.uri();
    let answer = ResponseTemplate::new(200).set_body_json(document(&format!("{issuer}/")));
    metadata(&server, "/.well-known/openid-configuration", answer).await;
    let error = clean(AuthorizationServer::discover(&issuer).await.unwrap_err());
    assert!(matches!(
        error,
        TransportError::OAuth(OAuthError::IssuerMismatch { expected, found })
            if expected == issuer && found == format!("{issuer}/")
    ));
}

#[tokio::test]
async fn an_issuer_with_query_or_fragment_and_an_insecure_one_are_refused_before_any_request() {
    for issuer in
        ["https://as.example/?a", "https://as.example/#a", "http://as.example", "http://127.0.0.1.evil"]
    {
        let error = clean(AuthorizationServer::discover(issuer).await.unwrap_err());
        assert!(matches!(error, TransportError::OAuth(OAuthError::Issuer { .. })), "{error:?}");
    }
}

#[tokio::test]
async fn metadata_that_is_no_json_names_the_place() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_string("<html>");
    metadata(&server, "/.well-known/openid-configuration", answer).await;
    let error = clean(AuthorizationServer::discover(&server.uri()).await.unwrap_err());
    assert!(matches!(error, TransportError::OAuth(OAuthError::Metadata(JoseError::Json { .. }))));
}
