//! What a test does in place of a user.

use super::error::DevServerError;
use super::page::Decision;
use super::server::DevServer;
use crate::jose::error::excerpt;

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
    /// let client = TokenClient::discover(dev.issuer(), "client", key)?;
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

    /// Logs a user in, as if every browser had a session. The authorization endpoint then shows no
    /// page and redirects with a code at once.
    ///
    /// ```
    /// use private_key_jwt::client::fresh_code_verifier;
    /// use private_key_jwt::dev_server::DevServer;
    /// use private_key_jwt::oauth::AuthorizationRequest;
    /// use private_key_jwt::transport::{HttpClient, ReqwestClient};
    /// use private_key_jwt::{Algorithm, JwkSet, PrivateKey, TokenClient};
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
    /// let dev = DevServer::bind("127.0.0.1:0".parse()?).await?;
    /// dev.register("client", JwkSet::from(key.public_jwk().clone()))?;
    /// dev.log_in_as("user-1");
    /// let client = TokenClient::new(dev.authorization_server().clone(), "client", key)?;
    ///
    /// let verifier = fresh_code_verifier()?;
    /// let callback = "http://127.0.0.1/callback";
    /// let url = AuthorizationRequest::new(callback, &verifier).to_url(dev.authorization_server(), "client")?;
    /// // What a browser does: it follows the redirect to the application.
    /// let answer = ReqwestClient::new()?.send(http::Request::get(url).body(Vec::new())?).await?;
    /// let url = url::Url::parse(answer.headers()["location"].to_str()?)?;
    /// let (_, code) = url.query_pairs().find(|(name, _)| name == "code").ok_or("no code")?;
    ///
    /// let tokens = client.authorization_code(code, callback, &verifier).await?;
    /// assert!(tokens.refresh_token().is_some());
    /// # Ok(()) }
    /// # tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(example())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn log_in_as(&self, subject: &str) {
        self.inner.state().user = Some(subject.to_owned());
    }

    /// Logs out the user of [`DevServer::log_in_as`]. The authorization endpoint shows its page
    /// again.
    pub fn log_out(&self) {
        self.inner.state().user = None;
    }
}
