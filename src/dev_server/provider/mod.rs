//! What the providers of the named profiles demand of client assertions, and how they refuse one.
//! Facts of a provider that the client's [`Profile`] has too are taken from there.

mod facts;
mod kind;
mod texts;

use crate::oauth::Profile;
pub(super) use kind::{KeyIdDemand, Provider};

impl Provider {
    /// The provider that a profile is for. `None` for a profile of the user's own.
    pub(super) fn of(profile: &Profile) -> Option<&'static Self> {
        let (name, _) = Profile::known().find(|(_, known)| known.name() == profile.name())?;
        facts::ALL.iter().find(|provider| provider.names.contains(&name))
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::{Value, json};
    use time::OffsetDateTime;

    use super::*;
    use crate::dev_server::fault::{Fault, FaultKind};
    use crate::oauth::{Cause, CauseKind, OAuthError, TokenResponse, explain};

    #[test]
    fn every_named_profile_has_its_provider() {
        for (name, profile) in Profile::known() {
            let provider = Provider::of(&profile);
            assert!(provider.is_some_and(|provider| provider.names.contains(&name)), "{name}");
        }
        assert!(Provider::of(&Profile::new("my bank")).is_none());
        assert!(Provider::of(&Profile::default()).is_none());
    }

    #[test]
    fn a_provider_says_what_it_says_and_no_more() {
        let answer = |profile: Profile, kind: FaultKind, detail: &str| {
            let fault = Fault { kind, detail: detail.to_owned() };
            Provider::of(&profile).unwrap().answer(&fault)
        };
        assert_eq!(
            answer(Profile::okta(), FaultKind::Expired, ""),
            Some((
                StatusCode::UNAUTHORIZED,
                json!({"error": "invalid_client", "error_description": "The client_assertion token is expired."})
            ))
        );
        assert_eq!(
            answer(Profile::keycloak(), FaultKind::MissingClaim, "jti"),
            Some((
                StatusCode::BAD_REQUEST,
                json!({"error": "invalid_client", "error_description": "Token jti claim is required"})
            ))
        );
        let bare = Some((StatusCode::UNAUTHORIZED, json!({"error": "invalid_client"})));
        assert_eq!(answer(Profile::auth0(), FaultKind::Audience, ""), bare);
        let (_, body) = answer(Profile::entra_id(), FaultKind::Audience, "").unwrap();
        assert_eq!(
            (&body["error_codes"], &body["error_uri"]),
            (&json!([700_023]), &"https://login.microsoftonline.com/error?code=700023".into())
        );
        assert_eq!(answer(Profile::fapi2(), FaultKind::Audience, ""), None);
    }

    const KINDS: [FaultKind; 23] = {
        use FaultKind as Kind;
        [
            Kind::NoAssertion,
            Kind::OtherMethod,
            Kind::NoAssertionType,
            Kind::AssertionType,
            Kind::Malformed,
            Kind::Algorithm,
            Kind::MediaType,
            Kind::NoKeyId,
            Kind::KeyId,
            Kind::KeySet,
            Kind::Signature,
            Kind::Subject,
            Kind::ClientId,
            Kind::UnknownClient,
            Kind::Audience,
            Kind::SeveralAudiences,
            Kind::MissingClaim,
            Kind::Expired,
            Kind::NotYetValid,
            Kind::IssuedLater,
            Kind::IssuedEarlier,
            Kind::Lifetime,
            Kind::Replayed,
        ]
    };

    /// The kinds of cause that name a fault truly.
    fn truth(fault: &Fault) -> &'static [CauseKind] {
        use CauseKind as Kind;
        match (fault.kind, fault.detail.as_str()) {
            (FaultKind::NoAssertion, _) => &[Kind::AuthenticationMethod, Kind::Malformed],
            (FaultKind::OtherMethod, _) => &[Kind::AuthenticationMethod],
            (FaultKind::NoAssertionType, _) => &[Kind::AssertionType, Kind::AuthenticationMethod],
            (FaultKind::AssertionType, _) => &[Kind::AssertionType, Kind::AuthenticationMethod],
            (FaultKind::Malformed, _) => &[Kind::Malformed],
            (FaultKind::Algorithm, _) => &[Kind::Algorithm],
            (FaultKind::MediaType, _) => &[Kind::MediaType],
            (FaultKind::NoKeyId, _) => &[Kind::KeyId, Kind::Certificate],
            (FaultKind::KeyId, _) => &[Kind::KeyId, Kind::Certificate],
            (FaultKind::KeySet, _) => &[Kind::KeySet, Kind::KeySetUnreachable],
            (FaultKind::Signature, _) => &[Kind::Signature],
            (FaultKind::Subject | FaultKind::ClientId, _) => &[Kind::Subject],
            (FaultKind::UnknownClient, _) => &[Kind::UnknownClient],
            (FaultKind::Audience, _) => &[Kind::Audience],
            (FaultKind::SeveralAudiences, _) => &[Kind::SingleAudience, Kind::Audience],
            (FaultKind::MissingClaim, "jti") => &[Kind::TokenIdMissing, Kind::Malformed],
            (FaultKind::MissingClaim, "aud") => &[Kind::Audience, Kind::Malformed],
            (FaultKind::MissingClaim, "iss" | "sub") => &[Kind::Subject, Kind::Malformed],
            (FaultKind::MissingClaim, _) => &[Kind::Malformed],
            (FaultKind::Expired | FaultKind::IssuedEarlier, _) => &[Kind::Expired],
            (FaultKind::NotYetValid | FaultKind::IssuedLater, _) => &[Kind::NotYetValid],
            (FaultKind::Lifetime, _) => &[Kind::Lifetime],
            (FaultKind::Replayed, _) => &[Kind::TokenIdReused],
        }
    }

    /// The kinds of cause that the client finds in an answer, the likeliest first.
    fn hinted(profile: &Profile, status: StatusCode, body: &Value) -> Vec<CauseKind> {
        let response = http::Response::builder().status(status).body(body.to_string().into_bytes()).unwrap();
        let answer = TokenResponse::from_http(response, OffsetDateTime::UNIX_EPOCH);
        let Err(OAuthError::Refused(refusal) | OAuthError::Unavailable(refusal)) = answer else {
            panic!("{status} {body}")
        };
        explain(&refusal, None, None, Some(profile)).iter().map(Cause::kind).collect()
    }

    #[test]
    fn each_answer_of_each_profile_is_explained_by_what_was_found() {
        let mut wrong = Vec::new();
        let mut count = 0;
        for (name, profile) in Profile::known() {
            let provider = Provider::of(&profile).unwrap();
            for kind in KINDS {
                let details: &[&str] = match kind {
                    FaultKind::MissingClaim => &["iss", "sub", "aud", "exp", "jti"],
                    FaultKind::Algorithm => &["ES256"],
                    FaultKind::AssertionType => &["urn:x"],
                    FaultKind::UnknownClient => &["clinet"],
                    _ => &[""],
                };
                for detail in details {
                    let fault = Fault { kind, detail: (*detail).to_owned() };
                    let Some((status, body)) = provider.answer(&fault) else { continue };
                    count += 1;
                    let found = hinted(&profile, status, &body);
                    // A provider with one text for everything says no more.
                    let is_honest = found.first() == Some(&CauseKind::Unspecific)
                        || truth(&fault).iter().any(|truth| found.contains(truth));
                    if !is_honest {
                        wrong.push(format!("{name}: {kind:?} {detail}: {status} {body}: {found:?}"));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
        // The dev server's own words for all others are in `tests/oauth/own_server.rs`.
        assert!(count > 300, "{count}");
    }
}
