//! Why a client is refused, in the kinds that providers distinguish.

use crate::jose::JoseError;
use crate::keys::KeyError;
use crate::verifier::VerifierError;

/// The kind of a [`Fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// No `client_assertion`.
    NoAssertion,
    /// Another authentication method, or a second one.
    OtherMethod,
    NoAssertionType,
    AssertionType,
    Malformed,
    Algorithm,
    MediaType,
    NoKeyId,
    KeyId,
    /// The client's keys cannot be fetched or used.
    KeySet,
    Signature,
    /// `iss` and `sub` differ.
    Subject,
    /// The `client_id` of the form is missing or not the assertion's.
    ClientId,
    UnknownClient,
    Audience,
    /// `aud` is not exactly one string.
    SeveralAudiences,
    MissingClaim,
    Expired,
    /// Before its `nbf`.
    NotYetValid,
    /// Before its `iat`.
    IssuedLater,
    /// Too long after its `iat`.
    IssuedEarlier,
    Lifetime,
    Replayed,
}

/// Why a client is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    /// What a text about it names: a claim, or a value.
    pub(super) detail: String,
}

impl From<FaultKind> for Fault {
    fn from(kind: FaultKind) -> Self {
        Self { kind, detail: String::new() }
    }
}

impl From<&VerifierError> for Fault {
    fn from(error: &VerifierError) -> Self {
        use FaultKind as Kind;
        let (kind, detail) = match error {
            VerifierError::MissingParameter { name: "client_assertion" } => (Kind::NoAssertion, None),
            VerifierError::MissingParameter { name: "client_assertion_type" } => {
                (Kind::NoAssertionType, None)
            }
            VerifierError::AssertionType { found } => (Kind::AssertionType, Some(found.as_str())),
            VerifierError::OtherMethod { .. }
            | VerifierError::AuthorizationHeader { .. }
            | VerifierError::TwoMethods => (Kind::OtherMethod, None),
            VerifierError::ClientIdMismatch { .. } => (Kind::ClientId, None),
            VerifierError::Jose(JoseError::NoMatchingKey { .. }) => (Kind::KeyId, None),
            VerifierError::Jose(JoseError::UnsupportedAlgorithm { found }) => {
                (Kind::Algorithm, Some(&**found))
            }
            VerifierError::Jose(JoseError::AlgorithmMismatch { algorithm, .. })
            | VerifierError::Algorithm { found: algorithm, .. } => {
                (Kind::Algorithm, Some(algorithm.as_str()))
            }
            VerifierError::Key(KeyError::BadSignature) => (Kind::Signature, None),
            VerifierError::Key(_) => (Kind::KeySet, None),
            VerifierError::MediaType { .. } => (Kind::MediaType, None),
            VerifierError::MissingClaim { claim } => (Kind::MissingClaim, Some(*claim)),
            VerifierError::IssuerIsNotSubject { .. } => (Kind::Subject, None),
            VerifierError::AudienceCount { .. } | VerifierError::InvalidClaim { claim: "aud", .. } => {
                (Kind::SeveralAudiences, None)
            }
            VerifierError::Audience { .. } => (Kind::Audience, None),
            VerifierError::Expired { .. } => (Kind::Expired, None),
            VerifierError::NotYetValid { claim: "iat", .. } => (Kind::IssuedLater, None),
            VerifierError::NotYetValid { .. } => (Kind::NotYetValid, None),
            VerifierError::Lifetime { .. } => (Kind::Lifetime, None),
            VerifierError::Replayed | VerifierError::ReplayedWithoutJti => (Kind::Replayed, None),
            _ => (Kind::Malformed, None),
        };
        Self { kind, detail: detail.unwrap_or_default().to_owned() }
    }
}
