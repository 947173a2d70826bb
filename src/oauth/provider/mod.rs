//! One file for each kind of authorization server: its URLs, its rules for assertions
//! ([`Profile`]), and the shape of its access tokens.
//!
//! To add one, write a file with its name and profile, and add its `mod` line and its entry in
//! [`ALL`]. The texts of its rejections are rows of the table in `hint`. The preset of the
//! verifier's `AccessTokenProfile` is made of the [`TokenShape`].

mod adfs;
mod atproto;
mod auth0;
mod cognito;
mod entra_id;
mod fapi;
mod forgerock;
mod hydra;
mod ibm_verify;
mod keycloak;
mod known;
mod login_gov;
mod mcp;
mod nhs_england;
mod okta;
mod ping_access;
mod ping_federate;
mod ping_one;
mod salesforce;
mod singpass;
mod smart;
mod spring;
mod zitadel;

use std::str::FromStr;

use super::text::safe;
use super::{OAuthError, Profile};
use known::Named;

pub(crate) use adfs::ADFS_TOKENS;
pub(crate) use auth0::AUTH0_TOKENS;
pub(crate) use cognito::COGNITO_TOKENS;
pub(crate) use entra_id::{ENTRA_ID_TOKENS, ENTRA_ID_V1_TOKENS, ENTRA_ID_V2_TOKENS};
pub(crate) use hydra::HYDRA_TOKENS;
pub(crate) use keycloak::KEYCLOAK_TOKENS;
pub(crate) use known::TokenShape;
pub(crate) use okta::OKTA_TOKENS;
pub use ping_access::PingAccess;
pub(crate) use ping_federate::PING_FEDERATE_TOKENS;
pub(crate) use ping_one::PING_ONE_TOKENS;
pub use ping_one::Region;
pub(crate) use spring::SPRING_TOKENS;
pub(crate) use zitadel::ZITADEL_TOKENS;

const ALL: [Named; 19] = [
    atproto::ATPROTO,
    auth0::AUTH0,
    entra_id::ENTRA_ID,
    fapi::FAPI,
    forgerock::FORGEROCK,
    hydra::HYDRA,
    ibm_verify::IBM_VERIFY,
    keycloak::KEYCLOAK,
    login_gov::LOGIN_GOV,
    mcp::MCP,
    nhs_england::NHS_ENGLAND,
    okta::OKTA,
    ping_federate::PING_FEDERATE,
    ping_one::PING_ONE,
    salesforce::SALESFORCE,
    singpass::SINGPASS,
    smart::SMART,
    spring::SPRING,
    zitadel::ZITADEL,
];

impl Profile {
    /// The profiles of known servers, each with a name for options and configuration files, such as
    /// `entra-id`.
    ///
    /// ```
    /// use private_key_jwt::Profile;
    ///
    /// let profile = Profile::known().find(|(name, _)| *name == "ping-one").map(|(_, profile)| profile);
    /// assert_eq!(profile, Some(Profile::ping_one()));
    /// ```
    pub fn known() -> impl Iterator<Item = (&'static str, Self)> {
        ALL.into_iter().map(|(name, profile)| (name, profile()))
    }
}

/// Reads the name of a known profile, with `-` or `_`: `entra-id`, `entra_id`.
///
/// ```
/// use private_key_jwt::Profile;
///
/// assert_eq!("entra_id".parse::<Profile>()?, Profile::entra_id());
/// # Ok::<(), private_key_jwt::oauth::OAuthError>(())
/// ```
impl FromStr for Profile {
    type Err = OAuthError;

    fn from_str(name: &str) -> Result<Self, OAuthError> {
        let wanted = name.replace('_', "-");
        Self::known().find(|(known, _)| *known == wanted).map(|(_, profile)| profile).ok_or_else(|| {
            let known = Self::known().map(|(name, _)| name).collect();
            OAuthError::UnknownProfile { found: safe(name), known }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::jose::Algorithm;
    use crate::keys::PrivateKey;
    use crate::oauth::{AuthorizationServer, ClientAssertion, OAuthError};

    #[test]
    fn every_profile_has_a_name_and_makes_assertions() {
        // With a slash, as Auth0's issuers.
        let server = AuthorizationServer::new("https://as.example/", "https://as.example/token").unwrap();
        let now = time::OffsetDateTime::UNIX_EPOCH;
        let certified = PrivateKey::from_file("testdata/keys/rsa2048.key-then-chain.pem").unwrap();
        let keys = ["p256", "p384", "p521", "ed25519"]
            .map(|stem| PrivateKey::from_file(format!("testdata/keys/{stem}.pkcs8.pem")).unwrap());
        let keys: Vec<_> = keys.into_iter().chain([certified]).collect();
        for (name, profile) in Profile::known() {
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'0'..=b'9')));
            let mut accepted = 0;
            for algorithm in Algorithm::ALL {
                let key = keys.iter().find_map(|key| key.clone().with_algorithm(algorithm).ok()).unwrap();
                let builder = ClientAssertion::builder("client", &server).profile(profile.clone());
                match builder.sign(&key, now, "j1") {
                    Ok(_) => accepted += 1,
                    Err(OAuthError::ProfileAlgorithm { profile: found, algorithm: refused, .. }) => {
                        assert_eq!((found, refused), (profile.name(), algorithm));
                    }
                    Err(error) => panic!("{name}: {error}"),
                }
            }
            assert!(accepted > 0, "{name}");
        }
        let names: Vec<&str> = Profile::known().map(|(name, _)| name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }
}
