//! `pkjwt token` for a user who logs in, on another device or in a browser on this machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Stdio};
use std::sync::mpsc::Receiver;

use private_key_jwt::oauth::CodeVerifier;
use serde_json::Value;

use crate::run::{Place, Run, command, decode, pkjwt_stdin};
use crate::server::{Answer, Server, recording, token_command};
use crate::support::loopback::Request;

const TOKEN: Answer = (
    "200 OK",
    r#"{"access_token":"t","token_type":"Bearer","expires_in":60,"refresh_token":"r","id_token":"i"}"#,
);

/// A `pkjwt token` that waits for a login, and its output so far.
struct Waiting {
    child: Child,
    stderr: BufReader<ChildStderr>,
    requests: Receiver<Request>,
}

impl Waiting {
    /// With a real server.
    fn at(issuer: &str, more: &[&str]) -> Self {
        Self::run(token_command(["--issuer", issuer], "p256", more), std::sync::mpsc::channel().1)
    }

    /// With a server that gives these answers, and has this endpoint besides the token endpoint.
    fn start(answers: Vec<Answer>, endpoint: &str, more: &[&str]) -> Self {
        let (url, requests) = recording(answers);
        let endpoint = format!("{endpoint}={url}/start");
        let more: Vec<&str> = ["--endpoint", &endpoint].into_iter().chain(more.iter().copied()).collect();
        Self::run(token_command(["--token-endpoint", &format!("{url}/token")], "p256", &more), requests)
    }

    fn run(arguments: Vec<String>, requests: Receiver<Request>) -> Self {
        let mut command = command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr, requests }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).unwrap();
        line
    }

    fn request(&self) -> Request {
        self.requests.recv().unwrap()
    }

    fn end(mut self) -> Run {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stderr.read_to_string(&mut stderr).unwrap();
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        Run { status: self.child.wait().unwrap().code(), stdout, stderr }
    }
}

