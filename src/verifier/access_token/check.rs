//! Checks the claims of a token against the verifier's settings.

use super::super::VerifierError;
use super::super::claims::{CLAIMS_SET, Times, audience, optional_text, present, text};
use super::AccessTokenVerifier;
use super::claims::AccessTokenClaims;
use super::confirmation::{Confirmation, ProofOfPossession};
use crate::jose::error::unlike;
use crate::jose::json::{self, Json, Members};
use crate::jose::secret_form::{setting, settings};

impl AccessTokenVerifier {
    pub(super) fn check_claims(
        &self,
        payload: Vec<u8>,
        proof: &ProofOfPossession,
        now: i64,
    ) -> Result<AccessTokenClaims, VerifierError> {
        let mut claims = self.checked(&payload, proof, now)?;
        claims.payload = payload;
        Ok(claims)
    }

    /// Checks the claims and returns them without their payload.
    fn checked(
        &self,
        payload: &[u8],
        proof: &ProofOfPossession,
        now: i64,
    ) -> Result<AccessTokenClaims, VerifierError> {
        let claims = json::read(CLAIMS_SET, payload)?;
        let strict = self.profile.is_strict();

        let issuer = text(&claims, "iss")?;
        if !self.issuers.iter().any(|accepted| accepted == issuer) {
            return Err(unknown_issuer(issuer, &self.issuers));
        }
        // Check the kind before the audience: an error about an ID token's audience would hide what
        // the token is.
        self.profile.check_kind(&claims)?;
        let client_id = self.profile.client_id(&claims)?;
        let audience = self.check_audience(&claims, client_id)?;

        let times = Times::read(&claims)?;
        self.rules.check_times(&times, now).map_err(of_a_token)?;
        let subject = optional_text(&claims, "sub")?;
        // A `jti` that is not text only names the token, so a lenient profile ignores it.
        let token_id = match present(&claims, "jti") {
            Some(jti) if jti.text().is_none() && strict => {
                return Err(not_rfc9068("jti", "not a string", "a string"));
            }
            jti => jti.and_then(Json::text),
        };
        if strict {
            if times.iat.is_none() {
                return Err(not_rfc9068("iat", "missing", "a number"));
            }
            let texts = [("client_id", client_id), ("jti", token_id), ("sub", subject)];
            if let Some((claim, _)) = texts.into_iter().find(|(_, text)| text.is_none()) {
                return Err(not_rfc9068(claim, "missing", "a string"));
            }
        }

        let confirmation = Confirmation::read(&claims)?;
        proof.check(confirmation.as_ref(), self.accepts_unproven)?;

        let permissions = self.permissions.as_ref().unwrap_or_else(|| self.profile.permissions());
        let scope = permissions.read(&claims, strict)?;
        // Check scopes last: a token that only lacks a scope is otherwise valid (RFC 6750 §3.1).
        if let Some(missing) = self.scopes.iter().find(|wanted| !scope.iter().any(|scope| scope == *wanted)) {
            return Err(VerifierError::MissingScope { scope: setting(missing) });
        }
        Ok(AccessTokenClaims {
            issuer: issuer.to_owned(),
            subject: subject.map(str::to_owned),
            client_id: client_id.map(str::to_owned),
            token_id: token_id.map(str::to_owned),
            audience,
            scope,
            exp: times.exp,
            iat: times.iat,
            confirmation,
            payload: Vec::new(),
        })
    }

    fn check_audience(
        &self,
        claims: &Members<'_>,
        client_id: Option<&str>,
    ) -> Result<Vec<String>, VerifierError> {
        let found = match present(claims, "aud") {
            None => Vec::new(),
            Some(_) => audience(claims)?,
        };
        if found.is_empty() {
            let clients = &self.clients_without_audience;
            return match client_id {
                Some(client_id) if clients.iter().any(|accepted| accepted == client_id) => Ok(found),
                client_id => Err(VerifierError::MissingAudience {
                    expected: settings(&self.audiences),
                    client_id: client_id.map(|client_id| beside(client_id, clients)),
                    clients: settings(clients),
                }),
            };
        }
        if found.iter().any(|found| self.audiences.contains(found)) {
            return Ok(found);
        }
        let found = shown(&found, &self.audiences);
        if self.audiences.is_empty() {
            return Err(VerifierError::UnexpectedAudience { found });
        }
        Err(VerifierError::Audience { expected: settings(&self.audiences), found })
    }
}

/// The error for an issuer that is not one of the expected ones.
pub(crate) fn unknown_issuer(found: &str, expected: &[String]) -> VerifierError {
    VerifierError::Issuer { expected: settings(expected), found: beside(found, expected) }
}

/// Longer than any honest issuer, audience or client id.
const LIMIT: usize = 256;

/// Hostile text, shortened without hiding the difference.
fn beside(found: &str, expected: &[String]) -> String {
    unlike(found, expected.iter().map(String::as_str), LIMIT)
}

/// The first few audiences, each in full.
fn shown(found: &[String], expected: &[String]) -> String {
    const MOST: usize = 8;
    let mut shown: Vec<String> = found.iter().take(MOST).map(|found| beside(found, expected)).collect();
    if found.len() > MOST {
        shown.push("…".to_owned());
    }
    shown.join(" ")
}

const fn not_rfc9068(claim: &'static str, found: &'static str, expected: &'static str) -> VerifierError {
    VerifierError::NotRfc9068 { claim, found, expected }
}

/// The lifetime of an access token has a setting of its own, which the error names.
fn of_a_token(error: VerifierError) -> VerifierError {
    match error {
        VerifierError::Lifetime { found, limit, issued } => {
            VerifierError::TokenLifetime { found, limit, issued }
        }
        other => other,
    }
}
