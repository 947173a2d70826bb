//! Compares an assertion with what a server accepts, by its profile, its metadata and its clock.

use std::borrow::Cow;

use time::Duration;

use super::cause::{Cause, Certainty, Contradiction};
use super::kind::CauseKind;
use super::sent::SentAssertion;
use crate::jose::Algorithm;
use crate::jose::moment::Utc;
use crate::oauth::signing_algorithms::{MEMBERS, MOST_SHOWN};
use crate::oauth::text::{safe, safe_url};
use crate::oauth::{AcceptedAudience, Audience, AuthorizationServer, Endpoint, Profile};

/// Returns where an assertion differs from what the server accepts, by its metadata, its profile
/// and its clock. Without these, returns what every server rejects.
///
/// ```
/// use private_key_jwt::Profile;
/// use private_key_jwt::oauth::{CauseKind, SentAssertion, contradictions};
/// # let jwt = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJjIiwic3ViIjoiYyIsImF1ZCI6Imh0dHBzOi8vYXMuZXhhbXBsZSIsImp0\
/// #     aSI6ImEiLCJpYXQiOjAsImV4cCI6NjB9.c2ln";
///
/// let sent = SentAssertion::from_jwt(jwt)?; // signed with ES256
/// let found = contradictions(&sent, None, Some(&Profile::auth0()));
/// assert_eq!(found[0].kind(), CauseKind::Algorithm);
/// let text = found[0].contradiction().map(ToString::to_string).unwrap_or_default();
/// assert_eq!(text, "alg is ES256, but Auth0 takes RS256, RS384, PS256");
/// # Ok::<(), private_key_jwt::JoseError>(())
/// ```
#[must_use]
pub fn contradictions(
    sent: &SentAssertion,
    server: Option<&AuthorizationServer>,
    profile: Option<&Profile>,
) -> Vec<Cause> {
    let profile = profile.filter(|profile| **profile != Profile::default());
    let of_profile = profile.map(|profile| OfProfile { sent, server, profile });
    let mut found = Vec::new();
    found.extend(algorithm(sent, server).or_else(|| of_profile.as_ref()?.algorithm()));
    found.extend(several_audiences(sent));
    found.extend(of_profile.as_ref().map_or_else(|| foreign_audience(sent, server), OfProfile::audience));
    found.extend(of_profile.iter().flat_map(OfProfile::others));
    found.extend(subject(sent));
    found.extend(missing(sent));
    found.extend(times(sent));
    found
}

/// A profile knows what its server accepts.
struct OfProfile<'a> {
    sent: &'a SentAssertion,
    server: Option<&'a AuthorizationServer>,
    profile: &'a Profile,
}

