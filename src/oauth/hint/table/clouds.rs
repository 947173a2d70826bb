//! Servers that are rented: their texts by documentation and reports of their users (2026-11).

use super::row::{Row, rows};

pub(super) const AUTH0: &[Row] = &[];

/// One text for every bad credential.
pub(super) const PING_ONE: &[Row] = rows! {
    401 "invalid_client": "Request denied: Unsupported authentication method" => AuthenticationMethod
        "set the application's token endpoint authentication method to Private Key JWT; if another request failed just before, its answer names the cause";
    401 "invalid_client": "Request denied: Invalid client credentials" => Unspecific, KeyId, Audience, Lifetime;
    400 "invalid_scope": "May not request scopes for multiple resources" => Scope
        "request scopes of one resource only, also if the application has several";
    400 "invalid_scope": "At least one scope must be granted" => Scope
        "grant the application at least one of the scopes, for the resource that they belong to";
    0 "access_denied": "Request denied: Application does not have any role assignments" => Scope
        "assign a role to the worker application: its credentials are right";
};

pub(super) const OKTA: &[Row] = rows! {
    401 "invalid_client": "The audience claim for client_assertion must be the endpoint invoked for the request" => Audience
        "set the audience to the URL that is called, with the custom domain and the custom authorization server in it";
    401 "invalid_client": "The client_assertion JWT kid is invalid" => KeyId
        "add the key to this application and set it active: a key of another application does not count";
    401 "invalid_client": "The client_assertion signature is invalid" => Signature;
    401 "invalid_client": "The client_assertion token has an expiration too far into the future" => Lifetime
        "let the assertion expire within an hour, and check the clock", NotYetValid;
    401 "invalid_client": "The client_assertion token is expired" => Expired;
    401 "invalid_client": "The client_assertion token has already been used" => TokenIdReused
        "sign a new assertion for each request, also for the one that repeats with a DPoP nonce";
    401 "invalid_client": "The client does not have a JWKSet configured" => KeySet
        "save the public key, or the URL of a JWK Set, in the application";
};

