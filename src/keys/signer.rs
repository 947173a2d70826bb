use std::future::Future;
use std::pin::Pin;

use super::{KeyError, PrivateKey};
use crate::jose::{Algorithm, Jwk, Signature};

/// A boxed future, as object-safe async traits return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that signs for one key: a [`PrivateKey`], or a key that never enters the process (KMS, HSM).
///
/// A signer outside the process wraps its errors in [`KeyError::Signer`], and turns a DER signature into the
/// JWS form with [`Signature::from_der`].
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
pub trait Signer: Send + Sync {
    /// The algorithm of every signature that [`Signer::sign`] makes.
    fn algorithm(&self) -> Algorithm;

    /// The public key. Its `kid` goes into the header, its `x5c` feeds the certificate headers.
    fn public_jwk(&self) -> &Jwk;

    /// Signs the bytes of a JWS signing input (RFC 7515 §5.1). They are not hashed yet.
    ///
    /// # Errors
    ///
    /// [`KeyError::Signing`] from a key in this process, [`KeyError::Signer`] from one outside.
    fn sign<'a>(&'a self, signing_input: &'a [u8]) -> BoxFuture<'a, Result<Signature, KeyError>>;

    /// The key itself, when it is in this process: a caller on an async executor can then compute a long signature on
    /// a thread of its own, instead of in [`Signer::sign`]. Only a signer that adds nothing to [`PrivateKey::sign`]
    /// should say so; by default there is none.
    fn private_key(&self) -> Option<&PrivateKey> {
        None
    }
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

    fn private_key(&self) -> Option<&PrivateKey> {
        Some(self)
    }
}
