//! josekit, over OpenSSL.

use std::hint::black_box;
use std::time::{Duration, SystemTime};

use josekit::jwk::Jwk;
use josekit::jws::{ES256, ES384, ES512, EdDSA, JwsHeader, JwsSigner, JwsVerifier, PS256, RS256};
use josekit::jwt::{self, JwtPayload, JwtPayloadValidator};
use private_key_jwt::Algorithm;

use super::{Backend, Contender, Error, Load, Sign, Signed, Verify, fresh_jti};
use crate::fixture::{CLIENT_ID, Fixture, ISSUER, LIFETIME, MEDIA_TYPE};

pub(crate) struct Josekit;

fn signer(fixture: &Fixture, pem: &str) -> Result<Option<Box<dyn JwsSigner>>, Error> {
    Ok(Some(match fixture.algorithm {
        Algorithm::RS256 => Box::new(RS256.signer_from_pem(pem)?),
        // For PS256 it reads no PEM of a plain RSA key, but a JWK.
        Algorithm::PS256 => {
            Box::new(PS256.signer_from_jwk(&Jwk::from_bytes(fixture.private_jwk.as_bytes())?)?)
        }
        Algorithm::ES256 => Box::new(ES256.signer_from_pem(pem)?),
        Algorithm::ES384 => Box::new(ES384.signer_from_pem(pem)?),
        Algorithm::ES512 => Box::new(ES512.signer_from_pem(pem)?),
        Algorithm::EdDSA => Box::new(EdDSA.signer_from_pem(pem)?),
        _ => return Ok(None),
    }))
}

fn verifier(fixture: &Fixture) -> Result<Option<Box<dyn JwsVerifier>>, Error> {
    let pem = fixture.public_pem;
    Ok(Some(match fixture.algorithm {
        Algorithm::RS256 => Box::new(RS256.verifier_from_pem(pem)?),
        Algorithm::PS256 => {
            let mut jwk = Jwk::from_bytes(fixture.key.public_jwk().to_json())?;
            jwk.set_parameter("kid", None)?;
            Box::new(PS256.verifier_from_jwk(&jwk)?)
        }
        Algorithm::ES256 => Box::new(ES256.verifier_from_pem(pem)?),
        Algorithm::ES384 => Box::new(ES384.verifier_from_pem(pem)?),
        Algorithm::ES512 => Box::new(ES512.verifier_from_pem(pem)?),
        Algorithm::EdDSA => Box::new(EdDSA.verifier_from_pem(pem)?),
        _ => return Ok(None),
    }))
}

impl Contender for Josekit {
    fn name(&self) -> &'static str {
        "josekit (OpenSSL)"
    }

    fn note(&self) -> &'static str {
        "signer, verifier, header and payload are made once; each call sets `jti`, `iat` and `exp`. Verification is \
         `decode_with_verifier`, then a `JwtPayloadValidator` for `aud` and `exp`. RSA is blinded."
    }

    fn backend(&self) -> Backend {
        Backend::OpenSsl
    }

    fn sign(&self, fixture: &'static Fixture) -> Result<Option<Sign>, Error> {
        let Some(signer) = signer(fixture, fixture.private_pem)? else { return Ok(None) };
        let mut header = JwsHeader::new();
        header.set_token_type(MEDIA_TYPE);
        header.set_key_id(fixture.key_id());
        let mut payload = JwtPayload::new();
        payload.set_issuer(CLIENT_ID);
        payload.set_subject(CLIENT_ID);
        payload.set_audience(vec![ISSUER]);
        Ok(Some(Box::new(move || {
            let now = SystemTime::now();
            payload.set_jwt_id(fresh_jti());
            payload.set_issued_at(&now);
            payload.set_expires_at(&(now + Duration::from_secs(LIFETIME)));
            Ok(Signed::Jwt(jwt::encode_with_signer(&payload, &header, signer.as_ref())?))
        })))
    }

    fn verify(&self, fixture: &'static Fixture) -> Result<Option<Verify>, Error> {
        let Some(verifier) = verifier(fixture)? else { return Ok(None) };
        let mut validator = JwtPayloadValidator::new();
        validator.set_audience(ISSUER);
        Ok(Some(Box::new(move |token| {
            let (payload, _) = jwt::decode_with_verifier(token, verifier.as_ref())?;
            validator.validate(&payload)?;
            black_box(payload);
            Ok(())
        })))
    }

    fn load(&self, fixture: &'static Fixture) -> Result<Option<Load>, Error> {
        Ok(Some(Box::new(move |pem| {
            black_box(signer(fixture, pem)?);
            Ok(())
        })))
    }
}
