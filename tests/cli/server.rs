//! The servers that the commands talk to: `pkjwt serve`, and one that follows a script.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc::Receiver;

use crate::run::{KEYS, Place, command, testdata};

/// `pkjwt serve` on a free port. It ends when the value is dropped.
pub(crate) struct Server {
    pub(crate) child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) issuer: String,
    pub(crate) token_endpoint: String,
    pub(crate) jwks_uri: String,
}

impl Server {
    pub(crate) fn start(clients: &[String]) -> Self {
        Self::start_with(clients, &[])
    }

    pub(crate) fn start_with(clients: &[String], more: &[&str]) -> Self {
        let clients = clients.iter().flat_map(|client| ["--client", client]);
        let arguments = ["serve", "--listen", "127.0.0.1:0"].into_iter().chain(clients);
        let mut command = command(arguments.chain(more.iter().copied()));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let empty = String::new;
        let mut server = Self { child, stdout, issuer: empty(), token_endpoint: empty(), jwks_uri: empty() };
        // The first lines of the output, under the names of the metadata; `jwks_uri` is the last.
        while server.jwks_uri.is_empty() {
            let line = server.line();
            let (name, url) = line.split_once(": ").unwrap_or_else(|| panic!("{line}"));
            match name {
                "issuer" => server.issuer = url.to_owned(),
                "token_endpoint" => server.token_endpoint = url.to_owned(),
                "jwks_uri" => server.jwks_uri = url.to_owned(),
                endpoint => assert!(endpoint.ends_with("_endpoint"), "{line}"),
            }
        }
        server
    }

    /// One client per key of testdata, named like its file, each with another way of registering.
    pub(crate) fn with_all_keys(place: &Place) -> Self {
        let clients = KEYS.map(|(stem, _)| match stem {
            "rsa2048" | "p384" => format!("{stem}={}", testdata(&format!("{stem}.cert.pem"))),
            "p521" => format!("{stem}={}", testdata(&format!("{stem}.pub.pem"))),
            _ => format!("{stem}={}", place.jwks(stem)),
        });
        Self::start(&clients)
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The line of the next request to the token endpoint.
    pub(crate) fn outcome(&mut self) -> String {
        loop {
            let line = self.line();
            assert!(!line.is_empty(), "the server ended");
            if line.contains("/token ") {
                return line;
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn token_command(server: [&str; 2], stem: &str, more: &[&str]) -> Vec<String> {
    let key = testdata(&format!("{stem}.pkcs8.pem"));
    let arguments = ["token", server[0], server[1], "--key", &key, "--client-id", stem];
    arguments.iter().chain(more).map(|argument| (*argument).to_owned()).collect()
}

/// The status, optionally with header fields, and the body.
pub(crate) type Answer = (&'static str, &'static str);

/// A server that gives each of these answers to one connection, in this order, and then ends.
pub(crate) fn answering<S: Read + Write>(
    answers: Vec<Answer>,
    wrap: impl Fn(TcpStream) -> S + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for (head, body) in answers {
            // A client that does not trust the certificate closes the connection before it sends a
            // request.
            let _ = answer(wrap(listener.accept().unwrap().0), head, body);
        }
    });
    address
}

/// A request to [`recording`].
pub(crate) struct Recorded {
    /// Method and path.
    pub(crate) line: String,
    /// Header fields, their names in lower case.
    pub(crate) header: Vec<(String, String)>,
    pub(crate) form: Vec<(String, String)>,
}

impl Recorded {
    /// The parameters without the assertion. There must be exactly one.
    #[track_caller]
    pub(crate) fn parameters(&self) -> Vec<(&str, &str)> {
        let assertions = self.form.iter().filter(|(name, _)| name == "client_assertion");
        assert_eq!(assertions.count(), 1);
        let others = self.form.iter().filter(|(name, _)| !name.starts_with("client_"));
        others.map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    pub(crate) fn value(&self, name: &str) -> &str {
        let found = self.form.iter().find(|(found, _)| found == name);
        found.map_or_else(|| panic!("no {name} in {}", self.line), |(_, value)| value)
    }
}

/// Like [`answering`], and returns the requests.
pub(crate) fn recording(answers: Vec<Answer>) -> (String, Receiver<Recorded>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for (head, body) in answers {
            let _ = sender.send(answer(listener.accept().unwrap().0, head, body).unwrap());
        }
    });
    (url, receiver)
}

fn answer(stream: impl Read + Write, head: &str, body: &str) -> std::io::Result<Recorded> {
    let mut stream = BufReader::new(stream);
    let mut first = String::new();
    stream.read_line(&mut first)?;
    let mut header = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        header.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let len = header.iter().find(|(name, _)| name == "content-length");
    let mut form = vec![0; len.map_or(0, |(_, value)| value.parse().unwrap())];
    stream.read_exact(&mut form)?;
    let framing = format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.get_mut().write_all(format!("HTTP/1.1 {head}\r\n{framing}{body}").as_bytes())?;
    stream.get_mut().flush()?;
    let line = first.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    Ok(Recorded { line, header, form: form_urlencoded::parse(&form).into_owned().collect() })
}
