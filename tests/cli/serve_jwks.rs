//! `pkjwt serve-jwks`.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, ChildStdout, Stdio};

use private_key_jwt::JwkSet;
use serde_json::Value;

use crate::run::{Place, command, pkjwt, pkjwt_stdin, private_key, testdata};

/// `pkjwt serve-jwks` on a free port. It ends when the value is dropped.
struct Server {
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: Lines<BufReader<ChildStderr>>,
    url: url::Url,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut command = command(["serve-jwks", "--listen", "127.0.0.1:0"].iter().chain(arguments));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = stdout.next().unwrap().unwrap();
        let url = match line.strip_prefix("url: ") {
            Some(url) => url.to_owned(),
            None => serde_json::from_str::<Value>(&line).unwrap()["url"].as_str().unwrap().to_owned(),
        };
        Self { child, stdout, stderr, url: url.parse().unwrap() }
    }

    /// The next line on stdout, without its time.
    fn line(&mut self) -> String {
        let line = self.stdout.next().unwrap().unwrap();
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.len() == 20 && time.ends_with('Z'), "{line}");
        rest.to_owned()
    }

    /// The answer to a request with these header fields.
    fn ask(&self, request: &str, fields: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.url.authority()).unwrap();
        write!(stream, "{request} HTTP/1.1\r\nhost: {}\r\n{fields}\r\n", self.url.authority()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    fn jwks(&self) -> JwkSet {
        let (head, body) = self.ask(&format!("GET {}", self.url.path()), "");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        JwkSet::from_json(body.as_bytes()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().filter_map(|line| line.split_once(": ")).find_map(|(n, value)| (n == name).then_some(value))
}

fn names(set: &JwkSet) -> Vec<&str> {
    set.keys().iter().map(|key| key.key_id().unwrap().as_str()).collect()
}

/// A folder with these keys of testdata.
fn folder(place: &Place, stems: &[&str]) -> String {
    fs::create_dir(place.path("keys")).unwrap();
    for stem in stems {
        copy(place, stem);
    }
    place.name("keys")
}

fn copy(place: &Place, stem: &str) {
    put(place, stem, &fs::read_to_string(testdata(&format!("{stem}.pkcs8.pem"))).unwrap());
}

/// Writes a file of the folder in one step. The first key signs, and the others are
/// published.
fn put(place: &Place, stem: &str, content: &str) {
    let new = place.path("keys/.new");
    fs::write(&new, content).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&new, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    fs::rename(&new, place.path(&format!("keys/{}", file(stem)))).unwrap();
}

fn file(stem: &str) -> String {
    let year = if stem == "p256" { 2020 } else { 2120 };
    format!("{year}-01-01T00-00Z-{stem}.pem")
}

#[test]
fn serve_jwks_answers_as_caches_need_it() {
    let place = Place::new();
    let mut server = Server::start(&[&place.jwks("p256"), &testdata("p384.pkcs8.pem")]);
    assert_eq!(server.url.path(), "/jwks.json");
    let keys = ["p256", "p384"].map(private_key);
    let thumbprints = keys.each_ref().map(|key| key.thumbprint().to_string());
    assert_eq!(server.line(), format!("keys: {}", thumbprints.join(", ")));

    let (head, body) = server.ask("GET /jwks.json", "user-agent: as\"1\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    let set = JwkSet::from_json(body.as_bytes()).unwrap();
    assert_eq!(set.keys(), keys.map(|key| key.public_jwk().clone()));
    for (name, value) in [
        ("content-type", "application/jwk-set+json"),
        ("cache-control", "public, max-age=100"),
        ("access-control-allow-origin", "*"),
        ("x-content-type-options", "nosniff"),
        ("connection", "close"),
    ] {
        assert_eq!(field(&head, name), Some(value), "{head}");
    }
    assert_eq!(field(&head, "content-length"), Some(body.len().to_string().as_str()));
    let etag = field(&head, "etag").unwrap().to_owned();
    let (head, nothing) = server.ask("GET /jwks.json?x", &format!("if-none-match: W/{etag}\r\n"));
    assert!(head.starts_with("HTTP/1.1 304 Not Modified\r\n") && nothing.is_empty(), "{head}");
    assert_eq!(
        (field(&head, "etag"), field(&head, "cache-control")),
        (Some(&*etag), Some("public, max-age=100"))
    );
    let (head, nothing) = server.ask("HEAD /jwks.json", "");
    assert_eq!(field(&head, "content-length"), Some(body.len().to_string().as_str()));
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && nothing.is_empty(), "{head}");
    let (head, _) = server.ask("POST /jwks.json", "content-length: 0\r\n");
    assert!(head.starts_with("HTTP/1.1 405 ") && field(&head, "allow") == Some("GET, HEAD"), "{head}");
    assert!(server.ask("GET /", "").0.starts_with("HTTP/1.1 404 "));

    for expected in [
        r#"GET /jwks.json 200 user-agent="as\"1""#,
        "GET /jwks.json 304",
        "HEAD /jwks.json 200",
        "POST /jwks.json 405",
        "GET / 404",
    ] {
        assert_eq!(server.line(), expected);
    }
}

#[test]
fn serve_jwks_follows_its_files_and_keeps_the_last_good_set() {
    let place = Place::new();
    let keys = folder(&place, &["p256"]);
    fs::write(place.path("keys/.hidden"), "x").unwrap();
    fs::copy(testdata("p521.cert.pem"), place.path("keys/tls.crt")).unwrap();
    let mut server = Server::start(&[&keys, "--propagation", "30m", "--path", "/client/keys"]);
    let [p256, p384] = ["p256", "p384"].map(|stem| private_key(stem).thumbprint().to_string());
    assert_eq!(server.url.path(), "/client/keys");
    assert_eq!(server.line(), format!("keys: {p256}"));
    assert_eq!(names(&server.jwks()), [&*p256]);
    assert_eq!(server.line(), "GET /client/keys 200");
    assert_eq!(field(&server.ask("GET /client/keys", "").0, "cache-control"), Some("public, max-age=600"));
    assert_eq!(server.line(), "GET /client/keys 200");

    // A file that cannot be read changes nothing.
    let half = &fs::read_to_string(testdata("p384.pkcs8.pem")).unwrap()[..100];
    put(&place, "p384", half);
    let problem = server.stderr.next().unwrap().unwrap();
    assert!(problem.starts_with(&format!("pkjwt: {}: ", file("p384"))), "{problem}");
    assert!(problem.ends_with("; the keys that were read before stay"), "{problem}");
    assert_eq!(names(&server.jwks()), [&*p256]);
    assert_eq!(server.line(), "GET /client/keys 200");

    copy(&place, "p384");
    let ended = format!("pkjwt: {} can be used again", file("p384"));
    assert_eq!(server.stderr.next().unwrap().unwrap(), ended);
    let mut both = [&*p256, &*p384];
    both.sort_unstable();
    assert_eq!(server.line(), format!("keys: {}", both.join(", ")));
    assert_eq!(names(&server.jwks()), both);
    assert_eq!(server.line(), "GET /client/keys 200");

    // A folder that is gone for a moment is one problem.
    fs::rename(place.path("keys"), place.path("away")).unwrap();
    let problem = server.stderr.next().unwrap().unwrap();
    assert!(problem.starts_with("pkjwt: .: ") && problem.contains("No such file"), "{problem}");
    assert_eq!(names(&server.jwks()), both);
}

#[cfg(unix)]
#[test]
fn serve_jwks_ends_gracefully() {
    for signal in ["-INT", "-TERM"] {
        let place = Place::new();
        let mut server = Server::start(&[&place.jwks("p256"), "--json"]);
        let keys: Value = serde_json::from_str(&server.stdout.next().unwrap().unwrap()).unwrap();
        assert_eq!(keys["keys"], serde_json::json!([private_key("p256").thumbprint().to_string()]));
        assert!(keys["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{keys}");
        // A connection without a request does not hold it up.
        let idle = TcpStream::connect(server.url.authority()).unwrap();
        assert_eq!(server.jwks().keys().len(), 1);
        let request: Value = serde_json::from_str(&server.stdout.next().unwrap().unwrap()).unwrap();
        assert_eq!(request["request"], "GET /jwks.json 200");
        let pid = server.child.id().to_string();
        assert!(std::process::Command::new("kill").args([signal, &pid]).status().unwrap().success());
        assert_eq!(server.child.wait().unwrap().code(), Some(0), "{signal}");
        assert!(server.stdout.next().is_none() && server.stderr.next().is_none());
        drop(idle);
    }
}

#[test]
fn serve_jwks_refuses_what_it_cannot_serve() {
    let place = Place::new();
    let key = testdata("p256.pkcs8.pem");
    let serve = |more: &[&str]| pkjwt(["serve-jwks", "--listen", "127.0.0.1:0"].iter().chain(more));
    serve(&[]).clap();
    serve(&["no-such-file.pem"]).refused(&["no-such-file.pem", "No such file"]);
    pkjwt_stdin(["serve-jwks", "-"], b"x").usage(&["standard input cannot be read again"]);
    for (option, value) in [
        ("--listen", "127.0.0.1"),
        ("--path", "jwks.json"),
        ("--path", ""),
        ("--path", "*"),
        ("--path", "/a?b"),
        ("--path", "/a#b"),
        ("--path", "/a b"),
        ("--propagation", "0"),
        ("--propagation", "soon"),
        ("--alg", "none"),
    ] {
        serve(&[&key, option, value]).clap();
    }
    let keys = folder(&place, &[]);
    serve(&[&keys]).refused(&[&keys, "the folder has no key"]);
    copy(&place, "p256");
    serve(&[&keys, &key]).usage(&["expected one folder, or files; found both"]);
    serve(&[&keys, "--alg", "ES256"]).usage(&["--alg", "a folder's keys have their own"]);
    serve(&[&keys, "--entry", "a"]).usage(&["--entry", "names a key of one file"]);
    fs::rename(place.path(&format!("keys/{}", file("p256"))), place.path("keys/a.pem")).unwrap();
    copy(&place, "p384");
    serve(&[&keys]).refused(&["a.pem"]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    pkjwt(["serve-jwks", "--listen", &address, &key]).refused(&["--listen", "in use"]);
}

/// Both name the keys of a folder alike, so what is pasted is what is served.
#[test]
fn serve_jwks_serves_what_jwks_prints() {
    let place = Place::new();
    let keys = folder(&place, &["p256", "rsa2048", "ed25519"]);
    let server = Server::start(&[&keys]);
    let served = server.ask("GET /jwks.json", "").1;
    let printed = pkjwt(["jwks", "--json-string", &keys]);
    assert_eq!(serde_json::from_str::<String>(&printed.stdout).unwrap(), served);
    assert_eq!(JwkSet::from_json(pkjwt(["jwks", &keys]).stdout.as_bytes()).unwrap(), server.jwks());
    let mut expected = ["p256", "rsa2048", "ed25519"].map(|stem| private_key(stem).public_jwk().clone());
    expected.sort_by(|a, b| a.key_id().cmp(&b.key_id()));
    assert_eq!(server.jwks().keys(), expected);
}
