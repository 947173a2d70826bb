//! Where a signature is computed. An elliptic-curve signature takes microseconds and is computed in
//! place. An RSA signature takes up to tens of milliseconds, too long for a thread of the async
//! executor.

use std::sync::Arc;

use super::error::Error;
use crate::jose::KeyType;
use crate::keys::{KeyError, Signer, key_in_process};
use crate::oauth::{ClientAssertion, OAuthError, UnsignedAssertion};
use crate::transport::Place;

/// Returns an assertion by the chosen key, and that key. It is prepared only when its signature can
/// be computed: during the wait, the time and the keys of the ring may have changed.
pub(super) async fn assertion(
    choose: impl Fn() -> Result<Arc<dyn Signer>, KeyError>,
    prepare: impl Fn(&dyn Signer) -> Result<UnsignedAssertion, OAuthError>,
) -> Result<(ClientAssertion, Arc<dyn Signer>), Error> {
    let mut signer = choose()?;
    let mut place = None;
    if key_in_process(signer.as_ref()).is_some_and(|key| key.key_type() == KeyType::Rsa) {
        place = Some(Place::free().await);
        signer = choose()?;
    }
    let unsigned = prepare(signer.as_ref())?;
    // The key that is active now may be outside of this process.
    let Some(place) = place.filter(|_| key_in_process(signer.as_ref()).is_some()) else {
        let signature = match key_in_process(signer.as_ref()) {
            Some(key) => key.sign(unsigned.signing_input())?,
            None => signer.sign(unsigned.signing_input()).await?,
        };
        return Ok((unsigned.complete(&signature)?, signer));
    };
    let work = move || {
        let key = key_in_process(signer.as_ref()).ok_or(KeyError::Signing)?;
        let signature = key.sign(unsigned.signing_input())?;
        Ok((unsigned.complete(&signature)?, signer))
    };
    place.compute(work).await.unwrap_or_else(|| Err(KeyError::Signing.into()))
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use time::OffsetDateTime;

    use super::*;
    use crate::client::ErrorKind;
    use crate::jose::{Algorithm, Jwk, Signature};
    use crate::keys::{BoxFuture, KeyRing, PrivateKey};
    use crate::oauth::AuthorizationServer;

    /// A key that counts as outside of this process.
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

    fn ring(signer: impl Signer + 'static) -> KeyRing {
        KeyRing::new(Arc::new(signer)).unwrap()
    }

    async fn signed(keys: KeyRing) -> Result<ClientAssertion, Error> {
        let server = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
        let builder = ClientAssertion::builder("client", &server);
        let prepare = |signer: &dyn Signer| builder.prepare(signer, OffsetDateTime::UNIX_EPOCH, "j1");
        Ok(assertion(|| keys.active(), prepare).await?.0)
    }

    fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn only_an_rsa_key_of_this_process_signs_elsewhere() {
        let all_places = crate::transport::all_places().await;
        let mut rsa = pin!(signed(ring(key("rsa2048"))));
        assert!(poll(rsa.as_mut()).is_pending());
        drop(all_places);
        assert_eq!(rsa.await.unwrap().secret().split('.').count(), 3);
        for stem in ["p256", "p384", "p521", "ed25519"] {
            assert!(matches!(poll(pin!(signed(ring(key(stem))))), Poll::Ready(Ok(_))), "{stem}");
        }
        assert!(matches!(poll(pin!(signed(ring(Remote(key("rsa2048")))))), Poll::Ready(Ok(_))));
    }
    #[tokio::test]
    async fn what_was_revoked_while_it_waited_signs_nothing() {
        let all_places = crate::transport::all_places().await;
        let keys = ring(key("rsa2048"));
        let mut waiting = pin!(signed(keys.clone()));
        assert!(poll(waiting.as_mut()).is_pending());
        keys.revoke(key("rsa2048").key_id());
        drop(all_places);
        let error = waiting.await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Key(KeyError::NoActiveKey)));
    }
}
