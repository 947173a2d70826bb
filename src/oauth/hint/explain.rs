use time::OffsetDateTime;

use super::cause::{Cause, Certainty};
use super::context::Context;
use super::kind::CauseKind;
use super::sent::SentAssertion;
use super::words::{LONGEST_TEXT, Meaning, meaning, meaning_of_text};
use crate::oauth::text::Masking;
use crate::oauth::time_fault::TimeFault;
use crate::oauth::{AuthorizationServer, Profile, Refusal};

/// The likely causes of a rejection, the most likely first, each with what to change. Empty if the
/// words of the server are unknown, and what was sent contradicts nothing.
///
/// `sent` is what the rejected assertion contained. `server` and `profile` say what the server
/// accepts, and which server it is, because the meaning of some texts depends on the server. If a
/// `TokenClient` sent the request, use [`Refusal::hint`] instead, which has all of these.
///
/// ```
/// use private_key_jwt::Profile;
/// use private_key_jwt::oauth::{Certainty, CauseKind, OAuthError, TokenResponse, explain};
/// use time::OffsetDateTime;
///
/// let body = r#"{"error":"invalid_client","error_description":"Token is not active"}"#;
/// let response = http::Response::builder().status(400).body(body.into())?;
/// let Err(OAuthError::Refused(refusal)) = TokenResponse::from_http(response, OffsetDateTime::UNIX_EPOCH) else {
///     panic!()
/// };
/// let causes = explain(&refusal, None, None, Some(&Profile::keycloak()));
/// let kinds: Vec<_> = causes.iter().map(|cause| (cause.kind(), cause.certainty())).collect();
/// assert_eq!(kinds, [(CauseKind::Expired, Certainty::Likely), (CauseKind::NotYetValid, Certainty::Likely)]);
/// # Ok::<(), http::Error>(())
/// ```
#[must_use]
pub fn explain(
    refusal: &Refusal,
    sent: Option<&SentAssertion>,
    server: Option<&AuthorizationServer>,
    profile: Option<&Profile>,
) -> Vec<Cause> {
    causes(refusal, &Context::of(sent.cloned(), server, profile))
}

/// The likely causes of a line in the log of a server, or of what a server answered: a text, a body
/// or an `error` code. Escapes of JSON, of URLs and of HTML are undone. Empty if the text is
/// unknown. Reads the first 16,384 characters.
///
/// ```
/// use private_key_jwt::oauth::{CauseKind, explain_log};
///
/// let line = "client auth error: list of audience (aud) must include the endpoint url, issuer identifier or token endpoint url";
/// assert_eq!(explain_log(line)[0].kind(), CauseKind::Audience);
/// assert!(explain_log("out of memory").is_empty());
/// ```
#[must_use]
pub fn explain_log(text: &str) -> Vec<Cause> {
    let context = Context::default();
    match meaning_of_text(text) {
        Some(meaning) => said(&meaning, &context),
        None => pasted(text).map(|refusal| causes(&refusal, &context)).unwrap_or_default(),
    }
}

/// A body that stands in a text, or a text that is an `error` code.
fn pasted(text: &str) -> Option<Refusal> {
    let text: String = text.trim().chars().take(LONGEST_TEXT).collect();
    let is_code = text.contains('_') && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let body = match (text.find('{'), text.rfind('}')) {
        (Some(start), Some(end)) => text.get(start..=end)?.to_owned(),
        _ if is_code => serde_json::json!({ "error": text }).to_string(),
        _ => return None,
    };
    let response = http::Response::builder().status(http::StatusCode::BAD_REQUEST).body(body).ok()?;
    let refusal = Refusal::from_http(&response, OffsetDateTime::UNIX_EPOCH, &Masking::default());
    refusal.error().is_some().then_some(refusal)
}

/// The causes of a refusal, with what is known about the server and the assertion.
pub(super) fn causes(refusal: &Refusal, context: &Context) -> Vec<Cause> {
    let meaning = meaning(refusal, context.server);
    let decided = decided_times(refusal).filter(|_| meaning.is_some());
    let mut causes = match (&meaning, decided) {
        (_, Some(kind)) => vec![Cause::new(kind, Certainty::Certain, "")],
        (Some(meaning), None) if !meaning.is_unspecific => said(meaning, context),
        _ => {
            let mut causes = of_times(refusal);
            causes.extend(meaning.as_ref().map(|meaning| said(meaning, context)).unwrap_or_default());
            if causes.is_empty() { of_code(refusal) } else { causes }
        }
    };
    let is_single = matches!(causes.as_slice(), [only] if only.kind() != CauseKind::Unspecific);
    let mut others = if is_of_client(refusal, &causes) { context.contradictions.clone() } else { Vec::new() };
    for cause in &mut causes {
        let same = others.iter().position(|other| other.kind() == cause.kind());
        if let Some(same) = same.map(|same| others.remove(same)) {
            let certainty = if is_single { Certainty::Certain } else { Certainty::Likely };
            *cause = agreed(cause, &same, certainty);
        } else if let Some(sent) = context.sent() {
            *cause = cause.clone().with_sent(sent.about(cause.kind()));
        }
    }
    // The words name another cause, so a contradiction is only one more thing to check.
    let most = if is_single { Certainty::Possible } else { Certainty::Likely };
    causes.extend(others.into_iter().map(|other| {
        let certainty = other.certainty().min(most);
        other.with_certainty(certainty)
    }));
    causes.sort_by_key(|cause| std::cmp::Reverse((cause.certainty(), cause.contradiction().is_some())));
    causes
}

