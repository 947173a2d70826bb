//! The key: type, size, health, the permissions of its file, and the dates of its certificate.

use time::{Duration, OffsetDateTime};

use super::finding::{Finding, Step};
use super::key_source::KeySource;
use super::words::{chain, day};
use crate::jose::error::excerpt;
use crate::keys::{Certificate, KeyError, PrivateKey};

/// A certificate that expires sooner is a warning.
const EXPIRES_SOON: Duration = Duration::days(30);

/// Judges the key.
pub(super) fn judge(source: &KeySource, now: OffsetDateTime) -> Vec<Finding> {
    let mut findings = match &source.key {
        Ok(key) => of_key(key),
        Err(error) => {
            let finding = Finding::wrong(Step::Key, "load", chain(error));
            vec![finding.advise(advice(error.reason()).unwrap_or(OTHER_FILE))]
        }
    };
    findings.extend(permissions(source));
    if let Ok(key) = &source.key {
        findings.extend(certificates(key.certificates(), now));
    }
    findings
}

fn of_key(key: &PrivateKey) -> Vec<Finding> {
    let public = match key.public_key() {
        Ok(public) => public,
        Err(error) => {
            let finding = Finding::wrong(Step::Key, "load", chain(&error));
            return vec![finding.advise(advice(&error).unwrap_or(NEW_KEY))];
        }
    };
    let (key_type, bits, algorithm) = (key.key_type(), public.bits(), key.algorithm());
    let kid = excerpt(key.key_id().as_str());
    let text = format!("{key_type} key of {bits} bits, signs {algorithm}, kid \"{kid}\"");
    let checks: Vec<&str> = key.checks().iter().map(|check| check.name).collect();
    let health = format!("the key passed these checks: {}", checks.join(", "));
    vec![Finding::good(Step::Key, "type", text), Finding::good(Step::Key, "health", health)]
}

const OTHER_FILE: &str = "name the file with the private key; pkjwt inspect says what a file is";
const NEW_KEY: &str = "generate a new key (pkjwt keygen), and register it in place of this one";

fn advice(error: &KeyError) -> Option<&'static str> {
    Some(match error {
        KeyError::WeakRsa { .. }
        | KeyError::RsaSize { .. }
        | KeyError::RsaExponent
        | KeyError::RsaPrimes
        | KeyError::RsaPrimeLengths { .. }
        | KeyError::UnsupportedKey { .. } => NEW_KEY,
        KeyError::PassphraseRequired | KeyError::WrongPassphrase => {
            "pass the passphrase of the key (--passphrase-env, --passphrase-file)"
        }
        KeyError::NotForSignatures => {
            "use a key for signatures: with \"use\": \"sig\", and with \"sign\" in key_ops if there is such a member"
        }
        KeyError::NotPrivate { .. } => "name the file with the private key",
        KeyError::CertificateMismatch => "replace the certificate in the file by the one of this key",
        KeyError::Inconsistent { .. } => "restore the key from a backup, or generate a new one",
        KeyError::Environment { source, .. } => return advice(source),
        KeyError::File { .. } => "check the path and the permissions of the file",
        _ => return None,
    })
}

/// Whether other users can read the file, by its permissions.
fn permissions(source: &KeySource) -> Option<Finding> {
    const CHECK: &str = "permissions";
    let (file, mode) = (source.file.as_ref()?, source.mode?);
    let readers = match (mode & 0o007, mode & 0o070) {
        (0, 0) => {
            let text = format!("only its owner can read {file} (mode {mode:04o})");
            return Some(Finding::good(Step::Key, CHECK, text));
        }
        (0, _) => "the group of the file",
        _ => "every user of this machine",
    };
    let text = format!("{readers} has access to {file} (mode {mode:04o})");
    Some(Finding::warning(Step::Key, CHECK, text).advise("allow only its owner: chmod 600"))
}

fn certificates(chain: &[Certificate], now: OffsetDateTime) -> Option<Finding> {
    const CHECK: &str = "certificate";
    const RENEW: &str =
        "renew the certificate (pkjwt cert), and register the new one where the server has the old one";
    let own = match chain.first()?.fields() {
        Ok(fields) => fields,
        Err(error) => return Some(Finding::wrong(Step::Key, CHECK, super::words::chain(&error))),
    };
    let (from, until) = (day(own.not_before), day(own.not_after));
    Some(if own.is_expired(now) {
        Finding::wrong(Step::Key, CHECK, format!("the certificate expired on {until}")).advise(RENEW)
    } else if own.is_not_yet_valid(now) {
        let text = format!("the certificate is not valid before {from}");
        Finding::wrong(Step::Key, CHECK, text)
            .advise("compare this machine's clock with another one, or wait until the certificate is valid")
    } else if own.is_expired(now + EXPIRES_SOON) {
        Finding::warning(Step::Key, CHECK, format!("the certificate expires on {until}")).advise(RENEW)
    } else if chain.iter().skip(1).any(|other| other.fields().is_ok_and(|other| other.is_expired(now))) {
        Finding::warning(Step::Key, CHECK, "a certificate of the chain has expired").advise(RENEW)
    } else {
        Finding::good(Step::Key, CHECK, format!("the certificate is valid from {from} to {until}"))
    })
}
