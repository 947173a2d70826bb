//! The metadata of a protected resource: where it is fetched, and which answers are refused.

use private_key_jwt::oauth::{BearerChallenge, OAuthError, ProtectedResource};
use private_key_jwt::transport::TransportError;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::clean;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource/mcp";

async fn serve(at: &str, response: ResponseTemplate) -> (MockServer, String) {
    let server = MockServer::start().await;
    Mock::given(method("GET")).and(path(at)).respond_with(response).mount(&server).await;
    let resource = format!("{}/mcp", server.uri());
    (server, resource)
}

fn document(resource: &str) -> Value {
    json!({"resource": resource, "authorization_servers": ["https://as.example"],
        "scopes_supported": ["mcp:read", "mcp:write"]})
}

fn challenge(value: &str) -> BearerChallenge {
    let response = http::Response::builder().header("www-authenticate", value).body(()).unwrap();
    BearerChallenge::from_headers(response.headers()).unwrap()
}

#[tokio::test]
async fn rfc9728_3_1_without_a_named_location_the_well_known_url_is_asked() {
    let server = MockServer::start().await;
    let resource = format!("{}/mcp", server.uri());
    let answer = ResponseTemplate::new(200).set_body_json(document(&resource));
    Mock::given(path(WELL_KNOWN)).respond_with(answer).mount(&server).await;
    for challenge in [BearerChallenge::default(), challenge(r#"Bearer realm="mcp""#)] {
        let found = ProtectedResource::discover(&resource, &challenge).await.unwrap();
        assert_eq!(found.identifier(), resource);
        assert_eq!(found.authorization_servers(), ["https://as.example"]);
        assert_eq!(*found.scopes_supported(), "mcp:read mcp:write".into());
    }
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].headers["accept-encoding"], "identity");
}

#[tokio::test]
async fn rfc9728_5_1_the_challenge_names_the_location() {
    let server = MockServer::start().await;
    let resource = format!("{}/mcp", server.uri());
    let answer = ResponseTemplate::new(200).set_body_json(document(&resource));
    Mock::given(path("/meta.json")).respond_with(answer).mount(&server).await;
    let named = challenge(&format!("Bearer resource_metadata=\"{}/meta.json\"", server.uri()));
    let found = ProtectedResource::discover(&resource, &named).await.unwrap();
    assert_eq!(found.identifier(), resource);
    // A host inside the client's network is not asked.
    let elsewhere = MockServer::start().await;
    let named = challenge(&format!("Bearer resource_metadata=\"{}/meta.json\"", elsewhere.uri()));
    let refused = ProtectedResource::discover(&resource, &named).await.unwrap_err();
    let TransportError::OAuth(OAuthError::Endpoint { endpoint, reason, .. }) = clean(refused) else {
        panic!()
    };
    assert_eq!((endpoint, reason), ("resource_metadata", "has another origin than the resource"));
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn rfc9728_3_3_a_document_of_another_resource_is_refused() {
    let answer = ResponseTemplate::new(200).set_body_json(document("https://evil.example/mcp"));
    let (_server, resource) = serve(WELL_KNOWN, answer).await;
    let refused = ProtectedResource::discover(&resource, &BearerChallenge::default()).await.unwrap_err();
    let TransportError::OAuth(error) = clean(refused) else { panic!() };
    assert_eq!(
        error.to_string(),
        format!("the metadata names the resource https://evil.example/mcp, not {resource}")
    );
}

#[tokio::test]
async fn an_answer_that_is_no_document_is_named() {
    for status in [204, 301, 401, 404, 500] {
        let answer = ResponseTemplate::new(status).insert_header("location", "https://evil.example/");
        let (_server, resource) = serve(WELL_KNOWN, answer).await;
        let refused = ProtectedResource::discover(&resource, &BearerChallenge::default()).await.unwrap_err();
        assert!(
            matches!(&refused, TransportError::Status { status: found, .. } if *found == status),
            "{refused:?}"
        );
    }
    let html = ResponseTemplate::new(200).set_body_raw("<!doctype html>", "text/html");
    let packed =
        ResponseTemplate::new(200).set_body_bytes([31, 139]).insert_header("content-encoding", "gzip");
    for (answer, expected) in [
        (html, "cannot read the protected resource's metadata"),
        (packed, "the metadata is encoded as gzip, which the client does not read"),
    ] {
        let (_server, resource) = serve(WELL_KNOWN, answer).await;
        let refused = ProtectedResource::discover(&resource, &BearerChallenge::default()).await.unwrap_err();
        let TransportError::OAuth(error) = clean(refused) else { panic!() };
        assert_eq!(error.to_string(), expected);
    }
}
