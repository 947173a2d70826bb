//! What to do about a failed TLS handshake: the library says only what is wrong.

use std::error::Error;

use crate::keys::Cause;

/// What a library says, and what it means to a user of this crate. The libraries' errors are types
/// of crates that are no dependency here, so they are recognised by their words.
const ADVICE: [(&str, &str); 5] = [
    (
        "CaUsedAsEndEntity",
        "the server's certificate is a CA certificate (CA:TRUE), which rustls rejects for a server; create it with \
         `openssl req -x509 -addext basicConstraints=critical,CA:FALSE`, or use it to sign another one",
    ),
    ("UnknownIssuer", UNKNOWN_ISSUER),
    // No trusted CA has a key that fits the signature.
    ("UnsupportedSignatureAlgorithmForPublicKey", UNKNOWN_ISSUER),
    ("CertificateRequired", CLIENT_CERTIFICATE),
    ("certificate required", CLIENT_CERTIFICATE),
];
const UNKNOWN_ISSUER: &str = "the server's certificate is signed by a CA that is not trusted here; trust that CA \
    (`ClientBuilder::tls_certs_merge` of reqwest, `--ca-file` of pkjwt)";
const CLIENT_CERTIFICATE: &str = "the server demands a client certificate (mutual TLS); configure one \
    (`ClientBuilder::identity` of reqwest)";

#[derive(Debug, thiserror::Error)]
#[error("{advice}")]
struct Advised {
    advice: &'static str,
    source: reqwest::Error,
}

/// The error, wrapped in advice if there is any.
pub(super) fn advised(source: reqwest::Error) -> Cause {
    let said = said(&source);
    match ADVICE.iter().find(|(word, _)| said.contains(word)) {
        Some((_, advice)) => Advised { advice, source }.into(),
        None => source.into(),
    }
}

/// Whether the server sent an alert about certificates (RFC 8446 §6.2). After the handshake OpenSSL
/// reports it as an I/O error, and only its words tell it from a connection that broke.
#[cfg(feature = "native-tls")]
pub(super) fn is_certificate_alert(error: &(dyn Error + 'static)) -> bool {
    const ALERTS: [&str; 4] = ["certificate", "unknown ca", "access denied", "decrypt error"];
    let said = said(error);
    said.lines().any(|line| {
        line.split_once(" alert ").is_some_and(|(_, alert)| ALERTS.iter().any(|name| alert.contains(name)))
    })
}

/// Everything that an error and its sources say.
fn said(error: &(dyn Error + 'static)) -> String {
    std::iter::successors(Some(error), |&error| error.source())
        .map(|error| format!("{error}\n{error:?}\n"))
        .collect()
}
