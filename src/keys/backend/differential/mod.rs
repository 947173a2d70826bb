//! Compares the backends, each behind the policy as in `PrivateKey` and `PublicKey`: each verifies
//! the other's signatures, and both reject the same keys with the same error, and the same
//! signatures.

mod keys;
mod rsa_keys;
mod signatures;

use crate::jose::{Algorithm, KeyParameters};
use crate::keys::material::KeyMaterial;
use crate::keys::{KeyError, format, policy};

/// The path of keys and signatures through the policy and one backend.
macro_rules! way {
    ($name:ident, $backend:ident) => {
        mod $name {
            use super::{Algorithm, KeyError, KeyMaterial, KeyParameters, policy};
            pub(super) use crate::keys::backend::$backend::{
                SigningKey, VerifyingKey, decompressed, generate_rsa,
            };

            pub(super) fn private(material: &KeyMaterial) -> Result<(SigningKey, KeyParameters), KeyError> {
                policy::check_private(material)?;
                let key = SigningKey::new(material)?;
                let own = key.public_parameters()?;
                policy::check_public_part(material, &own)?;
                Ok((key, own))
            }

            pub(super) fn public(parameters: &KeyParameters) -> Result<VerifyingKey, KeyError> {
                policy::check_public(parameters)?;
                VerifyingKey::new(parameters)
            }

            pub(super) fn verify(
                key: &VerifyingKey,
                algorithm: Algorithm,
                message: &[u8],
                signature: &[u8],
            ) -> bool {
                policy::check_signature(algorithm, signature) && key.verify(algorithm, message, signature)
            }
        }
    };
}

way!(rust, rustcrypto);
way!(aws, aws_lc);

/// One private key in both.
struct Private {
    rust: rust::SigningKey,
    aws: aws::SigningKey,
    public: Public,
    parameters: KeyParameters,
}

/// One public key in both.
struct Public {
    rust: rust::VerifyingKey,
    aws: aws::VerifyingKey,
}

/// Both results, which must be of the same kind and have the same error.
fn same<A, B>(rust: Result<A, KeyError>, aws: Result<B, KeyError>) -> Result<(A, B), String> {
    match (rust, aws) {
        (Ok(rust), Ok(aws)) => Ok((rust, aws)),
        (Err(rust), Err(aws)) => {
            let texts = [rust, aws].map(|error| format!("{error:?}: {error}"));
            assert_eq!(texts[0], texts[1]);
            Err(texts.into_iter().next().unwrap())
        }
        (rust, aws) => panic!("RustCrypto: {:?}, AWS-LC: {:?}", rust.err(), aws.err()),
    }
}

impl Private {
    fn new(material: &KeyMaterial) -> Result<Self, String> {
        let ((rust, parameters), (aws, of_aws)) = same(rust::private(material), aws::private(material))?;
        assert_eq!(parameters, of_aws);
        let public = Public::new(&parameters).expect("the public part of a private key");
        Ok(Self { rust, aws, public, parameters })
    }

    /// The signatures of both backends, if the key can make them.
    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<[Vec<u8>; 2], String> {
        same(self.rust.sign(algorithm, message), self.aws.sign(algorithm, message))
            .map(|(rust, aws)| [rust, aws])
    }

    fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        let key_type = self.parameters.key_type();
        Algorithm::ALL.into_iter().filter(move |algorithm| algorithm.key_type() == key_type)
    }
}

impl Public {
    fn new(parameters: &KeyParameters) -> Result<Self, String> {
        same(rust::public(parameters), aws::public(parameters)).map(|(rust, aws)| Self { rust, aws })
    }

    fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let verdict = rust::verify(&self.rust, algorithm, message, signature);
        let of_aws = aws::verify(&self.aws, algorithm, message, signature);
        assert_eq!(verdict, of_aws, "{algorithm}, RustCrypto first: {signature:02x?}");
        verdict
    }
}

macro_rules! file {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../../../../testdata/keys/", $name)).as_slice())
    };
}

/// Every size and every curve, and lengths that are not whole octets.
const KEYS: [(&str, &[u8]); 11] = [
    file!("rsa2048.pkcs8.der"),
    file!("rsa2048.swapped.jwk.json"),
    file!("rsa2049.jwk.json"),
    file!("rsa2560.unbalanced.jwk.json"),
    file!("rsa3072.pkcs8.pem"),
    file!("rsa4096.pkcs8.pem"),
    file!("rsa8192.pkcs8.pem"),
    file!("p256.pkcs8.der"),
    file!("p384.pkcs8.der"),
    file!("p521.pkcs8.der"),
    file!("ed25519.pkcs8.der"),
];

fn material(name: &str) -> KeyMaterial {
    let (_, bytes) = KEYS.iter().find(|(file, _)| *file == name).expect("a key of the list");
    loaded(bytes).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The only key of a file, with its primes recovered if they are missing.
fn loaded(bytes: &[u8]) -> Result<KeyMaterial, KeyError> {
    let mut found = format::load(bytes, None, &mut format::Budget::default())?;
    let material = found.entries.pop().expect("a key").loaded?.material;
    policy::check_private(&material).and_then(|()| crate::keys::backend::with_primes(material))
}

fn key(name: &str) -> Private {
    Private::new(&material(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The result of both backends for a private key: the error without its message.
fn answer(material: &KeyMaterial) -> String {
    name(Private::new(material).map(|_| ()))
}

/// The same for a public key.
fn public_answer(parameters: &KeyParameters) -> String {
    name(Public::new(parameters).map(|_| ()))
}

fn name(answer: Result<(), String>) -> String {
    match answer {
        Ok(()) => "a key".to_owned(),
        Err(error) => error.split(": the").next().unwrap_or_default().to_owned(),
    }
}

/// The sum of two big-endian numbers, as long as the first; the overflow is dropped.
fn sum(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut digits = a.to_vec();
    let mut carry = 0;
    let added = b.iter().rev().copied().chain(std::iter::repeat(0));
    for (digit, other) in digits.iter_mut().rev().zip(added) {
        let value = u16::from(*digit) + u16::from(other) + carry;
        *digit = value.to_le_bytes()[0];
        carry = value >> 8;
    }
    digits
}

/// The difference of two big-endian numbers, modulo the length of the first.
fn difference(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut complement = vec![0xff; a.len() - b.len()];
    complement.extend(b.iter().map(|digit| !digit));
    sum(&sum(a, &complement), &[1])
}