impl OfProfile<'_> {
    fn takes(&self, kind: CauseKind, what: &'static str, found: String, expected: String) -> Cause {
        let source = Cow::Borrowed(self.profile.name());
        Cause::of_contradiction(kind, Contradiction { what, found, source, verb: "takes", expected })
    }

    fn algorithm(&self) -> Option<Cause> {
        let accepted = self.profile.rules().algorithms().iter();
        let accepted: Vec<&str> = accepted.map(|algorithm| algorithm.as_str()).collect();
        let found = self.sent.algorithm().to_owned();
        (!accepted.contains(&found.as_str()))
            .then(|| self.takes(CauseKind::Algorithm, "alg", found, accepted.join(", ")))
    }

    fn audience(&self) -> Option<Cause> {
        let [found] = self.sent.audiences() else { return None };
        let (rules, expected) = (self.profile.rules(), self.usual_audience()?);
        let accepted = rules.accepted_audiences().iter().filter_map(|accepted| self.url(*accepted));
        let is_found = |accepted: &str| rules.is_same_audience(accepted, found);
        if is_found(&expected) || accepted.into_iter().any(|accepted| is_found(&accepted)) {
            return None;
        }
        let cause = self.takes(CauseKind::Audience, "aud", quoted(found), quoted(&expected));
        Some(if differ_by_slash(found, &expected) { cause.with_advice(SLASH) } else { cause })
    }

    /// The audience that the profile sends.
    fn usual_audience(&self) -> Option<String> {
        let token_endpoint = || self.server.map(|server| safe_url(server.token_endpoint()));
        match self.profile.rules().audience() {
            Some(Audience::Exactly(audience)) => Some(safe_url(audience)),
            Some(Audience::TokenEndpoint) => token_endpoint(),
            Some(Audience::CalledEndpoint) => self.sent.called.clone().or_else(token_endpoint),
            None | Some(Audience::Issuer) => self.issuer().or_else(token_endpoint),
        }
    }

    fn issuer(&self) -> Option<String> {
        let issuer = safe_url(self.server?.issuer()?);
        let lacks_slash = self.profile.rules().issuer_ends_with_slash() && !issuer.ends_with('/');
        Some(if lacks_slash { issuer + "/" } else { issuer })
    }

    fn url(&self, accepted: AcceptedAudience) -> Option<String> {
        let server = self.server?;
        match accepted {
            AcceptedAudience::Issuer => self.issuer(),
            AcceptedAudience::Endpoint(endpoint) => server.endpoint(endpoint).ok().map(safe_url),
            AcceptedAudience::CalledEndpoint => self.sent.called.clone(),
        }
    }

    fn others(&self) -> Vec<Cause> {
        let (sent, rules) = (self.sent, self.profile.rules());
        let missing = || "missing".to_owned();
        let mut found = Vec::new();
        let accepted = rules.accepted_media_types();
        if !accepted.is_empty() && !accepted.iter().any(|typ| is_media_type(sent.media_type(), *typ)) {
            let named = |typ: Option<&str>| typ.map_or("none".to_owned(), quoted);
            let expected: Vec<String> = accepted.into_iter().map(named).collect();
            let sent = sent.media_type().map_or_else(missing, quoted);
            found.push(self.takes(CauseKind::MediaType, "typ", sent, expected.join(" or ")));
        }
        if let Some(lifetime) = sent.lifetime()
            && lifetime > rules.longest_lifetime()
        {
            let limit = rules.longest_lifetime().as_secs();
            let (sent, limit) =
                (format!("{} s after iat", lifetime.whole_seconds()), format!("at most {limit} s"));
            found.push(self.takes(CauseKind::Lifetime, "exp", sent, limit));
        }
        if rules.requires_key_id() && sent.key_id.is_none() {
            let cause =
                self.takes(CauseKind::KeyId, "kid", missing(), "the kid of the registered key".to_owned());
            found.push(cause.with_advice("send the kid of the registered key"));
        }
        let required = rules.required_certificate_headers();
        if let Some(name) = required.into_iter().find(|name| !sent.certificate_headers.contains(name)) {
            found.push(self.takes(
                CauseKind::Certificate,
                name,
                missing(),
                "that of the registered certificate".to_owned(),
            ));
        }
        if rules.not_before().is_some() && sent.not_before.is_none() {
            let cause = self.takes(CauseKind::Malformed, "nbf", missing(), "a time before iat".to_owned());
            found.push(cause.with_advice("add nbf to the assertion"));
        }
        found
    }
}

const SLASH: &str = "set the audience to exactly this string: a slash at its end counts";

/// The metadata's list for the endpoint that was called.
fn algorithm(sent: &SentAssertion, server: Option<&AuthorizationServer>) -> Option<Cause> {
    let server = server?;
    let is_called = |endpoint: &Endpoint| {
        let url = server.endpoint(*endpoint).ok().map(safe_url);
        url.is_some() && url == sent.called
    };
    let called = Endpoint::ALL.into_iter().find(is_called).unwrap_or(Endpoint::Token);
    let listed = server.signing_algorithms_at(called).filter(|listed| !listed.is_empty())?;
    let algorithm: Option<Algorithm> = sent.algorithm.parse().ok();
    let is_sent = |name: &String| {
        *name == sent.algorithm || algorithm.is_some_and(|algorithm| algorithm.is_named(name))
    };
    (!listed.iter().any(is_sent)).then(|| {
        let member = MEMBERS.iter().find(|(endpoint, _)| *endpoint == called);
        let source = Cow::Borrowed(member.unwrap_or(&MEMBERS[0]).1);
        let listed: Vec<String> = listed.iter().take(MOST_SHOWN).map(|name| safe(name)).collect();
        let (found, expected) = (sent.algorithm.clone(), listed.join(", "));
        let contradiction = Contradiction { what: "alg", found, source, verb: "lists", expected };
        Cause::of_contradiction(CauseKind::Algorithm, contradiction)
    })
}

fn several_audiences(sent: &SentAssertion) -> Option<Cause> {
    let count = sent.audiences().len();
    let certainty = if count > 1 { Certainty::Likely } else { Certainty::Possible };
    sent.is_list.then(|| {
        let (found, expected) = (format!("an array of {count}"), "one string".to_owned());
        let source = Cow::Borrowed("RFC 10070");
        let contradiction = Contradiction { what: "aud", found, source, verb: "wants", expected };
        Cause::of_contradiction(CauseKind::SingleAudience, contradiction).with_certainty(certainty)
    })
}

