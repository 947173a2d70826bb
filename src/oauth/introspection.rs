use http::StatusCode;
use serde_json::Value;
use time::OffsetDateTime;

use super::answer::{Answer, Document, Success};
use super::text::safe;
use super::{OAuthError, Scope};
use crate::jose::JoseError;
use crate::jose::json::WipedValue;
use crate::jose::text::Text;

/// The server's statement about a token (RFC 7662 §2.2). It is only as trustworthy as the
/// connection: the signed form (RFC 9701) is neither requested nor read.
///
/// ```
/// use private_key_jwt::oauth::Introspection;
/// use time::OffsetDateTime;
///
/// let body = br#"{"active":true,"scope":"a b","client_id":"client"}"#.to_vec();
/// let token = Introspection::from_http(http::Response::new(body), OffsetDateTime::UNIX_EPOCH)?;
/// assert!(token.is_active());
/// assert_eq!(token.client_id(), Some("client"));
/// # Ok::<(), private_key_jwt::oauth::OAuthError>(())
/// ```
pub struct Introspection {
    is_active: bool,
    scope: Option<Scope>,
    client_id: Option<String>,
    username: Option<String>,
    token_type: Option<String>,
    subject: Option<String>,
    issuer: Option<String>,
    token_id: Option<String>,
    audience: Vec<String>,
    expires_at: Option<OffsetDateTime>,
    issued_at: Option<OffsetDateTime>,
    not_before: Option<OffsetDateTime>,
    members: WipedValue,
}

impl Introspection {
    /// Judges an HTTP response; `now` is when it arrived.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Refused`] for 400, 401 and 403, regardless of the body;
    /// [`OAuthError::Redirect`] for a 3xx; [`OAuthError::Unavailable`] for every other status but
    /// 200; [`OAuthError::Response`] for a 200 that is not an introspection response: the body is
    /// not JSON (for example, it is a signed response), a member appears twice, `active` is
    /// missing, or a member that decides something has another type than in the specification. A
    /// `null` counts as absent.
    ///
    /// A `scope` may be an array of strings, and a time may be a string of digits. An unreadable
    /// `iat`, `jti` or `username` counts as absent.
    pub fn from_http(response: http::Response<Vec<u8>>, now: OffsetDateTime) -> Result<Self, OAuthError> {
        Self::from_answer(response.into(), now)
    }

    /// As [`Introspection::from_http`], without showing the secrets of the request.
    pub(crate) fn from_answer(answer: Answer<'_>, now: OffsetDateTime) -> Result<Self, OAuthError> {
        Success::of("the introspection response", &[StatusCode::OK], answer, now)?.read(Self::read)
    }

    fn read(mut document: Document<'_>) -> Result<Self, JoseError> {
        let owned = |text: Option<Text<'_>>| text.map(Text::into_plain);
        Ok(Self {
            is_active: document.required("active", Document::boolean)?,
            scope: document.scope("scope")?,
            client_id: owned(document.text("client_id")?),
            // An unreadable value that is only informative counts as absent.
            username: owned(document.text("username").ok().flatten()),
            token_type: owned(document.text("token_type")?),
            subject: owned(document.text("sub")?),
            issuer: owned(document.text("iss")?),
            token_id: owned(document.text("jti").ok().flatten()),
            expires_at: document.time("exp")?,
            issued_at: document.time("iat").ok().flatten(),
            not_before: document.time("nbf")?,
            audience: document.texts("aud")?,
            members: document.into_others(),
        })
    }

    /// Whether the token is valid now. If it is not, the other members mean nothing and are mostly
    /// absent.
    ///
    /// A token that is bound to a key is active too. Before you accept it from its sender, compare
    /// `member("cnf")` with what the sender has proven (RFC 9449 §6.2, RFC 8705 §3.2).
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.is_active
    }

    /// The scopes of the token.
    #[must_use]
    pub const fn scope(&self) -> Option<&Scope> {
        self.scope.as_ref()
    }

    /// The client that requested the token.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// The human-readable name of the user.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    /// The type of the token (RFC 6749 §5.1).
    #[must_use]
    pub fn token_type(&self) -> Option<&str> {
        self.token_type.as_deref()
    }

    /// The subject (`sub`).
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// The issuer (`iss`).
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The identifier of the token (`jti`).
    #[must_use]
    pub fn token_id(&self) -> Option<&str> {
        self.token_id.as_deref()
    }

    /// The audiences of the token (`aud`).
    #[must_use]
    pub fn audience(&self) -> &[String] {
        &self.audience
    }

    /// When the token expires (`exp`).
    #[must_use]
    pub const fn expires_at(&self) -> Option<OffsetDateTime> {
        self.expires_at
    }

    /// When the token was issued (`iat`).
    #[must_use]
    pub const fn issued_at(&self) -> Option<OffsetDateTime> {
        self.issued_at
    }

    /// When the token becomes valid (`nbf`).
    #[must_use]
    pub const fn not_before(&self) -> Option<OffsetDateTime> {
        self.not_before
    }

    /// A member that this crate does not interpret. It may be a secret.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.members.0.get(name)
    }

    /// All members that this crate does not interpret. Each may be a secret.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.members.0.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
    }
}

