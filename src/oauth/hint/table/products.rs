//! Servers that are installed: their texts by source, and by tests with some of them (2026-11).

use super::row::{Row, rows};

/// Version 26, then older ones.
pub(super) const KEYCLOAK: &[Row] = rows! {
    400 "invalid_request": "DPoP proof is missing" => DpopProof
        "send a DPoP proof, or switch DPoP-bound tokens off for this client";
    400 "invalid_client": "Parameter client_assertion_type is missing" => AssertionType;
    400 "invalid_client": "Parameter client_assertion_type has value '*' but expected is" => AssertionType;
    400 "invalid_client": "client_assertion parameter missing" => Malformed;
    400 "invalid_client": "Token sub claim is required" => Subject;
    400 "invalid_client": "client_id parameter does not match sub claim" => Subject;
    400 "invalid_client": "Invalid signature algorithm" => Algorithm
        "use the signature algorithm that is set in the client's credentials";
    400 "invalid_client": "Unable to load public key" => KeyId
        "register the public key under this kid; a client with a certificate needs Keycloak's own kid, or none",
        KeySet "set \"use\": \"sig\" in the registered JWK Set: Keycloak ignores a JWK without it",
        KeySetUnreachable "check that Keycloak reaches the jwks_uri; it reads it at most every 10 s";
    400 "invalid_client": "Invalid token audience" => Audience
        "set the audience to the realm's issuer as its metadata has it, without a slash at the end";
    400 "invalid_client": "Multiple audiences not allowed" => SingleAudience;
    400 "invalid_client": "Token exp claim is required" => Malformed "add exp to the assertion";
    400 "invalid_client": "Token is not active" => Expired, NotYetValid
        "compare this machine's clock with the server's, which may differ by 15 s, or send no nbf";
    400 "invalid_client": "Token expiration is too far in the future and iat claim not present in token" => Lifetime
        "add iat, or let the assertion expire within the client's maximum, by default 60 s";
    400 "invalid_client": "Token was issued in the future" => NotYetValid
        "compare this machine's clock with the server's, which may differ by 15 s";
    400 "invalid_client": "Token was issued too far in the past to be used now" => Expired
        "sign a new assertion for each request, and check the clock: it works for 60 s after iat, whatever its exp";
    400 "invalid_client": "Token jti claim is required" => TokenIdMissing;
    400 "invalid_client": "Token * claim is required" => Malformed "add the claim that the text names";
    400 "invalid_client": "Token reuse detected" => TokenIdReused;
    400 "invalid_client": "Signature on JWT token failed validation" => Signature;
    400 "invalid_client": "Algorithm not supported" => Algorithm;
    400 "invalid_client": "Algorithm is not asymmetric" => Algorithm;
    400/401 "invalid_client"|"unauthorized_client": "Invalid client or Invalid client credentials" => UnknownClient
        "check the client id, the realm, and that the client is enabled",
        AuthenticationMethod "set the client's authenticator to Signed JWT",
        Subject "use the client id as iss and as sub: Keycloak ignores an assertion in which they differ";
    401 "unauthorized_client": "Client not enabled to retrieve service account" => AuthenticationMethod
        "switch on the service account roles of this client, for the client credentials grant";
    400 "invalid_request": "duplicated parameter" => Malformed "send each parameter of the form once";
    400 "invalid_client"|"unauthorized_client": "Token audience doesn't match domain" => Audience
        "set the audience to a URL that the text lists; behind a proxy, compare the scheme and the host";
    400 "invalid_client"|"unauthorized_client": "Issuer mismatch. The issuer should match the subject" => Subject;
    400 "invalid_client"|"unauthorized_client": "Missing ID on the token" => TokenIdMissing;
    400 "invalid_client"|"unauthorized_client": "client_id parameter not matching with client from JWT token" => Subject;
    400 "invalid_client"|"unauthorized_client": "Can't identify client. Subject missing on JWT token" => Subject;
    400 "invalid_client"|"unauthorized_client": "Client authentication with signed JWT failed" => Unspecific
        "read the end of the text, which names the cause";
};

