//! The dependencies of a program for a choice of features: `cargo tree` of this package, without
//! its tests.

use std::collections::BTreeSet;
use std::process::Command;

/// Name and version of every crate, as `cargo build` resolves them.
fn tree(features: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(["--no-default-features", "--features", features])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    // After name and version come marks of procedural macros and of crates shown before.
    let crates: BTreeSet<String> =
        text.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    assert!(crates.iter().any(|name| name.starts_with("private-key-jwt ")), "{features}: {crates:?}");
    crates
}

fn has(crates: &BTreeSet<String>, name: &str) -> bool {
    crates.iter().any(|krate| krate.split(' ').next() == Some(name))
}

#[test]
fn with_aws_lc_alone_there_is_no_second_rsa_or_ecdsa() {
    for features in
        ["aws-lc-rs", "aws-lc-rs,client,rustls", "aws-lc-rs,client,native-tls", "aws-lc-rs,rustls,cli"]
    {
        let crates = tree(features);
        assert!(has(&crates, "aws-lc-rs"), "{features}");
        for name in ["rsa", "p256", "p384", "p521", "ecdsa", "elliptic-curve", "ed25519-dalek", "signature"] {
            assert!(!has(&crates, name), "{features}: {name}");
        }
    }
}

#[test]
fn aws_lc_adds_no_crate_to_those_of_the_client_with_rustls() {
    let without = tree("client,rustls");
    let with = tree("client,rustls,aws-lc-rs");
    assert_eq!(with.difference(&without).collect::<Vec<_>>(), Vec::<&String>::new());
    // The dependency of aws-lc-rs's features `ring-io` and `ring-sig-verify`.
    assert!(!with.contains("untrusted v0.7.1"));
}

/// Four crates, none of them in two versions, and no second RSA or ECDSA.
#[test]
fn pkcs12_adds_its_derivation_and_the_old_ciphers() {
    for without in ["aws-lc-rs", "rustcrypto", "client,rustls,rustcrypto"] {
        let more = tree(&format!("{without},pkcs12"));
        let mut added: BTreeSet<String> = more.difference(&tree(without)).cloned().collect();
        added = added.iter().map(|krate| krate.split(' ').next().unwrap().to_owned()).collect();
        assert_eq!(added.into_iter().collect::<Vec<_>>(), ["cms", "des", "pkcs12", "rc2"], "{without}");
        assert!(without.contains("rustcrypto") || !has(&more, "rsa") && !has(&more, "elliptic-curve"));
    }
}

/// Spans and events need no feature: reqwest brings `tracing` with either TLS.
#[test]
fn tracing_is_there_with_reqwest() {
    for features in ["rustcrypto,client", "rustcrypto,client,rustls", "rustcrypto,client,native-tls"] {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--locked", "--edges", "normal", "--no-default-features", "--features", features])
            .args(["--invert", "tracing", "--prefix", "none", "--format", "{p}"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        let tree = String::from_utf8(output.stdout).unwrap();
        assert!(tree.lines().any(|line| line.starts_with("hyper-util ")), "{features}: {tree}");
    }
}

#[test]
fn with_rustcrypto_alone_there_is_no_aws_lc() {
    let crates = tree("rustcrypto");
    assert!(has(&crates, "rsa") && has(&crates, "p256"));
    for name in ["aws-lc-rs", "aws-lc-sys"] {
        assert!(!has(&crates, name), "{name}");
    }
    // No I/O either.
    for name in ["reqwest", "hyper", "tokio", "rustls"] {
        assert!(!has(&crates, name), "{name}");
    }
}

#[test]
fn redis_brings_no_http_and_no_tls() {
    let crates = tree("rustcrypto,redis");
    assert!(has(&crates, "redis") && has(&crates, "tokio"));
    for name in ["reqwest", "hyper", "rustls", "native-tls", "aws-lc-rs"] {
        assert!(!has(&crates, name), "{name}");
    }
    assert!(!has(&tree("rustcrypto,client,rustls"), "redis"));
}

/// The two crates of its traits are in reqwest's own tree.
#[test]
fn tower_adds_no_crate_to_those_of_the_client() {
    let (without, with) = (tree("rustcrypto,client,rustls"), tree("rustcrypto,client,rustls,tower"));
    assert_eq!(with.difference(&without).collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(has(&with, "tower-layer") && !has(&with, "axum"));
}

/// The facade and a hash.
#[test]
fn metrics_adds_two_crates_to_those_of_the_client() {
    let (without, with) = (tree("rustcrypto,client,rustls"), tree("rustcrypto,client,rustls,metrics"));
    let added: Vec<&str> = with.difference(&without).filter_map(|krate| krate.split(' ').next()).collect();
    assert_eq!(added, ["metrics", "rapidhash"]);
}

/// The extractor traits of axum, without its router.
#[test]
fn axum_adds_two_crates_to_those_of_the_client() {
    let (without, with) = (tree("rustcrypto,client,rustls"), tree("rustcrypto,client,rustls,axum"));
    let added: Vec<&str> = with.difference(&without).filter_map(|krate| krate.split(' ').next()).collect();
    assert_eq!(added, ["axum-core", "mime"]);
}
