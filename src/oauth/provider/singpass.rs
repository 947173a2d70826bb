//! Singpass, by its documentation.

use super::known::Provider;
use crate::oauth::Hint;

pub(super) const SINGPASS: Provider = Provider {
    profile: None,
    texts: &[
        ("The client_assertion has missing or invalid claims", Hint::Unspecific),
        ("The client_assertion could not be validated against known signing keys", Hint::Signature),
    ],
};
