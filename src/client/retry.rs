//! The one table of failures: whether it makes sense to call again, and which requests the client
//! itself repeats.

use super::error::{Error, ErrorKind};
use crate::keys::KeyError;
use crate::oauth::{OAuthError, Repetition, Retry};
use crate::transport::TransportError;

impl Error {
    /// Whether it makes sense to call again, and when.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self.kind() {
            ErrorKind::Transport(error) => error.retry(),
            ErrorKind::OAuth(error) => error.retry(),
            ErrorKind::Key(KeyError::Signer(error)) if error.may_pass() => Retry::BackOff,
            ErrorKind::Interrupted => Retry::BackOff,
            ErrorKind::Remembered { pause, .. } => Retry::After(*pause),
            ErrorKind::Key(_)
            | ErrorKind::SingleUse { .. }
            | ErrorKind::GrantEnded { .. }
            | ErrorKind::NotBearer { .. }
            | ErrorKind::Setting { .. } => Retry::Never,
        }
    }

    /// Whether the call itself repeats such a request.
    pub(super) fn is_repeated(&self, repetition: Repetition) -> bool {
        match self.kind() {
            // The server cannot have received the request.
            ErrorKind::Transport(TransportError::Connect { .. }) => repetition != Repetition::Never,
            ErrorKind::Transport(TransportError::Broken { .. }) => repetition == Repetition::Freely,
            ErrorKind::OAuth(OAuthError::Unavailable(answer)) => {
                repetition == Repetition::Freely
                    && matches!(answer.status(), 408 | 425 | 429 | 502 | 503 | 504)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::keys::{Cause, SignerError};
    use Repetition::{Freely, Never, Unreceived};

    fn answer(status: u16, retry_after: Option<u32>) -> OAuthError {
        let mut response = http::Response::builder().status(status);
        if let Some(seconds) = retry_after {
            response = response.header("retry-after", seconds);
        }
        let response = response.body(Vec::new()).unwrap();
        crate::oauth::TokenResponse::from_http(response, time::OffsetDateTime::UNIX_EPOCH).unwrap_err()
    }

    #[test]
    fn what_is_repeated_depends_on_what_a_second_request_would_do() {
        let (host, source) = (|| "h".to_owned(), || Cause::from("x"));
        let (no, harmless, unreceived) = ([false; 3], [true, false, false], [true, true, false]);
        let after = |seconds| Retry::After(Duration::from_secs(seconds));
        let (refusal, pause) = (answer(401, None), Duration::from_secs(7));
        let OAuthError::Refused(refusal) = refusal else { panic!("{refusal:?}") };
        let remembered = ErrorKind::Remembered { key_id: "k".into(), refusal, pause };
        let of_answers = [
            (answer(408, None), Retry::BackOff, harmless),
            (answer(425, None), Retry::BackOff, harmless),
            (answer(429, Some(7)), after(7), harmless),
            (answer(502, None), Retry::BackOff, harmless),
            (answer(503, Some(7)), after(7), harmless),
            (answer(504, None), Retry::BackOff, harmless),
            (answer(500, None), Retry::BackOff, no),
            (answer(500, Some(7)), after(7), no),
            (answer(404, None), Retry::Never, no),
            (answer(401, None), Retry::Never, no),
            (answer(302, None), Retry::Never, no),
            (answer(200, None), Retry::Never, no),
        ];
        let of_no_answers = [
            (TransportError::Connect { host: host(), source: source() }, Retry::BackOff, unreceived),
            (TransportError::Broken { host: host(), source: source() }, Retry::BackOff, harmless),
            (TransportError::Timeout { host: host() }, Retry::BackOff, no),
            (TransportError::Incomplete { host: host(), source: source() }, Retry::BackOff, no),
            (TransportError::Tls { host: host(), source: source() }, Retry::Never, no),
            (TransportError::Malformed { host: host(), source: source() }, Retry::Never, no),
        ];
        let others = [
            (ErrorKind::Key(KeyError::Signer("x".into())), Retry::BackOff, no),
            (ErrorKind::Key(KeyError::Signer(SignerError::permanent("x"))), Retry::Never, no),
            (ErrorKind::Key(KeyError::Signing), Retry::Never, no),
            (ErrorKind::Interrupted, Retry::BackOff, no),
            (ErrorKind::GrantEnded { refusal: None }, Retry::Never, no),
            (ErrorKind::NotBearer { token_type: "mac".to_owned() }, Retry::Never, no),
            (ErrorKind::Setting { setting: "s", reason: "r" }, Retry::Never, no),
            (remembered, after(7), no),
        ];
        let of_answers = of_answers.map(|(error, retry, repeats)| (ErrorKind::OAuth(error), retry, repeats));
        let of_no_answers =
            of_no_answers.map(|(error, retry, repeats)| (ErrorKind::Transport(error), retry, repeats));
        for (kind, retry, repeats) in of_answers.into_iter().chain(of_no_answers).chain(others) {
            let error = Error::from(kind);
            assert_eq!(error.retry(), retry, "{error:?}");
            let found = [Freely, Unreceived, Never].map(|repetition| error.is_repeated(repetition));
            assert_eq!(found, repeats, "{error:?}");
        }
    }
}