/// An audience that is neither the issuer nor an endpoint of the server.
fn foreign_audience(sent: &SentAssertion, server: Option<&AuthorizationServer>) -> Option<Cause> {
    let (server, [found]) = (server?, sent.audiences()) else { return None };
    let (issuer, token_endpoint) = (server.issuer().map(safe_url), safe_url(server.token_endpoint()));
    let own = [issuer.as_ref(), Some(&token_endpoint), sent.called.as_ref()];
    if own.contains(&Some(found)) {
        return None;
    }
    let near = own.into_iter().flatten().find(|own| differ_by_slash(own, found));
    let (source, expected) = match (near, &issuer) {
        (Some(near), Some(issuer)) if near == issuer => ("the server's issuer", near),
        (Some(near), _) => ("the server's endpoint", near),
        (None, Some(issuer)) => ("the server's issuer", issuer),
        (None, None) => ("the token endpoint", &token_endpoint),
    };
    let (found, expected) = (quoted(found), quoted(expected));
    let contradiction = Contradiction { what: "aud", found, source: source.into(), verb: "is", expected };
    let cause = Cause::of_contradiction(CauseKind::Audience, contradiction);
    Some(if near.is_some() { cause.with_advice(SLASH) } else { cause })
}

fn subject(sent: &SentAssertion) -> Option<Cause> {
    let (issuer, subject) = (sent.issuer(), sent.subject());
    let (what, found, source, expected) = match (issuer, subject, sent.client_id.as_deref()) {
        (None, _, _) => ("iss", None, "RFC 7523", "the client id"),
        (_, None, _) => ("sub", None, "RFC 7523", "the client id"),
        (Some(issuer), Some(subject), _) if issuer != subject => ("iss", Some(issuer), "sub", subject),
        (_, Some(subject), Some(client_id)) if subject != client_id => {
            ("sub", Some(subject), "the client_id of the form", client_id)
        }
        _ => return None,
    };
    let is_missing = found.is_none();
    let (verb, expected) = if is_missing { ("wants", expected.to_owned()) } else { ("is", quoted(expected)) };
    let found = found.map_or("missing".to_owned(), quoted);
    let contradiction = Contradiction { what, found, source: source.into(), verb, expected };
    Some(Cause::of_contradiction(CauseKind::Subject, contradiction))
}

/// Claims that RFC 7523 requires, and the `jti`, without which most servers take nothing.
fn missing(sent: &SentAssertion) -> Vec<Cause> {
    let is_missing = [
        (CauseKind::Audience, "aud", "the issuer of the server", sent.audiences().is_empty()),
        (CauseKind::Malformed, "exp", "a time", sent.expires_at.is_none()),
        (CauseKind::TokenIdMissing, "jti", "a new one for each assertion", !sent.has_token_id),
    ];
    let found = is_missing.into_iter().filter(|(.., is_missing)| *is_missing);
    found
        .map(|(kind, what, expected, _)| {
            let (found, source) = ("missing".to_owned(), Cow::Borrowed("RFC 10070"));
            let expected = expected.to_owned();
            Cause::of_contradiction(kind, Contradiction { what, found, source, verb: "wants", expected })
        })
        .collect()
}

/// The times of the assertion at the server's clock, or at ours if the server's is unknown.
fn times(sent: &SentAssertion) -> Option<Cause> {
    let (now, ahead) = sent.received?;
    let source = if ahead.is_some() { "the server's clock" } else { "this machine's clock" };
    let now = now.saturating_add(ahead.unwrap_or(Duration::ZERO));
    let starts = sent.not_before.max(sent.issued_at);
    let (kind, what, time) = match (sent.expires_at, starts) {
        (Some(expires), _) if expires <= now => (CauseKind::Expired, "exp", expires),
        (_, Some(starts)) if starts > now.saturating_add(PRECISION) => {
            let what = if sent.not_before == Some(starts) { "nbf" } else { "iat" };
            (CauseKind::NotYetValid, what, starts)
        }
        _ => return None,
    };
    let (found, expected) = (Utc::from(time).to_string(), Utc::from(now).to_string());
    let contradiction = Contradiction { what, found, source: source.into(), verb: "says", expected };
    Some(Cause::of_contradiction(kind, contradiction))
}

/// A `Date` has whole seconds.
const PRECISION: Duration = Duration::SECOND;

fn is_media_type(found: Option<&str>, expected: Option<&str>) -> bool {
    // RFC 7515 §4.1.9: the prefix may be omitted, and the case does not matter.
    let plain = |typ: Option<&str>| typ.map(|typ| typ.to_ascii_lowercase().replacen("application/", "", 1));
    plain(found) == plain(expected)
}

fn differ_by_slash(one: &str, other: &str) -> bool {
    one.strip_suffix('/').unwrap_or(one) == other.strip_suffix('/').unwrap_or(other)
}

fn quoted(text: impl AsRef<str>) -> String {
    format!("\"{}\"", text.as_ref())
}

#[cfg(test)]
mod tests;