pub(super) const ENTRA_ID: &[Row] = rows! {
    401 "invalid_client": "AADSTS700027:*the key was not found" => Certificate
        "upload the certificate to this app registration, and send its thumbprint; an upload takes up to 90 s to work";
    401 "invalid_client": "AADSTS700027:*the key used is expired" => Certificate
        "renew the certificate, and upload the new one to the app registration";
    401 "invalid_client": "AADSTS700027:*certificate used to sign the client assertion is expired" => Certificate
        "renew the certificate, and upload the new one to the app registration", NotYetValid
        "check the clock: a wrong one has led to this text";
    401 "invalid_client": "AADSTS700027:*certificate with identifier used to sign the client assertion is not registered" => Certificate
        "upload this certificate to the app registration: its thumbprint is what the header names";
    401 "invalid_client": "AADSTS700027:*signature value did not match" => Signature;
    401 "invalid_client": "AADSTS700027" => Signature
        "sign with the key of a certificate of the app registration", Certificate
        "send the thumbprint of a certificate that is registered and not expired";
    401 "invalid_client": "AADSTS50012:*client assertion audience claim does not match realm issuer" => Audience
        "set the audience to the token endpoint of this tenant, in this cloud";
    401 "invalid_client": "AADSTS50012:*client assertion contains an invalid signature" => Certificate
        "register the certificate, and check that it has not expired: the Reason in the text says which", Signature;
    401 "invalid_client": "AADSTS50012:*invalid client secret" => AuthenticationMethod
        "send no client_secret: the server read one, not an assertion";
    400/401 "invalid_client": "AADSTS50012" => Certificate
        "check that the certificate is registered, and neither expired nor revoked", Signature, Audience;
    401 "invalid_client": "AADSTS700023:*audience claim does not match realm issuer" => Audience
        "set the audience to the token endpoint of this tenant, in this cloud";
    400/401 "invalid_client": "AADSTS700021" => Subject;
    401 "invalid_client": "AADSTS700024" => Expired, NotYetValid;
    400/401 "invalid_client": "AADSTS5002723" => Certificate
        "send the thumbprint of the certificate (x5t#S256 or x5t) or a kid";
    400/401 "invalid_client"|"invalid_request": "AADSTS5002738" => Algorithm
        "use an algorithm that the text lists; RS256 works, ES256 and ES384 do not";
    400/401 "invalid_client": "AADSTS5002730" => Algorithm
        "use RS256: this tenant does not take PS256";
    400 "invalid_request": "AADSTS50027" => Malformed
        "check that the assertion arrives whole, and add nbf if it has none";
    400 "invalid_request": "AADSTS90014:*required field 'aud' is missing from the credential"
        | "AADSTS90014:*required field 'iss' is missing from the credential"
        | "AADSTS90014:*required field 'sub' is missing from the credential"
        | "AADSTS90014:*required field 'exp' is missing from the credential"
        | "AADSTS90014:*required field 'jti' is missing from the credential" => Malformed
        "add the claim that the text names";
    400/401 "invalid_client": "AADSTS50171" => Audience
        "use the ordinary token endpoint as audience: this one is for mutual TLS";
    400 "invalid_request": "AADSTS392200" => Certificate
        "this endpoint is for mutual TLS: present the certificate, or call the ordinary token endpoint";
    400/401 "invalid_client": "AADSTS392204" => Certificate "renew the certificate of the TLS connection";
    400 "invalid_request": "AADSTS500181" => Certificate
        "use the same certificate for the TLS connection and the assertion: a renewed one has another thumbprint";
    400/401 "invalid_client": "AADSTS700030" => Certificate
        "use a certificate whose subject the application allows and whose issuer belongs to this cloud";
    400/401 "invalid_client": "AADSTS700025" => AuthenticationMethod
        "make the application confidential (a web platform): it is registered as a public client";
    400/401 "invalid_client": "AADSTS7000218" => AuthenticationMethod
        "check that the form arrives whole: the server saw no assertion";
    401 "invalid_client": "AADSTS7000222" => AuthenticationMethod
        "send no client_secret: the server read one, which has expired";
    400/401 "invalid_client": "AADSTS7000215" => AuthenticationMethod
        "send no client_secret: the server read one, which is wrong";
    400/401 "invalid_client": "AADSTS7000214"|"AADSTS7000277" => Certificate
        "register a new certificate: this one is revoked";
    400/401 "invalid_client": "AADSTS7000274"|"AADSTS1000502" => Certificate
        "renew the certificate: it is expired or not yet valid";
    400/401 "invalid_client": "AADSTS7000272" => KeyId
        "publish the key in the JWK Set of the federated issuer, and wait up to 30 min: Entra ID caches it";
    400 "unauthorized_client": "AADSTS700016" => UnknownClient
        "check the client id and the tenant in the token endpoint: this tenant has no such application";
    400/401 "unauthorized_client": "AADSTS700011" => UnknownClient;
    400/401 "unauthorized_client": "AADSTS70001" => UnknownClient
        "enable or install the application in this tenant";
    400/401 "invalid_request": "AADSTS900023" => UnknownClient
        "correct the tenant in the token endpoint: it is neither an id nor a verified domain";
    400/401 "invalid_request": "AADSTS90002" => UnknownClient
        "correct the tenant in the token endpoint: this cloud has no such tenant";
    400 "invalid_scope": "AADSTS1002012" => Scope "for client credentials, request RESOURCE/.default";
    400 "invalid_scope": "AADSTS70011" => Scope
        "for client credentials, request exactly one scope: RESOURCE/.default";
    400 "invalid_scope": "AADSTS700022" => Scope "request the scopes of one resource at a time";
    400 "invalid_scope": "AADSTS700023:*scope" => Scope "name a resource in the scope";
    400 "invalid_resource": "AADSTS500011" => Scope
        "check the resource in the scope, and that this tenant has consented to it";
    400 "invalid_request": "AADSTS900144" => Malformed "send the parameter that the text names";
    400 "invalid_request": "AADSTS9002313" => Malformed;
    400/401 "invalid_client"|"invalid_request": "AADSTS700211" => Subject
        "add a federated credential for this iss, which is compared byte for byte";
    400/401 "invalid_client"|"invalid_request": "AADSTS700212" => Audience
        "set the audience of the federated credential, usually api://AzureADTokenExchange";
    400/401 "invalid_client"|"invalid_request": "AADSTS700213" => Subject
        "add a federated credential for this sub, which is compared byte for byte";
    400/401 "invalid_client"|"invalid_request": "AADSTS70025" => AuthenticationMethod
        "add a federated credential to the application, or sign with a registered certificate";
    400/401 "invalid_client"|"invalid_request": "AADSTS70021" => Subject
        "compare iss, sub and aud with the federated credentials: none of them matches";
    400/429 "temporarily_unavailable"|"invalid_request": "AADSTS90055" => RateLimited;
    400/429 "invalid_grant"|"invalid_request": "AADSTS50196" => RateLimited
        "cache the token: the server sees the same request again and again";
};

