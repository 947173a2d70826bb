use std::time::Duration;

use http::StatusCode;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::answer::{Answer, Document, Success};
use super::endpoint::PlainHttp;
use super::form;
use super::parameters::{RESOURCE, ScopedParameters};
use super::text::safe;
use super::{AuthorizationServer, ClientAssertion, Endpoint, OAuthError, Scope};
use crate::jose::JoseError;
use crate::jose::printable::printable;

/// A request for the codes with which a user logs in on another device (RFC 8628 §3.1).
#[derive(Clone, Debug, Hash)]
pub struct DeviceAuthorizationRequest(ScopedParameters);

impl DeviceAuthorizationRequest {
    /// Creates a request for these scopes.
    #[must_use]
    pub fn new(scope: impl Into<Scope>) -> Self {
        Self(ScopedParameters { scope: scope.into(), ..ScopedParameters::default() })
    }

    /// Adds a resource that the token is for (RFC 8707 §2). Call it once per resource.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Resource`] unless it is an absolute URI without a fragment.
    pub fn resource(mut self, resource: impl Into<String>) -> Result<Self, OAuthError> {
        self.0.parameters.add_resource(resource)?;
        Ok(self)
    }

    /// Adds an extension parameter, such as `audience`.
    ///
    /// # Errors
    ///
    /// [`OAuthError::ReservedParameter`], [`OAuthError::DuplicateParameter`] and
    /// [`OAuthError::Resource`] as [`TokenRequest::parameter`](super::TokenRequest::parameter).
    pub fn parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<Self, OAuthError> {
        self.0.add(&[], &[RESOURCE], name, value)?;
        Ok(self)
    }

    /// Builds the HTTP request: a POST of a form to the device authorization endpoint. The
    /// assertion is valid for this one request only.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Scope`] for a scope outside RFC 6749 §3.3; [`OAuthError::NotKnown`] if the
    /// endpoint is unknown; [`OAuthError::OtherEndpoint`] if the assertion is for another endpoint;
    /// [`OAuthError::Endpoint`] if the endpoint is a URL but not an HTTP target.
    pub fn to_http(
        &self,
        server: &AuthorizationServer,
        assertion: &ClientAssertion,
    ) -> Result<http::Request<Vec<u8>>, OAuthError> {
        form::post(server, Endpoint::DeviceAuthorization, self.0.pairs()?, assertion)
    }
}

impl<S: Into<Scope>> From<S> for DeviceAuthorizationRequest {
    fn from(scope: S) -> Self {
        Self::new(scope)
    }
}

/// The codes (RFC 8628 §3.2). The user types one in at [a page](Self::verification_uri). The device
/// polls for the token with the other.
///
/// The device code is wiped on drop, and `Debug` does not show it.
pub struct DeviceAuthorization {
    device_code: Zeroizing<String>,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_at: OffsetDateTime,
    interval: Duration,
}

impl DeviceAuthorization {
    const INTERVAL: Duration = Duration::from_secs(5);
    /// The shortest interval, regardless of what the server says. Without a pause, polls would
    /// follow one another as fast as they can be sent.
    pub const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

    /// Judges an HTTP response; `now` is when it arrived.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Refused`] for 400, 401 and 403, regardless of the body;
    /// [`OAuthError::Redirect`] for a 3xx; [`OAuthError::Unavailable`] for every other status but
    /// 200; [`OAuthError::Response`] for a 200 that is not a device authorization response,
    /// including one that sends the user to a page that is neither https nor http on loopback.
    pub fn from_http(response: http::Response<Vec<u8>>, now: OffsetDateTime) -> Result<Self, OAuthError> {
        Self::of_server(PlainHttp::Loopback, response.into(), now)
    }

    /// As [`DeviceAuthorization::from_http`], for a server with this rule for plain http, and
    /// without showing the secrets of the request. The rule applies to the server's page, too.
    pub(crate) fn of_server(
        plain_http: PlainHttp,
        answer: Answer<'_>,
        now: OffsetDateTime,
    ) -> Result<Self, OAuthError> {
        let success = Success::of("the device authorization response", &[StatusCode::OK], answer, now)?;
        success.read(|document| Self::read(document, now, plain_http))
    }

