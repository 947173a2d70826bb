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
    use serde_json::json;

    use super::*;
    use crate::dev_server::fault::{Fault, FaultKind};

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
}
