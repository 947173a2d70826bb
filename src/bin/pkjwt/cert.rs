//! `pkjwt cert`: a self-signed certificate of a key, for servers that register certificates instead
//! of keys.

use std::path::PathBuf;
use std::str::FromStr;

use base64ct::{Base64UrlUnpadded, Encoding};
use der::asn1::{Any, BitString, Null, ObjectIdentifier, OctetString, UintRef};
use der::pem::{LineEnding, encode_string};
use der::{Decode, Encode, Sequence};
use pkcs1::RsaPssParams;
use private_key_jwt::jose::KeyType;
use private_key_jwt::keys::{Certificate, KeyError};
use private_key_jwt::{Algorithm, PrivateKey, Signature};
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha384, Sha512};
use time::OffsetDateTime;
use x509_cert::certificate::Version;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages, SubjectKeyIdentifier};
use x509_cert::ext::{Extensions, ToExtension};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};

use crate::error::{Context, Failure};
use crate::findings::{Finding, Findings};
use crate::key::SigningKey;
use crate::new_file::{self, Readers};
use crate::{output, source};

const EXAMPLE: &str = "Examples:
  pkjwt cert --key key.pem --subject CN=my-client --out cert.pem    # upload cert.pem to PingOne or Entra ID
  cat key.pem cert.pem > key-and-cert.pem
  pkjwt token --x5t-s256 --key key-and-cert.pem --issuer https://as.example --client-id my-client

The thumbprints go to stdout with --out FILE, to stderr without it. x5t and x5t#S256 are the values in the header of
assertions (RFC 7515). Consoles show the SHA-1 thumbprint in hexadecimal.";

/// Create a self-signed certificate of a private key and print its thumbprints
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    #[command(flatten)]
    key: SigningKey,
    /// Distinguished name of the subject, as RFC 4514 writes it
    #[arg(long, value_name = "DN", value_parser = name)]
    subject: Name,
    /// Validity period in days, from now
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// File to create for the certificate (PEM) [default: print it]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
    /// Print JSON, with the certificate
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let file = arguments.out.as_deref().filter(|path| !source::is_stdin(path));
    match file {
        Some(path) => new_file::check(path, arguments.force)?,
        None if arguments.force => {
            return Err(Failure::usage("--force", "needs --out FILE, the file to replace"));
        }
        None => {}
    }
    let key = arguments.key.load()?;
    let now = OffsetDateTime::now_utc();
    let mut serial = [0; 16];
    getrandom::fill(&mut serial).map_err(|_| Failure::refused("cert", "no random bytes"))?;
    let certificate =
        self_signed(&key, arguments.subject.clone(), now, arguments.days, serial).context("cert")?;
    let pem = encode_string("CERTIFICATE", LineEnding::LF, certificate.as_der()).context("cert")?;
    if let Some(path) = file {
        new_file::write(path, pem.as_bytes(), Readers::All, arguments.force)?;
    }
    let mut findings = facts(&certificate).context("cert")?;
    if arguments.json {
        findings.add("certificate", pem);
        findings.print(true, now)
    } else if file.is_some() {
        findings.print(false, now)
    } else {
        output::line(&pem)?;
        findings.note(now);
        Ok(())
    }
}

fn name(text: &str) -> Result<Name, &'static str> {
    let name = Name::from_str(text).ok().filter(|name| !name.is_empty());
    name.ok_or("expected a distinguished name, such as CN=my-client")
}

fn facts(certificate: &Certificate) -> Result<Findings, KeyError> {
    let fields = certificate.fields()?;
    let (sha1, sha256) = (certificate.sha1(), certificate.sha256());
    let mut findings = Findings::default();
    findings.add("subject", fields.subject);
    findings.add("serial number", fields.serial_number);
    findings.add("valid from", Finding::Time(fields.not_before));
    findings.add("valid until", Finding::Time(fields.not_after));
    findings.add("x5t", Base64UrlUnpadded::encode_string(&sha1));
    findings.add("x5t#S256", Base64UrlUnpadded::encode_string(&sha256));
    findings.add("sha1", hexadecimal(&sha1));
    findings.add("sha256", hexadecimal(&sha256));
    Ok(findings)
}

