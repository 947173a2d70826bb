//! GOV.UK One Login, by its source.

use super::known::Provider;
use crate::oauth::Hint;

pub(super) const GOVUK_ONE_LOGIN: Provider = Provider {
    profile: None,
    texts: &[
        ("Invalid signature in private_key_jwt", Hint::Signature),
        ("Client is not registered to use private_key_jwt", Hint::AuthenticationMethod),
        ("private_key_jwt has expired", Hint::Expired),
        ("Invalid private_key_jwt", Hint::Malformed),
        ("Failed to fetch or parse JWKS to verify signature of private_key_jwt", Hint::KeySetUnreachable),
    ],
};
