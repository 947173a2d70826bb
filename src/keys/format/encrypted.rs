//! Encrypted PKCS#8 (RFC 5958 §3): PBES2 (RFC 8018 §6.2) with PBKDF2 or scrypt (RFC 7914 §7.1) and AES-CBC. With the
//! feature `pkcs12` also 3DES there, and the older encryption of PKCS#12, which is found around single keys as well.

use std::borrow::Cow;

use der::Decode;
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::costs::{Budget, Derivation};
use super::der_key;
#[cfg(feature = "pkcs12")]
use super::pbe;
use crate::keys::KeyError;
use crate::keys::material::KeyMaterial;

pub(super) const STRUCTURE_NAME: &str = "EncryptedPrivateKeyInfo (RFC 5958 §3)";
pub(super) const STRUCTURE: KeyError = KeyError::Der { structure: STRUCTURE_NAME };

/// Opens an encrypted key, if that costs no more than what is left after other keys of the file.
pub(super) fn open(
    der: &[u8],
    passphrase: Option<&[u8]>,
    budget: &mut Budget,
) -> Result<KeyMaterial, KeyError> {
    let encrypted = Encrypted::from_der(der)?;
    // Too dear without a passphrase is too dear with one.
    let mut after = *budget;
    after.draw(encrypted.work(passphrase))?;
    let passphrase = passphrase.ok_or(KeyError::PassphraseRequired)?;
    *budget = after;
    encrypted.private_key(Some(passphrase))
}

/// Something encrypted with a passphrase, in a scheme that is read here.
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
        let (scheme, block_len) = match name(&identifier.oid).as_str() {
            "PBES2" => {
                let (derivation, block_len) = check_pbes2(parameters)?;
                let scheme = EncryptionScheme::try_from(identifier).map_err(|_| STRUCTURE)?;
                (Scheme::Pbes2(Box::new(scheme), derivation), block_len)
            }
            #[cfg(feature = "pkcs12")]
            other => (Scheme::Pkcs12(pbe::Scheme::new(other, parameters)?), 8),
            #[cfg(not(feature = "pkcs12"))]
            other => return Err(KeyError::UnsupportedEncryption { scheme: other.to_owned() }),
        };
        // CBC makes whole blocks, or no passphrase can be right.
        if data.is_empty() || data.len() % block_len != 0 {
            return Err(STRUCTURE);
        }
        Ok(Self { scheme, data })
    }

    /// The work of deriving what opens this.
    pub(super) fn work(&self, passphrase: Option<&[u8]>) -> u64 {
        match &self.scheme {
            Scheme::Pbes2(_, derivation) => derivation.work(passphrase.unwrap_or_default().len() as u64),
            #[cfg(feature = "pkcs12")]
            Scheme::Pkcs12(scheme) => scheme.work(passphrase),
        }
    }

    /// The plaintext, or what a wrong passphrase makes of it. `None` is no passphrase at all, which PKCS#12 tells from
    /// an empty one.
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
        // One wrong passphrase in 256 leaves valid padding, but around nonsense.
        <Vec<AnyRef<'_>>>::from_der(&plaintext).map_err(|_| KeyError::WrongPassphrase)?;
        der_key::pkcs8(&plaintext)
    }
}

