//! The JWT bearer grant (RFC 7523 §2.1): a trusted issuer vouches for a subject.

use std::sync::Arc;

use time::OffsetDateTime;

use super::super::authentication::ClientRequest;
use super::super::grant::Grant;
use super::super::inner::Inner;
use super::super::refused::Refused;
use super::super::shown::{chain, shown};
use super::granted::Granted;
use crate::jose::{error::excerpt, json};
use crate::oauth::JwtGrantBuilder;
use crate::verifier::VerifierError;
use crate::verifier::claims::{self, Times};
use crate::verifier::rules::JwtRules;

/// There is no refresh token: the issuer can vouch again (RFC 7521 §4.1).
pub(super) fn granted(request: &ClientRequest<'_>) -> Result<Granted, Refused> {
    let ClientRequest { server, ref client, now, .. } = *request;
    let assertion = request.required("assertion")?;
    let access = request.access()?;
    let claims = verify(server, assertion, now)?;
    if let Some(jti) = &claims.jti {
        // Two issuers may use the same `jti`.
        let name = format!("{} {} {jti}", claims.iss.len(), claims.iss);
        let end = now.saturating_add(time::Duration::seconds(
            claims.times.exp - now.unix_timestamp() + JwtRules::LEEWAY,
        ));
        let mut state = server.state();
        if state.vouched.get(&name, now).is_some() {
            return Err(refused(VerifierError::Replayed));
        }
        state.vouched.insert(&name, (), end, now)?;
    }
    Ok(Granted::without_refresh(Grant { subject: claims.sub, ..Grant::of_client(&client.id, access) }))
}

fn rules() -> JwtRules {
    JwtRules::new(JwtGrantBuilder::LONGEST_LIFETIME)
}

/// The claims of RFC 7523 §3.
struct Claims {
    iss: String,
    sub: String,
    aud: Vec<String>,
    jti: Option<String>,
    times: Times,
}

/// The description of a refusal names the check that failed.
fn verify(server: &Inner, assertion: &str, now: OffsetDateTime) -> Result<Claims, Refused> {
    let jws = rules().parse(assertion).map_err(refused)?;
    // A JWT of another type is another kind of token, such as a client assertion (RFC 8725 §3.11).
    if jws.header().media_type.is_some() && !jws.header().is_typed("JWT") {
        let found = jws.header().media_type.as_deref().map(excerpt);
        return Err(refused(VerifierError::MediaType { found, expected: "`JWT` or none" }));
    }
    let found = Claims::read(jws.payload()).map_err(refused)?;
    let keys = server.state().issuers.get(&found.iss).map(Arc::clone);
    let keys = match keys {
        Some(keys) => keys,
        None => return Err(server.not_trusted(&found.iss)),
    };
    claims::check_signature(&keys, jws.header(), jws.signing_input(), jws.signature())
        .and_then(|()| found.check(server, now.unix_timestamp()))
        .map_err(refused)?;
    Ok(found)
}

impl Claims {
    fn read(payload: &[u8]) -> Result<Self, VerifierError> {
        let members = json::read("the claims set", payload)?;
        Ok(Self {
            iss: claims::text(&members, "iss")?.to_owned(),
            sub: claims::text(&members, "sub")?.to_owned(),
            aud: claims::audience(&members)?,
            jti: claims::optional_text(&members, "jti")?.map(str::to_owned),
            times: Times::read(&members)?,
        })
    }

    /// The audience must include the issuer or the token endpoint, and the lifetime is bounded
    /// (§3).
    fn check(&self, server: &Inner, now: i64) -> Result<(), VerifierError> {
        let expected =
            [server.issuer.as_str(), server.authorization_server.token_endpoint()].map(str::to_owned);
        if !self.aud.iter().any(|audience| expected.contains(audience)) {
            let found = excerpt(&self.aud.join(" "));
            return Err(VerifierError::Audience { expected: expected.to_vec(), found });
        }
        rules().check_times(&self.times, now)
    }
}

/// RFC 7523 §3.1.
fn refused(error: VerifierError) -> Refused {
    Refused::invalid_grant(&chain(&error)).about("the assertion of the grant")
}

impl Inner {
    fn not_trusted(&self, issuer: &str) -> Refused {
        const NAMED: usize = 5;
        let unknown = format!("the issuer `{}` is not trusted", shown(issuer));
        let state = self.state();
        let trusted: Vec<_> =
            state.issuers.keys().take(NAMED).map(|known| format!("`{}`", shown(known))).collect();
        let description = match (trusted.is_empty(), state.issuers.len() > NAMED) {
            (true, _) => format!("{unknown}; no issuer is"),
            (false, false) => format!("{unknown}, trusted: {}", trusted.join(", ")),
            (false, true) => format!("{unknown}, trusted: {} and more", trusted.join(", ")),
        };
        Refused::invalid_grant(&description).about("the assertion of the grant")
    }
}
