//! Authorization codes (RFC 6749 §4.1.2).

use time::Duration;

use super::authorization_request::AuthorizationRequest;
use super::grant::Grant;

/// An authorization code, which the browser takes to the application.
pub(super) struct Code {
    pub(super) request: AuthorizationRequest,
    pub(super) grant: Grant,
    pub(super) used: bool,
}

impl Code {
    pub(super) const LIFETIME: Duration = Duration::minutes(1);
}
