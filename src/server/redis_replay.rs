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
/// An assertion is one command, `SET key 1 NX PX …`, which Redis carries out as a whole: of all who
/// spend a copy at the same time, one succeeds. There is one connection, which the calls share; it
/// is made when it is first needed, and anew by itself when it breaks, falls silent, or leads to
/// what has become a replica. **Whenever Redis does not say in time that the assertion is new, it
/// is refused**, with [`VerifierError::ReplayStore`] and a [`RedisReplayError`] behind it. It may
/// have been stored all the same; the client's next assertion is another one.
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
/// It has to be used on a Tokio runtime. For TLS turn on `redis/tokio-rustls-comp` or
/// `redis/tokio-native-tls-comp` in your own manifest, and give a `rediss://` address, or a
/// [`redis::Client`] of your own with [`RedisReplayStore::new`].
///
/// # What Redis has to be told
///
/// - `maxmemory-policy noeviction`. With any other, a full Redis throws entries away before their
///   time, and what they stood for can be used again. With this one it refuses, and so does the
///   store. [`RedisReplayStore::check`] asks for it.
/// - `appendonly yes` and `appendfsync always`, or a restart forgets. With `appendfsync everysec`
///   it forgets about a second; with snapshots only, or with no persistence at all, everything
///   since the last one.
/// - A clock that is slewed and not set: an entry ends at a time of that clock, so one that jumps
///   ahead ends entries early.
///
/// An entry takes about 150 bytes there, for as long as it lives: with assertions of 60 s, 180 s
/// unless [`clock_difference`](Self::clock_difference) says otherwise. There are no shares: limit
/// how often a client may call.
///
/// # What a failover can lose
///
/// Redis answers before its replicas have the entry. A replica that takes over lacks what was on
/// its way, and each of those assertions can be used once more as long as it lives.
/// `min-replicas-to-write` and `WAIT` make that less likely and do not exclude it, so this store
/// does not send `WAIT`. Where that is too much, run one Redis for this purpose, without failover
/// and with `appendfsync always`: while it is away, nobody is let in, and nothing is let in twice.
/// This holds for Sentinel and for Redis Cluster too. This store speaks to one server and follows
/// neither; for those implement [`ReplayStore`] over a connection of your own, with the same
/// command: an entry is one key, so that any node can hold it.
pub struct RedisReplayStore {
    client: Client,
    key_prefix: String,
    connect_timeout: Duration,
    response_timeout: Duration,
    clock_difference: Duration,
    connection: Mutex<Connection>,
}

/// The connection in use, by its number; none before it is needed, and after it has fallen silent.
#[derive(Default)]
struct Connection {
    number: u64,
    manager: Option<ConnectionManager>,
}

impl RedisReplayStore {
    /// What keys begin with, unless said otherwise.
    pub const DEFAULT_KEY_PREFIX: &str = "private_key_jwt:jti:";

    /// A store in the Redis server at this address, such as `redis://user:password@host:6379/0`. It
    /// is not asked yet.
    ///
    /// # Errors
    ///
    /// [`RedisReplayError::Address`].
    pub fn open(address: &str) -> Result<Self, RedisReplayError> {
        let info = address.into_connection_info().map_err(|_| RedisReplayError::Address)?;
        // Commands are small, and each is waited for.
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        Client::open(info).map(Self::new).map_err(|_| RedisReplayError::Address)
    }

    /// A store behind a client that is set up elsewhere, with certificates of its own for instance.
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

    /// What keys begin with. Authorization servers that share a Redis need one each, or the same
    /// client id at two of them would be taken for the same client.
    #[must_use]
    pub fn key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.key_prefix = prefix.into();
        self
    }

    /// How long a connection may take, TLS and log-in included; 1 s unless said otherwise.
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long an answer may take; 1 s unless said otherwise. A call that has to connect first
    /// takes no longer than both together.
    #[must_use]
    pub const fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// How far the clocks of the servers that share the store may be apart, in whole seconds; 60 s
    /// unless said otherwise. An entry lives so much longer than the clock of the one who stores it
    /// says: another one may be behind. The clock of Redis does not matter, since it is told how
    /// long, and not until when.
    #[must_use]
    pub const fn clock_difference(mut self, difference: Duration) -> Self {
        self.clock_difference = difference;
        self
    }

    /// Asks Redis whether it keeps what it is told: for the start of a server, and for its health.
    ///
    /// # Errors
    ///
    /// [`RedisReplayError::Evicts`] unless its `maxmemory-policy` is `noeviction`, and the other
    /// variants but [`RedisReplayError::Address`] when it cannot be asked.
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
            // Who waits for a connection waits for one attempt. The next call makes the next one.
            .set_number_of_retries(0);
        let manager = ConnectionManager::new_lazy_with_config(self.client.clone(), config)?;
        connection.number += 1;
        connection.manager = Some(manager.clone());
        Ok((connection.number, manager))
    }

    /// The next call makes a connection of its own, and asks anew where the address leads. The
    /// manager would keep this one until it breaks: when the machine is gone, for a quarter of an
    /// hour.
    fn leave(&self, number: u64) {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if connection.number == number {
            connection.manager = None;
        }
    }
}

/// Whether the connection may lead to a machine that is gone, or that is a replica since another
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
    /// An address that is not one of a Redis server, or that needs what is not built in.
    #[error("not an address of a Redis server, or `rediss` without a TLS feature of the crate `redis`")]
    Address,
    /// No connection or no answer in time. The command may have been carried out.
    #[error("Redis did not answer in time")]
    TimedOut,
    /// The connection cannot be made, or broke. The command may have been carried out.
    #[error("the connection to Redis failed: {reason}")]
    Connection {
        /// What the operating system or the TLS library says.
        reason: String,
    },
    /// Redis refused the log-in or the command: a wrong password, no memory left, a replica that is
    /// read only.
    #[error("Redis refused: {reason}")]
    Refused {
        /// What it says.
        reason: String,
    },
    /// An answer that the command does not have.
    #[error("Redis gave an answer that the command does not have")]
    Answer,
    /// Redis may throw entries away before their time.
    #[error("the maxmemory-policy of Redis is `{found}`, and only `noeviction` keeps what is stored")]
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
