//! An MCP client whose user logs in with a code.

use private_key_jwt::client::fresh_code_verifier;
use private_key_jwt::oauth::{
    AuthorizationRequest, AuthorizationResponse, BearerChallenge, ProtectedResource,
};
use private_key_jwt::transport::{HttpClient, ReqwestClient, TransportError};
use private_key_jwt::{AuthorizationServer, Scope, TokenClient, TokenRequest};
use serde_json::{Value, json};
use url::Url;

use super::Failure;
use crate::browser::{Browser, REDIRECT_URI};
use crate::support::key;

/// The client id of `auth/basic-cimd`: the URL of a client's metadata document.
const CLIENT_ID: &str = "https://conformance-test.local/client-metadata.json";
const STATELESS: &str = "2026-07-28";

pub(super) struct Login {
    http: ReqwestClient,
    url: String,
    version: String,
    /// Whether the test registers the client at each authorization server, which the crate does
    /// not do.
    registers: bool,
    token: Option<String>,
}

impl Login {
    pub(super) fn new(url: &str, version: &str, registers: bool) -> Self {
        let (http, url) = (ReqwestClient::new().unwrap(), url.to_owned());
        Self { http, url, version: version.to_owned(), registers, token: None }
    }

    /// Calls the server until it has done everything, or until an error.
    pub(super) async fn run(mut self) -> Result<(), Failure> {
        let handshake: &[&str] =
            if self.version == STATELESS { &[] } else { &["initialize", "notifications/initialized"] };
        for method in handshake.iter().chain(&["tools/list", "tools/call"]) {
            self.call(method).await?;
        }
        Ok(())
    }

    async fn call(&mut self, method: &str) -> Result<(), Failure> {
        // The first token of a call may be one of another server.
        for _ in 0..3 {
            let response = self.send(method).await?;
            match response.status().as_u16() {
                401 | 403 => {
                    let challenge = BearerChallenge::from_headers(response.headers()).unwrap_or_default();
                    self.token = Some(self.log_in(&challenge).await?);
                }
                200 | 202 => return Ok(()),
                other => return Err(format!("{method}: {other}").into()),
            }
        }
        let status = self.send(method).await?.status();
        if status.is_success() { Ok(()) } else { Err(format!("the server still answers {status}").into()) }
    }

    async fn send(&self, method: &str) -> Result<http::Response<Vec<u8>>, TransportError> {
        let client = json!({"name": "login", "version": "1"});
        let meta = json!({"io.modelcontextprotocol/protocolVersion": self.version,
            "io.modelcontextprotocol/clientInfo": client, "io.modelcontextprotocol/clientCapabilities": {}});
        let mut message = json!({"jsonrpc": "2.0", "method": method, "params": {"_meta": meta}});
        match method {
            "initialize" => {
                message["params"] =
                    json!({"protocolVersion": self.version, "capabilities": {}, "clientInfo": client});
            }
            "tools/call" => message["params"]["name"] = "test-tool".into(),
            _ => {}
        }
        if !method.starts_with("notifications/") {
            message["id"] = 1.into();
        }
        let request = http::Request::post(&self.url)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", &self.version);
        let request = match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        };
        self.http.send(request.body(message.to_string().into_bytes()).unwrap()).await
    }

    /// From the challenge to an access token.
    async fn log_in(&self, challenge: &BearerChallenge) -> Result<String, Failure> {
        let resource = self.resource(challenge).await?;
        let issuer = resource.authorization_servers().first().ok_or("no authorization server")?;
        let server = AuthorizationServer::discover(issuer).await?;
        let client_id = if self.registers { self.register(issuer).await? } else { CLIENT_ID.to_owned() };
        let client = TokenClient::new(server.clone(), &*client_id, key("p256.pkcs8.pem"))?;
        let verifier = fresh_code_verifier()?;
        let request = AuthorizationRequest::new(REDIRECT_URI, &verifier)
            .scope(scope(challenge, &resource))
            .state("state-1")
            .resource(resource.identifier())?;
        let back = Browser::new().open(&request.to_url(&server, &client_id)?).await.url;
        let answer = AuthorizationResponse::from_query(back.query().unwrap_or_default(), &server, "state-1")?;
        let request = TokenRequest::authorization_code(answer.code(), REDIRECT_URI, &verifier);
        let response = client.request(&request.resource(resource.identifier())?).await?;
        Ok(response.access_token().secret().to_owned())
    }

    /// The metadata of the server or, if that does not exist, of its whole origin, as MCP has it.
    async fn resource(&self, challenge: &BearerChallenge) -> Result<ProtectedResource, TransportError> {
        match ProtectedResource::discover(&self.url, challenge).await {
            Err(TransportError::Status { status: 404, .. }) => {
                let origin = Url::parse(&self.url).unwrap().origin().ascii_serialization();
                ProtectedResource::discover(&origin, &BearerChallenge::default()).await
            }
            found => found,
        }
    }

    async fn register(&self, issuer: &str) -> Result<String, Failure> {
        let metadata = json!({"redirect_uris": [REDIRECT_URI], "grant_types": ["authorization_code"],
            "application_type": "web"});
        let request = http::Request::post(format!("{issuer}/register"))
            .header("content-type", "application/json")
            .body(metadata.to_string().into_bytes())?;
        let response: Value = serde_json::from_slice(self.http.send(request).await?.body())?;
        Ok(response["client_id"].as_str().ok_or("no client id")?.to_owned())
    }
}

/// The scopes of the challenge, or otherwise all that the server has.
fn scope(challenge: &BearerChallenge, resource: &ProtectedResource) -> Scope {
    let named = challenge.scope();
    if named.is_empty() { resource.scopes_supported().clone() } else { named }
}
