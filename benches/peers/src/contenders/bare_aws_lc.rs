//! The floor on AWS-LC: aws-lc-rs and nothing around it.

use std::hint::black_box;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
    ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED, ECDSA_P521_SHA512_FIXED_SIGNING, ED25519,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
    VerificationAlgorithm,
};
use pkcs8::{PrivateKeyInfoRef, SecretDocument};
use private_key_jwt::Algorithm;

use super::{Backend, Contender, Error, Load, Sign, Signed, Verify};
use crate::fixture::Fixture;

pub(crate) struct BareAwsLc;

impl Contender for BareAwsLc {
    fn name(&self) -> &'static str {
        "bare aws-lc-rs"
    }

    fn note(&self) -> &'static str {
        "the signature of a ready signing input, or its verification with a `ParsedPublicKey`; loading is `pem-rfc7468` \
         and `pkcs8`, then aws-lc-rs. RSA is blinded."
    }

    fn backend(&self) -> Backend {
        Backend::AwsLc
    }

    fn is_floor(&self) -> bool {
        true
    }

    fn sign(&self, fixture: &'static Fixture) -> Result<Option<Sign>, Error> {
        let (_, document) =
            SecretDocument::from_pem(fixture.private_pem).map_err(|error| error.to_string())?;
        let (der, input) = (document.as_bytes(), fixture.signing_input().as_bytes());
        let rsa = |encoding: &'static dyn RsaEncoding| -> Result<Sign, Error> {
            let key = RsaKeyPair::from_pkcs8(der)?;
            Ok(Box::new(move || {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(encoding, &SystemRandom::new(), input, &mut signature)?;
                Ok(Signed::Signature(signature))
            }))
        };
        let ecdsa = |algorithm: &'static EcdsaSigningAlgorithm| -> Result<Sign, Error> {
            let key = EcdsaKeyPair::from_pkcs8(algorithm, der)?;
            Ok(Box::new(move || {
                Ok(Signed::Signature(key.sign(&SystemRandom::new(), input)?.as_ref().to_vec()))
            }))
        };
        Ok(match fixture.algorithm {
            Algorithm::RS256 => Some(rsa(&RSA_PKCS1_SHA256)?),
            Algorithm::PS256 => Some(rsa(&RSA_PSS_SHA256)?),
            Algorithm::ES256 => Some(ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING)?),
            Algorithm::ES384 => Some(ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING)?),
            Algorithm::ES512 => Some(ecdsa(&ECDSA_P521_SHA512_FIXED_SIGNING)?),
            Algorithm::EdDSA => {
                let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)?;
                Some(Box::new(move || Ok(Signed::Signature(key.sign(input).as_ref().to_vec()))))
            }
            _ => None,
        })
    }

    fn verify(&self, fixture: &'static Fixture) -> Result<Option<Verify>, Error> {
        let algorithm: &'static dyn VerificationAlgorithm = match fixture.algorithm {
            Algorithm::RS256 => &RSA_PKCS1_2048_8192_SHA256,
            Algorithm::PS256 => &RSA_PSS_2048_8192_SHA256,
            Algorithm::ES256 => &ECDSA_P256_SHA256_FIXED,
            Algorithm::ES384 => &ECDSA_P384_SHA384_FIXED,
            Algorithm::ES512 => &ECDSA_P521_SHA512_FIXED,
            Algorithm::EdDSA => &ED25519,
            _ => return Ok(None),
        };
        let (_, spki) =
            pem_rfc7468::decode_vec(fixture.public_pem.as_bytes()).map_err(|error| error.to_string())?;
        let key = ParsedPublicKey::new(algorithm, spki)?;
        let good = (fixture.signing_input(), fixture.signature()?);
        Ok(Some(super::bare(fixture, good, move |input, signature| {
            Ok(key.verify_sig(input.as_bytes(), signature)?)
        })))
    }

    fn load(&self, fixture: &'static Fixture) -> Result<Option<Load>, Error> {
        Ok(match fixture.algorithm {
            Algorithm::RS256 => Some(Box::new(|pem| {
                let (_, document) = SecretDocument::from_pem(pem).map_err(|error| error.to_string())?;
                let key =
                    PrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|error| error.to_string())?;
                black_box(RsaKeyPair::from_der(key.private_key.as_bytes())?);
                Ok(())
            })),
            Algorithm::ES256 => Some(Box::new(|pem| {
                let (_, document) = SecretDocument::from_pem(pem).map_err(|error| error.to_string())?;
                PrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|error| error.to_string())?;
                let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
                black_box(EcdsaKeyPair::from_pkcs8(algorithm, document.as_bytes())?);
                Ok(())
            })),
            _ => None,
        })
    }
}
