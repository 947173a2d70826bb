//! Salesforce, for JWT grants, by its documentation and reports of its users.

use super::known::Provider;
use crate::oauth::Hint;

pub(super) const SALESFORCE: Provider = Provider {
    profile: None,
    texts: &[
        ("audience is invalid", Hint::Audience),
        ("client identifier invalid", Hint::UnknownClient),
        ("External client app is not installed in this org", Hint::UnknownClient),
    ],
};
