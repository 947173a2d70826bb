//! Which server has which texts, and how a server is recognised.

use std::fmt;

use super::clouds::{
    AUTH0, CONNECT2ID, CURITY, ENTRA_ID, FORGEROCK, GOOGLE, IBM_VERIFY, OKTA, PING_FEDERATE, PING_ONE,
    SALESFORCE,
};
use super::more_products::{CAS, CLOUD_FOUNDRY, MITREID, WSO2, ZITADEL};
use super::own::THIS_CRATE;
use super::products::{
    AUTHLIB, DUENDE, GLEWLWYD, GLUU, HYDRA, KEYCLOAK, LEMONLDAP, OIDC_PROVIDER, OPENIDDICT, SPRING,
};
use super::public_services::{
    EPIC, GOVUK_ONE_LOGIN, LOGIN_GOV, MASKINPORTEN, NHS_ENGLAND, PDND, SINGPASS, SMART_BULK_DATA,
    SMART_LAUNCHER,
};
use super::row::Row;
use crate::oauth::pattern::says;

/// A kind of server.
pub(in crate::oauth::hint) struct Server {
    pub(in crate::oauth::hint) name: &'static str,
    /// In the order in which they are tried. The first that matches counts.
    pub(in crate::oauth::hint) rows: &'static [Row],
    /// Parts of the names of its profiles.
    profiles: &'static [&'static str],
    /// Its domains.
    pub(in crate::oauth::hint) domains: &'static [&'static str],
    /// Patterns of the URL of its token endpoint.
    endpoints: &'static [&'static str],
    /// Header fields in which it names a request.
    fields: &'static [&'static str],
}

const fn server(name: &'static str, rows: &'static [Row]) -> Server {
    Server { name, rows, profiles: &[], domains: &[], endpoints: &[], fields: &[] }
}

