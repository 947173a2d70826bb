//! Checks access tokens as a resource server does.
//!
//! The verifier holds the caller's decisions (issuers, audiences, scopes). `profile` and `presets`
//! describe the tokens of one kind of issuer, `permissions` says which claims carry scopes,
//! `confirmation` says which key a token is bound to, and `check` applies them to a payload.

mod bound_to;
mod check;
mod claim_name;
mod claims;
mod confirmation;
mod permissions;
mod presets;
mod profile;
#[cfg(feature = "tower")]
mod unverified;

use std::time::Duration;

use time::OffsetDateTime;

pub use bound_to::BoundTo;
#[cfg(feature = "tower")]
pub(crate) use check::unknown_issuer;
pub use claims::AccessTokenClaims;
pub use confirmation::{Confirmation, ProofOfPossession};
pub use permissions::PermissionClaims;
pub use profile::AccessTokenProfile;
#[cfg(feature = "tower")]
pub(crate) use unverified::unverified_issuer;

use super::VerifierError;
use super::claims::check_signature;
use super::rules::JwtRules;
use crate::jose::Algorithm;
use crate::jose::secret_form::all_shown;
use crate::keys::PublicKeySet;
use crate::oauth::Scope;

/// Checks access tokens that are JWTs (RFC 9068), as a resource server does.
///
/// By default, the check is strict: `typ: at+jwt`, every claim that RFC 9068 §2.2 requires, `scope`
/// as a string, one issuer and one audience, every algorithm of this crate, a lifetime of at most
/// 366 days, and clocks that differ by at most 10 s. A token that is bound to a key (`cnf`) needs a
/// [proof](Self::verify_with_proof).
///
/// An empty setting never disables a check. If an issuer, audience, client id or scope is empty or
/// only white space, [`verify`](Self::verify) rejects every token and names the setting
/// ([`VerifierError::EmptySetting`]).
///
/// ```no_run
/// use private_key_jwt::PublicKeySet;
/// use private_key_jwt::verifier::AccessTokenVerifier;
/// use time::OffsetDateTime;
///
/// #[derive(serde::Deserialize)]
/// struct Tenant {
///     tenant: String,
/// }
///
/// # fn handle(keys: &PublicKeySet, bearer: &str) -> Result<(), private_key_jwt::verifier::VerifierError> {
/// let verifier = AccessTokenVerifier::new("https://as.example", "https://api.example").require_scope("orders:read");
/// let claims = verifier.verify(keys, bearer, OffsetDateTime::now_utc())?;
/// let Tenant { tenant } = claims.custom()?;
/// println!("{:?} of {tenant}", claims.subject());
/// # Ok(()) }
/// ```
///
/// # Issuers that do not follow RFC 9068
///
/// Most issuers do not follow RFC 9068. [`AccessTokenProfile`] has a preset for each of the common
/// ones. A preset defines which claims carry the client id and the scopes, and how an access token
/// is told from an ID token:
///
/// ```
/// use private_key_jwt::verifier::{AccessTokenProfile, AccessTokenVerifier};
///
/// let verifier = AccessTokenVerifier::new("https://login.microsoftonline.com/TENANT_ID/v2.0", "API_CLIENT_ID")
///     .profile(AccessTokenProfile::entra_id());
/// ```
///
/// [`relaxed`](Self::relaxed) accepts the tokens of any issuer, at a higher price.
#[derive(Clone)]
pub struct AccessTokenVerifier {
    issuers: Vec<String>,
    audiences: Vec<String>,
    clients_without_audience: Vec<String>,
    scopes: Vec<String>,
    accepts_unproven: bool,
    rules: JwtRules,
    profile: AccessTokenProfile,
    permissions: Option<PermissionClaims>,
}

impl std::fmt::Debug for AccessTokenVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessTokenVerifier")
            .field("issuers", &all_shown(&self.issuers))
            .field("audiences", &all_shown(&self.audiences))
            .field("clients_without_audience", &all_shown(&self.clients_without_audience))
            .field("scopes", &all_shown(&self.scopes))
            .field("accepts_unproven", &self.accepts_unproven)
            .field("profile", &self.profile)
            .field("permissions", &self.permissions)
            .field("rules", &self.rules)
            .finish()
    }
}

impl AccessTokenVerifier {
    /// The maximum length of a token, in bytes. Longer tokens are not decoded.
    pub const MAX_TOKEN_LEN: usize = JwtRules::MAX_LEN;
    /// The largest accepted [`leeway`](Self::leeway).
    pub const MAX_LEEWAY: Duration = JwtRules::MAX_LEEWAY;
    /// The default of [`longest_lifetime`](Self::longest_lifetime): 366 days.
    pub const LONGEST_LIFETIME: Duration = Duration::from_secs(366 * 24 * 3600);

