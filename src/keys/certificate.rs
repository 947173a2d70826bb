use std::fmt::Write;

use der::{Decode, Encode};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, SubjectKeyIdentifier};
use x509_cert::name::Name;
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::KeyError;
use super::format::spki;
use super::material::RsaScheme;
use crate::jose::KeyParameters;

/// An X.509 certificate that came with a key. This crate carries, compares and hashes it, but never
/// validates it.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
}

impl Certificate {
    /// Reads a certificate as DER (RFC 5280 §4.1).
    ///
    /// # Errors
    ///
    /// [`KeyError::Certificate`] if the bytes are not a certificate.
    pub fn from_der(der: impl Into<Vec<u8>>) -> Result<Self, KeyError> {
        let der = der.into();
        CertificateInner::<Raw>::from_der(&der).map_err(|_| KeyError::Certificate)?;
        Ok(Self { der })
    }

    /// The certificate as DER.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// The SHA-256 hash of the DER (`x5t#S256`, RFC 7515 §4.1.8).
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }

    /// The SHA-1 hash of the DER (`x5t`, RFC 7515 §4.1.7). It identifies a certificate and protects
    /// nothing.
    #[must_use]
    pub fn sha1(&self) -> [u8; 20] {
        Sha1::digest(&self.der).into()
    }

    /// The certificate's statements about itself. They are not verified.
    ///
    /// # Errors
    ///
    /// [`KeyError::Certificate`] for a name that cannot be formatted.
    pub fn fields(&self) -> Result<CertificateFields, KeyError> {
        let certificate = CertificateInner::<Raw>::from_der(&self.der).map_err(|_| KeyError::Certificate)?;
        let tbs = certificate.tbs_certificate();
        let validity = tbs.validity();
        Ok(CertificateFields {
            subject: text(tbs.subject())?,
            issuer: text(tbs.issuer())?,
            serial_number: hexadecimal(tbs.serial_number().as_bytes()),
            not_before: OffsetDateTime::UNIX_EPOCH + validity.not_before.to_unix_duration(),
            not_after: OffsetDateTime::UNIX_EPOCH + validity.not_after.to_unix_duration(),
        })
    }

    /// The public key of the certificate, and the RSA signatures that it may be used with.
    ///
    /// # Errors
    ///
    /// [`KeyError::UnsupportedKey`] for a key that this crate does not use, [`KeyError::Der`] for a
    /// damaged key.
    pub(super) fn key(&self) -> Result<(KeyParameters, RsaScheme), KeyError> {
        let certificate = CertificateInner::<Raw>::from_der(&self.der).map_err(|_| KeyError::Certificate)?;
        let spki = certificate
            .tbs_certificate()
            .subject_public_key_info()
            .to_der()
            .map_err(|_| KeyError::Certificate)?;
        let spki = SubjectPublicKeyInfoRef::from_der(&spki).map_err(|_| KeyError::Certificate)?;
        Ok((spki::parameters(&spki)?, spki::scheme(&spki)?))
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({} bytes)", self.der.len())
    }
}

/// A certificate's statements about itself (RFC 5280 §4.1). Its creator chose the text: display it
/// with care.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateFields {
    /// The distinguished name of the subject, as RFC 4514 writes it.
    pub subject: String,
    /// The distinguished name of the issuer, as RFC 4514 writes it.
    pub issuer: String,
    /// The serial number in hexadecimal, two digits per octet, separated by colons.
    pub serial_number: String,
    /// The start of the validity period.
    pub not_before: OffsetDateTime,
    /// The end of the validity period, inclusive of this second.
    pub not_after: OffsetDateTime,
}

impl CertificateFields {
    /// Whether the validity period is over (RFC 5280 §4.1.2.5: it includes its last second).
    #[must_use]
    pub fn is_expired(&self, now: OffsetDateTime) -> bool {
        self.not_after.unix_timestamp() < now.unix_timestamp()
    }

    /// Whether the validity period has not begun.
    #[must_use]
    pub fn is_not_yet_valid(&self, now: OffsetDateTime) -> bool {
        now < self.not_before
    }
}

fn text(name: &Name) -> Result<String, KeyError> {
    let mut text = String::new();
    // `to_string` would panic here; `write!` returns an error.
    write!(text, "{name}").map_err(|_| KeyError::Certificate)?;
    Ok(text)
}

