#[cfg(feature = "client")]
use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::OAuthError;
use crate::jose::secret_form::Shown;

/// The scopes of a request (RFC 6749 §3.3): `"a b"`, `["a", "b"]`, or `()` for none. With `()`, the
/// server chooses.
///
/// ```
/// use private_key_jwt::Scope;
///
/// assert_eq!(Scope::from("api:read api:write"), Scope::from(["api:read", "api:write"]));
/// assert!(Scope::from(()).is_empty());
/// ```
#[derive(Clone, Default)]
pub struct Scope {
    /// The scopes, separated by single spaces.
    text: String,
    /// Whether an element of a list was blank, such as a variable that is not set. It is no scope,
    /// and matters only where scopes are required.
    has_blank: bool,
}

impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Scope {}

impl Hash for Scope {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scope").field(&Shown(&self.text)).finish()
    }
}

impl Scope {
    /// Whether there are no scopes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether it cannot be required of a token, because it is empty or contains a blank scope.
    pub(crate) fn says_nothing(&self) -> bool {
        let is_blank =
            |scope: &str| scope.chars().all(|character| character.is_whitespace() || character.is_control());
        self.has_blank || self.is_empty() || self.iter().any(is_blank)
    }

    /// The single scopes, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.text.split_terminator(' ')
    }

    /// The scopes without duplicates, in an order that does not depend on the given one: RFC 6749
    /// §3.3 gives their order no meaning.
    #[cfg(feature = "client")]
    pub(crate) fn in_order(&self) -> Cow<'_, str> {
        if self.iter().is_sorted_by(|one, next| one < next) {
            return Cow::Borrowed(&self.text);
        }
        let mut scopes: Vec<&str> = self.iter().collect();
        scopes.sort_unstable();
        scopes.dedup();
        Cow::Owned(scopes.join(" "))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    fn push(&mut self, scopes: &str) {
        for scope in scopes.split(' ').filter(|scope| !scope.is_empty()) {
            if !self.text.is_empty() {
                self.text.push(' ');
            }
            self.text.push_str(scope);
        }
    }

    /// RFC 6749 §3.3: `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`.
    pub(crate) fn check(&self) -> Result<(), OAuthError> {
        let allowed = |byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        if self.text.bytes().all(allowed) { Ok(()) } else { Err(OAuthError::Scope) }
    }
}

impl From<&str> for Scope {
    fn from(scopes: &str) -> Self {
        let mut all = Self { text: String::with_capacity(scopes.len()), has_blank: false };
        all.push(scopes);
        all
    }
}

impl From<&String> for Scope {
    fn from(scopes: &String) -> Self {
        Self::from(scopes.as_str())
    }
}

impl From<String> for Scope {
    fn from(scopes: String) -> Self {
        Self::from(scopes.as_str())
    }
}

impl<S: Into<String>, const N: usize> From<[S; N]> for Scope {
    fn from(scopes: [S; N]) -> Self {
        scopes.into_iter().collect()
    }
}

impl<S: Into<String>> From<Vec<S>> for Scope {
    fn from(scopes: Vec<S>) -> Self {
        scopes.into_iter().collect()
    }
}

impl<S: Into<String> + Clone> From<&[S]> for Scope {
    fn from(scopes: &[S]) -> Self {
        scopes.iter().cloned().collect()
    }
}

impl From<()> for Scope {
    fn from((): ()) -> Self {
        Self::default()
    }
}

impl<S: Into<String>> FromIterator<S> for Scope {
    fn from_iter<I: IntoIterator<Item = S>>(scopes: I) -> Self {
        let mut all = Self::default();
        for scope in scopes {
            let scope = scope.into();
            all.has_blank |= scope.trim().is_empty();
            all.push(&scope);
        }
        all
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6749_3_3_scopes_are_separated_by_one_space() {
        assert_eq!(Scope::from(" a  b ").to_string(), "a b");
        assert_eq!(Scope::from(vec!["a", "b c"]).to_string(), "a b c");
        assert_eq!(Scope::from(String::new()), Scope::from(()));
    }

    #[cfg(feature = "client")]
    #[test]
    fn rfc6749_3_3_the_order_of_scopes_means_nothing() {
        for (scope, expected) in [
            ("", ""),
            ("a", "a"),
            ("a b", "a b"),
            ("b a", "a b"),
            ("b a b", "a b"),
            ("a a", "a"),
            ("a B", "B a"),
        ] {
            assert_eq!(Scope::from(scope).in_order(), expected);
        }
        assert!(matches!(Scope::from("a b").in_order(), Cow::Borrowed(_)));
    }

    #[test]
    fn rfc6749_3_3_the_characters_are_bounded() {
        assert!(Scope::from("https://api.example/.default urn:x:y !").check().is_ok());
        for scope in ["a\"b", "a\\b", "a\nb", "ä", "a\tb"] {
            assert!(matches!(Scope::from(scope).check(), Err(OAuthError::Scope)), "{scope:?}");
        }
    }
}
