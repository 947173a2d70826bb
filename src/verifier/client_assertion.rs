use std::time::Duration;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::VerifierError;
use super::audience::AudiencePolicy;
use super::claims::{
    CLAIMS_SET, check_algorithm, check_lifetime, check_signature, check_times, expiry, numeric_date,
    optional_text, present, text, whole_seconds, wrong_type,
};
use super::foreign;
use super::form::{self, Form};
use super::setting::Settings;
use crate::jose::error::{excerpt, unlike};
use crate::jose::json::{self, Json, Members};
use crate::jose::secret_form::{Shown, setting};
use crate::jose::text::Text;
use crate::jose::{Algorithm, CompactJws, Header, Signature};
use crate::keys::PublicKeySet;
use crate::oauth::{CLIENT_ASSERTION_TYPE, CLIENT_AUTHENTICATION_JWT};

/// Checks client assertions as an authorization server does. By default, only the issuer is
/// accepted as audience, every algorithm of this crate is allowed (the client's registered
/// algorithm decides), an assertion lives at most five minutes, and clocks may differ by ten
/// seconds (FAPI 2.0 §5.3.2.1).
///
/// It looks only at the form. A request that also has an `Authorization` header uses two methods of
/// authentication at once (RFC 6749 §2.3). The caller has the header, so the caller must reject
/// such a request.
///
/// ```
/// use private_key_jwt::verifier::{ClientAssertionVerifier, InMemoryReplayStore, ReplayStore};
/// use private_key_jwt::{
///     Algorithm, AuthorizationServer, ClientAssertion, JwkSet, PrivateKey, PublicKeySet, TokenRequest,
/// };
/// use time::OffsetDateTime;
///
/// # async fn handle() -> Result<(), Box<dyn std::error::Error>> {
/// // The client's side.
/// let server = AuthorizationServer::new("https://as.example", "https://as.example/token")?;
/// let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
/// let jwks = PublicKeySet::from(JwkSet::from(key.public_jwk().clone())); // kept: its keys are parsed once
/// let now = OffsetDateTime::now_utc();
/// let assertion = ClientAssertion::builder("client", &server).sign(&key, now, "jti-1")?;
/// let body = TokenRequest::client_credentials(()).to_http(&server, &assertion)?.into_body();
///
/// // The server's side.
/// let verifier = ClientAssertionVerifier::new("https://as.example");
/// let replay = InMemoryReplayStore::default();
/// let unverified = verifier.parse(&body)?;
/// assert_eq!(unverified.client_id(), "client"); // claimed: look up its keys
/// let verified = unverified.verify(&jwks, Algorithm::ES256, now)?;
/// assert_eq!(replay.spend(verified, now).await?, "client"); // proven
/// # Ok(()) }
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(handle())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ClientAssertionVerifier {
    issuer: String,
    audience: AudiencePolicy,
    algorithms: Vec<Algorithm>,
    leeway: i64,
    longest_lifetime: i64,
    typed_only: bool,
    accepts_missing_jti: bool,
    settings: Settings,
}

impl std::fmt::Debug for ClientAssertionVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientAssertionVerifier")
            .field("issuer", &Shown(&self.issuer))
            .field("audience", &self.audience)
            .field("algorithms", &self.algorithms)
            .field("leeway", &self.leeway)
            .field("longest_lifetime", &self.longest_lifetime)
            .field("typed_only", &self.typed_only)
            .field("accepts_missing_jti", &self.accepts_missing_jti)
            .finish_non_exhaustive()
    }
}

impl ClientAssertionVerifier {
    /// The maximum length of a form, in bytes. Longer forms are not decoded.
    pub const MAX_FORM_LEN: usize = form::MAX_LEN;
    /// The maximum length of an assertion, in bytes. Longer assertions are not decoded.
    pub const MAX_ASSERTION_LEN: usize = 16 * 1024;
    /// The largest accepted [`leeway`](Self::leeway).
    pub const MAX_LEEWAY: Duration = Duration::from_secs(60);

    /// Accepts assertions for this issuer, compared byte for byte. If the issuer is empty or only
    /// white space, no assertion is accepted ([`VerifierError::EmptySetting`]).
    #[must_use]
    pub fn new(issuer: impl Into<String>) -> Self {
        let issuer = issuer.into();
        let mut settings = Settings::default();
        settings.text("issuer", &issuer);
        Self {
            issuer,
            audience: AudiencePolicy::Strict,
            algorithms: Algorithm::ALL.to_vec(),
            leeway: 10,
            longest_lifetime: 300,
            typed_only: false,
            accepts_missing_jti: false,
            settings,
        }
    }

