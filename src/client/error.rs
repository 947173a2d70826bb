use std::fmt;
use std::time::Duration;

use crate::jose::KeyId;
use crate::keys::{KeyError, caused, write_caused};
use crate::oauth::{
    Cause, CauseKind, ClockMismatch, Context, GrantType, OAuthError, Refusal, Repetition, Retry,
    SentAssertion,
};
use crate::transport::TransportError;

/// Why there is no token: what went wrong and after how many attempts.
///
/// The errors of keys, of the protocol and of the transport convert to it, so a function that loads
/// a key, discovers a server and gets a token can return it with `?`.
#[derive(Clone, Debug)]
pub struct Error {
    /// Boxed: every result and every future on the way of a call has room for an error.
    kind: Box<ErrorKind>,
    attempts: u32,
}

/// What went wrong.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The key, the ring or the signer.
    #[error(transparent)]
    Key(KeyError),
    /// The assertion, or what the server said.
    #[error(transparent)]
    OAuth(OAuthError),
    /// No answer from the server.
    #[error(transparent)]
    Transport(TransportError),
    /// The [discovery](crate::TokenClient::discover) of the server failed, so nothing was sent to
    /// it.
    #[error(fmt = discovery)]
    Discovery {
        /// The issuer, safe to log.
        issuer: String,
        /// Why.
        source: TransportError,
    },
    /// A single-use grant as the request of a [`TokenSource`](super::TokenSource). Send it with
    /// [`TokenClient::request`](super::TokenClient::request), and make a source of the response.
    #[error("grant type {grant_type} is single-use and cannot be the request of a token source")]
    SingleUse {
        /// The grant type.
        grant_type: GrantType,
    },
    /// A [`TokenSource`](super::TokenSource) cannot obtain another token: the server rejected the
    /// refresh token, or there is none. The user has to log in again.
    #[error("grant has ended: {}", ended(refusal.as_deref()))]
    GrantEnded {
        /// How the server rejected the refresh token.
        refusal: Option<Box<Refusal>>,
    },
    /// A token of a type that needs more than a `Bearer` header (RFC 6749 §7.1).
    #[error("token type is \"{token_type}\", not \"Bearer\"")]
    NotBearer {
        /// The `token_type`, safe to log.
        token_type: String,
    },
    /// A setting of [`TokenClientBuilder`](super::TokenClientBuilder) that disables a protection.
    #[error("{setting} is {reason}")]
    Setting {
        /// The method of the builder.
        setting: &'static str,
        /// What is wrong with it, and what to do.
        reason: &'static str,
    },
    /// There is no tokio runtime, or it was shut down, or the task of the request panicked.
    #[error("token request was cut off before a response arrived")]
    Interrupted,
    /// Not sent: the server rejected the key, or this request with it, moments ago. Another key is
    /// tried at once.
    #[error("not sent: the server rejected key \"{key_id}\" moments ago ({refusal})")]
    Remembered {
        /// The name of the key.
        key_id: KeyId,
        /// What the server said.
        refusal: Box<Refusal>,
        /// How long the key or the request is not used.
        pause: Duration,
    },
}

impl Error {
    /// What went wrong, the same after any number of attempts.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// What went wrong, by value.
    #[must_use]
    pub fn into_kind(self) -> ErrorKind {
        *self.kind
    }

    /// The number of attempts, whether a request was sent or not. 0 if there was nothing to
    /// attempt, as with [`ErrorKind::Remembered`].
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// What the server said when it rejected the request, in this call or an earlier one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match &*self.kind {
            ErrorKind::OAuth(OAuthError::Refused(refusal))
            | ErrorKind::Remembered { refusal, .. }
            | ErrorKind::GrantEnded { refusal: Some(refusal) } => Some(refusal),
            _ => None,
        }
    }

    /// The likely causes, the most likely first, each with what to change and how sure it is. Empty
    /// if nothing is known about them.
    ///
    /// For a refusal, the server's words are compared with what was sent, the profile and the
    /// server's metadata, as [`explain`](crate::oauth::explain) does.
    #[must_use]
    pub fn hint(&self) -> Vec<Cause> {
        match &*self.kind {
            ErrorKind::GrantEnded { .. } => {
                vec![Cause::certain(CauseKind::Grant, "have the user log in again")]
            }
            ErrorKind::SingleUse { .. } => {
                let advice = "send the request once and make a source of its response";
                vec![Cause::certain(CauseKind::GrantType, advice)]
            }
            ErrorKind::OAuth(error) => error.hint(),
            _ => self.refusal().map(Refusal::hint).unwrap_or_default(),
        }
    }

    /// What the rejected assertion contained, without its secrets, if the server rejected one.
    #[must_use]
    pub fn sent(&self) -> Option<&SentAssertion> {
        self.refusal()?.sent()
    }

    /// Whether it makes sense to call again, and when.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self.kind() {
            ErrorKind::Transport(error) | ErrorKind::Discovery { source: error, .. } => error.retry(),
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
            // Nothing was sent.
            ErrorKind::Discovery { source, .. } => source.retry() != Retry::Never,
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

    pub(super) fn note_context(&mut self, context: impl FnOnce() -> Context) {
        use OAuthError::{Refused, Unavailable};
        if let ErrorKind::OAuth(Refused(answer) | Unavailable(answer)) = &mut *self.kind {
            answer.set_context(context());
        }
    }

    pub(super) fn note_clock(&mut self, clock: ClockMismatch) {
        use OAuthError::{Refused, Unavailable};
        if let ErrorKind::OAuth(Refused(answer) | Unavailable(answer)) = &mut *self.kind {
            answer.set_clock(clock);
        }
    }

    /// The same error after this number of attempts.
    pub(super) fn after(self, attempts: u32) -> Self {
        if attempts > 1 { Self { attempts, ..self } } else { self }
    }
}

