//! The last requests, bounded by their number and their size.

use std::collections::VecDeque;
use std::sync::Arc;

use time::OffsetDateTime;

/// A request that used up an assertion. Neither hash can be turned back into a JWT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spent {
    /// SHA-256 of the client and the `jti`.
    pub(super) identity: [u8; 32],
    /// SHA-256 of the JWT.
    pub(super) token: [u8; 32],
    pub(super) time: OffsetDateTime,
}

/// The last requests, as JSON objects without their number. Nothing here makes or reads JSON, so
/// the lock around the log is held for moments only.
#[derive(Default)]
pub(in crate::dev_server) struct Log {
    last: u64,
    bytes: usize,
    entries: VecDeque<(u64, Entry)>,
}

/// A request as a JSON object, and the assertion that it used up, if it did.
pub(super) struct Entry {
    pub(super) json: Arc<str>,
    pub(super) spent: Option<Spent>,
}

impl Log {
    /// Maximum number of requests.
    const MOST: usize = 100;
    /// Maximum size of all of them, in bytes.
    const MAX_LEN: usize = 1 << 20;

    /// Adds a request, under the next number.
    pub(super) fn add(&mut self, entry: Entry) {
        self.last += 1;
        self.bytes += entry.json.len();
        self.entries.push_back((self.last, entry));
        while self.entries.len() > Self::MOST || self.bytes > Self::MAX_LEN {
            let Some((_, oldest)) = self.entries.pop_front() else { break };
            self.bytes -= oldest.json.len();
        }
    }

    /// The number of the last request.
    pub(super) const fn last(&self) -> u64 {
        self.last
    }

    /// The requests after that number, oldest first.
    pub(super) fn after(&self, number: u64) -> Vec<(u64, Arc<str>)> {
        let newer = self.entries.iter().filter(|(found, _)| *found > number);
        newer.map(|(number, entry)| (*number, Arc::clone(&entry.json))).collect()
    }

    /// The request that used up an assertion of this identity, if it is still in the log.
    pub(super) fn spent(&self, identity: &[u8; 32]) -> Option<(u64, Spent)> {
        let spent = |(number, entry): &(u64, Entry)| Some((*number, entry.spent?));
        self.entries.iter().rev().filter_map(spent).find(|(_, spent)| spent.identity == *identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(json: &str) -> Entry {
        Entry { json: json.into(), spent: None }
    }

    #[test]
    fn the_oldest_leave_by_number_and_by_size() {
        let mut log = Log::default();
        for number in 1..=250 {
            log.add(entry(&format!("entry {number}")));
        }
        assert_eq!((log.last(), log.entries.len()), (250, Log::MOST));
        assert_eq!(log.after(248), [(249, "entry 249".into()), (250, "entry 250".into())]);
        assert!(log.after(250).is_empty() && log.after(9_999).is_empty());
        for _ in 0..4 {
            log.add(entry(&"x".repeat(Log::MAX_LEN / 3)));
        }
        assert_eq!((log.entries.len(), log.bytes), (3, Log::MAX_LEN / 3 * 3));
        log.add(entry(&"x".repeat(Log::MAX_LEN + 1)));
        assert_eq!((log.entries.len(), log.bytes), (0, 0));
    }
}