/// One text for most causes; the server keeps the cause in its log. By its source at b95c294.
pub(super) const OIDC_PROVIDER: &[Row] = rows! {
    400 "invalid_request": "invalid client_assertion format" => Malformed;
    400 "invalid_request": "client_assertion_type must be provided" => AssertionType;
    400 "invalid_request": "client_assertion_type must have value" => AssertionType;
    400 "invalid_request": "client_id mismatch" => Subject;
    400 "invalid_request": "client authentication must only be provided using one mechanism" => AuthenticationMethod;
    400 "invalid_request": "no client authentication mechanism provided" => AuthenticationMethod
        "check that the form arrives whole: the server saw no assertion";
    400 "invalid_request": "must not be provided twice" => Malformed "send each parameter of the form once";
    400 "invalid_request": "content-type bodies are supported on" => Malformed
        "send the form as application/x-www-form-urlencoded";
    400 "invalid_request": "failed to parse the request body" => Malformed;
    400 "invalid_request": "missing required parameter" => Malformed "send the parameter that the text names";
    400 "invalid_request": "invalid authorization header value format"
        | "client_secret must be provided in the Authorization header"
        | "client_id and client_secret in the authorization header are not properly encoded" => AuthenticationMethod
        "send no Authorization header: the server read it, not the assertion";
    400 "invalid_request": "requested grant type is not allowed for this client" => GrantType
        "add the grant type to the client's grant_types";
    known 401 "invalid_client": "^client authentication failed$" => Unspecific;
};

/// Version 2.3, and Authelia, which is made of the same library, fosite (by its source at a5f0b09).
pub(super) const HYDRA: &[Row] = rows! {
    400 "invalid_request": "Requested audience '*' has not been whitelisted by the OAuth 2.0 Client" => Scope
        "add the audience to the client, or send no audience parameter";
    400 "invalid_request": "The client_assertion request parameter must be set when using client_assertion_type of" => Malformed;
    400 "invalid_request": "Unknown client_assertion_type '" => AssertionType;
    400 "invalid_request": "Client credentials missing or malformed in both HTTP Authorization header and HTTP POST body" => AuthenticationMethod
        "check that the form arrives whole: the server saw no assertion";
    400 "invalid_request": "The retrieved JSON Web Key Set does not contain any key" => KeySet;
    400 "invalid_request": "The JSON Web Token uses signing key with kid '*', which could not be found" => KeyId;
    400 "invalid_request": "Unable to find RSA public key with use='sig' for kid" => KeySet
        "publish the RSA key under this kid with \"use\": \"sig\": Hydra ignores a JWK without it";
    400 "invalid_request": "Unable to find ECDSA public key with use='sig' for kid" => KeySet
        "publish the EC key under this kid with \"use\": \"sig\": Hydra ignores a JWK without it";
    401 "invalid_client": "The claim 'sub' from the client_assertion JSON Web Token is undefined" => Subject;
    401 "invalid_client": "The OAuth 2.0 Client has no JSON Web Keys set registered, but they are needed" => KeySet
        "register jwks or jwks_uri for the client";
    401 "invalid_client": "This requested OAuth 2.0 client does not support client authentication, however 'client_assertion' was provided"
        | "This requested OAuth 2.0 client only supports client authentication method '*', however" => AuthenticationMethod
        "set the client's token_endpoint_auth_method to private_key_jwt";
    401 "invalid_client": "client authentication method '*', however that method is not supported by this server" => AuthenticationMethod;
    401 "invalid_client": "This authorization server does not support client authentication method 'client_secret_jwt'" => Algorithm
        "use an asymmetric algorithm, not HS256";
    401 "invalid_client": "The 'client_assertion' uses signing algorithm '*' but the requested OAuth 2.0 Client enforces signing algorithm" => Algorithm
        "use the client's token_endpoint_auth_signing_alg, which is RS256 by default";
    401 "invalid_client": "The 'client_assertion' request parameter uses unsupported signing algorithm" => Algorithm;
    401 "invalid_client": "Unable to verify the integrity of the 'client_assertion' value" => Signature,
        Malformed "check that the assertion arrives whole";
    401 "invalid_client": "Unable to verify the request object because its claims could not be validated, check if the expiry time is set correctly" => Expired;
    401 "invalid_client": "Claim 'iss' from 'client_assertion' must match the 'client_id' of the OAuth 2.0 Client" => Subject;
    401 "invalid_client": "Claim 'sub' from 'client_assertion' must match the 'client_id' of the OAuth 2.0 Client" => Subject;
    401 "invalid_client": "Claim 'jti' from 'client_assertion' must be set but is not" => TokenIdMissing;
    401 "invalid_client": "Claim '*' from 'client_assertion' must be set but is not" => Malformed
        "add the claim that the text names";
    401 "invalid_client": "Claim 'audience' from 'client_assertion' must match the authorization server's token endpoint" => Audience
        "set the audience to the token endpoint as the metadata has it: the issuer is refused";
    400 "jti_known": "The jti was already used" => TokenIdReused
        "sign a new assertion for each request", Audience
        "check the first answer: an assertion with a wrong audience has used up its jti as well";
    500 "server_error": "Unable to fetch JSON Web Keys from location" => KeySetUnreachable;
    500 "server_error": "Expected successful status code in range of 200 - 399 from location" => KeySetUnreachable;
    500 "server_error": "Unable to decode JSON Web Keys from location" => KeySet;
    500 "error": "The error is unrecognizable" => Expired
        "compare this machine's clock with the server's: Hydra tolerates no difference, and answers 500", NotYetValid;
    400 "invalid_request": "The POST body can not be empty" => Malformed;
    400 "invalid_request": "Request parameter 'grant_type' is missing" => Malformed "send grant_type in the form";
    400 "invalid_request": "HTTP method is '*', expected 'POST'" => Malformed
        "call the endpoint directly: a redirect may have turned the POST into a GET";
    400 "invalid_grant": "No public JWK was registered for issuer '*' and subject '*', and public key is required" => KeyId;
    400 "invalid_grant": "The JWT in 'assertion' request parameter expired" => Expired;
    400 "invalid_grant": "MUST contain an 'aud' (audience) claim containing a value" => Audience
        "set the audience to the token endpoint as the metadata has it";
    400 "invalid_grant": "that is unreasonably far in the future" => Lifetime;
    400 "invalid_grant": "MUST contain an 'jti' (JWT ID) claim" => TokenIdMissing;
    400 "invalid_grant": "Unable to verify the integrity of the 'assertion' value" => Signature;
    400 "invalid_grant": "contains an 'nbf' (not before) claim, that identifies the time" => NotYetValid;
    400 "invalid_request": "The server configuration does not support OpenID Connect specific authentication methods" => AuthenticationMethod
        "ask the operator: the store of this server keeps no authentication method for its clients";
    400 "invalid_request": "in the HTTP authorization header could not be decoded from" => AuthenticationMethod
        "send no Authorization header: the server read it, not the assertion";
    401 "invalid_client": "The OAuth 2.0 Client supports client authentication method '*', but method '*' was requested" => AuthenticationMethod
        "check that the form arrives whole: the server saw another method than the client's";
    401 "invalid_client": "Unable to type assert the expiry time from claims" => Malformed "write exp as a number";
    500 "misconfiguration": "The authorization server's token endpoint URL has not been set" => ServerFault
        "ask the operator to set the public URL of the server";
    500 "server_error": "Unable to create HTTP 'GET' request to fetch*JSON Web Keys from location" => KeySetUnreachable
        "correct the client's jwks_uri";
    400 "unauthorized_client": "is not allowed to use authorization grant"|"is not allowed to use the authorization grant" => GrantType
        "add the grant type to the client's grant_types";
    401 "invalid_client": "The required credentials were not found, used an unknown method, could not be parsed, were otherwise malformed, or were otherwise incorrect" => Unspecific;
    known 401 "invalid_client": "unsupported authentication method)$"|"unsupported authentication method).$" => UnknownClient
        "check the client id: Hydra adds a reason to this text in most other cases", AssertionType;
};

