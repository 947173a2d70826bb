use time::{Duration, OffsetDateTime};

use super::kind::CauseKind;
use crate::jose::json::{self, Json, Members};
use crate::jose::moment::Utc;
use crate::jose::{JoseError, base64url, jws};
use crate::oauth::text::{safe, safe_url};

/// What a client assertion contains that servers differ in, without its signature and its `jti`:
/// for error messages, and to compare it with what a server accepts.
///
/// All texts are safe to log: a value that looks like a secret is masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentAssertion {
    pub(super) algorithm: String,
    pub(super) key_id: Option<String>,
    pub(super) media_type: Option<String>,
    /// The names of the headers about a certificate.
    pub(super) certificate_headers: Vec<&'static str>,
    pub(super) audiences: Vec<String>,
    /// Whether the `aud` is an array, even of one.
    pub(super) is_list: bool,
    pub(super) issuer: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) has_token_id: bool,
    pub(super) issued_at: Option<OffsetDateTime>,
    pub(super) expires_at: Option<OffsetDateTime>,
    pub(super) not_before: Option<OffsetDateTime>,
    /// The `client_id` of the form.
    pub(super) client_id: Option<String>,
    /// The URL of the endpoint that was called.
    pub(super) called: Option<String>,
    /// Our time when the response arrived, and how far the server's clock is ahead of ours.
    pub(super) received: Option<(OffsetDateTime, Option<Duration>)>,
}

/// RFC 7515 §4.1.6 to §4.1.8.
const CERTIFICATE: [&str; 3] = ["x5t#S256", "x5t", "x5c"];
const HEADER: &str = "the header of the assertion";
const CLAIMS: &str = "the payload of the assertion";

impl SentAssertion {
    /// Reads an assertion that any library made. The signature is not verified.
    ///
    /// ```
    /// use private_key_jwt::oauth::SentAssertion;
    ///
    /// // {"alg":"RS256","typ":"JWT"} and {"iss":"client","aud":"https://as.example"}
    /// let jwt = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.\
    ///     eyJpc3MiOiJjbGllbnQiLCJhdWQiOiJodHRwczovL2FzLmV4YW1wbGUifQ.c2lnbmF0dXJl";
    /// let sent = SentAssertion::from_jwt(jwt)?;
    /// assert_eq!((sent.algorithm(), sent.key_id()), ("RS256", None));
    /// assert_eq!(sent.audiences(), ["https://as.example"]);
    /// # Ok::<(), private_key_jwt::JoseError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A [`JoseError`] if it is not a JWT (RFC 7519 §7.2), or has no `alg`. Other members may be
    /// missing or of a wrong type, which counts as missing.
    pub fn from_jwt(jwt: &str) -> Result<Self, JoseError> {
        let [header, claims, _] = jws::parts(jwt.trim())?;
        Self::of_parts(header, claims)
    }

    /// As [`SentAssertion::from_jwt`], without the signature. `None` if it is not a JWT.
    #[cfg(feature = "client")]
    pub(crate) fn from_signing_input(signing_input: &[u8]) -> Option<Self> {
        let (header, claims) = str::from_utf8(signing_input).ok()?.split_once('.')?;
        Self::of_parts(header, claims).ok()
    }

    fn of_parts(header: &str, claims: &str) -> Result<Self, JoseError> {
        let (header, claims) =
            (base64url::decode_secret(HEADER, header)?, base64url::decode_secret(CLAIMS, claims)?);
        let (header, claims) = (json::read(HEADER, &header)?, json::read(CLAIMS, &claims)?);
        let missing = JoseError::MissingMember { what: HEADER, member: "alg" };
        let aud = claims.get("aud");
        Ok(Self {
            algorithm: text(&header, "alg").ok_or(missing)?,
            key_id: text(&header, "kid"),
            media_type: text(&header, "typ"),
            certificate_headers: CERTIFICATE.into_iter().filter(|name| header.get(name).is_some()).collect(),
            is_list: aud.is_some_and(|aud| aud.elements().is_some()),
            audiences: match aud {
                Some(Json::Text(aud)) => vec![safe_url(aud)],
                Some(aud) => aud.texts().unwrap_or_default().iter().map(|aud| safe_url(aud)).collect(),
                None => Vec::new(),
            },
            issuer: text(&claims, "iss"),
            subject: text(&claims, "sub"),
            has_token_id: text(&claims, "jti").is_some(),
            issued_at: time(&claims, "iat"),
            expires_at: time(&claims, "exp"),
            not_before: time(&claims, "nbf"),
            client_id: None,
            called: None,
            received: None,
        })
    }

