//! Claims by which a JWT without a type of its own shows that it is not a client assertion (RFC
//! 8725 §3.12).
//!
//! A client signs other JWTs with the same key: authorization grants (RFC 7523 §2.1), request
//! objects (RFC 9101), DPoP proofs. Many are untyped, as client assertions are. If the `iss` and
//! `sub` of one happen to be the client id, it must still not authenticate the client (RFC 9101
//! §10.8).

use super::VerifierError;
use super::claims::present;
use crate::jose::json::Members;

const GRANT: &str = "an authorization grant, an access token or a request object";
const REQUEST: &str = "a request object";
const ID_TOKEN: &str = "an ID token or a request object";
const HASH: &str = "an ID token";
const EXCHANGED: &str = "a token that was exchanged";

/// No client assertion needs any of these. HelseID's `authorization_details` and UDAP's
/// `extensions` are not listed: their clients put them into assertions.
const FOREIGN: [(&str, &str); 19] = [
    ("scope", GRANT),
    ("response_type", REQUEST),
    ("redirect_uri", REQUEST),
    ("code_challenge", REQUEST),
    ("request_uri", REQUEST),
    ("login_hint", REQUEST),
    ("nonce", ID_TOKEN),
    ("at_hash", HASH),
    ("c_hash", HASH),
    ("s_hash", HASH),
    ("act", EXCHANGED),
    ("may_act", EXCHANGED),
    ("cnf", "a token that is bound to a key"),
    ("events", "a security event or logout token"),
    ("token_introspection", "a response to introspection"),
    ("htm", "a DPoP proof"),
    ("htu", "a DPoP proof"),
    ("vp", "a verifiable presentation"),
    ("vc", "a verifiable credential"),
];

/// Rejects an assertion without a type if it has a claim of another kind of JWT. A `null` counts as
/// absent.
pub(super) fn check(client_id: &str, claims: &Members<'_>) -> Result<(), VerifierError> {
    if let Some((claim, kind)) = FOREIGN.into_iter().find(|(name, _)| present(claims, name).is_some()) {
        return Err(VerifierError::ForeignClaim { claim, kind });
    }
    // Some clients repeat their own id.
    match present(claims, "client_id") {
        Some(found) if found.text() != Some(client_id) => {
            Err(VerifierError::ForeignClaim { claim: "client_id", kind: GRANT })
        }
        _ => Ok(()),
    }
}
