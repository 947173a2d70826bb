use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::super::VerifierError;
use super::super::claims::CLAIMS_SET;
use super::confirmation::Confirmation;
use crate::jose::error::excerpt;
use crate::jose::json;
use crate::oauth::Scope;

/// The claims of an access token that has a valid signature and is meant for this resource server.
pub struct AccessTokenClaims {
    pub(super) issuer: String,
    pub(super) subject: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) token_id: Option<String>,
    pub(super) audience: Vec<String>,
    pub(super) scope: Scope,
    pub(super) exp: i64,
    pub(super) iat: Option<i64>,
    pub(super) confirmation: Option<Confirmation>,
    pub(super) payload: Vec<u8>,
}

impl AccessTokenClaims {
    /// The issuer (`iss`): one of the verifier's accepted issuers. Subjects and client ids are
    /// unique within one issuer only.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The subject (`sub`): a user, or the client if it requested the token for itself. It is
    /// always present unless the profile makes it optional
    /// ([`AccessTokenProfile`](super::AccessTokenProfile)): PingOne, for example, sends none to
    /// machine clients.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// The client that requested the token: `client_id`, or the claim that the profile names. It is
    /// always present unless the profile makes it optional.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// The identifier of the token (`jti`). It is always present unless the profile makes it
    /// optional.
    #[must_use]
    pub fn token_id(&self) -> Option<&str> {
        self.token_id.as_deref()
    }

    /// All audiences of the token (`aud`). At least one of them is the verifier's, unless the list
    /// is empty
    /// ([`accept_missing_audience_from`](super::AccessTokenVerifier::accept_missing_audience_from)).
    #[must_use]
    pub fn audience(&self) -> &[String] {
        &self.audience
    }

    /// The scopes: the values of the [permission claims](super::PermissionClaims), by default those
    /// of `scope`.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Whether the token has this scope.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scope.iter().any(|found| found == scope)
    }

    /// The keys that the token is bound to (`cnf`), if there are any. Their proof was checked,
    /// unless the verifier [accepts](super::AccessTokenVerifier::accept_bound_without_proof) such
    /// tokens without a proof.
    #[must_use]
    pub const fn confirmation(&self) -> Option<&Confirmation> {
        self.confirmation.as_ref()
    }

    /// When the token expires (`exp`).
    #[must_use]
    pub fn expires_at(&self) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp(self.exp).ok()
    }

    /// When the token was issued (`iat`).
    #[must_use]
    pub fn issued_at(&self) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp(self.iat?).ok()
    }

    /// Deserializes the claims into your own type, such as one with the claims of your issuer. The
    /// type sees all claims; unknown members are ignored.
    ///
    /// # Errors
    ///
    /// [`VerifierError::CustomClaims`] if the claims do not fit the type.
    pub fn custom<T: DeserializeOwned>(&self) -> Result<T, VerifierError> {
        serde_json::from_slice(&self.payload)
            .map_err(|error| VerifierError::CustomClaims(json::syntax(CLAIMS_SET, &error)))
    }

    /// All claims.
    #[must_use]
    pub fn all(&self) -> Map<String, Value> {
        // The payload was parsed before, so this cannot fail.
        json::object(CLAIMS_SET, &self.payload).unwrap_or_default()
    }
}

impl std::fmt::Debug for AccessTokenClaims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessTokenClaims")
            .field("issuer", &self.issuer)
            .field("subject", &self.subject.as_deref().map(excerpt))
            .field("client_id", &self.client_id.as_deref().map(excerpt))
            .finish_non_exhaustive()
    }
}
