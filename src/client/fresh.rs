//! Values that must never be reused: identifiers of assertions, and secrets for authorization
//! requests.

use std::cell::RefCell;

use zeroize::Zeroizing;

use crate::keys::KeyError;
use crate::oauth::CodeVerifier;

/// Random bytes of the operating system that no `jti` uses yet. Fetched for many at a time, because
/// each fetch is a system call.
struct Random {
    bytes: [u8; Self::LEN],
    used: usize,
    /// The process that fetched the bytes: a fork has the same bytes, and servers reject a second
    /// assertion with the same `jti`.
    process: u32,
}

impl Random {
    /// 64 UUIDs.
    const LEN: usize = 64 * 16;

    const fn new() -> Self {
        Self { bytes: [0; Self::LEN], used: Self::LEN, process: 0 }
    }

    fn next(&mut self, process: u32) -> Result<[u8; 16], KeyError> {
        if self.used == Self::LEN || self.process != process {
            // Counts the old bytes as used until there are new ones, even if fetching them fails.
            self.used = Self::LEN;
            getrandom::fill(&mut self.bytes).map_err(|_| KeyError::Random)?;
            (self.used, self.process) = (0, process);
        }
        let (next, _) = self
            .bytes
            .get_mut(self.used..)
            .and_then(|unused| unused.split_first_chunk_mut())
            .ok_or(KeyError::Random)?;
        self.used += next.len();
        // Bytes that were returned are not kept.
        Ok(std::mem::take(next))
    }
}

thread_local! {
    static RANDOM: RefCell<Random> = const { RefCell::new(Random::new()) };
}

/// Returns a `jti` that was never used before: a UUID v4 from the operating system's random bytes.
///
/// Each thread fetches the bytes for 64 of them at a time, and a forked process fetches new ones.
/// Two copies of a running virtual machine return the same values until those bytes are used up.
///
/// # Errors
///
/// [`KeyError::Random`] if no random bytes are available.
pub fn fresh_jti() -> Result<String, KeyError> {
    // While a thread ends, its thread-local may already be gone.
    let random = RANDOM
        .try_with(|random| random.borrow_mut().next(std::process::id()))
        .map_err(|_| KeyError::Random)??;
    Ok(uuid::Builder::from_random_bytes(random).into_uuid().to_string())
}

/// A random number for the length of a pause, or `None` if none is available.
pub(super) fn random() -> Option<u64> {
    getrandom::u64().ok()
}

/// Returns a PKCE verifier from 32 of the operating system's random bytes (RFC 7636 §4.1).
///
/// # Errors
///
/// [`KeyError::Random`] if no random bytes are available.
pub fn fresh_code_verifier() -> Result<CodeVerifier, KeyError> {
    Ok(CodeVerifier::from_random(&*random_bytes()?))
}

/// Random bytes of the operating system, for a secret.
pub(crate) fn random_bytes<const LEN: usize>() -> Result<Zeroizing<[u8; LEN]>, KeyError> {
    let mut random = Zeroizing::new([0; LEN]);
    getrandom::fill(random.as_mut_slice()).map_err(|_| KeyError::Random)?;
    Ok(random)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn rfc9562_5_4_a_uuid_v4_and_never_the_same() {
        let many = || (0..1000).map(|_| fresh_jti().unwrap()).collect::<Vec<_>>();
        let threads = [(); 4].map(|()| std::thread::spawn(many));
        let all: Vec<String> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 4000);
        for jti in all {
            let jti = uuid::Uuid::parse_str(&jti).unwrap();
            assert_eq!((jti.get_version_num(), jti.get_variant()), (4, uuid::Variant::RFC4122));
        }
    }

    #[test]
    fn every_byte_is_used_once() {
        let mut random = Random::new();
        let first = random.next(1).unwrap();
        assert_ne!(first, [0; 16]);
        let expected = random.bytes;
        let rest: Vec<u8> = (1..64).flat_map(|_| random.next(1).unwrap()).collect();
        assert_eq!(rest, expected[16..]);
        assert_eq!(random.bytes, [0; Random::LEN]);
        assert_ne!(random.next(1).unwrap(), [0; 16]);
    }

    #[test]
    fn a_fork_has_bytes_of_its_own() {
        let mut parent = Random::new();
        parent.next(1).unwrap();
        let mut child = Random { bytes: parent.bytes, used: parent.used, process: parent.process };
        let (of_parent, of_child) = (parent.next(1).unwrap(), child.next(2).unwrap());
        assert_ne!(of_parent, of_child);
        assert_ne!(parent.bytes[32..], child.bytes[32..]);
        assert_eq!((parent.used, child.used), (32, 16));
    }
}