const DEVICE: [&str; 2] = ["--grant", "device-code"];
const CODES: Answer = (
    "200 OK",
    r#"{"device_code":"secret","user_code":"WDJB-MJHT","verification_uri":"https://as.example/device",
        "verification_uri_complete":"https://as.example/device?c=1","expires_in":600,"interval":0}"#,
);
const PENDING: Answer = ("400 Bad Request", r#"{"error":"authorization_pending"}"#);

#[test]
fn a_device_login_shows_the_code_and_asks_until_there_is_a_token() {
    let options =
        ["--scope", "a", "--param", "audience=x", "--resource", "urn:a", "--resource", "urn:b", "--json"];
    let more = [&DEVICE[..], &options].concat();
    let endpoint = "device_authorization_endpoint";
    let mut waiting = Waiting::start(vec![CODES, PENDING, PENDING, TOKEN], endpoint, &more);
    assert_eq!(waiting.line(), "to log in, open https://as.example/device and enter WDJB-MJHT\n");
    assert_eq!(waiting.line(), "or open https://as.example/device?c=1\n");
    let asked = waiting.request();
    assert_eq!(asked.line, "POST /start");
    assert_eq!(
        asked.parameters(),
        [("scope", "a"), ("resource", "urn:a"), ("resource", "urn:b"), ("audience", "x")]
    );
    let mut assertions = vec![asked.value("client_assertion").to_owned()];
    for _ in 0..3 {
        let asked = waiting.request();
        assert_eq!(asked.line, "POST /token");
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        assert_eq!(asked.parameters(), [("grant_type", grant), ("device_code", "secret")]);
        assertions.push(asked.value("client_assertion").to_owned());
    }
    assertions.sort();
    assertions.dedup();
    assert_eq!(assertions.len(), 4);
    // No spinner without a terminal, and the whole response on stdout.
    let response: Value = serde_json::from_str(&waiting.end().done()).unwrap();
    assert_eq!((&response["expires_in"], &response["refresh_token"]), (&60.into(), &"r".into()));
}

#[test]
fn a_device_login_that_fails_says_why() {
    let endpoint = "device_authorization_endpoint";
    let run = |answers: Vec<Answer>| {
        let mut waiting = Waiting::start(answers, endpoint, &DEVICE);
        waiting.line();
        waiting.line();
        waiting.end()
    };
    let denied = ("400 Bad Request", r#"{"error":"access_denied","error_description":"no\u001b[2J"}"#);
    run(vec![CODES, PENDING, denied]).refused(&["/token: refused: 400 access_denied: no\\u{1b}[2J"]);
    let expired = ("400 Bad Request", r#"{"error":"expired_token"}"#);
    run(vec![CODES, expired]).refused(&["/token: the device code has expired"]);
    // Codes that would control the terminal or mislead the user are not shown.
    let hostile = (
        "200 OK",
        r#"{"device_code":"s","user_code":"\u001b[2J","verification_uri":"https://as.example","expires_in":9}"#,
    );
    let plain = (
        "200 OK",
        r#"{"device_code":"s","user_code":"u","verification_uri":"http://evil.example","expires_in":9}"#,
    );
    for (answer, member) in [(hostile, "user_code"), (plain, "verification_uri")] {
        let waiting = Waiting::start(vec![answer], endpoint, &DEVICE);
        waiting.end().refused(&["/start: cannot read the device authorization response", member]);
    }
    let refused = ("401 Unauthorized", r#"{"error":"invalid_client"}"#);
    Waiting::start(vec![refused], endpoint, &DEVICE).end().refused(&["/start: refused: 401 invalid_client"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_login() {
    let mut waiting = Waiting::start(vec![CODES, PENDING], "device_authorization_endpoint", &DEVICE);
    waiting.line();
    waiting.line();
    // The first poll after the codes arrived: by now it waits, whatever else it does.
    waiting.request();
    waiting.request();
    let kill = format!("kill -INT {}", waiting.child.id());
    let status = std::process::Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(status.success());
    let run = waiting.end();
    assert_eq!(
        (run.status, run.stdout.as_str(), run.stderr.as_str()),
        (Some(130), "", "pkjwt: interrupted\n")
    );
}

const BROWSER: [&str; 2] = ["--grant", "authorization-code"];

/// What a browser receives for a page: head and body.
pub(crate) fn get(url: &str) -> (String, String) {
    exchange("GET", url, None, &[])
}

/// A page, requested under another name of the server.
pub(crate) fn get_as(host: &str, url: &str) -> (String, String) {
    exchange("GET", url, Some(host), &[])
}

/// Sends a form.
pub(crate) fn post(url: &str, form: &[(&str, &str)]) -> (String, String) {
    exchange("POST", url, None, form)
}

fn exchange(method: &str, url: &str, host: Option<&str>, form: &[(&str, &str)]) -> (String, String) {
    let url = url::Url::parse(url).unwrap();
    let mut stream = TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).unwrap();
    let target = &url[url::Position::BeforePath..];
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let head = format!(
        "host: {}\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {}",
        host.unwrap_or(url.authority()),
        form.len()
    );
    write!(stream, "{method} {target} HTTP/1.1\r\n{head}\r\n\r\n{form}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// The URL to open, and the values in its query.
fn opened(line: &str) -> (String, impl Fn(&str) -> String + use<>) {
    let url = url::Url::parse(line.strip_prefix("to log in, open ").unwrap().trim_end()).unwrap();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let value = move |name: &str| pairs.iter().find(|(found, _)| found == name).unwrap().1.clone();
    (url.as_str().to_owned(), value)
}

#[test]
fn a_browser_login_waits_for_the_right_answer_and_exchanges_the_code() {
    let options =
        ["--scope", "openid", "--param", "prompt=login", "--resource", "urn:a", "--resource", "urn:b"];
    let more = [&BROWSER[..], &options].concat();
    let mut waiting = Waiting::start(vec![TOKEN], "authorization_endpoint", &more);
    let (url, value) = opened(&waiting.line());
    assert!(url.contains("/start?response_type=code&client_id=p256&scope=openid&redirect_uri="), "{url}");
    assert!(url.contains("resource=urn%3Aa&resource=urn%3Ab"), "{url}");
    assert_eq!((value("code_challenge_method"), value("prompt")), ("S256".to_owned(), "login".to_owned()));
    let (redirect, state) = (value("redirect_uri"), value("state"));
    assert!(redirect.starts_with("http://127.0.0.1:") && redirect.ends_with('/'), "{redirect}");
    // Requests of browsers and other pages that are not the answer to this login.
    assert!(get(&format!("{redirect}favicon.ico")).0.starts_with("HTTP/1.1 404 "));
    for query in [
        "",
        "?code=x",
        "?code=x&state=other",
        "?error=access_denied",
        "?error=access_denied&state=other",
        "?code=x&state=other&iss=https%3A%2F%2Fevil.example",
        &format!("?code=x&state={state}&state={state}"),
    ] {
        let (head, body) = get(&format!("{redirect}{query}"));
        assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
        assert_eq!(body, "This redirect does not belong to the login in progress.");
        assert_eq!(waiting.line(), "ignored a redirect whose state is not that of this login\n");
    }
    let (head, body) = get(&format!("{redirect}?state={state}&code=a%2Bb&iss=https%3A%2F%2Fas.example"));
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("no-store"), "{head}");
    assert_eq!(body, "You are logged in. Close this page and return to the terminal.");
    let asked = waiting.request();
    assert_eq!(asked.line, "POST /token");
    let verifier = CodeVerifier::new(asked.value("code_verifier")).unwrap();
    assert!(verifier.matches(&value("code_challenge")));
    assert_eq!((asked.value("code"), asked.value("redirect_uri")), ("a+b", redirect.as_str()));
    assert_eq!(waiting.end().done(), "t\n");
}

#[test]
fn a_browser_login_that_the_user_refuses_ends() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let redirect = format!("http://localhost:{port}/cb?a=b");
    let more = [&BROWSER[..], &["--redirect-uri", &redirect]].concat();
    let mut waiting = Waiting::start(Vec::new(), "authorization_endpoint", &more);
    let (_, value) = opened(&waiting.line());
    assert_eq!(value("redirect_uri"), redirect);
    let answer = format!("http://127.0.0.1:{port}/cb?a=b&error=access_denied&error_description=n%1Bo&state=");
    let (_, body) = get(&(answer + &value("state")));
    assert_eq!(body, FAILED);
    let run = waiting.end();
    assert_eq!(run.refused(&[]), "pkjwt: token: the server rejected the login: access_denied: n\\u{1b}o\n");
}

const FAILED: &str = "The login failed. Close this page and return to the terminal.";

/// The `state` is right, so any answer is final.
#[test]
fn a_browser_login_ends_with_the_reason_of_a_wrong_answer() {
    let place = Place::new();
    let server = Server::start(&[format!("p256={}", place.jwks("p256"))]);
    let issuer = form_urlencoded::byte_serialize(server.issuer.as_bytes()).collect::<String>();
    let other =
        format!("the authorization response is from the issuer https://evil.example/, not {}", server.issuer);
    for (query, why) in [
        ("code=x&iss=https%3A%2F%2Fevil.example%2F".to_owned(), other.as_str()),
        ("error=access_denied&iss=https%3A%2F%2Fevil.example%2F".to_owned(), &other),
        ("code=x".to_owned(), "the authorization response has no iss, which the server's metadata promises"),
        (format!("iss={issuer}"), "the authorization response has neither a code nor an error"),
        (format!("code=x&error=y&iss={issuer}"), "the authorization response has a code and an error"),
        (format!("code=x&code=y&iss={issuer}"), "the authorization response has a parameter twice"),
        (
            format!("error=server_error&error_description=try+later&iss={issuer}"),
            "the server rejected the login: server_error: try later",
        ),
    ] {
        let mut waiting = Waiting::at(&server.issuer, &BROWSER);
        let (url, value) = opened(&waiting.line());
        // The request was pushed, so the state is known when the server redirects.
        let form = [("client_id", "p256"), ("request_uri", &value("request_uri")), ("decision", "deny")];
        let (head, _) = post(url.split_once('?').unwrap().0, &form);
        let back = head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
        let mut back = url::Url::parse(back).unwrap();
        let state = back.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        back.set_query(Some(&format!("state={state}&{query}")));
        let (head, body) = get(back.as_str());
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert_eq!(body, FAILED);
        assert_eq!(waiting.end().refused(&[]), format!("pkjwt: token: {why}\n"));
    }
}

#[test]
fn a_browser_login_comes_back_to_this_machine() {
    for redirect in [
        "https://app.example/cb",
        "https://127.0.0.1:8400/",
        "http://app.example:80/",
        "http://127.0.0.1/",
        "http://127.0.0.1:8400/#a",
        "http://192.0.2.1:8400/",
    ] {
        let more = [&BROWSER[..], &["--redirect-uri", redirect]].concat();
        let run = Waiting::start(Vec::new(), "authorization_endpoint", &more).end();
        run.usage(&["--redirect-uri: must be http on this machine, with a port: http://127.0.0.1:PORT/PATH"]);
    }
    let more = [&BROWSER[..], &["--redirect-uri", "app"]].concat();
    Waiting::start(Vec::new(), "authorization_endpoint", &more).end().usage(&["--redirect-uri: not a URL"]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let redirect = format!("http://{}/", taken.local_addr().unwrap());
    let more = [&BROWSER[..], &["--redirect-uri", &redirect]].concat();
    Waiting::start(Vec::new(), "authorization_endpoint", &more).end().refused(&["--redirect-uri: Address"]);
    // Nothing is pushed if the user cannot log in.
    let pushed = Waiting::start(Vec::new(), "pushed_authorization_request_endpoint", &BROWSER).end();
    assert_eq!(
        pushed.refused(&[]),
        "pkjwt: --grant authorization-code: the authorization server has no authorization_endpoint\n"
    );
}

/// With `pkjwt serve` as the server, and its page.
#[test]
fn a_user_logs_in_at_the_dev_server_and_the_tokens_are_renewed_and_exchanged() {
    let place = Place::new();
    let server = Server::start(&[format!("p256={}", place.jwks("p256"))]);
    let login = [&BROWSER[..], &["--scope", "a b", "--json"]].concat();
    let mut waiting = Waiting::at(&server.issuer, &login);
    let (url, value) = opened(&waiting.line());
    // Pushed (RFC 9126): the browser carries only the name of the request.
    assert_eq!(
        url.split(['?', '&', '=']).skip(1).step_by(2).collect::<Vec<_>>(),
        ["client_id", "request_uri"]
    );
    let page = url.split_once('?').unwrap().0;
    let request_uri = value("request_uri");
    let form =
        [("client_id", "p256"), ("request_uri", &request_uri), ("decision", "approve"), ("subject", "u")];
    let (head, _) = post(page, &form);
    let back = head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
    assert!(get(back).0.starts_with("HTTP/1.1 200 "));
    let tokens: Value = serde_json::from_str(&waiting.end().done()).unwrap();
    let text = |tokens: &Value, name: &str| tokens[name].as_str().unwrap().to_owned();
    assert_eq!((text(&tokens, "scope"), tokens["expires_in"].as_i64()), ("a b".to_owned(), Some(3600)));

    let token = |grant: &[&str], secret: &str| {
        let more = [grant, &["-", "--json"]].concat();
        pkjwt_stdin(token_command(["--issuer", &server.issuer], "p256", &more), secret.as_bytes())
    };
    let refresh = ["--grant", "refresh-token", "--scope", "a", "--refresh-token"];
    let first = text(&tokens, "refresh_token");
    let renewed: Value = serde_json::from_str(&token(&refresh, &first).done()).unwrap();
    assert_eq!(text(&renewed, "scope"), "a");
    let exchange = ["--grant", "token-exchange", "--subject-token"];
    let exchanged = token(&exchange, &text(&renewed, "access_token")).done();
    let exchanged: Value = serde_json::from_str(&exchanged).unwrap();
    assert_eq!(text(&exchanged, "issued_token_type"), "urn:ietf:params:oauth:token-type:access_token");
    assert_eq!(decode(&text(&exchanged, "access_token")).1["sub"], "u");
    token(&refresh, &first)
        .refused(&["/token: refused: 400 invalid_grant: the refresh token was used before"]);
}

#[test]
fn a_user_logs_in_at_the_dev_server_on_another_device() {
    let place = Place::new();
    let server = Server::start(&[format!("p256={}", place.jwks("p256"))]);
    let mut waiting = Waiting::at(&server.issuer, &DEVICE);
    let line = waiting.line();
    let (page, code) = line.strip_prefix("to log in, open ").unwrap().split_once(" and enter ").unwrap();
    assert_eq!(waiting.line(), format!("or open {page}?user_code={}", code));
    // Before the first poll, which comes after 5 s.
    let (head, _) = post(page, &[("user_code", code.trim_end()), ("decision", "approve"), ("subject", "u")]);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let token = waiting.end().done();
    assert_eq!(decode(token.trim_end()).1["sub"], "u");
}
