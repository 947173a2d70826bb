//! One real token request, and what its answer means.

use std::time::Duration as Span;

use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::clock;
use super::finding::{Finding, Step};
use super::words::{chain, span};
use crate::client::fresh_jti;
use crate::jose::error::excerpt;
use crate::jose::{JoseError, KeyType, UnverifiedJwt, urlencoded};
use crate::keys::PrivateKey;
use crate::oauth::{
    Answer, AuthorizationServer, Cause, CauseKind, Certainty, ClientAssertion, ClientAssertionBuilder,
    OAuthError, Profile, Refusal, Scope, Secrets, SentAssertion, ServerTime, TokenRequest, TokenResponse,
    explain,
};
use crate::transport::{Clock, HttpClient, Place, TransportError};

/// What a token request needs, besides its assertion.
#[derive(Clone, Copy)]
pub(super) struct Sender<'a> {
    pub(super) server: &'a AuthorizationServer,
    pub(super) http: &'a dyn HttpClient,
    pub(super) clock: &'a dyn Clock,
    pub(super) scope: &'a Scope,
    pub(super) profile: Option<&'a Profile>,
}

/// What was sent, and the outcome.
pub(super) struct Attempt {
    pub(super) sent: Sent,
    pub(super) outcome: Outcome,
    /// How far the server's clock is ahead of ours, if the answer has a `Date`.
    pub(super) ahead: Option<Duration>,
}

/// An assertion that was sent.
pub(super) struct Sent {
    /// What it says, masked and cut so that it can be shown.
    pub(super) shown: SentAssertion,
    /// The `aud` as it was sent, for further requests.
    pub(super) audience: String,
    /// The `typ` as it was sent, for further requests.
    pub(super) media_type: Option<String>,
    /// The names of its headers about a certificate.
    pub(super) certificate_headers: Vec<&'static str>,
    /// From `iat` to `exp`.
    pub(super) lifetime: Span,
    /// From `nbf` to `iat`.
    pub(super) not_before: Option<Span>,
    /// Whether it has claims that only the user's settings can add.
    pub(super) has_more_claims: bool,
    /// Whether the form had a `client_id`.
    pub(super) sends_client_id: bool,
}

impl Sent {
    fn from_jwt(jwt: &str) -> Result<Self, JoseError> {
        const CERTIFICATE: [&str; 3] = ["x5t#S256", "x5t", "x5c"];
        let raw = UnverifiedJwt::parse(jwt)?;
        let (header, claims) = (raw.header(), raw.claims());
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let seconds = |name: &str| claims.get(name).and_then(Value::as_i64);
        let between = |from, to| {
            Some(Span::from_secs(u64::try_from(seconds(to)?.saturating_sub(seconds(from)?)).ok()?))
        };
        Ok(Self {
            shown: SentAssertion::from_jwt(jwt)?,
            audience: claims.get("aud").and_then(text).unwrap_or_default(),
            media_type: header.get("typ").and_then(text),
            certificate_headers: CERTIFICATE.into_iter().filter(|name| header.contains_key(*name)).collect(),
            lifetime: between("iat", "exp").unwrap_or_default(),
            not_before: between("nbf", "iat"),
            has_more_claims: claims
                .keys()
                .any(|name| !ClientAssertionBuilder::RESERVED.contains(&name.as_str())),
            sends_client_id: true,
        })
    }
}

pub(super) enum Outcome {
    /// A token. The token itself is gone.
    Token {
        token_type: String,
        expires_in: Option<Span>,
    },
    /// The server said no, or failed.
    Rejected(Box<Rejection>),
    /// An answer that is neither.
    Unreadable(OAuthError),
    NoAnswer(TransportError),
}

/// A rejection, and its likely causes, the most likely first.
pub(super) struct Rejection {
    pub(super) refusal: Refusal,
    pub(super) causes: Vec<Cause>,
}