    fn read(
        mut document: Document<'_>,
        now: OffsetDateTime,
        plain_http: PlainHttp,
    ) -> Result<Self, JoseError> {
        // The text is shown to a user, on a terminal or in a page.
        fn shown(document: &Document<'_>, member: &'static str, text: &str) -> Result<String, JoseError> {
            if printable(text, 512) != *text {
                return Err(document.invalid(member, "at most 512 printable characters"));
            }
            Ok(text.to_owned())
        }
        let code = |document: &mut Document<'_>, member| {
            let code = document.filled(member)?;
            code.map(|code| shown(document, member, &code)).transpose()
        };
        let page = |document: &mut Document<'_>, member| {
            let Some(url) = document.text(member)? else { return Ok(None) };
            let url = shown(document, member, &url)?;
            match plain_http.check_endpoint(member, url.split('#').next().unwrap_or_default()) {
                Ok(_) => Ok(Some(url)),
                Err(_) => Err(document.invalid(member, "an https URL")),
            }
        };
        let device_code = document.required("device_code", Document::filled)?.into_owned();
        let user_code = document.required("user_code", code)?;
        let verification_uri = document.required("verification_uri", page)?;
        let lifetime = document.required("expires_in", Document::seconds)?;
        // Only informative: an unreadable value counts as absent.
        let interval = document.seconds("interval").ok().flatten().map(time::Duration::unsigned_abs);
        Ok(Self {
            device_code,
            user_code,
            verification_uri,
            verification_uri_complete: page(&mut document, "verification_uri_complete")?,
            expires_at: now.saturating_add(lifetime),
            interval: interval.unwrap_or(Self::INTERVAL).max(Self::SHORTEST_INTERVAL),
        })
    }

    /// The code with which the device polls. It is a secret.
    #[must_use]
    pub fn device_code(&self) -> &str {
        &self.device_code
    }

    /// The code that the user types in: printable, at most 512 characters.
    #[must_use]
    pub fn user_code(&self) -> &str {
        &self.user_code
    }

    /// The page where the user types it in: an https URL, or http on loopback, or http anywhere if
    /// the client allows that for its server ([`AuthorizationServer::danger_unencrypted`]).
    #[must_use]
    pub fn verification_uri(&self) -> &str {
        &self.verification_uri
    }

    /// The same page with the code included, for a link or a QR code, if the server provides one.
    #[must_use]
    pub fn verification_uri_complete(&self) -> Option<&str> {
        self.verification_uri_complete.as_deref()
    }

    /// When the codes expire.
    #[must_use]
    pub const fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }

    /// The initial interval between two polls: at least [a second](Self::SHORTEST_INTERVAL).
    /// Default, if the server sends none: 5 s (RFC 8628 §3.2).
    #[must_use]
    pub const fn interval(&self) -> Duration {
        self.interval
    }
}

