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
    if signer.private_key().is_none_or(|key| key.key_type() != KeyType::Rsa) {
        let signature = signer.sign(unsigned.signing_input()).await?;
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
    use time::OffsetDateTime;

    use super::*;
    use crate::jose::{Algorithm, Jwk, Signature};
    use crate::keys::{BoxFuture, PrivateKey};
    use crate::oauth::AuthorizationServer;

    /// A key in this process that says where it is asked to sign.
    struct Watched {
        key: PrivateKey,
        signs_here: bool,
    }

    impl Signer for Watched {
        fn algorithm(&self) -> Algorithm {
            self.key.algorithm()
        }

        fn public_jwk(&self) -> &Jwk {
            self.key.public_jwk()
        }

        fn sign<'a>(&'a self, signing_input: &'a [u8]) -> BoxFuture<'a, Result<Signature, KeyError>> {
            let here =
                if self.signs_here { self.key.sign(signing_input) } else { Err(KeyError::NoActiveKey) };
            Box::pin(std::future::ready(here))
        }

        fn private_key(&self) -> Option<&PrivateKey> {
            Some(&self.key).filter(|_| !self.signs_here || self.key.key_type() != KeyType::Rsa)
        }
    }

    async fn signed(file: &str, signs_here: bool) -> Result<ClientAssertion, Error> {
        let key = PrivateKey::from_file(format!("testdata/keys/{file}.pkcs8.pem")).unwrap();
        let server = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
        let builder = ClientAssertion::builder("client", &server);
        let unsigned = builder.prepare(&key, OffsetDateTime::UNIX_EPOCH, "j1").unwrap();
        sign(Arc::new(Watched { key, signs_here }), unsigned).await
    }

    #[tokio::test]
    async fn only_an_rsa_key_of_this_process_signs_elsewhere() {
        assert!(signed("rsa2048", false).await.is_ok());
        // One outside it signs through its own signer.
        assert!(signed("rsa2048", true).await.is_ok());
        for file in ["p256", "p384", "p521", "ed25519"] {
            assert!(signed(file, true).await.is_ok(), "{file}");
            assert!(matches!(signed(file, false).await, Err(Error::Key(KeyError::NoActiveKey))), "{file}");
        }
    }
}
