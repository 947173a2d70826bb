//! The elements of encrypted content.

use der::Decode;
use der::asn1::{AnyRef, OctetStringRef};

use crate::keys::KeyError;

pub(super) const STRUCTURE_NAME: &str = "EncryptedPrivateKeyInfo (RFC 5958 §3)";
pub(super) const STRUCTURE: KeyError = KeyError::Der { structure: STRUCTURE_NAME };

pub(super) fn sequence<'a, T: Decode<'a>>(element: AnyRef<'a>) -> Result<Vec<T>, KeyError>
where
    Vec<T>: der::DecodeValue<'a> + der::FixedTag,
{
    element.decode_as::<Vec<T>>().map_err(|_| STRUCTURE)
}

pub(super) fn octets(element: AnyRef<'_>) -> Result<&[u8], KeyError> {
    element.decode_as::<&OctetStringRef>().map(OctetStringRef::as_bytes).map_err(|_| STRUCTURE)
}
