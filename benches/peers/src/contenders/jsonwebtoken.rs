//! jsonwebtoken, on each of its backends.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};

use jsonwebtoken::crypto::{CryptoProvider, KeyUtils, aws_lc, rust_crypto};
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, EncodingKey, Header, Validation, decode, encode,
    get_current_timestamp,
};
use serde::{Deserialize, Serialize};

use super::{Backend, Contender, Error, Load, Sign, Signed, Verify, fresh_jti};
use crate::fixture::{CLIENT_ID, Fixture, ISSUER, LIFETIME, MEDIA_TYPE};

/// A process has one provider, so this one selects the backend at run time. That costs one load and
/// one call more than a built-in provider.
static BOTH: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| (in_turn().signer_factory)(algorithm, key),
    verifier_factory: |algorithm, key| (in_turn().verifier_factory)(algorithm, key),
    key_utils: KeyUtils::new_unimplemented(),
};
static AWS_LC_IS_NEXT: AtomicBool = AtomicBool::new(false);

fn in_turn() -> &'static CryptoProvider {
    if AWS_LC_IS_NEXT.load(Ordering::Relaxed) {
        &aws_lc::DEFAULT_PROVIDER
    } else {
        &rust_crypto::DEFAULT_PROVIDER
    }
}

pub(crate) struct JsonWebToken {
    backend: Backend,
}

impl JsonWebToken {
    pub(crate) fn on_aws_lc() -> Self {
        Self::on(Backend::AwsLc)
    }

    pub(crate) fn on_rustcrypto() -> Self {
        Self::on(Backend::RustCrypto)
    }

    fn on(backend: Backend) -> Self {
        // The second call finds it installed.
        let _ = BOTH.install_default();
        Self { backend }
    }

    fn take_turn(&self) -> impl Fn() + 'static {
        let aws_lc = self.backend == Backend::AwsLc;
        move || AWS_LC_IS_NEXT.store(aws_lc, Ordering::Relaxed)
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: &'a str,
    iat: u64,
    exp: u64,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "what a user of a verified token reads")]
struct VerifiedClaims {
    iss: String,
    sub: String,
    jti: String,
}

fn algorithm(fixture: &Fixture) -> Option<Algorithm> {
    Some(match fixture.algorithm {
        private_key_jwt::Algorithm::RS256 => Algorithm::RS256,
        private_key_jwt::Algorithm::PS256 => Algorithm::PS256,
        private_key_jwt::Algorithm::ES256 => Algorithm::ES256,
        private_key_jwt::Algorithm::ES384 => Algorithm::ES384,
        private_key_jwt::Algorithm::EdDSA => Algorithm::EdDSA,
        _ => return None,
    })
}

fn encoding_key(family: AlgorithmFamily, pem: &[u8]) -> Result<EncodingKey, Error> {
    Ok(match family {
        AlgorithmFamily::Rsa => EncodingKey::from_rsa_pem(pem)?,
        AlgorithmFamily::Ec => EncodingKey::from_ec_pem(pem)?,
        AlgorithmFamily::Ed => EncodingKey::from_ed_pem(pem)?,
        AlgorithmFamily::Hmac => return Err("no key pair".into()),
    })
}

fn decoding_key(family: AlgorithmFamily, pem: &[u8]) -> Result<DecodingKey, Error> {
    Ok(match family {
        AlgorithmFamily::Rsa => DecodingKey::from_rsa_pem(pem)?,
        AlgorithmFamily::Ec => DecodingKey::from_ec_pem(pem)?,
        AlgorithmFamily::Ed => DecodingKey::from_ed_pem(pem)?,
        AlgorithmFamily::Hmac => return Err("no key pair".into()),
    })
}

impl Contender for JsonWebToken {
    fn name(&self) -> &'static str {
        if self.backend == Backend::AwsLc { "jsonwebtoken (AWS-LC)" } else { "jsonwebtoken (RustCrypto)" }
    }

    fn note(&self) -> &'static str {
        if self.backend == Backend::AwsLc {
            "its keys are the bytes of the file: every signature and every verification parses the key, and loading is \
             PEM and ASN.1 only. Header, keys and `Validation` are made once. RSA is blinded."
        } else {
            "as with AWS-LC; the crates are of the generation before (rsa 0.9, p256 0.13). RSA is blinded."
        }
    }

    fn backend(&self) -> Backend {
        self.backend
    }

    fn sign(&self, fixture: &'static Fixture) -> Result<Option<Sign>, Error> {
        let Some(algorithm) = algorithm(fixture) else { return Ok(None) };
        let key = encoding_key(algorithm.family(), fixture.private_pem.as_bytes())?;
        let mut header = Header::new(algorithm);
        header.typ = Some(MEDIA_TYPE.to_owned());
        header.kid = Some(fixture.key_id().to_owned());
        let take_turn = self.take_turn();
        Ok(Some(Box::new(move || {
            take_turn();
            let (iat, jti) = (get_current_timestamp(), fresh_jti());
            let claims =
                Claims { iss: CLIENT_ID, sub: CLIENT_ID, aud: ISSUER, jti: &jti, iat, exp: iat + LIFETIME };
            Ok(Signed::Jwt(encode(&header, &claims, &key)?))
        })))
    }

    fn verify(&self, fixture: &'static Fixture) -> Result<Option<Verify>, Error> {
        let Some(algorithm) = algorithm(fixture) else { return Ok(None) };
        let key = decoding_key(algorithm.family(), fixture.public_pem.as_bytes())?;
        let mut validation = Validation::new(algorithm);
        validation.set_audience(&[ISSUER]);
        let take_turn = self.take_turn();
        Ok(Some(Box::new(move |token| {
            take_turn();
            black_box(decode::<VerifiedClaims>(token, &key, &validation)?);
            Ok(())
        })))
    }

    fn load(&self, fixture: &'static Fixture) -> Result<Option<Load>, Error> {
        let Some(algorithm) = algorithm(fixture) else { return Ok(None) };
        Ok(Some(Box::new(move |pem| {
            black_box(encoding_key(algorithm.family(), pem.as_bytes())?);
            Ok(())
        })))
    }
}
