use std::time::Duration;

use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::VerifierError;
use super::form::Form;
use crate::jose::wiped::Wiped;
use crate::jose::{Algorithm, CompactJws, Header, Signature, error::excerpt, json};
use crate::keys::{KeyError, PublicKeySet};
use crate::oauth::{CLIENT_ASSERTION_TYPE, CLIENT_AUTHENTICATION_JWT};

/// Checks client assertions as an authorization server does. Strict unless said otherwise: the issuer is the only
/// audience, every algorithm of this crate is allowed but the registered one decides, a life of at most five
/// minutes, and ten seconds of clock skew (FAPI 2.0 §5.3.2.1).
///
/// The form is all that is looked at. A request that also has an `Authorization` header uses two methods of
/// authentication at once (RFC 6749 §2.3); refusing it is up to the caller, who has the header.
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
#[derive(Clone, Debug)]
pub struct ClientAssertionVerifier {
    audiences: Vec<String>,
    algorithms: Vec<Algorithm>,
    leeway: i64,
    longest_lifetime: i64,
    typed_only: bool,
}

impl ClientAssertionVerifier {
    /// The longest form that is read, in bytes.
    pub const MAX_FORM_LEN: usize = 64 * 1024;
    /// The longest assertion that is decoded, in bytes.
    pub const MAX_ASSERTION_LEN: usize = 16 * 1024;
    /// The most that clocks may be told to differ.
    pub const MAX_LEEWAY: Duration = Duration::from_secs(60);

    /// Accepts assertions for this issuer.
    #[must_use]
    pub fn new(issuer: impl Into<String>) -> Self {
        Self {
            audiences: vec![issuer.into()],
            algorithms: Algorithm::ALL.to_vec(),
            leeway: 10,
            longest_lifetime: 300,
            typed_only: false,
        }
    }

    /// Accepts this audience too, such as the token endpoint that older clients name. An assertion still has one
    /// audience. It costs the protection against audience injection (CVE-2025-27370) where several servers accept
    /// one another's endpoints.
    #[must_use]
    pub fn also_accept_audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Allows these algorithms only (RFC 8725 §3.2).
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// How much the clocks may differ, 60 s at most; 10 s unless said otherwise.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = whole_seconds(leeway.min(Self::MAX_LEEWAY));
        self
    }

    /// The longest life that an assertion may have; 300 s unless said otherwise. A `jti` has to be remembered for as
    /// long.
    #[must_use]
    pub fn longest_lifetime(mut self, lifetime: Duration) -> Self {
        self.longest_lifetime = whole_seconds(lifetime);
        self
    }

    /// Refuses assertions without `typ: client-authentication+jwt`. By default a missing `typ` and `JWT` are accepted,
    /// as draft-ietf-oauth-rfc7523bis §4.1 asks of servers; another kind of token's `typ` never is.
    #[must_use]
    pub const fn typed_only(mut self) -> Self {
        self.typed_only = true;
        self
    }

    /// Takes the form of a token request apart: one assertion, one way of authentication, `client_id` agrees,
    /// `iss` = `sub`.
    ///
    /// # Errors
    ///
    /// [`VerifierError`] for everything that is wrong before a key is looked at.
    pub fn parse(&self, form: &[u8]) -> Result<UnverifiedAssertion<'_>, VerifierError> {
        if form.len() > Self::MAX_FORM_LEN {
            return Err(VerifierError::FormTooLarge { found: form.len(), limit: Self::MAX_FORM_LEN });
        }
        let form = Form::parse(form)?;
        let token =
            form.client_assertion.ok_or(VerifierError::MissingParameter { name: "client_assertion" })?;
        match form.client_assertion_type {
            None => return Err(VerifierError::MissingParameter { name: "client_assertion_type" }),
            Some(found) if *found != CLIENT_ASSERTION_TYPE => {
                return Err(VerifierError::AssertionType { found: excerpt(&found) });
            }
            Some(_) => {}
        }
        if form.client_secret.is_some() {
            return Err(VerifierError::TwoMethods);
        }
        let unverified = self.parse_assertion(&token)?;
        match form.client_id {
            Some(client_id) if *client_id != unverified.client_id => Err(VerifierError::ClientIdMismatch {
                form: excerpt(&client_id),
                assertion: excerpt(&unverified.client_id),
            }),
            _ => Ok(unverified),
        }
    }

    /// Takes an assertion apart that did not come in a form. [`ClientAssertionVerifier::parse`] is for servers: it
    /// sees what stands beside the assertion.
    ///
    /// # Errors
    ///
    /// [`VerifierError::TooLarge`], [`VerifierError::Jose`], [`VerifierError::MissingClaim`],
    /// [`VerifierError::InvalidClaim`], [`VerifierError::IssuerIsNotSubject`].
    pub fn parse_assertion(&self, token: &str) -> Result<UnverifiedAssertion<'_>, VerifierError> {
        if token.len() > Self::MAX_ASSERTION_LEN {
            return Err(VerifierError::TooLarge { found: token.len(), limit: Self::MAX_ASSERTION_LEN });
        }
        let jws = CompactJws::parse(token)?;
        let signing_input = Wiped::new(jws.signing_input().to_owned());
        let (header, payload, signature) = jws.into_parts();
        let (client_id, claims) = Claims::of(&payload)?;
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
}

