use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::{Client, Cmd, ErrorKind, IntoConnectionInfo, RedisError, ServerErrorKind, Value};
use time::OffsetDateTime;

use crate::jose::base64url;
use crate::jose::error::excerpt;
use crate::keys::BoxFuture;
use crate::verifier::{ReplayEntry, ReplayStore, VerifierError};

/// A [`ReplayStore`] that any number of processes and machines share, in Redis.
///
/// Each assertion is one command, `SET key 1 NX PX …`, which Redis executes atomically: of all
/// callers that use a copy at the same time, one succeeds. All calls share one connection. It is
/// opened when it is first needed, and again when it breaks, falls silent, or leads to a server
/// that has become a replica. **If Redis does not say in time that the assertion is new, the
/// assertion is rejected**, with [`VerifierError::ReplayStore`] and a [`RedisReplayError`] behind
/// it. Redis may have stored the assertion nevertheless. The client's next request carries a new
/// assertion.
///
/// ```no_run
/// use std::time::Duration;
/// use private_key_jwt::server::RedisReplayStore;
///
/// # async fn start() -> Result<(), private_key_jwt::server::RedisReplayError> {
/// let replay = RedisReplayStore::open("redis://user:password@redis.example/")?
///     .key_prefix("as.example:jti:")
///     .response_timeout(Duration::from_millis(500));
/// replay.check().await?; // once, when the server starts
/// # Ok(()) }
/// ```
///
/// Requires a Tokio runtime. For TLS, enable `redis/tokio-rustls-comp` or
/// `redis/tokio-native-tls-comp` in your own manifest, and use a `rediss://` address, or pass a
/// [`redis::Client`] of your own to [`RedisReplayStore::new`].
///
/// # Redis configuration
///
/// - `maxmemory-policy noeviction`. With any other policy, a full Redis evicts entries early, and
///   their assertions can be used again. With this policy, a full Redis rejects the command, and
///   the store rejects the assertion. [`RedisReplayStore::check`] checks the policy.
/// - `appendonly yes` and `appendfsync always`. Otherwise a restart loses entries: with
///   `appendfsync everysec`, about a second of them; with snapshots only, everything since the last
///   one; with no persistence at all, everything.
/// - A clock that is adjusted gradually and never set ahead. Entries expire by that clock, so a
///   jump ahead ends them early.
///
/// An entry takes about 150 bytes in Redis for as long as it lives. With assertions of 60 s, that
/// is 180 s by default; [`clock_difference`](Self::clock_difference) changes it. There is no quota
/// per client, so limit how often a client may call.
///
/// # What a failover can lose
///
/// Redis responds before its replicas have the entry. A replica that takes over lacks the entries
/// that were in flight, and each of those assertions can be used once more as long as it lives.
/// `min-replicas-to-write` and `WAIT` make that less likely but do not exclude it, so this store
/// does not send `WAIT`. If you cannot accept that, run one Redis for this purpose, without
/// failover and with `appendfsync always`: while it is down, every assertion is rejected, and none
/// is accepted twice.
///
/// This also applies to Sentinel and Redis Cluster. This store connects to one server and follows
/// neither. For those, implement [`ReplayStore`] over a connection of your own, with the same
/// command: an entry is one key, so any node can hold it.
pub struct RedisReplayStore {
    client: Client,
    key_prefix: String,
    connect_timeout: Duration,
    response_timeout: Duration,
    clock_difference: Duration,
    connection: Mutex<Connection>,
}

/// The connection in use, and its number. There is none before it is needed, and after it has
/// fallen silent.
#[derive(Default)]
struct Connection {
    number: u64,
    manager: Option<ConnectionManager>,
}

impl RedisReplayStore {
    /// The default prefix of keys.
    pub const DEFAULT_KEY_PREFIX: &str = "private_key_jwt:jti:";

    /// Uses the Redis server at this address, such as `redis://user:password@host:6379/0`. Does not
    /// connect yet.
    ///
    /// # Errors
    ///
    /// [`RedisReplayError::Address`].
    pub fn open(address: &str) -> Result<Self, RedisReplayError> {
        let info = address.into_connection_info().map_err(|_| RedisReplayError::Address)?;
        // Commands are small, and a caller waits for each.
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        Client::open(info).map(Self::new).map_err(|_| RedisReplayError::Address)
    }

