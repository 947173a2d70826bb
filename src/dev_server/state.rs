//! What the server remembers in addition to its clients. Everything is in memory, bounded, and
//! expires.

use std::collections::BTreeMap;
use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use super::authorization_request::Pushed;
use super::code::Code;
use super::device::DeviceLogin;
use super::refresh_token::RefreshToken;
use super::secret;
use super::store::{Full, Store};
use crate::keys::PublicKeySet;

pub(super) struct State {
    /// The user who is logged in at the authorization endpoint.
    pub(super) user: Option<String>,
    /// Authorization requests, by their `request_uri`.
    pub(super) pushed: Store<Pushed>,
    pub(super) codes: Store<Code>,
    pub(super) devices: Store<DeviceLogin>,
    pub(super) refresh_tokens: Store<RefreshToken>,
    /// The `jti` of access tokens and the names of grants.
    revoked: Store<()>,
    /// The issuers that may vouch for a subject, with their keys.
    pub(super) issuers: BTreeMap<String, Arc<PublicKeySet>>,
    /// Used JWTs of the jwt-bearer grant, by issuer and `jti`.
    pub(super) vouched: Store<()>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            user: None,
            pushed: Store::with_capacity(Self::LOGINS),
            codes: Store::with_capacity(Self::LOGINS),
            devices: Store::with_capacity(Self::LOGINS),
            refresh_tokens: Store::with_capacity(Self::TOKENS),
            revoked: Store::with_capacity(Self::TOKENS),
            issuers: BTreeMap::new(),
            vouched: Store::with_capacity(Self::TOKENS),
        }
    }
}

impl State {
    /// Maximum number of entries of each kind that lives for minutes.
    const LOGINS: usize = 1_000;
    /// Maximum number of entries of each kind that lives for hours.
    const TOKENS: usize = 100_000;

    /// Revokes an access token. The entry is kept until `end`, when the token has expired anyway.
    pub(super) fn revoke(&mut self, jti: &str, end: OffsetDateTime, now: OffsetDateTime) -> Result<(), Full> {
        self.revoked.insert(jti, (), end, now)
    }

    /// Revokes everything that a user has allowed. The entry is kept for as long as tokens of the
    /// grant live: refresh tokens, and access tokens of this lifetime.
    pub(super) fn revoke_grant(
        &mut self,
        id: Option<&str>,
        token_lifetime: Duration,
        now: OffsetDateTime,
    ) -> Result<(), Full> {
        let end = now.saturating_add(RefreshToken::LIFETIME.max(token_lifetime));
        id.map_or(Ok(()), |id| self.revoke(id, end, now))
    }

    pub(super) fn is_revoked(&self, name: &str, now: OffsetDateTime) -> bool {
        self.revoked.get(name, now).is_some()
    }

    /// The login that waits for a user with this code.
    pub(super) fn waiting(&mut self, user_code: &str) -> Option<&mut DeviceLogin> {
        let user_code = secret::typed_user_code(user_code);
        self.devices.values_mut().find(|login| login.user_code == user_code && login.decision.is_none())
    }
}
