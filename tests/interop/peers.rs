//! The peers: installed where they are missing, started, and ended.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use private_key_jwt::Algorithm;
use serde_json::{Value, json};

use crate::{ALGORITHMS, FAPI_ALGORITHMS, jwks};

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

/// Runs a command that installs this.
pub(crate) fn install(what: &str, command: &mut Command) {
    run(command, "").unwrap_or_else(|error| panic!("{what} cannot be installed: {error}"));
}

/// Installs this with Maven, one process at a time: processes cannot share its local repository.
pub(crate) fn maven(what: &str, command: &mut Command) {
    static REPOSITORY: Mutex<()> = Mutex::new(());
    let guard = REPOSITORY.lock();
    let result = run(command.args(["--batch-mode", "--quiet"]), "");
    drop(guard);
    result.unwrap_or_else(|error| panic!("{what} cannot be installed: {error}"));
}

/// Compiles a Java module of this folder below the target directory. Returns its class path.
pub(crate) fn class_path(what: &str, source: &str) -> String {
    let target = target(source);
    let path = target.join("class-path");
    let mut build = Command::new("mvn");
    build.args(["compile", "dependency:build-classpath"]);
    build.arg(format!("-Doutput={}", target.display())).arg(format!("-Dmdep.outputFile={}", path.display()));
    maven(what, build.current_dir(folder().join(source)));
    format!("{}:{}", target.join("classes").display(), std::fs::read_to_string(path).unwrap().trim())
}

/// Compiles a Go program of this folder below the target directory.
pub(crate) fn go(what: &str, source: &str) -> PathBuf {
    go_with_tags(what, source, "")
}

fn go_with_tags(what: &str, source: &str, tags: &str) -> PathBuf {
    let program = target(source);
    let mut build = Command::new("go");
    build.args(["build", "-mod=readonly", "-tags", tags, "-o"]).arg(&program).arg(".");
    install(what, build.current_dir(folder().join(source)));
    program
}

/// The place below the target directory for the output of a compiler.
pub(crate) fn target(source: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("interop-{}", source.replace('/', "-")))
}

/// Node, with the npm packages of the lock file, which are installed once.
pub(crate) fn node(script: &str) -> Command {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let changed =
            |path: &str| std::fs::metadata(folder().join(path)).and_then(|file| file.modified()).ok();
        let installed = changed("node_modules/.package-lock.json");
        if installed.is_none() || installed < changed("package-lock.json") {
            install("the npm packages", Command::new("npm").arg("ci").current_dir(folder()));
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
            install("the Python environment", Command::new("python3").args(["-m", "venv"]).arg(&venv));
            let mut pip = Command::new(&python);
            install(
                "the PyPI packages",
                pip.args(["-m", "pip", "install", "--quiet", "-r"]).arg(requirements),
            );
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
pub(crate) fn start(name: &str, mut program: Command, config: &Value) -> Server {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(config.to_string().as_bytes()).unwrap();
    let mut process = program
        .arg(file.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{name} cannot be started: {program:?}: {error}"));
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let issuer = line.trim().strip_prefix("ISSUER ");
    let issuer = issuer.unwrap_or_else(|| panic!("{name} did not start: {line:?}")).to_owned();
    Server { issuer, _process: process, _config: file }
}

/// oidc-provider, with one client for each algorithm, named after it.
pub(crate) fn oidc_provider() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        start("oidc-provider", node("server.mjs"), &json!({ "clients": ALGORITHMS.map(registered) }))
    })
}

/// oidc-provider under FAPI 2.0, with one client for each of its algorithms, named after it.
pub(crate) fn fapi_provider() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let clients: Vec<Value> = FAPI_ALGORITHMS.into_iter().map(registered).collect();
        start("oidc-provider", node("server.mjs"), &json!({ "fapi": true, "clients": clients }))
    })
}

/// A client, its keys by value.
fn registered((algorithm, file): (Algorithm, &str)) -> Value {
    json!({"client_id": algorithm.as_str(), "jwks": jwks(algorithm, file),
        "token_endpoint_auth_signing_alg": algorithm.as_str()})
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
        start("Authlib", python("authlib_server.py"), &json!({ "clients": clients, "issuers": issuers }))
    })
}

/// The example server of zitadel/oidc, with one client for each algorithm, named after it.
pub(crate) fn zitadel() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let program = Command::new(go("zitadel/oidc", "servers/zitadel"));
        start("zitadel/oidc", program, &json!({ "clients": ALGORITHMS.map(registered) }))
    })
}

/// Spring Authorization Server, with one client for each of its algorithms, named after it, and one
/// whose keys rotate. It reads their keys below this URL.
pub(crate) fn spring(published: &str) -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let mut program = Command::new("java");
        program.args([
            "-XX:TieredStopAtLevel=1",
            "-cp",
            &class_path("Spring Authorization Server", "servers/spring"),
            "Server",
        ]);
        let client = |client_id: &str, algorithm: &str| {
            json!({"client_id": client_id, "jwks_uri": format!("{published}/{client_id}"),
                "token_endpoint_auth_signing_alg": algorithm})
        };
        let named =
            ALGORITHMS[..9].iter().map(|(algorithm, _)| client(algorithm.as_str(), algorithm.as_str()));
        let clients: Vec<Value> = named.chain([client("rotates-at-spring", "ES256")]).collect();
        start("Spring Authorization Server", program, &json!({ "clients": clients }))
    })
}

/// Ory Hydra, with two clients for each of its algorithms: one is named after it, and the keys of
/// the other, whose name begins with `url-`, are below this URL.
pub(crate) fn hydra(published: &str) -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let program = Command::new(go_with_tags("Ory Hydra", "servers/hydra", "sqlite"));
        let by_url = |(algorithm, _): (Algorithm, &str)| {
            json!({"client_id": format!("url-{algorithm}"), "jwks_uri": format!("{published}/{algorithm}"),
                "token_endpoint_auth_signing_alg": algorithm.as_str()})
        };
        let of_hydra = ALGORITHMS[..9].iter().copied();
        let clients: Vec<Value> = of_hydra.clone().map(registered).chain(of_hydra.map(by_url)).collect();
        start("Ory Hydra", program, &json!({ "clients": clients }))
    })
}

/// Canaille, with two clients for each of its algorithms: one is named after it, and the keys of
/// the other, whose name begins with `url-`, are below this URL.
pub(crate) fn canaille(published: &str) -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let by_url = |(algorithm, _): (Algorithm, &str)| {
            json!({"client_id": format!("url-{algorithm}"), "jwks_uri": format!("{published}/{algorithm}")})
        };
        let clients: Vec<Value> =
            ALGORITHMS.into_iter().map(registered).chain(ALGORITHMS.into_iter().map(by_url)).collect();
        start("Canaille", python("canaille_server.py"), &json!({ "clients": clients }))
    })
}
