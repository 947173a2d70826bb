//! Servers made of oidc-provider, such as Logto, by their source.

use super::known::Provider;
use crate::oauth::Hint;

pub(super) const OIDC_PROVIDER: Provider = Provider {
    profile: None,
    texts: &[
        ("invalid client_assertion format", Hint::Malformed),
        ("client_assertion_type must be provided", Hint::AssertionType),
        ("client_assertion_type must have value", Hint::AssertionType),
        ("client_id mismatch", Hint::Subject),
        ("client authentication must only be provided using one mechanism", Hint::AuthenticationMethod),
        ("no client authentication mechanism provided", Hint::AuthenticationMethod),
        ("must not be provided twice", Hint::Malformed),
    ],
};
