//! One run of the real `pkjwt`, and the files that it is given.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use private_key_jwt::jose::CompactJws;
use private_key_jwt::{JwkSet, PrivateKey};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const AUDIENCE: &str = "https://as.example";
pub(crate) const PASSPHRASE: &str = "correct horse";
/// The keys of testdata/keys, one of each kind, with the algorithm that follows from each.
pub(crate) const KEYS: [(&str, &str); 5] =
    [("rsa2048", "RS256"), ("p256", "ES256"), ("p384", "ES384"), ("p521", "ES512"), ("ed25519", "EdDSA")];

/// The result of a run.
pub(crate) struct Run {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Success: a result on stdout, and an empty stderr.
    #[track_caller]
    pub(crate) fn done(self) -> String {
        assert_eq!((self.status, self.stderr.as_str()), (Some(0), ""), "{}", self.stdout);
        self.stdout
    }

    /// Refused or failed: one line on stderr with these words, a line for each likely cause of a
    /// refusal, and an empty stdout.
    #[track_caller]
    pub(crate) fn refused(self, words: &[&str]) -> String {
        self.ended(1, words)
    }

    /// Wrong usage, found by pkjwt itself and not by clap: one line too.
    #[track_caller]
    pub(crate) fn usage(self, words: &[&str]) -> String {
        self.ended(2, words)
    }

    #[track_caller]
    fn ended(self, status: i32, words: &[&str]) -> String {
        assert_eq!((self.status, self.stdout.as_str()), (Some(status), ""), "{}", self.stderr);
        let is_cause = |line: &str| line.starts_with("  ") && line.contains("cause: ") && status == 1;
        assert!(self.stderr.starts_with("pkjwt: "), "{}", self.stderr);
        assert!(self.stderr.lines().skip(1).all(is_cause), "{}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "no `{word}` in {}", self.stderr);
        }
        self.stderr
    }

    /// Wrong usage, found by clap.
    #[track_caller]
    pub(crate) fn clap(self) {
        assert_eq!((self.status, self.stdout.as_str()), (Some(2), ""), "{}", self.stderr);
        assert!(self.stderr.starts_with("error: "), "{}", self.stderr);
    }
}

/// The working directory of every run. Commands write only where they are told to, so it stays
/// empty.
pub(crate) static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pkjwt");
    fs::create_dir_all(&folder).unwrap();
    folder
});

/// Fails if a run left something in its working directory.
#[track_caller]
fn check_folder() {
    let names: Vec<_> = fs::read_dir(&*FOLDER).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.is_empty(), "left in the working directory: {names:?}");
}

pub(crate) fn command<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pkjwt"));
    command.args(arguments).stdin(Stdio::null()).current_dir(&*FOLDER);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PKJWT_")) {
        command.env_remove(name);
    }
    command
}

pub(crate) fn finish(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    check_folder();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

pub(crate) fn pkjwt<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Run {
    finish(&mut command(arguments))
}

/// With an environment variable.
pub(crate) fn pkjwt_env<S: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = S>,
    name: &str,
    value: &str,
) -> Run {
    pkjwt_envs(arguments, &[(name, value)])
}

/// With environment variables.
pub(crate) fn pkjwt_envs<S: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = S>,
    variables: &[(&str, &str)],
) -> Run {
    finish(command(arguments).envs(variables.iter().copied()))
}

/// With something on standard input.
pub(crate) fn pkjwt_stdin<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>, input: &[u8]) -> Run {
    let mut command = command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Less than a pipe holds, so nothing has to read meanwhile. It is fine if the child reads
    // nothing.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    check_folder();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

pub(crate) fn testdata(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/keys").join(name).to_str().unwrap().to_owned()
}

pub(crate) fn private_key(stem: &str) -> PrivateKey {
    PrivateKey::from_file(testdata(&format!("{stem}.pkcs8.pem"))).unwrap()
}

/// A directory of its own for a test.
pub(crate) struct Place(pub(crate) TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn name(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn put(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), content).unwrap();
        self.name(name)
    }

    /// A file that only its owner may read.
    pub(crate) fn put_private(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let name_of_file = self.put(name, content);
        #[cfg(unix)]
        fs::set_permissions(self.path(name), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        name_of_file
    }

    /// The public JWK Set of a key of testdata.
    pub(crate) fn jwks(&self, stem: &str) -> String {
        self.put(&format!("{stem}.jwks.json"), JwkSet::from(private_key(stem).public_jwk().clone()).to_json())
    }
}

pub(crate) fn assert_command(key: &str, more: &[&str]) -> Vec<String> {
    let arguments = ["assert", "--key", key, "--client-id", "client", "--audience", AUDIENCE];
    arguments.iter().chain(more).map(|argument| (*argument).to_owned()).collect()
}

pub(crate) fn assertion(key: &str, more: &[&str]) -> String {
    let line = pkjwt(assert_command(key, more)).done();
    line.strip_suffix('\n').unwrap().to_owned()
}

/// Header and claims.
pub(crate) fn decode(jwt: &str) -> (Value, Value) {
    let jws = CompactJws::parse(jwt).unwrap();
    let payload = serde_json::from_slice(jws.payload()).unwrap();
    // The header as the server sees it; the library keeps only what it uses.
    let header = jwt.split('.').next().unwrap();
    (serde_json::from_slice(&base64url(header)).unwrap(), payload)
}

pub(crate) fn base64url(text: &str) -> Vec<u8> {
    use base64ct::{Base64UrlUnpadded, Encoding};
    Base64UrlUnpadded::decode_vec(text).unwrap()
}

pub(crate) fn to_base64url(bytes: impl AsRef<[u8]>) -> String {
    use base64ct::{Base64UrlUnpadded, Encoding};
    Base64UrlUnpadded::encode_string(bytes.as_ref())
}
