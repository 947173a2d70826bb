//! A build without a crypto backend stops with a message that names the features to turn on.

use std::path::Path;
use std::process::Command;

/// Uses the compiler of this cargo without the dependencies: building them again takes a minute,
/// and the message comes before anything is missing.
#[test]
fn without_a_backend_the_build_stops_with_its_sentence() {
    let output = Command::new(Path::new(env!("CARGO")).with_file_name("rustc"))
        .args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata", "--out-dir"])
        .args([env!("CARGO_TARGET_TMPDIR"), "src/lib.rs"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{text}");
    let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("error: private-key-jwt")).collect();
    assert_eq!(
        errors,
        ["error: private-key-jwt needs a crypto backend: turn on the feature `rustcrypto` or `aws-lc-rs`"],
        "{text}"
    );
}
