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
use private_key_jwt::{Algorithm, JwkSet, KeyRing, PublicKey, RemoteSigner, Signature, Signer, TokenClient};

/// Stands in for the service. Real services have these two calls and their own error type.
struct KeyService(SigningKey);

impl KeyService {
    /// The public key as a SubjectPublicKeyInfo in DER; the first bytes are the same for every
    /// P-256 key.
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

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let service = Arc::new(KeyService(SigningKey::generate()));
    let public = PublicKey::from_bytes(&service.public_key().await)?;
    let signer = RemoteSigner::new(public, Algorithm::ES256, move |input| {
        let service = Arc::clone(&service);
        // A JWS has R‖S (RFC 7518 §3.4).
        async move { Ok(Signature::from_der(Algorithm::ES256, &service.sign(&input).await?)?) }
    })?;

    let dev = DevServer::bind(([127, 0, 0, 1], 0).into()).await?;
    dev.register("client", JwkSet::from(signer.public_jwk().clone()))?;

    let keys = KeyRing::new(signer)?; // the same key policy as for a key file
    let client = TokenClient::discover(dev.issuer(), "client", keys)?;
    println!("{:?}", client.token("api:read").await?);
    Ok(())
}
