//! The result of a token request.

use time::OffsetDateTime;

use crate::dev_server::grant::{Access, Grant};
use crate::dev_server::refresh_token::RefreshToken;
use crate::dev_server::refused::Refused;
use crate::dev_server::state::State;
use crate::oauth::TokenKind;

/// What the server issues: an access token of this grant, and optionally more.
pub(super) struct Granted {
    pub(super) grant: Grant,
    pub(super) refresh_token: Option<String>,
    pub(super) issued_token_type: Option<TokenKind>,
    /// For the ID token. After a refresh, the ID token has no nonce (OpenID Connect Core §12.2).
    pub(super) nonce: Option<String>,
}

impl Granted {
    /// No refresh token: the client must repeat its request.
    pub(super) const fn without_refresh(grant: Grant) -> Self {
        Self { grant, refresh_token: None, issued_token_type: None, nonce: None }
    }

    /// An access token narrowed to the request, and a refresh token for the whole grant.
    pub(super) fn with_refresh(
        state: &mut State,
        grant: Grant,
        asked: Access,
        now: OffsetDateTime,
    ) -> Result<Self, Refused> {
        let access = grant.access.narrowed(asked)?;
        let refresh_token = RefreshToken::issue(&mut state.refresh_tokens, grant.clone(), now)?;
        let narrowed = Grant { access, ..grant };
        Ok(Self { refresh_token: Some(refresh_token), ..Self::without_refresh(narrowed) })
    }
}
