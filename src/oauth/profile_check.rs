//! What the server of a profile rejects, found before a request.

use std::time::Duration;

use serde_json::Value;

use super::audience::{AudienceArray, TrailingSlash};
use super::certificate_headers::CertificateHeaders;
use super::profile_rules::without_slash;
use super::text::safe;
use super::{AcceptedAudience, Audience, AuthorizationServer, Endpoint, OAuthError, Profile};
use crate::jose::secret_form::setting;
use crate::jose::{Algorithm, Jwk, KeyParameters, UnverifiedJwt};

impl Profile {
    /// Lists what the server of this profile rejects in an assertion that another program made:
    /// algorithm, lifetime, audience, `typ`, `kid`, `jti` and certificate headers. Empty if nothing
    /// is wrong. Needs no key: the signature is not checked, and neither are the times themselves.
    ///
    /// Without a server, the audience is not checked. `called` is the endpoint that the assertion
    /// is for.
    ///
    /// ```
    /// use private_key_jwt::jose::UnverifiedJwt;
    /// use private_key_jwt::oauth::Endpoint;
    /// use private_key_jwt::{Algorithm, ClientAssertion, PrivateKey, Profile};
    /// use time::OffsetDateTime;
    ///
    /// let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
    /// let builder = ClientAssertion::builder_for_audience("client", "https://tenant.auth0.com/");
    /// let assertion = builder.sign(&key, OffsetDateTime::now_utc(), "a-fresh-jti")?;
    /// let jwt = UnverifiedJwt::parse(assertion.secret())?;
    ///
    /// let found = Profile::auth0().examine(&jwt, None, Endpoint::Token);
    /// let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    /// assert_eq!(found, ["Auth0 does not accept ES256, only RS256, RS384 or PS256"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn examine(
        &self,
        assertion: &UnverifiedJwt,
        server: Option<&AuthorizationServer>,
        called: Endpoint,
    ) -> Vec<OAuthError> {
        let (header, claims) = (assertion.header(), assertion.claims());
        let text = |name: &str| header.get(name).and_then(Value::as_str);
        let has = |name: &str| header.contains_key(name);
        let found = CertificateHeaders { x5t_s256: has("x5t#S256"), x5t: has("x5t"), x5c: has("x5c") };
        let seconds = |name: &str| claims.get(name).and_then(whole_seconds);
        let lifetime = seconds("exp").zip(seconds("iat")).map(|(exp, iat)| exp.saturating_sub(iat));
        let lifetime = lifetime.map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
        let audiences = match claims.get("aud") {
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => vec![one.as_str()],
            _ => Vec::new(),
        };
        let algorithm = text("alg").unwrap_or("a missing alg");
        let checks = [
            match algorithm.parse() {
                Ok(algorithm) => self.check_algorithm(algorithm),
                Err(_) => Err(self.unknown_algorithm(algorithm)),
            },
            lifetime.map_or(Ok(()), |lifetime| self.check_lifetime(lifetime)),
            self.check_audience_array(claims.get("aud")),
            match (server, audiences.as_slice()) {
                (Some(server), [audience]) => self.check_audience(audience, server, called),
                _ => Ok(()),
            },
            self.check_media_type(text("typ")),
            self.check_key_id(has("kid"), "the header has none"),
            self.check_token_id(claims.contains_key("jti")),
            self.check_certificate(found, "the header has none"),
        ];
        checks.into_iter().filter_map(Result::err).collect()
    }

    pub(super) fn check_algorithm(&self, algorithm: Algorithm) -> Result<(), OAuthError> {
        // One key signs under both names, but a server may know only one of them.
        if self.algorithms.contains(&algorithm) {
            return Ok(());
        }
        let accepted = self.algorithms.to_vec();
        Err(OAuthError::ProfileAlgorithm { profile: self.name, algorithm, accepted })
    }

    fn unknown_algorithm(&self, found: &str) -> OAuthError {
        let accepted = self.algorithms.to_vec();
        OAuthError::ProfileUnknownAlgorithm { profile: self.name, found: safe(found), accepted }
    }

    pub(super) fn check_key_size(&self, key: &Jwk) -> Result<(), OAuthError> {
        match rsa_bits(key.parameters()) {
            Some(found) if found < self.smallest_rsa_key => {
                Err(OAuthError::ProfileKeySize { profile: self.name, found, smallest: self.smallest_rsa_key })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn check_lifetime(&self, lifetime: Duration) -> Result<(), OAuthError> {
        let limit = self.longest_lifetime.unwrap_or(Self::LONGEST_LIFETIME);
        if lifetime >= Duration::from_secs(1) && lifetime <= limit {
            return Ok(());
        }
        let profile = self.longest_lifetime.map(|_| self.name);
        Err(OAuthError::Lifetime { found: lifetime, limit, profile })
    }

    /// Refuses the issuer or an endpoint of the server that the server does not accept as audience.
    /// Any other text is what the user knows about the server.
    pub(super) fn check_audience(
        &self,
        audience: &str,
        server: &AuthorizationServer,
        called: Endpoint,
    ) -> Result<(), OAuthError> {
        let of_server = |accepted| match accepted {
            AcceptedAudience::Issuer => server.issuer(),
            AcceptedAudience::Endpoint(endpoint) => server.endpoint(endpoint).ok(),
            AcceptedAudience::CalledEndpoint => server.endpoint(called).ok(),
        };
        let is_same = |url: &str| self.rules().is_same_audience(url, audience);
        let lacks_slash = self.trailing_slash == TrailingSlash::EndsIssuer
            && server.issuer() == Some(audience)
            && !audience.ends_with('/');
        let mut accepted = self.accepted_audiences.iter().map(|audience| (*audience, of_server(*audience)));
        let is_accepted = || accepted.clone().any(|(_, url)| url.is_some_and(is_same)) && !lacks_slash;
        let of_server = Endpoint::ALL.into_iter().filter_map(|endpoint| server.endpoint(endpoint).ok());
        let mut all = server.issuer().into_iter().chain(of_server);
        let mut is_of_server = || all.any(|url| without_slash(url) == without_slash(audience));
        if self.accepted_audiences.is_empty() || is_accepted() || !is_of_server() {
            return Ok(());
        }
        let mut texts = Vec::new();
        for (kind, url) in accepted.by_ref() {
            let slash = if lacks_slash && kind == AcceptedAudience::Issuer { "/" } else { "" };
            let url = url.map(|url| format!(" {}{slash}", safe(url))).unwrap_or_default();
            texts.push(format!("the {kind}{url}"));
        }
        Err(OAuthError::ProfileAudience { profile: self.name, found: safe(audience), accepted: texts })
    }

    /// As [`Self::check_audience`], for a server whose endpoints are not known yet.
    pub(super) fn check_kind_of_audience(
        &self,
        wanted: Option<&Audience>,
        issuer: &str,
    ) -> Result<(), OAuthError> {
        use AcceptedAudience::{CalledEndpoint, Endpoint as At, Issuer};
        let accepts = |kind| self.accepted_audiences.contains(&kind);
        let is_at_endpoint = |kind: &AcceptedAudience| matches!(kind, At(_) | CalledEndpoint);
        let (is_accepted, found) = match wanted {
            Some(Audience::Exactly(_)) => (true, String::new()),
            None | Some(Audience::Issuer) => (accepts(Issuer), safe(issuer)),
            Some(Audience::TokenEndpoint) => {
                (accepts(At(Endpoint::Token)) || accepts(CalledEndpoint), "token endpoint".to_owned())
            }
            // Whether the server accepts the endpoint that is called shows with the call.
            Some(Audience::CalledEndpoint) => {
                (self.accepted_audiences.iter().any(is_at_endpoint), "called endpoint".to_owned())
            }
        };
        if is_accepted || self.accepted_audiences.is_empty() {
            return Ok(());
        }
        let accepted = self.accepted_audiences.iter().map(|kind| format!("the {kind}")).collect();
        Err(OAuthError::ProfileAudience { profile: self.name, found, accepted })
    }

    fn check_audience_array(&self, audience: Option<&Value>) -> Result<(), OAuthError> {
        let Some(Value::Array(all)) = audience else { return Ok(()) };
        let is_accepted = match self.audience_array {
            AudienceArray::Accepted => true,
            AudienceArray::OneValue => all.len() == 1,
            AudienceArray::Refused => false,
        };
        let error = OAuthError::ProfileAudienceArray { profile: self.name, found: all.len() };
        if is_accepted { Ok(()) } else { Err(error) }
    }

    pub(super) fn check_media_type(&self, media_type: Option<&str>) -> Result<(), OAuthError> {
        let accepted = &self.accepted_media_types;
        let is_same = |accepted: &Option<_>| match (accepted.as_deref(), media_type) {
            (None, None) => true,
            (Some(accepted), Some(found)) => is_same_type(accepted, found),
            _ => false,
        };
        if accepted.is_empty() || accepted.iter().any(is_same) {
            return Ok(());
        }
        Err(OAuthError::ProfileMediaType {
            profile: self.name,
            found: media_type.map(safe),
            accepted: accepted.iter().map(|typ| typ.as_deref().map(setting)).collect(),
        })
    }

    pub(super) fn check_key_id(&self, has_key_id: bool, reason: &'static str) -> Result<(), OAuthError> {
        if has_key_id || !self.requires_key_id { Ok(()) } else { Err(self.requires("kid", reason)) }
    }

    fn check_token_id(&self, has_token_id: bool) -> Result<(), OAuthError> {
        if has_token_id || !self.requires_token_id {
            return Ok(());
        }
        Err(self.requires("jti", "the claims have none"))
    }

    pub(super) fn check_client_id(&self, is_sent: bool) -> Result<(), OAuthError> {
        if is_sent || !self.requires_client_id {
            return Ok(());
        }
        Err(self.requires("client_id", "the settings omit it"))
    }

    pub(super) fn check_certificate(
        &self,
        found: CertificateHeaders,
        reason: &'static str,
    ) -> Result<(), OAuthError> {
        let found = found.names();
        match self.required_certificate.names().into_iter().find(|name| !found.contains(name)) {
            Some(member) => Err(self.requires(member, reason)),
            None => Ok(()),
        }
    }

    const fn requires(&self, member: &'static str, reason: &'static str) -> OAuthError {
        OAuthError::ProfileRequires { profile: self.name, member, reason }
    }
}

/// The size of an RSA key, in bits.
fn rsa_bits(parameters: &KeyParameters) -> Option<usize> {
    let KeyParameters::Rsa { n, .. } = parameters else { return None };
    let significant = n.iter().position(|byte| *byte != 0).and_then(|first| n.get(first..))?;
    let leading = significant.first()?.leading_zeros() as usize;
    Some((8 * significant.len()).saturating_sub(leading))
}

/// Seconds since 1970, without the fraction that is allowed (RFC 7519 §2).
fn whole_seconds(date: &Value) -> Option<i64> {
    let in_range = |seconds: &f64| (0.0..1e15).contains(seconds);
    #[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
    let whole = |seconds: f64| seconds as i64;
    date.as_i64().or_else(|| date.as_f64().filter(in_range).map(whole))
}

/// Whether two media types are the same (RFC 7515 §4.1.9).
fn is_same_type(one: &str, other: &str) -> bool {
    let short = |typ: &str| {
        let typ = typ.to_ascii_lowercase();
        typ.strip_prefix("application/").map_or(typ.clone(), str::to_owned)
    };
    short(one) == short(other)
}
