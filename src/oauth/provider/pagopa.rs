//! pagoPA's PDND, by its documentation: one code for every cause.

use super::known::Provider;
use crate::oauth::Hint;

pub(super) const PAGOPA: Provider = Provider {
    profile: None,
    texts: &[
        ("015-0008", Hint::Unspecific),
        ("Unable to generate a token for the given request", Hint::Unspecific),
    ],
};
