//! The figures of all rounds. A run can continue those of an earlier run, such as another build of
//! the same program.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::contenders::Error;

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Rounds {
    runs: usize,
    /// Operation, contender, and nanoseconds for each round.
    times: BTreeMap<String, BTreeMap<String, Vec<f64>>>,
}

impl Rounds {
    /// An empty or missing file is a new start.
    pub(crate) fn read(file: &Path) -> Result<Self, Error> {
        let found = if file.exists() { fs::read_to_string(file)? } else { String::new() };
        Ok(if found.is_empty() { Self::default() } else { serde_json::from_str(&found)? })
    }

    pub(crate) fn write(&self, file: &Path) -> Result<(), Error> {
        Ok(fs::write(file, serde_json::to_vec(self)?)?)
    }

    pub(crate) fn begin_run(&mut self) {
        self.runs += 1;
    }

    pub(crate) fn add(&mut self, operation: &str, contender: &str, times: Vec<f64>) {
        let contenders = self.times.entry(operation.to_owned()).or_default();
        contenders.entry(contender.to_owned()).or_default().extend(times);
    }

    pub(crate) fn times(&self, operation: &str, contender: &str) -> Option<&[f64]> {
        self.times.get(operation)?.get(contender).map(Vec::as_slice)
    }

    /// How many rounds and builds the figures come from.
    pub(crate) fn extent(&self) -> String {
        let rounds = self.times.values().flat_map(BTreeMap::values).map(Vec::len).max().unwrap_or(0);
        let runs = if self.runs == 1 { "1 run".to_owned() } else { format!("{} runs", self.runs) };
        format!("{rounds} rounds in {runs}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_adds_to_the_one_before() {
        let mut first = Rounds::default();
        first.begin_run();
        first.add("sign", "ours", vec![1.0, 2.0]);
        let text = serde_json::to_string(&first).unwrap();
        let mut second: Rounds = serde_json::from_str(&text).unwrap();
        second.begin_run();
        second.add("sign", "ours", vec![3.0]);
        assert_eq!(second.times("sign", "ours"), Some(&[1.0, 2.0, 3.0][..]));
        assert_eq!(second.times("sign", "theirs"), None);
        assert_eq!(second.extent(), "3 rounds in 2 runs");
    }
}
