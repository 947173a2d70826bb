use http::StatusCode;
use http::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap};
use time::OffsetDateTime;

use super::{HttpClient, ReqwestClient, TransportError};
use crate::jose::JoseError;
use crate::oauth::{AuthorizationServer, Discovery, OAuthError, ServerTime, content_coding, safe_url};

impl AuthorizationServer {
    /// Fetches the metadata of an issuer: from the OpenID path or, if that fails, from the path of
    /// RFC 8414. There is no second attempt if the server cannot be reached. The issuer in the
    /// document must be the requested one. Instead of the issuer, you can pass the URL of such a
    /// document: see [`Discovery::new`]. If these rules are too strict, see [`Discovery`].
    ///
    /// # Errors
    ///
    /// [`TransportError`] if there is no response, if its status is not 200, or if
    /// [`AuthorizationServer::from_metadata`] rejects the document. If both paths fail, the error
    /// is that of the first path. It is that of the second path if the first path does not exist
    /// (404, 410), or if only the second path has a document.
    pub async fn discover(issuer: &str) -> Result<Self, TransportError> {
        Discovery::new(issuer).discover().await
    }

    /// As [`AuthorizationServer::discover`], with an HTTP client of your own.
    ///
    /// # Errors
    ///
    /// As [`AuthorizationServer::discover`].
    pub async fn discover_with(issuer: &str, http: &dyn HttpClient) -> Result<Self, TransportError> {
        Discovery::new(issuer).discover_with(http).await
    }
}

impl Discovery {
    /// Fetches the document and reads it, as [`AuthorizationServer::discover`].
    ///
    /// # Errors
    ///
    /// As [`AuthorizationServer::discover`].
    pub async fn discover(&self) -> Result<AuthorizationServer, TransportError> {
        self.discover_with(&ReqwestClient::with_plain_http(self.plain_http())?).await
    }

    /// As [`Discovery::discover`], with an HTTP client of your own. Plain http needs its consent,
    /// too: [`ReqwestClient::danger_allow_unencrypted`].
    ///
    /// # Errors
    ///
    /// As [`AuthorizationServer::discover`].
    pub async fn discover_with(&self, http: &dyn HttpClient) -> Result<AuthorizationServer, TransportError> {
        Ok(self.fetch_with(http).await?.0)
    }

    /// The server, and the header of the response that described it.
    pub(super) async fn fetch_with(
        &self,
        http: &dyn HttpClient,
    ) -> Result<(AuthorizationServer, HeaderMap), TransportError> {
        let mut failure = None;
        for url in self.urls()? {
            let error = match self.fetch(http, &url).await {
                Ok(found) => return Ok(found),
                Err(error) => error,
            };
            // If the server is out of reach, another path is no better.
            let is_over = matches!(
                error,
                TransportError::Connect { .. }
                    | TransportError::Tls { .. }
                    | TransportError::NotPublic { .. }
                    | TransportError::Request(_)
                    | TransportError::Build(_)
            );
            if failure.as_ref().is_none_or(|first| says_more(&error, first)) {
                failure = Some(error);
            }
            if is_over {
                break;
            }
        }
        Err(failure.unwrap_or(OAuthError::NotKnown { member: "metadata" }.into()))
    }

    async fn fetch(
        &self,
        http: &dyn HttpClient,
        url: &str,
    ) -> Result<(AuthorizationServer, HeaderMap), TransportError> {
        let sent = OffsetDateTime::now_utc();
        let (parts, body) = get_json(http, url).await?.into_parts();
        let headers = parts.headers;
        let time = ServerTime::of_answer(&headers, sent, OffsetDateTime::now_utc());
        match (self.read(&body), content_coding(&headers)) {
            (Err(OAuthError::Metadata(JoseError::Json { .. })), Some(found)) => {
                Err(OAuthError::ContentEncoding { what: "the metadata", found }.into())
            }
            (server, _) => Ok((server?.at_server_time(time), headers)),
        }
    }
}

/// Whether the later error says more: only that path has a document, or the first has nothing.
fn says_more(later: &TransportError, first: &TransportError) -> bool {
    let is_absent =
        |error: &TransportError| matches!(error, TransportError::Status { status: 404 | 410, .. });
    let is_document = |error: &TransportError| matches!(error, TransportError::OAuth(_));
    is_document(later) && !is_document(first) || is_absent(first) && !is_absent(later)
}

/// A JSON document, with status 200 and nothing else.
pub(crate) async fn get_json(
    http: &dyn HttpClient,
    url: &str,
) -> Result<http::Response<Vec<u8>>, TransportError> {
    let response = http.send(get_request("document", url, "application/json")?).await?;
    match response.status() {
        StatusCode::OK => Ok(response),
        _ => Err(TransportError::status(url, &response)),
    }
}

/// A request for a document, in no content coding: the user's HTTP client may decode none.
pub(crate) fn get_request(
    endpoint: &'static str,
    url: &str,
    accept: &str,
) -> Result<http::Request<Vec<u8>>, OAuthError> {
    let request = http::Request::get(url).header(ACCEPT, accept).header(ACCEPT_ENCODING, "identity");
    let reason = "is not an HTTP target";
    request.body(Vec::new()).map_err(|_| OAuthError::Endpoint { endpoint, url: safe_url(url), reason })
}
