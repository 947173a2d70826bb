//! `pkjwt inspect`: shows what a key file or a token is, and which checks a key has passed. No
//! signature is verified, and nothing private is shown.

use std::path::{Path, PathBuf};

use private_key_jwt::dev_server::ClientKeys;
use private_key_jwt::jose::{CompactJws, UnverifiedJwt};
use private_key_jwt::keys::{Certificate, KeyCheck, KeyError, KeyFormat, KeyStructure};
use private_key_jwt::verifier::VerifierError;
use private_key_jwt::{AccessTokenVerifier, Jwk, JwkSet, PrivateKey, PublicKey};
use serde_json::Value;
use time::OffsetDateTime;

use crate::error::{Context, Failure};
use crate::findings::{Finding, Findings, state};
use crate::key::{self, KeyOptions};
use crate::source;

const EXAMPLE: &str = "Examples:
  pkjwt inspect client.pem
  pkjwt assert --key client.pem --client-id my-client --audience https://as.example | pkjwt inspect -

Pipe in a token that is still valid: other users of the machine can see arguments.";

/// Describe a key file or a token; verifies nothing and shows no private values
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// Key, certificate, JWK Set or JWT: a file, - for standard input, env:VAR for an environment
    /// variable, or the JWT itself
    #[arg(value_name = "KEY_OR_JWT")]
    subject: PathBuf,
    #[command(flatten)]
    options: KeyOptions,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let now = OffsetDateTime::now_utc();
    let findings = match arguments.subject.to_str() {
        Some(token) if is_token(token) => of_token(token, "the token", now),
        _ => of_file(&arguments.subject, &arguments.options, now),
    }?;
    findings.print(arguments.json, now)
}

/// Whether this is a token rather than the name or the content of a file: a base64url header that
/// begins like JSON, a dot, and more base64url. The contents are not checked.
fn is_token(text: &str) -> bool {
    /// The length of the shortest header that names an algorithm.
    const HEADER_LEN: usize = 15;
    let is_ours = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.=".contains(&byte);
    // `{"` and `{ `, or a brace and a line end.
    let begins = text.starts_with("ey") || text.starts_with("ew");
    begins && text.find('.').is_some_and(|dot| dot >= HEADER_LEN) && text.bytes().all(is_ours)
}

fn of_file(path: &Path, options: &KeyOptions, now: OffsetDateTime) -> Result<Findings, Failure> {
    const LIMIT: usize = PrivateKey::MAX_FILE_LEN;
    let name = source::name(path);
    let bytes = source::read(path, LIMIT)?;
    if bytes.len() > LIMIT {
        return Err(Failure::refused(
            &name,
            format!("more than {LIMIT} bytes, too long for a key or a token"),
        ));
    }
    if let Some(token) = std::str::from_utf8(bytes.trim_ascii()).ok().filter(|text| is_token(text)) {
        return of_token(token, &name, now);
    }
    let format = match KeyFormat::of(&bytes) {
        Err(KeyError::UnknownFormat) => {
            return Err(Failure::refused(&name, "neither a key (PEM, DER or JSON) nor a JWT"));
        }
        Err(KeyError::NotPublic { found }) => {
            return Err(Failure::refused(&name, format!("neither a key nor a certificate: {found}")));
        }
        format => format.context(&name)?,
    };
    if format.is_private() {
        return of_private_key(&key::open(&name, &bytes, options)?, format, now).context(&name);
    }
    match format.structure() {
        KeyStructure::JwkSet => match ClientKeys::from_bytes(&bytes).context(&name)? {
            ClientKeys::Jwks(set) => Ok(of_set(&set, format, now)),
            _ => of_public_key(&bytes, format, now).context(&name),
        },
        _ => of_public_key(&bytes, format, now).context(&name),
    }
}

