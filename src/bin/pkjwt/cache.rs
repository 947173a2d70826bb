//! `pkjwt token --cache`: tokens in files that only their user can read, one for each kind of
//! request.
//!
//! - The directory has mode 0700, a file mode 0600. A directory or a file of another user is an
//!   error, and so is a directory that others can enter. A file of this user that others can read,
//!   that is damaged, or that has another version is not used: one line says so, and the next token
//!   replaces it.
//! - The name of a file is a hash of everything that decides which token the request gets.
//! - A new file is complete before it gets its name. A lock next to it makes processes that want
//!   the same token wait for one request. The lock ends with its process.
//! - A refresh token is not cached. With each new token, the files of expired ones are removed.
//! - A token is renewed in the last tenth of its lifetime, at most a minute before it expires, as
//!   `TokenClient` does. If that fails, it is used until it expires.

mod file;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use etcetera::BaseStrategy;
use time::OffsetDateTime;

use crate::error::{Context, Failure};
use crate::fingerprint::Fingerprint;
use crate::http::HttpOptions;
use crate::issued::Issued;
use crate::output;
use file::Found;

/// Whether tokens are cached, and where.
#[derive(clap::Args)]
#[command(next_help_heading = "Cache")]
pub(crate) struct CacheOptions {
    /// Use a cached token while it is valid, and cache a new one; for --grant client-credentials,
    /// jwt-bearer and token-exchange
    #[arg(long)]
    cache: bool,
    /// Directory for cached tokens; implies --cache [default: pkjwt in the user's directory for
    /// caches]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
    /// Request a new token for the cache even if the cached one is valid
    #[arg(long)]
    renew: bool,
}

impl CacheOptions {
    /// Whether tokens are cached.
    pub(crate) const fn is_used(&self) -> bool {
        self.cache || self.cache_dir.is_some()
    }

    /// Checks the options.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.renew && !self.is_used() {
            return Err(Failure::usage("--renew", "needs --cache or --cache-dir"));
        }
        Ok(())
    }

    /// The cached token of a request, or else a new one, which is then cached. Waits for the
    /// request of another process as long as that may take.
    pub(crate) async fn token(
        &self,
        fingerprint: Fingerprint,
        http: &HttpOptions,
        request: impl AsyncFnOnce() -> Result<Issued, Failure>,
    ) -> Result<Issued, Failure> {
        let directory = match &self.cache_dir {
            Some(directory) => directory.clone(),
            None => etcetera::choose_base_strategy().context("--cache")?.cache_dir().join("pkjwt"),
        };
        file::prepare_directory(&directory)?;
        let cached = |token: Issued| {
            if http.is_verbose() {
                output::note("< no request: the token is from the cache");
            }
            Ok(token)
        };
        // Discovery, the token request, and another one with a corrected time.
        let longest_wait = http.timeout().saturating_mul(3);
        let name = fingerprint.finish();
        let path = directory.join(format!("{name}.json"));
        let read = || file::read(&path, &name, OffsetDateTime::now_utc());
        let before = match found(read()?, true) {
            Some((token, false)) if !self.renew => return cached(token),
            before => before.map(|(token, _)| token),
        };
        // Another process that renews a valid token may take its time.
        let waits = self.renew || before.is_none();
        let held = match lock(&directory.join(format!("{name}.lock")), waits, longest_wait)? {
            Lock::Held(lock) => lock,
            Lock::Busy => match before {
                Some(token) if !self.renew => return cached(token),
                _ => {
                    output::note("pkjwt: cache not used: another process holds its lock");
                    return request().await;
                }
            },
        };
        // Meanwhile, another process may have obtained a token.
        let is_new =
            |token: &Issued| before.as_ref().is_none_or(|before| before.members() != token.members());
        let until_then = match found(read()?, false) {
            Some((token, false)) if !self.renew || is_new(&token) => return cached(token),
            due => due.map(|(token, _)| token).filter(|_| !self.renew),
        };
        let obtained_at = OffsetDateTime::now_utc();
        let issued = match (request().await, until_then) {
            (Ok(token), _) => {
                let written = match token.expires_at() {
                    Some(expires_at) => file::write(&path, &name, &token, obtained_at, expires_at),
                    None => {
                        Err(Failure::refused("token not cached", "the server did not state its lifetime"))
                    }
                };
                // The token is good all the same.
                match written {
                    Ok(()) => file::remove_expired(&directory, obtained_at),
                    Err(failure) => output::note(&failure.line()),
                }
                Ok(token)
            }
            (Err(failure), Some(token)) => {
                output::note(&format!("{}; using the cached token", failure.line()));
                Ok(token)
            }
            (Err(failure), None) => Err(failure),
        };
        drop(held);
        issued
    }
}

/// The token of a file, and whether to renew it now.
fn found(found: Found, says_why: bool) -> Option<(Issued, bool)> {
    match found {
        Found::Token { token, is_due } => Some((token, is_due)),
        Found::Nothing => None,
        Found::Unusable(why) => {
            if says_why {
                output::note(&format!("pkjwt: cache ignored: {why}"));
            }
            None
        }
    }
}

enum Lock {
    /// Held until the file is closed.
    Held(File),
    Busy,
}

/// Locks a file, which stays empty. The system ends the lock with the process.
fn lock(path: &Path, waits: bool, longest_wait: Duration) -> Result<Lock, Failure> {
    let file = file::open_lock(path)?;
    match file.try_lock() {
        Ok(()) => return Ok(Lock::Held(file)),
        Err(TryLockError::WouldBlock) if !waits => return Ok(Lock::Busy),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(error).context(file::shown(path)),
    }
    // The system cannot wait for a limited time. The thread ends with the process at the latest.
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let locked = file.lock().map(|()| file);
        let _ = sender.send(locked);
    });
    match receiver.recv_timeout(longest_wait) {
        Ok(locked) => Ok(Lock::Held(locked.context(file::shown(path))?)),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(Lock::Busy),
    }
}
