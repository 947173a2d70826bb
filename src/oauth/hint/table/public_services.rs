//! Servers of governments and hospitals: their texts by source and documentation (2026-11).

use super::row::{Row, rows};

/// The text is in the `error` code.
pub(super) const LOGIN_GOV: &[Row] = rows! {
    400 "*": "Client assertion Invalid audience claim, expected" => Audience
        "set the audience to the token endpoint as the metadata has it";
    400 "*": "Client assertion iat must be an integer or floating point Unix timestamp" => NotYetValid;
    400 "*": "Client assertion Could not validate assertion against any registered public keys" => Certificate
        "register the certificate of this key for the environment that is called";
    400 "*": "Client assertion Signature verification failed" => Signature;
    400 "*": "Client assertion Signature has expired" => Expired;
    400 "*": "Client assertion Signature nbf has not been reached" => NotYetValid;
    400 "*": "Client assertion Invalid issuer. Expected" => Subject, UnknownClient;
    400 "*": "Client assertion Invalid subject. Expected" => Subject;
    400 "*": "Client assertion Expected a different algorithm" => Algorithm "use RS256";
    400 "*": "Client assertion Not enough or too many segments" => Malformed;
    400 "*": "Client assertion type is not included in the list" => AssertionType;
    400 "*": "Client must authenticate via PKCE or private_key_jwt, missing either code_challenge or client_assertion" => AuthenticationMethod;
};

pub(super) const GOVUK_ONE_LOGIN: &[Row] = rows! {
    400 "invalid_client": "Invalid signature in private_key_jwt" => Signature, Audience, Subject;
    400 "invalid_client": "Client is not registered to use private_key_jwt" => AuthenticationMethod;
    400 "invalid_grant": "private_key_jwt has expired" => Expired;
    known 400 "invalid_client": "Client authentication failed" => UnknownClient;
    400 "invalid_request": "Invalid private_key_jwt" => Malformed;
    400 "server_error": "Failed to fetch or parse JWKS to verify signature of private_key_jwt" => KeySetUnreachable,
        KeyId "send a kid that the registered JWK Set has", Algorithm "use an RSA key";
};

pub(super) const NHS_ENGLAND: &[Row] = rows! {
    400 "invalid_request": "Missing 'kid' header in client_assertion JWT" => KeyId;
    401 "invalid_request": "Invalid 'kid' header in client_assertion JWT - no matching public key" => KeyId;
    400 "invalid_request": "Invalid 'typ' header in client_assertion JWT" => MediaType "set typ to JWT";
    400 "invalid_request": "Missing 'alg' header in client_assertion JWT"|"Invalid 'alg' header in client_assertion JWT" => Algorithm
        "use RS512: NHS England takes no other algorithm";
    400 "invalid_request": "Missing 'exp' claim in client_assertion JWT" => Malformed "add exp to the assertion";
    400 "invalid_request": "Invalid 'exp' claim in client_assertion JWT - must be an integer" => Malformed
        "write exp as a whole number";
    400 "invalid_request": "Invalid 'exp' claim in client_assertion JWT - more than 5 minutes in future" => Lifetime
        "let the assertion expire within 5 minutes, and check the clock";
    400 "invalid_request": "Invalid 'exp' claim in client_assertion JWT - JWT has expired" => Expired;
    400 "invalid_request": "Missing or non-matching 'iss'/'sub' claims in client_assertion JWT" => Subject;
    401 "invalid_request": "Invalid 'iss'/'sub' claims in client_assertion JWT" => UnknownClient
        "use the API key of an application of this environment";
    400 "invalid_request": "Missing 'jti' claim in client_assertion JWT" => TokenIdMissing;
    400 "invalid_request": "Missing '*' claim in client_assertion JWT" => Malformed "add the claim that the text names";
    400 "invalid_request": "Invalid 'jti' claim in client_assertion JWT" => Malformed
        "write jti as a string, such as a UUID";
    400 "invalid_request": "Non-unique 'jti' claim in client_assertion JWT" => TokenIdReused;
    401 "invalid_request": "Missing or invalid 'aud' claim in client_assertion JWT" => Audience
        "set the audience to the token endpoint that is called";
    400 "invalid_request": "Malformed JWT in client_assertion" => Malformed;
    400 "invalid_request": "Missing or invalid client_assertion_type" => AssertionType;
    400 "invalid_request": "Missing client_assertion" => Malformed;
    415 "invalid_request": "Content-Type header must be application/x-www-form-urlencoded" => Malformed
        "send the form as application/x-www-form-urlencoded";
    0 "access_denied": "The developer app associated with the API key is not approved or revoked" => UnknownClient
        "get the application approved for this API in the developer portal";
    401 "public_key error": "JWT signature verification failed" => Signature;
    403 "public_key error": "The JWKS endpoint, for your client_assertion can't be reached" => KeySetUnreachable;
    403 "public_key error": "You need to register a public key to use this authentication method" => KeySet
        "register the URL of a JWK Set for the application in the developer portal";
};