    /// Adds the `client_id` of the form.
    #[must_use]
    pub fn with_client_id(self, client_id: &str) -> Self {
        Self { client_id: Some(safe(client_id)), ..self }
    }

    /// Adds the URL of the endpoint that was called. Default: the token endpoint.
    #[must_use]
    pub fn to_endpoint(self, url: &str) -> Self {
        Self { called: Some(safe_url(url)), ..self }
    }

    /// Adds our time when the response arrived, and how far the server's clock is ahead of ours, if
    /// that is known.
    #[must_use]
    pub const fn received_at(mut self, now: OffsetDateTime, ahead: Option<Duration>) -> Self {
        self.received = Some((now, ahead));
        self
    }

    /// The `alg` (RFC 7515 §4.1.1).
    #[must_use]
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// The `kid` (RFC 7515 §4.1.4).
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The `typ` (RFC 7515 §4.1.9).
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        self.media_type.as_deref()
    }

    /// The `aud` (RFC 7519 §4.1.3): one string, or more from a library that sends arrays.
    #[must_use]
    pub fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// The `iss` (RFC 7523 §3).
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The `sub` (RFC 7523 §3).
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// The `iat`.
    #[must_use]
    pub const fn issued_at(&self) -> Option<OffsetDateTime> {
        self.issued_at
    }

    /// The `exp`.
    #[must_use]
    pub const fn expires_at(&self) -> Option<OffsetDateTime> {
        self.expires_at
    }

    /// How long the assertion is valid: `exp` minus `iat`.
    pub(super) fn lifetime(&self) -> Option<Duration> {
        Some(self.expires_at? - self.issued_at?)
    }

    /// How far the server's clock is ahead of ours, if that is known.
    #[must_use]
    pub fn server_ahead(&self) -> Option<Duration> {
        self.received?.1
    }

    /// What the assertion says about a kind of cause.
    pub(super) fn about(&self, kind: CauseKind) -> Option<String> {
        let named = |name: &str, value: Option<&str>| match value {
            Some(value) => format!("{name} is \"{value}\""),
            None => format!("there is no {name}"),
        };
        let (audience, typ) = (self.audiences.first().map(String::as_str), self.media_type());
        Some(match kind {
            CauseKind::Algorithm => format!("alg is {}", self.algorithm),
            CauseKind::Audience => named("aud", audience),
            CauseKind::Certificate if self.certificate_headers.is_empty() => {
                "there is no x5t#S256, x5t or x5c".to_owned()
            }
            CauseKind::Certificate => format!("there is {}", self.certificate_headers.join(" and ")),
            CauseKind::Expired | CauseKind::NotYetValid | CauseKind::Lifetime => {
                format!("iat is {}, exp {}", Utc::from(self.issued_at?), Utc::from(self.expires_at?))
            }
            CauseKind::KeyId | CauseKind::KeySet | CauseKind::Signature => named("kid", self.key_id()),
            CauseKind::MediaType => named("typ", typ),
            CauseKind::Subject | CauseKind::UnknownClient => named("iss", self.issuer()),
            CauseKind::Unspecific => {
                let life = self.lifetime().map(|life| format!(", valid for {} s", life.whole_seconds()));
                let [aud, kid, typ] =
                    [named("aud", audience), named("kid", self.key_id()), named("typ", typ)];
                format!("alg is {}, {aud}, {kid}, {typ}{}", self.algorithm, life.unwrap_or_default())
            }
            _ => return None,
        })
    }
}

fn text(members: &Members<'_>, name: &str) -> Option<String> {
    members.get(name)?.text().map(safe)
}

/// A NumericDate (RFC 7519 §2). Fractions are cut off.
fn time(members: &Members<'_>, name: &str) -> Option<OffsetDateTime> {
    let seconds = members.get(name)?.number()?.as_f64()?.floor();
    OffsetDateTime::UNIX_EPOCH.checked_add(Duration::checked_seconds_f64(seconds)?)
}
