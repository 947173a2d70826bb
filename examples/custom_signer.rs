//! A key that never enters the process: a key management service signs over the network and answers
//! in DER.
//!
//! ```text
//! cargo run --example custom_signer --features dev-server
//! ```

use std::error::Error;
use std::sync::Arc;

use p256::ecdsa::{DerSignature, SigningKey, signature::Signer as _};
use p256::elliptic_curve::Generate;
use private_key_jwt::dev_server::DevServer;
use private_key_jwt::keys::{BoxFuture, KeyError};
use private_key_jwt::{
    Algorithm, AuthorizationServer, Jwk, JwkSet, KeyRing, PublicKey, Signature, Signer, TokenClient,
};

/// Stands in for the service. Real ones have these two calls, and an error type of their own.
struct KeyService(SigningKey);

impl KeyService {
    /// The public key as a SubjectPublicKeyInfo in DER; every P-256 key has the same beginning.
    async fn public_key(&self) -> Vec<u8> {
        const BEGINNING: &[u8] = b"0Y0\x13\x06\x07*\x86H\xce=\x02\x01\x06\x08*\x86H\xce=\x03\x01\x07\x03B\0";
        [BEGINNING, self.0.verifying_key().to_sec1_point(false).as_bytes()].concat()
    }

    /// ECDSA over the SHA-256 hash of the message, as an ECDSA-Sig-Value in DER.
    async fn sign(&self, message: &[u8]) -> std::io::Result<Vec<u8>> {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await; // the network
        let signature: DerSignature = self.0.sign(message);
        Ok(signature.as_bytes().to_vec())
    }
}

struct RemoteKey {
    service: KeyService,
    public: Jwk,
}

impl Signer for RemoteKey {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }

    fn public_jwk(&self) -> &Jwk {
        &self.public // fetched once: every assertion needs it
    }

    fn sign<'a>(&'a self, signing_input: &'a [u8]) -> BoxFuture<'a, Result<Signature, KeyError>> {
        Box::pin(async move {
            let der =
                self.service.sign(signing_input).await.map_err(|error| KeyError::Signer(error.into()))?;
            Ok(Signature::from_der(Algorithm::ES256, &der)?) // a JWS has R‖S (RFC 7518 §3.4)
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let service = KeyService(SigningKey::generate());
    let public = PublicKey::from_bytes(&service.public_key().await)?.jwk().clone();
    let public = public.for_signatures(Algorithm::ES256)?;
    let public = public.clone().with_key_id(public.thumbprint().to_string());

    let dev = DevServer::bind(([127, 0, 0, 1], 0).into()).await?;
    dev.register("client", JwkSet::from(public.clone()))?;

    let keys = KeyRing::new(Arc::new(RemoteKey { service, public }))?; // the same key policy as for a key file
    let client = TokenClient::new(AuthorizationServer::discover(dev.issuer()).await?, "client", keys)?;
    println!("{:?}", client.token("api:read").await?);
    Ok(())
}
