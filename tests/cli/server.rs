//! The servers that the commands talk to: `pkjwt serve`, and one that follows a script.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc::Receiver;

use crate::run::{KEYS, Place, command, testdata};
use crate::support::loopback::{self, Request, answer};

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
                "inspector" => {}
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

fn written((head, body): Answer) -> Vec<u8> {
    answer(&format!("{head}\r\nconnection: close"), body)
}

/// A server that gives each of these answers to one connection, in this order, and then ends.
pub(crate) fn answering(answers: Vec<Answer>) -> SocketAddr {
    loopback::Server::on_a_thread(answers, None, |answer, _| written(answer))
}

/// Like [`answering`], over TLS with this certificate.
pub(crate) fn answering_with(certificate: &str, answers: Vec<Answer>) -> SocketAddr {
    let acceptor = loopback::acceptor(certificate, None);
    loopback::Server::on_a_thread(answers, Some(acceptor), |answer, _| written(answer))
}

/// Like [`answering`], and returns the requests.
pub(crate) fn recording(answers: Vec<Answer>) -> (String, Receiver<Request>) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let address = loopback::Server::on_a_thread(answers, None, move |answer, request| {
        let _ = sender.send(request);
        written(answer)
    });
    (format!("http://{address}"), receiver)
}
