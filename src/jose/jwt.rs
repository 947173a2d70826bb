use serde_json::{Map, Value};

use super::jws::parts;
use super::{JoseError, base64url, json};

/// A JWT parsed for display, in a log, a debugger or a command line (RFC 7519 §3). **Nothing is
/// verified**: anyone can write a token with these contents. Base no decision on it; use a
/// [verifier](crate::verifier) for that.
///
/// Every header and every algorithm is accepted, including `none`. The signature is neither checked
/// nor kept.
///
/// ```
/// use private_key_jwt::jose::UnverifiedJwt;
///
/// let jwt = UnverifiedJwt::parse("eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UifQ.")?; // RFC 7519 §6.1 has a longer one
/// assert_eq!((&jwt.header()["alg"], &jwt.claims()["iss"]), (&"none".into(), &"joe".into()));
/// # Ok::<(), private_key_jwt::jose::JoseError>(())
/// ```
///
/// `Debug` shows the names of header members and claims, but no values.
#[derive(Clone, PartialEq, Eq)]
pub struct UnverifiedJwt {
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl UnverifiedJwt {
    /// Parses a compact JWS: three parts, strict base64url, two JSON objects without repeated
    /// members.
    ///
    /// The caller must limit the length of the token first.
    ///
    /// # Errors
    ///
    /// [`JoseError::PartCount`], also for an encrypted JWT (RFC 7516); [`JoseError::Base64Url`],
    /// [`JoseError::Json`], [`JoseError::NotAnObject`] and [`JoseError::DuplicateMember`] for a
    /// header or claims that cannot be read.
    pub fn parse(token: &str) -> Result<Self, JoseError> {
        let [header, claims, _] = parts(token)?;
        let object = |what, part| json::object(what, &base64url::decode(what, part)?);
        Ok(Self { header: object("the JWS header", header)?, claims: object("the claims set", claims)? })
    }

    /// The header (RFC 7515 §4), unchanged.
    #[must_use]
    pub const fn header(&self) -> &Map<String, Value> {
        &self.header
    }

    /// The claims (RFC 7519 §4), unchanged.
    #[must_use]
    pub const fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }
}

impl std::fmt::Debug for UnverifiedJwt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = |object: &Map<String, Value>| object.keys().cloned().collect::<Vec<_>>();
        f.debug_struct("UnverifiedJwt")
            .field("header", &names(&self.header))
            .field("claims", &names(&self.claims))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, claims: &str) -> String {
        format!("{}.{}.", base64url::encode(header), base64url::encode(claims))
    }

    fn error(token: &str) -> JoseError {
        UnverifiedJwt::parse(token).unwrap_err()
    }

    #[test]
    fn rfc7519_6_1_an_unsecured_jwt_is_shown_and_so_is_what_no_verifier_takes() {
        let rfc = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
        let jwt = UnverifiedJwt::parse(rfc).unwrap();
        assert_eq!(Value::from(jwt.header().clone()), serde_json::json!({"alg": "none"}));
        assert_eq!(
            Value::from(jwt.claims().clone()),
            serde_json::json!({"iss": "joe", "exp": 1_300_819_380, "http://example.com/is_root": true})
        );
        assert!(UnverifiedJwt::parse(&token(r#"{"alg":"HS256","crit":["x"],"x":1}"#, "{}")).is_ok());
        assert!(UnverifiedJwt::parse(&(token("{}", "{}") + "what is here is not read")).is_ok());
    }

    #[test]
    fn what_is_no_jwt_is_refused_with_the_part_that_is_wrong() {
        for (text, found) in [("", 1), ("a", 1), ("a.b", 2), ("a.b.c.d", 4), ("a.b.c.d.e", 5)] {
            assert_eq!(error(text), JoseError::PartCount { found });
        }
        let (header, claims) = ("the JWS header", "the claims set");
        assert_eq!(error("e30=.e30."), JoseError::Base64Url { what: header });
        assert_eq!(error("e30.e3 0."), JoseError::Base64Url { what: claims });
        assert_eq!(error(&token("[]", "{}")), JoseError::NotAnObject { what: header });
        assert_eq!(error(&token("{}", "x")), JoseError::Json { what: claims, line: 1, column: 1 });
        assert_eq!(
            error(&token("{}", r#"{"a":{"b":1,"b":2}}"#)),
            JoseError::DuplicateMember { what: claims, member: "b".to_owned() }
        );
        let deep = format!("{}{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
        assert!(matches!(error(&token(&deep, "{}")), JoseError::Json { what, .. } if what == header));
    }

    #[test]
    fn debug_shows_no_value() {
        let jwt = UnverifiedJwt::parse(&token(r#"{"alg":"secret"}"#, r#"{"sub":"secret"}"#)).unwrap();
        assert_eq!(format!("{jwt:?}"), r#"UnverifiedJwt { header: ["alg"], claims: ["sub"] }"#);
    }
}
