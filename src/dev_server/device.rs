//! Logins on another device (RFC 8628).

use time::{Duration, OffsetDateTime};

use super::grant::Access;
use super::page::Decision;

pub(super) struct DeviceLogin {
    pub(super) client_id: String,
    pub(super) user_code: String,
    pub(super) access: Access,
    pub(super) decision: Option<Decision>,
    pub(super) expires_at: OffsetDateTime,
    /// How long the device must wait between polls.
    pub(super) interval: Duration,
    pub(super) last_asked: Option<OffsetDateTime>,
    /// Whether the device has its tokens.
    pub(super) used: bool,
}

impl DeviceLogin {
    /// How long the user has to decide.
    pub(super) const LIFETIME: Duration = Duration::minutes(10);
    /// The initial `interval`, and how much each `slow_down` adds to it (§3.5).
    pub(super) const INTERVAL: Duration = Duration::seconds(5);
}
