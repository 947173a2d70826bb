//! What each provider answers to a client that it refuses, from its documentation, its source, and
//! what its users and tests with it report. A program that reads an answer must find the
//! provider's own words, so texts are kept as they are. If a provider is not known to refuse a
//! fault, the dev server answers in its own words: another text would name a wrong cause.

use super::kind::Answers;
use crate::dev_server::fault::FaultKind::{
    Algorithm, AssertionType, Audience, ClientId, Expired, IssuedEarlier, IssuedLater, KeyId, KeySet,
    Lifetime, Malformed, MediaType, MissingClaim, NoAssertion, NoAssertionType, NoKeyId, NotYetValid,
    OtherMethod, Replayed, SeveralAudiences, Signature, Subject, UnknownClient,
};

const CLIENT: &str = "invalid_client";
const REQUEST: &str = "invalid_request";
const GRANT: &str = "invalid_grant";

/// One bare answer for everything.
pub(super) const BARE: Answers = Answers { rows: &[], otherwise: Some((401, CLIENT, "")) };

pub(super) const ENTRA_ID: Answers = Answers {
    rows: &[
        (NoAssertion, 401, CLIENT, SECRET_OR_ASSERTION),
        (NoAssertionType, 401, CLIENT, SECRET_OR_ASSERTION),
        (OtherMethod, 401, CLIENT, SECRET_OR_ASSERTION),
        (Malformed, 400, REQUEST, "AADSTS50027: JWT token is invalid or malformed."),
        (
            Algorithm,
            401,
            CLIENT,
            "AADSTS5002738: Invalid JWT token. '{}' is not a supported signature algorithm. Supported signing \
             algorithms are: 'RS256, PS256'.",
        ),
        (
            NoKeyId,
            401,
            CLIENT,
            "AADSTS5002723: Invalid JWT token. No certificate thumbprint nor keyId specified in token header.",
        ),
        (
            KeyId,
            401,
            CLIENT,
            "AADSTS700027: The certificate with identifier used to sign the client assertion is not registered on \
             application. [Reason - The key was not found.]",
        ),
        (
            Signature,
            401,
            CLIENT,
            "AADSTS700027: Client assertion failed signature validation. [Reason - The provided signature value did \
             not match the expected signature value.]",
        ),
        (Subject, 401, CLIENT, SUBJECT),
        (ClientId, 401, CLIENT, SUBJECT),
        (
            UnknownClient,
            400,
            "unauthorized_client",
            "AADSTS700016: Application with identifier '{}' was not found in the directory.",
        ),
        (Audience, 401, CLIENT, AUDIENCE),
        (SeveralAudiences, 401, CLIENT, AUDIENCE),
        (
            MissingClaim,
            400,
            REQUEST,
            "AADSTS90014: The required field '{}' is missing from the credential. Ensure that you have all the \
             necessary parameters for the login request.",
        ),
        (Expired, 401, CLIENT, TIME),
        (NotYetValid, 401, CLIENT, TIME),
        (IssuedLater, 401, CLIENT, TIME),
    ],
    otherwise: None,
};
const SECRET_OR_ASSERTION: &str = "AADSTS7000218: The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
const SUBJECT: &str =
    "AADSTS700021: Client assertion application identifier doesn't match 'client_id' parameter.";
const AUDIENCE: &str = "AADSTS700023: Client assertion audience claim does not match Realm issuer.";
const TIME: &str = "AADSTS700024: Client assertion is not within its valid time range.";

pub(super) const FORGEROCK: Answers = Answers {
    rows: &[
        (NoAssertion, 401, CLIENT, METHOD),
        (OtherMethod, 401, CLIENT, METHOD),
        (NoAssertionType, 401, CLIENT, METHOD),
        (AssertionType, 401, CLIENT, METHOD),
        (Malformed, 401, CLIENT, INVALID),
        (Algorithm, 401, CLIENT, INVALID),
        (NoKeyId, 401, CLIENT, INVALID),
        (KeyId, 401, CLIENT, INVALID),
        (Signature, 401, CLIENT, INVALID),
        (MissingClaim, 401, CLIENT, INVALID),
        (Subject, 401, CLIENT, SAME),
        (ClientId, 401, CLIENT, SAME),
        (UnknownClient, 401, CLIENT, "Client authentication failed"),
        (Audience, 401, CLIENT, "Audience validation failed"),
        (SeveralAudiences, 401, CLIENT, "Audience validation failed"),
        (Expired, 401, CLIENT, "JWT has expired or is not valid"),
        (NotYetValid, 401, CLIENT, "JWT has expired or is not valid"),
        (IssuedLater, 401, CLIENT, "JWT has expired or is not valid"),
    ],
    otherwise: None,
};
const INVALID: &str = "JWT is not valid";
const METHOD: &str = "Invalid authentication method for accessing this endpoint";
const SAME: &str = "JWT 'iss' and 'sub' claims must be equal to the client_id";

