use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::{KeyError, PrivateKey};
use crate::jose::{Algorithm, Jwk, Signature};

/// A boxed future, as object-safe async traits return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that signs for one key: a [`PrivateKey`], or a key that never enters the process (KMS,
/// HSM).
///
/// For a key service, [`RemoteSigner`](super::RemoteSigner) implements this trait with a closure. A
/// signer outside the process wraps its errors in [`KeyError::Signer`] and converts a DER signature
/// into the JWS form with [`Signature::from_der`].
///
/// ```
/// use private_key_jwt::{Algorithm, Jwk, PrivateKey, Signature, Signer};
/// use private_key_jwt::keys::{BoxFuture, KeyError};
///
/// struct Remote { key: PrivateKey } // stands for a client of a key service
///
/// impl Signer for Remote {
///     fn algorithm(&self) -> Algorithm { Algorithm::ES256 }
///     fn public_jwk(&self) -> &Jwk { self.key.public_jwk() }
///     fn sign<'a>(&'a self, signing_input: &'a [u8]) -> BoxFuture<'a, Result<Signature, KeyError>> {
///         Box::pin(async move { self.key.sign(signing_input) })
///     }
/// }
/// ```
pub trait Signer: Any + Send + Sync {
    /// The algorithm of all signatures that [`Signer::sign`] makes.
    fn algorithm(&self) -> Algorithm;

    /// The public key. Its `kid` goes into the header, its `x5c` into the certificate headers.
    fn public_jwk(&self) -> &Jwk;

    /// Signs the bytes of a JWS signing input (RFC 7515 §5.1), which are not hashed yet.
    ///
    /// # Errors
    ///
    /// [`KeyError::Signing`] from a key in this process, [`KeyError::Signer`] from one outside.
    fn sign<'a>(&'a self, signing_input: &'a [u8]) -> BoxFuture<'a, Result<Signature, KeyError>>;
}

impl Signer for PrivateKey {
    fn algorithm(&self) -> Algorithm {
        self.algorithm()
    }

    fn public_jwk(&self) -> &Jwk {
        self.public_jwk()
    }

    fn sign<'a>(&'a self, signing_input: &'a [u8]) -> BoxFuture<'a, Result<Signature, KeyError>> {
        Box::pin(std::future::ready(self.sign(signing_input)))
    }
}

impl<S: Signer + ?Sized> Signer for Arc<S> {
    fn algorithm(&self) -> Algorithm {
        (**self).algorithm()
    }

    fn public_jwk(&self) -> &Jwk {
        (**self).public_jwk()
    }

    fn sign<'a>(&'a self, signing_input: &'a [u8]) -> BoxFuture<'a, Result<Signature, KeyError>> {
        (**self).sign(signing_input)
    }
}

/// The key itself, if the signer is a [`PrivateKey`] and nothing else: a caller on an async
/// executor can then compute a long signature on a thread of its own. A signer that wraps a key is
/// called like any other, so that its additions are never bypassed.
#[cfg(any(test, feature = "client"))]
pub(crate) fn private_key<'a>(signer: &'a (dyn Signer + 'static)) -> Option<&'a PrivateKey> {
    let any: &dyn Any = signer;
    if let Some(shared) = any.downcast_ref::<Arc<dyn Signer>>() {
        return private_key(shared.as_ref());
    }
    any.downcast_ref::<Arc<PrivateKey>>().map(Arc::as_ref).or_else(|| any.downcast_ref())
}

#[cfg(all(test, feature = "client"))]
mod tests {
    use super::*;

    /// As an audit log would wrap a key.
    struct Around(PrivateKey);

    impl Signer for Around {
        fn algorithm(&self) -> Algorithm {
            self.0.algorithm()
        }

        fn public_jwk(&self) -> &Jwk {
            self.0.public_jwk()
        }

        fn sign<'a>(&'a self, _: &'a [u8]) -> BoxFuture<'a, Result<Signature, KeyError>> {
            Box::pin(std::future::ready(Err(KeyError::Signing)))
        }
    }

    #[test]
    fn only_a_key_that_is_the_signer_is_found_in_it() {
        let key = PrivateKey::generate(Algorithm::EdDSA).unwrap().private_key().unwrap();
        let shared: Arc<dyn Signer> = Arc::new(key.clone());
        let found = |signer: &(dyn Signer + 'static)| private_key(signer).map(|key| key.key_id().clone());
        let expected = Some(key.key_id().clone());
        assert_eq!(found(&key), expected);
        assert_eq!(found(&Arc::new(key.clone())), expected);
        assert_eq!(found(&shared), expected);
        assert_eq!(found(&Arc::new(Around(key.clone()))), None);
        assert_eq!(found(&Around(key)), None);
    }
}