/// The claims that are checked once the signature is (RFC 7523 §3), as they stand there.
struct Claims {
    aud: Option<Value>,
    jti: Option<Value>,
    exp: Option<Value>,
    nbf: Option<Value>,
    iat: Option<Value>,
}

impl Claims {
    const WHAT: &str = "the claims set";

    /// And the client id, which is both `iss` and `sub`.
    fn of(payload: &[u8]) -> Result<(String, Self), VerifierError> {
        let names = ["iss", "sub", "aud", "jti", "iat", "exp", "nbf"];
        let ([iss, sub, aud, jti, iat, exp, nbf], _) = json::values(Self::WHAT, payload, names)?;
        let (iss, sub) = (text("iss", iss)?, text("sub", sub)?);
        if iss != sub {
            return Err(VerifierError::IssuerIsNotSubject { iss: excerpt(&iss), sub: excerpt(&sub) });
        }
        Ok((iss, Self { aud, jti, exp, nbf, iat }))
    }
}

/// A well-formed assertion that nobody has checked. It says whose it claims to be, and nothing else.
#[must_use = "an unverified assertion proves nothing"]
pub struct UnverifiedAssertion<'a> {
    verifier: &'a ClientAssertionVerifier,
    client_id: String,
    header: Header,
    signing_input: Wiped<String>,
    signature: Signature,
    claims: Claims,
    payload: Vec<u8>,
}

