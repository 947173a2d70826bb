//! What a request asks for: scopes, and parameters of the request and of its user.

use zeroize::Zeroizing;

use super::resource::is_resource;
use super::text::safe_url;
use super::{OAuthError, Scope};
use crate::jose::error::excerpt;
use crate::jose::secret_form::Shown;

/// The parameters that authenticate a client. A request uses one method (RFC 6749 §2.3): the
/// assertion, which the request adds itself.
const AUTHENTICATION: [&str; 4] = ["client_id", "client_secret", "client_assertion", "client_assertion_type"];

/// The only parameter that any request may repeat (RFC 8707 §2).
pub(super) const RESOURCE: &str = "resource";

/// The parameters of a request. Each name appears once (RFC 6749 §3.2) except `resource`. The user
/// cannot set the parameters that the request sets itself. The values are wiped on drop: some are
/// codes and tokens.
#[derive(Clone, Default)]
pub(super) struct Parameters(Vec<Parameter>);

#[derive(Clone)]
struct Parameter {
    name: Name,
    value: Zeroizing<String>,
}

#[derive(Clone)]
enum Name {
    /// A parameter that the request sets itself.
    Own(&'static str),
    /// A parameter that the user of the request added.
    Added(String),
}

impl Parameter {
    fn name(&self) -> &str {
        match &self.name {
            Name::Own(name) => name,
            Name::Added(name) => name,
        }
    }
}

impl Parameters {
    /// Sets one of the request's own parameters, or replaces its value.
    pub(super) fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.0.retain(|parameter| parameter.name() != name);
        self.0.push(Parameter { name: Name::Own(name), value: Zeroizing::new(value.into()) });
    }

    /// Adds a parameter for the user.
    pub(super) fn add(
        &mut self,
        reserved: &[&str],
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<(), OAuthError> {
        self.add_or_repeat(reserved, &[RESOURCE], name, value)
    }

    /// As [`Parameters::add`], with the names that may be repeated. A repeated value is sent once.
    pub(super) fn add_or_repeat(
        &mut self,
        reserved: &[&str],
        repeatable: &[&str],
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<(), OAuthError> {
        let (name, value) = (name.into(), Zeroizing::new(value.into()));
        if AUTHENTICATION.contains(&name.as_str()) || reserved.contains(&name.as_str()) {
            return Err(OAuthError::ReservedParameter { name });
        }
        if name == RESOURCE && !is_resource(&value) {
            return Err(OAuthError::Resource { resource: safe_url(&value) });
        }
        check_filled(&name, &value)?;
        let may_repeat = repeatable.contains(&name.as_str());
        for present in self.0.iter().filter(|parameter| parameter.name() == name) {
            match present.name {
                Name::Own(_) => return Err(OAuthError::ReservedParameter { name }),
                Name::Added(_) if !may_repeat => {
                    return Err(OAuthError::DuplicateParameter { name: excerpt(&name) });
                }
                Name::Added(_) if present.value == value => return Ok(()),
                Name::Added(_) => {}
            }
        }
        self.0.push(Parameter { name: Name::Added(name), value });
        Ok(())
    }

    /// Adds a resource (RFC 8707 §2).
    pub(super) fn add_resource(&mut self, resource: impl Into<String>) -> Result<(), OAuthError> {
        self.add(&[], RESOURCE, resource)
    }

    /// Adds the user's parameters from `others`, except those whose name is already present.
    #[cfg(feature = "client")]
    pub(super) fn add_all_of_user(&mut self, others: &Self) {
        // Filter before adding: `others` may contain a name several times.
        let is_new = |other: &&Parameter| !self.0.iter().any(|present| present.name() == other.name());
        let added = others.0.iter().filter(|other| matches!(other.name, Name::Added(_)));
        let new: Vec<Parameter> = added.filter(is_new).cloned().collect();
        self.0.extend(new);
    }

    /// Rejects empty parameters of the request itself.
    pub(super) fn check_filled(&self) -> Result<(), OAuthError> {
        self.0.iter().try_for_each(|parameter| check_filled(parameter.name(), &parameter.value))
    }

    #[cfg(feature = "client")]
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.0.iter().map(|parameter| (parameter.name(), parameter.value.as_str()))
    }
}

/// The scopes and the other parameters of a request.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct ScopedParameters {
    pub(super) scope: Scope,
    pub(super) parameters: Parameters,
}

