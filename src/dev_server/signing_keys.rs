//! The keys that the server signs with, each generated when it is first needed. An RSA key takes a
//! third of a second in a debug build, so the servers of a process share one. Each server gives it
//! its own name, and so refuses the tokens of the others.

use std::sync::{Mutex, OnceLock, PoisonError};

use crate::client::fresh_jti;
use crate::jose::{Algorithm, JwkSet, KeyType};
use crate::keys::{KeyError, PrivateKey, PublicKeySet};

/// Signs access tokens with the algorithm of the settings, and ID tokens with RS256 or, under FAPI
/// 2.0, with PS256.
pub(super) struct SigningKeys {
    access_token: SigningKey,
    /// `None` if access tokens have the same algorithm, and so the same key.
    id_token: Option<SigningKey>,
}

impl SigningKeys {
    /// The algorithm of ID tokens, which every OpenID provider supports (OpenID Connect Discovery
    /// §3), or which FAPI 2.0 allows (§5.4.1).
    pub(super) const fn id_token_algorithm(is_fapi2: bool) -> Algorithm {
        if is_fapi2 { Algorithm::PS256 } else { Algorithm::RS256 }
    }

    /// Without an algorithm for access tokens, they have that of ID tokens.
    pub(super) fn new(access_token_algorithm: Option<Algorithm>, is_fapi2: bool) -> Self {
        let id_token = Self::id_token_algorithm(is_fapi2);
        let access_token = access_token_algorithm.unwrap_or(id_token);
        Self {
            access_token: SigningKey::new(access_token),
            id_token: (access_token != id_token).then(|| SigningKey::new(id_token)),
        }
    }

    pub(super) const fn access_token(&self) -> &SigningKey {
        &self.access_token
    }

    pub(super) fn id_token(&self) -> &SigningKey {
        self.id_token.as_ref().unwrap_or(&self.access_token)
    }

    /// The public part of all keys. Generates them if needed.
    pub(super) fn jwks(&self) -> Result<JwkSet, KeyError> {
        let keys = [Some(&self.access_token), self.id_token.as_ref()];
        let jwks = keys.into_iter().flatten().map(|key| Ok(key.made()?.private.public_jwk().clone()));
        jwks.collect()
    }
}

/// One key.
pub(super) struct SigningKey {
    algorithm: Algorithm,
    made: OnceLock<Made>,
    /// Held while the key is made, so that it is made once.
    making: Mutex<()>,
}

struct Made {
    private: PrivateKey,
    public: PublicKeySet,
}

impl SigningKey {
    fn new(algorithm: Algorithm) -> Self {
        Self { algorithm, made: OnceLock::new(), making: Mutex::new(()) }
    }

    fn made(&self) -> Result<&Made, KeyError> {
        once(&self.made, &self.making, || {
            let private = match self.algorithm.key_type() {
                KeyType::Rsa => rsa_key()?.clone().with_algorithm(self.algorithm)?.with_key_id(fresh_jti()?),
                KeyType::Ec(_) | KeyType::Ed25519 => PrivateKey::generate(self.algorithm)?.private_key()?,
            };
            let public = private.public_key()?.into();
            Ok(Made { private, public })
        })
    }

    /// The key itself.
    pub(super) fn private(&self) -> Result<&PrivateKey, KeyError> {
        Ok(&self.made()?.private)
    }

    /// The public key that checks the signatures of this key.
    pub(super) fn public(&self) -> Result<&PublicKeySet, KeyError> {
        Ok(&self.made()?.public)
    }
}

/// The RSA key of this process.
fn rsa_key() -> Result<&'static PrivateKey, KeyError> {
    /// Short for an RSA key, but long enough for a key that lives for an afternoon.
    const BITS: usize = 2048;
    static KEY: OnceLock<PrivateKey> = OnceLock::new();
    static MAKING: Mutex<()> = Mutex::new(());
    once(&KEY, &MAKING, || PrivateKey::generate_rsa_bits(Algorithm::RS256, BITS)?.private_key())
}

/// `OnceLock::get_or_try_init`, which is not stable yet.
fn once<'a, T>(
    lock: &'a OnceLock<T>,
    making: &Mutex<()>,
    make: impl FnOnce() -> Result<T, KeyError>,
) -> Result<&'a T, KeyError> {
    if let Some(made) = lock.get() {
        return Ok(made);
    }
    let _making = making.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(made) = lock.get() {
        return Ok(made);
    }
    let made = make()?;
    Ok(lock.get_or_init(|| made))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::JwtBuilder;

    #[test]
    fn one_key_serves_both_kinds_of_token_unless_access_tokens_have_another_algorithm() {
        let keys = SigningKeys::new(None, false);
        assert!(std::ptr::eq(keys.access_token(), keys.id_token()));
        assert!(keys.access_token.made.get().is_none());
        assert_eq!(keys.jwks().unwrap().keys().len(), 1);

        let keys = SigningKeys::new(Some(Algorithm::ES256), false);
        keys.access_token().public().unwrap();
        assert!(keys.id_token().made.get().is_none());
        let algorithms: Vec<_> =
            keys.jwks().unwrap().keys().iter().map(|key| key.algorithm().unwrap().to_owned()).collect();
        assert_eq!(algorithms, ["ES256", "RS256"]);
    }

    #[test]
    fn the_rsa_key_is_the_processs_and_its_name_the_servers() {
        let [first, second] = [(); 2].map(|()| SigningKeys::new(Some(Algorithm::PS256), false));
        let keys: Vec<_> =
            [first.jwks(), second.jwks()].into_iter().flat_map(|jwks| jwks.unwrap().keys).collect();
        assert_eq!(
            keys.iter().map(|key| key.key_id().unwrap()).collect::<std::collections::HashSet<_>>().len(),
            4
        );
        assert!(keys.iter().all(|key| key.parameters() == keys[0].parameters()));
        let token = JwtBuilder::new(None).sign(first.access_token().private().unwrap()).unwrap();
        let jws = crate::jose::CompactJws::parse(token.secret()).unwrap();
        let select = |keys: &SigningKeys| {
            let header = jws.header();
            keys.access_token().public().unwrap().select(header.key_id.as_ref(), header.algorithm).is_ok()
        };
        assert!(select(&first) && !select(&second));
    }

    #[test]
    fn a_key_is_made_once_however_many_ask_for_it() {
        let keys = SigningKeys::new(Some(Algorithm::ES256), false);
        let made = || std::ptr::from_ref(keys.access_token().made().unwrap()) as usize;
        let all: Vec<usize> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(made)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(all.iter().all(|key| *key == made()));
    }
}
