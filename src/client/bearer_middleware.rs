use async_trait::async_trait;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderValue};
use http::{Extensions, StatusCode};
use reqwest_middleware::reqwest::redirect::Policy;
use reqwest_middleware::reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use url::{Origin, Url};
use zeroize::Zeroizing;

use super::{Error, ErrorKind, TokenSource};
use crate::oauth::{AccessToken, OAuthError, check_endpoint, is_loopback, safe_url};
use crate::transport::client_with_tokens;

/// Adds the token of a [`TokenSource`] to the requests of a `reqwest-middleware` client (RFC 6750
/// §2.1), for the named origins and no others.
///
/// ```
/// use private_key_jwt::TokenSource;
/// use private_key_jwt::client::BearerMiddleware;
/// use reqwest_middleware::ClientWithMiddleware;
///
/// # fn example(tokens: TokenSource) -> Result<ClientWithMiddleware, private_key_jwt::Error> {
/// let http = BearerMiddleware::new(tokens)
///     .origin("https://api.example.com")?
///     .client(reqwest::Client::builder())?;
/// # Ok(http) }
/// ```
///
/// It builds its own client. Adding it to any other client does not compile:
///
/// ```compile_fail,E0277
/// # fn example(bearer: private_key_jwt::client::BearerMiddleware) {
/// reqwest_middleware::ClientBuilder::new(reqwest::Client::new()).with(bearer);
/// # }
/// ```
///
/// - An origin is scheme, host and port (RFC 6454 §4), and all three must match those of the
///   request.
/// - A request that already has an `Authorization` header is passed on unchanged. The token
///   replaces one among reqwest's default headers, which the middleware does not see.
/// - If the response is 401, the token is [dropped](TokenSource::invalidate), and the request is
///   sent once more with the next token, unless there is none or the body is a stream.
/// - A token that is not a bearer token is never sent: the request fails with
///   [`ErrorKind::NotBearer`].
///
/// **Redirects** are followed by reqwest, below the middleware. It removes the header only for a
/// hop to another origin than that of the hop before, and adds it again for a second hop within the
/// foreign origin, which would leak the token. [`client`](Self::client) therefore follows redirects
/// of a request to a named origin within that origin only, and returns any other redirect as the
/// response.
///
/// If no token can be obtained or sent, the error is a [`reqwest_middleware::Error::Middleware`];
/// `error.downcast_ref::<private_key_jwt::Error>()` finds the [`Error`]. The header is marked
/// sensitive, so that `Debug` of a request does not show it. That copy of the token belongs to
/// reqwest and is not wiped.
#[derive(Clone, Debug)]
pub struct BearerMiddleware {
    tokens: TokenSource,
    origins: Vec<Origin>,
    names_loopback: bool,
}

impl BearerMiddleware {
    /// Uses the tokens of this source, for no origin yet.
    #[must_use]
    pub const fn new(tokens: TokenSource) -> Self {
        Self { tokens, origins: Vec::new(), names_loopback: false }
    }

    /// Adds an origin: scheme, host and port. The scheme is https, or http on loopback (RFC 6750
    /// §5.3).
    ///
    /// # Errors
    ///
    /// [`OAuthError::Endpoint`] for anything else.
    pub fn origin(mut self, origin: &str) -> Result<Self, OAuthError> {
        let url = check_endpoint("origin", origin)?;
        if url.path() != "/" || url.query().is_some() {
            let reason = "is more than scheme, host and port";
            return Err(OAuthError::Endpoint { endpoint: "origin", url: safe_url(origin), reason });
        }
        self.names_loopback |= is_loopback(&url);
        self.origins.push(url.origin());
        Ok(self)
    }

    /// Builds a client with this middleware in front of it. To add more middlewares after this one,
    /// use [`reqwest_middleware::ClientBuilder::from_client`].
    ///
    /// Regardless of the builder's settings, the client has its own redirect policy, pins
    /// `localhost` to the loopback addresses, sends no `Referer`, retries nothing by itself, and
    /// gives up connecting after [10 s](crate::transport::ReqwestClient::CONNECT_TIMEOUT). If an
    /// origin on loopback is named, it uses no proxy at all, not even for other origins: a proxy
    /// could read the requests, and its loopback is not this machine's.
    ///
    /// # Errors
    ///
    /// [`TransportError::Build`](crate::transport::TransportError::Build) if reqwest rejects its
    /// settings.
    pub fn client(self, http: reqwest::ClientBuilder) -> Result<ClientWithMiddleware, Error> {
        let http = if self.names_loopback { http.no_proxy() } else { http };
        let (policy, bearer) = self.into_parts();
        Ok(ClientBuilder::new(client_with_tokens(http, policy)?).with(bearer).build())
    }

    /// Returns the redirect policy and the middleware, for a client that you build yourself. **The
    /// client must have this policy**, or [`Policy::none`]: any other policy may leak the token.
    /// Redirects of requests to other origins are followed as reqwest does by default. A proxy of
    /// that client sees requests to plain http origins. If one of them is `http://localhost`, the
    /// client must pin that name to loopback (`resolve_to_addrs`), or the token goes wherever the
    /// name resolves to.
    #[must_use = "the client needs both"]
    pub fn into_parts(self) -> (Policy, impl Middleware) {
        let (origins, others) = (self.origins.clone(), Policy::default());
        let policy = Policy::custom(move |attempt| {
            let first = attempt.previous().first().map(Url::origin);
            let leaves =
                first.is_some_and(|first| origins.contains(&first) && first != attempt.url().origin());
            if leaves { attempt.stop() } else { others.redirect(attempt) }
        });
        (policy, Bearer(self))
    }
}

/// A separate type, so that it cannot be added to a client without the policy.
struct Bearer(BearerMiddleware);

#[async_trait]
impl Middleware for Bearer {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let BearerMiddleware { tokens, origins, .. } = &self.0;
        let origin = request.url().origin();
        if !origins.contains(&origin) || request.headers().contains_key(AUTHORIZATION) {
            return next.run(request, extensions).await;
        }
        let again = request.try_clone();
        let token = put_token(tokens, &mut request).await?;
        let response = next.clone().run(request, extensions).await?;
        if response.status() != StatusCode::UNAUTHORIZED || response.url().origin() != origin {
            return Ok(response);
        }
        tokens.invalidate(&token);
        let Some(mut again) = again else { return Ok(response) };
        if put_token(tokens, &mut again).await?.is_same_as(&token) {
            return Ok(response);
        }
        drop(response);
        next.run(again, extensions).await
    }
}

async fn put_token(tokens: &TokenSource, request: &mut Request) -> reqwest_middleware::Result<AccessToken> {
    let token = tokens.token().await.map_err(reqwest_middleware::Error::middleware)?;
    let bearer =
        token.bearer().ok_or_else(|| Error::from(ErrorKind::NotBearer { token_type: token.shown_type() }));
    let bearer = bearer.map_err(reqwest_middleware::Error::middleware)?;
    // Shared, so that it is wiped with the last copy of the header.
    let value = Bytes::from_owner(Zeroizing::new(["Bearer ", bearer].concat()));
    let header = HeaderValue::from_maybe_shared(value);
    let mut header = header.map_err(reqwest_middleware::Error::middleware)?;
    header.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, header);
    Ok(token)
}
