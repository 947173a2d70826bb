//! The assertion of this client: whether it can be made at all, and how it differs from what the
//! profile and the metadata say.

use std::time::Duration;

use time::OffsetDateTime;

use super::difference::Difference;
use super::finding::{Finding, Step};
use super::metadata::of_key;
use super::words::{chain, span};
use crate::jose::UnverifiedJwt;
use crate::jose::error::excerpt;
use crate::keys::PrivateKey;
use crate::oauth::{AuthorizationServer, ClientAssertionBuilder, OAuthError, Profile, safe_url};

/// Many servers accept no longer life.
const COMMON_LIFETIME: Duration = Duration::from_secs(300);

/// The assertion without its signature. `Err`: it cannot be made.
pub(super) fn prepared(
    builder: &ClientAssertionBuilder,
    key: &PrivateKey,
    now: OffsetDateTime,
) -> Result<UnverifiedJwt, OAuthError> {
    let unsigned = builder.prepare(key, now, "a trial that is never signed")?;
    let signing_input = String::from_utf8_lossy(unsigned.signing_input()).into_owned();
    UnverifiedJwt::parse(&format!("{signing_input}.")).map_err(|reason| OAuthError::Response {
        what: "the assertion",
        reason,
        content_type: None,
    })
}

/// Judges an assertion that cannot be made.
pub(super) fn judge_failure(error: &OAuthError, key: &PrivateKey) -> Finding {
    let (check, advice) = match error {
        OAuthError::ProfileAlgorithm { accepted, .. } => {
            let possible = of_key(key).filter(|algorithm| accepted.contains(algorithm));
            let possible: Vec<String> = possible.map(|algorithm| algorithm.to_string()).collect();
            let advice = if possible.is_empty() {
                "use another type of key (pkjwt keygen --alg), and register it".to_owned()
            } else {
                format!("sign with {} (--alg), and register the key for it", possible.join(" or "))
            };
            ("algorithm", Some(advice))
        }
        OAuthError::ProfileKeySize { .. } => {
            ("key-size", Some("generate a larger key (pkjwt keygen), and register it".to_owned()))
        }
        OAuthError::Lifetime { .. } => {
            ("lifetime", Some("shorten the lifetime of the assertion (--lifetime)".to_owned()))
        }
        OAuthError::ProfileAudience { .. } => {
            ("audience", Some("leave the audience to the profile, or use another profile".to_owned()))
        }
        OAuthError::ForeignAudience { .. } | OAuthError::OtherOrigin { .. } | OAuthError::EmptyAudience => {
            ("audience", None)
        }
        OAuthError::ProfileMediaType { .. } => {
            ("typ", Some("leave the typ to the profile, or use another profile".to_owned()))
        }
        OAuthError::NoCertificate { .. } => (
            "certificate",
            Some("append the certificate of the key to its file (pkjwt cert makes one)".to_owned()),
        ),
        OAuthError::ProfileRequires { member, .. } if member.starts_with("x5") => (
            "certificate",
            Some("append the certificate of the key to its file (pkjwt cert makes one)".to_owned()),
        ),
        OAuthError::ProfileRequires { .. } => ("required", Some("do not omit it".to_owned())),
        OAuthError::ClientId { .. } => ("client-id", Some("use the client id as registered".to_owned())),
        _ => ("assertion", None),
    };
    let finding = Finding::wrong(Step::Profile, check, chain(error));
    match advice {
        Some(advice) => finding.advise(advice),
        None => finding,
    }
}