    /// Sets the audiences that an assertion may have. Default: [`AudiencePolicy::Strict`]. If an
    /// audience is empty or only white space, no assertion is accepted.
    #[must_use]
    pub fn audience_policy(mut self, policy: AudiencePolicy) -> Self {
        for audience in policy.others() {
            self.settings.text("audience_policy", audience);
        }
        self.audience = policy;
        self
    }

    /// Allows only these algorithms (RFC 8725 §3.2). `EdDSA` and `Ed25519` count as one
    /// ([`Algorithm::is_same_as`]).
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// The maximum difference between the clocks, at most 60 s. Default: 10 s.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = whole_seconds(leeway.min(Self::MAX_LEEWAY));
        self
    }

    /// The maximum lifetime of an assertion. Default: 300 s. The replay store must remember a `jti`
    /// for that long.
    #[must_use]
    pub fn longest_lifetime(mut self, lifetime: Duration) -> Self {
        self.longest_lifetime = whole_seconds(lifetime);
        self
    }

    /// Rejects assertions without `typ: client-authentication+jwt`. By default, a missing `typ` and
    /// `JWT` are accepted too, as RFC 10070 §4.1 asks of servers, unless a claim shows that the JWT
    /// is of another kind: an authorization grant or request object (`scope`, `client_id` of
    /// another client, `redirect_uri`, …), an ID token (`nonce`, `at_hash`, …), a security event
    /// (`events`), a DPoP proof (`htm`). The `typ` of another kind is never accepted.
    ///
    /// One case remains by default: if a client signs a grant for itself (RFC 7523 §2.1) without a
    /// type and with none of these claims, that grant is also a valid client assertion. Only the
    /// type tells the two apart.
    #[must_use]
    pub const fn typed_only(mut self) -> Self {
        self.typed_only = true;
        self
    }

    /// Accepts assertions without `jti`, which RFC 7523 §3 leaves optional: kafka-clients sends
    /// none by default. By default, they are rejected, since OpenID Connect Core §9 requires it.
    ///
    /// The replay store then remembers a SHA-256 hash of the signed header and claims, so a copy is
    /// still rejected. The price is that clients lose their independence: if two processes make the
    /// same assertion in the same second, with nothing to tell them apart, the two use up one
    /// assertion, and the second is rejected ([`VerifierError::ReplayedWithoutJti`]).
    #[must_use]
    pub const fn accept_missing_jti(mut self) -> Self {
        self.accepts_missing_jti = true;
        self
    }

    /// Parses the form of a token request. Checks that there is one assertion and one method of
    /// authentication, that `client_id` agrees, and that `iss` = `sub`. The signed bytes are not
    /// copied, so the form must outlive the result.
    ///
    /// # Errors
    ///
    /// [`VerifierError`] for everything that is wrong before a key is used.
    pub fn parse<'a>(&'a self, form: &'a [u8]) -> Result<UnverifiedAssertion<'a>, VerifierError> {
        self.parse_form(Form::parse(form)?)
    }

    /// As [`ClientAssertionVerifier::parse`], for a caller that has read the form for its other
    /// parameters.
    pub(crate) fn parse_form<'a>(&'a self, form: Form<'a>) -> Result<UnverifiedAssertion<'a>, VerifierError> {
        let token = form.client_assertion.ok_or(match form.client_secret {
            Some(_) => VerifierError::OtherMethod { found: "client_secret" },
            None => VerifierError::MissingParameter { name: "client_assertion" },
        })?;
        match form.client_assertion_type {
            None => return Err(VerifierError::MissingParameter { name: "client_assertion_type" }),
            Some(found) if &*found != CLIENT_ASSERTION_TYPE => {
                let found = unlike(&found, [CLIENT_ASSERTION_TYPE], 64);
                return Err(VerifierError::AssertionType { found });
            }
            Some(_) => {}
        }
        if form.client_secret.is_some() {
            return Err(VerifierError::TwoMethods);
        }
        let unverified = self.take_apart(token)?;
        match form.client_id {
            Some(client_id) if *client_id != *unverified.client_id => Err(VerifierError::ClientIdMismatch {
                form: unlike(&client_id, [&*unverified.client_id], SHOWN),
                assertion: unlike(&unverified.client_id, [&*client_id], SHOWN),
            }),
            _ => Ok(unverified),
        }
    }

    /// Parses an assertion that did not arrive in a form. Servers should use
    /// [`ClientAssertionVerifier::parse`], which also sees the parameters next to the assertion.
    ///
    /// # Errors
    ///
    /// [`VerifierError::TooLarge`], [`VerifierError::Jose`], [`VerifierError::MissingClaim`],
    /// [`VerifierError::InvalidClaim`], [`VerifierError::IssuerIsNotSubject`],
    /// [`VerifierError::EmptySetting`].
    pub fn parse_assertion<'a>(&'a self, token: &'a str) -> Result<UnverifiedAssertion<'a>, VerifierError> {
        self.take_apart(Text::Borrowed(token))
    }

    fn take_apart<'a>(&'a self, token: Text<'a>) -> Result<UnverifiedAssertion<'a>, VerifierError> {
        self.settings.check()?;
        if token.len() > Self::MAX_ASSERTION_LEN {
            return Err(VerifierError::TooLarge { found: token.len(), limit: Self::MAX_ASSERTION_LEN });
        }
        let jws = CompactJws::parse(&token)?;
        let signed = jws.signing_input().len();
        let (header, payload, signature) = jws.into_parts();
        let (client_id, claims) = self.claims(&payload, header.is_typed(CLIENT_AUTHENTICATION_JWT))?;
        let signing_input = token.truncated(signed);
        Ok(UnverifiedAssertion {
            verifier: self,
            client_id,
            header,
            signing_input,
            signature,
            claims,
            payload,
        })
    }

    /// The client id, which is both `iss` and `sub`, and the other claims or their error. The
    /// latter is reported only after the signature is verified.
    fn claims(
        &self,
        payload: &[u8],
        is_typed: bool,
    ) -> Result<(String, Result<Claims, VerifierError>), VerifierError> {
        let members = json::read(CLAIMS_SET, payload)?;
        let (iss, sub) = (text(&members, "iss")?, text(&members, "sub")?);
        if iss != sub {
            let (iss, sub) = (unlike(iss, [sub], SHOWN), unlike(sub, [iss], SHOWN));
            return Err(VerifierError::IssuerIsNotSubject { iss, sub });
        }
        let kind = if is_typed { Ok(()) } else { foreign::check(iss, &members) };
        let claims = kind.and_then(|()| self.check_audience(&members)).and_then(|()| {
            Ok(Claims {
                exp: expiry(&members)?,
                nbf: numeric_date(&members, "nbf")?,
                iat: numeric_date(&members, "iat")?,
                jti: match optional_text(&members, "jti")? {
                    None if self.accepts_missing_jti => None,
                    None => return Err(VerifierError::MissingClaim { claim: "jti" }),
                    Some(jti) if jti.is_empty() || jti.len() > 256 => {
                        let (found, expected) = (format!("{} bytes long", jti.len()), "1 to 256 bytes long");
                        return Err(VerifierError::InvalidClaim { claim: "jti", found, expected });
                    }
                    Some(jti) => Some(jti.to_owned()),
                },
            })
        });
        Ok((iss.to_owned(), claims))
    }

    fn check_audience(&self, claims: &Members<'_>) -> Result<(), VerifierError> {
        let aud = present(claims, "aud").ok_or(VerifierError::MissingClaim { claim: "aud" })?;
        let not_text = || wrong_type("aud", aud, "a string");
        let found = match aud {
            Json::Text(audience) => &**audience,
            _ if self.audience == AudiencePolicy::Fapi2 => return Err(not_text()),
            Json::Array(audiences) => match audiences.as_slice() {
                [Json::Text(audience)] => audience,
                [_] => return Err(not_text()),
                several => return Err(VerifierError::AudienceCount { found: several.len() }),
            },
            _ => return Err(not_text()),
        };
        let accepted = || std::iter::once(&self.issuer).chain(self.audience.others());
        if accepted().any(|audience| audience == found) {
            Ok(())
        } else {
            let found = unlike(found, accepted().map(String::as_str), SHOWN);
            Err(VerifierError::Audience { expected: accepted().map(setting).collect(), found })
        }
    }
}

