//! Lines that servers write to their logs and do not send, by source and by tests (2026-11). They
//! never explain a response.

use super::row::{Row, lines};

pub(in crate::oauth::hint) const LOGS: &[Row] = lines! {
    // Auth0
    "'exp' claim must specify a time that is no more than 5 minutes after 'iat'" => Lifetime
        "let the assertion expire within 5 minutes of its iat";
    // oidc-provider
    "alg mismatch" => Algorithm;
    "expiration must be specified in the client_assertion JWT" => Malformed "add exp to the assertion";
    "unique jti (JWT ID) must be provided in the client_assertion JWT" => TokenIdMissing;
    "iss (JWT issuer) must be provided in the client_assertion JWT" => Subject;
    "iss (JWT issuer) must be the client_id" => Subject;
    "aud (JWT audience) must be provided in the client_assertion JWT" => Audience;
    "list of audience (aud) must include the endpoint url, issuer identifier or token endpoint url"
        | "audience (aud) must equal the endpoint url, issuer identifier or token endpoint url" => Audience
        "set the audience to the issuer, the token endpoint or the called endpoint, as the metadata has it";
    "client assertion tokens must only be used once" => TokenIdReused;
    "sub (JWT subject) must be provided in the client_assertion JWT" => Subject;
    "client not found" => UnknownClient;
    "jwt not active yet"|"jwt issued in the future" => NotYetValid;
    "unexpected jwks_uri response status code" => KeySetUnreachable;
    "the provided authentication mechanism does not match the registered client authentication method" => AuthenticationMethod;
    // Spring Authorization Server
    "Failed to find a Signature Verifier for Client" => KeySet
        "set the client's JWK Set URL and its token endpoint authentication signing algorithm";
    "Client authentication failed: client_id" => UnknownClient;
    "Client authentication failed: authentication_method" => AuthenticationMethod
        "add private_key_jwt to the client's authentication methods";
    "Client authentication failed: credentials" => Malformed;
    "Client authentication failed: client_assertion" => Signature
        "read the cause in the stack trace of the line", Audience, Expired, KeySetUnreachable;
    "Jwt expired at" => Expired;
    "Jwt used before" => NotYetValid;
    "The aud claim is not valid" => Audience;
    "The iss claim is not valid" => Subject;
    "Malformed Jwk set" => KeySet;
    "the given typ value needs to be one of" => MediaType "set typ to one of the values that the text lists";
    // Duende IdentityServer
    "There are no keys available to validate client assertion." => KeySet;
    "JWT token validation error" => Signature;
    "Both 'sub' and 'iss' in the client assertion token must have a value of client_id." => Subject;
    "exp is missing." => Malformed "add exp to the assertion";
    "jti is missing." => TokenIdMissing;
    "jti is found in replay cache. Possible replay attack." => TokenIdReused;
    "Could not parse secrets" => Malformed;
    "Error reading JWT header." => Malformed;
    // Gluu and Janssen
    "Invalid clientId" => Subject;
    "Invalid audience" => Audience;
    "JWT has expired" => Expired;
    "Invalid client" => UnknownClient;
    "Invalid authentication method" => AuthenticationMethod;
    "Invalid signing algorithm" => Algorithm;
    "Invalid cryptographic segment" => Signature;
    "The Client Assertion is null or empty" => Malformed;
    "Invalid Client Assertion Type" => AssertionType;
    "Invalid Audience. It must contain server issuer or server" => Audience
        "set the audience to the issuer as the metadata has it";
    "Audience is null or blank" => Audience "set the audience to the issuer as the metadata has it";
    "Cannot verify the JWT" => Signature;
    // Zitadel
    "audience is not valid" => Audience "set the audience to the issuer as the metadata has it";
    "token has expired" => Expired;
    "issuedAt of token is in the future" => NotYetValid;
    "issuedAt of token is to old" => Expired "sign a new assertion for each request: its iat may be one hour old at most";
    "signature algorithm not supported" => Algorithm;
    "invalid signature" => Signature;
    "delegation not allowed, issuer and sub must be identical" => Subject;
    // Connect2id
    "Bad client ID" => UnknownClient;
    "The client is not registered for the requested authentication method" => AuthenticationMethod;
    "The client has no registered JWK set" => KeySet;
    "No matching JWKs found" => KeyId;
    "Bad JWT signature" => Signature;
    "Bad / expired JWT claims" => Expired, Audience, Subject, NotYetValid;
    "Invalid JWT audience claim, expected" => Audience "set the audience to a value that the text lists";
    "Issuer and subject JWT claims don't match" => Subject;
    // MITREid Connect
    "Could not find client" => UnknownClient;
    "Client does not support this authentication method" => AuthenticationMethod;
    "Signature did not validate for presented JWT authentication" => Signature;
    "Issuers do not match, expected" => Subject;
    "Assertion Token does not have required expiration claim" => Malformed "add exp to the assertion";
    "Assertion Token is expired" => Expired;
    "Assertion Token not valid untill" => NotYetValid;
    "Assertion Token was issued in the future" => NotYetValid;
    "Audience does not match, expected" => Audience "set the audience to a value that the text lists";
    // Keycloak
    "Client '*' is not in the token audience" => Scope
        "add the client that introspects to the token's aud, with an audience mapper in a client scope: the answer is active: false until then";
    "PublicKey wasn't found in the storage. Requested kid: '*' . Available kids:" => KeyId
        "register the public key under this kid: the line lists the registered ones; Keycloak reads a jwks_uri at most every 10 s";
    // Ory Hydra
    "Token used before issued" => NotYetValid
        "set this machine's clock back: Hydra tolerates no difference, and answers 500";
};