/// The beginning of every text of Hydra about a client.
macro_rules! fosite {
    ($hint:literal) => {
        concat!(
            "Client authentication failed (e.g., unknown client, no client authentication included, or unsupported \
             authentication method).",
            $hint
        )
    };
}

pub(super) const HYDRA: Answers = Answers {
    rows: &[
        (
            NoAssertion,
            400,
            REQUEST,
            "Client credentials missing or malformed in both HTTP Authorization header and HTTP POST body.",
        ),
        (NoAssertionType, 401, CLIENT, fosite!("")),
        (AssertionType, 400, REQUEST, "Unknown client_assertion_type '{}'."),
        (
            OtherMethod,
            401,
            CLIENT,
            fosite!(
                " The OAuth 2.0 Client supports client authentication method 'private_key_jwt', but method \
                 'client_secret_post' was requested."
            ),
        ),
        (Malformed, 401, CLIENT, fosite!(" Unable to verify the integrity of the 'client_assertion' value.")),
        (UnknownClient, 401, CLIENT, fosite!("")),
        (
            Algorithm,
            401,
            CLIENT,
            fosite!(" The 'client_assertion' request parameter uses unsupported signing algorithm '{}'."),
        ),
        (NoKeyId, 400, REQUEST, "The JSON Web Token uses signing key with kid '', which could not be found."),
        (KeyId, 400, REQUEST, "The JSON Web Token uses signing key with kid '', which could not be found."),
        (KeySet, 500, "server_error", "Unable to fetch JSON Web Keys from location."),
        (Signature, 401, CLIENT, fosite!(" Unable to verify the integrity of the 'client_assertion' value.")),
        (
            Subject,
            401,
            CLIENT,
            fosite!(
                " Claim 'sub' from 'client_assertion' must match the 'client_id' of the OAuth 2.0 Client."
            ),
        ),
        (
            ClientId,
            401,
            CLIENT,
            fosite!(
                " Claim 'iss' from 'client_assertion' must match the 'client_id' of the OAuth 2.0 Client."
            ),
        ),
        (
            Audience,
            401,
            CLIENT,
            fosite!(
                " Claim 'audience' from 'client_assertion' must match the authorization server's token endpoint."
            ),
        ),
        (MissingClaim, 401, CLIENT, fosite!(" Claim '{}' from 'client_assertion' must be set but is not.")),
        (Expired, 500, "error", "The error is unrecognizable"),
        (NotYetValid, 500, "error", "The error is unrecognizable"),
        (IssuedLater, 500, "error", "The error is unrecognizable"),
        (Replayed, 400, "jti_known", "The jti was already used."),
    ],
    otherwise: None,
};

pub(super) const IBM_VERIFY: Answers = Answers {
    rows: &[],
    otherwise: Some((401, CLIENT, "CSIAQ0155E The requested OAuth 2.0 Client could not be authenticated.")),
};

pub(super) const KEYCLOAK: Answers = Answers {
    rows: &[
        (NoAssertion, 400, CLIENT, "client_assertion parameter missing"),
        (NoAssertionType, 400, CLIENT, "Parameter client_assertion_type is missing"),
        (
            AssertionType,
            400,
            CLIENT,
            "Parameter client_assertion_type has value '{}' but expected is \
             'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'",
        ),
        (OtherMethod, 401, CLIENT, NO_CLIENT),
        (Subject, 401, CLIENT, NO_CLIENT),
        (UnknownClient, 401, CLIENT, NO_CLIENT),
        (Malformed, 400, CLIENT, "Client authentication with signed JWT failed: Parsing error"),
        (Algorithm, 400, CLIENT, "Invalid signature algorithm"),
        (KeyId, 400, CLIENT, "Unable to load public key"),
        (KeySet, 400, CLIENT, "Unable to load public key"),
        (Signature, 400, CLIENT, "Signature on JWT token failed validation"),
        (ClientId, 400, CLIENT, "client_id parameter does not match sub claim"),
        (Audience, 400, CLIENT, "Invalid token audience"),
        (SeveralAudiences, 400, CLIENT, "Multiple audiences not allowed"),
        (MissingClaim, 400, CLIENT, "Token {} claim is required"),
        (Expired, 400, CLIENT, "Token is not active"),
        (NotYetValid, 400, CLIENT, "Token is not active"),
        (IssuedLater, 400, CLIENT, "Token was issued in the future"),
        (IssuedEarlier, 400, CLIENT, "Token was issued too far in the past to be used now"),
        (
            Lifetime,
            400,
            CLIENT,
            "Token expiration is too far in the future and iat claim not present in token",
        ),
        (Replayed, 400, CLIENT, "Token reuse detected"),
    ],
    otherwise: None,
};
const NO_CLIENT: &str = "Invalid client or Invalid client credentials";