/// Judges an assertion that can be made.
pub(super) fn judge(
    assertion: &UnverifiedJwt,
    server: Option<&AuthorizationServer>,
    profile: Option<&Profile>,
) -> Vec<Finding> {
    let (header, claims) = (assertion.header(), assertion.claims());
    let text = |name: &str| claims.get(name).and_then(|value| value.as_str());
    let of_header = |name: &str| header.get(name).and_then(|value| value.as_str()).map(excerpt);
    let seconds = |name: &str| claims.get(name).and_then(|value| value.as_i64());
    let (iat, exp, nbf) = (seconds("iat").unwrap_or(0), seconds("exp").unwrap_or(0), seconds("nbf"));
    let lifetime = Duration::from_secs(u64::try_from(exp.saturating_sub(iat)).unwrap_or(0));
    let audience = text("aud").unwrap_or_default();
    let none = || "none".to_owned();
    let name = profile.map_or("the default rules", Profile::name);
    let mut findings = vec![Finding::good(
        Step::Profile,
        "assertion",
        format!(
            "assertions follow {name}: aud {}, typ {}, kid {}, {}, valid for {}",
            server.map_or_else(|| "not known yet".to_owned(), |_| safe_url(audience)),
            of_header("typ").unwrap_or_else(none),
            of_header("kid").unwrap_or_else(none),
            of_header("alg").unwrap_or_else(none),
            span(lifetime),
        ),
    )];
    findings.extend(text("iss").and_then(client_id));
    findings.extend(server.and_then(|server| audience_of_server(audience, server, profile)));
    if nbf == Some(iat) {
        let text = "nbf equals iat; a server whose clock is a second behind rejects the assertion";
        findings.push(
            Finding::warning(Step::Profile, "nbf", text)
                .advise("omit nbf, or set it back (--not-before 60s)"),
        );
    }
    if lifetime > COMMON_LIFETIME && profile.is_none() {
        let text =
            format!("assertions are valid for {}; many servers accept at most 5 minutes", span(lifetime));
        findings
            .push(Finding::warning(Step::Profile, "lifetime", text).advise("shorten it (--lifetime 60s)"));
    }
    findings
}

/// A client id that was pasted with more than itself. It may be registered so.
fn client_id(client_id: &str) -> Option<Finding> {
    let is_quoted =
        |mark: char| client_id.len() > 1 && client_id.starts_with(mark) && client_id.ends_with(mark);
    let what = if client_id.trim() != client_id {
        "begins or ends with white space"
    } else if is_quoted('"') || is_quoted('\'') {
        "is in quotes"
    } else {
        return None;
    };
    let text = format!("the client id {what}: \"{}\"", excerpt(client_id));
    Some(
        Finding::warning(Step::Profile, "client-id", text)
            .advise("use the client id exactly as registered, perhaps without that"),
    )
}

/// The audience is the issuer or the token endpoint of the server, or else the user's own choice,
/// which may be a mistake.
fn audience_of_server(
    audience: &str,
    server: &AuthorizationServer,
    profile: Option<&Profile>,
) -> Option<Finding> {
    const CHECK: &str = "audience";
    let own: Vec<&str> = server.issuer().into_iter().chain([server.token_endpoint()]).collect();
    let is_same = |url: &&str| match profile {
        Some(profile) => profile.rules().is_same_audience(url, audience),
        None => *url == audience,
    };
    if own.iter().any(is_same) {
        return None;
    }
    let alike = own.iter().find_map(|url| match Difference::of(url, audience) {
        Some(
            difference @ (Difference::TrailingSlash
            | Difference::Case
            | Difference::Scheme
            | Difference::Port),
        ) => Some((url, difference)),
        _ => None,
    });
    let shown = safe_url(audience);
    Some(match alike {
        Some((url, difference)) => {
            let url = safe_url(url);
            let text = format!("the audience {shown} is not {url}; {}", difference.words());
            Finding::wrong(Step::Profile, CHECK, text)
                .advise(format!("use {url}: servers compare the audience byte for byte"))
        }
        None => {
            let urls: Vec<String> = own.iter().map(|url| safe_url(url)).collect();
            let text = format!("the audience {shown} is neither the issuer nor the token endpoint");
            Finding::warning(Step::Profile, CHECK, text)
                .advise(format!("most servers expect {}", urls.join(" or ")))
        }
    })
}
