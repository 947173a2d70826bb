//! WSO2 Identity Server, by its source.

use super::known::Provider;
use crate::oauth::Hint;

pub(super) const WSO2: Provider = Provider {
    profile: None,
    texts: &[
        ("No valid JWT assertion found for", Hint::Malformed),
        ("No valid assertion was found for", Hint::Malformed),
        ("Claim values are empty in the given JSON Web Token", Hint::Malformed),
        ("Error while parsing the JWT", Hint::Malformed),
        ("Claim set is missing in the JWT assertion", Hint::Malformed),
        ("Mandatory field :jti is missing", Hint::TokenIdMissing),
        ("Mandatory field :* is missing in the JWT assertion", Hint::Malformed),
        ("Invalid Subject*is found in the JWT", Hint::Subject),
        ("Invalid issuer '*' is found in the JWT", Hint::Subject),
        ("Client assertion contains multiple audience values", Hint::SingleAudience),
        ("Failed to match audience values", Hint::Audience),
        ("JWT Token with jti: * has been replayed", Hint::TokenIdReused),
        ("JTI validation failed", Hint::TokenIdReused),
        ("Unable to retrieve the certificate for the service provider", Hint::Certificate),
        ("Unable to locate certificate for JWT", Hint::Certificate),
        ("Error occurred while validating signature using jwks", Hint::KeySetUnreachable),
        ("No algorithm is found in the JWT header", Hint::Algorithm),
        ("Signature Algorithm not supported", Hint::Algorithm),
        ("Public key is not an RSA public key", Hint::Algorithm),
        ("Signature algorithm used in the request is invalid", Hint::Algorithm),
        ("FAPI unsupported signing algorithm", Hint::Algorithm),
        ("Error while retrieving OAuth application with provided JWT information", Hint::UnknownClient),
        ("Could not find an existing app for clientId", Hint::UnknownClient),
        ("A valid OAuth client could not be found for client_id", Hint::UnknownClient),
        ("Unsupported Client Authentication Method", Hint::AuthenticationMethod),
        ("The client MUST NOT use more than one authentication method", Hint::AuthenticationMethod),
    ],
};
