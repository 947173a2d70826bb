//! The last requests, bounded by their number and their size.

use std::collections::VecDeque;

/// The last requests, as JSON objects.
#[derive(Default)]
pub(in crate::dev_server) struct Log {
    last: u64,
    bytes: usize,
    entries: VecDeque<(u64, String)>,
}

impl Log {
    /// Maximum number of requests.
    const MOST: usize = 100;
    /// Maximum size of all of them, in bytes.
    const MAX_LEN: usize = 1 << 20;

    /// Adds a request. Its JSON is made by `entry` from its number.
    pub(super) fn add(&mut self, entry: impl FnOnce(u64) -> String) {
        self.last += 1;
        let entry = entry(self.last);
        self.bytes += entry.len();
        self.entries.push_back((self.last, entry));
        while self.entries.len() > Self::MOST || self.bytes > Self::MAX_LEN {
            let Some((_, oldest)) = self.entries.pop_front() else { break };
            self.bytes -= oldest.len();
        }
    }

    /// The number of the last request.
    pub(super) const fn last(&self) -> u64 {
        self.last
    }

    /// The requests after that number, oldest first, as a JSON array.
    pub(super) fn after(&self, number: u64) -> String {
        let newer = self.entries.iter().filter(|(found, _)| *found > number);
        let newer: Vec<&str> = newer.map(|(_, entry)| entry.as_str()).collect();
        format!("[{}]", newer.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_leave_by_number_and_by_size() {
        let mut log = Log::default();
        for _ in 0..250 {
            log.add(|number| number.to_string());
        }
        assert_eq!((log.last(), log.entries.len()), (250, Log::MOST));
        assert_eq!(log.after(248), "[249,250]");
        assert_eq!(log.after(250), "[]");
        assert_eq!(log.after(9_999), "[]");
        for _ in 0..4 {
            log.add(|_| "x".repeat(Log::MAX_LEN / 3));
        }
        assert_eq!((log.entries.len(), log.bytes), (3, Log::MAX_LEN / 3 * 3));
        log.add(|_| "x".repeat(Log::MAX_LEN + 1));
        assert_eq!((log.entries.len(), log.bytes), (0, 0));
    }
}
