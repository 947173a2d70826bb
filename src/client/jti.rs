//! Names for assertions that were never used before.

use std::cell::RefCell;

use crate::keys::KeyError;

/// Random bytes of the operating system that no `jti` was made of yet. One call for many: each costs as much as
/// everything else about an assertion but its signature.
struct Random {
    bytes: [u8; Self::LEN],
    used: usize,
}

impl Random {
    /// 64 UUIDs.
    const LEN: usize = 64 * 16;

    fn next(&mut self) -> Result<[u8; 16], KeyError> {
        if self.used == Self::LEN {
            getrandom::fill(&mut self.bytes).map_err(|_| KeyError::Random)?;
            self.used = 0;
        }
        let (next, _) = self
            .bytes
            .get_mut(self.used..)
            .and_then(|unused| unused.split_first_chunk_mut())
            .ok_or(KeyError::Random)?;
        self.used += next.len();
        // What was handed out is kept nowhere.
        Ok(std::mem::take(next))
    }
}

thread_local! {
    static RANDOM: RefCell<Random> = const { RefCell::new(Random { bytes: [0; Random::LEN], used: Random::LEN }) };
}

/// A `jti` that was never used before: a UUID v4 of the operating system's random bytes.
///
/// The bytes are taken from it for 64 of them at a time, for each thread. A process that forks must not have called
/// this before, on the thread that forks: parent and child would give the same ones, and servers refuse the second
/// assertion.
///
/// # Errors
///
/// [`KeyError::Random`] when there are none.
pub fn fresh_jti() -> Result<String, KeyError> {
    // While a thread ends, its store may be gone.
    let random = RANDOM.try_with(|random| random.borrow_mut().next()).map_err(|_| KeyError::Random)??;
    Ok(uuid::Builder::from_random_bytes(random).into_uuid().to_string())
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
        let mut random = Random { bytes: [0; Random::LEN], used: Random::LEN };
        let first = random.next().unwrap();
        assert_ne!(first, [0; 16]);
        let expected = random.bytes;
        let rest: Vec<u8> = (1..64).flat_map(|_| random.next().unwrap()).collect();
        assert_eq!(rest, expected[16..]);
        assert_eq!(random.bytes, [0; Random::LEN]);
        assert_ne!(random.next().unwrap(), [0; 16]);
    }
}
