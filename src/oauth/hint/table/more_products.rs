//! More servers that are installed, as [`products`](super::products).

use super::row::{Row, rows};

pub(super) const WSO2: &[Row] = rows! {
    400 "invalid_request": "No valid JWT assertion found for"|"No valid assertion was found for" => Malformed;
    400 "invalid_request": "Claim values are empty in the given JSON Web Token" => Malformed;
    400 "invalid_request": "Error while parsing the JWT" => Malformed;
    400 "invalid_request": "Claim set is missing in the JWT assertion" => Malformed;
    400 "invalid_request": "Mandatory field :jti is missing" => TokenIdMissing;
    400 "invalid_request": "Mandatory field :* is missing in the JWT assertion" => Malformed
        "add the claim that the text names";
    400 "invalid_request": "Invalid Subject*is found in the JWT" => Subject;
    400 "invalid_request": "Invalid issuer '*' is found in the JWT" => Subject;
    400 "invalid_request": "Client assertion contains multiple audience values" => SingleAudience;
    401 "invalid_client": "Failed to match audience values" => Audience;
    400 "invalid_request": "JWT Token is expired" => Expired;
    400 "invalid_request": "The token is used before the nbf claim value" => NotYetValid;
    400 "invalid_request": "The jwt is too old to use" => Expired
        "sign a new assertion for each request: its iat is older than the server allows";
    400 "invalid_request": "JWT Token with jti: * has been replayed" => TokenIdReused;
    400 "invalid_request": "JTI validation failed" => TokenIdReused;
    400 "invalid_request": "Error occurred while validating the JTI" => ServerFault
        "ask the operator: the server cannot reach its store of jti values";
    400 "invalid_request": "Unable to retrieve the certificate for the service provider"
        | "Unable to locate certificate for JWT" => Certificate
        "upload the certificate, or the URL of a JWK Set, to the application";
    400 "invalid_request": "Error occurred while validating signature using jwks" => KeySetUnreachable;
    400 "invalid_request": "No algorithm is found in the JWT header" => Algorithm;
    400 "invalid_request": "Signature Algorithm not supported" => Algorithm;
    400 "invalid_request": "Public key is not an RSA public key" => Algorithm "use an RSA key, with RS256 or PS256";
    401 "invalid_client": "Signature algorithm used in the request is invalid" => Algorithm;
    401 "invalid_client": "FAPI unsupported signing algorithm" => Algorithm "use PS256 or ES256";
    400 "invalid_request": "Error while retrieving OAuth application with provided JWT information" => UnknownClient;
    401 "invalid_client": "Could not find an existing app for clientId" => UnknownClient;
    401 "invalid_client": "A valid OAuth client could not be found for client_id" => UnknownClient;
    known 401 "invalid_client": "Client credentials are invalid" => Signature, UnknownClient;
    401 "invalid_client": "Unsupported Client Authentication Method" => AuthenticationMethod;
    400 "invalid_request": "The client MUST NOT use more than one authentication method" => AuthenticationMethod;
};

/// The product, and the library zitadel/oidc. The product has one text for every bad assertion.
pub(super) const ZITADEL: &[Row] = rows! {
    known 400/401 "invalid_client": "invalid assertion" => Unspecific, Audience
        "set the audience to the issuer", KeyId, Expired "sign a new assertion: its iat may be one hour old at most";
    400/401 "invalid_client": "empty client assertion" => Malformed;
    400/401 "invalid_client": "no active client not found" => UnknownClient;
    400 "invalid_request": "client authentication must not use more than one method" => AuthenticationMethod;
    400 "invalid_request": "client_id or client_assertion must be provided" => Malformed;
    400 "invalid_request": "invalid client_assertion_type" => AssertionType;
    400/401 "unauthorized_client": "JWT assertion failed" => Unspecific, Audience "set the audience to the issuer", KeyId, Expired;
    400 "invalid_grant": "error fetching keys: clientID not found" => UnknownClient;
    400 "invalid_grant": "error fetching keys: key not found" => KeyId
        "send a kid, and register the public key under it";
    400 "invalid_grant": "error in cryptographic primitive" => Signature
        "register this public key under its kid: another key is there";
    400 "invalid_grant": "signature algorithm not supported" => Algorithm "use RS256, PS256 or ES256";
    400 "invalid_grant": "audience is not valid: Audience must contain" => Audience
        "set the audience to the issuer, byte for byte: the token endpoint is refused";
    known 400 "invalid_grant": "token has expired" => Expired
        "compare this machine's clock with the server's, which may differ by 1 s", Grant;
    400 "invalid_grant": "issuedAt of token is in the future" => NotYetValid
        "compare this machine's clock with the server's, which may differ by 1 s";
};

