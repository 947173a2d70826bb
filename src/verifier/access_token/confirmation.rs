//! The key that a token is bound to, and the sender's proof of possession.

use sha2::{Digest, Sha256};

use super::super::VerifierError;
use super::super::claims::{kind, present, wrong_type};
use super::bound_to::{BoundTo, JKT, X5T_S256};
use crate::jose::error::excerpt;
use crate::jose::json::{Json, Members};
use crate::jose::{Thumbprint, base64url};

/// The keys that an access token is bound to (`cnf`, RFC 7800). Only a sender that holds all of
/// them may use the token. See
/// [`AccessTokenVerifier::verify_with_proof`](super::AccessTokenVerifier::verify_with_proof).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    dpop_key: Option<Thumbprint>,
    certificate: Option<[u8; 32]>,
    unknown_methods: Vec<String>,
}

impl Confirmation {
    /// The thumbprint of the DPoP key (`jkt`, RFC 9449 §6.1).
    #[must_use]
    pub const fn dpop_key(&self) -> Option<Thumbprint> {
        self.dpop_key
    }

    /// The SHA-256 hash of the client's certificate as DER (`x5t#S256`, RFC 8705 §3.1).
    #[must_use]
    pub const fn certificate_sha256(&self) -> Option<&[u8; 32]> {
        self.certificate.as_ref()
    }

    /// The names of other confirmation methods, such as `jwk` (RFC 7800 §3.2), made printable and
    /// cut to 64 characters. They cannot be checked here.
    #[must_use]
    pub fn unknown_methods(&self) -> &[String] {
        &self.unknown_methods
    }

    /// Reads the claim. A `null` is an absent claim or member.
    pub(super) fn read(claims: &Members<'_>) -> Result<Option<Self>, VerifierError> {
        let members = match present(claims, "cnf") {
            None => return Ok(None),
            Some(Json::Object(members)) => members,
            Some(other) => return Err(wrong_type("cnf", other, "an object")),
        };
        let mut unknown_methods: Vec<String> = Vec::new();
        for (name, value) in members.iter() {
            if !value.is_null() && ![JKT, X5T_S256].contains(&name) {
                unknown_methods.push(excerpt(name));
            }
        }
        let dpop_key = sha256(members, JKT, "cnf.jkt")?.map(Thumbprint::from);
        let certificate = sha256(members, X5T_S256, "cnf.x5t#S256")?;
        if dpop_key.is_none() && certificate.is_none() && unknown_methods.is_empty() {
            let (found, expected) = ("an object without a member".to_owned(), "an object that names a key");
            return Err(VerifierError::InvalidClaim { claim: "cnf", found, expected });
        }
        Ok(Some(Self { dpop_key, certificate, unknown_methods }))
    }
}

/// A member that is a SHA-256 hash in base64url.
fn sha256(
    members: &Members<'_>,
    member: &str,
    claim: &'static str,
) -> Result<Option<[u8; 32]>, VerifierError> {
    let Some(value) = present(members, member) else {
        return Ok(None);
    };
    let hash = value.text().and_then(|text| base64url::decode(claim, text).ok()?.try_into().ok());
    hash.map(Some).ok_or_else(|| {
        let found = value.text().map_or_else(|| kind(value), |text| format!("{} bytes long", text.len()));
        VerifierError::InvalidClaim { claim, found, expected: "a SHA-256 hash in base64url" }
    })
}

/// The proofs of the sender of a request, which its server has already checked. Default: no proof.
///
/// Pass it to
/// [`AccessTokenVerifier::verify_with_proof`](super::AccessTokenVerifier::verify_with_proof), or
/// add it to the extensions of the request before `server::BearerLayer` runs.
///
/// ```
/// use private_key_jwt::Jwk;
/// use private_key_jwt::verifier::ProofOfPossession;
///
/// # fn example(jwk_of_the_proof: &[u8], certificate: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
/// // The key in the header of a DPoP proof that was checked (RFC 9449 §4.3).
/// let proof = ProofOfPossession::default().dpop_key(Jwk::from_json(jwk_of_the_proof)?.thumbprint());
/// // The client's certificate of this connection (RFC 8705 §3).
/// let proof = ProofOfPossession::default().certificate(certificate);
/// # let _ = proof;
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProofOfPossession {
    dpop_key: Option<Thumbprint>,
    certificate: Option<[u8; 32]>,
}

impl ProofOfPossession {
    /// States that the request has a valid DPoP proof with this key: every check of RFC 9449 §4.3
    /// passed, including `ath`. The token must then be bound to the key (§7.1).
    #[must_use]
    pub const fn dpop_key(mut self, key: Thumbprint) -> Self {
        self.dpop_key = Some(key);
        self
    }

    /// States that the request came over a TLS connection on which the client proved possession of
    /// the key of this certificate, given as DER (RFC 8705 §3). Unbound tokens are accepted as
    /// well.
    #[must_use]
    pub fn certificate(self, der: &[u8]) -> Self {
        self.certificate_sha256(Sha256::digest(der).into())
    }

    /// As [`certificate`](Self::certificate), for a server that knows only the SHA-256 hash of the
    /// DER, such as one behind a proxy that terminates TLS.
    #[must_use]
    pub const fn certificate_sha256(mut self, hash: [u8; 32]) -> Self {
        self.certificate = Some(hash);
        self
    }

    /// Whether a DPoP proof was stated.
    #[cfg(feature = "tower")]
    pub(crate) const fn has_dpop_key(&self) -> bool {
        self.dpop_key.is_some()
    }

    /// The proofs for a token of the scheme `Bearer`: never a DPoP key (RFC 9449 §7.2).
    #[cfg(feature = "tower")]
    pub(crate) const fn without_dpop_key(mut self) -> Self {
        self.dpop_key = None;
        self
    }

    /// Compares the proofs with what a token is bound to.
    pub(super) fn check(
        &self,
        confirmation: Option<&Confirmation>,
        accepts_unproven: bool,
    ) -> Result<(), VerifierError> {
        let bound_key = confirmation.and_then(Confirmation::dpop_key);
        if self.dpop_key.is_some() && bound_key.is_none() {
            return Err(VerifierError::NotBound);
        }
        compare(BoundTo::DpopKey, bound_key, self.dpop_key, accepts_unproven, |key| key.to_string())?;
        let bound_certificate = confirmation.and_then(|confirmation| confirmation.certificate);
        compare(
            BoundTo::Certificate,
            bound_certificate,
            self.certificate,
            accepts_unproven,
            base64url::encode,
        )?;
        match confirmation.and_then(|confirmation| confirmation.unknown_methods.first()) {
            Some(method) if !accepts_unproven => {
                Err(VerifierError::UnknownConfirmation { method: method.clone() })
            }
            _ => Ok(()),
        }
    }
}

fn compare<T: PartialEq>(
    to: BoundTo,
    bound: Option<T>,
    proven: Option<T>,
    accepts_unproven: bool,
    shown: impl Fn(T) -> String,
) -> Result<(), VerifierError> {
    match (bound, proven) {
        (Some(bound), Some(proven)) if bound != proven => {
            Err(VerifierError::OtherKeyProven { to, bound: shown(bound), proven: shown(proven) })
        }
        (Some(_), None) if !accepts_unproven => Err(VerifierError::Unproven { to }),
        _ => Ok(()),
    }
}
