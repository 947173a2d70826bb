//! Spans and events of the client, for a subscriber of `tracing`. They hold no secret: errors carry
//! none, and text from a server is masked where it is read.

use std::time::Duration;

use super::Error;
use super::call::Call;
use super::clock::Offset;
use crate::keys::Signer;
use crate::keys::key_name;
use crate::oauth::{GrantType, OAuthError, Refusal};

macro_rules! event {
    ($level:ident, $($fields:tt)*) => {
        tracing::event!(target: "private_key_jwt", tracing::Level::$level, $($fields)*)
    };
}

/// A span.
#[derive(Clone)]
pub(super) struct Span(tracing::Span);

impl Span {
    /// The whole of a call.
    pub(super) fn call(call: Call) -> Self {
        Self(tracing::info_span!(
            target: "private_key_jwt",
            "call",
            endpoint = call.endpoint.metadata_name(),
            grant_type = call.grant_type.map(GrantType::as_str),
        ))
    }

    /// One request of it, the first is 1.
    pub(super) fn attempt(number: u32) -> Self {
        Self(tracing::info_span!(
            target: "private_key_jwt",
            "request",
            attempt = number,
            key_id = tracing::field::Empty,
            status = tracing::field::Empty,
            correlation_ids = tracing::field::Empty,
            duration_ms = tracing::field::Empty,
        ))
    }

    /// The key that signed.
    pub(super) fn signed(&self, signer: &dyn Signer) {
        self.record(|span| {
            span.record("key_id", tracing::field::display(key_name(signer)));
        });
    }

    /// What the server answered, and how long after the request was sent.
    pub(super) fn answered(&self, response: &http::Response<Vec<u8>>, duration: time::Duration) {
        self.record(|span| {
            span.record("status", response.status().as_u16());
            span.record("duration_ms", signed(duration));
            let ids = Refusal::correlation_of(response);
            if !ids.is_empty() {
                let ids: Vec<String> = ids.iter().map(|(name, value)| format!("{name} {value}")).collect();
                span.record("correlation_ids", ids.join(", "));
            }
        });
    }

    /// Runs the work inside of this span.
    pub(super) fn around<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        use tracing::Instrument as _;
        work.instrument(self.0)
    }

    fn record(&self, record: impl FnOnce(&tracing::Span)) {
        if !self.0.is_disabled() {
            record(&self.0);
        }
    }
}

/// Another attempt follows.
pub(super) fn retried(error: &Error, attempt: u32, pause: Duration) {
    event!(WARN, attempt, pause_ms = milliseconds(pause), error = %error, "tried again after a pause");
}

/// Another assertion follows, with this difference to the clock.
pub(super) fn time_corrected(error: &OAuthError, offset: Offset) {
    event!(
        WARN,
        offset_ms = signed(offset.by), learned_from = offset.source.name(), error = %error,
        "rejected, signed again with other times"
    );
}

/// Another assertion follows, signed with the previous key.
pub(super) fn key_corrected(error: &OAuthError, key: &dyn Signer) {
    event!(WARN, key_id = %key_name(key), error = %error, "refused, and signed again with the key before");
}

/// Assertions are made with another difference to the clock from now on.
pub(super) fn offset(before: Offset, offset: Offset) {
    if offset.is_assumed() {
        offset_assumed(offset);
    } else if offset != Offset::NONE {
        event!(
            INFO,
            offset_ms = signed(offset.by),
            learned_from = offset.source.name(),
            "assertions follow the server's clock"
        );
    } else if !before.is_assumed() {
        event!(INFO, offset_ms = 0, "assertions no longer follow the server's clock");
    }
}

/// The next assertion is made with another difference to the clock, to see whether it is accepted.
pub(super) fn offset_assumed(offset: Offset) {
    event!(
        INFO,
        offset_ms = signed(offset.by),
        learned_from = offset.source.name(),
        "the server's clock differs, the next assertion follows it"
    );
}

/// The key is not used from now on.
pub(super) fn key_refused(error: &OAuthError, key: &dyn Signer, pause: Duration) {
    event!(
        WARN,
        key_id = %key_name(key), pause_ms = milliseconds(pause), error = %error,
        "the key is refused and not used before the pause is over"
    );
}

/// The request is not sent again before the pause is over. Others are, because the request may be
/// the reason.
pub(super) fn request_refused(error: &OAuthError, key: &dyn Signer, pause: Duration) {
    event!(
        WARN,
        key_id = %key_name(key), pause_ms = milliseconds(pause), error = %error,
        "request rejected, not sent again before the pause is over"
    );
}

/// The refresh failed, and the cached token is still valid.
pub(super) fn not_renewed(error: &Error, pause: Duration) {
    event!(WARN, error = %error, pause_ms = milliseconds(pause), "not renewed, the token at hand is used meanwhile");
}

/// A resource server rejected the cached token.
pub(super) fn invalidated() {
    event!(INFO, "a token that was refused is dropped");
}

/// The refresh token is no longer valid.
pub(super) fn refresh_token_refused(refusal: &Refusal) {
    event!(WARN, refusal = %refusal, "the refresh token is refused");
}

/// Nothing was sent.
pub(super) fn remembered(error: &Error) {
    event!(DEBUG, error = %error, "not asked again so soon");
}

/// The previous key signs, because the active one is not used at the moment.
pub(super) fn signs_with_previous(key: &dyn Signer) {
    event!(DEBUG, key_id = %key_name(key), "signed with the key before, the active one is refused");
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn signed(duration: time::Duration) -> i64 {
    i64::try_from(duration.whole_milliseconds()).unwrap_or(i64::MAX)
}
