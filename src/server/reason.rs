use crate::jose::JoseError;
use crate::keys::KeyError;
use crate::observer::RefusalReason;
use crate::verifier::VerifierError;

/// Why a token or an assertion was refused, as a word.
pub(super) fn reason_of(error: &VerifierError) -> RefusalReason {
    match error {
        VerifierError::EmptySetting { .. } => RefusalReason::Misconfigured,
        VerifierError::MissingScope { .. } => RefusalReason::InsufficientScope,
        VerifierError::Issuer { .. }
        | VerifierError::MissingClaim { claim: "iss" }
        | VerifierError::InvalidClaim { claim: "iss", .. } => RefusalReason::Issuer,
        VerifierError::Audience { .. }
        | VerifierError::MissingAudience { .. }
        | VerifierError::UnexpectedAudience { .. }
        | VerifierError::MissingClaim { claim: "aud" }
        | VerifierError::InvalidClaim { claim: "aud", .. } => RefusalReason::Audience,
        VerifierError::Expired { .. } => RefusalReason::Expired,
        VerifierError::NotYetValid { .. } => RefusalReason::NotYetValid,
        VerifierError::AccessTokenType { .. } | VerifierError::NotAnAccessToken { .. } => {
            RefusalReason::TokenType
        }
        VerifierError::Jose(JoseError::NoMatchingKey { .. } | JoseError::AmbiguousKey { .. }) => {
            RefusalReason::UnknownKey
        }
        VerifierError::Key(KeyError::BadSignature) => RefusalReason::Signature,
        VerifierError::TooLarge { .. } | VerifierError::Jose(_) | VerifierError::Algorithm { .. } => {
            RefusalReason::MalformedToken
        }
        VerifierError::Unproven { .. }
        | VerifierError::OtherKeyProven { .. }
        | VerifierError::NotBound
        | VerifierError::UnknownConfirmation { .. } => RefusalReason::Binding,
        _ => RefusalReason::Claims,
    }
}
