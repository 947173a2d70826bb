//! Which registered key verifies the signature of an assertion: for display, never for a decision.

use time::OffsetDateTime;

use crate::dev_server::clients::Clients;
use crate::dev_server::shown::shown;
use crate::jose::{CompactJws, KeyId};
use crate::keys::{KeyError, PublicKey, PublicKeySet};

/// Maximum number of keys of the client that are tried, and of those of other clients.
const MOST: usize = 8;

/// The result of trying the registered keys.
pub(super) enum Trial {
    /// The JWT cannot be read, or no key fits its algorithm.
    Impossible,
    /// A key of the client verifies it.
    Own(Name),
    /// A key of another client verifies it.
    Foreign { client: String, key: Name },
    /// None of this many keys of the client, which fit the algorithm, verifies it.
    Failed { tried: usize, is_complete: bool },
}

/// What a registered key is called.
pub(super) struct Name {
    /// Its `kid`, for display.
    pub(super) kid: Option<String>,
    thumbprint: String,
}

impl Name {
    pub(super) fn of(key: &PublicKey) -> Self {
        let kid = key.jwk().key_id().map(KeyId::as_str).map(shown);
        Self { kid, thumbprint: key.jwk().thumbprint().to_string() }
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.kid {
            Some(kid) => write!(f, "key `{kid}`"),
            None => write!(f, "key without `kid` (thumbprint `{}`)", self.thumbprint),
        }
    }
}

impl Trial {
    /// Tries the keys of the client, then those of the others.
    pub(super) fn of(
        token: &str,
        client_id: Option<&str>,
        own: Option<&PublicKeySet>,
        clients: &Clients,
        now: OffsetDateTime,
    ) -> Self {
        let Ok(jws) = CompactJws::parse(token) else { return Self::Impossible };
        let verify = |keys: &PublicKeySet, most: usize| try_keys(&jws, keys, most);
        let own = own.map(|keys| verify(keys, MOST)).unwrap_or_default();
        if let Some(key) = own.found {
            return Self::Own(key);
        }
        let mut left = MOST;
        for (client, keys) in clients.others(client_id, MOST, now) {
            let tried = verify(&keys, left);
            if let Some(key) = tried.found {
                return Self::Foreign { client: shown(&client), key };
            }
            left = left.saturating_sub(tried.count);
        }
        match own.count {
            0 => Self::Impossible,
            tried => Self::Failed { tried, is_complete: own.is_complete },
        }
    }
}

#[derive(Default)]
struct Tried {
    count: usize,
    is_complete: bool,
    found: Option<Name>,
}

fn try_keys(jws: &CompactJws<'_>, keys: &PublicKeySet, most: usize) -> Tried {
    let mut tried = Tried { is_complete: true, ..Tried::default() };
    let fits = |key: &&PublicKey| key.jwk().verifies(jws.header().algorithm);
    for key in keys.parsed().filter_map(Result::ok).filter(fits) {
        if tried.count == most {
            tried.is_complete = false;
            break;
        }
        match key.verify(jws.signing_input().as_bytes(), jws.signature()) {
            Ok(()) => {
                tried.found = Some(Name::of(key));
                break;
            }
            Err(KeyError::BadSignature) => tried.count += 1,
            // The key does not allow the algorithm.
            Err(_) => {}
        }
    }
    tried
}
