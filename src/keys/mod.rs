//! Load a key from a file, a variable or bytes ([`PrivateKey`], [`KeyLoader`]), generate one, keep
//! it in a KMS ([`Signer`], [`RemoteSigner`]), and rotate keys ([`KeyRing`]).
//!
//! The path of a key: `format` detects the format of a file and parses it into `KeyMaterial`;
//! `policy` decides whether the key may be used at all; `backend` turns it into something that
//! signs; `health` finds RSA keys that can be factored. Only `backend` uses a library that signs,
//! RustCrypto or AWS-LC, and none of its types leaves this module.
//!
//! This module reads a key file or an environment variable on request, and gets random bytes from
//! the operating system. It has no clock: the caller passes the time to [`KeyRing`].

mod backend;
mod cause;
mod certificate;
mod error;
mod format;
mod generate;
mod health;
mod key_check;
mod key_entry;
mod key_format;
mod key_loader;
mod key_source;
mod material;
mod numbers;
mod policy;
mod private_key;
mod public_key;
mod public_key_set;
mod remote_signer;
mod ring;
mod rsa_weakness;
mod signer;
mod signer_error;

pub(crate) use cause::{AsError, caused, write_caused};
pub use cause::{Cause, Causes};
pub use certificate::{Certificate, CertificateFields};
pub use error::KeyError;
#[cfg(feature = "dev-server")]
pub(crate) use format::json as unwrapped_json;
pub use generate::GeneratedKey;
pub use key_check::KeyCheck;
pub use key_entry::KeyEntry;
pub use key_format::{Encoding, KeyFormat, KeyStructure};
pub use key_loader::KeyLoader;
pub use private_key::PrivateKey;
pub use public_key::PublicKey;
pub use public_key_set::PublicKeySet;
pub use remote_signer::RemoteSigner;
#[cfg(feature = "rotation")]
pub(crate) use ring::WeakKeyRing;
pub use ring::{KeyRing, KeyState, RingKey};
#[cfg(feature = "client")]
pub(crate) use ring::{SigningKeys, after, name as key_name};
pub use rsa_weakness::RsaWeakness;
#[cfg(feature = "client")]
pub(crate) use signer::private_key as key_in_process;
pub use signer::{BoxFuture, Signer};
pub use signer_error::SignerError;
