//! The contenders, each used as its documentation says, with everything prepared that its API
//! allows.

mod apart;
mod bare_aws_lc;
mod bare_rustcrypto;
mod josekit;
mod jsonwebtoken;
mod jwt_simple;
mod jwtk;
mod ours;

use base64ct::{Base64UrlUnpadded, Encoding};

use crate::fixture::Fixture;

pub(crate) use ours::Ours;

pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// Makes a client assertion.
pub(crate) type Sign = Box<dyn FnMut() -> Result<Signed, Error>>;
/// Verifies one.
pub(crate) type Verify = Box<dyn FnMut(&str) -> Result<(), Error>>;
/// Loads a private key from PKCS#8 PEM.
pub(crate) type Load = Box<dyn FnMut(&str) -> Result<(), Error>>;

/// What a signing operation returns.
pub(crate) enum Signed {
    /// By this crate, which wipes it on drop.
    Assertion(private_key_jwt::ClientAssertion),
    Jwt(String),
    /// The bare signature of [`Fixture::signing_input`].
    Signature(Vec<u8>),
}

/// The library that does the arithmetic.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    AwsLc,
    OpenSsl,
    RustCrypto,
}

pub(crate) trait Contender {
    fn name(&self) -> &'static str;

    /// What its figures include, in one sentence.
    fn note(&self) -> &'static str;

    fn backend(&self) -> Backend;

    /// A bare backend: it does nothing around the signature.
    fn is_floor(&self) -> bool {
        false
    }

    /// Whether it blinds RSA, which costs some time.
    fn blinds_rsa(&self) -> bool {
        true
    }

    /// Here and below, `None` if it is not offered.
    fn sign(&self, fixture: &'static Fixture) -> Result<Option<Sign>, Error>;

    fn verify(&self, fixture: &'static Fixture) -> Result<Option<Verify>, Error>;

    fn load(&self, fixture: &'static Fixture) -> Result<Option<Load>, Error>;
}

/// All but [`Ours`], in the order of the table.
pub(crate) fn others() -> Result<Vec<Box<dyn Contender>>, Error> {
    let apart = apart::library()?;
    Ok(vec![
        Box::new(bare_aws_lc::BareAwsLc),
        Box::new(bare_rustcrypto::BareRustCrypto),
        Box::new(jsonwebtoken::JsonWebToken::on_aws_lc()),
        Box::new(jsonwebtoken::JsonWebToken::on_rustcrypto()),
        Box::new(jwt_simple::JwtSimple),
        Box::new(apart::Apart::huskarl(apart)),
        Box::new(josekit::Josekit),
        Box::new(jwtk::Jwtk),
        Box::new(apart::Apart::jwtk(apart)),
    ])
}

/// A new UUID v4 from a thread-local generator, the same for all contenders that leave the `jti` to
/// the caller. Asking the system takes a system call, which on some machines is 3 % of an ES256
/// signature.
pub(crate) fn fresh_jti() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// [`Verify`] for bare backends. The signature of the fixture's token is decoded beforehand,
/// because bare backends do not decode. Any other token, as in the checks, is parsed.
fn bare(
    fixture: &'static Fixture,
    (input, signature): (&'static str, Vec<u8>),
    verify: impl Fn(&str, &[u8]) -> Result<(), Error> + 'static,
) -> Verify {
    Box::new(move |token| {
        if token == fixture.token {
            return verify(input, &signature);
        }
        let (input, encoded) = token.rsplit_once('.').ok_or("no signature")?;
        verify(input, &Base64UrlUnpadded::decode_vec(encoded).map_err(|error| error.to_string())?)
    })
}
