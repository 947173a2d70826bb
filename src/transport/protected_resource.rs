use super::discovery::get_json;
use super::{HttpClient, ReqwestClient, TransportError};
use crate::jose::JoseError;
use crate::oauth::{BearerChallenge, OAuthError, ProtectedResource, content_coding};

impl ProtectedResource {
    /// Fetches the metadata of the resource at this URL (RFC 9728 §3.1). Pass the challenge of its
    /// 401 response, which may name the location of the metadata, or the default, which does not.
    ///
    /// ```no_run
    /// use private_key_jwt::oauth::{BearerChallenge, ProtectedResource};
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let url = "https://api.example/mcp";
    /// let response = reqwest::get(url).await?;
    /// let challenge = BearerChallenge::from_headers(response.headers()).unwrap_or_default();
    /// let resource = ProtectedResource::discover(url, &challenge).await?;
    /// println!("tokens from {:?}", resource.authorization_servers());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`TransportError`] if there is no response, if its status is not 200, or if
    /// [`BearerChallenge::metadata_url`] or [`ProtectedResource::from_metadata`] rejects the URL or
    /// the document.
    pub async fn discover(resource: &str, challenge: &BearerChallenge) -> Result<Self, TransportError> {
        Self::discover_with(resource, challenge, &ReqwestClient::new()?).await
    }

    /// As [`ProtectedResource::discover`], with an HTTP client of your own.
    ///
    /// # Errors
    ///
    /// As [`ProtectedResource::discover`].
    pub async fn discover_with(
        resource: &str,
        challenge: &BearerChallenge,
        http: &dyn HttpClient,
    ) -> Result<Self, TransportError> {
        let response = get_json(http, &challenge.metadata_url(resource)?).await?;
        match (Self::from_metadata(resource, response.body()), content_coding(response.headers())) {
            (Err(OAuthError::ResourceMetadata(JoseError::Json { .. })), Some(found)) => {
                Err(OAuthError::ContentEncoding { what: "the metadata", found }.into())
            }
            (resource, _) => Ok(resource?),
        }
    }
}
