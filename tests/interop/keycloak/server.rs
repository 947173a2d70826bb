//! The server: installed where it is missing, and started with its realm.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::realm::realm;
use crate::peers::{install, maven};

const VERSION: &str = "26.7.3";

/// The issuer of the realm, once the server answers.
pub(crate) fn keycloak() -> &'static str {
    static SERVER: OnceLock<(String, Child)> = OnceLock::new();
    &SERVER.get_or_init(start).0
}

fn start() -> (String, Child) {
    let home = installed();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let import = home.join("data/import");
    std::fs::create_dir_all(&import).unwrap();
    std::fs::write(import.join("pkjwt-realm.json"), realm().to_string()).unwrap();
    // The shell ends the server when its own input ends, which is when the test does.
    let script = "bash \"$0\" \"$@\" </dev/null >keycloak.log 2>&1 & cat >/dev/null; kill $!";
    let mut command = Command::new("bash");
    command.current_dir(&home).args(["-c", script, "bin/kc.sh", "start-dev", "--import-realm"]);
    command.args(["--db=dev-mem", "--cache=local", "--http-host=127.0.0.1"]);
    command.args([format!("--http-port={port}"), format!("--hostname={url}")]);
    command.env("JAVA_OPTS_KC_HEAP", "-Xms64m -Xmx640m");
    let child = command.stdin(Stdio::piped()).spawn();
    let child = child.unwrap_or_else(|error| panic!("the interop suite needs `bash`: {error}"));
    let issuer = format!("{url}/realms/pkjwt");
    let begun = Instant::now();
    while !answers(port) {
        let log = || std::fs::read_to_string(home.join("keycloak.log")).unwrap_or_default();
        assert!(begun.elapsed() < Duration::from_secs(600), "Keycloak did not start: {}", log());
        std::thread::sleep(Duration::from_millis(500));
    }
    (issuer, child)
}

/// Whether the realm's metadata is available.
fn answers(port: u16) -> bool {
    let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", port)) else { return false };
    let path = "/realms/pkjwt/.well-known/openid-configuration";
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    let mut line = String::new();
    stream.write_all(request.as_bytes()).is_ok()
        && BufReader::new(stream).read_line(&mut line).is_ok()
        && line.contains(" 200 ")
}

/// The folder of the distribution.
fn installed() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("keycloak");
    let home = folder.join(format!("keycloak-{VERSION}"));
    let archive = folder.join(format!("keycloak-quarkus-dist-{VERSION}.zip"));
    if !home.join("bin/kc.sh").exists() {
        std::fs::create_dir_all(&folder).unwrap();
        let artifact = format!("-Dartifact=org.keycloak:keycloak-quarkus-dist:{VERSION}:zip");
        let mut copy = Command::new("mvn");
        copy.args(["dependency:copy", &artifact]);
        maven("Keycloak", copy.arg(format!("-DoutputDirectory={}", folder.display())).current_dir(&folder));
        let mut python = Command::new("python3");
        install("Keycloak", python.args(["-m", "zipfile", "-e"]).args([&archive, &folder]));
        std::fs::remove_file(archive).unwrap();
    }
    home
}
