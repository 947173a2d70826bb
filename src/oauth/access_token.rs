use std::sync::Arc;

use time::OffsetDateTime;

use super::text::safe;
use crate::jose::Wiped;

/// A token and what is known about it. Cloning is cheap, and the clones share one token. The token
/// is wiped when the last clone is dropped; `Debug` is redacted.
#[derive(Clone)]
pub struct AccessToken {
    issued: Arc<Issued>,
}

struct Issued {
    secret: Wiped<String>,
    token_type: String,
    expires_at: Option<OffsetDateTime>,
}

impl AccessToken {
    pub(super) fn new(secret: Wiped<String>, token_type: String, expires_at: Option<OffsetDateTime>) -> Self {
        Self { issued: Arc::new(Issued { secret, token_type, expires_at }) }
    }

    /// A bearer token that no server has issued. It does not expire.
    #[cfg(feature = "client")]
    pub(crate) fn fixed(secret: String) -> Self {
        Self::new(Wiped::new(secret), "Bearer".to_owned(), None)
    }

    /// The token itself. Treat it as a password. If the server may issue other tokens than bearer
    /// tokens, check [`AccessToken::is_bearer`].
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.issued.secret
    }

    /// The `token_type` (RFC 6749 §7.1), as the server wrote it.
    #[must_use]
    pub fn token_type(&self) -> &str {
        &self.issued.token_type
    }

    /// Whether the token goes into an `Authorization: Bearer` header; the comparison is
    /// case-insensitive (RFC 6749 §5.1).
    #[must_use]
    pub fn is_bearer(&self) -> bool {
        self.token_type().eq_ignore_ascii_case("bearer")
    }

    /// The token if it is a bearer token. `None` for a token of a type that needs more than a
    /// header.
    #[must_use]
    pub fn bearer(&self) -> Option<&str> {
        self.is_bearer().then(|| self.secret())
    }

    /// When the token expires, if the server said so. A client counts `expires_in` from when it
    /// sent the request, since it cannot know how long the response took.
    #[must_use]
    pub fn expires_at(&self) -> Option<OffsetDateTime> {
        self.issued.expires_at
    }

    /// The `token_type`, safe to log.
    #[cfg(feature = "reqwest-middleware")]
    pub(crate) fn shown_type(&self) -> String {
        safe(self.token_type())
    }

    /// Whether this is the only clone.
    #[cfg(all(test, feature = "client"))]
    pub(crate) fn is_alone(&self) -> bool {
        Arc::strong_count(&self.issued) == 1
    }

    /// Whether both come from the same response. A server may issue the same text twice.
    #[cfg(feature = "client")]
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.issued, &other.issued)
    }
}

impl std::fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessToken")
            .field("secret", &"[redacted]")
            .field("token_type", &safe(self.token_type()))
            .field("expires_at", &self.expires_at())
            .finish()
    }
}
