use std::borrow::Cow;

use super::super::setting::{Settings, is_blank};
use super::super::{ClaimProblem, VerifierError};
use super::claim_name::claim;
use super::permissions::PermissionClaims;
use crate::jose::Header;
use crate::jose::error::{excerpt, unlike};
use crate::jose::json::Members;
use crate::jose::secret_form::{Shown, all_shown, setting, settings};

/// The name of a claim, or one of its values.
pub(super) type Text = Cow<'static, str>;

/// Describes the access tokens of one kind of issuer: their `typ`, their claims, the claims that
/// carry the client id and the scopes, and the difference from the issuer's other tokens. Pass it
/// to [`AccessTokenVerifier::profile`](super::AccessTokenVerifier::profile).
///
/// # Presets
///
/// Each preset documents what its issuer sends, based on that issuer's public documentation. All of
/// them except [`rfc9068`](Self::rfc9068) accept `typ: JWT` and a missing `typ` in addition to
/// `at+jwt`, and make every claim optional that they do not name.
///
/// If `typ` cannot tell an access token from an ID token with the same audience, the preset uses
/// other properties of the issuer's tokens, such as a claim that only access tokens have (RFC 8725
/// §3.12). The documentation of the preset names the cases that remain. In general, choose an
/// audience for your API that is not a client's id: then no ID token has it.
///
/// # A profile of your own
///
/// ```
/// use private_key_jwt::verifier::{AccessTokenProfile, AccessTokenVerifier, PermissionClaims};
///
/// let profile = AccessTokenProfile::new("gateway")
///     .client_id_claims(["cid"])
///     .require_value("token_type", ["access"])
///     .refuse_claim("nonce")
///     .permission_claims(PermissionClaims::first_of(["scp", "permissions"]));
/// let verifier = AccessTokenVerifier::new("https://as.example", "https://api.example").profile(profile);
/// ```
///
/// The claims may be JSON Pointers, as in [`PermissionClaims`]. If a name, a value or the list of
/// types is empty, no token is accepted ([`VerifierError::EmptySetting`]).
#[derive(Clone, PartialEq, Eq)]
pub struct AccessTokenProfile {
    pub(super) name: Text,
    /// Whether every claim that RFC 9068 §2.2 requires must be present.
    pub(super) is_strict: bool,
    pub(super) types: Vec<Text>,
    pub(super) accepts_untyped: bool,
    /// The first claim that is present counts.
    pub(super) client_id: Vec<Text>,
    pub(super) requires_client_id: bool,
    pub(super) permissions: PermissionClaims,
    pub(super) rules: Vec<(Text, Rule)>,
    pub(super) settings: Settings,
}

/// A rule for a claim of an access token.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Rule {
    Present,
    Absent,
    OneOf(Vec<Text>),
}