/// Hexadecimal digits, as consoles show thumbprints.
fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// A certificate for signatures, which certifies no other (RFC 5280 §4.2), signed by its own key.
fn self_signed(
    key: &PrivateKey,
    subject: Name,
    now: OffsetDateTime,
    days: u32,
    mut serial: [u8; 16],
) -> Result<Certificate, Error> {
    // A positive number of full length (RFC 5280 §4.1.2.2).
    let [first, ..] = &mut serial;
    *first = *first & 0x3f | 0x40;
    let key = signer(key);
    let at = |time: OffsetDateTime| {
        let seconds = u64::try_from(time.unix_timestamp()).unwrap_or_default();
        let time = der::DateTime::from_unix_duration(std::time::Duration::from_secs(seconds))?;
        Ok::<_, der::Error>(Time::from(time))
    };
    let subject_public_key_info = SubjectPublicKeyInfoOwned::from_der(&key.public_key()?.to_der()?)?;
    let key_identifier = Sha1::digest(subject_public_key_info.subject_public_key.raw_bytes());
    let tbs = Tbs {
        version: Version::V3,
        serial_number: SerialNumber::new(&serial)?,
        signature: algorithm_identifier(key.algorithm())?,
        issuer: subject.clone(),
        validity: Validity::new(at(now)?, at(now + time::Duration::days(days.into()))?),
        extensions: vec![
            (&BasicConstraints { ca: false, path_len_constraint: None }).to_extension(&subject, &[])?,
            (&KeyUsage(KeyUsages::DigitalSignature.into())).to_extension(&subject, &[])?,
            (&SubjectKeyIdentifier(OctetString::new(key_identifier.to_vec())?))
                .to_extension(&subject, &[])?,
        ],
        subject,
        subject_public_key_info,
    };
    let signature = signature(&key.sign(&tbs.to_der()?)?)?;
    let certificate = Signed {
        signature_algorithm: tbs.signature.clone(),
        tbs_certificate: tbs,
        signature: BitString::from_bytes(&signature)?,
    };
    Ok(Certificate::from_der(certificate.to_der()?)?)
}

/// `TBSCertificate` (RFC 5280 §4.1), for writing: the builder of `x509_cert` needs another
/// abstraction of signing keys.
#[derive(Sequence)]
struct Tbs {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: Version,
    serial_number: SerialNumber,
    signature: AlgorithmIdentifierOwned,
    issuer: Name,
    validity: Validity,
    subject: Name,
    subject_public_key_info: SubjectPublicKeyInfoOwned,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: Extensions,
}

/// `Certificate` (RFC 5280 §4.1), for writing.
#[derive(Sequence)]
struct Signed {
    tbs_certificate: Tbs,
    signature_algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Der(#[from] der::Error),
}

/// ECDSA signatures have another form in certificates (RFC 3279 §2.2.3).
fn signature(signature: &Signature) -> der::Result<Vec<u8>> {
    let bytes = signature.as_bytes();
    match signature.algorithm().key_type() {
        KeyType::Ec(_) => {
            let (r, s) = bytes.split_at(bytes.len() / 2);
            vec![UintRef::new(r)?, UintRef::new(s)?].to_der()
        }
        _ => Ok(bytes.to_vec()),
    }
}

/// PKCS#1 v1.5 for RSA, which every server reads, unless the key is restricted to RSASSA-PSS.
fn signer(key: &PrivateKey) -> PrivateKey {
    let plain = match key.algorithm() {
        Algorithm::PS256 => Some(Algorithm::RS256),
        Algorithm::PS384 => Some(Algorithm::RS384),
        Algorithm::PS512 => Some(Algorithm::RS512),
        _ => None,
    };
    let plain = plain.and_then(|algorithm| key.clone().with_algorithm(algorithm).ok());
    plain.unwrap_or_else(|| key.clone())
}

/// RFC 4055 §5, RFC 5758 §3.2 and RFC 8410 §3.
fn algorithm_identifier(algorithm: Algorithm) -> der::Result<AlgorithmIdentifierOwned> {
    const RSA: [&str; 3] = ["1.2.840.113549.1.1.11", "1.2.840.113549.1.1.12", "1.2.840.113549.1.1.13"];
    const PSS: &str = "1.2.840.113549.1.1.10";
    const ECDSA: [&str; 3] = ["1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3", "1.2.840.10045.4.3.4"];
    let null = || Any::encode_from(&Null).map(Some);
    let [rs256, rs384, rs512] = RSA;
    let [es256, es384, es512] = ECDSA;
    let (oid, parameters) = match algorithm {
        Algorithm::RS256 => (rs256, null()?),
        Algorithm::RS384 => (rs384, null()?),
        Algorithm::RS512 => (rs512, null()?),
        Algorithm::PS256 => (PSS, Some(Any::encode_from(&RsaPssParams::new::<Sha256>(32))?)),
        Algorithm::PS384 => (PSS, Some(Any::encode_from(&RsaPssParams::new::<Sha384>(48))?)),
        Algorithm::PS512 => (PSS, Some(Any::encode_from(&RsaPssParams::new::<Sha512>(64))?)),
        Algorithm::ES256 => (es256, None),
        Algorithm::ES384 => (es384, None),
        Algorithm::ES512 => (es512, None),
        _ => ("1.3.101.112", None),
    };
    Ok(AlgorithmIdentifierOwned { oid: ObjectIdentifier::new(oid).map_err(der::Error::from)?, parameters })
}
