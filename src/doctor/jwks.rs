//! The client's published keys: no private member, this key under this `kid`, `use` and `alg`, and
//! how long they may be cached.

use std::time::Duration;

use time::OffsetDateTime;

use super::document::Document;
use super::finding::{Finding, Step};
use super::published::{Caching, Published};
use super::words::{chain, day, listed, span};
use crate::jose::error::excerpt;
use crate::jose::{JoseError, Jwk, JwkSet, KeyId, SkippedJwk, base64url};
use crate::keys::{Certificate, PrivateKey, PublicKey};

/// The key as an assertion names it.
#[derive(Clone, Copy)]
pub(super) struct Used<'a> {
    pub(super) key: &'a PrivateKey,
    /// Whether the assertion has a `kid`.
    pub(super) is_named: bool,
}

/// Judges the published keys.
pub(super) fn judge(
    published: &Published,
    used: Option<Used<'_>>,
    propagation: Duration,
    now: OffsetDateTime,
) -> Vec<Finding> {
    let set = match &published.set {
        Ok(set) => set,
        Err(error) => {
            let mut text = format!("{} is not a usable JWK Set: ", published.place);
            match published.document {
                Some(document) => text.push_str(document.words()),
                None => text.push_str(&chain(error)),
            }
            let general = "publish a JWK Set (pkjwt jwks KEY), an object with the member \"keys\"";
            let advice = published.document.map_or(general, Document::advice);
            return vec![Finding::wrong(Step::Jwks, "document", text).advise(advice)];
        }
    };
    let mut findings = vec![private_members(set)];
    findings.extend(skipped(set));
    match used {
        Some(used) => findings.extend(of_key(set, used, now)),
        None => findings.push(Finding::not_checked(Step::Jwks, "key", "there is no key to look for")),
    }
    findings.extend(duplicates(set));
    findings.extend(published.caching.and_then(|caching| cache_time(caching, propagation)));
    findings
}

const fn is_private(skipped: &SkippedJwk) -> bool {
    matches!(skipped.reason, JoseError::PrivateMember { .. })
}

fn private_members(set: &JwkSet) -> Finding {
    const CHECK: &str = "private-members";
    match set.skipped().iter().find(|skipped| is_private(skipped)) {
        Some(SkippedJwk { index, reason, .. }) => {
            let text = format!("key {} of the set has a private value: {reason}", index + 1);
            Finding::wrong(Step::Jwks, CHECK, text).advise(
                "publish public keys only (pkjwt jwks), and replace this key: its private value has been public",
            )
        }
        None => Finding::good(Step::Jwks, CHECK, "no key of the set has a private value"),
    }
}

/// A server that reads strictly may refuse the whole set for one odd key.
fn skipped(set: &JwkSet) -> Option<Finding> {
    let odd = set.skipped().iter().find(|skipped| !is_private(skipped))?;
    let text = format!("key {} of the set cannot be used: {}", odd.index + 1, odd.reason);
    Some(
        Finding::warning(Step::Jwks, "other-keys", text)
            .advise("remove it if no server needs it: some servers refuse the whole set for one such key"),
    )
}

fn of_key(set: &JwkSet, used: Used<'_>, now: OffsetDateTime) -> Vec<Finding> {
    let key = used.key;
    let own: Vec<&Jwk> =
        set.keys().iter().filter(|jwk| jwk.parameters() == key.public_jwk().parameters()).collect();
    let named = own.iter().find(|jwk| jwk.key_id() == Some(key.key_id()));
    match (named.or(own.first()), named) {
        (None, _) => vec![absent(set, key)],
        (Some(jwk), Some(_)) => {
            let kid = excerpt(key.key_id().as_str());
            let mut findings = vec![Finding::good(
                Step::Jwks,
                "key",
                format!(
                    "this key is published under the kid \"{kid}\"; its thumbprint is {}",
                    key.thumbprint()
                ),
            )];
            findings.extend(metadata(jwk, key, now));
            findings
        }
        (Some(jwk), None) => {
            let mut findings = vec![other_name(set, jwk, used)];
            findings.extend(metadata(jwk, key, now));
            findings
        }
    }
}

