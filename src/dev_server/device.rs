//! Logins on another device (RFC 8628): the state that the endpoints share.

use time::{Duration, OffsetDateTime};

use super::grant::Access;
use super::page::Decision;
use super::state::State;
use super::{DevServer, DevServerError, secret};
use crate::jose::error::excerpt;

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

impl State {
    /// The login that waits for a user with this code.
    pub(super) fn waiting(&mut self, user_code: &str) -> Option<&mut DeviceLogin> {
        let user_code = secret::typed_user_code(user_code);
        self.devices.values_mut().find(|login| login.user_code == user_code && login.decision.is_none())
    }
}

impl DevServer {
    /// Approves a device login (RFC 8628 §3.3), as the user would at the verification page. The
    /// tokens are issued for `subject`.
    ///
    /// ```
    /// use private_key_jwt::dev_server::DevServer;
    /// use private_key_jwt::{Algorithm, AuthorizationServer, JwkSet, PrivateKey, TokenClient};
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
    /// let dev = DevServer::bind("127.0.0.1:0".parse()?).await?;
    /// dev.register("client", JwkSet::from(key.public_jwk().clone()))?;
    /// let client = TokenClient::new(AuthorizationServer::discover(dev.issuer()).await?, "client", key)?;
    ///
    /// let codes = client.authorize_device("api:read").await?;
    /// dev.approve(codes.user_code(), "user-1")?;
    /// let tokens = client.device_token(&codes).await?;
    /// assert!(tokens.refresh_token().is_some());
    /// # Ok(()) }
    /// # // It waits for the interval: compiled, not run.
    /// # let _ = example;
    /// ```
    ///
    /// # Errors
    ///
    /// [`DevServerError::UserCode`] if no login waits for this code.
    pub fn approve(&self, user_code: &str, subject: &str) -> Result<(), DevServerError> {
        self.decide(user_code, Decision::Approved { subject: subject.to_owned() })
    }

    /// Denies a device login, as [`DevServer::approve`] approves it.
    ///
    /// # Errors
    ///
    /// As [`DevServer::approve`].
    pub fn deny(&self, user_code: &str) -> Result<(), DevServerError> {
        self.decide(user_code, Decision::Denied)
    }

    fn decide(&self, user_code: &str, decision: Decision) -> Result<(), DevServerError> {
        let mut state = self.inner.state();
        let unknown = || DevServerError::UserCode { user_code: excerpt(user_code) };
        state.waiting(user_code).ok_or_else(unknown)?.decision = Some(decision);
        Ok(())
    }
}
