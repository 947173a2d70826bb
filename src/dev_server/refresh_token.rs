//! Refresh tokens (RFC 6749 §1.5): each is used once and then replaced by the next one.

use time::{Duration, OffsetDateTime};

use super::grant::Grant;
use super::refused::Refused;
use super::secret;
use super::store::Store;

pub(super) struct RefreshToken {
    pub(super) grant: Grant,
    pub(super) issued: OffsetDateTime,
    pub(super) used: bool,
}

impl RefreshToken {
    pub(super) const LIFETIME: Duration = Duration::days(1);

    pub(super) fn issue(
        tokens: &mut Store<Self>,
        grant: Grant,
        now: OffsetDateTime,
    ) -> Result<String, Refused> {
        let token = secret::fresh()?;
        let value = Self { grant, issued: now, used: false };
        let end = value.expires_at();
        tokens.insert(&token, value, end, now)?;
        Ok(token)
    }

    pub(super) fn expires_at(&self) -> OffsetDateTime {
        self.issued.saturating_add(Self::LIFETIME)
    }
}
