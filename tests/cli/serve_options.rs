//! `pkjwt serve`: faults, lifetimes, clients from a folder, other URLs, and many connections.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use serde_json::Value;
use time::OffsetDateTime;

use crate::login::{get, get_as};
use crate::run::{Place, command, decode, pkjwt};
use crate::server::{Server, token_command};

/// A server with the client `p256`.
fn started(place: &Place, more: &[&str]) -> Server {
    Server::start_with(&[format!("p256={}", place.jwks("p256"))], more)
}

fn claims(token: &str) -> Value {
    decode(token.trim_end()).1
}

#[test]
fn serve_fails_as_often_as_it_is_told_to() {
    let place = Place::new();
    let mut server = started(&place, &["--fail-next", "1=400"]);
    let issuer = ["--issuer", server.issuer.as_str()];
    pkjwt(token_command(issuer, "p256", &[])).refused(&["invalid_request", "0 more to come"]);
    pkjwt(token_command(issuer, "p256", &[])).done();
    let outcome = server.outcome();
    assert!(
        outcome.ends_with(" 400 invalid_request: this failure was ordered with `fail_next`, 0 more to come")
    );
    for wrong in ["1", "1=200", "x=503", "1=600", "-1=503", "1=503x", "=", "4294967296=503"] {
        pkjwt(["serve", "--client", "c=x.json", "--fail-next", wrong]).clap();
    }
}

#[test]
fn serve_issues_tokens_of_the_lifetime_and_the_time_that_it_is_told() {
    let place = Place::new();
    for (option, sign) in [("--clock-ahead", 1), ("--clock-behind", -1)] {
        let server = started(&place, &["--token-lifetime", "90s", option, "4m"]);
        let before = OffsetDateTime::now_utc().unix_timestamp();
        // The client finds out about the clock by itself.
        let run = pkjwt(token_command(["--issuer", &server.issuer], "p256", &[]));
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        let claims = claims(&run.stdout);
        let (iat, exp) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
        assert_eq!(exp - iat, 90);
        let after = OffsetDateTime::now_utc().unix_timestamp();
        assert!((before..=after).contains(&(iat - sign * 240)), "{option}: {iat}");
    }
    pkjwt(["serve", "--client", "c=x", "--clock-ahead", "1s", "--clock-behind", "1s"]).clap();
}

#[test]
fn serve_says_how_long_its_keys_may_be_cached() {
    let place = Place::new();
    for (more, expected) in [(&[][..], "no-store"), (&["--jwks-cache-time", "15m"], "max-age=900")] {
        let server = started(&place, more);
        let (head, _) = get(&server.jwks_uri);
        assert!(head.lines().any(|line| line == format!("cache-control: {expected}")), "{head}");
    }
}

#[test]
fn serve_tells_the_public_url_and_answers_to_it() {
    let place = Place::new();
    let mut child =
        command(["serve", "--listen", "127.0.0.1:0", "--public-url", "https://auth.test", "--client"])
            .arg(format!("p256={}", place.jwks("p256")))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.starts_with("issuer: https://auth.test/"), "{line}");
    let client = format!("p256={}", place.jwks("p256"));
    pkjwt(["serve", "--listen", "127.0.0.1:0", "--public-url", "https://auth.test/as", "--client", &client])
        .refused(&["the public URL https://auth.test/as has more than a scheme, a host and a port"]);
    let other = started(&place, &[]);
    let (head, _) = get_as("auth.test", &other.jwks_uri);
    assert!(head.starts_with("HTTP/1.1 421 "), "{head}");
}

#[test]
fn serve_registers_the_clients_of_a_folder_and_names_the_files_that_are_none() {
    let place = Place::new();
    let folder = place.path("clients");
    std::fs::create_dir(&folder).unwrap();
    let name = folder.to_str().unwrap();
    pkjwt(["serve", "--listen", "127.0.0.1:0", "--clients", name]).refused(&["has no files"]);
    for number in 0..25 {
        std::fs::write(folder.join(format!("bad-{number:02}.json")), "{").unwrap();
    }
    let run = pkjwt(["serve", "--listen", "127.0.0.1:0", "--clients", name]);
    assert_eq!((run.status, run.stdout.as_str()), (Some(1), ""));
    assert!(run.stderr.ends_with("clients has no usable file\n"), "{}", run.stderr);

    std::fs::copy(place.jwks("p256"), folder.join("p256.json")).unwrap();
    let mut child = command(["serve", "--listen", "127.0.0.1:0", "--clients", name])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let expected = "client file bad-00.json: a JWK is not JSON (line 1, column 1)";
    assert_eq!(stderr.next().unwrap(), format!("pkjwt: --clients: {expected}"));
    assert_eq!(stderr.nth(19).unwrap(), "pkjwt: --clients: 5 more files cannot be used");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let issuer = line.trim_end().strip_prefix("issuer: ").unwrap();
    pkjwt(token_command(["--issuer", issuer], "p256", &[])).done();
    child.kill().unwrap();
    child.wait().unwrap();
    pkjwt(["serve", "--listen", "127.0.0.1:0", "--clients", &place.name("missing")])
        .refused(&["cannot read the folder"]);
}

