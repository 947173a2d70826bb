//! Cloud Foundry's UAA, by its source.

use super::known::Provider;
use crate::oauth::Hint;

pub(super) const CLOUD_FOUNDRY: Provider = Provider {
    profile: None,
    texts: &[
        ("Wrong client_assertion", Hint::Subject),
        ("Bad client_assertion algorithm", Hint::Algorithm),
        ("Bad client_assertion type", Hint::AssertionType),
        ("Bad client_assertion", Hint::Malformed),
        ("Unauthorized client_assertion", Hint::Unspecific),
        ("Untrusted client_assertion", Hint::KeyId),
        ("Bad credentials", Hint::Unspecific),
    ],
};