/// How much of a client id or an audience an error shows, in characters, unless the difference is
/// further back.
const SHOWN: usize = 256;

/// The claims that must not be trusted before the signature is checked (RFC 7523 §3).
struct Claims {
    jti: Option<String>,
    exp: i64,
    nbf: Option<i64>,
    iat: Option<i64>,
}

impl Claims {
    fn check_times(&self, verifier: &ClientAssertionVerifier, now: i64) -> Result<(), VerifierError> {
        let ClientAssertionVerifier { leeway, longest_lifetime: limit, .. } = *verifier;
        check_times(self.exp, self.nbf, self.iat, leeway, now)?;
        check_lifetime(self.exp, self.iat, limit, leeway, now)
    }
}

/// A well-formed assertion that is not yet verified. It states only whose it claims to be.
#[must_use = "an unverified assertion proves nothing"]
pub struct UnverifiedAssertion<'a> {
    verifier: &'a ClientAssertionVerifier,
    client_id: String,
    header: Header,
    signing_input: Text<'a>,
    signature: Signature,
    claims: Result<Claims, VerifierError>,
    payload: Vec<u8>,
}

impl UnverifiedAssertion<'_> {
    /// The client that the assertion claims to speak for. Use it only to look up the client's keys.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Checks the assertion against the client's keys: type and algorithm, signature, then the
    /// claims.
    ///
    /// `registered` is the algorithm that the client registered
    /// (`token_endpoint_auth_signing_alg`), by either of its names; with `None`, the key and the
    /// server's allow-list decide.
    ///
    /// # Errors
    ///
    /// [`VerifierError`] for the first check that fails.
    pub fn verify(
        self,
        keys: &PublicKeySet,
        registered: impl Into<Option<Algorithm>>,
        now: OffsetDateTime,
    ) -> Result<VerifiedAssertion, VerifierError> {
        self.check_signature(keys, registered.into())?;
        self.check_claims(now)
    }

    /// The first half of the check, which can be repeated with other keys.
    pub(crate) fn check_signature(
        &self,
        keys: &PublicKeySet,
        registered: Option<Algorithm>,
    ) -> Result<(), VerifierError> {
        self.check_header(registered)?;
        check_signature(keys, &self.header, &self.signing_input, &self.signature)
    }

    /// The second half, after the signature is verified.
    pub(crate) fn check_claims(self, now: OffsetDateTime) -> Result<VerifiedAssertion, VerifierError> {
        let claims = self.claims?;
        claims.check_times(self.verifier, now.unix_timestamp())?;
        Ok(VerifiedAssertion {
            client_id: self.client_id,
            algorithm: self.header.algorithm,
            identity: match claims.jti {
                Some(jti) => AssertionIdentity::Jti(jti),
                // Do not hash the signature: an ECDSA signature can be turned into a second valid
                // one.
                None => AssertionIdentity::SigningInput(Sha256::digest(&*self.signing_input).into()),
            },
            // Another verifier that uses the same store may have more leeway.
            forget_after: claims.exp.saturating_add(whole_seconds(ClientAssertionVerifier::MAX_LEEWAY)),
            payload: self.payload,
        })
    }

    fn check_header(&self, registered: Option<Algorithm>) -> Result<(), VerifierError> {
        let typ_fits = match &self.header.media_type {
            None => !self.verifier.typed_only,
            Some(_) if self.header.is_typed(CLIENT_AUTHENTICATION_JWT) => true,
            Some(_) => !self.verifier.typed_only && self.header.is_typed("JWT"),
        };
        if !typ_fits {
            let expected = if self.verifier.typed_only {
                "`client-authentication+jwt`"
            } else {
                "`client-authentication+jwt`, `JWT` or none"
            };
            let found = self.header.media_type.as_deref();
            let found = found.map(|found| unlike(found, [CLIENT_AUTHENTICATION_JWT], 64));
            return Err(VerifierError::MediaType { found, expected });
        }
        let of_client =
            |algorithm: &Algorithm| registered.is_none_or(|registered| registered.is_same_as(*algorithm));
        check_algorithm(self.header.algorithm, self.verifier.algorithms.iter().copied().filter(of_client))
    }
}

