//! A request to the server, and what a response to it may be about.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use super::clock::{Facts, Offset, Shown, Verdict};
use super::contents::Contents;
use super::refused_keys::{KeyUse, RefusedKeys};
use super::subject::Subject;
use crate::keys::Signer;
use crate::oauth::{Endpoint, GrantType, OAuthError, Refusal, Repetition, TimeFault, TokenRequest};

/// A request to an endpoint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) endpoint: Endpoint,
    pub(super) grant_type: Option<GrantType>,
    pub(super) repetition: Repetition,
    /// The time limit of a caller that repeats the call at its own pace. The call is not retried
    /// then.
    pub(super) once_within: Option<Duration>,
    /// Whether there is a grant in addition to the assertion. It may have expired as well.
    pub(super) carries_grant: bool,
    pub(super) contents: Contents,
}

impl Call {
    /// A request to the token endpoint.
    pub(super) fn token(keys: &RefusedKeys, request: &TokenRequest) -> Self {
        let (grant_type, carries_grant) = (request.grant_type(), !request.is_of_client());
        Self {
            contents: keys.contents(request, request.is_of_client_alone()),
            endpoint: Endpoint::Token,
            grant_type: Some(grant_type),
            repetition: grant_type.repetition(),
            once_within: None,
            carries_grant,
        }
    }

    /// The same for a caller that repeats the call at its own pace and waits at most this long.
    pub(super) const fn once_within(self, limit: Duration) -> Self {
        Self { once_within: Some(limit), ..self }
    }

    /// A request to another endpoint. None of them consumes anything.
    pub(super) fn of(keys: &RefusedKeys, endpoint: Endpoint, request: &impl Hash) -> Self {
        Self {
            contents: keys.contents(request, false),
            endpoint,
            grant_type: None,
            repetition: Repetition::Freely,
            once_within: None,
            carries_grant: false,
        }
    }

    /// This request with a key.
    pub(super) const fn with<'a>(self, active: &'a Arc<dyn Signer>, key: &'a Arc<dyn Signer>) -> KeyUse<'a> {
        KeyUse { active, key, endpoint: self.endpoint, contents: self.contents }
    }

    /// Whether a rejection is remembered. A 401 without a code is about the client only if nothing
    /// in the request came from outside.
    pub(super) fn remembers(self, refusal: &Refusal) -> bool {
        self.contents.is_of_client_alone || refusal.error() == Some("invalid_client")
    }

    /// Whether the request may be sent again with another key after this answer.
    pub(super) fn allows_another_key(self, error: &OAuthError) -> bool {
        match (self.repetition, error) {
            (Repetition::Freely, OAuthError::Refused(refusal)) => Subject::of(refusal) != Subject::Request,
            // The server authenticates the client before it looks at the grant.
            (_, OAuthError::Refused(refusal)) => refusal.error() == Some("invalid_client"),
            _ => false,
        }
    }

    /// Whether the request may be sent again with other times after this response, if times may be
    /// the reason.
    ///
    /// A single-use grant may be sent again after any error of RFC 6749 §5.2: the server has
    /// rejected the request, so it issued nothing, and if it used up the grant all the same, the
    /// grant is lost either way. A failure of any status may have happened after the grant was
    /// used, and a response without an error code may come from something in front of the server.
    pub(super) fn allows_other_times(self, error: &OAuthError) -> bool {
        match (self.repetition, error) {
            (Repetition::Freely, _) => true,
            (_, OAuthError::Refused(refusal)) => {
                let is_failure = matches!(refusal.error(), Some("server_error" | "temporarily_unavailable"));
                refusal.is_verdict() && !is_failure
            }
            _ => false,
        }
    }

    /// What a success says about the clock.
    pub(super) const fn accepted(self, used: Offset, shown: Shown) -> Facts {
        Facts {
            contents: self.contents,
            succeeded: true,
            used,
            verdict: Verdict::Accepted,
            shown,
            named: None,
            failed: false,
            other_key: false,
        }
    }

    /// What any other response says about the clock.
    pub(super) fn rejected(
        self,
        error: &OAuthError,
        used: Offset,
        shown: Shown,
        has_not_before: bool,
        other_key: bool,
    ) -> Facts {
        let verdict = match error {
            // The server has authenticated the client, unless it looked first at the part of the
            // request that came from outside.
            OAuthError::Refused(refusal) if Subject::of(refusal) == Subject::Request => {
                if self.contents.is_of_client_alone { Verdict::Accepted } else { Verdict::Silent }
            }
            OAuthError::Refused(_) => Verdict::Refused,
            OAuthError::Unavailable(answer) if is_failure(answer) => Verdict::Refused,
            _ => Verdict::Silent,
        };
        let (named, failed) = match error {
            OAuthError::Refused(answer) | OAuthError::Unavailable(answer) if verdict == Verdict::Refused => {
                (self.time_fault(answer, has_not_before), is_failure(answer))
            }
            _ => (None, false),
        };
        Facts { succeeded: false, verdict, named, failed, other_key, ..self.accepted(used, shown) }
    }

    /// What the text of a response says about the assertion's times.
    fn time_fault(self, answer: &Refusal, has_not_before: bool) -> Option<TimeFault> {
        let fault = match answer.time_fault()? {
            TimeFault::NotActive if !has_not_before => TimeFault::Expired,
            fault => fault,
        };
        // `invalid_grant` is about the grant in the first place, but no grant is from the future.
        let is_of_grant = self.carries_grant && answer.error() == Some("invalid_grant");
        (!is_of_grant || fault == TimeFault::NotYetValid).then_some(fault)
    }
}

/// Whether the server failed over the request itself. Some servers do if an assertion is from the
/// future. The other statuses of this kind come from something in front of the server, or are about
/// its load.
fn is_failure(answer: &Refusal) -> bool {
    matches!(answer.status(), 500..=599) && !matches!(answer.status(), 502..=504)
}