impl Server {
    const fn profiles(self, profiles: &'static [&'static str]) -> Self {
        Self { profiles, ..self }
    }

    const fn domains(self, domains: &'static [&'static str]) -> Self {
        Self { domains, ..self }
    }

    const fn endpoints(self, endpoints: &'static [&'static str]) -> Self {
        Self { endpoints, ..self }
    }

    const fn fields(self, fields: &'static [&'static str]) -> Self {
        Self { fields, ..self }
    }

    /// The server at a host.
    pub(in crate::oauth::hint) fn at_host(host: &str) -> Option<&'static Self> {
        let is_within = |domain: &&str| {
            let rest = host.len().checked_sub(domain.len()).map(|start| host.as_bytes().split_at(start));
            rest.is_some_and(|(before, end)| {
                end.eq_ignore_ascii_case(domain.as_bytes()) && matches!(before.last(), None | Some(b'.'))
            })
        };
        ALL.iter().find(|server| server.domains.iter().any(is_within))
    }

    /// The server that a profile is for.
    pub(in crate::oauth::hint) fn of_profile(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|server| server.profiles.iter().any(|part| says(name, part)))
    }

    /// The server that has such a token endpoint.
    pub(in crate::oauth::hint) fn at_endpoint(url: &str) -> Option<&'static Self> {
        ALL.iter().find(|server| server.endpoints.iter().any(|pattern| says(url, pattern)))
    }

    /// The server that sends such a header field.
    pub(in crate::oauth::hint) fn of_field(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|server| server.fields.contains(&name))
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The one list of known servers, by which the doctor recognises them, too.
pub(in crate::oauth::hint) static ALL: [Server; 37] = [
    server("Auth0", AUTH0).profiles(&["Auth0"]).domains(&["auth0.com"]).fields(&["x-auth0-requestid"]),
    server("Authelia", HYDRA).profiles(&["Authelia"]).endpoints(&["/api/oidc/token$"]),
    server("Authlib", AUTHLIB).profiles(&["Authlib", "Canaille"]),
    server("CAS", CAS).endpoints(&["/cas/oidc/"]),
    server("Cloud Foundry UAA", CLOUD_FOUNDRY).profiles(&["Cloud Foundry"]).endpoints(&["/uaa/oauth/token"]),
    server("Connect2id", CONNECT2ID).profiles(&["Connect2id"]).domains(&["c2id.com"]),
    server("Curity", CURITY).profiles(&["Curity"]).endpoints(&["/oauth/v2/oauth-token"]),
    server("Duende IdentityServer", DUENDE).profiles(&["Duende", "IdentityServer"]),
    server("Microsoft Entra ID", ENTRA_ID)
        .profiles(&["Entra"])
        .domains(&[
            "login.microsoftonline.com",
            "login.microsoftonline.us",
            "login.partner.microsoftonline.cn",
            "login.chinacloudapi.cn",
            "login.windows.net",
            "sts.windows.net",
            "ciamlogin.com",
        ])
        .endpoints(&["/oauth2/v2.0/token$"])
        .fields(&["x-ms-request-id"]),
    server("Epic", EPIC).profiles(&["Epic"]).domains(&["epic.com"]),
    server("ForgeRock", FORGEROCK)
        .profiles(&["ForgeRock", "OpenAM", "PingAM"])
        .domains(&["forgeblocks.com", "id.forgerock.io"])
        .endpoints(&["/am/oauth2/*access_token$", "/openam/oauth2/*access_token$"]),
    server("Glewlwyd", GLEWLWYD).profiles(&["Glewlwyd"]),
    server("Gluu", GLUU).profiles(&["Gluu", "Janssen"]).endpoints(&["/oxauth/restv1/", "/jans-auth/restv1/"]),
    server("Google", GOOGLE).profiles(&["Google"]).domains(&["googleapis.com", "accounts.google.com"]),
    server("GOV.UK One Login", GOVUK_ONE_LOGIN).profiles(&["GOV.UK"]).domains(&["account.gov.uk"]),
    server("Ory Hydra", HYDRA).profiles(&["Hydra"]).domains(&["oryapis.com"]),
    server("IBM Verify", IBM_VERIFY)
        .profiles(&["IBM"])
        .domains(&["verify.ibm.com", "ice.ibmcloud.com"])
        .endpoints(&["/oidc/endpoint/default/token$"]),
    server("Keycloak", KEYCLOAK)
        .profiles(&["Keycloak"])
        .endpoints(&["/realms/*/protocol/openid-connect/token$"]),
    server("LemonLDAP::NG", LEMONLDAP).profiles(&["LemonLDAP"]),
    server("login.gov", LOGIN_GOV).profiles(&["login.gov"]).domains(&["login.gov", "identitysandbox.gov"]),
    server("Maskinporten", MASKINPORTEN).profiles(&["Maskinporten"]).domains(&["maskinporten.no"]),
    server("MITREid Connect", MITREID).profiles(&["MITREid"]),
    server("NHS England", NHS_ENGLAND).profiles(&["NHS"]).domains(&["api.service.nhs.uk"]),
    server("oidc-provider", OIDC_PROVIDER).profiles(&["oidc-provider", "Logto"]).domains(&["logto.app"]),
    server("Okta", OKTA)
        .profiles(&["Okta"])
        .domains(&["okta.com", "oktapreview.com", "okta-emea.com", "okta-gov.com"])
        .endpoints(&["/oauth2/*/v1/token$"])
        .fields(&["x-okta-request-id"]),
    server("OpenIddict", OPENIDDICT).profiles(&["OpenIddict"]),
    server("PDND", PDND).profiles(&["PDND", "pagoPA"]).domains(&["interop.pagopa.it"]),
    server("PingFederate", PING_FEDERATE).profiles(&["PingFederate"]).endpoints(&["/as/token.oauth2$"]),
    server("PingOne", PING_ONE).profiles(&["PingOne"]).domains(&[
        "pingone.com",
        "pingone.eu",
        "pingone.ca",
        "pingone.asia",
        "pingone.com.au",
        "pingone.sg",
    ]),
    // The dev server has one environment id.
    server("private-key-jwt", THIS_CRATE)
        .profiles(&["private-key-jwt"])
        .endpoints(&["/de7de7de-0000-4000-8000-000000000000/as/token$"]),
    server("Salesforce", SALESFORCE).profiles(&["Salesforce"]).domains(&["salesforce.com", "force.com"]),
    server("Singpass", SINGPASS).profiles(&["Singpass"]).domains(&["singpass.gov.sg"]),
    server("SMART bulk data server", SMART_BULK_DATA).domains(&["bulk-data.smarthealthit.org"]),
    server("SMART launcher", SMART_LAUNCHER).domains(&["launch.smarthealthit.org"]),
    server("Spring Authorization Server", SPRING).profiles(&["Spring"]),
    server("WSO2 Identity Server", WSO2).profiles(&["WSO2"]),
    server("Zitadel", ZITADEL).profiles(&["Zitadel"]).domains(&["zitadel.cloud"]),
];