impl std::fmt::Debug for UnverifiedAssertion<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnverifiedAssertion")
            .field("client_id", &excerpt(&self.client_id))
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

/// The identity of an assertion among those of its client.
pub(super) enum AssertionIdentity {
    Jti(String),
    /// SHA-256 of the signing input, for an assertion without `jti`.
    SigningInput([u8; 32]),
}

/// An assertion with a valid signature and valid claims. It may still be a copy:
/// [`ReplayStore::spend`](super::ReplayStore) is the last step.
#[must_use = "an assertion that is not spent can be replayed"]
pub struct VerifiedAssertion {
    client_id: String,
    algorithm: Algorithm,
    identity: AssertionIdentity,
    forget_after: i64,
    payload: Vec<u8>,
}

impl VerifiedAssertion {
    /// The client whose key signed the assertion.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The algorithm of the signature.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The `jti`. It is absent only if [`ClientAssertionVerifier::accept_missing_jti`] is set.
    #[must_use]
    pub fn jti(&self) -> Option<&str> {
        match &self.identity {
            AssertionIdentity::Jti(jti) => Some(jti),
            AssertionIdentity::SigningInput(_) => None,
        }
    }

    /// All claims. Each call parses them again, because the claims that a server always needs were
    /// already checked.
    #[must_use]
    pub fn claims(&self) -> Map<String, Value> {
        // The payload was parsed before, so this cannot fail.
        json::object(CLAIMS_SET, &self.payload).unwrap_or_default()
    }

    /// The identity of the assertion among the client's assertions.
    pub(super) const fn identity(&self) -> &AssertionIdentity {
        &self.identity
    }

    /// The second since 1970 from which no verifier accepts the assertion (`exp` plus the maximum
    /// leeway).
    pub(super) const fn forget_after(&self) -> i64 {
        self.forget_after
    }

    pub(super) fn into_client_id(self) -> String {
        self.client_id
    }
}

impl std::fmt::Debug for VerifiedAssertion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifiedAssertion").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}
