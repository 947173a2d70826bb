use std::fmt::Display;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use crate::jose::{KeyId, jwk, moment};
use crate::oauth::{Endpoint, Refusal};

/// What a client knows about its keys and the clock at its server, for a health page:
/// [`TokenClient::status`](super::TokenClient::status).
///
/// It serializes to public names, texts and times in RFC 3339. A key is healthy if `rejection` is
/// `null`. During a rotation, `accepted_key` shows when the server has read the new key.
///
/// ```
/// use private_key_jwt::{AuthorizationServer, PrivateKey, TokenClient};
///
/// let key = PrivateKey::from_file("testdata/keys/p256.pkcs8.pem")?.with_key_id("2026-12");
/// let server = AuthorizationServer::new("https://as.example", "https://as.example/token")?;
/// let client = TokenClient::new(server, "client", key)?;
/// let page = serde_json::json!({"client": client.status(), "keys": client.keys().list()});
/// assert_eq!(
///     page,
///     serde_json::json!({
///         "client": {
///             "active_key": "2026-12",
///             "accepted_key": null,
///             "rejection": null,
///             "clock_offset_ms": null,
///         },
///         "keys": [{"kid": "2026-12", "state": "active", "since": null}],
///     })
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ClientStatus {
    /// The key that signs, if one is active.
    #[serde(serialize_with = "jwk::key_id_text")]
    pub active_key: Option<KeyId>,
    /// The key that the server accepted last, at any endpoint, since the client was created. It may
    /// have left the ring.
    pub accepted_key: Option<AcceptedKey>,
    /// How the server rejected the active key, until it accepts the key or another one is active.
    pub rejection: Option<KeyRejection>,
    /// What is added to this machine's time in assertions, because the server's clock differs.
    /// Serialized in milliseconds.
    #[serde(rename = "clock_offset_ms", serialize_with = "milliseconds")]
    pub clock_offset: Option<time::Duration>,
}

/// A key that the server accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AcceptedKey {
    /// The key.
    #[serde(rename = "kid", serialize_with = "jwk::key_id_text")]
    pub key_id: KeyId,
    /// When the last response to it arrived.
    #[serde(serialize_with = "moment::rfc3339")]
    pub at: OffsetDateTime,
}

/// A rejection of the active key for every request at an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KeyRejection {
    /// The endpoint. If there are several, the first of [`Endpoint::ALL`]. Serialized as its name
    /// in the server's metadata.
    #[serde(serialize_with = "endpoint")]
    pub endpoint: Endpoint,
    /// What the server said. Serialized as its text.
    #[serde(serialize_with = "text")]
    pub refusal: Box<Refusal>,
    /// When the active key is tried again.
    #[serde(serialize_with = "moment::rfc3339")]
    pub retry_at: OffsetDateTime,
    /// The key that signs instead until then. `None` if calls fail.
    #[serde(serialize_with = "jwk::key_id_text")]
    pub fallback_key: Option<KeyId>,
}

fn text<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn endpoint<S: Serializer>(endpoint: &Endpoint, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(endpoint.metadata_name())
}

fn milliseconds<S: Serializer>(time: &Option<time::Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    let milliseconds = time.map(|time| i64::try_from(time.whole_milliseconds()).unwrap_or(i64::MAX));
    milliseconds.serialize(serializer)
}