/// The causes that the words stand for.
fn said(meaning: &Meaning, context: &Context) -> Vec<Cause> {
    let causes = meaning.causes.iter().enumerate();
    causes
        .map(|(place, (kind, advice))| {
            let cause = Cause::new(*kind, meaning.certainty(place), advice);
            match (kind, &context.other_audience) {
                (CauseKind::Unspecific, _) if meaning.is_certain && advice.is_empty() => {
                    let name = context.server.map_or("the server", |server| server.name);
                    let advice = cause.advice();
                    let advice = format!("{name} has one answer for every cause: {advice}");
                    cause.with_advice(advice)
                }
                (CauseKind::Audience, Some(other)) if advice.is_empty() => cause.with_advice(other.clone()),
                _ => cause,
            }
        })
        .collect()
}

/// The words and what was sent name the same cause.
fn agreed(said: &Cause, compared: &Cause, certainty: Certainty) -> Cause {
    let advice = match compared.advice() == compared.kind().advice() {
        true => said.advice().to_owned(),
        false => compared.advice().to_owned(),
    };
    compared.clone().with_certainty(certainty.max(said.certainty())).with_advice(advice)
}

/// Whether a refusal may be about the client's assertion.
fn is_of_client(refusal: &Refusal, causes: &[Cause]) -> bool {
    use CauseKind::{Consent, DpopProof, Grant, GrantType, RateLimited, Scope, ServerFault};
    match causes.first().map(Cause::kind) {
        Some(Consent | DpopProof | Grant | GrantType | RateLimited | Scope | ServerFault) => false,
        Some(_) => true,
        None => match refusal.error() {
            Some(error) => matches!(error, "invalid_client" | "unauthorized_client" | "unauthorized"),
            None => refusal.status() == 401,
        },
    }
}

/// What the times in a text say: some servers write the times that they compared.
fn decided_times(refusal: &Refusal) -> Option<CauseKind> {
    let text = refusal.message()?;
    let after = |words: &str| {
        let (_, rest) = text.split_once(words)?;
        // Times of one format sort as texts.
        rest.get(..19).filter(|time| time.bytes().all(|byte| byte.is_ascii_digit() || b"-T:".contains(&byte)))
    };
    let now = after("Current time: ")?;
    let (from, until) = (after("assertion valid from ")?, after("expiry time of assertion ")?);
    if now < from {
        Some(CauseKind::NotYetValid)
    } else if now >= until {
        Some(CauseKind::Expired)
    } else {
        None
    }
}

fn of_times(refusal: &Refusal) -> Vec<Cause> {
    let is_of_grant = refusal.error() == Some("invalid_grant");
    if is_of_grant && refusal.clock().is_none() {
        // What has expired is the grant. A few servers use this code for assertions, too.
        let has_ended = matches!(refusal.time_fault(), Some(TimeFault::Expired | TimeFault::NotActive));
        let kinds = [(CauseKind::Grant, Certainty::Likely), (CauseKind::Expired, Certainty::Possible)];
        return kinds
            .into_iter()
            .filter(|_| has_ended)
            .map(|(kind, sure)| Cause::new(kind, sure, ""))
            .collect();
    }
    let kinds: &[CauseKind] = match refusal.time_fault().filter(|_| !is_of_grant) {
        Some(TimeFault::NotYetValid) => &[CauseKind::NotYetValid],
        Some(TimeFault::Expired) => &[CauseKind::Expired],
        Some(TimeFault::NotActive) => &[CauseKind::Expired, CauseKind::NotYetValid],
        None if refusal.clock().is_some() => &[CauseKind::Expired],
        None => &[],
    };
    kinds.iter().map(|kind| Cause::new(*kind, Certainty::Likely, "")).collect()
}

/// The codes that name a cause. `invalid_client` does not, and says nothing more if a text that is
/// unknown comes with it.
fn of_code(refusal: &Refusal) -> Vec<Cause> {
    let kind = match refusal.error() {
        _ if refusal.status() == 429 => CauseKind::RateLimited,
        Some("invalid_client") if refusal.message().is_none() => CauseKind::Unspecific,
        // RFC 9449 §5, §8
        Some("invalid_dpop_proof" | "use_dpop_nonce") => CauseKind::DpopProof,
        Some("invalid_scope" | "invalid_target" | "invalid_resource") => CauseKind::Scope,
        Some("jti_known") => CauseKind::TokenIdReused,
        Some("temporarily_unavailable") => CauseKind::RateLimited,
        Some("unauthorized_client") => CauseKind::GrantType,
        _ => return Vec::new(),
    };
    let certainty = if kind == CauseKind::Unspecific { Certainty::Possible } else { Certainty::Likely };
    vec![Cause::new(kind, certainty, "")]
}