/// The sentence stands in `error`; there is no `error_description`.
pub(super) const LOGIN_GOV: Answers = Answers {
    rows: &[
        (
            NoAssertion,
            400,
            "Client must authenticate via PKCE or private_key_jwt, missing either code_challenge or client_assertion",
            "",
        ),
        (AssertionType, 400, "Client assertion type is not included in the list", ""),
        (NoAssertionType, 400, "Client assertion type is not included in the list", ""),
        (Malformed, 400, "Client assertion Not enough or too many segments", ""),
        (Algorithm, 400, "Client assertion Expected a different algorithm", ""),
        (KeyId, 400, "Client assertion Could not validate assertion against any registered public keys", ""),
        (Signature, 400, "Client assertion Signature verification failed", ""),
        (Subject, 400, "Client assertion Invalid subject. Expected the client_id", ""),
        (UnknownClient, 400, "Client assertion Invalid issuer. Expected a registered client_id", ""),
        (Audience, 400, ENDPOINT, ""),
        (SeveralAudiences, 400, ENDPOINT, ""),
        (Expired, 400, "Client assertion Signature has expired", ""),
        (NotYetValid, 400, "Client assertion Signature nbf has not been reached", ""),
    ],
    otherwise: None,
};
const ENDPOINT: &str = "Client assertion Invalid audience claim, expected the token endpoint";

pub(super) const NHS_ENGLAND: Answers = Answers {
    rows: &[
        (NoAssertion, 400, REQUEST, "Missing client_assertion"),
        (NoAssertionType, 400, REQUEST, "Missing or invalid client_assertion_type"),
        (AssertionType, 400, REQUEST, "Missing or invalid client_assertion_type"),
        (Malformed, 400, REQUEST, "Malformed JWT in client_assertion"),
        (Algorithm, 400, REQUEST, "Invalid 'alg' header in client_assertion JWT"),
        (MediaType, 400, REQUEST, "Invalid 'typ' header in client_assertion JWT"),
        (NoKeyId, 400, REQUEST, "Missing 'kid' header in client_assertion JWT"),
        (KeyId, 401, REQUEST, "Invalid 'kid' header in client_assertion JWT - no matching public key"),
        (KeySet, 403, "public_key error", "The JWKS endpoint, for your client_assertion can't be reached"),
        (Signature, 401, "public_key error", "JWT signature verification failed"),
        (Subject, 400, REQUEST, "Missing or non-matching 'iss'/'sub' claims in client_assertion JWT"),
        (UnknownClient, 401, REQUEST, "Invalid 'iss'/'sub' claims in client_assertion JWT"),
        (Audience, 401, REQUEST, "Missing or invalid 'aud' claim in client_assertion JWT"),
        (SeveralAudiences, 401, REQUEST, "Missing or invalid 'aud' claim in client_assertion JWT"),
        (MissingClaim, 400, REQUEST, "Missing '{}' claim in client_assertion JWT"),
        (Expired, 400, REQUEST, "Invalid 'exp' claim in client_assertion JWT - JWT has expired"),
        (
            Lifetime,
            400,
            REQUEST,
            "Invalid 'exp' claim in client_assertion JWT - more than 5 minutes in future",
        ),
        (Replayed, 400, REQUEST, "Non-unique 'jti' claim in client_assertion JWT"),
    ],
    otherwise: None,
};

pub(super) const OKTA: Answers = Answers {
    rows: &[
        (Audience, 401, CLIENT, INVOKED),
        (SeveralAudiences, 401, CLIENT, INVOKED),
        (NoKeyId, 401, CLIENT, "The client_assertion JWT kid is invalid."),
        (KeyId, 401, CLIENT, "The client_assertion JWT kid is invalid."),
        (KeySet, 401, CLIENT, "The client does not have a JWKSet configured."),
        (Signature, 401, CLIENT, "The client_assertion signature is invalid."),
        (Lifetime, 401, CLIENT, "The client_assertion token has an expiration too far into the future."),
        (Expired, 401, CLIENT, "The client_assertion token is expired."),
        (Replayed, 401, CLIENT, "The client_assertion token has already been used."),
    ],
    otherwise: Some((401, CLIENT, "")),
};
const INVOKED: &str = "The audience claim for client_assertion must be the endpoint invoked for the request.";

