//! The options that `introspect` and `revoke` share: a token with a hint of its kind, and the
//! client.

use private_key_jwt::oauth::HintedToken;

use crate::client::{ClientOptions, Prepared};
use crate::error::Failure;
use crate::secret::SecretSource;
use crate::source;

/// The token, the server and the client.
#[derive(clap::Args)]
pub(crate) struct HintedOptions {
    /// Token: a file, - for standard input, or env:VAR for an environment variable
    #[arg(value_name = "TOKEN")]
    token: SecretSource,
    /// Kind of the token, as a hint for the server
    #[arg(long, value_enum)]
    hint: Option<Hint>,
    #[command(flatten)]
    client: ClientOptions,
}

/// `token_type_hint` (RFC 7009 §2.1), as it is written there.
#[derive(Clone, Copy, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
enum Hint {
    AccessToken,
    RefreshToken,
}

impl HintedOptions {
    /// Reads the token and the key; nothing is sent.
    pub(crate) fn prepare(&self) -> Result<(HintedToken, Prepared<'_>), Failure> {
        source::one_stdin(self.client.paths().chain([self.token.path()]))?;
        let token = self.token.read("TOKEN")?;
        let token = match self.hint {
            None => HintedToken::new(token.as_str()),
            Some(Hint::AccessToken) => HintedToken::access_token(token.as_str()),
            Some(Hint::RefreshToken) => HintedToken::refresh_token(token.as_str()),
        };
        Ok((self.client.parameters(token, HintedToken::parameter)?, self.client.prepare()?))
    }
}