pub(super) const MASKINPORTEN: &[Row] = rows! {
    400 "invalid_grant": "MP-110"|"Invalid assertion. Client authentication failed. Invalid JWT claim aud" => Audience
        "set the audience to the issuer of this environment, with its slash at the end";
    400 "invalid_grant": "MP-120"|"The JWT is signed with an invalid certificate" => Certificate;
    400 "invalid_grant": "MP-121"|"Expired key" => Certificate "register a new key: each lasts one year";
    400 "*": "MP-122"|"Does not match certificate orgno" => Certificate
        "use an enterprise certificate of the organisation that owns the client";
    400 "*": "MP-123"|"Invalid JWT header x5c" => Certificate
        "send x5c as an array of strings, or a kid instead";
    400 "*": "MP-124"|"Invalid JWT signature" => Signature;
    400 "*": "MP-130"|"JWT is expired" => Expired
        "make a new grant for each request, valid for at most 120 s, and check the clock";
    400 "*": "MP-012"|"Grant is used before" => TokenIdReused;
    400 "*": "Issue time is after now" => NotYetValid;
    400 "invalid_request": "MP-011"|"Invalid assertion. Invalid parameter value" => Malformed;
    400 "*": "MP-200"|"Token request contains invalid scopes for client" => Scope;
    400 "*": "MP-201"|"Token request contains scopes not allowed for maskinporten" => Scope;
    403 "*": "MP-250"|"Consumer has not been granted access to the scope" => Scope
        "ask the owner of the API to grant the scope to the organisation";
    403 "*": "MP-251"|"has not delegated access to the scope" => Scope
        "ask the consumer to delegate the scope to the supplier in Altinn";
    400 "invalid_grant": "MP-100"|"Invalid assertion. Client authentication failed" => UnknownClient;
};

/// One code for every cause.
pub(super) const PDND: &[Row] = rows! {
    400 "-": "015-0008"|"Unable to generate a token for the given request" => Unspecific
        "debug the assertion in PDND's own portal: PDND has one code for every cause", Expired, Audience, Subject;
};

pub(super) const SINGPASS: &[Row] = rows! {
    400/401 "invalid_client": "The client_assertion has missing or invalid claims" => Subject, Audience, Expired, Malformed
        "check that the assertion has iss, sub, aud, iat, exp and jti", NotYetValid, Lifetime
        "let the assertion expire within two minutes", TokenIdReused;
    400/401 "invalid_client": "The client_assertion could not be validated against known signing keys" => Signature,
        KeyId "send the kid of a signing key in the registered JWK Set", KeySet;
};

/// One answer for every cause: the `error_description` is `null`.
pub(super) const EPIC: &[Row] = rows! {
    known 400 "invalid_client": "^$" => Unspecific, KeySet
        "save the key or the URL of its JWK Set for this environment, and wait: a new key can take hours",
        Algorithm "use RS384", Lifetime "let the assertion expire within 5 minutes", TokenIdReused;
};

