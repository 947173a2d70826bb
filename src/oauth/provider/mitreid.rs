//! MITREid Connect 1.3, by tests with it.

use super::known::Provider;
use crate::oauth::Hint;

pub(super) const MITREID: Provider = Provider {
    profile: None,
    texts: &[
        ("Could not find client", Hint::UnknownClient),
        ("Signature did not validate for presented JWT authentication", Hint::Signature),
        ("Unable to create signature validator for method", Hint::Algorithm),
        ("Audience does not match, expected", Hint::Audience),
        ("Given client ID does not match authenticated client", Hint::Subject),
    ],
};