fn of_private_key(key: &PrivateKey, format: KeyFormat, now: OffsetDateTime) -> Result<Findings, KeyError> {
    let mut findings = Findings::default();
    findings.add("kind", "private key");
    findings.add("format", format.to_string());
    findings.add("type", key.key_type().to_string());
    findings.add("size", Finding::Bits(key.public_key()?.bits()));
    findings.add("algorithm", key.algorithm().as_str());
    findings.add("kid", key.key_id().as_str());
    findings.add("thumbprint", key.thumbprint().to_string());
    add_checks(&mut findings, key.checks());
    add_certificates(&mut findings, key.certificates(), now)?;
    Ok(findings)
}

fn of_public_key(bytes: &[u8], format: KeyFormat, now: OffsetDateTime) -> Result<Findings, KeyError> {
    let key = PublicKey::from_bytes(bytes)?;
    let certificates = match format.structure() {
        KeyStructure::Jwk => certificates(key.jwk())?,
        _ => Certificate::all_from_bytes(bytes)?,
    };
    let is_certificate = format.structure() == KeyStructure::Certificate;
    let mut findings = Findings::default();
    findings.add("kind", if is_certificate { "certificate" } else { "public key" });
    findings.add("format", format.to_string());
    add_public_key(&mut findings, &key);
    add_certificates(&mut findings, &certificates, now)?;
    Ok(findings)
}

fn of_set(set: &JwkSet, format: KeyFormat, now: OffsetDateTime) -> Findings {
    let mut findings = Findings::default();
    findings.add("kind", "public keys");
    findings.add("format", format.to_string());
    let usable = set.keys().iter().map(|jwk| {
        let mut findings = Findings::default();
        if let Err(error) = add_jwk(&mut findings, jwk, now) {
            findings.add_some("kid", jwk.key_id().map(private_key_jwt::KeyId::as_str));
            findings.add("unusable", error.to_string());
        }
        findings
    });
    findings.add("keys", Finding::Groups(usable.collect()));
    let skipped = set.skipped().iter().map(|key| {
        let mut findings = Findings::default();
        findings.add("place", (key.index + 1).to_string());
        findings.add("unusable", key.reason.to_string());
        findings
    });
    let skipped: Vec<Findings> = skipped.collect();
    findings.add_some("skipped keys", (!skipped.is_empty()).then_some(Finding::Groups(skipped)));
    findings
}

fn add_jwk(findings: &mut Findings, jwk: &Jwk, now: OffsetDateTime) -> Result<(), KeyError> {
    let key = PublicKey::from_jwk(jwk)?;
    let certificates = certificates(jwk)?;
    add_public_key(findings, &key);
    add_certificates(findings, &certificates, now)
}

fn add_public_key(findings: &mut Findings, key: &PublicKey) {
    let jwk = key.jwk();
    findings.add("type", key.key_type().to_string());
    findings.add("size", Finding::Bits(key.bits()));
    let algorithms = key.algorithms().map(|algorithm| algorithm.to_string());
    findings.add("algorithms", Finding::Words(algorithms.collect()));
    findings.add_some("use", jwk.public_key_use());
    findings.add_some("kid", jwk.key_id().map(private_key_jwt::KeyId::as_str));
    findings.add("thumbprint", jwk.thumbprint().to_string());
    add_checks(findings, key.checks());
}

/// Adds one line for each check of the key.
fn add_checks(findings: &mut Findings, checks: &[KeyCheck]) {
    let mut checked = Findings::default();
    for KeyCheck { name, found, .. } in checks {
        checked.add(name, *found);
    }
    findings.add("checked", Finding::Group(checked));
}

fn certificates(jwk: &Jwk) -> Result<Vec<Certificate>, KeyError> {
    jwk.certificates().iter().map(|der| Certificate::from_der(der.clone())).collect()
}