/// The key is published, but not under its name.
fn other_name(set: &JwkSet, jwk: &Jwk, Used { key, is_named }: Used<'_>) -> Finding {
    const CHECK: &str = "key";
    let wanted = excerpt(key.key_id().as_str());
    let found = jwk.key_id().map(|kid| excerpt(kid.as_str()));
    if !is_named {
        let name = found.map_or_else(|| "without a kid".to_owned(), |kid| format!("under the kid \"{kid}\""));
        let text = format!("this key is published {name}; assertions have no kid");
        let others = set.keys().iter().filter(|other| other.parameters() != jwk.parameters());
        if others.count() == 0 {
            return Finding::good(Step::Jwks, CHECK, text);
        }
        return Finding::warning(Step::Jwks, CHECK, text)
            .advise("send the kid, or publish only this key: without a kid a server has to guess");
    }
    match found {
        Some(found) => {
            let is_case = found.eq_ignore_ascii_case(&wanted);
            let difference = if is_case { "; they differ only in capital letters" } else { "" };
            let text = format!(
                "this key is published under the kid \"{found}\", but assertions name \"{wanted}\"{difference}"
            );
            Finding::wrong(Step::Jwks, CHECK, text)
                .advise(format!("sign with that kid (--kid), or publish the key under \"{wanted}\""))
        }
        None => {
            let text = format!("this key is published without a kid, but assertions name \"{wanted}\"");
            Finding::wrong(Step::Jwks, CHECK, text)
                .advise("publish the key with its kid (pkjwt jwks), or omit the kid (--no-kid)")
        }
    }
}

fn absent(set: &JwkSet, key: &PrivateKey) -> Finding {
    const CHECK: &str = "key";
    let (kid, thumbprint) = (excerpt(key.key_id().as_str()), key.thumbprint());
    let is_meant = |key_id: &KeyId| key_id == key.key_id();
    if let Some(other) = set.keys().iter().find(|jwk| jwk.key_id().is_some_and(is_meant)) {
        let text = format!(
            "the kid \"{kid}\" names another key there: its thumbprint is {}, that of this key {thumbprint}",
            other.thumbprint()
        );
        return Finding::wrong(Step::Jwks, CHECK, text).advise(
            "publish this key (pkjwt jwks KEY) under a kid of its own, or sign with the published key",
        );
    }
    if let Some(skipped) = set.skipped().iter().find(|skipped| skipped.key_ids.iter().any(is_meant)) {
        let text = format!("the key with the kid \"{kid}\" cannot be used there: {}", skipped.reason);
        return Finding::wrong(Step::Jwks, CHECK, text).advise("publish what pkjwt jwks KEY prints");
    }
    let known: Vec<String> = set
        .keys()
        .iter()
        .map(|jwk| {
            jwk.key_id()
                .map_or_else(|| "one without kid".to_owned(), |kid| format!("\"{}\"", excerpt(kid.as_str())))
        })
        .collect();
    let known = if known.is_empty() { "no usable key".to_owned() } else { listed(&known) };
    let text =
        format!("this key (kid \"{kid}\", thumbprint {thumbprint}) is not published; the set has {known}");
    Finding::wrong(Step::Jwks, CHECK, text).advise(
        "publish this key (pkjwt jwks KEY OTHERS) or sign with a published one; after a rotation, the set may be stale",
    )
}

