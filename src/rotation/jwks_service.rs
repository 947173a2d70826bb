use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::IF_NONE_MATCH;
use http::{Request, Response};
use http_body_util::Full;
use tower_service::Service;

use crate::keys::KeyRing;

impl KeyRing {
    /// A tower service that answers requests of the JWKS URL with the keys of the ring.
    ///
    /// ```
    /// use axum::Router;
    /// use private_key_jwt::{Algorithm, KeyRing, PrivateKey};
    ///
    /// let keys = KeyRing::from(PrivateKey::generate(Algorithm::ES256)?.private_key()?);
    /// let router: Router = Router::new().route_service("/jwks.json", keys.jwks_service());
    /// # Ok::<(), private_key_jwt::KeyError>(())
    /// ```
    #[must_use]
    pub fn jwks_service(&self) -> JwksService {
        JwksService { keys: self.clone() }
    }
}

/// Serves the JWK Set of a ring, for axum and anything else built on tower services. Every clone
/// serves the ring as it is at the time of the request. [`KeyRing::jwks_service`] and
/// [`KeyDirectory::jwks_service`](super::KeyDirectory::jwks_service) return it.
///
/// The service ignores the path. Its answers are those of
/// [`JwksResponse::respond`](super::JwksResponse::respond): conditional requests, HEAD, and 405 for
/// other methods.
#[derive(Clone, Debug)]
pub struct JwksService {
    keys: KeyRing,
}

impl<B> Service<Request<B>> for JwksService {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let known = request.headers().get_all(IF_NONE_MATCH);
        ready(Ok(self.keys.jwks_response().respond(request.method(), known)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use axum::Router;
    use axum::body::Body;
    use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, ETAG};
    use http_body_util::BodyExt;

    use super::*;
    use crate::jose::{Algorithm, JwkSet};
    use crate::keys::PrivateKey;

    #[tokio::test]
    async fn axum_serves_the_ring_as_it_is_at_the_time_of_the_request() {
        let key = || PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap();
        let keys = KeyRing::from(key());
        let mut router = Router::new().route_service("/jwks.json", keys.jwks_service());
        let mut ask = async |method: &str, path: &str, etag: &str| {
            let request = Request::builder().method(method).uri(path).header(IF_NONE_MATCH, etag);
            let response = router.call(request.body(Body::empty()).unwrap()).await.unwrap();
            let (parts, body) = response.into_parts();
            (parts.status.as_u16(), parts.headers, body.collect().await.unwrap().to_bytes())
        };

        let (status, headers, body) = ask("GET", "/jwks.json", "").await;
        assert_eq!(status, 200);
        assert_eq!(headers[CONTENT_TYPE], "application/jwk-set+json");
        assert_eq!(JwkSet::from_json(&body).unwrap(), keys.jwks());
        let etag = headers[ETAG].to_str().unwrap().to_owned();
        let (status, headers, body) = ask("GET", "/jwks.json", &etag).await;
        assert_eq!((status, body.len()), (304, 0));
        assert_eq!(headers[ETAG], etag);

        keys.publish(key(), time::OffsetDateTime::UNIX_EPOCH).unwrap();
        let (status, headers, body) = ask("GET", "/jwks.json", &etag).await;
        assert_eq!((status, JwkSet::from_json(&body).unwrap().keys().len()), (200, 2));
        assert_ne!(headers[ETAG], etag);
        let (status, headers, nothing) = ask("HEAD", "/jwks.json", &etag).await;
        assert_eq!((status, nothing.len()), (200, 0));
        assert_eq!(headers[CONTENT_LENGTH], body.len().to_string());
        let (status, headers, _) = ask("POST", "/jwks.json", &etag).await;
        assert_eq!(status, 405);
        assert_eq!(headers[ALLOW], "GET, HEAD");
        assert_eq!(ask("GET", "/other.json", &etag).await.0, 404);
    }
}
