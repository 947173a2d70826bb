//! private-key-jwt.

use std::hint::black_box;

use private_key_jwt::{
    AuthorizationServer, ClientAssertion, ClientAssertionVerifier, JwkSet, PrivateKey, PublicKeySet,
};
use time::OffsetDateTime;

use super::{Backend, Contender, Error, Load, Sign, Signed, Verify, fresh_jti};
use crate::fixture::{CLIENT_ID, Fixture, ISSUER, LONG_LIFETIME};

/// As many of the crate's backends as one build can have.
pub(crate) const BACKEND: Backend =
    if cfg!(feature = "aws-lc-rs") { Backend::AwsLc } else { Backend::RustCrypto };

pub(crate) struct Ours;

impl Contender for Ours {
    fn name(&self) -> &'static str {
        match BACKEND {
            Backend::AwsLc => "private-key-jwt (AWS-LC)",
            Backend::OpenSsl | Backend::RustCrypto => "private-key-jwt (RustCrypto)",
        }
    }

    fn note(&self) -> &'static str {
        "builder, verifier and keys are made once; the `jti`, here and wherever a peer's user gives it, is a UUID v4 of a \
         thread-local generator. The verifier has met the key's header before and keeps it. Verification checks `typ`, \
         `alg`, `iss` = `sub`, `aud`, `jti`, `exp`, `iat`, `nbf` and the longest lifetime; loading computes the RFC 7638 \
         thumbprint too. RSA is blinded."
    }

    fn backend(&self) -> Backend {
        BACKEND
    }

    fn sign(&self, fixture: &'static Fixture) -> Result<Option<Sign>, Error> {
        let server = AuthorizationServer::new(ISSUER, format!("{ISSUER}/token"))?;
        let builder = ClientAssertion::builder(CLIENT_ID, &server);
        Ok(Some(Box::new(move || {
            Ok(Signed::Assertion(builder.sign(&fixture.key, OffsetDateTime::now_utc(), fresh_jti())?))
        })))
    }

    fn verify(&self, fixture: &'static Fixture) -> Result<Option<Verify>, Error> {
        let verifier = ClientAssertionVerifier::new(ISSUER).longest_lifetime(LONG_LIFETIME);
        let keys = PublicKeySet::from(JwkSet::from(fixture.key.public_jwk().clone()));
        Ok(Some(Box::new(move |token| {
            let unverified = verifier.parse_assertion(token)?;
            let verified = unverified.verify(&keys, fixture.algorithm, OffsetDateTime::now_utc())?;
            drop(black_box(verified)); // spending the `jti` is a server's next step, and no peer has it
            Ok(())
        })))
    }

    fn load(&self, _: &'static Fixture) -> Result<Option<Load>, Error> {
        Ok(Some(Box::new(|pem| {
            black_box(PrivateKey::from_bytes(pem.as_bytes())?);
            Ok(())
        })))
    }
}