/// `use`, `key_ops`, `alg` and `x5c` of the published key.
fn metadata(jwk: &Jwk, key: &PrivateKey, now: OffsetDateTime) -> Vec<Finding> {
    let algorithm = key.algorithm();
    const CHECK: &str = "use-and-alg";
    const REPUBLISH: &str =
        "publish what pkjwt jwks KEY prints: \"use\": \"sig\", and the alg of the assertions";
    let mut findings = Vec::new();
    if let Some(mismatch) = jwk.mismatch(algorithm) {
        let text =
            format!("the published key {}; assertions are signed with {algorithm}", mismatch.predicate());
        findings.push(Finding::wrong(Step::Jwks, CHECK, text).advise(REPUBLISH));
    } else if jwk.public_key_use().is_none() {
        let text = "the published key has no `use`; some servers skip such a key";
        findings.push(Finding::warning(Step::Jwks, CHECK, text).advise(REPUBLISH));
    } else {
        let alg = jwk.algorithm().map_or("no `alg`".to_owned(), |alg| format!("`alg` {}", excerpt(alg)));
        findings.push(Finding::good(Step::Jwks, CHECK, format!("the published key has `use` sig and {alg}")));
        if let Err(error) = PublicKey::from_jwk(jwk) {
            let text = format!("the published key cannot be used: {}", chain(&error));
            findings.push(Finding::wrong(Step::Jwks, "certificate", text).advise(REPUBLISH));
            return findings;
        }
    }
    findings.extend(thumbprint(jwk, key));
    let certificate = jwk.certificates().first().and_then(|der| Certificate::from_der(der.clone()).ok());
    if let Some(fields) = certificate.and_then(|certificate| certificate.fields().ok())
        && fields.is_expired(now)
    {
        let text = format!("the published certificate (x5c) expired on {}", day(fields.not_after));
        findings.push(
            Finding::wrong(Step::Jwks, "certificate", text).advise("publish a renewed certificate, or none"),
        );
    }
    findings
}

/// Whether `x5t#S256` and `x5t` name the published certificate, or else that of the key file.
fn thumbprint(jwk: &Jwk, key: &PrivateKey) -> Option<Finding> {
    let published = jwk.certificates().first().and_then(|der| Certificate::from_der(der.clone()).ok());
    let (certificate, place) = match &published {
        Some(certificate) => (certificate, "the x5c next to it"),
        None => (key.certificates().first()?, "the key file"),
    };
    let stated = [
        ("x5t#S256", jwk.x5t_s256(), base64url::encode(certificate.sha256())),
        ("x5t", jwk.x5t(), base64url::encode(certificate.sha1())),
    ];
    let is_other =
        |(_, stated, real): &&(_, Option<&str>, String)| stated.is_some_and(|stated| stated != real);
    let (name, ..) = stated.iter().find(is_other)?;
    let text = format!("the published {name} names another certificate than {place} has");
    Some(
        Finding::wrong(Step::Jwks, "certificate", text)
            .advise(format!("publish the {name} of this certificate (pkjwt jwks KEY), or none")),
    )
}

/// Two different keys under one `kid`: a server may use either.
fn duplicates(set: &JwkSet) -> Option<Finding> {
    let keys = set.keys();
    let twice = keys.iter().enumerate().find_map(|(at, one)| {
        let kid = one.key_id()?;
        let is_other = |other: &&Jwk| other.key_id() == Some(kid) && other.parameters() != one.parameters();
        keys.iter().skip(at + 1).find(is_other).map(|_| kid)
    })?;
    let text = format!("two different keys have the kid \"{}\"", excerpt(twice.as_str()));
    let advice = "give each key a kid of its own, such as its thumbprint (the default of pkjwt jwks)";
    Some(Finding::wrong(Step::Jwks, "duplicate-kid", text).advise(advice))
}

/// A cache must not keep the set for longer than a new key is published before it signs.
fn cache_time(Caching { lifetime, age }: Caching, propagation: Duration) -> Option<Finding> {
    const CHECK: &str = "cache-time";
    let Some(lifetime) = lifetime else {
        if age.is_zero() {
            return None;
        }
        let text = format!("the answer has been in a cache for {} (Age)", span(age));
        return Some(
            Finding::warning(Step::Jwks, CHECK, text).advise("let the cache in front of it forget the set"),
        );
    };
    let wait = span(propagation);
    Some(if age > propagation {
        let text = format!(
            "the answer has been in a cache for {} (Age), longer than the {wait} after which a new key signs",
            span(age)
        );
        Finding::warning(Step::Jwks, CHECK, text)
            .advise("a stale set lacks new keys: clear the cache in front of it, or shorten its max-age")
    } else if lifetime > propagation {
        let text =
            format!("caches may keep the set for {}, but a new key signs after {wait}", span(lifetime));
        Finding::warning(Step::Jwks, CHECK, text)
            .advise("shorten max-age, or let a new key wait for longer (KeyRing::with_propagation)")
    } else {
        Finding::good(
            Step::Jwks,
            CHECK,
            format!("caches may keep the set for {}, at most {wait}", span(lifetime)),
        )
    })
}
