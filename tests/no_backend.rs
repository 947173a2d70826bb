//! A build without a crypto backend stops with a sentence that says which feature to turn on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;
use std::process::Command;

#[test]
fn without_a_backend_the_build_stops_with_its_sentence() {
    let output = Command::new(env!("CARGO"))
        .args(["check", "--lib", "--locked", "--no-default-features", "--target-dir"])
        // A folder of its own: the one around this test is locked by the cargo that runs it.
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-backend"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{text}");
    let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("error: private-key-jwt")).collect();
    assert_eq!(
        errors,
        ["error: private-key-jwt needs a crypto backend: turn on the feature `rustcrypto`"],
        "{text}"
    );
}
