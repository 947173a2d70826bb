use std::fmt;
use std::sync::Arc;

use super::{BoxFuture, KeyError, PublicKey, Signer, SignerError};
use crate::jose::{Algorithm, Jwk, Signature};

/// A key that never enters the process: a closure asks a key service for each signature.
///
/// The closure receives the bytes to sign, not hashed yet (RFC 7515 §5.1). If the service answers
/// in DER, as most do for ECDSA, make the signature with [`Signature::from_der`], otherwise with
/// [`Signature::from_raw`]. Errors convert with `?`; see [`SignerError`].
///
/// Clones share the closure.
///
/// ```
/// use private_key_jwt::{Algorithm, KeyRing, PublicKey, RemoteSigner, Signature};
/// # use private_key_jwt::keys::KeyError;
/// # #[derive(Clone)]
/// # struct KeyService(private_key_jwt::PrivateKey);
/// # impl KeyService {
/// #     async fn sign(&self, name: &str, message: &[u8]) -> Result<Vec<u8>, std::io::Error> {
/// #         assert_eq!(name, "oauth");
/// #         Ok(self.0.sign(message).map_err(std::io::Error::other)?.as_bytes().to_vec())
/// #     }
/// # }
/// # fn main() -> Result<(), KeyError> {
/// # let key = private_key_jwt::PrivateKey::generate(Algorithm::EdDSA)?.private_key()?;
/// # let public: PublicKey = key.public_key()?;
/// # let service = KeyService(key);
///
/// let signer = RemoteSigner::new(public, Algorithm::EdDSA, move |input| {
///     let service = service.clone();
///     async move { Ok(Signature::from_raw(Algorithm::EdDSA, service.sign("oauth", &input).await?)?) }
/// })?;
/// let keys = KeyRing::new(signer)?;
/// # let _ = keys;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RemoteSigner {
    algorithm: Algorithm,
    public: Jwk,
    sign: Arc<dyn Fn(Vec<u8>) -> SignerFuture + Send + Sync>,
}

type SignerFuture = BoxFuture<'static, Result<Signature, SignerError>>;

impl RemoteSigner {
    /// Signs for this key by calling the closure, which returns one signature with this algorithm.
    ///
    /// The `kid` is that of the public key, or its RFC 7638 thumbprint if it has none.
    ///
    /// # Errors
    ///
    /// [`KeyError::Jose`] with [`AlgorithmMismatch`](crate::jose::JoseError::AlgorithmMismatch) if
    /// the algorithm needs another type of key, [`KeyError::PssOnly`] if the key is restricted,
    /// [`KeyError::OtherAlgorithm`] if the JWK's `alg` is another.
    pub fn new<S, F>(public_key: PublicKey, algorithm: Algorithm, sign: S) -> Result<Self, KeyError>
    where
        S: Fn(Vec<u8>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Signature, SignerError>> + Send + 'static,
    {
        public_key.check_algorithm(algorithm)?;
        let jwk = public_key.jwk().clone().for_signatures(algorithm)?;
        let key_id = jwk.key_id().cloned().unwrap_or_else(|| jwk.thumbprint().to_string().into());
        let sign = Arc::new(move |input| -> SignerFuture { Box::pin(sign(input)) });
        Ok(Self { algorithm, public: jwk.with_key_id(key_id), sign })
    }
}

impl Signer for RemoteSigner {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn public_jwk(&self) -> &Jwk {
        &self.public
    }

    fn sign<'a>(&'a self, signing_input: &'a [u8]) -> BoxFuture<'a, Result<Signature, KeyError>> {
        let signature = (self.sign)(signing_input.to_vec());
        Box::pin(async move { signature.await.map_err(KeyError::Signer) })
    }
}

impl fmt::Debug for RemoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteSigner")
            .field("key_id", &self.public.key_id())
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::jose::JoseError;
    use crate::keys::PrivateKey;

    fn now<T>(mut future: BoxFuture<'_, T>) -> T {
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("a future that waits"),
        }
    }

    fn key(algorithm: Algorithm) -> PrivateKey {
        PrivateKey::generate(algorithm).unwrap().private_key().unwrap()
    }

    #[test]
    fn the_closure_signs_what_it_is_given() {
        let key = key(Algorithm::ES256);
        let public = key.public_key().unwrap();
        let signer = RemoteSigner::new(public.clone(), Algorithm::ES256, move |input| {
            let key = key.clone();
            async move { Ok(key.sign(&input)?) }
        })
        .unwrap();
        assert_eq!(signer.algorithm(), Algorithm::ES256);
        assert_eq!(signer.public_jwk(), public.jwk());
        let signature = now(signer.clone().sign(b"input")).unwrap();
        public.verify(b"input", &signature).unwrap();
    }

    #[test]
    fn a_key_without_a_name_goes_by_its_thumbprint() {
        let file = include_bytes!("../../testdata/keys/rsa2048.pub.pem");
        let public = PublicKey::from_bytes(file).unwrap();
        assert_eq!(public.jwk().key_id(), None);
        let thumbprint = public.jwk().thumbprint().to_string();
        let signer = RemoteSigner::new(public, Algorithm::PS256, |_| async { Err("away".into()) }).unwrap();
        assert_eq!(signer.public_jwk().key_id().map(|name| name.as_str()), Some(thumbprint.as_str()));
        assert_eq!(signer.public_jwk().algorithm(), Some("PS256"));
        let shown = format!("{signer:?}");
        assert_eq!(shown, format!("RemoteSigner {{ key_id: Some(\"{thumbprint}\"), algorithm: PS256, .. }}"));
    }

    #[test]
    fn an_algorithm_of_another_key_is_refused() {
        let public = key(Algorithm::EdDSA).public_key().unwrap();
        let error =
            RemoteSigner::new(public, Algorithm::ES256, |_| async { Err("away".into()) }).unwrap_err();
        assert!(matches!(
            error,
            KeyError::Jose(JoseError::AlgorithmMismatch { algorithm: Algorithm::ES256, .. })
        ));
    }

    #[test]
    fn the_error_says_whether_it_may_pass() {
        let public = key(Algorithm::EdDSA).public_key().unwrap();
        let failing = |error: fn() -> SignerError| {
            let sign = move |_| async move { Err(error()) };
            let signer = RemoteSigner::new(public.clone(), Algorithm::EdDSA, sign).unwrap();
            now(signer.sign(b"input")).unwrap_err()
        };
        for (error, may_pass) in [
            (failing(|| std::fmt::Error.into()), true),
            (failing(|| SignerError::permanent(std::fmt::Error)), false),
        ] {
            assert!(error.source().is_some_and(|source| source.is::<std::fmt::Error>()));
            assert!(matches!(&error, KeyError::Signer(error) if error.may_pass() == may_pass), "{error:?}");
        }
    }
}