impl std::fmt::Debug for DeviceAuthorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceAuthorization")
            .field("user_code", &self.user_code)
            .field("verification_uri", &safe(&self.verification_uri))
            .field("expires_at", &self.expires_at)
            .field("device_code", &"[redacted]")
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn read(body: &str) -> Result<DeviceAuthorization, OAuthError> {
        DeviceAuthorization::from_http(http::Response::new(body.as_bytes().to_vec()), NOW)
    }

    fn codes(more: &str) -> String {
        format!(
            r#"{{"device_code":"secret","user_code":"WDJB-MJHT","verification_uri":"https://as.example/device"{more}}}"#
        )
    }

    #[test]
    fn rfc8628_3_2_every_member() {
        let complete = r#","verification_uri_complete":"https://as.example/device?user_code=WDJB-MJHT""#;
        let codes = read(&codes(&format!(r#"{complete},"expires_in":1800,"interval":7"#))).unwrap();
        assert_eq!((codes.device_code(), codes.user_code()), ("secret", "WDJB-MJHT"));
        assert_eq!(codes.verification_uri(), "https://as.example/device");
        let complete = "https://as.example/device?user_code=WDJB-MJHT";
        assert_eq!(codes.verification_uri_complete(), Some(complete));
        assert_eq!(codes.expires_at(), NOW + Duration::from_secs(1800));
        assert_eq!(codes.interval(), Duration::from_secs(7));
        assert!(!format!("{codes:?}").contains("secret"));
        assert_eq!(
            read(&self::codes(r#","expires_in":9"#)).unwrap().interval(),
            DeviceAuthorization::INTERVAL
        );
    }

    #[test]
    fn times_of_another_type_are_read_and_an_interval_that_cannot_be_read_is_not_stated() {
        let codes = read(&codes(r#","expires_in":"1800","interval":"7""#)).unwrap();
        assert_eq!(codes.expires_at(), NOW + Duration::from_secs(1800));
        assert_eq!(codes.interval(), Duration::from_secs(7));
        for interval in ["null", "-1", "true", r#""soon""#, "[7]"] {
            let codes = read(&self::codes(&format!(r#","expires_in":9,"interval":{interval}"#))).unwrap();
            assert_eq!(codes.interval(), DeviceAuthorization::INTERVAL, "{interval}");
        }
        // Without an expiry, polling would never stop.
        for lifetime in ["-1", r#""soon""#, "true"] {
            let refused = read(&self::codes(&format!(r#","expires_in":{lifetime}"#)));
            assert!(matches!(
                refused,
                Err(OAuthError::Response {
                    reason: JoseError::InvalidMember { member: "expires_in", .. },
                    ..
                })
            ));
        }
        let refused = read(r#"{"error":"unauthorized_client","error_description":"no devices"}"#);
        assert_eq!(refused.unwrap_err().to_string(), "refused: 200 unauthorized_client: no devices");
    }

    #[test]
    fn what_a_user_would_see_is_bounded() {
        let with = |member: &str, value: &str| {
            let members = [
                ("device_code", "d"),
                ("user_code", "u"),
                ("verification_uri", "https://as.example/"),
                ("verification_uri_complete", "https://as.example/"),
            ];
            let value = |name: &str, other| if name == member { value } else { other };
            let members = members.map(|(name, other)| format!(r#""{name}":"{}""#, value(name, other)));
            read(&format!(r#"{{{},"expires_in":1}}"#, members.join(",")))
        };
        for (member, value) in [
            ("user_code", r"a\u001b[2J"),
            ("user_code", &"a".repeat(513)),
            ("verification_uri", "javascript:alert(1)"),
            ("verification_uri", "http://as.example/"),
            ("verification_uri", "https://user@as.example/"),
            ("verification_uri_complete", "file:///etc/passwd"),
            ("verification_uri_complete", r"https://as.example/\u202e"),
        ] {
            let Err(OAuthError::Response { reason: JoseError::InvalidMember { member: found, .. }, .. }) =
                with(member, value)
            else {
                panic!("{value}");
            };
            assert_eq!(found, member);
        }
        let lacks = |codes: Result<DeviceAuthorization, OAuthError>, missing: &str| {
            let Err(OAuthError::Response { reason: JoseError::MissingMember { member, .. }, .. }) = codes
            else {
                panic!("{missing}: {codes:?}");
            };
            assert_eq!(member, missing);
        };
        assert!(with("verification_uri", "http://localhost:8080/device").is_ok());
        let mesh = codes(r#","expires_in":9"#).replace("https://", "http://");
        let of = |plain_http| {
            let response = http::Response::new(mesh.clone().into_bytes());
            DeviceAuthorization::of_server(plain_http, response.into(), NOW)
        };
        assert!(of(PlainHttp::Loopback).is_err());
        assert_eq!(of(PlainHttp::Anywhere).unwrap().verification_uri(), "http://as.example/device");
        assert!(with("verification_uri_complete", "https://as.example/device#WDJB").is_ok());
        for missing in ["device_code", "user_code", "verification_uri", "expires_in"] {
            let body = codes(r#","expires_in":1"#).replace(&format!("\"{missing}\""), "\"x\"");
            lacks(read(&body), missing);
        }
        for empty in ["device_code", "user_code"] {
            lacks(with(empty, ""), empty);
        }
    }
}
