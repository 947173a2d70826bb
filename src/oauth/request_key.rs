//! What the cache of a client asks of a token request: which requests are the same, and what may be
//! sent again.

use std::borrow::Cow;

use zeroize::Zeroizing;

use super::{GrantType, Scope, TokenRequest};

impl TokenRequest {
    /// Whether the same request may be sent again for another token.
    pub(crate) const fn is_repeatable(&self) -> bool {
        self.grant_type.is_cacheable()
    }

    /// Whether the token is for the client itself.
    pub(crate) fn is_of_client(&self) -> bool {
        self.grant_type == GrantType::ClientCredentials
    }

    /// Whether the token is for the client itself and the request carries only scopes. Any other
    /// parameter may come from outside and cause a refusal.
    pub(crate) fn is_of_client_alone(&self) -> bool {
        self.is_of_client() && self.access.parameters.is_empty()
    }

    /// The same request with a refresh token. It keeps the parameters of its user, such as a
    /// resource (RFC 8707 §2.2), but not the scopes: the server may have granted fewer (RFC 6749
    /// §6).
    pub(crate) fn renewed_with(&self, refresh_token: &str) -> Self {
        let mut request = Self::refresh_token(refresh_token);
        request.access.parameters.add_all_of_user(&self.access.parameters);
        request
    }

    /// A text that is equal for equal requests, regardless of the order in which their parts were
    /// set. `None` if the request cannot be sent, or must not be repeated. It may hold secrets.
    pub(crate) fn key(&self) -> Option<Zeroizing<String>> {
        self.access.scope.check().ok().filter(|()| self.is_repeatable())?;
        let scope = self.access.scope.in_order();
        let mut pairs: Vec<(&str, &str)> = self.access.parameters.pairs().collect();
        if self.is_of_client() && pairs.is_empty() {
            return Some(Zeroizing::new(scope.into_owned()));
        }
        pairs.sort_unstable();
        let room: usize = pairs.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
        let grant_type = self.grant_type.as_str();
        let mut key = Zeroizing::new(String::with_capacity(scope.len() + grant_type.len() + 3 + room));
        // No scope begins with a space or contains two in a row, so this key never equals that of a
        // request with scopes alone.
        key.push(' ');
        key.push_str(&scope);
        key.push_str("  ");
        key.push_str(grant_type);
        form_urlencoded::Serializer::new(&mut *key).extend_pairs(pairs);
        Some(key)
    }

    /// The [key](Self::key) of a request for the client itself with nothing but scopes.
    pub(crate) fn key_of_client_credentials(scope: &Scope) -> Cow<'_, str> {
        scope.in_order()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::{CodeVerifier, JwtGrant};

    #[test]
    fn requests_of_one_key_are_the_same_in_another_order() {
        let request = |scope: &str, parameters: &[(&str, &str)]| {
            parameters.iter().fold(TokenRequest::from(scope), |request, (name, value)| {
                request.parameter(*name, *value).unwrap()
            })
        };
        let key = |scope, parameters| request(scope, parameters).key().unwrap().to_string();
        assert_eq!(key("b a", &[]), "a b");
        assert_eq!(key("b a", &[]), TokenRequest::key_of_client_credentials(&Scope::from("a b")));
        let one = key("a b", &[("resource", "urn:x"), ("audience", "y&z")]);
        assert_eq!(one, key("b a b", &[("audience", "y&z"), ("resource", "urn:x")]));
        assert_eq!(one, " a b  client_credentials&audience=y%26z&resource=urn%3Ax");
        assert_ne!(one, TokenRequest::key_of_client_credentials(&Scope::from(one.as_str())));
        let both = |one, other| [("resource", one), ("resource", other)];
        let (ab, ba) = (both("urn:a", "urn:b"), both("urn:b", "urn:a"));
        assert_eq!(key("a", &ab), key("a", &ba));
        let keys = [
            one,
            key("", &[]),
            key("a", &[]),
            key("a", &[("x", "")]),
            key("a", &[("x", "y")]),
            key("a", &[("x", "y&z=1")]),
            key("a", &[("x", "y"), ("z", "1")]),
            key("a", &[("resource", "urn:a")]),
            key("a", &[("resource", "urn:a"), ("resource", "urn:b")]),
            key("", &[("scopes", "a")]),
            TokenRequest::jwt_bearer(&JwtGrant::from_jwt("j")).scope("a").key().unwrap().to_string(),
            TokenRequest::jwt_bearer(&JwtGrant::from_jwt("k")).scope("a").key().unwrap().to_string(),
        ];
        assert_eq!(keys.iter().collect::<std::collections::HashSet<_>>().len(), keys.len());
        // Requests that cannot be sent, or must not be repeated.
        assert!(request("a\nb", &[]).key().is_none());
        let verifier = CodeVerifier::from_random(&[7; 32]);
        assert!(TokenRequest::authorization_code("c", "https://app.example/cb", &verifier).key().is_none());
        assert!(TokenRequest::refresh_token("r").key().is_none());
    }

    #[test]
    fn rfc6749_6_a_refresh_takes_the_parameters_along_and_neither_grant_nor_scope() {
        let request = TokenRequest::jwt_bearer(&JwtGrant::from_jwt("j")).scope("a");
        let request = request.resource("urn:x").unwrap().resource("urn:y").unwrap();
        let renewed = request.renewed_with("r");
        assert_eq!((renewed.grant_type, renewed.access.scope.is_empty()), (GrantType::RefreshToken, true));
        let pairs: Vec<_> = renewed.access.parameters.pairs().collect();
        assert_eq!(pairs, [("refresh_token", "r"), ("resource", "urn:x"), ("resource", "urn:y")]);
        assert!(renewed.parameter("refresh_token", "s").is_err());
    }
}
