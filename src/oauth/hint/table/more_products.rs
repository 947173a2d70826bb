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

/// The product, and the library zitadel/oidc, by its source at 81322d9. The product has one text
/// for every bad assertion.
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
    400 "invalid_grant": "issuedAt of token is to old" => Expired
        "sign a new assertion for each request: its iat may be one hour old at most";
    400 "invalid_grant": "issuedAt of token is missing" => Malformed "add iat to the assertion";
    400/500 "invalid_grant"|"server_error": "delegation not allowed, issuer and sub must be identical" => Subject;
    400 "invalid_grant": "invalid signature (*multiple possible keys match" => KeyId
        "send a kid: the client has several keys";
    400 "invalid_grant": "invalid signature (*no possible keys matches" => KeyId;
    400 "invalid_grant": "signature does not match Payload" => Signature;
    400 "invalid_request": "parsing of request failed" => Malformed "check that the assertion arrives whole";
    400/401 "invalid_client": "private_key_jwt not allowed for this client" => AuthenticationMethod
        "check that the form arrives whole: the client is registered for private_key_jwt, but the server saw no assertion";
    400/401 "invalid_client": "auth_method private_key_jwt not supported"|"client_assertion not supported" => AuthenticationMethod
        "ask the operator: private_key_jwt is switched off at this server";
    400/401 "invalid_client": "invalid client_id / client_secret"|"auth_method post not supported"|"invalid basic auth header" => AuthenticationMethod
        "send no client_secret and no Authorization header: the server read them, not an assertion";
    400/401 "invalid_client": "client must be authenticated" => AuthenticationMethod
        "check that the form arrives whole: the server saw no assertion";
    400 "unauthorized_client": "client missing grant type"|"grant_type * not allowed" => GrantType;
    400 "unsupported_grant_type": "client_credentials grant not supported" => GrantType
        "use a grant that this server offers";
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
