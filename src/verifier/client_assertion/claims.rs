use super::super::VerifierError;
use super::super::audience::AudiencePolicy;
use super::super::claims::{CLAIMS_SET, Times, optional_text, present, text, wrong_type};
use super::super::foreign;
use super::verifier::ClientAssertionVerifier;
use crate::jose::error::unlike;
use crate::jose::json::{self, Json, Members};
use crate::jose::secret_form::setting;

/// How much of a client id or an audience an error shows, in characters, unless the difference is
/// further back.
pub(super) const SHOWN: usize = 256;

/// The claims that must not be trusted before the signature is checked (RFC 7523 §3).
pub(super) struct Claims {
    pub(super) jti: Option<String>,
    pub(super) times: Times,
}

impl Claims {
    /// The client id, which is both `iss` and `sub`, and the other claims or their error. The
    /// latter is reported only after the signature is verified.
    pub(super) fn read(
        verifier: &ClientAssertionVerifier,
        payload: &[u8],
        is_typed: bool,
    ) -> Result<(String, Result<Self, VerifierError>), VerifierError> {
        let members = json::read(CLAIMS_SET, payload)?;
        let iss = client_id(&members)?;
        let kind = if is_typed { Ok(()) } else { foreign::check(iss, &members) };
        let claims = kind.and_then(|()| Self::of(verifier, &members));
        Ok((iss.to_owned(), claims))
    }

    fn of(verifier: &ClientAssertionVerifier, members: &Members<'_>) -> Result<Self, VerifierError> {
        check_audience(verifier, members)?;
        let times = Times::read(members)?;
        Ok(Self { jti: jti(verifier, members)?, times })
    }
}

/// The client id, which is both `iss` and `sub` (RFC 7523 §3).
pub(super) fn client_id<'c>(claims: &'c Members<'_>) -> Result<&'c str, VerifierError> {
    let (iss, sub) = (text(claims, "iss")?, text(claims, "sub")?);
    if iss == sub {
        return Ok(iss);
    }
    let (iss, sub) = (unlike(iss, [sub], SHOWN), unlike(sub, [iss], SHOWN));
    Err(VerifierError::IssuerIsNotSubject { iss, sub })
}

/// The `jti`, if there is one and its length is reasonable.
pub(super) fn jti(
    verifier: &ClientAssertionVerifier,
    claims: &Members<'_>,
) -> Result<Option<String>, VerifierError> {
    match optional_text(claims, "jti")? {
        None if verifier.accepts_missing_jti => Ok(None),
        None => Err(VerifierError::MissingClaim { claim: "jti" }),
        Some(jti) if jti.is_empty() || jti.len() > 256 => {
            let (found, expected) = (format!("{} bytes long", jti.len()), "1 to 256 bytes long");
            Err(VerifierError::InvalidClaim { claim: "jti", found, expected })
        }
        Some(jti) => Ok(Some(jti.to_owned())),
    }
}

pub(super) fn check_audience(
    verifier: &ClientAssertionVerifier,
    claims: &Members<'_>,
) -> Result<(), VerifierError> {
    let aud = present(claims, "aud").ok_or(VerifierError::MissingClaim { claim: "aud" })?;
    let not_text = || wrong_type("aud", aud, "a string");
    let found = match aud {
        Json::Text(audience) => &**audience,
        _ if verifier.audience == AudiencePolicy::Fapi2 => return Err(not_text()),
        Json::Array(audiences) => match audiences.as_slice() {
            [Json::Text(audience)] => audience,
            [_] => return Err(not_text()),
            several => return Err(VerifierError::AudienceCount { found: several.len() }),
        },
        _ => return Err(not_text()),
    };
    let accepted = || std::iter::once(&verifier.issuer).chain(verifier.audience.others());
    if accepted().any(|audience| audience == found) {
        return Ok(());
    }
    let found = unlike(found, accepted().map(String::as_str), SHOWN);
    Err(VerifierError::Audience { expected: accepted().map(setting).collect(), found })
}
