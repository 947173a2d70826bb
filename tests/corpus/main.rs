//! Third-party keys, tokens and JSON texts, none of which are in this repository.
//!
//! `PRIVATE_KEY_JWT_CORPUS` names the folder; CONTRIBUTING.md has the command, and `.ci/run` sets
//! the variable. Without it the suite fails: it is not part of a plain `cargo test`, so nothing is
//! skipped silently. The assertions, counts included, hold for that folder as it is; a file that is
//! added there needs an assertion here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod jose;
mod json;
mod keys;

use std::path::{Path, PathBuf};

const VARIABLE: &str = "PRIVATE_KEY_JWT_CORPUS";

/// The folder. Cargo runs a test in the package's own folder, so a relative name starts there.
fn corpus() -> PathBuf {
    let folder = std::env::var_os(VARIABLE).unwrap_or_else(|| panic!("{VARIABLE} does not name the corpus"));
    let folder = PathBuf::from(folder);
    assert!(folder.join("KEY_ORACLE.csv").is_file(), "{VARIABLE}: no corpus in {}", folder.display());
    folder
}

fn read(file: &str) -> Vec<u8> {
    std::fs::read(corpus().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn text(file: &str) -> String {
    String::from_utf8(read(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn json(file: &str) -> serde_json::Value {
    serde_json::from_slice(&read(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The files below a folder of the corpus, by their path in it, sorted.
fn files(below: &str) -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let root = corpus();
    let mut found = Vec::new();
    walk(&root.join(below), &mut found);
    let mut names: Vec<String> =
        found.iter().map(|path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn hex(digits: &str) -> Vec<u8> {
    assert!(digits.len().is_multiple_of(2), "{digits}");
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn base64url(bytes: &[u8]) -> String {
    use base64ct::{Base64UrlUnpadded, Encoding};
    Base64UrlUnpadded::encode_string(bytes)
}
