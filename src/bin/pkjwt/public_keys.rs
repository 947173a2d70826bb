//! FILE_OR_URL: the public keys of another party. A file holds a JWK Set, one JWK, a certificate or
//! a public key. A URL holds a JWK Set.

use std::path::Path;

use private_key_jwt::PrivateKey;
use private_key_jwt::dev_server::ClientKeys;
use private_key_jwt::jose::JoseError;
use private_key_jwt::keys::KeyError;

use crate::error::{Context, Failure};
use crate::key;

/// The end of the PEM label of every kind of private key.
const PRIVATE_KEY: &[u8] = b"PRIVATE KEY-----";

/// Reads a file of public keys. A URL is recognised, but not fetched. A private key is refused even
/// if its public part would do: the party that registers a key should not have it.
pub(crate) fn load(source: &str) -> Result<ClientKeys, Failure> {
    if source.starts_with("https://") || source.starts_with("http://") {
        return Ok(ClientKeys::JwksUrl(source.to_owned()));
    }
    let bytes = key::read(Path::new(source), PrivateKey::MAX_FILE_LEN)?;
    let private = || {
        let why = "this is a private key; `pkjwt jwks` prints its public part";
        Err(Failure::refused(key::name(Path::new(source)), why))
    };
    // Also finds a private key next to a certificate, even an unusable one, which the loader of
    // public keys skips.
    if bytes.windows(PRIVATE_KEY.len()).any(|label| label == PRIVATE_KEY) {
        return private();
    }
    match PrivateKey::from_bytes(&bytes) {
        Ok(_) | Err(KeyError::PassphraseRequired | KeyError::SeveralKeys { .. }) => return private(),
        Err(error @ KeyError::TooLarge { .. }) => return Err(error).context(key::name(Path::new(source))),
        Err(_) => {}
    }
    let keys = ClientKeys::from_bytes(&bytes).context(key::name(Path::new(source)))?;
    match &keys {
        ClientKeys::Jwks(jwks)
            if jwks.skipped().iter().any(|key| matches!(key.reason, JoseError::PrivateMember { .. })) =>
        {
            private()
        }
        _ => Ok(keys),
    }
}
