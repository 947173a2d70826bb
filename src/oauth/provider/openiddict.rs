//! Servers made of OpenIddict, by its source.

use super::known::Provider;
use crate::oauth::Hint;

pub(super) const OPENIDDICT: Provider = Provider {
    profile: None,
    texts: &[
        ("The signing key associated to the specified token was not found", Hint::KeyId),
        ("The signature associated to the specified token is not valid", Hint::Signature),
        ("The specified token is not of the expected type", Hint::MediaType),
        ("The issuer associated to the specified token is not valid", Hint::Subject),
        ("The specified token is invalid", Hint::Unspecific),
        ("The specified client credentials are invalid", Hint::Unspecific),
        ("The '*' client authentication method is not supported", Hint::AuthenticationMethod),
        ("The 'aud' claim returned in the specified client assertion doesn't match", Hint::Audience),
        ("The 'iss' claim returned in the specified client assertion doesn't match", Hint::Subject),
        ("The 'sub' claim returned in the specified client assertion doesn't match", Hint::Subject),
        ("The mandatory '*' claim cannot be found in the specified client assertion", Hint::Malformed),
        (
            "claim extracted from the specified client assertion is malformed or isn't of the expected type",
            Hint::Malformed,
        ),
        ("Multiple client credentials cannot be specified", Hint::AuthenticationMethod),
        (
            "The 'client_assertion' parameter cannot be used without 'client_assertion_type'",
            Hint::AssertionType,
        ),
    ],
};
