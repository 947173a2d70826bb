use crate::jose::secret_form::setting;
use crate::keys::caused;
use crate::transport::TransportError;
use crate::verifier::VerifierError;

/// Why a layer cannot be built.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BearerLayerError {
    /// There is no issuer whose tokens would be accepted.
    #[error("the layer has no issuer; pass the keys and the verifier of at least one")]
    NoIssuer,
    /// Two verifiers accept tokens of the same issuer, so none can be chosen.
    #[error("two verifiers accept the issuer `{issuer}`; pass one that accepts all of its audiences")]
    DuplicateIssuer {
        /// The issuer.
        issuer: String,
    },
    /// A setting of a verifier is empty, such as an audience from a variable that is not set.
    #[error(fmt = verifier)]
    Verifier {
        /// The first issuer of the verifier.
        issuer: String,
        /// Names the setting.
        source: VerifierError,
    },
    /// The issuer is not a URL whose metadata can be fetched.
    #[error(fmt = discovery)]
    Discovery {
        /// The issuer.
        issuer: String,
        /// What is wrong with it.
        source: TransportError,
    },
    /// The required scope is empty, or one of several is.
    #[error("the required scope is empty; name a scope, or remove the layer")]
    EmptyScope,
}

impl BearerLayerError {
    pub(super) fn verifier(issuer: &str, source: VerifierError) -> Self {
        Self::Verifier { issuer: setting(issuer), source }
    }

    pub(super) fn discovery(issuer: &str, source: TransportError) -> Self {
        Self::Discovery { issuer: setting(issuer), source }
    }
}

caused! {
    verifier(issuer: &str) by source: &VerifierError => "the verifier for the issuer `{issuer}` cannot be used";
    discovery(issuer: &str) by source: &TransportError => "the issuer `{issuer}` cannot be discovered";
}
