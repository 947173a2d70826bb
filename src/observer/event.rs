use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::outcome::{Lookup, Outcome};
use super::refusal_reason::RefusalReason;
use crate::jose::KeyId;
use crate::oauth::{Endpoint, GrantType, UnlistedAlgorithm, safe_url};

/// Sees each [`Event`] of a client or a server, for metrics, alerts or an audit log. Pass it to
/// `observer` of [`TokenClientBuilder`](crate::TokenClientBuilder::observer),
/// [`RemoteJwksBuilder`](crate::server::RemoteJwksBuilder::observer),
/// [`ClientKeysBuilder`](crate::server::ClientKeysBuilder::observer) or `BearerLayer`; pass an
/// `Arc` of it to several.
pub trait Observer: Send + Sync {
    /// Called when the event happens, in the task and on the thread where it happens. It must
    /// neither block nor panic. The crate holds no lock during the call, so the observer may use
    /// the client.
    fn event(&self, event: &Event<'_>);
}

impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn event(&self, event: &Event<'_>) {
        (**self).event(event);
    }
}

/// Something that happened: [the table](super#events) says when.
///
/// By its type, it cannot contain a token, an assertion, a key or a scope: only public names,
/// times, numbers, words from fixed lists, and errors, which contain none of these.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The token endpoint issued a token.
    #[non_exhaustive]
    TokenObtained {
        /// The client.
        client: Client<'a>,
        /// The grant type of the request.
        grant_type: GrantType,
        /// The lifetime of the token, if the server states it.
        expires_in: Option<Duration>,
        /// The number of requests, corrected and retried ones included.
        attempts: u32,
        /// The time from the call to the answer.
        duration: Duration,
    },
    /// Another endpoint gave the answer that the call was for.
    #[non_exhaustive]
    CallSucceeded {
        /// The client.
        client: Client<'a>,
        /// The endpoint.
        endpoint: Endpoint,
        /// The number of requests, corrected and retried ones included.
        attempts: u32,
        /// The time from the call to the answer.
        duration: Duration,
    },
    /// A call failed after all its attempts. However many callers wait for a token, they cause one
    /// call.
    #[non_exhaustive]
    CallFailed {
        /// The client.
        client: Client<'a>,
        /// The endpoint.
        endpoint: Endpoint,
        /// The grant type, at the token endpoint.
        grant_type: Option<GrantType>,
        /// The number of attempts.
        attempts: u32,
        /// The time from the call to its end.
        duration: Duration,
        /// Whether a caller gets the error. Otherwise a cached token is still valid, another
        /// request follows, or a device code is polled again.
        is_final: bool,
        /// What went wrong.
        failure: Failure<'a>,
    },
    /// A call failed before anything was sent: the server rejected the key, or this request,
    /// moments ago ([`RejectionRemembered`](Self::RejectionRemembered)).
    #[non_exhaustive]
    CallNotSent {
        /// The client.
        client: Client<'a>,
        /// The endpoint.
        endpoint: Endpoint,
        /// The grant type, at the token endpoint.
        grant_type: Option<GrantType>,
        /// What the server said when it rejected the key or the request.
        failure: Failure<'a>,
    },
    /// The server's metadata does not list the algorithm of the active key for an endpoint.
    #[non_exhaustive]
    AlgorithmNotListed {
        /// The client.
        client: Client<'a>,
        /// The key.
        key_id: &'a KeyId,
        /// The endpoint, and what the metadata lists.
        unlisted: &'a UnlistedAlgorithm,
    },
    /// An attempt failed, and another one follows.
    #[non_exhaustive]
    AttemptFailed {
        /// The client.
        client: Client<'a>,
        /// The number of this attempt, from 1.
        attempt: u32,
        /// The time until the next one.
        pause: Duration,
        /// What went wrong.
        failure: Failure<'a>,
    },
    /// The server rejected an assertion, and the client signs another one with other times.
    #[non_exhaustive]
    TimesCorrected {
        /// The client.
        client: Client<'a>,
        /// What is added to this machine's time.
        offset: time::Duration,
        /// What the offset was learned from: `discovery`, `date`, `token`, `text` or `own clock`.
        learned_from: &'static str,
        /// What the server said.
        failure: Failure<'a>,
    },
    /// The server rejected an assertion, and the client signs another one with another key of the
    /// ring.
    #[non_exhaustive]
    KeyCorrected {
        /// The client.
        client: Client<'a>,
        /// The key that signed the rejected assertion.
        rejected: &'a KeyId,
        /// The key that signs the next one.
        key_id: &'a KeyId,
        /// What the server said.
        failure: Failure<'a>,
    },
    /// The client learned something about the server's clock.
    #[non_exhaustive]
    ClockOffsetChanged {
        /// The client.
        client: Client<'a>,
        /// What is added to this machine's time.
        offset: time::Duration,
        /// What the offset was learned from: `discovery`, `date`, `token`, `text` or `own clock`.
        learned_from: &'static str,
        /// What is known about the offset.
        state: ClockOffset,
    },
    /// The server rejected a key or a request. During the pause, the client does not use the key,
    /// or does not send the request again.
    #[non_exhaustive]
    RejectionRemembered {
        /// The client.
        client: Client<'a>,
        /// The key that signed.
        key_id: &'a KeyId,
        /// Whether the pause applies to every request with this key; otherwise, only to the same
        /// request.
        is_of_key: bool,
        /// How long the pause lasts.
        pause: Duration,
        /// What the server said.
        failure: Failure<'a>,
    },
    /// A token could not be renewed in the background. The cached one is used until it expires.
    #[non_exhaustive]
    RefreshFailed {
        /// The client.
        client: Client<'a>,
        /// The time until the next request.
        pause: Duration,
        /// What went wrong.
        failure: Failure<'a>,
    },
    /// The server rejected a refresh token, which is not sent again.
    #[non_exhaustive]
    RefreshTokenRejected {
        /// The client.
        client: Client<'a>,
        /// What the server said.
        failure: Failure<'a>,
    },
    /// A cached token was dropped, because a resource server rejected it.
    #[non_exhaustive]
    TokenDropped {
        /// The client.
        client: Client<'a>,
    },
    /// A caller asked for a token.
    #[non_exhaustive]
    TokenRequested {
        /// The client.
        client: Client<'a>,
        /// Where the token comes from.
        lookup: Lookup,
        /// How long the token is still valid, if one is returned at once.
        remaining: Option<Duration>,
    },
    /// An assertion was signed.
    #[non_exhaustive]
    AssertionSigned {
        /// The client.
        client: Client<'a>,
        /// The key.
        key_id: &'a KeyId,
        /// Whether it is the active key of the ring; otherwise, the client fell back to it.
        is_active: bool,
        /// How long the key has been active, if it was activated on the ring.
        key_age: Option<Duration>,
        /// Whether the key is outside of this process, such as in an HSM.
        is_remote: bool,
        /// How long it took, with the wait for a thread.
        duration: Duration,
    },
    /// Another key signs than before.
    #[non_exhaustive]
    SigningKeyChanged {
        /// The client.
        client: Client<'a>,
        /// The key that is active now.
        key_id: &'a KeyId,
        /// The key that was active before.
        previous: &'a KeyId,
    },
    /// The metadata of a server that is [discovered](crate::oauth::Discovery) were fetched.
    #[non_exhaustive]
    MetadataFetched {
        /// The issuer.
        issuer: &'a str,
        /// Whether there were metadata before.
        is_refresh: bool,
        /// The time from the request to the metadata.
        duration: Duration,
    },
    /// The metadata of a server could not be fetched.
    #[non_exhaustive]
    MetadataFetchFailed {
        /// The issuer.
        issuer: &'a str,
        /// The time until the next request.
        pause: Duration,
        /// Whether there is metadata that is used meanwhile.
        has_metadata: bool,
        /// What went wrong.
        error: &'a (dyn Error + 'static),
    },
    /// A JWK Set was fetched.
    #[non_exhaustive]
    JwksFetched {
        /// The URL of the set, without its query.
        url: &'a str,
        /// The number of keys in it.
        keys: usize,
        /// Whether the set is the same as before.
        is_unchanged: bool,
        /// Whether there were keys before.
        is_refresh: bool,
        /// Whether a client registered the URL, so that it is one of many.
        is_of_client: bool,
        /// The time from the request to the keys.
        duration: Duration,
    },
    /// A JWK Set has other keys than before. Keys without a name go by their thumbprint (RFC 7638).
    #[non_exhaustive]
    JwksChanged {
        /// The URL of the set, without its query.
        url: &'a str,
        /// The new keys; with those before, at most [`JwkSet::MAX_KEYS`](crate::JwkSet::MAX_KEYS).
        added: &'a [KeyId],
        /// The keys that are no longer there.
        removed: &'a [KeyId],
    },
    /// Keys are used although they are no longer fresh, because no newer ones can be fetched.
    #[non_exhaustive]
    JwksStale {
        /// The URL of the set, without its query.
        url: &'a str,
        /// The age of the keys.
        age: Duration,
        /// The age at which they are no longer used.
        hard_limit: Duration,
    },
    /// A JWK Set could not be fetched.
    #[non_exhaustive]
    JwksFetchFailed {
        /// The URL of the set, without its query, or the issuer if the URL is not known yet.
        url: &'a str,
        /// The time until the next request.
        pause: Duration,
        /// Whether there are keys that are used meanwhile.
        has_keys: bool,
        /// Whether a client registered the URL, so that it is one of many.
        is_of_client: bool,
        /// What went wrong.
        error: &'a (dyn Error + 'static),
    },
    /// A key of a folder (feature `rotation`) entered another phase of its life.
    #[non_exhaustive]
    KeyPhaseChanged {
        /// The folder.
        folder: &'a str,
        /// The file of the key, or the URI of a key outside the process.
        file: &'a str,
        /// The key.
        key_id: &'a KeyId,
        /// The phase before; `None` for a key that is new to this process.
        previous: Option<&'static str>,
        /// The phase: `planned`, `published`, `active`, `retiring`, `gone` or `revoked`.
        phase: &'static str,
    },
    /// A file of a folder of keys cannot be used. The keys in use stay in use.
    #[non_exhaustive]
    KeyFileProblemBegan {
        /// The folder.
        folder: &'a str,
        /// The file, `.` for the folder itself.
        file: &'a str,
        /// What is wrong.
        error: &'a (dyn Error + 'static),
    },
    /// A problem with a file of a folder of keys is over, or another one took its place.
    #[non_exhaustive]
    KeyFileProblemEnded {
        /// The folder.
        folder: &'a str,
        /// The file, `.` for the folder itself.
        file: &'a str,
        /// What was wrong.
        error: &'a (dyn Error + 'static),
        /// How long.
        duration: Duration,
    },
    /// The certificate of a key of a folder expires soon. Each certificate is announced once.
    #[non_exhaustive]
    CertificateExpiring {
        /// The folder.
        folder: &'a str,
        /// The file of the key.
        file: &'a str,
        /// The key.
        key_id: &'a KeyId,
        /// How long the certificate is still valid; zero if it expired.
        remaining: Duration,
    },
    /// A request, or a client assertion, was refused.
    #[non_exhaustive]
    RequestRefused {
        /// The reason.
        reason: RefusalReason,
        /// The number of requests refused for this reason since the last log line about it, if
        /// there is one now: at most one a minute.
        count: Option<u64>,
        /// What is wrong.
        error: &'a (dyn Error + 'static),
    },
}

/// The client of an [`Event`], and its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Client<'a> {
    /// The client id. A text that looks like a secret is replaced by the name of its form.
    pub client_id: &'a str,
    /// The issuer. If it is not known, the token endpoint without its query.
    pub issuer: &'a str,
}

/// An error in an [`Event`]. `Display` shows it with its causes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Failure<'a> {
    /// The error as a word.
    pub outcome: Outcome,
    /// The error code of the server, or `other` if no specification registers it.
    pub error_code: Option<&'static str>,
    /// The error itself. `{:#}` adds the causes.
    pub error: &'a (dyn Error + 'static),
}

impl fmt::Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

/// What is known about the difference between the clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClockOffset {
    /// No assertion has been accepted with it yet.
    Assumed,
    /// The server accepted an assertion with it.
    Confirmed,
    /// It is zero again.
    Dropped,
}

/// A URL for an event. A query may contain a secret, and makes a label unbounded.
pub(crate) fn without_query(url: &str) -> String {
    safe_url(url.split(['?', '#']).next().unwrap_or_default())
}