impl Sender<'_> {
    /// Signs an assertion with a fresh `jti`, dated at our time plus `moved`, and sends it once.
    pub(super) async fn attempt(
        self,
        builder: &ClientAssertionBuilder,
        key: &PrivateKey,
        moved: Duration,
    ) -> Result<Attempt, OAuthError> {
        let assertion = sign(builder, key, self.clock.now().saturating_add(moved)).await?;
        let mut sent = Sent::from_jwt(assertion.secret()).map_err(unreadable)?;
        let shown = sent.shown.with_client_id(assertion.client_id());
        sent.shown = shown.to_endpoint(self.server.token_endpoint());
        let request =
            TokenRequest::client_credentials(self.scope.clone()).to_http(self.server, &assertion)?;
        drop(assertion);
        sent.sends_client_id = urlencoded::pairs(request.body()).any(|(name, _)| *name == *"client_id");
        let secrets = Secrets::of(&request);
        let before = self.clock.now();
        let answer = self.http.send(request).await;
        let received = self.clock.now();
        let mut response = match answer {
            Ok(response) => response,
            Err(TransportError::OAuth(error)) => return Err(error),
            Err(error) => return Ok(Attempt { sent, outcome: Outcome::NoAnswer(error), ahead: None }),
        };
        let ahead = ServerTime::of_answer(response.headers(), before, received).map(clock::ahead);
        self.server.normalize(&mut response);
        sent.shown = sent.shown.received_at(received, ahead);
        let answer = Answer { response, secrets: Some(&secrets) };
        let outcome = match TokenResponse::from_answer(answer, received) {
            Ok(tokens) => Outcome::Token {
                token_type: excerpt(tokens.access_token().token_type()),
                expires_in: tokens.expires_in(),
            },
            Err(OAuthError::Refused(refusal) | OAuthError::Unavailable(refusal)) => {
                let causes = explain(&refusal, Some(&sent.shown), Some(self.server), self.profile);
                Outcome::Rejected(Box::new(Rejection { refusal: *refusal, causes }))
            }
            Err(error) => Outcome::Unreadable(error),
        };
        Ok(Attempt { sent, outcome, ahead })
    }
}

fn unreadable(reason: JoseError) -> OAuthError {
    OAuthError::Response { what: "the assertion", reason, content_type: None }
}

/// An RSA signature is too long for a thread of the executor.
async fn sign(
    builder: &ClientAssertionBuilder,
    key: &PrivateKey,
    now: OffsetDateTime,
) -> Result<ClientAssertion, OAuthError> {
    let jti = fresh_jti()?;
    if key.key_type() != KeyType::Rsa {
        return builder.sign(key, now, jti);
    }
    let (own, key_copy, jti_copy) = (builder.clone(), key.clone(), jti.clone());
    let work = move || own.sign(&key_copy, now, jti_copy);
    // Without a tokio runtime, there is no other thread.
    Place::free().await.compute(work).await.unwrap_or_else(|| builder.sign(key, now, jti))
}

/// What a rejection says about the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The client was not authenticated, or the server did not say.
    Rejected,
    /// The client was authenticated, but may not have what it requested.
    Authenticated,
    /// The server refused the grant, perhaps before it looked at the client.
    Unknown,
    /// The server wants no further requests now.
    Throttled,
}

impl Rejection {
    pub(super) fn standing(&self) -> Standing {
        let Self { refusal, causes } = self;
        let kind = causes.first().map(Cause::kind);
        if refusal.status() == 429 || kind == Some(CauseKind::RateLimited) {
            return Standing::Throttled;
        }
        match (refusal.error(), kind) {
            // Some servers, such as Authlib, choose the grant before they authenticate the client.
            (Some("unsupported_grant_type"), _) => Standing::Unknown,
            (Some("invalid_scope" | "invalid_target"), _)
            | (
                Some("unauthorized_client"),
                Some(CauseKind::GrantType | CauseKind::Scope | CauseKind::Consent),
            ) => Standing::Authenticated,
            _ if refusal.retry_after().is_some_and(|pause| !pause.is_zero()) => Standing::Throttled,
            _ => Standing::Rejected,
        }
    }
}

