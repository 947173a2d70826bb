//! Encrypted PKCS#8 (RFC 5958 §3): PBES2 (RFC 8018 §6.2) with PBKDF2 or scrypt (RFC 7914 §7.1) and
//! AES-CBC. The feature `pkcs12` adds 3DES, and the older encryption of PKCS#12, which also occurs
//! around single keys.

use std::borrow::Cow;

use der::Decode;
use der::asn1::AnyRef;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::costs::{Budget, Derivation};
use super::elements::{STRUCTURE, octets, sequence};
#[cfg(feature = "pkcs12")]
use super::pbe;
use super::{der_key, scheme};
use crate::keys::KeyError;
use crate::keys::material::KeyMaterial;

/// Opens an encrypted key if its cost fits the rest of the budget of the file.
pub(super) fn open(
    der: &[u8],
    passphrase: Option<&[u8]>,
    budget: &mut Budget,
) -> Result<KeyMaterial, KeyError> {
    let encrypted = Encrypted::from_der(der)?;
    // If the work is too much without a passphrase, it is too much with one.
    let mut after = *budget;
    after.draw(encrypted.work(passphrase))?;
    let passphrase = passphrase.ok_or(KeyError::PassphraseRequired)?;
    *budget = after;
    encrypted.private_key(Some(passphrase))
}

/// Content encrypted with a passphrase, in a supported scheme.
pub(super) struct Encrypted<'a> {
    scheme: Scheme,
    data: Cow<'a, [u8]>,
}

enum Scheme {
    Pbes2(Box<EncryptionScheme>, Derivation),
    #[cfg(feature = "pkcs12")]
    Pkcs12(pbe::Scheme),
}

impl<'a> Encrypted<'a> {
    /// RFC 5958 §3.
    pub(super) fn from_der(der: &'a [u8]) -> Result<Self, KeyError> {
        let elements = <Vec<AnyRef<'_>>>::from_der(der).map_err(|_| STRUCTURE)?;
        let [scheme, data] = elements.as_slice() else {
            return Err(STRUCTURE);
        };
        let data = octets(*data)?;
        Self::new(scheme.decode_as().map_err(|_| STRUCTURE)?, data)
    }

    pub(super) fn new(
        identifier: AlgorithmIdentifierRef<'_>,
        data: impl Into<Cow<'a, [u8]>>,
    ) -> Result<Self, KeyError> {
        let data = data.into();
        let parameters = identifier.parameters.ok_or(STRUCTURE)?;
        let (scheme, block_len) = match identifier.oid {
            scheme::PBES2 => {
                let (derivation, block_len) = check_pbes2(parameters)?;
                let scheme = EncryptionScheme::try_from(identifier).map_err(|_| STRUCTURE)?;
                (Scheme::Pbes2(Box::new(scheme), derivation), block_len)
            }
            #[cfg(feature = "pkcs12")]
            other => (Scheme::Pkcs12(pbe::Scheme::new(&other, parameters)?), 8),
            #[cfg(not(feature = "pkcs12"))]
            other => return Err(scheme::unsupported(&other)),
        };
        // CBC produces whole blocks; otherwise no passphrase can be right.
        if data.is_empty() || data.len() % block_len != 0 {
            return Err(STRUCTURE);
        }
        Ok(Self { scheme, data })
    }

    /// The work of deriving the key that opens this.
    pub(super) fn work(&self, passphrase: Option<&[u8]>) -> u64 {
        match &self.scheme {
            Scheme::Pbes2(_, derivation) => derivation.work(passphrase.unwrap_or_default().len() as u64),
            #[cfg(feature = "pkcs12")]
            Scheme::Pkcs12(scheme) => scheme.work(passphrase),
        }
    }

    /// The plaintext, or the result of a wrong passphrase. `None` means no passphrase at all, which
    /// PKCS#12 distinguishes from an empty one.
    pub(super) fn decrypt(&self, passphrase: Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let mut buffer = Zeroizing::new(self.data.to_vec());
        let len = match &self.scheme {
            Scheme::Pbes2(scheme, _) => scheme
                .decrypt_in_place(passphrase.unwrap_or_default(), &mut buffer)
                .map_err(|_| KeyError::WrongPassphrase)?
                .len(),
            #[cfg(feature = "pkcs12")]
            Scheme::Pkcs12(scheme) => scheme.decrypt(passphrase, &mut buffer)?,
        };
        buffer.truncate(len);
        Ok(buffer)
    }

    /// The plaintext as a private key.
    pub(super) fn private_key(&self, passphrase: Option<&[u8]>) -> Result<KeyMaterial, KeyError> {
        let plaintext = self.decrypt(passphrase)?;
        // One wrong passphrase in 256 yields valid padding, but around nonsense.
        <Vec<AnyRef<'_>>>::from_der(&plaintext).map_err(|_| KeyError::WrongPassphrase)?;
        der_key::pkcs8(&plaintext)
    }
}

/// RFC 8018 A.4: the key derivation, and the block length.
fn check_pbes2(parameters: AnyRef<'_>) -> Result<(Derivation, usize), KeyError> {
    let [derivation, cipher] =
        <[AlgorithmIdentifierRef<'_>; 2]>::try_from(sequence(parameters)?).map_err(|_| STRUCTURE)?;
    let (key_len, block_len) = match cipher.oid {
        scheme::AES_128_CBC => (16, 16),
        scheme::AES_192_CBC => (24, 16),
        scheme::AES_256_CBC => (32, 16),
        scheme::TRIPLE_DES_CBC if cfg!(feature = "pkcs12") => (24, 8),
        other => return Err(scheme::unsupported(&other)),
    };
    let parameters: Vec<AnyRef<'_>> = sequence(derivation.parameters.ok_or(STRUCTURE)?)?;
    let derivation = match derivation.oid {
        scheme::PBKDF2 => Derivation::pbkdf2(&parameters, key_len)?,
        scheme::SCRYPT => Derivation::scrypt(&parameters, key_len)?,
        other => return Err(scheme::unsupported(&other)),
    };
    Ok((derivation, block_len))
}
