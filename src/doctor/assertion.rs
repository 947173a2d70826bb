//! An assertion that another library made: whether a server would accept it.

use std::fmt;

use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::assertion_times::{times, token_id};
use super::difference::Difference;
use super::finding::{Finding, Step};
use super::report::Report;
use super::words::chain;
use crate::jose::error::excerpt;
use crate::jose::secret_form::Shown;
use crate::jose::{CompactJws, JoseError, JwkSet, Signature, UnverifiedJwt};
use crate::keys::{KeyError, PublicKeySet};
use crate::oauth::{AcceptedAudience, AuthorizationServer, Endpoint, OAuthError, Profile, safe_url};
use crate::verifier::ClientAssertionVerifier;

/// What an assertion of another library is compared with.
///
/// ```
/// use private_key_jwt::doctor::{ExpectedAssertion, Verdict};
/// use private_key_jwt::{Algorithm, ClientAssertion, PrivateKey, Profile};
/// use time::OffsetDateTime;
///
/// let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
/// let now = OffsetDateTime::now_utc();
/// let assertion = ClientAssertion::builder_for_audience("client", "https://as.example").sign(&key, now, "jti")?;
///
/// let report = ExpectedAssertion::new(Profile::auth0()).examine(assertion.secret(), now);
/// let wrong = report.findings().iter().find(|finding| finding.verdict == Verdict::Wrong).unwrap();
/// assert_eq!(wrong.check, "algorithm");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "it does nothing until an assertion is examined"]
pub struct ExpectedAssertion {
    profile: Profile,
    server: Option<AuthorizationServer>,
    /// The issuer of a server whose endpoints are not known.
    issuer: Option<String>,
    client_id: Option<String>,
    keys: Option<JwkSet>,
}

impl ExpectedAssertion {
    /// Expects an assertion for a server of this profile.
    pub const fn new(profile: Profile) -> Self {
        Self { profile, server: None, issuer: None, client_id: None, keys: None }
    }

    /// Compares the audience with this server's issuer and token endpoint.
    pub fn server(mut self, server: AuthorizationServer) -> Self {
        self.server = Some(server);
        self
    }

    /// Compares the audience with this issuer, if the server's endpoints are not known.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Compares `iss` and `sub` with this client id.
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// Verifies the signature with the client's registered keys.
    pub fn keys(mut self, keys: JwkSet) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Examines an assertion at this time. The report does not contain the assertion.
    #[must_use]
    pub fn examine(&self, assertion: &str, now: OffsetDateTime) -> Report {
        Report::of(self.judge(assertion.trim(), now))
    }

    fn judge(&self, assertion: &str, now: OffsetDateTime) -> Vec<Finding> {
        const LIMIT: usize = ClientAssertionVerifier::MAX_ASSERTION_LEN;
        if assertion.len() > LIMIT {
            let text = format!("the assertion has {} bytes, at most {LIMIT} are read", assertion.len());
            return vec![wrong("form", text).advise("leave out what the server does not need, such as x5c")];
        }
        let jwt = match UnverifiedJwt::parse(assertion) {
            Ok(jwt) => jwt,
            Err(error) => {
                let advice = match error {
                    JoseError::PartCount { found: 5 } => {
                        "do not encrypt the assertion (RFC 7516), only sign it"
                    }
                    _ => {
                        "pass the value of client_assertion alone: three parts in base64url, separated by dots"
                    }
                };
                return vec![wrong("form", format!("not a JWT: {}", chain(&error))).advise(advice)];
            }
        };
        let mut findings = self.header(&jwt);
        findings.extend(self.subject(jwt.claims()));
        findings.extend(self.audience(jwt.claims()));
        findings.extend(times(jwt.claims(), now));
        findings.extend(token_id(jwt.claims()));
        findings.push(self.signature(assertion));
        if findings.iter().all(|finding| !finding.is_problem()) {
            let text = format!("nothing contradicts the rules of {}", self.profile.name());
            findings.insert(0, Finding::good(Step::Assertion, "profile", text));
        }
        findings
    }