/// For JWT grants.
pub(super) const GOOGLE: &[Row] = rows! {
    400 "invalid_grant": "Invalid JWT Signature" => Signature
        "use a key of the service account that is neither deleted nor disabled, with RS256";
    400 "invalid_grant": "account not found" => UnknownClient "set iss to the e-mail address of the service account";
    400 "invalid_grant": "iat (issued at) is not set"|"exp (expiration time) is not set" => Malformed
        "add iat and exp as whole numbers";
    400 "invalid_grant": "Token must be a short-lived token" => Expired, Lifetime "let it expire within an hour", NotYetValid;
    400 "invalid_grant": "Invalid JWT: Failed audience check" => Audience
        "set the audience to https://oauth2.googleapis.com/token";
    400 "invalid_grant": "Invalid email or User ID" => Subject "set sub to a user of the Workspace domain";
    400 "invalid_grant": "Not a valid email" => Subject "set iss to the e-mail address of the service account";
    known 400 "invalid_request": "^Bad Request$" => Malformed;
    400 "invalid_scope": "Invalid OAuth scope or ID token audience provided" => Scope "request a scope of a Google API";
    400 "unauthorized_client": "Client is unauthorized to retrieve access tokens using this method"
        | "Unauthorized client or scope in request" => Scope
        "allow these scopes for the service account in the domain-wide delegation";
};

/// For JWT grants.
pub(super) const SALESFORCE: &[Row] = rows! {
    400 "invalid_grant": "audience is invalid" => Audience
        "set the audience to https://login.salesforce.com, https://test.salesforce.com, or the URL of the site, without a path";
    known 400 "invalid_grant": "invalid assertion" => Signature
        "upload the certificate of this key to the connected app", Algorithm "use RS256", Malformed;
    400 "invalid_grant": "user hasn't approved this consumer" => Consent
        "authorize the connected app for the profile of the user beforehand";
    400 "invalid_client_id": "client identifier invalid" => UnknownClient
        "set iss to the consumer key of a connected app of this org; a new app takes some minutes";
    400 "invalid_app_access": "user is not admin approved to access this app" => Consent
        "give the profile or a permission set of the user access to the connected app";
    400 "invalid_grant": "External client app is not installed in this org" => UnknownClient
        "install the app in the org that aud and sub stand for";
};

/// One text for every cause.
pub(super) const IBM_VERIFY: &[Row] = rows! {
    401 "invalid_client": "CSIAQ0155E"|"The requested OAuth 2.0 Client could not be authenticated" => Unspecific;
    400 "invalid_grant"|"invalid_request": "CSIAQ0158E" => Grant;
};

/// One text for every cause.
pub(super) const CURITY: &[Row] = rows! {
    known 400/401 "invalid_client": "^$" => Unspecific
        "ask the operator for the line in the server's log: without detailed errors, Curity gives no reason";
};

/// One text for every cause.
pub(super) const CONNECT2ID: &[Row] = rows! {
    known 401 "invalid_client": "^Client authentication failed$" => Unspecific;
};

pub(super) const FORGEROCK: &[Row] = rows! {
    400/401 "invalid_client": "JWT has expired or is not valid" => Expired, NotYetValid, Signature;
    400/401 "invalid_client": "JWT has expired" => Expired;
    400/401 "invalid_client": "JWT is not valid" => Signature, KeyId, Algorithm "old releases refuse ES256 and ES384: use RS256", NotYetValid, Malformed;
    400/401 "invalid_client": "Audience validation failed" => Audience
        "set the audience to the endpoint that is called, not the issuer; Advanced Identity Cloud puts :443 after the host";
    400/401 "invalid_client": "JWT 'iss' and 'sub' claims must be equal to the client_id" => Subject;
    400/401 "invalid_client": "Invalid authentication method for accessing this endpoint" => AuthenticationMethod;
    known 400/401 "invalid_client": "Client authentication failed" => UnknownClient;
    400 "invalid_request": "Grant type is not set" => Malformed "send grant_type in the form";
    400 "invalid_scope": "Unknown/invalid scope" => Scope;
    400 "invalid_request": "No enum constant *JwtType" => MediaType
        "set typ to JWT or send none: old releases know no other";
};

/// One text for every cause.
pub(super) const PING_FEDERATE: &[Row] = rows! {
    401 "invalid_client": "Invalid client or client credentials" => Unspecific;
};
