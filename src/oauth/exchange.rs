use zeroize::Zeroizing;

use crate::jose::secret_form::Shown;

/// The kind of a token (RFC 8693 §3).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenKind {
    /// An OAuth 2.0 access token.
    AccessToken,
    /// An OAuth 2.0 refresh token.
    RefreshToken,
    /// An OpenID Connect ID token.
    IdToken,
    /// A SAML 1.1 assertion, base64url-encoded.
    Saml1,
    /// A SAML 2.0 assertion, base64url-encoded.
    Saml2,
    /// A JWT (RFC 7519) for any other use.
    Jwt,
    /// This identifier.
    Other(String),
}

impl TokenKind {
    /// The token type identifier.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::AccessToken => "urn:ietf:params:oauth:token-type:access_token",
            Self::RefreshToken => "urn:ietf:params:oauth:token-type:refresh_token",
            Self::IdToken => "urn:ietf:params:oauth:token-type:id_token",
            Self::Saml1 => "urn:ietf:params:oauth:token-type:saml1",
            Self::Saml2 => "urn:ietf:params:oauth:token-type:saml2",
            Self::Jwt => "urn:ietf:params:oauth:token-type:jwt",
            Self::Other(identifier) => identifier,
        }
    }
}

/// A token exchange (RFC 8693 §2.1): the token of the subject, and that of the actor.
///
/// ```
/// use private_key_jwt::TokenRequest;
/// use private_key_jwt::oauth::{TokenExchange, TokenKind};
///
/// let exchange = TokenExchange::new("the user's token", TokenKind::AccessToken)
///     .actor("this service's token", TokenKind::AccessToken);
/// let request = TokenRequest::token_exchange(&exchange).scope("orders:read").audience("orders")?;
/// # let _ = request;
/// # Ok::<(), private_key_jwt::oauth::OAuthError>(())
/// ```
#[derive(Clone)]
pub struct TokenExchange {
    subject: (Zeroizing<String>, TokenKind),
    actor: Option<(Zeroizing<String>, TokenKind)>,
    requested: Option<TokenKind>,
}

impl TokenExchange {
    /// Starts an exchange of this token. The new token will be on behalf of its subject.
    #[must_use]
    pub fn new(subject_token: impl Into<String>, kind: TokenKind) -> Self {
        Self { subject: (Zeroizing::new(subject_token.into()), kind), actor: None, requested: None }
    }

    /// Adds the token of the party that acts for the subject.
    #[must_use]
    pub fn actor(mut self, actor_token: impl Into<String>, kind: TokenKind) -> Self {
        self.actor = Some((Zeroizing::new(actor_token.into()), kind));
        self
    }

    /// Requests this kind of token. By default, the server chooses.
    #[must_use]
    pub fn requesting(mut self, kind: TokenKind) -> Self {
        self.requested = Some(kind);
        self
    }

    /// The form pairs.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let (subject, subject_kind) = &self.subject;
        let actor = self
            .actor
            .iter()
            .flat_map(|(actor, kind)| [("actor_token", actor.as_str()), ("actor_token_type", kind.as_str())]);
        [("subject_token", subject.as_str()), ("subject_token_type", subject_kind.as_str())]
            .into_iter()
            .chain(actor)
            .chain(self.requested.as_ref().map(|kind| ("requested_token_type", kind.as_str())))
    }
}

impl std::fmt::Debug for TokenExchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenExchange")
            .field("subject", &self.subject.1)
            .field("actor", &self.actor.as_ref().map(|(_, kind)| kind))
            .field("requested", &self.requested)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for TokenKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AccessToken => "AccessToken",
            Self::RefreshToken => "RefreshToken",
            Self::IdToken => "IdToken",
            Self::Saml1 => "Saml1",
            Self::Saml2 => "Saml2",
            Self::Jwt => "Jwt",
            Self::Other(identifier) => return f.debug_tuple("Other").field(&Shown(identifier)).finish(),
        })
    }
}

impl From<&str> for TokenKind {
    fn from(identifier: &str) -> Self {
        [Self::AccessToken, Self::RefreshToken, Self::IdToken, Self::Saml1, Self::Saml2, Self::Jwt]
            .into_iter()
            .find(|kind| kind.as_str() == identifier)
            .unwrap_or_else(|| Self::Other(identifier.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc8693_3_every_identifier_is_read_as_what_it_was_written_for() {
        for kind in ["access_token", "refresh_token", "id_token", "saml1", "saml2", "jwt"] {
            let identifier = format!("urn:ietf:params:oauth:token-type:{kind}");
            let read = TokenKind::from(identifier.as_str());
            assert!(!matches!(read, TokenKind::Other(_)), "{identifier}");
            assert_eq!(read.as_str(), identifier);
        }
        assert_eq!(TokenKind::from("urn:x"), TokenKind::Other("urn:x".to_owned()));
    }

    #[test]
    fn debug_shows_kinds_and_no_token() {
        let exchange = TokenExchange::new("secret", TokenKind::Jwt).actor("secret", TokenKind::AccessToken);
        let debug = format!("{exchange:?}");
        assert!(debug.contains("Jwt") && !debug.contains("secret"), "{debug}");
    }
}
