//! The floor on RustCrypto: the crates that private-key-jwt uses, with the same settings and
//! nothing around them.

use std::hint::black_box;

use getrandom::SysRng;
use pkcs1::RsaPrivateKeyRef;
use pkcs8::{DecodePrivateKey, DecodePublicKey, PrivateKeyInfoRef, SecretDocument};
use private_key_jwt::Algorithm;
use rsa::traits::SignatureScheme;
use rsa::{BoxedUint, Pkcs1v15Sign, Pss};
use sec1::EcPrivateKey;
use sha2::{Digest, Sha256};
use signature::{Signer, Verifier};

use super::{Backend, Contender, Error, Load, Sign, Signed, Verify};
use crate::fixture::Fixture;

pub(crate) struct BareRustCrypto;

impl Contender for BareRustCrypto {
    fn name(&self) -> &'static str {
        "bare RustCrypto"
    }

    fn note(&self) -> &'static str {
        "the signature of a ready signing input, or its verification with a parsed key; loading is `pem-rfc7468`, `pkcs8` \
         and `pkcs1` or `sec1`, then the key type of the backend. RSA is blinded, with the system's randomness."
    }

    fn backend(&self) -> Backend {
        Backend::RustCrypto
    }

    fn is_floor(&self) -> bool {
        true
    }

    fn sign(&self, fixture: &'static Fixture) -> Result<Option<Sign>, Error> {
        let (pem, input) = (fixture.private_pem, fixture.signing_input().as_bytes());
        Ok(match fixture.algorithm {
            Algorithm::RS256 => Some(rsa(pem, input, Pkcs1v15Sign::new::<Sha256>)?),
            Algorithm::PS256 => Some(rsa(pem, input, Pss::<Sha256>::new)?),
            Algorithm::ES256 => {
                let key = p256::ecdsa::SigningKey::from_pkcs8_pem(pem)?;
                let sign = move || -> p256::ecdsa::Signature { key.sign(input) };
                Some(Box::new(move || Ok(Signed::Signature(sign().to_bytes().to_vec()))))
            }
            Algorithm::ES384 => {
                let key = p384::ecdsa::SigningKey::from_pkcs8_pem(pem)?;
                let sign = move || -> p384::ecdsa::Signature { key.sign(input) };
                Some(Box::new(move || Ok(Signed::Signature(sign().to_bytes().to_vec()))))
            }
            Algorithm::ES512 => {
                let key = p521::ecdsa::SigningKey::from_pkcs8_pem(pem)?;
                let sign = move || -> p521::ecdsa::Signature { key.sign(input) };
                Some(Box::new(move || Ok(Signed::Signature(sign().to_bytes().to_vec()))))
            }
            Algorithm::EdDSA => {
                let key = ed25519_dalek::SigningKey::from_pkcs8_pem(pem)?;
                Some(Box::new(move || Ok(Signed::Signature(key.sign(input).to_bytes().to_vec()))))
            }
            _ => None,
        })
    }

    fn verify(&self, fixture: &'static Fixture) -> Result<Option<Verify>, Error> {
        let pem = fixture.public_pem;
        let good = (fixture.signing_input(), fixture.signature()?);
        Ok(match fixture.algorithm {
            Algorithm::RS256 | Algorithm::PS256 => {
                let key = rsa::PublicKey::from_public_key_pem(pem)?;
                let is_pss = fixture.algorithm.is_pss();
                Some(super::bare(fixture, good, move |input, signature| {
                    let digest = Sha256::digest(input);
                    if is_pss {
                        key.verify(Pss::<Sha256>::new(), &digest, signature)?;
                    } else {
                        key.verify(Pkcs1v15Sign::new::<Sha256>(), &digest, signature)?;
                    }
                    Ok(())
                }))
            }
            Algorithm::ES256 => {
                let key = p256::ecdsa::VerifyingKey::from_public_key_pem(pem)?;
                Some(super::bare(fixture, good, move |input, signature| {
                    Ok(key.verify(input.as_bytes(), &p256::ecdsa::Signature::from_slice(signature)?)?)
                }))
            }
            Algorithm::ES384 => {
                let key = p384::ecdsa::VerifyingKey::from_public_key_pem(pem)?;
                Some(super::bare(fixture, good, move |input, signature| {
                    Ok(key.verify(input.as_bytes(), &p384::ecdsa::Signature::from_slice(signature)?)?)
                }))
            }
            Algorithm::ES512 => {
                let key = p521::ecdsa::VerifyingKey::from_public_key_pem(pem)?;
                Some(super::bare(fixture, good, move |input, signature| {
                    Ok(key.verify(input.as_bytes(), &p521::ecdsa::Signature::from_slice(signature)?)?)
                }))
            }
            Algorithm::EdDSA => {
                let key = ed25519_dalek::VerifyingKey::from_public_key_pem(pem)?;
                Some(super::bare(fixture, good, move |input, signature| {
                    let signature = ed25519_dalek::Signature::from_slice(signature)?;
                    Ok(key.verify_strict(input.as_bytes(), &signature)?)
                }))
            }
            _ => None,
        })
    }

    fn load(&self, fixture: &'static Fixture) -> Result<Option<Load>, Error> {
        let load: fn(&[u8]) -> Result<(), Error> = match fixture.algorithm {
            Algorithm::RS256 => |pkcs1| {
                let key = RsaPrivateKeyRef::try_from(pkcs1)?;
                let integer = |value: &[u8]| BoxedUint::from_be_slice_vartime(value);
                black_box(rsa::PrivateKey::from_components(
                    integer(key.modulus.as_bytes()),
                    integer(key.public_exponent.as_bytes()),
                    integer(key.private_exponent.as_bytes()),
                    vec![integer(key.prime1.as_bytes()), integer(key.prime2.as_bytes())],
                )?);
                Ok(())
            },
            Algorithm::ES256 => |sec1| {
                let key = EcPrivateKey::try_from(sec1)?;
                black_box(p256::ecdsa::SigningKey::from_slice(key.private_key)?);
                Ok(())
            },
            _ => return Ok(None),
        };
        Ok(Some(Box::new(move |pem| {
            let (_, document) = SecretDocument::from_pem(pem)?;
            load(PrivateKeyInfoRef::try_from(document.as_bytes())?.private_key.as_bytes())
        })))
    }
}

fn rsa<S: SignatureScheme + 'static>(
    pem: &str,
    input: &'static [u8],
    scheme: fn() -> S,
) -> Result<Sign, Error> {
    let key = rsa::PrivateKey::from_pkcs8_pem(pem)?;
    Ok(Box::new(move || {
        Ok(Signed::Signature(scheme().sign(Some(&mut SysRng), &key, &Sha256::digest(input))?))
    }))
}