    /// What the profile refuses, and what every server rejects.
    fn header(&self, jwt: &UnverifiedJwt) -> Vec<Finding> {
        let header = jwt.header();
        let refused = self.profile.examine(jwt, self.server.as_ref(), Endpoint::Token);
        let mut findings: Vec<Finding> =
            refused.iter().map(|error| wrong(check(error), chain(error)).advise(advice(error))).collect();
        let algorithm = header.get("alg").and_then(Value::as_str).unwrap_or_default();
        let is_refused = findings.iter().any(|finding| finding.check == "algorithm");
        if !is_refused && algorithm.parse::<crate::jose::Algorithm>().is_err() {
            let text = format!("the alg `{}` is no signature by a private key", excerpt(algorithm));
            findings
                .push(wrong("algorithm", text).advise("sign with the private key: RS256, PS256, ES256, …"));
        }
        if header.contains_key("crit") {
            findings.push(wrong("header", "the header has `crit`, which servers reject").advise("omit it"));
        }
        for member in ["jku", "jwk", "x5u"].into_iter().filter(|member| header.contains_key(*member)) {
            let text =
                format!("the header has `{member}`; a server must not trust a key that the token names");
            findings.push(
                Finding::warning(Step::Assertion, "header", text).advise("omit it if it is not required"),
            );
        }
        if !header.contains_key("kid") && self.profile.rules().sends_key_id() && !has(&findings, "kid") {
            let text = "the header has no kid; with several registered keys, a server has to guess";
            findings.push(
                Finding::warning(Step::Assertion, "kid", text).advise("send the kid of the registered key"),
            );
        }
        if let Some(media_type) = self.unusual_media_type(header).filter(|_| !has(&findings, "typ")) {
            let text = format!("the typ is `{media_type}`, not `client-authentication+jwt` or `JWT`");
            findings
                .push(wrong("typ", text).advise("set typ to client-authentication+jwt (RFC 10070) or JWT"));
        }
        findings
    }

    fn unusual_media_type(&self, header: &Map<String, Value>) -> Option<String> {
        let found = header.get("typ")?;
        let Some(found) = found.as_str() else { return Some("not a string".to_owned()) };
        let plain = found.to_ascii_lowercase();
        let plain = plain.strip_prefix("application/").unwrap_or(&plain);
        let usual = ["client-authentication+jwt", "jwt"].contains(&plain);
        let wanted = self.profile.rules().media_type() == Some(found);
        (!usual && !wanted).then(|| excerpt(found))
    }

    fn subject(&self, claims: &Map<String, Value>) -> Vec<Finding> {
        const CHECK: &str = "subject";
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let (Some(iss), Some(sub)) = (text("iss"), text("sub")) else {
            let missing = if text("iss").is_none() { "iss" } else { "sub" };
            let finding = wrong(CHECK, format!("the claim {missing} is missing, or not a string"));
            return vec![finding.advise("set iss and sub to the client id (RFC 7523 §3)")];
        };
        let (shown_iss, shown_sub) = (excerpt(iss), excerpt(sub));
        if iss != sub {
            let finding = wrong(CHECK, format!("iss is `{shown_iss}`, but sub is `{shown_sub}`"));
            return vec![finding.advise("set both to the client id (RFC 7523 §3)")];
        }
        match &self.client_id {
            Some(expected) if expected != iss => {
                let text =
                    format!("iss and sub are `{shown_iss}`, not the client id `{}`", excerpt(expected));
                vec![wrong(CHECK, text).advise("set both to the client id as registered")]
            }
            Some(_) => vec![good(CHECK, format!("iss and sub are the client id `{shown_iss}`"))],
            None => vec![good(CHECK, format!("iss and sub are the same: `{shown_iss}`"))],
        }
    }

    fn audience(&self, claims: &Map<String, Value>) -> Vec<Finding> {
        const CHECK: &str = "audience";
        const ONE: &str = "send one audience, as a string: some servers reject every array";
        match claims.get("aud") {
            Some(Value::String(aud)) => vec![self.one_audience(aud)],
            Some(Value::Array(all)) => match all.as_slice() {
                [Value::String(aud)] => {
                    let text = format!("aud is an array with one value, {}", safe_url(aud));
                    let array = Finding::warning(Step::Assertion, CHECK, text).advise(ONE);
                    vec![array, self.one_audience(aud)]
                }
                all => vec![wrong(CHECK, format!("aud is an array of {} values", all.len())).advise(ONE)],
            },
            _ => vec![wrong(CHECK, "the claim aud is missing, or not a string").advise(ONE)],
        }
    }

