//! What is known about a server and an assertion before the server's words are read.

use url::Url;

use super::compare::contradictions;
use super::context::Context;
use super::sent::SentAssertion;
use super::table::Server;
use crate::oauth::text::safe_url;
use crate::oauth::{AuthorizationServer, Profile};

impl Context {
    pub(crate) fn of(
        sent: Option<SentAssertion>,
        server: Option<&AuthorizationServer>,
        profile: Option<&Profile>,
    ) -> Self {
        Self {
            server: kind(server, profile),
            contradictions: sent
                .as_ref()
                .map(|sent| contradictions(sent, server, profile))
                .unwrap_or_default(),
            other_audience: sent.as_ref().zip(server).and_then(|(sent, server)| other_audience(sent, server)),
            sent,
        }
    }
}

/// The kind of server: its domain decides, then the profile, then the form of its endpoint.
fn kind(server: Option<&AuthorizationServer>, profile: Option<&Profile>) -> Option<&'static Server> {
    let urls =
        server.into_iter().flat_map(|server| server.issuer().into_iter().chain([server.token_endpoint()]));
    let hosts = urls.filter_map(|url| Url::parse(url).ok()?.host_str().map(str::to_owned));
    hosts
        .into_iter()
        .find_map(|host| Server::at_host(&host))
        .or_else(|| Server::of_profile(profile?.name()))
        .or_else(|| Server::at_endpoint(server?.token_endpoint()))
}

/// The profile for a server that its domain or its token endpoint shows, and its short name.
#[cfg(feature = "client")]
pub(crate) fn profile_of(server: &AuthorizationServer) -> Option<(&'static str, Profile)> {
    let found = kind(Some(server), None)?;
    let name = |profile: &Profile| Server::of_profile(profile.name()).map(|of| of.name);
    Profile::known().find(|(_, profile)| name(profile) == Some(found.name))
}

/// The other of the two audiences that servers differ in.
fn other_audience(sent: &SentAssertion, server: &AuthorizationServer) -> Option<String> {
    let [found] = sent.audiences() else { return None };
    let (issuer, token_endpoint) = (safe_url(server.issuer()?), safe_url(server.token_endpoint()));
    if *found == issuer {
        Some(format!("set the audience to the token endpoint, \"{token_endpoint}\": the issuer was sent"))
    } else if *found == token_endpoint {
        Some(format!("set the audience to the issuer, \"{issuer}\": the token endpoint was sent"))
    } else {
        None
    }
}