/// One answer for every cause.
pub(super) const SPRING: &[Row] = rows! {
    known 401 "invalid_client": "^$" => Unspecific;
    known 400 "invalid_request": "^$" => Malformed "send client_id in the form, and each parameter once";
    known 401 "-": "^$" => AssertionType "check that the form arrives whole: without a client_assertion of the right type, the server sees no client",
        AuthenticationMethod;
};

/// One answer for every cause.
pub(super) const DUENDE: &[Row] = rows! {
    known 400 "invalid_client": "^$" => Unspecific;
    known 400 "invalid_request": "^$" => Malformed
        "check client_assertion_type, the form of the JWT and its sub: the server found no client in the request";
};

/// The texts, and the end of the `error_uri`.
pub(super) const OPENIDDICT: &[Row] = rows! {
    401 "invalid_client": "errors/ID2090"|"The signing key associated to the specified token was not found" => KeyId;
    401 "invalid_client": "errors/ID2091"|"The signature associated to the specified token is not valid" => Signature;
    401 "invalid_client": "errors/ID2089"|"The specified token is not of the expected type" => MediaType
        "set typ to client-authentication+jwt or to JWT";
    401 "invalid_client": "errors/ID2088"|"The issuer associated to the specified token is not valid" => Subject;
    401 "invalid_client": "errors/ID2019"|"The specified token is no longer valid" => Expired;
    401 "invalid_client": "errors/ID2004"|"The specified token is invalid" => Expired, NotYetValid, Algorithm, Malformed;
    401 "invalid_client": "errors/ID2055"|"The specified client credentials are invalid" => UnknownClient, KeySet;
    401 "invalid_client": "errors/ID2174"|"The '*' client authentication method is not supported" => AuthenticationMethod;
    400 "invalid_grant": "The 'aud' claim returned in the specified client assertion doesn't match the expected value" => Audience
        "set the audience to the issuer as the metadata has it, with its slash if it ends with one";
    400 "invalid_grant": "The 'iss' claim returned in the specified client assertion doesn't match the expected value"
        | "The 'sub' claim returned in the specified client assertion doesn't match the expected value" => Subject;
    400 "invalid_grant": "errors/ID2173" => Audience, Subject;
    400 "invalid_grant": "errors/ID2172"|"The mandatory '*' claim cannot be found in the specified client assertion" => Malformed
        "add the claim that the text names";
    400 "invalid_request": "errors/ID2171"|"claim extracted from the specified client assertion is malformed or isn't of the expected type" => Malformed
        "correct the claim that the text names";
    400 "invalid_request": "errors/ID2087"|"Multiple client credentials cannot be specified" => AuthenticationMethod;
    400 "invalid_request": "The 'client_assertion' parameter cannot be used without 'client_assertion_type'" => AssertionType;
};