impl ScopedParameters {
    const SCOPE: &str = "scope";

    /// Adds a parameter for the user, as [`Parameters::add_or_repeat`].
    pub(super) fn add(
        &mut self,
        reserved: &[&str],
        repeatable: &[&str],
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<(), OAuthError> {
        let name = name.into();
        if name == Self::SCOPE {
            return Err(OAuthError::ReservedParameter { name });
        }
        self.parameters.add_or_repeat(reserved, repeatable, name, value)
    }

    /// The pairs of the form, the scopes first.
    pub(super) fn pairs(&self) -> Result<impl Iterator<Item = (&str, &str)> + Clone, OAuthError> {
        self.scope.check()?;
        let scope = Some(self.scope.as_str()).filter(|scope| !scope.is_empty());
        Ok(scope.map(|scope| (Self::SCOPE, scope)).into_iter().chain(self.parameters.pairs()))
    }
}

impl std::hash::Hash for Parameters {
    /// Hashes names and values in order: they tell two requests of a client apart.
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        for (name, value) in self.pairs() {
            (name, value).hash(state);
        }
    }
}

impl std::fmt::Debug for Parameters {
    /// Shows the names only: some of the values are secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|parameter| Shown(parameter.name()))).finish()
    }
}

/// Parameters by which a server checks something, or that name the audience of a token. An empty
/// one counts as absent (RFC 6749 §3.1), which would drop the check.
const FILLED: [&str; 4] = ["redirect_uri", "state", "nonce", "audience"];

fn check_filled(name: &str, value: &str) -> Result<(), OAuthError> {
    match FILLED.into_iter().find(|filled| *filled == name) {
        Some(name) if value.trim().is_empty() => Err(OAuthError::EmptyParameter { name }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(parameters: &Parameters) -> Vec<&str> {
        parameters.pairs().map(|(name, _)| name).collect()
    }

    #[test]
    fn rfc6749_2_3_no_second_way_to_authenticate_and_rfc6749_3_2_no_parameter_twice() {
        let mut parameters = Parameters::default();
        parameters.set("code", "c");
        for name in
            ["client_id", "client_secret", "client_assertion", "client_assertion_type", "code", "scope"]
        {
            let result = parameters.add(&["scope"], name, "x");
            assert!(matches!(result, Err(OAuthError::ReservedParameter { name: found }) if found == name));
        }
        parameters.add(&[], "nonce", "n").unwrap();
        assert!(matches!(
            parameters.add(&[], "nonce", "m"),
            Err(OAuthError::DuplicateParameter { name }) if name == "nonce"
        ));
        parameters.set("code", "d");
        assert_eq!(names(&parameters), ["nonce", "code"]);
        assert_eq!(parameters.pairs().last(), Some(("code", "d")));
    }

    #[test]
    fn rfc8707_2_a_resource_may_be_repeated_and_nothing_else() {
        let mut parameters = Parameters::default();
        for resource in ["urn:a", "urn:b", "urn:a"] {
            parameters.add_resource(resource).unwrap();
        }
        parameters.add(&[], "resource", "urn:c").unwrap();
        let pairs: Vec<_> = parameters.pairs().collect();
        assert_eq!(pairs, [("resource", "urn:a"), ("resource", "urn:b"), ("resource", "urn:c")]);
        parameters.add_or_repeat(&[], &["audience"], "audience", "x").unwrap();
        parameters.add_or_repeat(&[], &["audience"], "audience", "y").unwrap();
        let twice = parameters.add(&[], "audience", "z");
        assert!(matches!(twice, Err(OAuthError::DuplicateParameter { name }) if name == "audience"));
        for no_uri in [parameters.add_resource("api"), parameters.add(&[], "resource", "api")] {
            assert!(matches!(no_uri, Err(OAuthError::Resource { resource }) if resource == "api"));
        }
    }

    #[test]
    fn debug_shows_no_value() {
        let mut parameters = Parameters::default();
        parameters.set("code", "secret");
        assert_eq!(format!("{parameters:?}"), r#"["code"]"#);
    }
}
