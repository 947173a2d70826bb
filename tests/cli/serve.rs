//! `pkjwt serve`.

use crate::run::{Place, assertion, pkjwt, testdata};
use crate::server::{Server, token_command};
use crate::verify::verify;

#[test]
fn serve_registers_by_url_and_verify_asks_it() {
    let place = Place::new();
    // The server publishes its own key as a JWK Set; as a client's keys that is as good as any.
    let first = Server::start(&[format!("p256={}", place.jwks("p256"))]);
    let mut second = Server::start(&[format!("p256={}", first.jwks_uri)]);
    pkjwt(token_command(["--issuer", &second.issuer], "p256", &[]))
        .refused(&["invalid_client", "no key in the set"]);
    assert!(second.outcome().contains("401"));

    let jwt = assertion(&testdata("p256.pkcs8.pem"), &[]);
    verify(&jwt, &first.jwks_uri).refused(&["no key in the set fits ES256"]);
    verify(&jwt, &first.issuer).refused(&["answered 404"]);
    verify(&jwt, "http://as.example/jwks").refused(&["plain http"]);
    verify(&jwt, &first.token_endpoint).refused(&["answered 405"]);
}

#[test]
fn serve_refuses_what_it_cannot_serve() {
    let place = Place::new();
    let jwks = place.jwks("p256");
    let with = |client: &str| pkjwt(["serve", "--listen", "127.0.0.1:0", "--client", client]);
    let private = testdata("p256.pkcs8.pem");
    with(&format!("c={private}")).refused(&["p256.pkcs8.pem", "private key", "pkjwt jwks"]);
    let encrypted = testdata("p256.scrypt-aes256.pem");
    with(&format!("c={encrypted}")).refused(&["private key"]);
    with("c=missing.json").refused(&["missing.json"]);
    with("c=http://as.example/jwks").refused(&["plain http"]);
    with(&format!("c={}", place.put("none.json", r#"{"keys":[]}"#))).refused(&["no key"]);
    for client in ["c", "=x", "c="] {
        with(client).usage(&["ID=FILE_OR_URL"]);
    }
    let twice = format!("c={jwks}");
    pkjwt(["serve", "--client", &twice, "--client", &twice]).usage(&["`c`", "more than once"]);
    pkjwt(["serve", "--listen", "0.0.0.0:0", "--client", &twice]).refused(&["0.0.0.0", "loopback"]);
    for address in ["here", "localhost:8080", "8080"] {
        let run = pkjwt(["serve", "--listen", address, "--client", &twice]);
        assert!(run.stderr.contains("such as 127.0.0.1:8080"), "{}", run.stderr);
        run.clap();
    }
    pkjwt(["serve"]).clap();
}
