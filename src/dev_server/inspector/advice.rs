//! What the developer of the client changes to have a refused assertion accepted: one value where
//! several are accepted. Causes without an advice of their own have that of their [`CauseKind`].

use super::checks::{Examination, Keys};
use super::masked;
use super::trial::{Name, Trial};
use crate::dev_server::fault::FaultKind;
use crate::jose::moment::Span;
use crate::jose::{Algorithm, JoseError, KeyMismatch, KeyType, Signature};
use crate::keys::KeyError;
use crate::oauth::{CLIENT_ASSERTION_TYPE, CauseKind};
use crate::verifier::VerifierError;

/// No assertion dates from before 1980, so such an `exp` is a lifetime.
const TEN_YEARS: i64 = 315_360_000;

impl Examination<'_> {
    /// What to change about an error of the verifier.
    pub(super) fn advice(&self, error: &VerifierError) -> String {
        match error {
            VerifierError::Jose(error) => self.advice_on_jws(error),
            VerifierError::Key(KeyError::BadSignature) => self.advice_on_signature(),
            VerifierError::Audience { .. } => format!("set `aud` to {}", self.audience()),
            VerifierError::MissingClaim { claim: "aud" }
            | VerifierError::AudienceCount { .. }
            | VerifierError::InvalidClaim { claim: "aud", .. } => {
                format!("send `aud` as one string: {}", self.audience())
            }
            VerifierError::MissingClaim { claim: "iss" | "sub" }
            | VerifierError::IssuerIsNotSubject { .. } => self.advice_on_subject(),
            VerifierError::MissingClaim { claim: "jti" } => CauseKind::TokenIdMissing.advice().to_owned(),
            VerifierError::MissingClaim { claim } => format!("add `{claim}` to the assertion"),
            VerifierError::InvalidClaim { claim, expected, .. } => format!("send `{claim}` as {expected}"),
            VerifierError::Expired { expired, .. } if *expired < TEN_YEARS => {
                "set `exp` to a time in seconds since 1970: `iat` plus a lifetime of 60 s".to_owned()
            }
            VerifierError::Expired { expired, now } => {
                let issued = self.seconds("iat").unwrap_or(*expired);
                let behind = Span(now.abs_diff(issued));
                format!(
                    "sign a new assertion for each request; if this one was new, the clock of the client is {behind} \
                     behind"
                )
            }
            VerifierError::NotYetValid { claim, found, now } => {
                let ahead = Span(found.abs_diff(*now));
                format!(
                    "the clock of the client is {ahead} ahead, or the client adds time to `{claim}`: set `{claim}` to \
                     the current time"
                )
            }
            VerifierError::NotInSeconds { claim, found } => {
                format!("send `{claim}` in seconds since 1970, not in milliseconds: {}", found / 1000)
            }
            VerifierError::Lifetime { .. } => self.advice_on_lifetime(),
            VerifierError::MediaType { .. } => self.advice_on_media_type(),
            VerifierError::Algorithm { .. } => self.advice_on_algorithm(),
            VerifierError::ForeignClaim { claim, .. } => {
                format!("leave out `{claim}`, or set `typ` to `client-authentication+jwt`")
            }
            VerifierError::TooLarge { .. } => {
                "leave out what the server does not need, such as `x5c`".to_owned()
            }
            _ => CauseKind::Malformed.advice().to_owned(),
        }
    }

    /// What to change about a demand that the verifier does not know.
    pub(super) fn advice_on_demand(&self, kind: FaultKind) -> String {
        match (kind, self.trial) {
            (FaultKind::MediaType, _) => self.advice_on_media_type(),
            (FaultKind::NoKeyId, _) if self.has_header("kid") => CauseKind::Certificate.advice().to_owned(),
            (FaultKind::NoKeyId, Trial::Own(Name { kid: Some(kid), .. })) => {
                format!("send the `kid` of the registered key: `{kid}`")
            }
            (FaultKind::NoKeyId, _) => "send the `kid` of the registered key".to_owned(),
            (FaultKind::ClientId, _) => "send the `client_id` in the form".to_owned(),
            (FaultKind::IssuedEarlier, _) => {
                let age = self.seconds("iat").map_or(0, |iat| self.now.unix_timestamp().abs_diff(iat));
                format!(
                    "sign a new assertion for each request; if this one was new, the clock of the client is {} behind",
                    Span(age)
                )
            }
            (FaultKind::Lifetime, _) => "add `iat`, or set `exp` closer to the current time".to_owned(),
            _ => CauseKind::Malformed.advice().to_owned(),
        }
    }

    /// The recommended audience.
    fn audience(&self) -> String {
        let recommended = self.audiences.first().map(String::as_str).unwrap_or_default();
        let role = if recommended == self.issuer { "the issuer, " } else { "" };
        format!("{role}`{}`", masked::text(recommended))
    }

    fn advice_on_media_type(&self) -> String {
        match self.demands.media_type() {
            Some(typ) => format!("set `typ` to `{typ}`"),
            None => "leave out `typ`".to_owned(),
        }
    }

    fn advice_on_lifetime(&self) -> String {
        let limit = self.demands.longest_lifetime();
        match self.seconds("iat") {
            Some(iat) if iat <= self.now.unix_timestamp() => {
                format!("set `exp` to at most {limit} s after `iat`: 60 s are enough")
            }
            _ => format!("set `exp` to at most {limit} s after the current time: 60 s are enough"),
        }
    }

    /// The one of `iss` and `sub` that is registered is the client id.
    fn advice_on_subject(&self) -> String {
        let of = |claim| self.jwt?.claims().get(claim)?.as_str();
        let known = |id: &&str| self.clients.check_known(id).is_ok();
        match (of("iss").filter(known), of("sub").filter(known)) {
            (Some(id), None) | (None, Some(id)) => {
                format!("set both to the client id `{}`", masked::text(id))
            }
            (Some(iss), Some(sub)) if iss == sub => {
                format!("set both to the client id `{}`", masked::text(iss))
            }
            _ => "set both to the client id as registered".to_owned(),
        }
    }

    /// Which key was meant, or made the signature.
    fn advice_on_key(&self) -> String {
        match self.trial {
            Trial::Own(Name { kid: Some(kid), .. }) => format!("send the `kid` of that key: `{kid}`"),
            Trial::Own(_) => {
                "register that key under the `kid` that the assertion has, or send no `kid`".to_owned()
            }
            Trial::Foreign { .. } | Trial::Failed { .. } => self.advice_on_signature(),
            Trial::Impossible => CauseKind::KeyId.advice().to_owned(),
        }
    }

    /// Which private key to sign with.
    pub(super) fn advice_on_signature(&self) -> String {
        match self.trial {
            Trial::Own(Name { kid: Some(kid), .. }) => {
                format!("send the `kid` of the key that signs: `{kid}`; or sign with the key that the `kid` names")
            }
            Trial::Own(_) => "sign with the key that the `kid` names".to_owned(),
            Trial::Foreign { client, .. } => {
                format!("sign with this client's private key, or set `iss` and `sub` to `{client}`")
            }
            Trial::Failed { .. } | Trial::Impossible => {
                "sign with the private key of the registered public key, or register the public key of this private \
                 key; if they are partners, something changes the JWT after it is signed"
                    .to_owned()
            }
        }
    }

    fn advice_on_jws(&self, error: &JoseError) -> String {
        match error {
            JoseError::NoMatchingKey { algorithm, reason, .. } => match (&**reason, self.trial) {
                (
                    KeyMismatch::UnknownKeyId { .. }
                    | KeyMismatch::NoKeyIds { .. }
                    | KeyMismatch::UnknownThumbprint { .. },
                    _,
                ) => self.advice_on_key(),
                (KeyMismatch::OtherAlgorithm { .. } | KeyMismatch::OtherKeyType { .. }, _)
                    if !self.demands.algorithms().contains(algorithm) =>
                {
                    self.advice_on_algorithm()
                }
                (KeyMismatch::OtherAlgorithm { .. } | KeyMismatch::OtherKeyType { .. }, Trial::Own(_)) => {
                    self.advice_on_key()
                }
                (KeyMismatch::OtherAlgorithm { found }, _) => {
                    format!("sign with {found}, or register the key without `alg`")
                }
                (KeyMismatch::OtherKeyType { .. }, _) => self.advice_on_algorithm(),
                _ => CauseKind::KeySet.advice().to_owned(),
            },
            JoseError::AmbiguousKey { .. } => self.advice_on_key(),
            JoseError::UnsupportedAlgorithm { found } => self.advice_on_unknown_algorithm(found),
            JoseError::MissingMember { what, member } => format!("add `{member}` to {what}"),
            JoseError::InvalidMember { member, expected, .. } => format!("send `{member}` as {expected}"),
            JoseError::DuplicateMember { member, .. } => format!("send `{member}` once"),
            JoseError::Base64Url { .. } => {
                "encode each part as base64url: `-` and `_` in place of `+` and `/`, and no `=`; if a library did, check \
                 that the JWT is not truncated"
                    .to_owned()
            }
            JoseError::SignatureLength { found: 0, .. } => "sign the JWT with the private key".to_owned(),
            JoseError::SignatureLength { algorithm, found } => match algorithm.key_type() {
                KeyType::Ec(curve) if self.is_der() => {
                    let length = curve.coordinate_len();
                    format!(
                        "send the signature as R and S side by side, {length} bytes each (RFC 7518 §3.4), not as DER"
                    )
                }
                _ if Signature::other_kind(*algorithm, *found).is_some() => {
                    "set `alg` to the algorithm of the key that signs".to_owned()
                }
                _ => "check that the signature is not truncated".to_owned(),
            },
            JoseError::PartCount { found: 5 } => "do not encrypt the assertion (RFC 7516), only sign it".to_owned(),
            JoseError::CriticalHeader => "omit `crit`".to_owned(),
            _ => "send the three parts of the JWT as the library returns them, and check that nothing changes the form"
                .to_owned(),
        }
    }

    /// An accepted algorithm that a registered key of the client fits.
    fn advice_on_algorithm(&self) -> String {
        match self.usable_algorithm() {
            Some(usable) => format!("sign with {usable}, for which a key is registered"),
            None => CauseKind::Algorithm.advice().to_owned(),
        }
    }

    fn advice_on_unknown_algorithm(&self, found: &str) -> String {
        let allowed = self.demands.algorithms();
        if let Some(meant) = allowed.iter().find(|name| name.as_str().eq_ignore_ascii_case(found)) {
            return format!("set `alg` to `{meant}`: upper and lower case differ");
        }
        match self.usable_algorithm() {
            Some(usable) => format!("sign with the private key and {usable}, for which a key is registered"),
            None => {
                let allowed: Vec<_> = allowed.iter().map(|allowed| allowed.as_str()).collect();
                format!("sign with a private key, and with one of {}", allowed.join(", "))
            }
        }
    }

    fn usable_algorithm(&self) -> Option<Algorithm> {
        let Keys::Known(keys) = self.keys else { return None };
        let fits = |algorithm: &Algorithm| {
            keys.parsed().filter_map(Result::ok).any(|key| key.jwk().verifies(*algorithm))
        };
        self.demands.algorithms().iter().copied().find(fits)
    }

    fn has_header(&self, name: &str) -> bool {
        self.jwt.is_some_and(|jwt| jwt.header().get(name).is_some_and(|value| !value.is_null()))
    }

    /// A time among the claims, cut to whole seconds.
    pub(super) fn seconds(&self, claim: &str) -> Option<i64> {
        let value = self.jwt?.claims().get(claim)?;
        #[allow(clippy::cast_possible_truncation, reason = "a number out of range is only shown")]
        value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
    }
}

/// What to change about a request without a usable assertion. `None` for a cause of the assertion.
pub(super) fn on_method(kind: FaultKind) -> Option<String> {
    Some(match kind {
        FaultKind::NoAssertion => "send a `client_assertion`, signed with the private key".to_owned(),
        FaultKind::OtherMethod => {
            "send the JWT as `client_assertion` in the form, with no `client_secret` and no Authorization header"
                .to_owned()
        }
        FaultKind::NoAssertionType | FaultKind::AssertionType => {
            format!("set `client_assertion_type` to `{CLIENT_ASSERTION_TYPE}`")
        }
        _ => return None,
    })
}

/// What to change about a client that is not registered or whose keys are not known.
pub(super) fn on_registration(kind: FaultKind, trial: &Trial) -> String {
    match (kind, trial) {
        (FaultKind::KeySet, _) => CauseKind::KeySetUnreachable.advice().to_owned(),
        (_, Trial::Foreign { client, .. }) => {
            format!("set `iss` and `sub` to `{client}`, whose registered key verifies the signature")
        }
        _ => CauseKind::UnknownClient.advice().to_owned(),
    }
}