/// Drops the leading octet that only marks the number as positive.
fn hexadecimal(number: &[u8]) -> String {
    let number = number.strip_prefix(&[0]).filter(|rest| !rest.is_empty()).unwrap_or(number);
    number.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

/// The chain of this key (RFC 7515 §4.1.6): its own certificate first, then each certificate
/// certifies the one before. Others are left out, wherever they stand.
pub(super) fn chain_for(
    parameters: &KeyParameters,
    certificates: &[&Named],
) -> Result<Vec<Certificate>, KeyError> {
    if certificates.is_empty() {
        return Ok(Vec::new());
    }
    let mut others = Vec::new();
    let mut own: Option<&Named> = None;
    for named in certificates.iter().copied() {
        if named.key.as_ref() != Some(parameters) {
            others.push(named);
        } else if own.as_ref().is_none_or(|own| own.not_before < named.not_before) {
            // If several are for the key, take the latest: a renewed certificate, or one by an
            // authority in place of a self-signed one.
            own = Some(named);
        }
    }
    let mut last = own.ok_or(KeyError::CertificateMismatch)?;
    let mut chain = Vec::new();
    while last.subject != last.issuer
        && let Some(at) = others.iter().position(|other| other.certifies(last))
    {
        chain.push(std::mem::replace(&mut last, others.swap_remove(at)).certificate.clone());
    }
    chain.push(last.certificate.clone());
    Ok(chain)
}

/// The certificates with their names, read once for all keys of a file.
pub(super) fn named(certificates: Vec<Certificate>) -> Result<Vec<Named>, KeyError> {
    certificates.into_iter().map(Named::new).collect()
}

/// A certificate and its names. Names are compared as octets: an issuer copies its own name into
/// the certificates that it issues (RFC 5280 §7.1 would allow more).
pub(super) struct Named {
    certificate: Certificate,
    /// `None` for a key that this crate cannot use: a certificate of the chain may have one.
    key: Option<KeyParameters>,
    subject: Vec<u8>,
    issuer: Vec<u8>,
    not_before: std::time::Duration,
    /// The key identifiers (RFC 5280 §4.2.1.1 and §4.2.1.2): an authority may have had several keys
    /// under one name.
    own_key: Option<Vec<u8>>,
    issuers_key: Option<Vec<u8>>,
}

impl Named {
    fn new(certificate: Certificate) -> Result<Self, KeyError> {
        let parsed =
            CertificateInner::<Raw>::from_der(&certificate.der).map_err(|_| KeyError::Certificate)?;
        let names = parsed.tbs_certificate();
        let subject = names.subject().to_der().map_err(|_| KeyError::Certificate)?;
        let issuer = names.issuer().to_der().map_err(|_| KeyError::Certificate)?;
        let not_before = names.validity().not_before.to_unix_duration();
        let own_key = names.get_extension::<SubjectKeyIdentifier>().ok().flatten();
        let issuers_key = names.get_extension::<AuthorityKeyIdentifier>().ok().flatten();
        Ok(Self {
            key: certificate.key().ok().map(|(key, _)| key),
            subject,
            issuer,
            not_before,
            own_key: own_key.map(|(_, key)| key.0.as_bytes().to_vec()),
            issuers_key: issuers_key.and_then(|(_, key)| Some(key.key_identifier?.as_bytes().to_vec())),
            certificate,
        })
    }

    fn certifies(&self, other: &Self) -> bool {
        let by_another_key = matches!(
            (&self.own_key, &other.issuers_key),
            (Some(own), Some(issuers)) if own != issuers
        );
        self.subject == other.issuer && !by_another_key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str) -> Vec<u8> {
        std::fs::read(format!("testdata/keys/{file}")).unwrap()
    }

    fn only(file: &str) -> Certificate {
        let [certificate] =
            <[Certificate; 1]>::try_from(Certificate::all_from_bytes(&read(file)).unwrap()).unwrap();
        certificate
    }

    /// The same certificate with other bytes in it; its signature is not checked.
    fn patched(from: &[u8], to: &[u8]) -> Certificate {
        let mut der = only("p256.cert.pem").der;
        assert_eq!(from.len(), to.len());
        let places: Vec<usize> =
            (0..der.len() - from.len()).filter(|at| der[*at..].starts_with(from)).collect();
        assert!(!places.is_empty());
        for place in places {
            der[place..place + to.len()].copy_from_slice(to);
        }
        Certificate::from_der(der).unwrap()
    }

    #[test]
    fn rfc5280_4_1_the_fields_are_those_that_openssl_shows() {
        let leaf = only("rsa2048.leaf.pem").fields().unwrap();
        assert_eq!(leaf.subject, "CN=private-key-jwt test leaf");
        assert_eq!((leaf.issuer.as_str(), leaf.serial_number.as_str()), ("CN=private-key-jwt test CA", "02"));
        let fields = only("p256.cert.pem").fields().unwrap();
        assert_eq!(fields.serial_number, "63:88:26:e4:28:1d:1c:43:3d:9d:8b:2f:02:4d:b8:c6:1e:6b:01:43");
        // 2026-11-22T00:21:07Z and 2126-10-29T00:21:07Z
        assert_eq!(fields.not_before.unix_timestamp(), 1_795_306_867);
        assert_eq!(fields.not_after.unix_timestamp(), 4_948_906_867);
    }

    #[test]
    fn rfc5280_4_1_2_5_the_last_second_belongs_to_the_period() {
        let fields = only("p256.cert.pem").fields().unwrap();
        let state = |now: OffsetDateTime| (fields.is_not_yet_valid(now), fields.is_expired(now));
        let millisecond = time::Duration::milliseconds(1);
        assert_eq!(state(fields.not_before - millisecond), (true, false));
        assert_eq!(state(fields.not_before), (false, false));
        assert_eq!(state(fields.not_after + millisecond), (false, false));
        assert_eq!(state(fields.not_after + time::Duration::SECOND), (false, true));
    }

    #[test]
    fn names_are_escaped_as_rfc4514_has_it_and_a_serial_number_is_its_octets() {
        let hostile =
            patched(b"private-key-jwt test", b"a,b+\"c\" \x1b[2J\n\\d\xc2\x9bef ").fields().unwrap();
        assert_eq!(hostile.subject, "CN=a\\,b\\+\\\"c\\\" \\1b[2J\\0a\\\\d\u{9b}ef\\ ");
        assert_eq!(hostile.issuer, hostile.subject);
        let serial = |number: &[u8]| {
            let original = only("p256.cert.pem").fields().unwrap().serial_number;
            let original: Vec<u8> =
                original.split(':').map(|octet| u8::from_str_radix(octet, 16).unwrap()).collect();
            let mut octets = original.clone();
            octets[..number.len()].copy_from_slice(number);
            patched(&original, &octets).fields().unwrap().serial_number
        };
        assert!(serial(&[0, 0x80]).starts_with("80:26:e4:"));
        // RFC 5280 forbids negative serial numbers; some certificates have them.
        assert!(serial(&[0x80, 1]).starts_with("80:01:26:e4:"));
        assert_eq!([hexadecimal(&[0]), hexadecimal(&[])], ["00", ""]);
    }

    #[test]
    fn every_certificate_of_a_file_is_found() {
        let subjects = |file: &str| {
            let all = Certificate::all_from_bytes(&read(file)).unwrap();
            all.iter().map(|certificate| certificate.fields().unwrap().subject).collect::<Vec<_>>()
        };
        assert_eq!(subjects("rsa2048.cert.der"), ["CN=private-key-jwt test"]);
        assert_eq!(
            subjects("rsa2048.key-then-chain.pem"),
            ["CN=private-key-jwt test leaf", "CN=private-key-jwt test CA"]
        );
        for none in ["p256.pkcs8.pem", "p256.pub.pem", "p256.jwk.json", "p256.sec1.der"] {
            assert_eq!(subjects(none), <[String; 0]>::default(), "{none}");
        }
        let damaged = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(Certificate::all_from_bytes(damaged), Err(KeyError::Certificate)));
        assert!(matches!(Certificate::all_from_bytes(b" \n"), Err(KeyError::Empty)));
        assert!(matches!(Certificate::all_from_bytes(b"x"), Err(KeyError::UnknownFormat)));
    }
}
