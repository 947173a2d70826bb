//! TLS for the listener.

use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair};
use time::{Duration, OffsetDateTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;
use zeroize::Zeroizing;

use super::error::DevServerError;
use crate::jose::printable::printable;
use crate::keys::Cause;

/// Where the certificate comes from.
#[derive(Clone)]
pub(super) enum Tls {
    SelfSigned,
    Given { certificates: Vec<u8>, key: Arc<Zeroizing<Vec<u8>>> },
}

/// A certificate, and what it takes to prove it.
pub(super) struct Identity {
    pub(super) certificate_pem: String,
    acceptor: TlsAcceptor,
}

impl Identity {
    /// Makes the handshake. The error is a line for the log.
    pub(super) async fn accept(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, String> {
        self.acceptor.accept(stream).await.map_err(|error| {
            let hint = "this server speaks https, and clients have to trust its certificate";
            printable(&format!("400 no TLS: {error}; {hint}"), 1024)
        })
    }
}

impl Tls {
    /// Reads the certificate, or makes one for these names.
    pub(super) fn identity(&self, names: Vec<String>) -> Result<Identity, DevServerError> {
        match self {
            Self::SelfSigned => {
                let (certificate, key) = self_signed(names).map_err(failed)?;
                identity(certificate.as_bytes(), key.as_bytes())
            }
            Self::Given { certificates, key } => identity(certificates, key),
        }
    }
}

/// A certificate and its key, both in PEM.
fn self_signed(names: Vec<String>) -> Result<(String, Zeroizing<String>), rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name.push(DnType::CommonName, "private-key-jwt dev server");
    // Clocks differ, and some clients refuse a certificate that is valid for years.
    let now = OffsetDateTime::now_utc();
    parameters.not_before = now.saturating_sub(Duration::hours(1));
    parameters.not_after = now.saturating_add(Duration::days(30));
    let certificate = parameters.self_signed(&key)?;
    Ok((certificate.pem(), Zeroizing::new(key.serialize_pem())))
}

fn identity(certificates: &[u8], key: &[u8]) -> Result<Identity, DevServerError> {
    let chain =
        CertificateDer::pem_slice_iter(certificates).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(failed)?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(failed)?;
    let certificate_pem = String::from_utf8_lossy(certificates).into_owned();
    Ok(Identity { certificate_pem, acceptor: TlsAcceptor::from(Arc::new(config)) })
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> DevServerError {
    DevServerError::Certificate(Cause::from(error))
}
