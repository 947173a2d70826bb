//! jwt-simple with its feature `pure-rust`: curves by RustCrypto and ed25519-compact, RSA by
//! superboring over rsa 0.9.

use std::collections::HashSet;
use std::hint::black_box;

use jwt_simple::algorithms::{
    ECDSAP256KeyPairLike, ECDSAP256PublicKeyLike, ECDSAP384KeyPairLike, ECDSAP384PublicKeyLike, ES256KeyPair,
    ES256PublicKey, ES384KeyPair, ES384PublicKey, Ed25519KeyPair, Ed25519PublicKey, EdDSAKeyPairLike,
    EdDSAPublicKeyLike, PS256KeyPair, PS256PublicKey, RS256KeyPair, RS256PublicKey, RSAKeyPairLike,
    RSAPublicKeyLike,
};
use jwt_simple::claims::{Claims, JWTClaims, NoCustomClaims};
use jwt_simple::common::{HeaderOptions, VerificationOptions};
use jwt_simple::prelude::Duration;
use private_key_jwt::Algorithm;

use super::{Backend, Contender, Error, Load, Sign, Signed, Verify, fresh_jti};
use crate::fixture::{CLIENT_ID, Fixture, ISSUER, LIFETIME, MEDIA_TYPE};

pub(crate) struct JwtSimple;

fn claims() -> JWTClaims<NoCustomClaims> {
    let mut claims = Claims::create(Duration::from_secs(LIFETIME))
        .with_issuer(CLIENT_ID)
        .with_subject(CLIENT_ID)
        .with_audience(ISSUER)
        .with_jwt_id(fresh_jti());
    claims.invalid_before = None; // the others send no `nbf`
    claims
}

macro_rules! sign {
    ($key:ty, $fixture:expr) => {{
        let key = <$key>::from_pem($fixture.private_pem)?.with_key_id($fixture.key_id());
        let options =
            HeaderOptions { signature_type: Some(MEDIA_TYPE.to_owned()), ..HeaderOptions::default() };
        Some(Box::new(move || Ok(Signed::Jwt(key.sign_with_options(claims(), &options)?))))
    }};
}

macro_rules! verify {
    ($key:ty, $fixture:expr) => {{
        let key = <$key>::from_pem($fixture.public_pem)?;
        let options = VerificationOptions {
            allowed_audiences: Some(HashSet::from([ISSUER.to_owned()])),
            ..VerificationOptions::default()
        };
        Some(Box::new(move |token| {
            black_box(key.verify_token::<NoCustomClaims>(token, Some(options.clone()))?);
            Ok(())
        }))
    }};
}

macro_rules! load {
    ($key:ty) => {
        Some(Box::new(|pem| {
            black_box(<$key>::from_pem(pem)?);
            Ok(())
        }))
    };
}

impl Contender for JwtSimple {
    fn name(&self) -> &'static str {
        "jwt-simple (pure-rust)"
    }

    fn note(&self) -> &'static str {
        "its claims and its `VerificationOptions` are taken by value, so each call makes or clones them; an RSA key is \
         cloned for every use, and checked in full when it is loaded. ES* nonces are hedged with fresh randomness. RSA \
         is blinded."
    }

    fn backend(&self) -> Backend {
        Backend::RustCrypto
    }

    fn sign(&self, fixture: &'static Fixture) -> Result<Option<Sign>, Error> {
        Ok(match fixture.algorithm {
            Algorithm::RS256 => sign!(RS256KeyPair, fixture),
            Algorithm::PS256 => sign!(PS256KeyPair, fixture),
            Algorithm::ES256 => sign!(ES256KeyPair, fixture),
            Algorithm::ES384 => sign!(ES384KeyPair, fixture),
            Algorithm::EdDSA => sign!(Ed25519KeyPair, fixture),
            _ => None,
        })
    }

    fn verify(&self, fixture: &'static Fixture) -> Result<Option<Verify>, Error> {
        Ok(match fixture.algorithm {
            Algorithm::RS256 => verify!(RS256PublicKey, fixture),
            Algorithm::PS256 => verify!(PS256PublicKey, fixture),
            Algorithm::ES256 => verify!(ES256PublicKey, fixture),
            Algorithm::ES384 => verify!(ES384PublicKey, fixture),
            Algorithm::EdDSA => verify!(Ed25519PublicKey, fixture),
            _ => None,
        })
    }

    fn load(&self, fixture: &'static Fixture) -> Result<Option<Load>, Error> {
        Ok(match fixture.algorithm {
            Algorithm::RS256 => load!(RS256KeyPair),
            Algorithm::ES256 => load!(ES256KeyPair),
            _ => None,
        })
    }
}