pub(super) const CAS: &[Row] = rows! {
    500 "-": "Request does not specify a user-agent" => Malformed "send a User-Agent field";
    known 401 "Unauthorized": "No message available" => Unspecific
        "ask the operator: CAS 7 wants its own issuer as iss and the client id as aud, against RFC 7523";
};

pub(super) const MITREID: &[Row] = rows! {
    401 "unauthorized": "Could not find client" => UnknownClient;
    401 "unauthorized": "Signature did not validate for presented JWT authentication" => Signature, Algorithm
        "use RS256 to RS512 or ES256 to ES512: PS* is refused";
    401 "unauthorized": "Unable to create signature validator for method" => Algorithm
        "use RS256 to RS512 or ES256 to ES512";
    401 "unauthorized": "Audience does not match, expected" => Audience
        "set the audience to the issuer or the token endpoint, as the text lists them";
    401 "unauthorized": "Assertion Token is expired" => Expired
        "compare this machine's clock with the server's, which may differ by 300 s";
    401 "unauthorized": "Assertion Token was issued in the future"|"Assertion Token not valid untill" => NotYetValid
        "compare this machine's clock with the server's, which may differ by 300 s";
    401 "invalid_client": "Given client ID does not match authenticated client" => Subject
        "send the sub of the assertion as client_id";
};

pub(super) const CLOUD_FOUNDRY: &[Row] = rows! {
    401 "unauthorized": "Wrong client_assertion" => Subject;
    401 "unauthorized": "Bad client_assertion algorithm" => Algorithm;
    401 "unauthorized": "Bad client_assertion type" => AssertionType;
    401 "unauthorized": "Bad client_assertion" => Malformed, KeySetUnreachable;
    401 "unauthorized": "Unauthorized client_assertion" => Signature, Expired, Audience, Subject;
    401 "unauthorized": "Untrusted client_assertion" => KeyId;
    known 401 "unauthorized": "Bad credentials" => UnknownClient, Malformed
        "check that the assertion has iss, sub, aud, exp and jti";
};

/// Servers made of this crate, and its dev server, which says more.
pub(super) const THIS_CRATE: &[Row] = rows! {
    0 "*": "the audience is *, expected" => Audience "set the audience to a value that the text lists";
    0 "*": "audiences, exactly one is accepted" => SingleAudience;
    0 "*": "the claim `aud` is missing" => Audience;
    0 "*": "the JWT expired at" => Expired;
    0 "*": "the claim `iat` is *s in the future"|"the claim `nbf` is *s in the future" => NotYetValid;
    0 "*": "which is past the year 9999" => Malformed "write the times in seconds since 1970, not in milliseconds";
    0 "*": "the assertion lives *s are accepted"|"the assertion expires in *s are accepted" => Lifetime;
    0 "*": "`jti` of the assertion was used before"|"the assertion was used before; without a `jti`" => TokenIdReused;
    0 "*": "the claim `jti` is missing" => TokenIdMissing;
    0 "*": "iss is *, sub is *; both must be the client id"|"the claim `iss` is missing"|"the claim `sub` is missing"
        | "the form's client_id is *, the assertion's is" => Subject;
    0 "*": "the claim `*` is missing" => Malformed "add the claim that the text names";
    0 "*": "the client_assertion_type is *, expected"|"the form has no `client_assertion_type`" => AssertionType;
    0 "*": "the form has no `client_assertion`" => AuthenticationMethod
        "check that the form arrives whole: the server saw no assertion";
    0 "*": "which is another authentication method"|"the request has both an Authorization header"
        | "the form has a `client_secret`"|"the Authorization header is *private_key_jwt" => AuthenticationMethod;
    0 "*": "the typ is *, expected" => MediaType "set typ to a value that the text lists";
    0 "*": "the algorithm is *, allowed:"|"the algorithm is *, which is client_secret_jwt" => Algorithm;
    0 "*": "no key in the set fits *: no key has that `kid`"|"keys in the set fit" => KeyId;
    0 "*": "no key in the set fits" => KeySet "register the public key, with a use and an alg that fit", KeyId, Algorithm;
    0 "*": "the signature does not verify" => Signature;
    0 "*": "a signature of * bytes cannot be"|"the client_assertion is not signed" => Malformed
        "check that the assertion arrives whole";
    0 "*": "client `*` is not registered" => UnknownClient;
    0 "*": "the JWKS URL of client `*` was not fetched"|"the keys from the JWKS URL of client" => KeySetUnreachable;
    0 "*": "the client_assertion begins with"|"the client_assertion is in quotes"|"the client_assertion is JSON"
        | "the client_assertion contains" => Malformed "check that the assertion arrives as it was signed";
    0 "*": "the replay store" => ServerFault;
};
