//! Checks an assertion point by point, to show everything that is wrong with it.

use super::super::VerifierError;
use super::super::claims::{CLAIMS_SET, LAST_SECOND, Times, numeric_date};
use super::super::foreign;
use super::super::rules::JwtRules;
use super::claims::{check_audience, client_id, jti};
use super::unverified::{check_media_type, signing_input};
use super::verifier::ClientAssertionVerifier;
use crate::jose::json::{self, Members};
use crate::jose::jws::parts;
use crate::jose::{CompactJws, Header, JoseError, base64url};
use crate::keys::PublicKeySet;
use crate::oauth::CLIENT_AUTHENTICATION_JWT;

/// A point of an assertion that is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    Form,
    MediaType,
    Algorithm,
    Key,
    Signature,
    Subject,
    Kind,
    Audience,
    Expiry,
    NotBefore,
    IssuedAt,
    Lifetime,
    TokenId,
}

/// A point and its result. `None` if it cannot be checked, because an earlier point failed or the
/// client's keys are not known.
pub(crate) type Examined = (Point, Option<Result<(), VerifierError>>);

impl ClientAssertionVerifier {
    /// Checks every point, where [`parse`](Self::parse) and
    /// [`verify`](super::UnverifiedAssertion::verify) stop at the first that fails. An assertion is
    /// acceptable if no point fails and every point is checked; only those two let a client in.
    ///
    /// `now` is in seconds since 1970.
    pub(crate) fn examine(&self, token: &str, keys: Option<&PublicKeySet>, now: i64) -> Vec<Examined> {
        let jws = self.rules.parse(token);
        let payload = payload(token);
        let claims = payload.as_ref().map(|payload| json::read(CLAIMS_SET, payload));
        let (jws, claims, form) = match (jws, claims) {
            (Err(error), claims) => (None, claims.and_then(Result::ok), Err(error)),
            (Ok(jws), Some(Err(error))) => (Some(jws), None, Err(error.into())),
            (Ok(jws), claims) => (Some(jws), claims.and_then(Result::ok), Ok(())),
        };
        let mut points = vec![(Point::Form, Some(form))];
        points.extend(self.examine_key(jws.as_ref(), token, keys));
        let header = jws.as_ref().map(CompactJws::header);
        points.extend(self.examine_claims(claims.as_ref(), header, now));
        points
    }

    fn examine_key(
        &self,
        jws: Option<&CompactJws<'_>>,
        token: &str,
        keys: Option<&PublicKeySet>,
    ) -> [Examined; 4] {
        let header = jws.map(CompactJws::header);
        let key = header.zip(keys).map(|(header, keys)| keys.key_for(header));
        let signature = match (jws, &key) {
            (Some(jws), Some(Ok(key))) => {
                let verified = key.verify(signing_input(token).as_bytes(), jws.signature());
                Some(verified.map_err(VerifierError::from))
            }
            _ => None,
        };
        [
            (Point::MediaType, header.map(|header| check_media_type(self, header))),
            (Point::Algorithm, header.map(|header| self.rules.check_algorithm(header.algorithm, None))),
            (Point::Key, key.map(|key| key.map(drop).map_err(VerifierError::from))),
            (Point::Signature, signature),
        ]
    }

