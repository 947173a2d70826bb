//! Takes the steps of an examination in order, and goes on when one cannot be taken.

use std::sync::Arc;

use time::Duration;

use super::finding::{Finding, Step};
use super::jwks::Used;
use super::probe;
use super::recorder::Recorder;
use super::report::Report;
use super::request::{Outcome, Sender, Standing};
use super::setup::Setup;
use super::trial::Start;
use super::words::chain;
use super::{clock, jwks, key, metadata, profile, published, request};
use crate::keys::PrivateKey;
use crate::oauth::{AuthorizationServer, ClientAssertion, ClientAssertionBuilder, Discovery, profile_of};
use crate::transport::{Clock, HttpClient, MetadataSource, ReqwestClient};

/// Examines a setup: the key, the server's metadata, the clock, the client's published keys, the
/// profile, and one real token request. If something cannot be reached, the report says so, and the
/// other steps are taken.
///
/// Sends requests only to the server and, if there is one, to the [JWKS URL](Setup::jwks_url). The
/// report contains no secret.
pub async fn examine(setup: &Setup) -> Report {
    let mut examination =
        Examination { setup, findings: Vec::new(), ahead: None, has_answer: false, requests: 0 };
    let now = setup.clock.now();
    examination.findings.extend(key::judge(&setup.key, now));
    let key = setup.key.key.as_ref().ok();
    let http = examination.http();
    let http = http.as_deref();
    let server = examination.discover(http, key).await;
    if examination.ahead.is_some() {
        examination.findings.push(clock::judge(examination.ahead));
    }
    let builder = key.map(|_| examination.builder(server.as_ref()));
    examination.suggest(server.as_ref(), builder.as_ref().zip(key));
    let prepared = builder.as_ref().zip(key).map(|(builder, key)| profile::prepared(builder, key, now));
    let is_named = prepared.as_ref().and_then(|jwt| Some(jwt.as_ref().ok()?.header().contains_key("kid")));
    let used = key.map(|key| Used { key, is_named: is_named.unwrap_or(true) });
    examination.published(http, used, server.as_ref()).await;
    let is_sendable = examination.profile(prepared, key, server.as_ref());
    let setting = match (http, server, builder.zip(key)) {
        (Some(http), Some(server), Some((builder, key))) if is_sendable => {
            examination.request(http, &server, &builder, key).await
        }
        (http, server, builder) => {
            let why = match (http, server, builder) {
                (None, ..) => "no request was sent (offline)",
                (_, None, _) => "no request was sent: the token endpoint is not known",
                (_, _, None) => "no request was sent: there is no key",
                _ => "no request was sent: the assertion cannot be made",
            };
            examination.findings.push(Finding::not_checked(Step::Request, "token", why));
            None
        }
    };
    if examination.ahead.is_none() {
        let finding = match (http, examination.has_answer) {
            (Some(_), true) => clock::judge(None),
            (Some(_), false) => Finding::not_checked(
                Step::Clock,
                "date",
                "the clock was not compared: the server did not answer",
            ),
            (None, _) => Finding::not_checked(Step::Clock, "date", "the clock was not compared (offline)"),
        };
        examination.findings.push(finding);
    }
    let Examination { findings, requests, .. } = examination;
    Report { setting, requests, ..Report::of(findings) }
}

/// An examination on its way.
struct Examination<'a> {
    setup: &'a Setup,
    findings: Vec<Finding>,
    /// How far the server's clock is ahead of ours.
    ahead: Option<Duration>,
    /// Whether the server has answered anything.
    has_answer: bool,
    requests: usize,
}

