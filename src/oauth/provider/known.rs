use crate::oauth::Profile;

/// A profile, and the name by which [`Profile::known`] lists it.
pub(super) type Named = (&'static str, fn() -> Profile);

/// The access tokens of a provider: the facts that the verifier's preset is made of.
pub(crate) struct TokenShape {
    /// The name of the preset.
    pub(crate) name: &'static str,
    /// The claims that may hold the client id. The first one that is present counts.
    pub(crate) client_id: &'static [&'static str],
    /// Whether every access token has a client id, and ID tokens do not.
    pub(crate) has_client_id: bool,
    /// The claims whose values count as scopes.
    pub(crate) permissions: &'static [&'static str],
    /// Claims that only the provider's other tokens have.
    pub(crate) of_other_tokens: &'static [&'static str],
    /// A claim that has one of these values in every access token, and in no other token.
    pub(crate) one_of: Option<(&'static str, &'static [&'static str])>,
}

impl TokenShape {
    /// Claims that only other tokens have. OpenID Connect Core reserves the first three for ID
    /// tokens: hashes of related values, and the request's nonce. The others mark a JWT response to
    /// introspection (RFC 9701 §5), which has the resource server as audience, and a logout token.
    const OF_OTHER_TOKENS: [&'static str; 5] =
        ["at_hash", "c_hash", "nonce", "token_introspection", Self::LOGOUT_EVENT];

    /// The event of a logout token (OpenID Connect Back-Channel Logout §2.4), as a JSON Pointer.
    pub(crate) const LOGOUT_EVENT: &'static str =
        "/events/http:~1~1schemas.openid.net~1event~1backchannel-logout";

    /// A client id that every access token has, `scope`, and no claims of other tokens.
    pub(super) const fn new(name: &'static str) -> Self {
        Self {
            name,
            client_id: &["client_id"],
            has_client_id: true,
            permissions: &["scope"],
            of_other_tokens: &Self::OF_OTHER_TOKENS,
            one_of: None,
        }
    }
}
