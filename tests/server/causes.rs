//! `{:#}` of an error: its message, and the causes.

use std::error::Error;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use private_key_jwt::client::ErrorKind;
use private_key_jwt::jose::JoseError;
use private_key_jwt::keys::{Causes, KeyError};
use private_key_jwt::server::{JwksFetchError, RemoteJwksError};
use private_key_jwt::transport::TransportError;
use private_key_jwt::{ClientKeysError, OAuthError, VerifierError};

const URL: &str = "https://as.example/jwks";

fn broken() -> TransportError {
    TransportError::Broken { host: "as.example".to_owned(), source: "reset by peer".into() }
}

fn not_json() -> JoseError {
    JoseError::Json { what: "the document", line: 1, column: 2 }
}

/// The plain text is the message alone, the alternate one has the causes.
#[track_caller]
fn check(error: impl Error, message: impl Display, causes: &str) {
    assert_eq!(error.to_string(), message.to_string());
    assert_eq!(format!("{error:#}"), format!("{message}{causes}"));
    assert_eq!(Causes::of(&error).to_string(), format!("{error:#}"));
}

#[test]
fn the_errors_of_keys_and_of_the_protocol_print_their_causes() {
    let denied = || Arc::new(std::io::Error::other("permission denied"));
    let file = KeyError::File { path: "client.pem".into(), source: denied() };
    check(file.clone(), "cannot read client.pem", ": permission denied");
    let name = "CLIENT_KEY".to_owned();
    check(
        KeyError::Environment { name, source: Arc::new(KeyError::Empty) },
        "cannot use the key in the environment variable CLIENT_KEY",
        ": the key file is empty",
    );
    check(KeyError::Signer("the HSM is out".into()), "the signer failed", ": the HSM is out");
    check(
        OAuthError::Metadata(not_json()),
        "cannot read the authorization server's metadata",
        ": the document is not JSON (line 1, column 2)",
    );
    check(
        OAuthError::Response { what: "the token response", content_type: None, reason: not_json() },
        "cannot read the token response (no content type)",
        ": the document is not JSON (line 1, column 2)",
    );
    // An error that passes another one on prints its causes, too.
    check(OAuthError::Key(file.clone()), "cannot read client.pem", ": permission denied");
    check(ErrorKind::Key(file.clone()), "cannot read client.pem", ": permission denied");
    check(private_key_jwt::Error::from(file), "cannot read client.pem", ": permission denied");
}

#[test]
fn the_errors_of_the_transport_print_their_causes() {
    let (host, source) = (|| "as.example".to_owned(), || "x".into());
    for (error, message) in [
        (TransportError::Connect { host: host(), source: source() }, "cannot connect to as.example"),
        (TransportError::Tls { host: host(), source: source() }, "cannot connect to as.example over TLS"),
        (TransportError::Broken { host: host(), source: source() }, "the connection to as.example broke"),
        (
            TransportError::Incomplete { host: host(), source: source() },
            "the response from as.example broke off",
        ),
        (
            TransportError::Malformed { host: host(), source: source() },
            "the response from as.example is not HTTP",
        ),
        (TransportError::Request(source()), "the request cannot be sent"),
        (TransportError::Build(source()), "the HTTP client cannot be built"),
    ] {
        check(error.clone(), message, ": x");
        check(private_key_jwt::Error::from(error), message, ": x");
    }
    let issuer = "https://as.example".to_owned();
    check(
        private_key_jwt::Error::from(ErrorKind::Discovery { issuer, source: broken() }),
        "cannot discover https://as.example",
        ": the connection to as.example broke: reset by peer",
    );
    let metadata = TransportError::OAuth(OAuthError::Metadata(not_json()));
    check(
        metadata,
        "cannot read the authorization server's metadata",
        ": the document is not JSON (line 1, column 2)",
    );
}

#[test]
fn the_errors_of_a_server_print_their_causes() {
    let fetch = || Arc::new(JwksFetchError::Transport(broken()));
    let unavailable = || RemoteJwksError::Unavailable { url: URL.to_owned(), source: fetch() };
    let message = "the keys at https://as.example/jwks are not available";
    let causes = ": the connection to as.example broke: reset by peer";
    check(unavailable(), message, causes);
    check(ClientKeysError::from(unavailable()), message, causes);
    let (age, limit) = (Duration::from_secs(90), Duration::from_secs(60));
    check(
        RemoteJwksError::TooOld { url: URL.to_owned(), age, limit, source: fetch() },
        "the keys at https://as.example/jwks are 90 s old, at most 60 s are trusted",
        causes,
    );
    check(
        JwksFetchError::Discovery { issuer: "https://as.example".to_owned(), source: broken() },
        "cannot discover https://as.example",
        causes,
    );
    check(
        JwksFetchError::Document { url: URL.to_owned(), source: not_json() },
        "https://as.example/jwks did not return a usable JWK Set",
        ": the document is not JSON (line 1, column 2)",
    );
    let client_id = "c".to_owned();
    check(
        ClientKeysError::JwksUri { client_id, source: broken() },
        "the jwks_uri of client `c` cannot be used",
        causes,
    );
    check(ClientKeysError::Registry("no database".into()), "the client registry failed", ": no database");
    check(VerifierError::ReplayStore("no disk".into()), "the replay store failed", ": no disk");
    check(
        RemoteJwksError::Token(VerifierError::CustomClaims(not_json())),
        "the claims do not fit the requested type",
        ": the document is not JSON (line 1, column 2)",
    );
}

#[cfg(feature = "tower")]
#[test]
fn a_layer_that_cannot_be_built_says_why() {
    use private_key_jwt::server::BearerLayerError;

    let issuer = || "https://as.example".to_owned();
    check(
        BearerLayerError::Discovery { issuer: issuer(), source: broken() },
        "the issuer `https://as.example` cannot be discovered",
        ": the connection to as.example broke: reset by peer",
    );
    check(
        BearerLayerError::Verifier {
            issuer: issuer(),
            source: VerifierError::EmptySetting { setting: "new" },
        },
        "the verifier for the issuer `https://as.example` cannot be used",
        ": nothing is accepted: the setting `new` is empty",
    );
}
