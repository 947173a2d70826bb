//! Servers made of Authlib, such as Canaille, by their source. A bad signature has no text.

use super::known::Provider;
use crate::oauth::Hint;

pub(super) const AUTHLIB: Provider = Provider {
    profile: None,
    texts: &[
        ("Missing claim: 'sub'", Hint::Subject),
        ("Invalid claim: 'sub'", Hint::Subject),
        ("Invalid claim: 'iss'", Hint::Subject),
        ("Invalid claim: 'aud'", Hint::Audience),
        ("Missing claim: 'aud'", Hint::Malformed),
        ("Missing claim: 'exp'", Hint::Malformed),
        ("Missing claim: 'iss'", Hint::Malformed),
        ("The client does not exist on this server", Hint::UnknownClient),
        ("Issuer and Subject MUST match", Hint::Subject),
        ("Missing JWT ID", Hint::TokenIdMissing),
        ("JWT ID is used before", Hint::TokenIdReused),
        ("The client cannot authenticate with method", Hint::AuthenticationMethod),
        ("Invalid JWT assertion", Hint::Malformed),
        ("Invalid JWT payload", Hint::Malformed),
        ("must be a NumericDate value", Hint::Malformed),
        ("No key for kid", Hint::KeyId),
        ("Algorithm of '*' is not supported", Hint::Algorithm),
        ("Algorithm of '*' is not allowed", Hint::Algorithm),
        ("Algorithm of '*' is not recommended", Hint::Algorithm),
    ],
};