pub(super) const PING_FEDERATE: Answers =
    Answers { rows: &[], otherwise: Some((401, CLIENT, "Invalid client or client credentials.")) };

pub(super) const PING_ONE: Answers = Answers {
    rows: &[
        (NoAssertion, 401, CLIENT, "Request denied: Unsupported authentication method"),
        (OtherMethod, 401, CLIENT, "Request denied: Unsupported authentication method"),
    ],
    otherwise: Some((401, CLIENT, "Request denied: Invalid client credentials")),
};

pub(super) const SINGPASS: Answers = Answers {
    rows: &[
        (KeyId, 401, CLIENT, UNSIGNED),
        (KeySet, 401, CLIENT, UNSIGNED),
        (Signature, 401, CLIENT, UNSIGNED),
        (Subject, 401, CLIENT, CLAIMS),
        (ClientId, 401, CLIENT, CLAIMS),
        (Audience, 401, CLIENT, CLAIMS),
        (SeveralAudiences, 401, CLIENT, CLAIMS),
        (MissingClaim, 401, CLIENT, CLAIMS),
        (Expired, 401, CLIENT, CLAIMS),
        (NotYetValid, 401, CLIENT, CLAIMS),
        (IssuedLater, 401, CLIENT, CLAIMS),
        (Lifetime, 401, CLIENT, CLAIMS),
        (Replayed, 401, CLIENT, CLAIMS),
    ],
    otherwise: None,
};
const CLAIMS: &str = "The client_assertion has missing or invalid claims";
const UNSIGNED: &str = "The client_assertion could not be validated against known signing keys";

pub(super) const SMART: Answers = Answers {
    rows: &[
        (NoAssertionType, 400, CLIENT, "Missing 'client_assertion_type' parameter"),
        (
            AssertionType,
            400,
            CLIENT,
            "Invalid 'client_assertion_type' parameter. Must be \
             'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'.",
        ),
        (NoAssertion, 400, CLIENT, "Missing 'client_assertion' parameter"),
        (Malformed, 401, REQUEST, "Could not decode the \"client_assertion\" parameter"),
        (Algorithm, 401, CLIENT, "None of the keys found in the JWKS have alg equal to {}"),
        (MediaType, 401, CLIENT, "Invalid token 'typ' header. Must be 'JWT'."),
        (NoKeyId, 401, CLIENT, "Missing token 'kid' header"),
        (KeyId, 401, CLIENT, "None of the keys found in the JWKS have kid equal to the token's"),
        (KeySet, 401, CLIENT, "Failed to fetch JWKS from the registered URL"),
        (Signature, 401, CLIENT, "Invalid token. invalid signature"),
        (Subject, 401, CLIENT, "The token sub does not match the token iss claim"),
        (UnknownClient, 401, CLIENT, "Invalid 'client_id' (as sub claim of the assertion JWT)"),
        (Audience, 401, CLIENT, "Invalid token 'aud' value"),
        (SeveralAudiences, 401, CLIENT, "Invalid token 'aud' value"),
        (MissingClaim, 401, CLIENT, "Missing token '{}' claim"),
        (Expired, 401, CLIENT, "Invalid token. jwt expired"),
    ],
    otherwise: Some((401, CLIENT, "")),
};

pub(super) const ZITADEL: Answers = Answers {
    rows: &[
        (NoAssertion, 400, REQUEST, "client_id or client_assertion must be provided"),
        (NoAssertionType, 400, REQUEST, "invalid client_assertion_type"),
        (AssertionType, 400, REQUEST, "invalid client_assertion_type"),
        (OtherMethod, 400, REQUEST, "client authentication must not use more than one method"),
        (Malformed, 400, REQUEST, "parsing of request failed: token contains an invalid number of segments"),
        (Subject, 400, GRANT, "delegation not allowed, issuer and sub must be identical"),
        (UnknownClient, 400, GRANT, "error fetching keys: clientID not found"),
        (NoKeyId, 400, GRANT, "error fetching keys: key not found"),
        (KeyId, 400, GRANT, "error fetching keys: key not found"),
        (Signature, 400, GRANT, "error in cryptographic primitive"),
        (Algorithm, 400, GRANT, "signature algorithm not supported"),
        (Audience, 400, GRANT, "audience is not valid: Audience must contain the issuer"),
        (SeveralAudiences, 400, GRANT, "audience is not valid: Audience must contain the issuer"),
        (Expired, 400, GRANT, "token has expired"),
        (IssuedLater, 400, GRANT, "issuedAt of token is in the future"),
    ],
    otherwise: None,
};
