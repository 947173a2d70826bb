use std::fmt;

/// The format of a key file: its structure, its encoding, and the wrapping around them. It is
/// detected without a passphrase and without judging the key, so it is also available for an
/// encrypted file and for a file that [`PrivateKey`](super::PrivateKey) and
/// [`PublicKey`](super::PublicKey) reject.
///
/// `Display` writes, for example, `PKCS#8, PEM` or `PKCS#8, PEM, in base64`.
///
/// ```
/// use private_key_jwt::{Algorithm, PrivateKey};
/// use private_key_jwt::keys::{Encoding, KeyFormat, KeyStructure};
///
/// let pem = PrivateKey::generate(Algorithm::ES256)?.to_encrypted_pem("correct horse")?;
/// let format = KeyFormat::of(pem.as_bytes())?;
/// assert_eq!((format.structure(), format.encoding()), (KeyStructure::EncryptedPkcs8, Encoding::Pem));
/// assert!(format.is_private() && format.takes_passphrase());
/// assert_eq!(format.to_string(), "encrypted PKCS#8, PEM");
/// # Ok::<(), private_key_jwt::keys::KeyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyFormat {
    structure: KeyStructure,
    encoding: Encoding,
    /// The outermost, if there are several.
    wrapping: Option<Wrapping>,
    is_private: bool,
}

impl KeyFormat {
    pub(super) const fn new(structure: KeyStructure, encoding: Encoding, is_private: bool) -> Self {
        Self { structure, encoding, wrapping: None, is_private }
    }

    /// The format of a structure that is not JSON.
    pub(super) const fn of_structure(structure: KeyStructure, encoding: Encoding) -> Self {
        Self::new(structure, encoding, structure.is_of_private_keys())
    }

    pub(super) const fn within(mut self, wrapping: Wrapping) -> Self {
        self.wrapping = Some(wrapping);
        self
    }

    /// The structure.
    #[must_use]
    pub const fn structure(self) -> KeyStructure {
        self.structure
    }

    /// The encoding of the structure.
    #[must_use]
    pub const fn encoding(self) -> Encoding {
        self.encoding
    }

    /// Whether the file contains a private or a symmetric key, and so must stay secret.
    #[must_use]
    pub const fn is_private(self) -> bool {
        self.is_private
    }

    /// Whether a passphrase may protect the structure. A PKCS#12 file may also be unprotected. The
    /// encryption of a PEM text itself (RFC 1421 §4.6.1.3) is not supported and does not count.
    #[must_use]
    pub const fn takes_passphrase(self) -> bool {
        matches!(self.structure, KeyStructure::EncryptedPkcs8 | KeyStructure::Pkcs12)
    }
}

impl fmt::Display for KeyFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.structure, self.encoding)?;
        self.wrapping.map_or(Ok(()), |wrapping| write!(f, ", in {wrapping}"))
    }
}

/// The structure of a key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyStructure {
    /// `PrivateKeyInfo` and `OneAsymmetricKey` (RFC 5958 §2).
    Pkcs8,
    /// `EncryptedPrivateKeyInfo` (RFC 5958 §3).
    EncryptedPkcs8,
    /// `RSAPrivateKey` (RFC 8017 A.1.2).
    Pkcs1,
    /// `ECPrivateKey` (RFC 5915 §3).
    Sec1,
    /// `PFX` (RFC 7292 §4).
    Pkcs12,
    /// A JWK (RFC 7517 §4).
    Jwk,
    /// A JWK Set (RFC 7517 §5).
    JwkSet,
    /// `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7).
    SubjectPublicKeyInfo,
    /// `RSAPublicKey` (RFC 8017 A.1.1).
    Pkcs1PublicKey,
    /// An X.509 certificate (RFC 5280 §4.1).
    Certificate,
}

impl KeyStructure {
    /// The common name of the structure.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Pkcs8 => "PKCS#8",
            Self::EncryptedPkcs8 => "encrypted PKCS#8",
            Self::Pkcs1 => "PKCS#1",
            Self::Sec1 => "SEC1",
            Self::Pkcs12 => "PKCS#12",
            Self::Jwk => "JWK",
            Self::JwkSet => "JWK Set",
            Self::SubjectPublicKeyInfo => "SubjectPublicKeyInfo",
            Self::Pkcs1PublicKey => "PKCS#1 public key",
            Self::Certificate => "X.509 certificate",
        }
    }

    /// Whether the structure is always a private key. A JWK may be either.
    pub(super) const fn is_of_private_keys(self) -> bool {
        matches!(self, Self::Pkcs8 | Self::EncryptedPkcs8 | Self::Pkcs1 | Self::Sec1 | Self::Pkcs12)
    }
}