    /// Accepts tokens of this issuer for this audience, which is the resource server's own name.
    /// Both are compared byte for byte (RFC 9068 §4).
    #[must_use]
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self::of(issuer.into()).accept_audience(audience)
    }

    /// Accepts tokens of this issuer that have no `aud`, from these clients only. Tokens with an
    /// `aud` are rejected.
    ///
    /// [`accept_missing_audience_from`](Self::accept_missing_audience_from) describes the price.
    #[must_use]
    pub fn without_audience(
        issuer: impl Into<String>,
        client_ids: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self::of(issuer.into()).accept_missing_audience_from(client_ids)
    }

    fn of(issuer: String) -> Self {
        let mut rules = JwtRules::new(Self::LONGEST_LIFETIME);
        rules.settings.text("issuer", &issuer);
        Self {
            issuers: vec![issuer],
            audiences: Vec::new(),
            clients_without_audience: Vec::new(),
            scopes: Vec::new(),
            accepts_unproven: false,
            rules,
            profile: AccessTokenProfile::default(),
            permissions: None,
        }
    }

    /// Accepts tokens of another issuer as well; each call adds one.
    ///
    /// Any key of the set may sign for any of the issuers, so the issuers must be trusted to speak
    /// for each other, as the tenants of Entra ID are. Issuers with keys of their own need one
    /// verifier each.
    #[must_use]
    pub fn accept_issuer(mut self, issuer: impl Into<String>) -> Self {
        let issuer = issuer.into();
        self.rules.settings.text("accept_issuer", &issuer);
        self.issuers.push(issuer);
        self
    }

    /// Accepts tokens for another audience as well; each call adds one. A token needs only one of
    /// the accepted audiences.
    #[must_use]
    pub fn accept_audience(mut self, audience: impl Into<String>) -> Self {
        let audience = audience.into();
        self.rules.settings.text("audience", &audience);
        self.audiences.push(audience);
        self
    }

    /// Accepts a token that has no `aud` (Cognito, ID-porten, MITREid Connect), or an empty array
    /// (Ory Hydra), if one of these clients requested it. The client id comes from the claim that
    /// the profile names. A token with an `aud` still needs an audience that this verifier accepts.
    ///
    /// The price is the protection that `aud` gives (RFC 8725 §3.9): a token that one of these
    /// clients obtained for another API of the same issuer is accepted here, so that API can replay
    /// it. Require a scope that only this API uses.
    #[must_use]
    pub fn accept_missing_audience_from(
        mut self,
        client_ids: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        for client_id in client_ids {
            let client_id = client_id.into();
            self.rules.settings.text("accept_missing_audience_from", &client_id);
            self.clients_without_audience.push(client_id);
        }
        self
    }

    /// Sets what the tokens of the issuer look like. Default: [`AccessTokenProfile::rfc9068`].
    #[must_use]
    pub fn profile(mut self, profile: AccessTokenProfile) -> Self {
        self.profile = profile;
        self
    }

    /// Accepts tokens that do not follow RFC 9068. Short for [`AccessTokenProfile::relaxed`], which
    /// describes the price.
    #[must_use]
    pub fn relaxed(self) -> Self {
        self.profile(AccessTokenProfile::relaxed())
    }

    /// Sets the claims whose values count as scopes, instead of those of the profile:
    /// `["scope", "roles"]` for all of them together, or [`PermissionClaims::first_of`]. This call
    /// and [`profile`](Self::profile) may come in any order.
    #[must_use]
    pub fn permission_claims(mut self, claims: impl Into<PermissionClaims>) -> Self {
        self.permissions = Some(claims.into());
        self
    }

    /// Allows only these algorithms (RFC 8725 §3.2). Default: all algorithms of this crate.
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.rules.allow(algorithms);
        self
    }

    /// Sets the maximum difference between the clocks, at most 60 s. Default: 10 s.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.rules.set_leeway(leeway);
        self
    }

    /// Sets the longest lifetime of a token, from `iat` to `exp`, or from now if there is no `iat`.
    /// Default: [`LONGEST_LIFETIME`](Self::LONGEST_LIFETIME).
    ///
    /// The default exceeds what issuers offer: Auth0 and PingOne allow up to 30 days, Kubernetes up
    /// to a year. It rejects tokens that never expire: if such a token leaks, it stays usable for
    /// as long as the key is published. A longer limit weakens this protection. Set a shorter one
    /// if you know your issuer's limit.
    #[must_use]
    pub fn longest_lifetime(mut self, lifetime: Duration) -> Self {
        self.rules.set_longest_lifetime(lifetime);
        self
    }

    /// Accepts a token that is bound to a key (`cnf`) even if no proof of that key is passed to
    /// [`verify_with_proof`](Self::verify_with_proof). If a proof is passed, it must still be for
    /// that key.
    ///
    /// The price is the protection that the binding gives: a stolen token is accepted from everyone
    /// (RFC 9449 §7.2). Use it only to inspect a token, or behind a gateway that checks the proof
    /// of every request and that no request can bypass.
    #[must_use]
    pub const fn accept_bound_without_proof(mut self) -> Self {
        self.accepts_unproven = true;
        self
    }

    /// Rejects tokens without this scope; each call adds one or several. An empty scope, such as a
    /// variable that is not set, does not match every token: the verifier then rejects all tokens.
    #[must_use]
    pub fn require_scope(mut self, scope: impl Into<Scope>) -> Self {
        let scope = scope.into();
        self.rules.settings.note("require_scope", scope.says_nothing());
        self.scopes.extend(scope.iter().map(str::to_owned));
        self
    }

    /// The accepted issuers, in the order in which they were added.
    #[must_use]
    pub fn issuers(&self) -> &[String] {
        &self.issuers
    }

    /// The accepted audiences, in the order in which they were added. A token needs one of them.
    #[must_use]
    pub fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// All required scopes.
    #[cfg(feature = "tower")]
    pub(crate) fn required_scope(&self) -> Scope {
        Scope::from(self.scopes.as_slice())
    }

    /// Fails if a setting is empty: such a verifier rejects every token.
    #[cfg(feature = "tower")]
    pub(crate) fn check_settings(&self) -> Result<(), VerifierError> {
        self.profile.settings().check()?;
        self.rules.settings.check()
    }

    /// Checks a bearer token (RFC 9068 §4): type and algorithm, signature, then the claims. A token
    /// that is bound to a key is rejected (RFC 9449 §7.2, RFC 8705 §3).
    ///
    /// # Errors
    ///
    /// [`VerifierError`] for the first check that fails. RFC 6750 §3.1 defines the response:
    /// `insufficient_scope` for [`VerifierError::MissingScope`], `invalid_token` for the rest.
    pub fn verify(
        &self,
        keys: &PublicKeySet,
        token: &str,
        now: OffsetDateTime,
    ) -> Result<AccessTokenClaims, VerifierError> {
        self.verify_with_proof(keys, token, &ProofOfPossession::default(), now)
    }

    /// As [`verify`](Self::verify), with the sender's proofs. The caller checks the proof itself
    /// (the DPoP proof, or the certificate of the TLS connection). This method compares it with
    /// what the token is bound to. A token that is bound to several keys needs a proof of each.
    ///
    /// ```
    /// # use private_key_jwt::verifier::{AccessTokenClaims, AccessTokenVerifier, ProofOfPossession, VerifierError};
    /// # use private_key_jwt::PublicKeySet;
    /// # use time::OffsetDateTime;
    /// # fn handle(
    /// #     verifier: &AccessTokenVerifier, keys: &PublicKeySet, token: &str, client_certificate: &[u8],
    /// # ) -> Result<AccessTokenClaims, VerifierError> {
    /// let proof = ProofOfPossession::default().certificate(client_certificate);
    /// let claims = verifier.verify_with_proof(keys, token, &proof, OffsetDateTime::now_utc())?;
    /// # Ok(claims) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify). For the binding: [`VerifierError::Unproven`],
    /// [`VerifierError::OtherKeyProven`], [`VerifierError::NotBound`],
    /// [`VerifierError::UnknownConfirmation`].
    pub fn verify_with_proof(
        &self,
        keys: &PublicKeySet,
        token: &str,
        proof: &ProofOfPossession,
        now: OffsetDateTime,
    ) -> Result<AccessTokenClaims, VerifierError> {
        self.profile.settings().check()?;
        let jws = self.rules.parse(token)?;
        let header = jws.header();
        self.profile.check_type(header)?;
        self.rules.check_algorithm(header.algorithm, None)?;
        check_signature(keys, header, jws.signing_input(), jws.signature())?;
        let (_, payload, _) = jws.into_parts();
        self.check_claims(payload, proof, now.unix_timestamp())
    }
}
