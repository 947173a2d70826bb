//! Spans of the client and the form of its events, for a subscriber of `tracing`. They hold no
//! secret: errors carry none, and text from a server is masked where it is read.

use std::time::Duration;

use tracing::Span;

use super::call::Call;
use super::clock::Offset;
use super::error::Error;
use crate::keys::{Signer, key_name};
use crate::oauth::{GrantType, Refusal, UnlistedAlgorithm};

macro_rules! event {
    ($level:ident, $($fields:tt)*) => {
        tracing::event!(target: "private_key_jwt", tracing::Level::$level, $($fields)*)
    };
}
pub(super) use event;

pub(super) fn call_span(call: Call) -> Span {
    tracing::info_span!(
        target: "private_key_jwt",
        "call",
        endpoint = call.endpoint.metadata_name(),
        grant_type = call.grant_type.map(GrantType::as_str),
    )
}

/// One request of the call, counted from 1.
pub(super) fn attempt_span(number: u32) -> Span {
    tracing::info_span!(
        target: "private_key_jwt",
        "request",
        attempt = number,
        key_id = tracing::field::Empty,
        status = tracing::field::Empty,
        correlation_ids = tracing::field::Empty,
        duration_ms = tracing::field::Empty,
    )
}

/// A key whose algorithm the server's metadata does not list.
pub(super) fn unlisted(signer: &dyn Signer, unlisted: &UnlistedAlgorithm) {
    let endpoint = unlisted.endpoint.metadata_name();
    event!(WARN, key_id = %key_name(signer), endpoint, %unlisted, "algorithm not listed by the server");
}

pub(super) fn signed(span: &Span, signer: &dyn Signer) {
    if !span.is_disabled() {
        span.record("key_id", tracing::field::display(key_name(signer)));
    }
}

pub(super) fn answered(span: &Span, response: &http::Response<Vec<u8>>, duration: time::Duration) {
    if !span.is_disabled() {
        span.record("status", response.status().as_u16());
        span.record("duration_ms", signed_ms(duration));
        let ids = Refusal::correlation_of(response);
        if !ids.is_empty() {
            let ids: Vec<String> = ids.iter().map(|(name, value)| format!("{name} {value}")).collect();
            span.record("correlation_ids", ids.join(", "));
        }
    }
}

/// The offset of the clock, if it changed.
pub(super) fn offset(before: Offset, changed: Option<Offset>) {
    let Some(offset) = changed else { return };
    let (offset_ms, learned_from) = (signed_ms(offset.by), offset.source.name());
    if offset.is_assumed() {
        event!(INFO, offset_ms, learned_from, "clock offset assumed");
    } else if offset != Offset::NONE {
        event!(INFO, offset_ms, learned_from, "clock offset confirmed");
    } else if !before.is_assumed() {
        event!(INFO, offset_ms, "clock offset dropped");
    }
}

pub(super) fn paused(what: &str, key: &dyn Signer, pause: Duration, error: &Error) {
    event!(WARN, key_id = %key_name(key), pause_ms = ms(pause), %error, "{what} rejected, paused");
}

pub(super) fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn signed_ms(duration: time::Duration) -> i64 {
    i64::try_from(duration.whole_milliseconds()).unwrap_or(i64::MAX)
}
