//! Builds `apart/`, which has a Cargo.lock of its own, and notes the compiler.
//!
//! `PEERS_LAYOUT=7` shuffles the functions of the program and of the library with that seed. Where
//! the linker puts a loop can cost more than the difference to be measured, so a figure should come
//! from several layouts. Needs lld.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=apart/Cargo.toml");
    println!("cargo::rerun-if-changed=apart/Cargo.lock");
    println!("cargo::rerun-if-changed=apart/src");
    println!("cargo::rerun-if-env-changed=PEERS_LAYOUT");

    let rustc = Command::new(env::var_os("RUSTC").expect("cargo sets it")).arg("--version").output();
    let version = rustc.expect("the compiler that cargo found").stdout;
    println!("cargo::rustc-env=PEERS_RUSTC={}", String::from_utf8_lossy(&version).trim());

    // A target directory inside this build's own, because the outer cargo holds the lock of the
    // other one.
    let target = Path::new(&env::var_os("OUT_DIR").expect("cargo sets it")).join("apart");
    let mut build = Command::new(env::var_os("CARGO").expect("cargo sets it"));
    build
        .args(["rustc", "--release", "--locked", "--manifest-path", "apart/Cargo.toml", "--target-dir"])
        .arg(&target)
        // Clippy and similar tools set these; the library must be compiled.
        .env_remove("RUSTC_WORKSPACE_WRAPPER");
    if let Ok(seed) = env::var("PEERS_LAYOUT") {
        let shuffle = format!("-Wl,--shuffle-sections=.text*={seed}");
        println!("cargo::rustc-link-arg-bins={shuffle}");
        build.args(["--", "-C", &format!("link-arg={shuffle}")]);
    }
    let built = build.status().expect("cargo runs");
    assert!(built.success(), "apart/ does not build");
    let library = format!("{}peers_apart{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    println!("cargo::rustc-env=PEERS_APART={}", target.join("release").join(library).display());
}