/// RFC 8018 A.4: how the key is derived, and the length of a block.
fn check_pbes2(parameters: AnyRef<'_>) -> Result<(Derivation, usize), KeyError> {
    let [derivation, cipher] =
        <[AlgorithmIdentifierRef<'_>; 2]>::try_from(sequence(parameters)?).map_err(|_| STRUCTURE)?;
    let (key_len, block_len) = match name(&cipher.oid).as_str() {
        "AES-128-CBC" => (16, 16),
        "AES-192-CBC" => (24, 16),
        "AES-256-CBC" => (32, 16),
        "3DES-CBC" if cfg!(feature = "pkcs12") => (24, 8),
        other => return Err(KeyError::UnsupportedEncryption { scheme: other.to_owned() }),
    };
    let parameters: Vec<AnyRef<'_>> = sequence(derivation.parameters.ok_or(STRUCTURE)?)?;
    let derivation = match name(&derivation.oid).as_str() {
        "PBKDF2" => Derivation::pbkdf2(&parameters, key_len)?,
        "scrypt" => Derivation::scrypt(&parameters, key_len)?,
        other => return Err(KeyError::UnsupportedEncryption { scheme: other.to_owned() }),
    };
    Ok((derivation, block_len))
}

pub(super) fn sequence<'a, T: Decode<'a>>(element: AnyRef<'a>) -> Result<Vec<T>, KeyError>
where
    Vec<T>: der::DecodeValue<'a> + der::FixedTag,
{
    element.decode_as::<Vec<T>>().map_err(|_| STRUCTURE)
}

pub(super) fn octets(element: AnyRef<'_>) -> Result<&[u8], KeyError> {
    element.decode_as::<&OctetStringRef>().map(OctetStringRef::as_bytes).map_err(|_| STRUCTURE)
}

/// What an object identifier of an encryption is called.
pub(super) fn name(oid: &ObjectIdentifier) -> String {
    let text = oid.to_string();
    match text.as_str() {
        "1.2.840.113549.1.5.13" => "PBES2",
        "1.2.840.113549.1.5.12" => "PBKDF2",
        "1.3.6.1.4.1.11591.4.11" => "scrypt",
        "2.16.840.1.101.3.4.1.2" => "AES-128-CBC",
        "2.16.840.1.101.3.4.1.22" => "AES-192-CBC",
        "2.16.840.1.101.3.4.1.42" => "AES-256-CBC",
        "2.16.840.1.101.3.4.1.6" => "AES-128-GCM",
        "2.16.840.1.101.3.4.1.46" => "AES-256-GCM",
        "1.3.14.3.2.7" => "DES-CBC",
        "1.2.840.113549.3.7" => "3DES-CBC",
        "1.2.840.113549.3.2" => "RC2-CBC",
        "1.2.392.200011.61.1.1.1.2" => "Camellia-128-CBC",
        "1.2.392.200011.61.1.1.1.3" => "Camellia-192-CBC",
        "1.2.392.200011.61.1.1.1.4" => "Camellia-256-CBC",
        "1.2.410.200046.1.1.2" => "ARIA-128-CBC",
        "1.2.410.200046.1.1.7" => "ARIA-192-CBC",
        "1.2.410.200046.1.1.12" => "ARIA-256-CBC",
        "1.3.6.1.4.1.3029.1.2" => "Blowfish-CBC",
        "1.2.840.113549.2.7" => "HMAC-SHA-1",
        "1.2.840.113549.2.8" => "HMAC-SHA-224",
        "1.2.840.113549.2.9" => "HMAC-SHA-256",
        "1.2.840.113549.2.10" => "HMAC-SHA-384",
        "1.2.840.113549.2.11" => "HMAC-SHA-512",
        "1.3.14.3.2.26" => "SHA-1",
        "2.16.840.1.101.3.4.2.4" => "SHA-224",
        "2.16.840.1.101.3.4.2.1" => "SHA-256",
        "2.16.840.1.101.3.4.2.2" => "SHA-384",
        "2.16.840.1.101.3.4.2.3" => "SHA-512",
        "2.16.840.1.101.3.4.2.5" => "SHA-512/224",
        "2.16.840.1.101.3.4.2.6" => "SHA-512/256",
        "1.2.840.113549.2.5" => "MD5",
        "1.2.840.113549.1.5.14" => "PBMAC1",
        "1.2.840.113549.1.5.1" => "PBES1 with MD2 and DES",
        "1.2.840.113549.1.5.3" => "PBES1 with MD5 and DES",
        "1.2.840.113549.1.5.6" => "PBES1 with MD5 and RC2",
        "1.2.840.113549.1.5.10" => "PBES1 with SHA-1 and DES",
        "1.2.840.113549.1.5.11" => "PBES1 with SHA-1 and RC2",
        "1.2.840.113549.1.12.1.1" => "PKCS#12 PBE with 128-bit RC4",
        "1.2.840.113549.1.12.1.2" => "PKCS#12 PBE with 40-bit RC4",
        "1.2.840.113549.1.12.1.3" => "PKCS#12 PBE with 3DES",
        "1.2.840.113549.1.12.1.4" => "PKCS#12 PBE with two-key 3DES",
        "1.2.840.113549.1.12.1.5" => "PKCS#12 PBE with 128-bit RC2",
        "1.2.840.113549.1.12.1.6" => "PKCS#12 PBE with 40-bit RC2",
        _ => return text,
    }
    .to_owned()
}
