//! FILE_OR_URL: the public keys of another party. A file holds a JWK Set, one JWK, a certificate or
//! a public key. A URL holds a JWK Set.

use std::path::Path;

use private_key_jwt::dev_server::ClientKeys;
use private_key_jwt::jose::JoseError;
use private_key_jwt::keys::KeyError;
use private_key_jwt::{JwkSet, PrivateKey, PublicKeySet};

use crate::error::{Context, Failure};
use crate::source;

/// The end of the PEM label of every kind of private key.
const PRIVATE_KEY: &[u8] = b"PRIVATE KEY-----";

/// Reads a file of public keys. A URL is recognised, but not fetched. A private key is refused even
/// if its public part would do: the party that registers a key should not have it.
pub(crate) fn load(source: &str) -> Result<ClientKeys, Failure> {
    if source.starts_with("https://") || source.starts_with("http://") {
        return Ok(ClientKeys::JwksUrl(source.to_owned()));
    }
    let bytes = source::read(Path::new(source), PrivateKey::MAX_FILE_LEN)?;
    let private = || {
        let why = "this is a private key; `pkjwt jwks` prints its public part";
        Err(Failure::refused(source::name(Path::new(source)), why))
    };
    // Also finds a private key next to a certificate, even an unusable one, which the loader of
    // public keys skips.
    if bytes.windows(PRIVATE_KEY.len()).any(|label| label == PRIVATE_KEY) {
        return private();
    }
    match PrivateKey::from_bytes(&bytes) {
        Ok(_) | Err(KeyError::PassphraseRequired | KeyError::SeveralKeys { .. }) => return private(),
        Err(error @ KeyError::TooLarge { .. }) => return Err(error).context(source::name(Path::new(source))),
        Err(_) => {}
    }
    let keys = ClientKeys::from_bytes(&bytes).context(source::name(Path::new(source)))?;
    match &keys {
        ClientKeys::Jwks(jwks)
            if jwks.skipped().iter().any(|key| matches!(key.reason, JoseError::PrivateMember { .. })) =>
        {
            private()
        }
        _ => Ok(keys),
    }
}

/// The keys as a set. A key without a `kid` is the intended one, regardless of the `kid` in a JWT.
pub(crate) fn set(
    keys: ClientKeys,
    fetch: impl FnOnce(&str) -> Result<JwkSet, Failure>,
) -> Result<PublicKeySet, Failure> {
    match keys {
        ClientKeys::Jwks(jwks) => Ok(jwks.into()),
        ClientKeys::PublicKey(key) => Ok(key.into()),
        ClientKeys::JwksUrl(url) => fetch(&url).map(PublicKeySet::from),
        _ => Err(Failure::usage("public keys", "not a source of keys")),
    }
}
