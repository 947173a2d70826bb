//! The beginning of an assertion: the protected header, and the claims `iss`, `sub` and `aud`. They
//! depend on the key and the settings, not on the request, so they are encoded once and cached
//! until one of those changes.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

use super::header::HeaderSource;
use crate::jose::jws;
use crate::oauth::below::Territory;
use crate::oauth::{Audience, Endpoint, OAuthError};

/// Everything that determines a beginning, except client and server, which a builder never changes.
#[derive(PartialEq)]
pub(super) struct Source<'a> {
    pub(super) header: HeaderSource<'a>,
    pub(super) audience: Option<Cow<'a, Audience>>,
    pub(super) territory: Territory,
    /// The endpoint that is called.
    pub(super) endpoint: Endpoint,
}

impl Source<'_> {
    fn into_owned(self) -> Source<'static> {
        Source {
            header: self.header.into_owned(),
            audience: self.audience.map(|audience| Cow::Owned(audience.into_owned())),
            territory: self.territory,
            endpoint: self.endpoint,
        }
    }
}

/// The last beginning. One is enough: keys and settings rarely change, and most clients call one
/// endpoint.
#[derive(Default)]
pub(super) struct BeginningCache(RwLock<Option<Arc<(Source<'static>, jws::Beginning)>>>);

impl BeginningCache {
    /// Passes the beginning to `use_it`. Encodes it first unless the last one has the same source.
    pub(super) fn with<T>(
        &self,
        source: Source<'_>,
        encode: impl FnOnce(&Source<'_>) -> Result<jws::Beginning, OAuthError>,
        use_it: impl FnOnce(&jws::Beginning) -> T,
    ) -> Result<T, OAuthError> {
        // The entry is replaced whole, so a poisoned lock does no harm.
        let last = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(last) = last.filter(|last| last.0 == source) {
            return Ok(use_it(&last.1));
        }
        let beginning = encode(&source)?;
        let last = Arc::new((source.into_owned(), beginning));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&last));
        Ok(use_it(&last.1))
    }
}

impl Clone for BeginningCache {
    /// Starts empty: a clone is usually made to be changed.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl std::fmt::Debug for BeginningCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BeginningCache")
    }
}
