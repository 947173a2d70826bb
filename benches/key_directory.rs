//! What watching a folder of 100 keys costs: the CPU time of the whole process for one look at a
//! folder that did not change, and for a minute of polling.
//!
//! `cargo bench --bench key_directory` prints one table. It reads the CPU time of each thread from
//! Linux, so it does not use criterion.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::time::Duration;

use private_key_jwt::rotation::KeyDirectory;
use private_key_jwt::{Algorithm, PrivateKey};

const KEYS: usize = 100;

fn main() {
    // `cargo test --benches` passes no `--bench`: run once, quickly.
    let looks = if std::env::args().any(|argument| argument == "--bench") { 2000 } else { 1 };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!("| folder of {KEYS} keys | CPU of a look | of a minute |");
    println!("| --- | --- | --- |");
    for has_manifest in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let mut manifest = String::new();
        for number in 0..KEYS {
            let name = format!("20{number:02}-12-01T00-00Z.pem");
            let path = folder.path().join(&name);
            let pem = PrivateKey::generate(Algorithm::ES256).unwrap().to_pem().unwrap();
            std::fs::write(&path, pem.as_bytes()).unwrap();
            #[cfg(unix)]
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
            manifest += &format!("[[key]]\nfile = \"{name}\"\nactivate = 20{number:02}-12-01T00:00:00Z\n");
        }
        if has_manifest {
            std::fs::write(folder.path().join("keys.toml"), manifest).unwrap();
        }
        let keys = runtime.block_on(KeyDirectory::builder(folder.path()).without_watching().open()).unwrap();
        // Files that were written a moment ago are read once more.
        std::thread::sleep(Duration::from_millis(2100));
        runtime.block_on(keys.refresh());
        let before = cpu();
        for _ in 0..looks {
            runtime.block_on(keys.refresh());
        }
        let look = (cpu() - before) / looks;
        let polls = 60.0 / KeyDirectory::POLL_INTERVAL.as_secs_f64();
        let name = if has_manifest { "with a manifest" } else { "by names" };
        println!("| {name} | {look:?} | {:?} |", look.mul_f64(polls));
    }
}

/// The CPU time of all threads so far.
fn cpu() -> Duration {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return Duration::ZERO };
    let of_thread = |thread: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    };
    threads.filter_map(of_thread).sum()
}