    /// Uses a client that you set up yourself, for instance with certificates of your own.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            client,
            key_prefix: Self::DEFAULT_KEY_PREFIX.to_owned(),
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(1),
            clock_difference: Duration::from_secs(60),
            connection: Mutex::default(),
        }
    }

    /// Sets the prefix of keys. Authorization servers that share a Redis need one each, or the same
    /// client id at two of them would count as the same client.
    #[must_use]
    pub fn key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.key_prefix = prefix.into();
        self
    }

    /// Limits how long connecting may take, including TLS and log-in. Default: 1 s.
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Limits how long a response may take. Default: 1 s. A call that must connect first takes no
    /// longer than both limits together.
    #[must_use]
    pub const fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// Sets how far apart the clocks of the servers that share the store may be, in whole seconds.
    /// Default: 60 s. An entry lives this much longer than the clock of the server that stores it
    /// says, because the clock of another server may be behind. The clock of Redis does not matter,
    /// because Redis is told how long to keep the entry, and not until when.
    #[must_use]
    pub const fn clock_difference(mut self, difference: Duration) -> Self {
        self.clock_difference = difference;
        self
    }

    /// Asks Redis whether it keeps its entries. Call this when a server starts, and in its health
    /// check.
    ///
    /// # Errors
    ///
    /// [`RedisReplayError::Evicts`] unless the `maxmemory-policy` is `noeviction`. Any other
    /// variant except [`RedisReplayError::Address`] if Redis cannot be asked.
    pub async fn check(&self) -> Result<(), RedisReplayError> {
        const POLICY: &str = "maxmemory_policy:";
        let answer = self.ask(redis::cmd("INFO").arg("memory")).await?;
        let memory: String = redis::from_redis_value(answer).map_err(|_| RedisReplayError::Answer)?;
        match memory.lines().find_map(|line| line.strip_prefix(POLICY)).map(str::trim) {
            Some("noeviction") => Ok(()),
            Some(other) => Err(RedisReplayError::Evicts { found: excerpt(other) }),
            None => Err(RedisReplayError::Answer),
        }
    }

    async fn set(&self, entry: &ReplayEntry, milliseconds: i64) -> Result<bool, RedisReplayError> {
        let key = format!("{}{}", self.key_prefix, base64url::encode(entry.key));
        let answer =
            self.ask(redis::cmd("SET").arg(key).arg(1).arg("NX").arg("PX").arg(milliseconds)).await?;
        match answer {
            Value::Okay => Ok(true),
            Value::Nil => Ok(false),
            _ => Err(RedisReplayError::Answer),
        }
    }

    async fn ask(&self, command: &Cmd) -> Result<Value, RedisReplayError> {
        let (number, mut manager) = self.connected().map_err(|error| RedisReplayError::of(&error))?;
        command.query_async(&mut manager).await.map_err(|error| {
            if is_wrong_machine(&error) {
                self.leave(number);
            }
            RedisReplayError::of(&error)
        })
    }

    fn connected(&self) -> Result<(u64, ConnectionManager), RedisError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(manager) = &connection.manager {
            return Ok((connection.number, manager.clone()));
        }
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(Some(self.response_timeout))
            // A call waits for one connection attempt only. The next call makes the next attempt.
            .set_number_of_retries(0);
        let manager = ConnectionManager::new_lazy_with_config(self.client.clone(), config)?;
        connection.number += 1;
        connection.manager = Some(manager.clone());
        Ok((connection.number, manager))
    }

    /// Drops the connection: the next call makes a new one and resolves the address again. The
    /// manager would keep this one until it breaks, which takes a quarter of an hour if the machine
    /// is gone.
    fn leave(&self, number: u64) {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if connection.number == number {
            connection.manager = None;
        }
    }
}

/// Whether the connection may lead to a machine that is gone, or that became a replica when another
/// took over.
fn is_wrong_machine(error: &RedisError) -> bool {
    error.is_timeout() || error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}

impl ReplayStore for RedisReplayStore {
    fn insert(&self, entry: ReplayEntry, now: OffsetDateTime) -> BoxFuture<'_, Result<bool, VerifierError>> {
        Box::pin(async move {
            let now = now.unix_timestamp();
            let left = entry.forget_after.saturating_sub(now);
            if left <= 0 {
                return Err(VerifierError::Expired { expired: entry.forget_after, now });
            }
            let difference = i64::try_from(self.clock_difference.as_secs()).unwrap_or(i64::MAX);
            let milliseconds = left.saturating_add(difference).saturating_mul(1000);
            self.set(&entry, milliseconds).await.map_err(|error| VerifierError::ReplayStore(error.into()))
        })
    }
}

impl std::fmt::Debug for RedisReplayStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisReplayStore").field("key_prefix", &self.key_prefix).finish_non_exhaustive()
    }
}

/// Why Redis could not say whether an assertion is new. Behind [`VerifierError::ReplayStore`].
///
/// No variant carries an address or a password; text from the server is cut to 64 characters and
/// its control characters are escaped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedisReplayError {
    /// The address is not one of a Redis server, or it needs a feature that is not compiled in.
    #[error("not an address of a Redis server, or `rediss` without a TLS feature of the crate `redis`")]
    Address,
    /// There was no connection or no response in time. The command may have been carried out.
    #[error("Redis did not answer in time")]
    TimedOut,
    /// The connection cannot be made, or broke. The command may have been carried out.
    #[error("the connection to Redis failed: {reason}")]
    Connection {
        /// The message of the operating system or the TLS library.
        reason: String,
    },
    /// Redis rejected the log-in or the command: a wrong password, no memory left, a replica that
    /// is read only.
    #[error("Redis rejected the command: {reason}")]
    Refused {
        /// The message of Redis.
        reason: String,
    },
    /// Redis sent a response that the command does not have.
    #[error("unexpected response from Redis")]
    Answer,
    /// Redis may evict entries early.
    #[error("Redis may evict entries: its maxmemory-policy is \"{found}\", not \"noeviction\"")]
    Evicts {
        /// The policy.
        found: String,
    },
}

impl RedisReplayError {
    fn of(error: &RedisError) -> Self {
        let reason = || excerpt(&error.to_string());
        if error.is_timeout() {
            Self::TimedOut
        } else if error.is_io_error() {
            Self::Connection { reason: reason() }
        } else {
            Self::Refused { reason: reason() }
        }
    }
}
