//! Maskinporten, for JWT grants, by its documentation. Its texts begin with a code.

use super::known::Provider;
use crate::oauth::Hint;

pub(super) const MASKINPORTEN: Provider = Provider {
    profile: None,
    texts: &[
        ("MP-110", Hint::Audience),
        ("MP-120", Hint::Certificate),
        ("MP-121", Hint::Certificate),
        ("MP-122", Hint::Certificate),
        ("MP-123", Hint::Certificate),
        ("MP-124", Hint::Signature),
        ("MP-130", Hint::Expired),
        ("MP-012", Hint::TokenIdReused),
        ("MP-011", Hint::Malformed),
        ("MP-200", Hint::Scope),
        ("MP-201", Hint::Scope),
        ("MP-250", Hint::Scope),
        ("MP-251", Hint::Scope),
        ("MP-100", Hint::UnknownClient),
    ],
};