    fn examine_claims(
        &self,
        claims: Option<&Members<'_>>,
        header: Option<&Header>,
        now: i64,
    ) -> [Examined; 8] {
        let check =
            |point, check: &dyn Fn(&Members<'_>) -> Result<(), VerifierError>| (point, claims.map(check));
        let is_typed = header.is_some_and(|header| header.is_typed(CLIENT_AUTHENTICATION_JWT));
        let lifetime = claims.and_then(|claims| {
            let times = Times::read(claims).ok()?;
            match self.rules.check_times(&times, now) {
                Ok(()) => Some(Ok(())),
                Err(error @ VerifierError::Lifetime { .. }) => Some(Err(error)),
                Err(_) => None,
            }
        });
        [
            check(Point::Subject, &|claims| client_id(claims).map(drop)),
            check(Point::Kind, &|claims| match client_id(claims) {
                Ok(id) if !is_typed => foreign::check(id, claims),
                _ => Ok(()),
            }),
            check(Point::Audience, &|claims| check_audience(self, claims)),
            check(Point::Expiry, &|claims| {
                let exp = numeric_date(claims, "exp")?.ok_or(VerifierError::MissingClaim { claim: "exp" })?;
                self.rules.check_clock(&Times { exp, nbf: None, iat: None }, now)
            }),
            check(Point::NotBefore, &|claims| {
                let nbf = numeric_date(claims, "nbf")?;
                self.rules.check_clock(&Times { exp: LAST_SECOND, nbf, iat: None }, now)
            }),
            check(Point::IssuedAt, &|claims| {
                let iat = numeric_date(claims, "iat")?;
                self.rules.check_clock(&Times { exp: LAST_SECOND, nbf: None, iat }, now)
            }),
            (Point::Lifetime, lifetime),
            check(Point::TokenId, &|claims| jti(self, claims).map(drop)),
        ]
    }
}

/// The claims as JSON. They can be read even if the header or the signature cannot.
fn payload(token: &str) -> Option<Vec<u8>> {
    if token.len() > JwtRules::MAX_LEN {
        return None;
    }
    let [_, payload, _] = parts(token).ok()?;
    let decoded: Result<_, JoseError> = base64url::decode("the JWS payload", payload);
    decoded.ok()
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;
    use crate::jose::JwkSet;
    use crate::keys::PrivateKey;

    const NOW: i64 = 1_700_000_000;
    const ISSUER: &str = "https://as.example";

    fn key() -> PrivateKey {
        PrivateKey::from_file("testdata/keys/p256.pkcs8.pem").unwrap()
    }

    fn signed(header: &str, claims: &str) -> String {
        let input = format!("{}.{}", base64url::encode(header), base64url::encode(claims));
        let signature = key().sign(input.as_bytes()).unwrap();
        format!("{input}.{}", base64url::encode(signature.as_bytes()))
    }

    fn crosses(examined: &[Examined]) -> Vec<(Point, String)> {
        let failed = |(point, result): &Examined| {
            let error = result.as_ref()?.as_ref().err()?;
            Some((*point, error.to_string()))
        };
        examined.iter().filter_map(failed).collect()
    }

    /// The points agree with the verifier about every assertion.
    #[test]
    fn a_point_fails_where_the_verifier_rejects_and_nowhere_else() {
        let verifier = ClientAssertionVerifier::new(ISSUER);
        let keys = PublicKeySet::from(JwkSet::from(key().public_jwk().clone()));
        let headers = [
            r#"{"alg":"ES256","typ":"client-authentication+jwt"}"#,
            r#"{"alg":"ES256"}"#,
            r#"{"alg":"ES256","typ":"at+jwt"}"#,
            r#"{"alg":"ES256","kid":"other"}"#,
            r#"{"alg":"RS256"}"#,
            r#"{"alg":"HS256"}"#,
            r#"{"alg":"ES256","crit":[]}"#,
            "x",
        ];
        let good = [
            ("iss", r#""c""#),
            ("sub", r#""c""#),
            ("aud", r#""https://as.example""#),
            ("exp", "1700000060"),
            ("iat", "1700000000"),
            ("jti", r#""j""#),
        ];
        let changes = [
            None,
            Some(("iss", r#""d""#)),
            Some(("sub", "null")),
            Some(("aud", r#"["https://as.example","x"]"#)),
            Some(("aud", r#""https://as.example/""#)),
            Some(("aud", "1")),
            Some(("exp", "1699999990")),
            Some(("exp", "1700000000000")),
            Some(("exp", r#""1""#)),
            Some(("exp", "null")),
            Some(("exp", "1700009999")),
            Some(("iat", "1700000011")),
            Some(("iat", "-1")),
            Some(("nbf", "1700000011")),
            Some(("nbf", "true")),
            Some(("jti", "null")),
            Some(("jti", r#""""#)),
            Some(("scope", r#""a""#)),
        ];
        let mut rejected = 0;
        for header in headers {
            for change in changes {
                let changed = good.iter().filter(|(name, _)| change.is_none_or(|(other, _)| *name != other));
                let members: Vec<_> =
                    changed.chain(&change).map(|(name, value)| format!("\"{name}\":{value}")).collect();
                let token = signed(header, &format!("{{{}}}", members.join(",")));
                let now = OffsetDateTime::from_unix_timestamp(NOW).unwrap();
                let parsed = verifier.parse_assertion(&token);
                let verdict = parsed.and_then(|assertion| assertion.verify(&keys, None, now));
                let crosses = crosses(&verifier.examine(&token, Some(&keys), NOW));
                match verdict {
                    Ok(_) => assert_eq!(crosses, [], "{header} {change:?}"),
                    Err(error) => {
                        rejected += 1;
                        let said = error.to_string();
                        assert!(crosses.iter().any(|(_, found)| *found == said), "{said}: {crosses:?}");
                    }
                }
            }
        }
        assert_eq!(rejected, headers.len() * changes.len() - 3);
    }

    #[test]
    fn every_wrong_point_is_named_not_only_the_first() {
        let verifier = ClientAssertionVerifier::new(ISSUER);
        let token = signed(
            r#"{"alg":"none"}"#,
            r#"{"iss":"a","sub":"b","aud":"x","exp":1,"nbf":1800000000,"iat":1800000000,"scope":"s"}"#,
        );
        let points: Vec<Point> =
            crosses(&verifier.examine(&token, None, NOW)).into_iter().map(|(point, _)| point).collect();
        assert_eq!(
            points,
            [
                Point::Form,
                Point::Subject,
                Point::Audience,
                Point::Expiry,
                Point::NotBefore,
                Point::IssuedAt,
                Point::TokenId
            ]
        );
        let long = "a".repeat(JwtRules::MAX_LEN + 1);
        let examined = verifier.examine(&long, None, NOW);
        assert_eq!(
            crosses(&examined),
            [(Point::Form, "the JWT has 16385 bytes, at most 16384 are read".to_owned())]
        );
        assert!(examined.iter().skip(1).all(|(_, result)| result.is_none()));
    }
}