impl UnverifiedAssertion<'_> {
    /// The client that the assertion claims to speak for: good for looking up its keys, and for nothing else.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Checks the assertion against the client's keys: type and algorithm, signature, then the claims.
    ///
    /// `registered` is the algorithm that the client registered (`token_endpoint_auth_signing_alg`); with `None`, the
    /// key and the server's allow-list decide.
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
        self.check_header(registered.into())?;
        let key =
            keys.select(self.header.key_id.as_ref(), self.header.algorithm).map_err(|error| match error {
                KeyError::Jose(error) => VerifierError::Jose(error),
                error => VerifierError::Key(error),
            })?;
        key.verify(self.signing_input.as_bytes(), &self.signature)?;
        self.check_audience()?;
        let expires = self.check_times(now.unix_timestamp())?;
        let jti = text("jti", self.claims.jti)?;
        if jti.is_empty() || jti.len() > 256 {
            return Err(VerifierError::InvalidClaim { claim: "jti", expected: "1 to 256 bytes" });
        }
        Ok(VerifiedAssertion {
            client_id: self.client_id,
            jti,
            // Another verifier on the same store may have more leeway.
            forget_after: expires.saturating_add(whole_seconds(ClientAssertionVerifier::MAX_LEEWAY)),
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
            return Err(VerifierError::MediaType { found: self.header.media_type.as_deref().map(excerpt) });
        }
        let found = self.header.algorithm;
        if registered.is_none_or(|algorithm| algorithm == found) && self.verifier.algorithms.contains(&found)
        {
            Ok(())
        } else {
            let allowed =
                registered.map_or_else(|| self.verifier.algorithms.clone(), |algorithm| vec![algorithm]);
            Err(VerifierError::Algorithm { found, allowed })
        }
    }

    fn check_audience(&self) -> Result<(), VerifierError> {
        const NOT_TEXT: VerifierError = VerifierError::InvalidClaim { claim: "aud", expected: "a string" };
        let found = match &self.claims.aud {
            None => return Err(VerifierError::MissingClaim { claim: "aud" }),
            Some(Value::String(audience)) => audience,
            Some(Value::Array(audiences)) => match audiences.as_slice() {
                [Value::String(audience)] => audience,
                [_] => return Err(NOT_TEXT),
                several => return Err(VerifierError::AudienceCount { found: several.len() }),
            },
            Some(_) => return Err(NOT_TEXT),
        };
        if self.verifier.audiences.contains(found) {
            Ok(())
        } else {
            Err(VerifierError::Audience { expected: self.verifier.audiences.clone(), found: excerpt(found) })
        }
    }

    fn check_times(&self, now: i64) -> Result<i64, VerifierError> {
        let ClientAssertionVerifier { leeway, longest_lifetime: limit, .. } = *self.verifier;
        let Claims { exp, nbf, iat, .. } = &self.claims;
        let expires =
            numeric_date("exp", exp.as_ref())?.ok_or(VerifierError::MissingClaim { claim: "exp" })?;
        if expires.saturating_add(leeway) <= now {
            return Err(VerifierError::Expired { expired: expires, now });
        }
        let issued = numeric_date("iat", iat.as_ref())?;
        for (claim, time) in [("nbf", numeric_date("nbf", nbf.as_ref())?), ("iat", issued)] {
            if let Some(found) = time.filter(|time| *time > now.saturating_add(leeway)) {
                return Err(VerifierError::NotYetValid { claim, found, now });
            }
        }
        // From `iat` where there is one: a backdated assertion has lived already.
        let found = expires.saturating_sub(issued.unwrap_or(now).min(now));
        if found > limit.saturating_add(leeway) {
            return Err(VerifierError::Lifetime { found, limit });
        }
        Ok(expires)
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

/// An assertion whose signature and claims hold. It may still be a copy: [`ReplayStore::spend`](super::ReplayStore)
/// is the last step.
#[must_use = "an assertion that is not spent can be replayed"]
pub struct VerifiedAssertion {
    client_id: String,
    jti: String,
    forget_after: i64,
    payload: Vec<u8>,
}

impl VerifiedAssertion {
    /// The client whose key signed.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The `jti`.
    #[must_use]
    pub fn jti(&self) -> &str {
        &self.jti
    }

    /// All claims, read anew with each call: what a server needs of them every time has been checked.
    #[must_use]
    pub fn claims(&self) -> Map<String, Value> {
        // It has been read once.
        json::object(Claims::WHAT, &self.payload).unwrap_or_default()
    }

    /// The second from which no verifier accepts the assertion (`exp` and the most leeway), since 1970.
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

fn text(claim: &'static str, value: Option<Value>) -> Result<String, VerifierError> {
    match value {
        None => Err(VerifierError::MissingClaim { claim }),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(VerifierError::InvalidClaim { claim, expected: "a string" }),
    }
}

/// RFC 7519 §2: seconds since 1970, fractions allowed (cut off here).
fn numeric_date(claim: &'static str, value: Option<&Value>) -> Result<Option<i64>, VerifierError> {
    let Some(value) = value else {
        return Ok(None);
    };
    let in_range = |seconds: &f64| (0.0..1e15).contains(seconds);
    #[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
    let seconds = value
        .as_i64()
        .filter(|seconds| *seconds >= 0)
        .or_else(|| value.as_f64().filter(in_range).map(|seconds| seconds as i64));
    seconds.map(Some).ok_or(VerifierError::InvalidClaim { claim, expected: "a number of seconds since 1970" })
}

fn whole_seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
