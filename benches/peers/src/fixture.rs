//! The same keys, names and token for all contenders.

use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use private_key_jwt::{Algorithm, AuthorizationServer, ClientAssertion, PrivateKey};
use time::OffsetDateTime;

use crate::contenders::Error;

/// As long as PingOne's.
pub(crate) const CLIENT_ID: &str = "3c6e0b8a-9c15-4f24-8d06-72b1f5a9e047";
pub(crate) const ISSUER: &str = "https://auth.pingone.eu/5f1d2c3b-7a80-4e96-b1c4-d2e3f4a5b6c7/as";
pub(crate) const MEDIA_TYPE: &str = "client-authentication+jwt";
/// The lifetime of an assertion that a contender signs, in seconds.
pub(crate) const LIFETIME: u64 = 60;
/// The lifetime of the token that they verify: longer than any run.
pub(crate) const LONG_LIFETIME: Duration = Duration::from_secs(24 * 3600);

macro_rules! pem {
    ($name:literal) => {
        (
            include_str!(concat!("../../../testdata/keys/", $name, ".pkcs8.pem")),
            include_str!(concat!("../../../testdata/keys/", $name, ".pub.pem")),
        )
    };
}

/// One algorithm, its key in every form that a contender reads, and a token.
pub(crate) struct Fixture {
    pub(crate) algorithm: Algorithm,
    pub(crate) private_pem: &'static str,
    pub(crate) public_pem: &'static str,
    /// The private key as this crate reads it.
    pub(crate) key: PrivateKey,
    /// For contenders that cannot read the PEM for this algorithm.
    pub(crate) private_jwk: &'static str,
    /// A client assertion by this crate.
    pub(crate) token: String,
}

impl Fixture {
    /// One for each measured algorithm. They live as long as the program, and so may references to
    /// them.
    pub(crate) fn all() -> Result<Vec<&'static Self>, Error> {
        let (rsa, rsa_jwk) = (pem!("rsa2048"), include_str!("../../../testdata/keys/rsa2048.jwk.json"));
        [
            (Algorithm::RS256, rsa, rsa_jwk),
            (Algorithm::PS256, rsa, rsa_jwk),
            (Algorithm::ES256, pem!("p256"), include_str!("../../../testdata/keys/p256.jwk.json")),
            (Algorithm::ES384, pem!("p384"), include_str!("../../../testdata/keys/p384.jwk.json")),
            (Algorithm::ES512, pem!("p521"), include_str!("../../../testdata/keys/p521.jwk.json")),
            (Algorithm::EdDSA, pem!("ed25519"), include_str!("../../../testdata/keys/ed25519.jwk.json")),
        ]
        .into_iter()
        .map(|(algorithm, (private_pem, public_pem), private_jwk)| {
            let key = PrivateKey::from_bytes(private_pem.as_bytes())?.with_algorithm(algorithm)?;
            let token = token_for(&key, ISSUER, OffsetDateTime::now_utc())?;
            let fixture = Self { algorithm, private_pem, public_pem, key, private_jwk, token };
            Ok(&*Box::leak(Box::new(fixture)))
        })
        .collect()
    }

    pub(crate) fn key_id(&self) -> &str {
        self.key.key_id().as_str()
    }

    /// What a bare backend signs: as long as the signing input of an assertion.
    pub(crate) fn signing_input(&self) -> &str {
        self.token.rsplit_once('.').map_or("", |(input, _)| input)
    }

    /// The signature of the token, for a bare backend to verify.
    pub(crate) fn signature(&self) -> Result<Vec<u8>, Error> {
        let encoded = self.token.rsplit_once('.').map_or("", |(_, signature)| signature);
        Ok(Base64UrlUnpadded::decode_vec(encoded).map_err(|error| error.to_string())?)
    }
}

/// An assertion with a long life.
pub(crate) fn token_for(key: &PrivateKey, audience: &str, now: OffsetDateTime) -> Result<String, Error> {
    let server = AuthorizationServer::new(audience, format!("{audience}/token"))?;
    let builder = ClientAssertion::builder(CLIENT_ID, &server).lifetime(LONG_LIFETIME);
    Ok(builder.sign(key, now, crate::contenders::fresh_jti())?.secret().to_owned())
}
