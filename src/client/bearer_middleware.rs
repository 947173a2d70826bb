use async_trait::async_trait;
use http::header::{AUTHORIZATION, HeaderValue};
use http::{Extensions, StatusCode};
use reqwest_middleware::reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next};
use url::Origin;

use super::{Error, TokenSource};
use crate::oauth::{AccessToken, OAuthError, check_endpoint};

/// Puts the token of a [`TokenSource`] on the requests of a client of `reqwest-middleware` (RFC 6750 §2.1), for the origins
/// that are named and no others.
///
/// ```
/// use private_key_jwt::TokenSource;
/// use private_key_jwt::client::BearerMiddleware;
/// use reqwest_middleware::ClientWithMiddleware;
///
/// # fn example(tokens: TokenSource) -> Result<ClientWithMiddleware, private_key_jwt::Error> {
/// let bearer = BearerMiddleware::new(tokens).origin("https://api.example.com")?;
/// let http = reqwest_middleware::ClientBuilder::new(reqwest::Client::new()).with(bearer).build();
/// # Ok(http) }
/// ```
///
/// - An origin is scheme, host and port (RFC 6454 §4), and all three must be those of the request.
/// - A request that has an `Authorization` header keeps it, whatever its origin, and is passed on as it is.
/// - When the answer is 401, the token is [dropped](TokenSource::invalidate), and the request is sent once more with the
///   next one, if there is one and the body can be sent again: one that is a stream cannot, and its 401 is handed on.
/// - A token that is not a bearer token is put nowhere: the request fails with [`Error::NotBearer`].
///
/// Redirects are followed below, by reqwest, unless the client has another policy. It takes the header off when the next
/// URL differs in scheme, host or port, also when that is another of the origins named here, and never puts it back on. A
/// 401 from there says nothing of the token, which was not shown, and is handed on.
///
/// The error of a call is a [`reqwest_middleware::Error::Middleware`] with an [`Error`] in it, which
/// `error.downcast_ref::<private_key_jwt::Error>()` finds; also when the first token was refused and the next cannot be had.
/// The header is marked sensitive, so that `Debug` of a request does not show it. That copy of the token is reqwest's, and
/// not wiped.
#[derive(Clone, Debug)]
pub struct BearerMiddleware {
    tokens: TokenSource,
    origins: Vec<Origin>,
}

impl BearerMiddleware {
    /// With the tokens of this source, and for no origin yet.
    #[must_use]
    pub const fn new(tokens: TokenSource) -> Self {
        Self { tokens, origins: Vec::new() }
    }

    /// For this origin, too: a URL with nothing behind the host and the port. https, or http on loopback (RFC 6750 §5.3).
    ///
    /// # Errors
    ///
    /// [`OAuthError::Endpoint`] for anything else.
    pub fn origin(mut self, origin: &str) -> Result<Self, OAuthError> {
        let url = check_endpoint("origin", origin)?;
        if url.path() != "/" || url.query().is_some() {
            let reason = "is more than scheme, host and port";
            return Err(OAuthError::Endpoint { endpoint: "origin", url: url.into(), reason });
        }
        self.origins.push(url.origin());
        Ok(self)
    }

    async fn token(&self) -> reqwest_middleware::Result<AccessToken> {
        self.tokens.token().await.map_err(reqwest_middleware::Error::middleware)
    }
}

#[async_trait]
impl Middleware for BearerMiddleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let origin = request.url().origin();
        if !self.origins.contains(&origin) || request.headers().contains_key(AUTHORIZATION) {
            return next.run(request, extensions).await;
        }
        let token = self.token().await?;
        let again = request.try_clone();
        put(&token, &mut request)?;
        let response = next.clone().run(request, extensions).await?;
        if response.status() != StatusCode::UNAUTHORIZED || response.url().origin() != origin {
            return Ok(response);
        }
        self.tokens.invalidate(&token);
        let Some(mut again) = again else {
            return Ok(response);
        };
        let other = self.token().await?;
        if other.is_same_as(&token) {
            return Ok(response);
        }
        put(&other, &mut again)?;
        drop(response);
        next.run(again, extensions).await
    }
}

fn put(token: &AccessToken, request: &mut Request) -> reqwest_middleware::Result<()> {
    let bearer = token.bearer().ok_or_else(|| Error::NotBearer { token_type: token.shown_type() });
    let bearer = bearer.map_err(reqwest_middleware::Error::middleware)?;
    let header = HeaderValue::from_str(&format!("Bearer {bearer}"));
    let mut header = header.map_err(reqwest_middleware::Error::middleware)?;
    header.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, header);
    Ok(())
}
