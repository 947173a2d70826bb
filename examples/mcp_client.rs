//! A client of an MCP server, or of any API that tells where its tokens come from (RFC 9728). The
//! server rejects the first call, and the rejection leads to the authorization server.
//!
//! ```text
//! PKJWT_CLIENT_ID=CLIENT_ID PKJWT_KEY=client.pem cargo run --example mcp_client -- https://mcp.example/mcp
//! ```

use private_key_jwt::oauth::{BearerChallenge, ProtectedResource};
use private_key_jwt::{AuthorizationServer, PrivateKey, TokenClient, TokenRequest, TokenSource};
use serde_json::{Value, json};

type Error = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let url = std::env::args().nth(1).ok_or("usage: mcp_client URL")?;
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let mut mcp = McpClient { http, url, tokens: None, session: None };
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {},
        "protocolVersion": "2025-11-25", "clientInfo": {"name": "mcp_client", "version": "1"}}});
    let server = mcp.call(hello).await?;
    mcp.call(json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await?;
    let tools = mcp.call(json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"})).await?;
    let name = server.pointer("/result/serverInfo/name").unwrap_or(&Value::Null);
    println!("{name} has the tools {}", tools.pointer("/result/tools").unwrap_or(&Value::Null));
    Ok(())
}

/// A client with tokens from the authorization server that the MCP server names.
struct McpClient {
    http: reqwest::Client,
    url: String,
    tokens: Option<TokenSource>,
    session: Option<reqwest::header::HeaderValue>,
}

impl McpClient {
    /// Sends a message. If the server rejects the token, sends it once more with another one.
    async fn call(&mut self, message: Value) -> Result<Value, Error> {
        let mut response = self.send(&message).await?;
        if matches!(response.status().as_u16(), 401 | 403) {
            let challenge = BearerChallenge::from_headers(response.headers()).unwrap_or_default();
            self.tokens = Some(self.authorize(&challenge).await?);
            response = self.send(&message).await?;
        }
        let response = response.error_for_status()?;
        self.session = response.headers().get("mcp-session-id").cloned().or(self.session.take());
        let text = response.text().await?;
        let json = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or(&text); // one event
        Ok(if json.is_empty() { Value::Null } else { serde_json::from_str(json)? })
    }

    async fn send(&self, message: &Value) -> Result<reqwest::Response, Error> {
        let request = self.http.post(&self.url).header("content-type", "application/json");
        let mut request = request.header("accept", "application/json, text/event-stream");
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session);
        }
        if let Some(tokens) = &self.tokens {
            request = request.bearer_auth(tokens.token().await?.secret()); // cached until it expires
        }
        Ok(request.body(message.to_string()).send().await?)
    }

    async fn authorize(&self, challenge: &BearerChallenge) -> Result<TokenSource, Error> {
        let resource = ProtectedResource::discover(&self.url, challenge).await?;
        let issuer = resource.authorization_servers().first().ok_or("the server names no issuer")?;
        let server = AuthorizationServer::discover(issuer).await?; // the issuer is checked
        let key = PrivateKey::from_file(std::env::var("PKJWT_KEY")?)?;
        let client = TokenClient::new(server, std::env::var("PKJWT_CLIENT_ID")?, key)?;
        let scope = Some(challenge.scope()).filter(|scope| !scope.is_empty());
        let scope = scope.unwrap_or_else(|| resource.scopes_supported().clone());
        Ok(client.source(TokenRequest::client_credentials(scope).resource(resource.identifier())?))
    }
}