pub(super) const SMART_LAUNCHER: &[Row] = rows! {
    400 "invalid_client": "Missing 'scope' parameter" => Scope "send a scope, such as system/*.rs";
    400 "invalid_client": "Missing 'client_assertion_type' parameter" => AssertionType;
    400 "invalid_client": "Invalid 'client_assertion_type' parameter. Must be" => AssertionType;
    400 "invalid_client": "Missing 'client_assertion' parameter" => Malformed;
    401 "invalid_client": "Missing token 'jti' claim" => TokenIdMissing;
    401 "invalid_client": "Missing token 'iss' claim"|"Missing token 'sub' claim"|"Missing token 'aud' claim"
        | "Missing token 'exp' claim" => Malformed "add the claim that the text names";
    401 "invalid_client": "Invalid token 'typ' header. Must be 'JWT'" => MediaType "set typ to JWT";
    401 "invalid_client": "Missing token 'kid' header" => KeyId;
    401 "invalid_client": "Missing token 'alg' header" => Algorithm;
    401 "invalid_client": "The token sub does not match the token iss claim" => Subject;
    401 "invalid_client": "Invalid token 'aud' value" => Audience
        "set the audience to the token endpoint as the metadata has it";
    401 "invalid_client": "Failed to fetch JWKS from" => KeySetUnreachable;
    401 "invalid_client": "JWKS does not have a \"keys\" property" => KeySet;
    401 "invalid_client": "None of the keys found in the JWKS have alg equal to" => KeySet
        "publish the JWK with the alg that the assertion has", Algorithm;
    401 "invalid_client": "None of the keys found in the JWKS have kid equal to" => KeyId;
    401 "invalid_client": "No usable public keys found in the JWKS" => KeySet;
    401 "invalid_client": "Multiple usable public keys found in the JWKS" => KeySet
        "publish each JWK under a kid of its own";
    401 "invalid_client": "Invalid token. jwt expired" => Expired;
    401 "invalid_client": "Invalid token. invalid signature" => Signature;
    401 "invalid_client": "Invalid 'client_id' (as sub claim of the assertion JWT)" => UnknownClient;
    401 "invalid_request": "Could not decode the \"client_assertion\" parameter" => Malformed;
    401 "invalid_request": "Invalid jku header of the assertion token" => KeySet
        "send no jku, or the registered URL of the JWK Set";
    401 "invalid_scope": "Only system scopes are allowed" => Scope "request system/ scopes only";
    401 "invalid_scope": "No scope(s) could be granted" => Scope;
};

pub(super) const SMART_BULK_DATA: &[Row] = rows! {
    400 "invalid_grant": "Invalid token 'aud' value. Must be" => Audience
        "set the audience to the token endpoint as the metadata has it";
    400 "invalid_grant": "The given iss '*' does not match the registered" => Subject;
    400 "invalid_grant": "is different than the one used at registration time" => KeySet
        "send no jku, or the registered URL of the JWK Set";
    400 "invalid_grant": "No public keys found in the JWKS with \"kid\" equal to" => KeyId;
    400 "invalid_grant": "Unable to verify the token with any of the public keys found in the JWKS" => Signature;
    400 "invalid_grant": "The remote jwks object has no keys array" => KeySet;
    400 "invalid_client": "Requesting the remote JWKS returned an error" => KeySetUnreachable;
    400 "invalid_request": "Missing client_assertion_type parameter" => AssertionType;
    400 "invalid_request": "Invalid client_assertion_type parameter. Must be" => AssertionType;
    400 "invalid_request": "Invalid registration token" => Malformed;
    400 "invalid_request": "Invalid request content-type header" => Malformed
        "send the form as application/x-www-form-urlencoded";
    400 "invalid_scope": "No access could be granted for scopes" => Scope;
};