impl std::fmt::Debug for Introspection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Introspection")
            .field("is_active", &self.is_active)
            .field("client_id", &self.client_id().map(safe))
            .field("scope", &self.scope.as_ref().map(|scope| safe(&scope.to_string())))
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Introspection, OAuthError> {
        Introspection::from_http(http::Response::new(body.as_bytes().to_vec()), OffsetDateTime::UNIX_EPOCH)
    }

    #[test]
    fn rfc7662_2_2_every_member() {
        let token = read(
            r#"{"active":true,"scope":"a b","client_id":"c","username":"u","token_type":"Bearer","exp":1419356238,
                "iat":1419350238,"nbf":7,"sub":"s","aud":["x","y"],"iss":"i","jti":"j","extension_field":"z"}"#,
        )
        .unwrap();
        assert!(token.is_active());
        assert_eq!(token.scope(), Some(&Scope::from("a b")));
        let texts =
            [token.client_id(), token.username(), token.token_type(), token.subject(), token.issuer()];
        assert_eq!(texts, ["c", "u", "Bearer", "s", "i"].map(Some));
        assert_eq!((token.token_id(), token.audience()), (Some("j"), &["x".to_owned(), "y".to_owned()][..]));
        let times = [token.expires_at(), token.issued_at(), token.not_before()];
        assert_eq!(times.map(|time| time.unwrap().unix_timestamp()), [1_419_356_238, 1_419_350_238, 7]);
        assert_eq!(token.members().collect::<Vec<_>>(), [("extension_field", &Value::from("z"))]);
        assert!(!read(r#"{"active":false}"#).unwrap().is_active());
        assert_eq!(read(r#"{"active":true,"aud":"x"}"#).unwrap().audience(), ["x".to_owned()]);
    }

    /// These are points in time, not lifetimes, so the limit for lifetimes must not change them.
    #[test]
    fn rfc7519_2_a_time_far_ahead_is_that_time() {
        let exp =
            |exp: &str| read(&format!(r#"{{"active":true,"exp":{exp}}}"#)).unwrap().expires_at().unwrap();
        assert_eq!(exp("4102444800").unix_timestamp(), 4_102_444_800); // 2100
        assert_eq!(exp("253402300799").unix_timestamp(), 253_402_300_799); // the last second of 9999
        for further in ["253402300800", "18446744073709551615", "1e300"] {
            assert_eq!(exp(further).unix_timestamp(), 253_402_300_799, "{further}");
        }
        assert_eq!(exp("7.9").unix_timestamp(), 7);
        assert_eq!(exp("0").unix_timestamp(), 0);
    }

    #[test]
    fn members_of_another_type_are_read_or_count_as_left_out() {
        let token =
            read(r#"{"active":true,"scope":["a","b c"],"exp":"4102444800","nbf":"7","iat":"6"}"#).unwrap();
        assert_eq!(token.scope(), Some(&Scope::from("a b c")));
        let times = [token.expires_at(), token.issued_at(), token.not_before()];
        assert_eq!(times.map(|time| time.unwrap().unix_timestamp()), [4_102_444_800, 6, 7]);
        let token =
            read(r#"{"active":true,"iat":-1,"jti":7,"username":{},"scope":null,"aud":[],"exp":null}"#);
        let token = token.unwrap();
        assert_eq!((token.issued_at(), token.token_id(), token.username()), (None, None, None));
        assert_eq!((token.scope(), token.audience(), token.expires_at()), (None, &[][..], None));
    }

    #[test]
    fn a_200_with_an_error_is_the_refusal() {
        let refused = read(r#"{"error":"invalid_client","error_description":"no"}"#).unwrap_err();
        assert_eq!(refused.to_string(), "refused: 200 invalid_client: no");
        assert!(!read(r#"{"active":false,"error":"invalid_token"}"#).unwrap().is_active());
    }

    #[test]
    fn what_is_not_clearly_active_is_no_answer() {
        for (body, member) in [
            ("{}", None),
            (r#"{"active":"true"}"#, Some("active")),
            (r#"{"active":1}"#, Some("active")),
            (r#"{"active":null}"#, Some("active")),
            (r#"{"active":true,"exp":"soon"}"#, Some("exp")),
            (r#"{"active":true,"exp":-1}"#, Some("exp")),
            (r#"{"active":true,"nbf":"1.5"}"#, Some("nbf")),
            (r#"{"active":true,"aud":[1]}"#, Some("aud")),
            (r#"{"active":true,"aud":{}}"#, Some("aud")),
            (r#"{"active":true,"scope":["a",1]}"#, Some("scope")),
            (r#"{"active":true,"scope":{}}"#, Some("scope")),
            (r#"{"active":true,"sub":7}"#, Some("sub")),
            (r#"{"active":true,"token_type":7}"#, Some("token_type")),
        ] {
            let Err(OAuthError::Response { what: "the introspection response", reason, .. }) = read(body)
            else {
                panic!("{body}");
            };
            match (reason, member) {
                (JoseError::MissingMember { member: "active", .. }, None) => {}
                (JoseError::InvalidMember { member: found, .. }, Some(member)) if found == member => {}
                (reason, _) => panic!("{body}: {reason:?}"),
            }
        }
        let signed = read("eyJhbGciOiJSUzI1NiJ9.e30.c2ln");
        assert!(matches!(signed, Err(OAuthError::Response { reason: JoseError::Json { .. }, .. })));
    }

    #[test]
    fn debug_shows_no_unknown_member() {
        let debug = format!("{:?}", read(r#"{"active":true,"x":"secret"}"#).unwrap());
        assert!(debug.contains("is_active: true") && !debug.contains("secret"), "{debug}");
    }
}