#[test]
fn serve_says_once_that_it_has_too_many_connections_and_answers_them_all() {
    let place = Place::new();
    let mut child = command(["serve", "--listen", "127.0.0.1:0", "--client"])
        .arg(format!("p256={}", place.jwks("p256")))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let url = stdout.find_map(|line| line.strip_prefix("jwks_uri: ").map(str::to_owned)).unwrap();
    let url = url::Url::parse(&url).unwrap();
    // The log must not block the server.
    let log = std::thread::spawn(move || stdout.count());
    let address = url.authority();
    let mut streams: Vec<TcpStream> = (0..300).map(|_| TcpStream::connect(address).unwrap()).collect();
    for stream in &mut streams {
        write!(stream, "GET {} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n", url.path())
            .unwrap();
    }
    for stream in &mut streams {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "dev server: more than 256 connections at once: further ones wait, and connections close after an answer\n"
    );
    assert_eq!(log.join().unwrap(), 300);
}

#[cfg(feature = "dev-server-tls")]
#[test]
fn serve_speaks_https_with_a_new_certificate_or_a_given_one() {
    let place = Place::new();
    let written = place.name("server.pem");
    let server = started(&place, &["--tls-self-signed", &written]);
    assert!(server.issuer.starts_with("https://127.0.0.1:"), "{}", server.issuer);
    let issuer = ["--issuer", server.issuer.as_str()];
    pkjwt(token_command(issuer, "p256", &["--ca-file", &written])).done();

    let testdata = crate::run::testdata;
    let (certificate, key) = (testdata("p256.localhost.cert.pem"), testdata("p256.pkcs8.pem"));
    let given = started(&place, &["--tls-cert", &certificate, "--tls-key", &key]);
    let endpoint = given.token_endpoint.replace("127.0.0.1", "localhost");
    let more = ["--ca-file", &certificate, "--audience", &given.issuer];
    pkjwt(token_command(["--token-endpoint", &endpoint], "p256", &more)).done();

    let client = format!("p256={}", place.jwks("p256"));
    let with = |more: &[&str]| {
        pkjwt(
            ["serve", "--listen", "127.0.0.1:0", "--client", &client].into_iter().chain(more.iter().copied()),
        )
    };
    with(&["--tls-cert", &certificate]).clap();
    with(&["--tls-key", &key]).clap();
    let other = testdata("rsa2048.pkcs8.pem");
    with(&["--tls-cert", &certificate, "--tls-key", &other])
        .refused(&["the TLS certificate and its key cannot be used"]);
}

#[test]
fn serve_prints_its_inspector_and_stands_in_for_a_provider() {
    let place = Place::new();
    let server = started(&place, &["--profile", "okta"]);
    let origin = server.issuer.split("/de7de7de").next().unwrap();
    let (head, page) = get(&format!("{origin}/"));
    assert!(head.starts_with("HTTP/1.1 200 ") && page.contains("the rules of Okta"), "{head}");
    // The client sends the issuer, unless it has the same profile.
    let asked = |more: &[&str]| pkjwt(token_command(["--issuer", &server.issuer], "p256", more));
    asked(&[])
        .refused(&["The audience claim for client_assertion must be the endpoint invoked for the request"]);
    asked(&["--profile", "okta"]).done();

    let client = format!("p256={}", place.jwks("p256"));
    let unknown = pkjwt(["serve", "--client", &client, "--profile", "oktopus"]);
    for name in ["oktopus", "okta", "ping-one", "keycloak", "fapi2"] {
        assert!(unknown.stderr.contains(name), "{}", unknown.stderr);
    }
    unknown.clap();
}

#[test]
fn serve_names_the_inspector_next_to_the_issuer() {
    let place = Place::new();
    let mut child = command(["serve", "--listen", "127.0.0.1:0", "--client"])
        .arg(format!("p256={}", place.jwks("p256")))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let issuer = lines.next().unwrap();
    let origin = issuer.strip_prefix("issuer: ").unwrap().split("/de7de7de").next().unwrap().to_owned();
    assert_eq!(lines.next().unwrap(), format!("inspector: {origin}/"));
    child.kill().unwrap();
    child.wait().unwrap();
}