fn ended(refusal: Option<&Refusal>) -> String {
    refusal.map_or("no refresh token".to_owned(), |refusal| format!("refresh token rejected ({refusal})"))
}

caused! {
    discovery(issuer: &str) by source: &TransportError => "cannot discover {issuer}";
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = std::error::Error::source(self);
        match self.attempts {
            0 | 1 => write_caused(f, format_args!("{}", self.kind), source),
            more => write_caused(f, format_args!("{} (after {more} attempts)", self.kind), source),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.kind.source()
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        use ErrorKind::{GrantEnded, Remembered, Setting, SingleUse};
        let is_unsent =
            matches!(kind, Remembered { .. } | SingleUse { .. } | GrantEnded { .. } | Setting { .. });
        Self { kind: Box::new(kind), attempts: u32::from(!is_unsent) }
    }
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        ErrorKind::Key(error).into()
    }
}

impl From<OAuthError> for Error {
    /// A key error is of the kind [`ErrorKind::Key`], wherever it was found.
    fn from(error: OAuthError) -> Self {
        match error {
            OAuthError::Key(error) => error.into(),
            error => ErrorKind::OAuth(error).into(),
        }
    }
}

impl From<TransportError> for Error {
    /// A protocol error is of the kind [`ErrorKind::OAuth`], wherever it was found.
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::OAuth(error) => error.into(),
            error => ErrorKind::Transport(error).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;
    use crate::keys::{Cause, SignerError};
    use Repetition::{Freely, Never, Unreceived};

    fn refused(body: &str) -> Error {
        let response = http::Response::builder().status(401).body(body.as_bytes().to_vec()).unwrap();
        let now = time::OffsetDateTime::UNIX_EPOCH;
        crate::oauth::TokenResponse::from_http(response, now).unwrap_err().into()
    }

    #[test]
    fn several_attempts_are_counted_and_their_error_is_said_once() {
        let broken = || Error::from(TransportError::Broken { host: "h".to_owned(), source: "reset".into() });
        assert_eq!((broken().after(1).attempts(), broken().after(1).to_string()), (1, broken().to_string()));
        let error = broken().after(3);
        assert_eq!(error.to_string(), "the connection to h broke (after 3 attempts)");
        assert_eq!(format!("{error:#}"), "the connection to h broke (after 3 attempts): reset");
        assert_eq!(format!("{:#}", broken()), "the connection to h broke: reset");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("reset"));
        assert_eq!((error.attempts(), error.retry()), (3, Retry::BackOff));
        assert!(matches!(error.kind(), ErrorKind::Transport(TransportError::Broken { .. })));
        assert!(matches!(error.into_kind(), ErrorKind::Transport(TransportError::Broken { .. })));
    }

    #[test]
    fn a_refusal_is_found_wherever_it_is() {
        let refusal = Box::new(refused("").refusal().unwrap().clone());
        let pause = Duration::from_secs(3);
        let remembered = Error::from(ErrorKind::Remembered { key_id: "k".into(), refusal, pause });
        assert_eq!(remembered.to_string(), "not sent: the server rejected key \"k\" moments ago (401)");
        assert_eq!((remembered.attempts(), remembered.retry()), (0, Retry::After(Duration::from_secs(3))));
        for error in [refused(""), refused("").after(2), remembered] {
            assert_eq!(error.refusal().map(Refusal::status), Some(401));
        }
        assert!(Error::from(KeyError::Signing).refusal().is_none());
    }

    #[test]
    fn the_same_fact_is_of_the_same_kind_whichever_floor_found_it() {
        let key = || KeyError::NoActiveKey;
        for error in [
            Error::from(key()),
            OAuthError::Key(key()).into(),
            TransportError::OAuth(OAuthError::Key(key())).into(),
        ] {
            assert!(matches!(error.kind(), ErrorKind::Key(KeyError::NoActiveKey)), "{error:?}");
        }
        let error = Error::from(TransportError::OAuth(OAuthError::EmptyAudience));
        assert!(matches!(error.kind(), ErrorKind::OAuth(OAuthError::EmptyAudience)), "{error:?}");
    }

    #[test]
    fn a_hint_says_what_to_do_after_any_number_of_attempts() {
        let texts = |error: Error| error.hint().iter().map(ToString::to_string).collect::<Vec<_>>();
        let check = ["check the client id, and that the server knows the public key"];
        let rejected = || refused(r#"{"error":"invalid_client"}"#);
        assert_eq!([texts(rejected()), texts(rejected().after(2))], [check; 2]);
        let ended = Error::from(ErrorKind::GrantEnded { refusal: None });
        assert_eq!(texts(ended), ["have the user log in again"]);
        let single_use = ErrorKind::SingleUse { grant_type: GrantType::AuthorizationCode };
        assert_eq!(texts(single_use.into()), ["send the request once and make a source of its response"]);
        let no_certificate = OAuthError::NoCertificate { member: "x5c" };
        assert_eq!(texts(no_certificate.into()), ["append the certificate to the key file"]);
        assert!(refused("").hint().is_empty() && Error::from(KeyError::Signing).hint().is_empty());
    }

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
