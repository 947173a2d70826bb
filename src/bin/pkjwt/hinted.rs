//! The token that `introspect` and `revoke` are about, with a hint of its kind.

use private_key_jwt::oauth::HintedToken;

use crate::client::ClientOptions;
use crate::error::Failure;
use crate::key;
use crate::secret::SecretSource;

/// The token.
#[derive(clap::Args)]
pub(crate) struct TokenOptions {
    /// The token: a file that holds it, - for standard input, or env:VAR for an environment variable
    #[arg(value_name = "TOKEN")]
    token: SecretSource,
    /// Where the server should look first
    #[arg(long, value_enum)]
    hint: Option<Hint>,
}

/// `token_type_hint` (RFC 7009 §2.1), as it is written there.
#[derive(Clone, Copy, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
enum Hint {
    AccessToken,
    RefreshToken,
}

impl TokenOptions {
    /// Reads the token and adds the parameters of the command line.
    pub(crate) fn read(&self, client: &ClientOptions) -> Result<HintedToken, Failure> {
        key::one_stdin(client.paths().chain([self.token.path()]))?;
        let token = self.token.read("TOKEN")?;
        let token = match self.hint {
            None => HintedToken::new(token.as_str()),
            Some(Hint::AccessToken) => HintedToken::access_token(token.as_str()),
            Some(Hint::RefreshToken) => HintedToken::refresh_token(token.as_str()),
        };
        client.parameters(token, HintedToken::parameter)
    }
}
