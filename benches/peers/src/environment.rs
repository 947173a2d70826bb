//! The machine and the versions behind the figures. Nothing here is typed by hand.

use std::fmt::Write;
use std::process::Command;
use std::{env, fs, thread};

use time::OffsetDateTime;
use time::macros::format_description;

/// The crates that make a difference.
const CRATES: [&str; 19] = [
    "private-key-jwt",
    "jsonwebtoken",
    "jwt-simple",
    "superboring",
    "huskarl",
    "huskarl-crypto-native",
    "josekit",
    "jwtk",
    "openssl",
    "aws-lc-rs",
    "aws-lc-sys",
    "rsa",
    "p256",
    "p384",
    "p521",
    "ed25519-dalek",
    "ed25519-compact",
    "crypto-bigint",
    "sha2",
];

/// A list in Markdown.
pub(crate) fn describe() -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "- {name}: {value}");
    };
    let date =
        OffsetDateTime::now_utc().format(format_description!("[year]-[month]-[day] [hour]:[minute] UTC"));
    line("date", &date.unwrap_or_default());
    let cores = thread::available_parallelism().map_or(0, usize::from);
    line("machine", &format!("{}, {cores} cores, {}", processor(), ifma()));
    if let Ok(mask) = env::var("OPENSSL_ia32cap") {
        line("masked", &format!("`OPENSSL_ia32cap={mask}`"));
    }
    line("compiler", env!("PEERS_RUSTC"));
    line("OpenSSL", openssl::version::version());
    line("commit of private-key-jwt", &commit());
    line("crates", &versions(include_str!("../Cargo.lock"), &CRATES));
    line("crates of `apart/`", &versions(include_str!("../apart/Cargo.lock"), &CRATES));
    text
}

fn processor() -> String {
    let found = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = found.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| env::consts::ARCH.to_owned(), |(_, model)| model.trim().to_owned())
}

/// With this flag, AWS-LC and OpenSSL sign RSA-2048 more than twice as fast.
fn ifma() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    let found = is_x86_feature_detected!("avx512ifma");
    #[cfg(not(target_arch = "x86_64"))]
    let found = false;
    if found { "AVX-512 IFMA" } else { "no AVX-512 IFMA" }
}

fn commit() -> String {
    let git = Command::new("git")
        .args(["describe", "--always", "--dirty", "--exclude=*"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    let found = git.ok().filter(|output| output.status.success());
    found.map_or_else(
        || "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

/// The versions of these crates in a Cargo.lock. Some have several.
fn versions(lock: &str, crates: &[&str]) -> String {
    let locked: Vec<(&str, &str)> = lock
        .split("[[package]]")
        .filter_map(|package| {
            let value = |key| package.lines().find_map(|line| line.strip_prefix(key)?.strip_suffix('"'));
            Some((value("name = \"")?, value("version = \"")?))
        })
        .collect();
    let found = crates.iter().filter_map(|name| {
        let versions: Vec<&str> =
            locked.iter().filter(|(found, _)| found == name).map(|(_, version)| *version).collect();
        (!versions.is_empty()).then(|| format!("{name} {}", versions.join(" and ")))
    });
    found.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn versions_come_from_the_lock() {
        let lock = "version = 4\n\n[[package]]\nname = \"rsa\"\nversion = \"0.9.10\"\n\n[[package]]\nname = \"rsa\"\n\
                    version = \"0.10.0-rc.20\"\n\n[[package]]\nname = \"rsa-other\"\nversion = \"1.0.0\"\n";
        assert_eq!(super::versions(lock, &["p256", "rsa"]), "rsa 0.9.10 and 0.10.0-rc.20");
    }
}
