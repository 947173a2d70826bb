use std::borrow::Cow;

use super::super::VerifierError;
use super::claim_name::claim;
use crate::jose::error::excerpt;
use crate::jose::json::{Json, Members};
use crate::jose::secret_form::all_shown;
use crate::oauth::Scope;

/// The claims whose values count as scopes. They apply to
/// [`AccessTokenClaims::scope`](super::AccessTokenClaims::scope),
/// [`has_scope`](super::AccessTokenClaims::has_scope),
/// [`require_scope`](super::AccessTokenVerifier::require_scope) and `server::RequireScope`.
///
/// ```
/// use private_key_jwt::verifier::{AccessTokenVerifier, PermissionClaims};
///
/// let verifier = AccessTokenVerifier::new("https://as.example", "https://api.example").relaxed();
/// // The scopes of the client and the roles of the user together.
/// let both = verifier.clone().permission_claims(["scope", "/realm_access/roles"]);
/// // `scp` if the token has it, and `roles` only if it does not.
/// let one = verifier.permission_claims(PermissionClaims::first_of(["scp", "roles"]));
/// ```
///
/// A claim may be a string with values separated by spaces (RFC 6749 §3.3), or an array of strings,
/// each of them one value. An element with a space is ignored, since no scope contains one. Read
/// such claims with [`custom`](super::AccessTokenClaims::custom). A claim of any other JSON type is
/// an error. An absent claim grants nothing.
///
/// Common names: `scope`, `scp` (Okta, Entra ID, Ory Hydra), `roles` (Entra ID), `permissions`
/// (Auth0), `cognito:groups` (Cognito). A name that begins with a slash is a JSON Pointer (RFC
/// 6901) to a nested claim: `/realm_access/roles` (Keycloak). Escape a slash within a name as `~1`.
///
/// Combine only claims that mean the same: with `["scope", "roles"]`, a user with the role `admin`
/// passes a check for the scope `admin`, even if the client was never granted it.
#[derive(Clone, PartialEq, Eq)]
pub struct PermissionClaims {
    names: Vec<Cow<'static, str>>,
    first_only: bool,
}

impl std::fmt::Debug for PermissionClaims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PermissionClaims")
            .field("names", &all_shown(&self.names))
            .field("first_only", &self.first_only)
            .finish()
    }
}

impl PermissionClaims {
    /// Uses the values of all these claims together.
    #[must_use]
    pub fn all_of(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { names: names.into_iter().map(|name| Cow::Owned(name.into())).collect(), first_only: false }
    }

    /// Uses the values of the first of these claims that the token has; the others are ignored.
    #[must_use]
    pub fn first_of(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { first_only: true, ..Self::all_of(names) }
    }

    pub(super) fn of(names: &[&'static str]) -> Self {
        Self { names: names.iter().copied().map(Cow::Borrowed).collect(), first_only: true }
    }

    /// Reads the scopes of a token. If `strict`, `scope` must be a string (RFC 9068 §2.2.3).
    pub(super) fn read(&self, claims: &Members<'_>, strict: bool) -> Result<Scope, VerifierError> {
        let mut present = self.names.iter().filter_map(|name| Some((name, claim(claims, name)?)));
        match (present.next(), self.first_only) {
            (None, _) => Ok(Scope::default()),
            (Some((_, Json::Text(text))), true) => Ok(Scope::from(&**text)),
            (Some(first), first_only) => {
                let mut values = Vec::new();
                let rest = present.take(if first_only { 0 } else { self.names.len() });
                for (name, claim) in std::iter::once(first).chain(rest) {
                    add(&mut values, name, claim, strict)?;
                }
                Ok(Scope::from(values.join(" ")))
            }
        }
    }
}

fn add<'a>(
    values: &mut Vec<&'a str>,
    name: &str,
    claim: &'a Json<'_>,
    strict: bool,
) -> Result<(), VerifierError> {
    let wrong = |expected| VerifierError::UnusableClaim { claim: excerpt(name), expected };
    let is_scope = strict && name == "scope";
    let elements: Option<Vec<&str>> = match claim {
        Json::Text(text) => {
            values.push(text);
            return Ok(());
        }
        Json::Array(elements) => elements.iter().map(Json::text).collect(),
        _ => None,
    };
    match elements {
        None if is_scope => Err(wrong("a string")),
        None => Err(wrong("a string or an array of strings")),
        Some(_) if is_scope => {
            let (claim, found, expected) = ("scope", "an array of strings", "a string");
            Err(VerifierError::NotRfc9068 { claim, found, expected })
        }
        Some(elements) => {
            // An element is one value: the role "read admin" must not become two scopes.
            values.extend(elements.into_iter().filter(|element| !element.contains(' ')));
            Ok(())
        }
    }
}

impl From<&str> for PermissionClaims {
    fn from(name: &str) -> Self {
        Self::all_of([name])
    }
}

impl<S: Into<String>, const N: usize> From<[S; N]> for PermissionClaims {
    fn from(names: [S; N]) -> Self {
        Self::all_of(names)
    }
}

impl<S: Into<String>> From<Vec<S>> for PermissionClaims {
    fn from(names: Vec<S>) -> Self {
        Self::all_of(names)
    }
}
