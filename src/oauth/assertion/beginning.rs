//! How the assertions of a builder begin: the protected header, and the claims that say who speaks to whom. These
//! depend on the key and the settings and not on the request, so they are encoded once and kept until one of them
//! changes.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

use super::header::HeaderSource;
use crate::jose::jws;
use crate::oauth::{Audience, Endpoint, OAuthError};

/// Everything that a beginning is made of, but for what a builder has from its start: the client and the server.
#[derive(PartialEq)]
pub(super) struct Source<'a> {
    pub(super) header: HeaderSource<'a>,
    pub(super) audience: Option<Cow<'a, Audience>>,
    /// The endpoint that is called.
    pub(super) endpoint: Endpoint,
}

impl Source<'_> {
    fn into_owned(self) -> Source<'static> {
        Source {
            header: self.header.into_owned(),
            audience: self.audience.map(|audience| Cow::Owned(audience.into_owned())),
            endpoint: self.endpoint,
        }
    }
}

/// The last beginning. One is enough: the key changes at a rotation, the settings hardly ever, and most clients call one
/// endpoint.
#[derive(Default)]
pub(super) struct BeginningCache(RwLock<Option<Arc<(Source<'static>, jws::Beginning)>>>);

impl BeginningCache {
    /// Hands the beginning to `use_it`; it is encoded first where its source is not that of the last one.
    pub(super) fn with<T>(
        &self,
        source: Source<'_>,
        encode: impl FnOnce(&Source<'_>) -> Result<jws::Beginning, OAuthError>,
        use_it: impl FnOnce(&jws::Beginning) -> T,
    ) -> Result<T, OAuthError> {
        // No step leaves the entry half-changed, so a panic elsewhere does not spoil it.
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
    /// Starts empty: a clone is mostly made to change it.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl std::fmt::Debug for BeginningCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BeginningCache")
    }
}