/// Judges a request. `earlier` are the findings of the steps before it.
pub(super) fn judge(attempt: &Attempt, earlier: &[Finding], probes: bool) -> Finding {
    const CHECK: &str = "token";
    let wrong = |text: String| Finding::wrong(Step::Request, CHECK, text);
    match &attempt.outcome {
        Outcome::Token { token_type, expires_in } => {
            let life = expires_in.map(|life| format!(" for {}", span(life))).unwrap_or_default();
            let text = format!("the server accepted the assertion and issued a {token_type} token{life}");
            Finding::good(Step::Request, CHECK, text)
        }
        Outcome::Rejected(rejection) if rejection.standing() == Standing::Authenticated => {
            let text = format!("the server accepted the client, but not its request: {}", rejection.refusal);
            let cause = rejection.causes.first().map(Cause::to_string);
            let advice = cause.unwrap_or_else(|| "request what the client is allowed to".to_owned());
            Finding::warning(Step::Request, CHECK, text).advise(advice)
        }
        Outcome::Rejected(rejection) if rejection.standing() == Standing::Unknown => {
            let text = format!(
                "the server refuses client_credentials, so it is not known whether it accepts the client: {}",
                rejection.refusal
            );
            Finding::not_checked(Step::Request, CHECK, text).advise(
                "allow client_credentials for the client, or test with the grant that it uses: some servers check the \
                 grant before the client",
            )
        }
        Outcome::Rejected(rejection) => {
            let refusal = &rejection.refusal;
            let text = match refusal.status() {
                400 | 401 | 403 => format!("the server rejected the assertion: {refusal}"),
                _ => format!("the token endpoint answered {refusal}"),
            };
            wrong(text).advise(advice(rejection, &attempt.sent.shown, earlier, probes))
        }
        Outcome::Unreadable(error) => {
            wrong(format!("the token endpoint did not answer as one: {}", chain(error)))
                .advise("check that the token endpoint is the server's own, and not a page or a proxy")
        }
        Outcome::NoAnswer(error) => wrong(format!("the token endpoint did not answer: {}", chain(error)))
            .advise("check the network between this machine and the token endpoint"),
    }
}

/// What may be the cause, the most likely first.
fn advice(
    Rejection { refusal, causes }: &Rejection,
    sent: &SentAssertion,
    earlier: &[Finding],
    probes: bool,
) -> String {
    let named = causes.iter().filter(|cause| cause.kind() != CauseKind::Unspecific);
    let mut parts: Vec<String> = named
        .clone()
        .map(|cause| match cause.certainty() {
            Certainty::Certain => cause.to_string(),
            Certainty::Likely => format!("likely: {cause}"),
            _ => format!("perhaps: {cause}"),
        })
        .collect();
    // The permissions of a file never matter to a server.
    let related = earlier.iter().filter(|finding| finding.is_problem() && finding.check != "permissions");
    let related: Vec<String> =
        related.map(|finding| format!("{} ({})", finding.step, finding.check)).collect();
    if !related.is_empty() {
        parts.push(format!("see above: {}", related.join(", ")));
    }
    if matches!(refusal.status(), 404 | 405 | 410) {
        parts.push(
            "check the URL of the token endpoint, and the tenant, realm or environment in it: nothing there takes \
             token requests"
                .to_owned(),
        );
    } else if !named.clone().any(|cause| cause.certainty() >= Certainty::Likely) {
        let kid = sent.key_id().map_or_else(|| "no kid".to_owned(), |kid| format!("kid \"{kid}\""));
        let unspecific = causes.iter().find(|cause| cause.kind() == CauseKind::Unspecific);
        parts.push(match unspecific {
            Some(cause) if cause.certainty() >= Certainty::Likely => cause.to_string(),
            None if refusal.message().is_some() => {
                "this text is not known here, so there is no guess".to_owned()
            }
            _ => "the server does not say why".to_owned(),
        });
        parts.push(format!(
            "this machine cannot see whether the client id, the tenant and this key ({kid}) are registered with the \
             server"
        ));
        if !probes {
            parts.push("`pkjwt doctor --probe` tries the settings that servers differ in".to_owned());
        }
    }
    parts.join(" | ")
}
