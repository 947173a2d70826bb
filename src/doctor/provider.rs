//! Which provider an issuer belongs to, by its URL.

use url::Url;

use crate::oauth::Profile;

/// The end of a host, or a part of its path, and the short name of the profile.
const HOSTS: [(&str, &str); 10] = [
    (".okta.com", "okta"),
    (".oktapreview.com", "okta"),
    (".okta-emea.com", "okta"),
    (".auth0.com", "auth0"),
    ("login.microsoftonline.com", "entra-id"),
    ("login.microsoftonline.us", "entra-id"),
    ("login.chinacloudapi.cn", "entra-id"),
    ("sts.windows.net", "entra-id"),
    (".salesforce.com", "salesforce"),
    ("accounts.singpass.gov.sg", "singpass"),
];
const PING_ONE: &str = "auth.pingone.";
const KEYCLOAK: &str = "/realms/";

/// The profile of the provider with this issuer, and its short name.
pub(super) fn of_issuer(issuer: &str) -> Option<(&'static str, Profile)> {
    let url = Url::parse(issuer).ok()?;
    let host = url.host_str()?;
    let named = HOSTS.iter().find(|(end, _)| host.ends_with(end)).map(|(_, name)| *name);
    let name = named
        .or_else(|| host.starts_with(PING_ONE).then_some("ping-one"))
        .or_else(|| url.path().contains(KEYCLOAK).then_some("keycloak"))?;
    Profile::known().find(|(known, _)| *known == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_shows_its_provider() {
        for (issuer, expected) in [
            ("https://dev-1.okta.com/oauth2/default", Some("okta")),
            ("https://t.eu.auth0.com/", Some("auth0")),
            ("https://login.microsoftonline.com/T/v2.0", Some("entra-id")),
            ("https://auth.pingone.eu/E/as", Some("ping-one")),
            ("https://kc.example/realms/r", Some("keycloak")),
            ("https://okta.com.evil.example", None),
            ("https://as.example", None),
            ("client", None),
        ] {
            assert_eq!(of_issuer(issuer).map(|(name, _)| name), expected, "{issuer}");
        }
    }
}
