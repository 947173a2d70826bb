//! The server's metadata: the issuer, the token endpoint, the methods and the algorithms.

use super::difference::Difference;
use super::finding::{Finding, Step};
use super::words::{chain, listed};
use crate::jose::error::excerpt;
use crate::jose::{Algorithm, JoseError};
use crate::keys::PrivateKey;
use crate::oauth::{AuthorizationServer, OAuthError, safe_url};
use crate::transport::TransportError;

const ISSUER: &str = "issuer";
const DOCUMENT: &str = "document";
const TOKEN_ENDPOINT: &str = "token-endpoint";
const METHODS: &str = "methods";
const ALGORITHMS: &str = "algorithms";

/// Why there is no usable metadata, and what to do.
pub(super) fn judge_failure(error: &TransportError) -> Finding {
    let wrong = |check| Finding::wrong(Step::Discovery, check, chain(error));
    match error {
        TransportError::OAuth(OAuthError::IssuerMismatch { expected, found }) => {
            let difference = Difference::of(expected, found).unwrap_or(Difference::Other);
            let text = format!("the metadata names the issuer {found}, not {expected}; {}", difference.words());
            let advice = match difference {
                Difference::TrailingSlash | Difference::Case | Difference::Scheme | Difference::Port => {
                    format!("use the issuer exactly as published: {found}")
                }
                Difference::Path => format!("check the tenant, realm or environment in the issuer, or use {found}"),
                Difference::Template => {
                    "use the issuer of one tenant, or expect the template (--expect-issuer)".to_owned()
                }
                Difference::Host | Difference::Other => format!(
                    "use {found} if that is your server; behind a proxy, let it publish its public URL"
                ),
            };
            Finding::wrong(Step::Discovery, ISSUER, text).advise(advice)
        }
        TransportError::OAuth(OAuthError::Issuer { .. }) => wrong(ISSUER)
            .advise("use the issuer's URL as the server publishes it: https, without query and fragment"),
        TransportError::OAuth(OAuthError::Metadata(JoseError::MissingMember { member: "token_endpoint", .. })) => {
            Finding::wrong(Step::Discovery, TOKEN_ENDPOINT, "the metadata has no token_endpoint")
                .advise("check that this is an authorization server, or name its token endpoint yourself")
        }
        TransportError::OAuth(OAuthError::Endpoint { endpoint: "token_endpoint", .. }) => wrong(TOKEN_ENDPOINT)
            .advise("correct the server's public URL, or name its token endpoint yourself"),
        TransportError::OAuth(_) => {
            wrong(DOCUMENT).advise("check that the issuer is the URL of an authorization server")
        }
        TransportError::Status { status: 404 | 410, .. } => wrong(DOCUMENT).advise(
            "check the host and the tenant, realm or environment in the issuer; for a server without metadata, name \
             its token endpoint (--token-endpoint)",
        ),
        TransportError::Status { status: 300..=399, .. } => {
            wrong(DOCUMENT).advise("use the issuer that the redirect leads to; no redirect is followed")
        }
        TransportError::Status { .. } => wrong(DOCUMENT).advise("ask the operator of the server"),
        TransportError::Tls { .. } => {
            wrong(DOCUMENT).advise("trust the CA of the server (--ca-file), or correct its certificate")
        }
        TransportError::Connect { .. } => {
            wrong(DOCUMENT).advise("check the host name, DNS, the proxy and the firewall of this machine")
        }
        _ => wrong(DOCUMENT).advise("check the network of this machine, and try again"),
    }
}

/// Judges the metadata of a server.
pub(super) fn judge(server: &AuthorizationServer, key: Option<&PrivateKey>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(issuer) = server.issuer() {
        findings.push(Finding::good(Step::Discovery, ISSUER, format!("the issuer is {}", safe_url(issuer))));
    }
    let token_endpoint = safe_url(server.token_endpoint());
    let text = format!("the token endpoint is {token_endpoint}");
    findings.push(Finding::good(Step::Discovery, TOKEN_ENDPOINT, text));
    findings.push(methods(server));
    findings.extend(key.map(|key| algorithms(server, key)));
    findings
}

/// Real servers omit `private_key_jwt` where it works, so its absence is a warning.
fn methods(server: &AuthorizationServer) -> Finding {
    const METHOD: &str = "private_key_jwt";
    let Some(methods) = server.authentication_methods() else {
        return Finding::not_checked(
            Step::Discovery,
            METHODS,
            "the metadata lists no authentication methods",
        );
    };
    if methods.iter().any(|method| method == METHOD) {
        return Finding::good(Step::Discovery, METHODS, format!("the metadata lists {METHOD}"));
    }
    let listed = listed(&methods.iter().map(|method| excerpt(method)).collect::<Vec<_>>());
    Finding::warning(
        Step::Discovery,
        METHODS,
        format!(
            "the metadata does not list {METHOD}, but {}",
            if listed.is_empty() { "nothing" } else { &listed }
        ),
    )
    .advise("let the server offer private_key_jwt; some do although their metadata omits it")
}

fn algorithms(server: &AuthorizationServer, key: &PrivateKey) -> Finding {
    let Some(names) = server.signing_algorithms().filter(|names| !names.is_empty()) else {
        return Finding::not_checked(Step::Discovery, ALGORITHMS, "the metadata lists no signing algorithms");
    };
    let algorithm = key.algorithm();
    if is_listed(names, algorithm) {
        return Finding::good(Step::Discovery, ALGORITHMS, format!("the metadata lists {algorithm}"));
    }
    let listed = listed(&names.iter().map(|name| excerpt(name)).collect::<Vec<_>>());
    let text = format!("the metadata lists {listed}, not {algorithm}");
    let others = of_key(key).filter(|other| is_listed(names, *other));
    let others: Vec<_> = others.map(|other| other.to_string()).collect();
    let advice = if others.is_empty() {
        format!("use another type of key: {} is not supported", key.key_type())
    } else {
        format!("sign with {} (--alg), and register the key for it", others.join(" or "))
    };
    Finding::warning(Step::Discovery, ALGORITHMS, text).advise(advice)
}

/// Whether a list of names has this algorithm.
pub(super) fn is_listed(names: &[String], algorithm: Algorithm) -> bool {
    names.iter().any(|name| algorithm.is_named(name))
}

/// The algorithms that a key can sign with.
pub(super) fn of_key(key: &PrivateKey) -> impl Iterator<Item = Algorithm> {
    Algorithm::ALL.into_iter().filter(|algorithm| key.clone().with_algorithm(*algorithm).is_ok())
}
