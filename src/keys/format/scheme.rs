//! Object identifiers of encryptions, key derivations and MACs.

use der::asn1::ObjectIdentifier;

use crate::keys::KeyError;

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

pub(super) const PBES2: ObjectIdentifier = oid("1.2.840.113549.1.5.13");
pub(super) const PBKDF2: ObjectIdentifier = oid("1.2.840.113549.1.5.12");
pub(super) const SCRYPT: ObjectIdentifier = oid("1.3.6.1.4.1.11591.4.11");
pub(super) const AES_128_CBC: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.2");
pub(super) const AES_192_CBC: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.22");
pub(super) const AES_256_CBC: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.42");
pub(super) const TRIPLE_DES_CBC: ObjectIdentifier = oid("1.2.840.113549.3.7");
pub(super) const HMAC_SHA_1: ObjectIdentifier = oid("1.2.840.113549.2.7");
pub(super) const HMAC_SHA_224: ObjectIdentifier = oid("1.2.840.113549.2.8");
pub(super) const HMAC_SHA_256: ObjectIdentifier = oid("1.2.840.113549.2.9");
pub(super) const HMAC_SHA_384: ObjectIdentifier = oid("1.2.840.113549.2.10");
pub(super) const HMAC_SHA_512: ObjectIdentifier = oid("1.2.840.113549.2.11");

#[cfg(feature = "pkcs12")]
pub(super) use pkcs12::*;

/// The identifiers of PKCS#12.
#[cfg(feature = "pkcs12")]
mod pkcs12 {
    use super::{ObjectIdentifier, oid};

    pub(in super::super) const SHA_1: ObjectIdentifier = oid("1.3.14.3.2.26");
    pub(in super::super) const SHA_224: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.4");
    pub(in super::super) const SHA_256: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.1");
    pub(in super::super) const SHA_384: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.2");
    pub(in super::super) const SHA_512: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.3");
    pub(in super::super) const PBMAC1: ObjectIdentifier = oid("1.2.840.113549.1.5.14");
    pub(in super::super) const PBE_3DES: ObjectIdentifier = oid("1.2.840.113549.1.12.1.3");
    pub(in super::super) const PBE_TWO_KEY_3DES: ObjectIdentifier = oid("1.2.840.113549.1.12.1.4");
    pub(in super::super) const PBE_128_BIT_RC2: ObjectIdentifier = oid("1.2.840.113549.1.12.1.5");
    pub(in super::super) const PBE_40_BIT_RC2: ObjectIdentifier = oid("1.2.840.113549.1.12.1.6");
}

/// The common name; an unknown identifier is shown as its number.
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

pub(super) fn unsupported(oid: &ObjectIdentifier) -> KeyError {
    KeyError::UnsupportedEncryption { scheme: name(oid) }
}
