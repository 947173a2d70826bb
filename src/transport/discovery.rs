use http::StatusCode;

use super::{HttpClient, ReqwestClient, TransportError};
use crate::oauth::{AuthorizationServer, OAuthError};

impl AuthorizationServer {
    /// Asks an issuer for its metadata: the OpenID path first, then RFC 8414's, going on only after a 404. The issuer
    /// in the document must be the one asked for.
    ///
    /// # Errors
    ///
    /// [`TransportError`] when there is no answer, another status than 200, or a document that
    /// [`AuthorizationServer::from_metadata`] refuses.
    pub async fn discover(issuer: &str) -> Result<Self, TransportError> {
        Self::discover_with(issuer, &ReqwestClient::new()?).await
    }

    /// As [`AuthorizationServer::discover`], with an HTTP client of your own.
    ///
    /// # Errors
    ///
    /// As [`AuthorizationServer::discover`].
    pub async fn discover_with(issuer: &str, http: &dyn HttpClient) -> Result<Self, TransportError> {
        let [openid, rfc8414] = Self::metadata_urls(issuer)?;
        let document = match get_json(http, &openid).await {
            Err(TransportError::Status { status: 404, .. }) => get_json(http, &rfc8414).await?,
            other => other?,
        };
        Ok(Self::from_metadata(issuer, &document)?)
    }
}

/// A JSON document, with status 200 and nothing else.
pub(crate) async fn get_json(http: &dyn HttpClient, url: &str) -> Result<Vec<u8>, TransportError> {
    let request = http::Request::get(url)
        .header(http::header::ACCEPT, "application/json")
        .body(Vec::new())
        .map_err(|_| OAuthError::Endpoint {
        endpoint: "document",
        url: url.to_owned(),
        reason: "is not an HTTP target",
    })?;
    let response = http.send(request).await?;
    match response.status() {
        StatusCode::OK => Ok(response.into_body()),
        status => Err(TransportError::Status { url: url.to_owned(), status: status.as_u16() }),
    }
}