fn add_certificates(
    findings: &mut Findings,
    certificates: &[Certificate],
    now: OffsetDateTime,
) -> Result<(), KeyError> {
    let certificates: Vec<Findings> = certificates
        .iter()
        .map(|certificate| {
            let fields = certificate.fields()?;
            let mut findings = Findings::default();
            findings.add("state", state(fields.is_not_yet_valid(now), fields.is_expired(now)));
            findings.add("subject", fields.subject);
            findings.add("issuer", fields.issuer);
            findings.add("serial number", fields.serial_number);
            findings.add("valid from", Finding::Time(fields.not_before));
            findings.add("valid until", Finding::Time(fields.not_after));
            Ok(findings)
        })
        .collect::<Result<_, KeyError>>()?;
    findings.add_some("certificates", (!certificates.is_empty()).then_some(Finding::Groups(certificates)));
    Ok(())
}

/// The token itself is not repeated, so the output cannot be used in its place.
fn of_token(token: &str, name: &str, now: OffsetDateTime) -> Result<Findings, Failure> {
    /// The claims that are times (RFC 7519 §4.1, OpenID Connect Core §2 and §5.1).
    const TIMES: [&str; 5] = ["exp", "nbf", "iat", "auth_time", "updated_at"];
    let jwt = UnverifiedJwt::parse(token).context(name)?;
    let mut findings = Findings::default();
    findings.add("kind", "JWT");
    findings.add("verified", Finding::Unverified);
    let time = |claim: &str| numeric_date(jwt.claims().get(claim)?);
    let [nbf, exp] = ["nbf", "exp"].map(time);
    if nbf.is_some() || exp.is_some() {
        let (early, late) = (nbf.is_some_and(|nbf| now < nbf), exp.is_some_and(|exp| exp <= now));
        findings.add("state", state(early, late));
    }
    findings.add_some("problem", problem(token).map(|error| error.to_string()));
    let mut times = Findings::default();
    for claim in TIMES {
        if jwt.claims().contains_key(claim) {
            let not_a_time = || "not a number of seconds since 1970 (RFC 7519 §2)".into();
            times.add(claim, time(claim).map_or_else(not_a_time, Finding::Time));
        }
    }
    findings.add_some("times", (!times.is_empty()).then_some(Finding::Group(times)));
    findings.add("header", Finding::Object(jwt.header().clone()));
    findings.add("claims", Finding::Object(jwt.claims().clone()));
    Ok(findings)
}

/// Why every verifier of this crate refuses the token, regardless of its key and its claims.
fn problem(token: &str) -> Option<VerifierError> {
    const LIMIT: usize = AccessTokenVerifier::MAX_TOKEN_LEN;
    if token.len() > LIMIT {
        return Some(VerifierError::TooLarge { found: token.len(), limit: LIMIT });
    }
    CompactJws::parse(token).err().map(VerifierError::from)
}

/// RFC 7519 §2, cut to whole seconds.
fn numeric_date(value: &Value) -> Option<OffsetDateTime> {
    #[allow(clippy::cast_possible_truncation, reason = "what is out of range is no time either way")]
    let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_told_from_a_file_by_how_it_begins() {
        for token in
            ["eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UifQ.", "eyJhbGciOiJub25lIn0.x", "ewogImFsZyI6MX0.a.b"]
        {
            assert!(is_token(token), "{token}");
        }
        for file in
            ["eyes.pem", "p256.pkcs8.pem", "-", "", "eyJhbGciOiJub25lIn0", "eyJhbGciOiJub25lIn0.a/b.pem"]
        {
            assert!(!is_token(file), "{file}");
        }
    }

    #[test]
    fn rfc7519_2_a_numeric_date_is_a_number_of_seconds() {
        let seconds = |json: Value| numeric_date(&json).map(OffsetDateTime::unix_timestamp);
        assert_eq!(seconds(1_800_000_000.into()), Some(1_800_000_000));
        assert_eq!(seconds(1.9.into()), Some(1));
        for no_time in [Value::from("1800000000"), Value::Null, 1e300.into(), i64::MAX.into(), true.into()] {
            assert_eq!(seconds(no_time), None);
        }
    }
}
