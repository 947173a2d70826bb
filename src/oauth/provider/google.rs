//! Google, for JWT grants, by its documentation and reports of its users.

use super::known::Provider;
use crate::oauth::Hint;

pub(super) const GOOGLE: Provider = Provider {
    profile: None,
    texts: &[
        ("Invalid JWT Signature", Hint::Signature),
        ("account not found", Hint::UnknownClient),
        ("iat (issued at) is not set", Hint::Malformed),
        ("exp (expiration time) is not set", Hint::Malformed),
        ("Token must be a short-lived token", Hint::Expired),
        ("Invalid JWT: Failed audience check", Hint::Audience),
        ("Invalid email or User ID", Hint::Subject),
        ("Not a valid email", Hint::Subject),
        ("Invalid OAuth scope or ID token audience provided", Hint::Scope),
        ("Client is unauthorized to retrieve access tokens using this method", Hint::Scope),
        ("Unauthorized client or scope in request", Hint::Scope),
    ],
};