/// The library (by its source at 772bc72, with joserfc 1.6.5), and Canaille, which is made of it.
pub(super) const AUTHLIB: &[Row] = rows! {
    400 "invalid_client": "Missing claim: 'sub'"|"Invalid claim: 'sub'"|"Invalid claim: 'iss'" => Subject;
    400 "invalid_client": "Invalid claim: 'aud'" => Audience
        "set the audience to the string that this server documents; Canaille takes the token endpoint only";
    400 "invalid_client": "Missing claim: 'aud'"|"Missing claim: 'exp'"|"Missing claim: 'iss'"|"Missing claim: '" => Malformed
        "add the claim that the text names";
    400 "invalid_client": "The client does not exist on this server" => UnknownClient;
    400 "invalid_client": "Issuer and Subject MUST match" => Subject;
    400 "invalid_client": "Missing JWT ID" => TokenIdMissing;
    400 "invalid_client": "JWT ID is used before" => TokenIdReused;
    400/401 "invalid_client": "The client cannot authenticate with method" => AuthenticationMethod
        "register the client for private_key_jwt at this endpoint; some of Canaille's take client_secret_basic only";
    400 "invalid_client": "Invalid JWT assertion" => Malformed;
    400 "invalid_client": "Invalid JWT payload" => Malformed;
    400 "invalid_client": "The token is expired" => Expired;
    400 "invalid_client": "The token is not yet valid" => NotYetValid;
    400 "invalid_client": "must be a NumericDate value" => Malformed "write exp, iat and nbf as JSON numbers";
    400 "invalid_client": "The token was issued in the future" => NotYetValid;
    400 "invalid_client": "No key for kid" => KeyId;
    400 "invalid_client": "Algorithm of '*' is not supported"|"Algorithm of '*' is not allowed"|"Algorithm of '*' is not recommended" => Algorithm;
    400 "invalid_client": "Algorithm '*' requires '*' key" => Algorithm;
    400 "invalid_client": "This key is designed for algorithm '"|"This key is designed to be used for '"
        | "Unsupported key_op '"|"Invalid key_op '" => KeySet
        "register the JWK with the use, the key_ops and the alg that the assertion needs";
    400 "invalid_client": "eader size exceeds * bytes"|"ayload size exceeds * bytes" => Malformed
        "leave out what the server does not need, such as x5c";
    400/401 "invalid_client": "Missing 'client_id' parameter" => Malformed "send client_id in the form";
    known 400 "invalid_client": "^$" => Signature;
};

/// 401 without a JSON body for every cause.
pub(super) const GLEWLWYD: &[Row] = rows! {
    known 401 "-": "^$" => Unspecific, Audience "set the audience to the endpoint that is called", Lifetime, Algorithm;
};

/// One answer for every cause.
pub(super) const LEMONLDAP: &[Row] = rows! {
    known 400/401 "invalid_client": "^$" => Unspecific;
    known 401 "invalid_client": "^client authentication failed$" => Unspecific;
};

/// oxAuth and Janssen: one text for every cause.
pub(super) const GLUU: &[Row] = rows! {
    401 "invalid_client": "^Client authentication failed (e.g. unknown client, no client authentication included, or unsupported authentication method)" => Unspecific;
};
