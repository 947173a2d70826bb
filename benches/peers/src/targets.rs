//! The targets: the ratio of ours to another contender that must not be exceeded.

use private_key_jwt::Algorithm;

use crate::contenders::{Backend, Contender};

/// An operation on a key of one algorithm.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Sign(Algorithm),
    Verify(Algorithm),
    /// The algorithm that follows from the key.
    Load(Algorithm),
}

impl Operation {
    pub(crate) fn label(self) -> String {
        match self {
            Self::Sign(algorithm) => format!("sign {algorithm}"),
            Self::Verify(algorithm) => format!("verify {algorithm}"),
            Self::Load(Algorithm::RS256) => "load RSA-2048".to_owned(),
            Self::Load(_) => "load P-256".to_owned(),
        }
    }
}

/// The target for this backend compared with another contender, if there is one.
pub(crate) fn target(operation: Operation, ours: Backend, other: &dyn Contender) -> Option<f64> {
    if other.is_floor() { floor(operation, ours, other.backend()) } else { peer(operation, ours, other) }
}

/// How much a whole operation may cost, compared with the bare backend below it.
fn floor(operation: Operation, ours: Backend, bare: Backend) -> Option<f64> {
    match operation {
        _ if ours != bare => None,
        Operation::Sign(Algorithm::RS256) if ours == Backend::AwsLc => Some(1.02),
        Operation::Sign(Algorithm::ES256) if ours == Backend::AwsLc => Some(1.08),
        Operation::Verify(Algorithm::RS256) => Some(1.10),
        Operation::Verify(Algorithm::ES256) => Some(1.05),
        Operation::Load(_) => Some(1.20),
        Operation::Sign(_) | Operation::Verify(_) => None,
    }
}

/// On AWS-LC, faster than every peer with every algorithm; on RustCrypto, faster than the peers
/// that use it too.
fn peer(operation: Operation, ours: Backend, other: &dyn Contender) -> Option<f64> {
    let (Operation::Sign(algorithm) | Operation::Verify(algorithm)) = operation else {
        return None;
    };
    let rsa_2048 = matches!(algorithm, Algorithm::RS256 | Algorithm::PS256);
    match (ours, other.backend()) {
        (Backend::AwsLc, Backend::OpenSsl) if rsa_2048 => Some(1.03),
        (Backend::AwsLc, _) => Some(1.0),
        // A peer without blinding does less work.
        (Backend::RustCrypto, Backend::RustCrypto) if remark(operation, other).is_some() => None,
        (Backend::RustCrypto, Backend::RustCrypto) => match operation {
            Operation::Sign(Algorithm::RS256) if other.name().starts_with("jsonwebtoken") => Some(0.90),
            Operation::Sign(Algorithm::ES256) if other.name().starts_with("jsonwebtoken") => Some(0.20),
            _ => Some(1.0),
        },
        _ => None,
    }
}

/// Explains a figure that stands for less work than ours.
pub(crate) fn remark(operation: Operation, other: &dyn Contender) -> Option<&'static str> {
    let signs_rsa = matches!(operation, Operation::Sign(Algorithm::RS256 | Algorithm::PS256));
    (signs_rsa && !other.blinds_rsa()).then_some("unblinded")
}
