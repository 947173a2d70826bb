//! The examples, built.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// The features of this build, so that building the examples rebuilds nothing else.
const FEATURES: [(&str, bool); 12] = [
    ("client", cfg!(feature = "client")),
    ("rustls", cfg!(feature = "rustls")),
    ("native-tls", cfg!(feature = "native-tls")),
    ("rustcrypto", cfg!(feature = "rustcrypto")),
    ("aws-lc-rs", cfg!(feature = "aws-lc-rs")),
    ("cli", cfg!(feature = "cli")),
    ("tower", cfg!(feature = "tower")),
    ("axum", cfg!(feature = "axum")),
    ("reqwest-middleware", cfg!(feature = "reqwest-middleware")),
    ("redis", cfg!(feature = "redis")),
    ("metrics", cfg!(feature = "metrics")),
    ("rotation", cfg!(feature = "rotation")),
];

/// The examples of this set of features: name and program.
pub(crate) fn built() -> &'static BTreeMap<String, PathBuf> {
    static EXAMPLES: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    EXAMPLES.get_or_init(|| {
        let features: Vec<&str> = FEATURES.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
        let output = Command::new(env!("CARGO"))
            .args(["build", "--locked", "--examples", "--message-format", "json", "--no-default-features"])
            .args(["--features", &format!("dev-server,{}", features.join(","))])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let messages = String::from_utf8(output.stdout).unwrap();
        messages
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|message| message["target"]["kind"] == serde_json::json!(["example"]))
            .map(|example| {
                let name = example["target"]["name"].as_str().unwrap().to_owned();
                (name, example["executable"].as_str().unwrap().into())
            })
            .collect()
    })
}
