//! jwtk, over OpenSSL.

use std::hint::black_box;
use std::time::Duration;

use jwtk::ecdsa::{EcdsaPrivateKey, EcdsaPublicKey};
use jwtk::eddsa::{Ed25519PrivateKey, Ed25519PublicKey};
use jwtk::rsa::{RsaAlgorithm, RsaPrivateKey, RsaPublicKey};
use jwtk::{HeaderAndClaims, OneOrMany, SigningKey, VerificationKey};
use private_key_jwt::Algorithm;
use serde::{Deserialize, Serialize};

use super::{Backend, Contender, Error, Load, Sign, Signed, Verify, fresh_jti};
use crate::fixture::{CLIENT_ID, Fixture, ISSUER, LIFETIME, MEDIA_TYPE};

pub(crate) struct Jwtk;

#[derive(Serialize, Deserialize)]
struct NoOtherClaims {}

fn signing_key(algorithm: Algorithm, pem: &[u8]) -> Result<Option<Box<dyn SigningKey>>, Error> {
    Ok(Some(match algorithm {
        Algorithm::RS256 => Box::new(RsaPrivateKey::from_pem(pem, RsaAlgorithm::RS256)?),
        Algorithm::PS256 => Box::new(RsaPrivateKey::from_pem(pem, RsaAlgorithm::PS256)?),
        Algorithm::ES256 | Algorithm::ES384 | Algorithm::ES512 => Box::new(EcdsaPrivateKey::from_pem(pem)?),
        Algorithm::EdDSA => Box::new(Ed25519PrivateKey::from_pem(pem)?),
        _ => return Ok(None),
    }))
}

fn verification_key(algorithm: Algorithm, pem: &[u8]) -> Result<Option<Box<dyn VerificationKey>>, Error> {
    Ok(Some(match algorithm {
        Algorithm::RS256 => Box::new(RsaPublicKey::from_pem(pem, Some(RsaAlgorithm::RS256))?),
        Algorithm::PS256 => Box::new(RsaPublicKey::from_pem(pem, Some(RsaAlgorithm::PS256))?),
        Algorithm::ES256 | Algorithm::ES384 | Algorithm::ES512 => Box::new(EcdsaPublicKey::from_pem(pem)?),
        Algorithm::EdDSA => Box::new(Ed25519PublicKey::from_pem(pem)?),
        _ => return Ok(None),
    }))
}

impl Contender for Jwtk {
    fn name(&self) -> &'static str {
        "jwtk (OpenSSL)"
    }

    fn note(&self) -> &'static str {
        "keys, header and claims are made once; each call sets `jti`, `iat` and `exp`. It checks `exp`; `aud` is a \
         comparison by its user, as here. RSA is blinded."
    }

    fn backend(&self) -> Backend {
        Backend::OpenSsl
    }

    fn sign(&self, fixture: &'static Fixture) -> Result<Option<Sign>, Error> {
        let Some(key) = signing_key(fixture.algorithm, fixture.private_pem.as_bytes())? else {
            return Ok(None);
        };
        let mut token = HeaderAndClaims::with_claims(NoOtherClaims {});
        token.set_kid(fixture.key_id()).set_iss(CLIENT_ID).set_sub(CLIENT_ID);
        token.header_mut().typ = Some(MEDIA_TYPE.to_owned());
        token.claims_mut().aud = OneOrMany::One(ISSUER.to_owned());
        Ok(Some(Box::new(move || {
            token.set_jti(fresh_jti()).set_iat_now().set_exp_from_now(Duration::from_secs(LIFETIME));
            Ok(Signed::Jwt(jwtk::sign(&mut token, key.as_ref())?))
        })))
    }

    fn verify(&self, fixture: &'static Fixture) -> Result<Option<Verify>, Error> {
        let Some(key) = verification_key(fixture.algorithm, fixture.public_pem.as_bytes())? else {
            return Ok(None);
        };
        Ok(Some(Box::new(move |token| {
            let verified = jwtk::verify::<NoOtherClaims>(token, key.as_ref())?;
            if !verified.claims().aud.iter().any(|audience| audience == ISSUER) {
                return Err("another audience".into());
            }
            black_box(verified);
            Ok(())
        })))
    }

    fn load(&self, fixture: &'static Fixture) -> Result<Option<Load>, Error> {
        Ok(Some(Box::new(move |pem| {
            black_box(signing_key(fixture.algorithm, pem.as_bytes())?);
            Ok(())
        })))
    }
}