impl AccessTokenProfile {
    /// Creates your own profile. It starts as [`relaxed`](Self::relaxed); the name appears in
    /// errors.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: Cow::Owned(name.into()), ..Self::relaxed() }
    }

    /// Accepts only these values of `typ`, compared without case, with or without `application/`
    /// (RFC 7515 §4.1.9). A token without a `typ` is rejected.
    #[must_use]
    pub fn types(mut self, types: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.types = types.into_iter().map(|typ| Cow::Owned(typ.into())).collect();
        let says_nothing = self.types.is_empty() || self.types.iter().any(|typ| is_blank(typ));
        self.settings.note("AccessTokenProfile::types", says_nothing);
        self.accepts_untyped = false;
        self
    }

    /// Sets the claims that may hold the client id. The first one that is present counts. A client
    /// id that is not a string is an error.
    #[must_use]
    pub fn client_id_claims(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.client_id = names.into_iter().map(|name| Cow::Owned(name.into())).collect();
        self
    }

    /// Rejects tokens without a client id.
    #[must_use]
    pub const fn require_client_id(mut self) -> Self {
        self.requires_client_id = true;
        self
    }

    /// Sets the claims whose values count as scopes.
    #[must_use]
    pub fn permission_claims(mut self, claims: impl Into<PermissionClaims>) -> Self {
        self.permissions = claims.into();
        self
    }

    /// Rejects tokens without this claim.
    #[must_use]
    pub fn require_claim(self, name: impl Into<String>) -> Self {
        self.rule(name.into(), Rule::Present)
    }

    /// Rejects tokens in which this claim is not one of these strings.
    #[must_use]
    pub fn require_value(
        self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let values = values.into_iter().map(|value| Cow::Owned(value.into())).collect();
        self.rule(name.into(), Rule::OneOf(values))
    }

    /// Rejects tokens with this claim. Use it for claims that only other tokens of the issuer have.
    #[must_use]
    pub fn refuse_claim(self, name: impl Into<String>) -> Self {
        self.rule(name.into(), Rule::Absent)
    }

    fn rule(mut self, name: String, rule: Rule) -> Self {
        let setting = match rule {
            Rule::Present => "AccessTokenProfile::require_claim",
            Rule::OneOf(_) => "AccessTokenProfile::require_value",
            Rule::Absent => "AccessTokenProfile::refuse_claim",
        };
        let says_nothing = match &rule {
            Rule::OneOf(values) => values.is_empty() || values.iter().any(|value| is_blank(value)),
            Rule::Present | Rule::Absent => false,
        };
        // A pointer to a member with an empty name is as meaningless as an empty name.
        self.settings.note(setting, says_nothing || is_blank(name.trim_start_matches('/')));
        self.rules.push((Cow::Owned(name), rule));
        self
    }

    /// The name of the profile, for messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn settings(&self) -> Settings {
        self.settings
    }

    pub(super) const fn is_strict(&self) -> bool {
        self.is_strict
    }

    pub(super) const fn permissions(&self) -> &PermissionClaims {
        &self.permissions
    }

    pub(super) fn check_type(&self, header: &Header) -> Result<(), VerifierError> {
        let fits = match header.media_type.as_deref() {
            None => self.accepts_untyped,
            Some(_) => self.types.iter().any(|typ| header.is_typed(typ)),
        };
        if fits {
            return Ok(());
        }
        let expected = settings(&self.types);
        let found =
            header.media_type.as_deref().map(|typ| unlike(typ, expected.iter().map(String::as_str), 256));
        Err(VerifierError::AccessTokenType { found, expected })
    }

    /// Whether the claims are those of an access token.
    pub(super) fn check_kind(&self, claims: &Members<'_>) -> Result<(), VerifierError> {
        for (name, rule) in &self.rules {
            let problem = match (rule, claim(claims, name)) {
                (Rule::Present, None) | (Rule::OneOf(_), None) => ClaimProblem::Missing,
                (Rule::Absent, Some(_)) => ClaimProblem::Present,
                (Rule::OneOf(values), Some(claim)) => {
                    let found = claim.text();
                    if found.is_some_and(|found| values.iter().any(|value| value == found)) {
                        continue;
                    }
                    let expected = settings(values);
                    ClaimProblem::Value { found: found.map(excerpt), expected }
                }
                (Rule::Present, Some(_)) | (Rule::Absent, None) => continue,
            };
            return Err(self.not_an_access_token(name, problem));
        }
        Ok(())
    }

    pub(super) fn client_id<'c>(&self, claims: &'c Members<'_>) -> Result<Option<&'c str>, VerifierError> {
        let found = self.client_id.iter().find_map(|name| Some((name, claim(claims, name)?)));
        match found {
            Some((name, claim)) => {
                let unusable = || VerifierError::UnusableClaim { claim: excerpt(name), expected: "a string" };
                claim.text().map(Some).ok_or_else(unusable)
            }
            None if self.requires_client_id => {
                Err(self.not_an_access_token(&self.client_id.join("` or `"), ClaimProblem::Missing))
            }
            None => Ok(None),
        }
    }

    fn not_an_access_token(&self, claim: &str, problem: ClaimProblem) -> VerifierError {
        let (profile, claim) = (setting(&self.name), setting(claim));
        VerifierError::NotAnAccessToken { profile, claim, problem: Box::new(problem) }
    }
}

impl std::fmt::Debug for AccessTokenProfile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rules: Vec<_> = self.rules.iter().map(|(name, rule)| (Shown(name), rule)).collect();
        f.debug_struct("AccessTokenProfile")
            .field("name", &Shown(&self.name))
            .field("is_strict", &self.is_strict)
            .field("types", &all_shown(&self.types))
            .field("accepts_untyped", &self.accepts_untyped)
            .field("client_id", &all_shown(&self.client_id))
            .field("requires_client_id", &self.requires_client_id)
            .field("permissions", &self.permissions)
            .field("rules", &rules)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Present => f.write_str("Present"),
            Self::Absent => f.write_str("Absent"),
            Self::OneOf(values) => f.debug_tuple("OneOf").field(&all_shown(values)).finish(),
        }
    }
}

/// [`AccessTokenProfile::rfc9068`].
impl Default for AccessTokenProfile {
    fn default() -> Self {
        Self::rfc9068()
    }
}