impl Examination<'_> {
    /// The HTTP client. `None`: nothing may be sent, or no client can be built.
    fn http(&mut self) -> Option<Arc<dyn HttpClient>> {
        if self.setup.is_offline {
            return None;
        }
        if let Some(http) = &self.setup.http {
            return Some(Arc::clone(http));
        }
        match ReqwestClient::with_plain_http(self.setup.server.plain_http()) {
            Ok(http) => Some(Arc::new(http)),
            Err(error) => {
                self.findings.push(Finding::wrong(Step::Discovery, "http-client", chain(&error)));
                None
            }
        }
    }

    /// The server, if it is known or can be discovered.
    async fn discover(
        &mut self,
        http: Option<&dyn HttpClient>,
        key: Option<&PrivateKey>,
    ) -> Option<AuthorizationServer> {
        let server = match &self.setup.server {
            MetadataSource::Known(server) => (**server).clone(),
            MetadataSource::Discovered(discovery) => {
                let Some(http) = http else {
                    let text = "the metadata was not fetched (offline)";
                    self.findings.push(Finding::not_checked(Step::Discovery, "document", text));
                    return None;
                };
                self.fetch(discovery, http).await?
            }
        };
        self.findings.extend(metadata::judge(&server, key));
        Some(server)
    }

    async fn fetch(&mut self, discovery: &Discovery, http: &dyn HttpClient) -> Option<AuthorizationServer> {
        let recorder = Recorder::new(http, &*self.setup.clock);
        let found = discovery.discover_with(&recorder).await;
        self.ahead = recorder.time().map(clock::ahead);
        self.has_answer |= recorder.has_answer();
        match found {
            Ok(server) => Some(server),
            Err(error) => {
                self.findings.push(metadata::judge_failure(&error));
                None
            }
        }
    }

    /// The settings of the assertion. Without a server, they are checked with a stand-in.
    fn builder(&self, server: Option<&AuthorizationServer>) -> ClientAssertionBuilder {
        let client_id = &self.setup.client_id;
        let builder = match server {
            Some(server) => ClientAssertion::builder(client_id, server),
            None => ClientAssertion::builder_for_audience(client_id, "https://unknown.invalid"),
        };
        let builder = match &self.setup.profile {
            Some(profile) => builder.profile(profile.clone()),
            None => builder,
        };
        match &self.setup.change {
            Some(change) => change(builder),
            None => builder,
        }
    }

    /// Names the profile of a known provider, if the user named none and it would change something.
    fn suggest(
        &mut self,
        server: Option<&AuthorizationServer>,
        client: Option<(&ClientAssertionBuilder, &PrivateKey)>,
    ) {
        let known = server.and_then(profile_of);
        let Some((name, known)) = known.filter(|_| self.setup.profile.is_none()) else { return };
        let now = self.setup.clock.now();
        let both = client.map(|(builder, key)| {
            let under = builder.clone().profile(known.clone());
            [builder, &under].map(|builder| profile::prepared(builder, key, now))
        });
        let mut text = format!("this looks like {}, which has a profile", known.name());
        match &both {
            Some([Ok(own), Ok(under)])
                if (own.header(), own.claims()) == (under.header(), under.claims()) =>
            {
                let text = format!("{text}; it would change nothing");
                return self.findings.push(Finding::good(Step::Profile, "profile", text));
            }
            Some([_, Err(error)]) => {
                text.push_str(&format!("; under it, this client fails: {}", chain(error)));
            }
            _ => {}
        }
        let advice = format!("follow its rules: --profile {name}");
        self.findings.push(Finding::warning(Step::Profile, "profile", text).advise(advice));
    }

    /// The client's published keys.
    async fn published(
        &mut self,
        http: Option<&dyn HttpClient>,
        used: Option<Used<'_>>,
        server: Option<&AuthorizationServer>,
    ) {
        let Some(source) = &self.setup.jwks else {
            let text = "the client's published keys were not examined";
            self.findings.push(
                Finding::not_checked(Step::Jwks, "fetch", text)
                    .advise("name them to examine them (--jwks-url, --jwks)"),
            );
            return;
        };
        if let Some(finding) = published::judge_owner(source, server) {
            self.findings.push(finding);
            return;
        }
        let issuer = match &self.setup.server {
            MetadataSource::Known(server) => {
                server.issuer().or(Some(server.token_endpoint())).map(str::to_owned)
            }
            MetadataSource::Discovered(discovery) => {
                discovery.urls().ok().and_then(|urls| urls.into_iter().next())
            }
        };
        self.findings.extend(published::judge_url(source, issuer.as_deref()));
        let clock: &dyn Clock = &*self.setup.clock;
        match published::read(source, http, clock).await {
            Ok(published) => {
                let propagation = self.setup.propagation;
                self.findings.extend(jwks::judge(&published, used, propagation, clock.now()));
            }
            Err(finding) => self.findings.push(finding),
        }
    }

    /// The assertion under its profile. Returns whether it can be sent.
    fn profile(
        &mut self,
        prepared: Option<Result<crate::jose::UnverifiedJwt, crate::oauth::OAuthError>>,
        key: Option<&PrivateKey>,
        server: Option<&AuthorizationServer>,
    ) -> bool {
        let profile = self.setup.profile.as_ref();
        match (prepared, key) {
            (Some(Ok(jwt)), _) => {
                self.findings.extend(profile::judge(&jwt, server, profile));
                true
            }
            (Some(Err(error)), Some(key)) => {
                self.findings.push(profile::judge_failure(&error, key));
                false
            }
            _ => {
                let text = "the profile was not checked: there is no key";
                self.findings.push(Finding::not_checked(Step::Profile, "assertion", text));
                false
            }
        }
    }

    /// One real request, and a probe if it was rejected.
    async fn request(
        &mut self,
        http: &dyn HttpClient,
        server: &AuthorizationServer,
        builder: &ClientAssertionBuilder,
        key: &PrivateKey,
    ) -> Option<super::Setting> {
        let Setup { clock, scope, probes, profile, .. } = self.setup;
        let sender = Sender { server, http, clock: &**clock, scope, profile: profile.as_ref() };
        let attempt = match sender.attempt(builder, key, Duration::ZERO).await {
            Ok(attempt) => attempt,
            Err(error) => {
                let text = format!("no request was sent: {}", chain(&error));
                self.findings.push(Finding::wrong(Step::Request, "token", text));
                return None;
            }
        };
        self.requests += 1;
        self.has_answer |= !matches!(attempt.outcome, Outcome::NoAnswer(_));
        if self.ahead.is_none() && attempt.ahead.is_some() {
            self.ahead = attempt.ahead;
            self.findings.push(clock::judge(self.ahead));
        }
        let finding = request::judge(&attempt, &self.findings, *probes);
        self.findings.push(finding);
        let rejection = match &attempt.outcome {
            Outcome::Rejected(rejection) if *probes && rejection.standing() != Standing::Authenticated => {
                rejection
            }
            _ => return None,
        };
        if let Err(finding) = probe::check(rejection, server) {
            self.findings.push(finding);
            return None;
        }
        let most = Setup::MOST_REQUESTS - self.requests;
        let start = Start { builder, key, profile: profile.as_ref(), ahead: self.ahead, most };
        let probed = probe::run(&start, sender, &attempt.sent, rejection).await;
        self.requests += probed.requests;
        self.findings.push(probed.finding);
        probed.setting
    }
}