impl fmt::Display for KeyStructure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The encoding of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// Text with `-----BEGIN` lines (RFC 7468).
    Pem,
    /// The bytes of the ASN.1 structure (X.690 §10); PKCS#12 may also use the freer BER (§8).
    Der,
    /// JSON.
    Json,
}

impl Encoding {
    /// Its name.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Pem => "PEM",
            Self::Der => "DER",
            Self::Json => "JSON",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The wrapping that a key acquires in variables, secrets and consoles. PEM with line ends written
/// as `\n` is PEM, not wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrapping {
    /// Base64 or base64url, as in a Kubernetes secret.
    Base64,
    /// A JSON string, or text in quotes.
    JsonString,
    /// A JSON document that is not a JWK, such as a console exports.
    JsonDocument,
}

impl fmt::Display for Wrapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Base64 => "base64",
            Self::JsonString => "a JSON string",
            Self::JsonDocument => "a JSON document",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{KeyError, PrivateKey};

    fn of(file: &str) -> Result<KeyFormat, KeyError> {
        KeyFormat::of(&std::fs::read(format!("testdata/keys/{file}")).unwrap())
    }

    #[test]
    fn every_format_has_its_name() {
        for (file, name, is_private) in [
            ("rsa2048.pkcs8.pem", "PKCS#8, PEM", true),
            ("ed25519.pkcs8v2.pem", "PKCS#8, PEM", true),
            ("p256.pkcs8.der", "PKCS#8, DER", true),
            ("rsa2048.pkcs1.pem", "PKCS#1, PEM", true),
            ("rsa2048.pkcs1.der", "PKCS#1, DER", true),
            ("p521.sec1-params.pem", "SEC1, PEM", true),
            ("p384.sec1.der", "SEC1, DER", true),
            ("p256.scrypt-aes192.pem", "encrypted PKCS#8, PEM", true),
            ("p256.pbkdf2-sha256-aes256.der", "encrypted PKCS#8, DER", true),
            ("p256.p12", "PKCS#12, DER", true),
            ("p256.ber.p12", "PKCS#12, DER", true),
            ("p256.pkcs12.pem", "PKCS#12, PEM", true),
            ("ed25519.jwk.json", "JWK, JSON", true),
            ("private-with-enc.jwks.json", "JWK Set, JSON", true),
            ("rsa2048-pss.pub.pem", "SubjectPublicKeyInfo, PEM", false),
            ("rsa2048.cert.pem", "X.509 certificate, PEM", false),
            ("rsa2048.cert.der", "X.509 certificate, DER", false),
            // The private key counts, wherever it stands.
            ("p256.cert-then-key.pem", "PKCS#8, PEM", true),
            ("p256.bag-attributes.pem", "PKCS#8, PEM", true),
            // A file that the loader would reject still has a format.
            ("bad/two-keys.pem", "PKCS#8, PEM", true),
            ("bad/dek-info-rsa.pem", "PKCS#1, PEM", true),
            ("bad/secp256k1.jwk.json", "JWK, JSON", true),
            ("bad/p256.oct.jwk.json", "JWK, JSON", true),
            ("bad/p256.public-only.jwk.json", "JWK, JSON", false),
        ] {
            let format = of(file).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert_eq!((format.to_string().as_str(), format.is_private()), (name, is_private), "{file}");
            let takes_passphrase = name.starts_with("encrypted") || name.starts_with("PKCS#12");
            assert_eq!(format.takes_passphrase(), takes_passphrase, "{file}");
        }
        // Regardless of the wrapping.
        let key = |file: &str| std::fs::read_to_string(format!("testdata/keys/{file}")).unwrap();
        let pem = key("p256.sec1.pem");
        let json = serde_json::json!({"type": "service", "private_key": pem}).to_string();
        let base64 = |text: &str| crate::jose::base64url::encode(text);
        let der = crate::jose::base64url::encode_standard(std::fs::read("testdata/keys/p256.p12").unwrap());
        for (file, name) in [
            (pem.replace('\n', "\\n"), "SEC1, PEM"),
            (serde_json::Value::from(pem.as_str()).to_string(), "SEC1, PEM"),
            (base64(&pem), "SEC1, PEM, in base64"),
            (der, "PKCS#12, DER, in base64"),
            (format!("'{}'", base64(&pem)), "SEC1, PEM, in a JSON string"),
            (serde_json::Value::from(key("p256.jwk.json")).to_string(), "JWK, JSON, in a JSON string"),
            (json.clone(), "SEC1, PEM, in a JSON document"),
            (base64(&json), "SEC1, PEM, in base64"),
            (
                format!(r#"{{"public":{{"kty":"EC"}},"private":{}}}"#, key("p256.jwk.json")),
                "JWK, JSON, in a JSON document",
            ),
            (pem.replace("EC PRIVATE KEY", "PRIVATE KEY"), "SEC1, PEM"),
        ] {
            let format = KeyFormat::of(file.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!((format.to_string().as_str(), format.is_private()), (name, true));
        }
        let public = KeyFormat::of(br#"{"keys":[{"kty":"EC"},7]}"#).unwrap();
        assert_eq!((public.to_string().as_str(), public.is_private()), ("JWK Set, JSON", false));
        // A key that the loader skips does not hide the others.
        let jwk = key("p256.jwk.json");
        for (file, name) in [
            (format!(r#"{{"keys":[{{"a":1,"a":2}},{jwk}]}}"#), "JWK Set, JSON"),
            (format!(r#"{{"keys":[{{"$serde_json::private::Number":"1"}},{jwk}]}}"#), "JWK Set, JSON"),
            (format!(r#"{{"keys":[{jwk}],"a":1,"a":2}}"#), "JWK Set, JSON"),
            (
                format!(r#"{{"a":{}}}"#, jwk.replacen('{', r#"{"keys":[],"#, 1)),
                "JWK, JSON, in a JSON document",
            ),
        ] {
            assert!(PrivateKey::from_bytes(file.as_bytes()).is_ok(), "{file}");
            let format = KeyFormat::of(file.as_bytes()).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert_eq!((format.to_string().as_str(), format.is_private()), (name, true));
        }
        let damaged = KeyFormat::of(br#"{"keys":[{"d":1,"d":2}]}"#).unwrap();
        assert!(damaged.is_private());
        let pem = b"-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----";
        assert_eq!(KeyFormat::of(pem).unwrap().structure(), KeyStructure::Pkcs1PublicKey);
        assert_eq!(KeyFormat::of(&[0x30, 3, 2, 1, 3]).ok(), None);
        assert_eq!(
            KeyFormat::of(&[0x30, 6, 2, 1, 3, 2, 1, 3]).unwrap().to_string(),
            "PKCS#1 public key, DER"
        );
    }

    #[test]
    fn what_is_no_key_file_has_the_error_of_the_loader() {
        let error = |bytes: &[u8]| KeyFormat::of(bytes).unwrap_err();
        assert!(matches!(error(b""), KeyError::Empty));
        assert!(matches!(error(b"hello"), KeyError::UnknownFormat));
        assert!(matches!(error(&[0x30, 0x82, 0xff, 0xff, 1]), KeyError::Der { structure: "DER: not a key" }));
        assert!(matches!(error(b"{\"a\":"), KeyError::Jose(crate::jose::JoseError::Json { .. })));
        assert!(matches!(
            error(b"{\"a\":1,\"a\":2}"),
            KeyError::Jose(crate::jose::JoseError::DuplicateMember { what: "a JWK", .. })
        ));
        let request = of("bad/csr.pem");
        assert!(matches!(request, Err(KeyError::NotPublic { found }) if found == "CERTIFICATE REQUEST"));
        for (file, name) in [
            ("bad/openssh-rsa.pem", "an OpenSSH private key"),
            ("bad/pkcs7.pem", "a PKCS#7 message"),
            ("bad/jks.bin", "a Java key store"),
            ("bad/putty.ppk", "a PuTTY key"),
        ] {
            assert!(
                matches!(of(file), Err(KeyError::ForeignFormat { format, .. }) if format == name),
                "{file}"
            );
        }
        assert!(matches!(of("bad/dsa.pem"), Err(KeyError::UnsupportedKey { found }) if found == "DSA"));
        assert!(matches!(of("bad/no-end.pem"), Err(KeyError::Pem { .. })));
    }
}
