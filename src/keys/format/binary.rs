//! The content of one DER document.

use der::asn1::ObjectIdentifier;

use super::found::{Entry, Found, Loaded};
use super::structure::Structure;
use super::{der_key, encrypted, foreign, spki};
use crate::jose::KeyParameters;
use crate::keys::material::RsaScheme;
use crate::keys::{Certificate, KeyError, numbers};

/// The keys of a document. `curve` comes from outside it, from a block of its own.
pub(super) fn collect(
    der: &[u8],
    structure: Structure,
    curve: Option<ObjectIdentifier>,
    passphrase: Option<&[u8]>,
    found: &mut Found,
) -> Result<(), KeyError> {
    let material = match structure {
        Structure::Pkcs8 => der_key::pkcs8(der),
        Structure::RsaPrivateKey => der_key::rsa(der),
        Structure::EcPrivateKey => der_key::ec(der, curve),
        Structure::EncryptedPrivateKey => encrypted::open(der, passphrase, &mut found.budget),
        Structure::DsaPrivateKey => Err(KeyError::UnsupportedKey { found: "DSA".to_owned() }),
        Structure::Pkcs12 => return pkcs12(der, passphrase, found),
        Structure::Pkcs7 => {
            found.because(foreign::pkcs7());
            return Ok(());
        }
        other @ (Structure::Certificate
        | Structure::CertificateRequest
        | Structure::PublicKey
        | Structure::RsaPublicKey) => Err(KeyError::NotPrivate { found: other.name().to_owned() }),
    };
    found.push(Entry::new(material.map(Loaded::from)))
}

/// The public key of one DER document.
pub(super) fn public(der: &[u8]) -> Result<(KeyParameters, RsaScheme), KeyError> {
    match Structure::of(der)? {
        Structure::PublicKey => spki::from_der(der),
        Structure::RsaPublicKey => Ok((numbers::rsa_public(der)?, RsaScheme::Any)),
        Structure::Certificate => Certificate::from_der(der)?.key(),
        other => Err(KeyError::NotPublic { found: other.name().to_owned() }),
    }
}

/// RFC 7292, or why it cannot be read.
#[cfg_attr(not(feature = "pkcs12"), expect(unused_variables, reason = "nothing is opened"))]
fn pkcs12(der: &[u8], passphrase: Option<&[u8]>, found: &mut Found) -> Result<(), KeyError> {
    #[cfg(feature = "pkcs12")]
    return super::pkcs12::collect(der, passphrase, found);
    #[cfg(not(feature = "pkcs12"))]
    Err(foreign::pkcs12())
}
