//! Where a signature is computed. One with an elliptic curve takes microseconds and is made on the spot; one with RSA
//! takes up to tens of milliseconds, too long for a thread of the async executor.

use std::sync::Arc;

use super::Error;
use crate::jose::KeyType;
use crate::keys::{KeyError, Signer};
use crate::oauth::{ClientAssertion, UnsignedAssertion};
use crate::transport::compute;

/// Signs an assertion with the key that it was prepared for.
pub(super) async fn sign(
    signer: Arc<dyn Signer>,
    unsigned: UnsignedAssertion,
) -> Result<ClientAssertion, Error> {
    let signature = match signer.private_key() {
        Some(key) if key.key_type() == KeyType::Rsa => None,
        Some(key) => Some(key.sign(unsigned.signing_input())?),
        None => Some(signer.sign(unsigned.signing_input()).await?),
    };
    if let Some(signature) = signature {
        return Ok(unsigned.complete(&signature)?);
    }
    let work = move || {
        let key = signer.private_key().ok_or(KeyError::Signing)?;
        let signature = key.sign(unsigned.signing_input())?;
        Ok(unsigned.complete(&signature)?)
    };
    compute(work).await.unwrap_or_else(|| Err(KeyError::Signing.into()))
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use time::OffsetDateTime;

    use super::*;
    use crate::jose::{Algorithm, Jwk, Signature};
    use crate::keys::{BoxFuture, PrivateKey};
    use crate::oauth::AuthorizationServer;

    /// A key that counts as one outside of this process.
    struct Remote(PrivateKey);

    impl Signer for Remote {
        fn algorithm(&self) -> Algorithm {
            self.0.algorithm()
        }

        fn public_jwk(&self) -> &Jwk {
            self.0.public_jwk()
        }

        fn sign<'a>(&'a self, signing_input: &'a [u8]) -> BoxFuture<'a, Result<Signature, KeyError>> {
            Box::pin(std::future::ready(self.0.sign(signing_input)))
        }
    }

    fn key(stem: &str) -> PrivateKey {
        PrivateKey::from_file(format!("testdata/keys/{stem}.pkcs8.pem")).unwrap()
    }

    async fn signed(signer: Arc<dyn Signer>) -> Result<ClientAssertion, Error> {
        let server = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
        let builder = ClientAssertion::builder("client", &server);
        let unsigned = builder.prepare(signer.as_ref(), OffsetDateTime::UNIX_EPOCH, "j1").unwrap();
        sign(signer, unsigned).await
    }

    fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn only_an_rsa_key_of_this_process_signs_elsewhere() {
        let all_places = crate::transport::all_places().await;
        let mut rsa = pin!(signed(Arc::new(key("rsa2048"))));
        assert!(poll(rsa.as_mut()).is_pending());
        drop(all_places);
        assert_eq!(rsa.await.unwrap().secret().split('.').count(), 3);
        for stem in ["p256", "p384", "p521", "ed25519"] {
            assert!(matches!(poll(pin!(signed(Arc::new(key(stem))))), Poll::Ready(Ok(_))), "{stem}");
        }
        assert!(matches!(poll(pin!(signed(Arc::new(Remote(key("rsa2048")))))), Poll::Ready(Ok(_))));
    }
}
