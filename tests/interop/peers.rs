//! The peers: installed where they are missing, started, and ended.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use serde_json::{Value, json};

use crate::{ALGORITHMS, jwks};

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop")
}

/// Runs a command to its end and returns its output.
pub(crate) fn run(command: &mut Command, stdin: &str) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("the interop suite needs `{name}`: {error}"))?;
    // A command that does not read its input closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(format!("{name}: {}: {} {}", output.status, text(&output.stdout), text(&output.stderr)))
    }
}

/// Runs Maven, one process at a time: processes cannot share its local repository.
pub(crate) fn maven(command: &mut Command) {
    static REPOSITORY: Mutex<()> = Mutex::new(());
    let guard = REPOSITORY.lock();
    let result = run(command, "");
    drop(guard);
    result.unwrap();
}

/// Node, with the npm packages of the lock file, which are installed once.
pub(crate) fn node(script: &str) -> Command {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let changed =
            |path: &str| std::fs::metadata(folder().join(path)).and_then(|file| file.modified()).ok();
        let installed = changed("node_modules/.package-lock.json");
        if installed.is_none() || installed < changed("package-lock.json") {
            run(Command::new("npm").arg("ci").current_dir(folder()), "").unwrap();
        }
    });
    let mut command = Command::new("node");
    command.arg(folder().join(script));
    command
}

/// A Python with the packages of `requirements.txt`, installed once below the target directory.
pub(crate) fn python(script: &str) -> Command {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    let python = INSTALLED.get_or_init(|| {
        let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("interop-venv");
        let (python, installed) = (venv.join("bin/python"), venv.join("requirements.txt"));
        let requirements = folder().join("requirements.txt");
        let wanted = std::fs::read(&requirements).unwrap();
        if std::fs::read(&installed).ok().as_ref() != Some(&wanted) {
            run(Command::new("python3").args(["-m", "venv"]).arg(&venv), "").unwrap();
            let mut pip = Command::new(&python);
            run(pip.args(["-m", "pip", "install", "--quiet", "-r"]).arg(requirements), "").unwrap();
            std::fs::write(installed, wanted).unwrap();
        }
        python
    });
    let mut command = Command::new(python);
    command.arg(folder().join(script));
    command
}

/// A running server. It ends when its input does.
pub(crate) struct Server {
    pub(crate) issuer: String,
    _process: Child,
    _config: tempfile::NamedTempFile,
}

/// Starts a server. Its first line of output is its issuer.
pub(crate) fn start(mut program: Command, config: &Value) -> Server {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(config.to_string().as_bytes()).unwrap();
    let name = program.get_program().to_string_lossy().into_owned();
    let mut process = program
        .arg(file.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("the interop suite needs `{name}`: {error}"));
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let issuer =
        line.trim().strip_prefix("ISSUER ").unwrap_or_else(|| panic!("not an issuer: {line:?}")).to_owned();
    Server { issuer, _process: process, _config: file }
}

/// oidc-provider, with one client for each algorithm, named after it.
pub(crate) fn oidc_provider() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let clients = ALGORITHMS.map(|(algorithm, file)| {
            json!({"client_id": algorithm.as_str(), "jwks": jwks(algorithm, file),
                "token_endpoint_auth_signing_alg": algorithm.as_str()})
        });
        start(node("server.mjs"), &json!({ "clients": clients }))
    })
}

/// Authlib, with one client for each algorithm, named after it, and one issuer of JWT grants.
pub(crate) fn authlib() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let clients = ALGORITHMS
            .map(|(algorithm, file)| json!({"client_id": algorithm.as_str(), "jwks": jwks(algorithm, file)}));
        let issuers = ALGORITHMS.map(|(algorithm, file)| {
            json!({"issuer": format!("https://sts.example/{algorithm}"), "jwks": jwks(algorithm, file)})
        });
        start(python("authlib_server.py"), &json!({ "clients": clients, "issuers": issuers }))
    })
}