    fn one_audience(&self, aud: &str) -> Finding {
        const CHECK: &str = "audience";
        let shown = safe_url(aud);
        let own: Vec<&str> = match (&self.server, &self.issuer) {
            (Some(server), _) => server.issuer().into_iter().chain([server.token_endpoint()]).collect(),
            (None, Some(issuer)) => vec![issuer],
            (None, None) => {
                let text = format!("aud is {shown}; it was not compared with a server");
                return Finding::not_checked(Step::Assertion, CHECK, text)
                    .advise("name the server (--issuer) to compare it");
            }
        };
        let accepted = self.profile.rules().accepted_audiences();
        if own.iter().any(|url| self.profile.rules().is_same_audience(url, aud)) {
            let is_rejected = !accepted.is_empty() && !accepted.contains(&AcceptedAudience::Issuer);
            // With the endpoints, the profile judges it.
            if self.server.is_some() || !is_rejected {
                return good(CHECK, format!("aud is {shown}"));
            }
            let names: Vec<String> = accepted.iter().map(ToString::to_string).collect();
            let text = format!("aud is the issuer {shown}, which {} does not accept", self.profile.name());
            return wrong(CHECK, text).advise(format!("set aud to the {}", names.join(" or the ")));
        }
        let difference = own.iter().find_map(|url| Difference::of(url, aud)).unwrap_or(Difference::Other);
        let may_be_endpoint = matches!(difference, Difference::Host | Difference::Path);
        if self.server.is_none() && may_be_endpoint {
            let text = format!("aud is {shown}, not the issuer; the server's endpoints are not known");
            return Finding::not_checked(Step::Assertion, CHECK, text)
                .advise("compare it with the endpoints in the server's metadata");
        }
        let expected: Vec<String> = own.iter().map(|url| safe_url(url)).collect();
        let text = format!("aud is {shown}, not {}; {}", expected.join(" or "), difference.words());
        wrong(CHECK, text).advise("servers compare it byte for byte: use the issuer exactly as published")
    }

    fn signature(&self, assertion: &str) -> Finding {
        const CHECK: &str = "signature";
        let jws = match CompactJws::parse(assertion) {
            Ok(jws) => jws,
            Err(error @ JoseError::SignatureLength { algorithm, found }) => {
                let advice = match Signature::other_kind(algorithm, found) {
                    Some(_) => "set `alg` to the algorithm of the key that signs",
                    None => "ECDSA signatures are R and S side by side (RFC 7518 §3.4), not DER",
                };
                return wrong(CHECK, chain(&error)).advise(advice);
            }
            // These are findings about the header.
            Err(error @ (JoseError::CriticalHeader | JoseError::UnsupportedAlgorithm { .. })) => {
                let text = format!("the signature was not verified: {}", chain(&error));
                return Finding::not_checked(Step::Assertion, CHECK, text);
            }
            Err(error) => {
                let advice = "send the assertion exactly as it was signed, as a JWS in compact form";
                return wrong(CHECK, chain(&error)).advise(advice);
            }
        };
        let Some(keys) = &self.keys else {
            let text = "the signature was not verified: no public keys were given";
            return Finding::not_checked(Step::Assertion, CHECK, text)
                .advise("pass the registered keys (--jwks) to verify it");
        };
        let keys = PublicKeySet::from(keys.clone());
        let verified = keys
            .key_for(jws.header())
            .and_then(|key| key.verify(jws.signing_input().as_bytes(), jws.signature()));
        match verified {
            Ok(()) => good(CHECK, "the signature verifies with the given keys"),
            Err(error @ KeyError::BadSignature) => wrong(CHECK, chain(&error))
                .advise("register the public key of the private key that signs, under the kid of the header"),
            Err(error) => {
                wrong(CHECK, chain(&error)).advise("publish the key that signs under the kid of the header")
            }
        }
    }
}

impl fmt::Debug for ExpectedAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpectedAssertion")
            .field("profile", &self.profile)
            .field("server", &self.server)
            .field("client_id", &self.client_id.as_deref().map(Shown))
            .field("keys", &self.keys)
            .finish()
    }
}

fn wrong(check: &'static str, text: impl AsRef<str>) -> Finding {
    Finding::wrong(Step::Assertion, check, text)
}

fn good(check: &'static str, text: impl AsRef<str>) -> Finding {
    Finding::good(Step::Assertion, check, text)
}

fn has(findings: &[Finding], check: &str) -> bool {
    findings.iter().any(|finding| finding.check == check)
}

/// The check that an error of a profile belongs to.
const fn check(error: &OAuthError) -> &'static str {
    match error {
        OAuthError::ProfileAlgorithm { .. } | OAuthError::ProfileUnknownAlgorithm { .. } => "algorithm",
        OAuthError::Lifetime { .. } => "lifetime",
        OAuthError::ProfileAudience { .. } => "audience-of-profile",
        OAuthError::ProfileMediaType { .. } => "typ",
        OAuthError::ProfileRequires { .. } => "required",
        _ => "profile",
    }
}

const fn advice(error: &OAuthError) -> &'static str {
    match error {
        OAuthError::ProfileAlgorithm { .. } | OAuthError::ProfileUnknownAlgorithm { .. } => {
            "sign with an algorithm that the server accepts, and register the key for it"
        }
        OAuthError::Lifetime { .. } => "shorten the lifetime: exp is a time, iat plus 60 s",
        OAuthError::ProfileAudience { .. } => "send the audience that this server accepts",
        OAuthError::ProfileMediaType { .. } => "set the typ that this server accepts",
        _ => "add it to the header",
    }
}
