use std::fmt;
use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::format::{self, Budget, Entry};
use super::health::Allowance;
use super::{KeyEntry, KeyError, PrivateKey, certificate, key_source};
use crate::jose::error::shown;
use crate::jose::secret_form::Shown;

/// Loads a private key that needs more than a path: a passphrase, or a choice among several keys.
///
/// [`PrivateKey::from_file`] and its siblings use a loader without a passphrase or an entry.
///
/// ```
/// use private_key_jwt::keys::{KeyError, KeyLoader};
/// # let set = {
/// #     let pem = |alg| private_key_jwt::PrivateKey::generate(alg)?.to_pem();
/// #     let [a, b] = [private_key_jwt::Algorithm::ES256, private_key_jwt::Algorithm::EdDSA].map(pem);
/// #     let pem = |name: &str, pem: &str| format!("friendlyName: {name}\n{pem}");
/// #     pem("2026-01", &a?) + &pem("2026-02", &b?)
/// # };
///
/// // A file with two keys: without a choice the error lists them.
/// let error = KeyLoader::new().load_bytes(set.as_bytes()).unwrap_err();
/// assert!(matches!(&error, KeyError::SeveralKeys { found } if found[1].alias.as_deref() == Some("2026-02")));
///
/// let key = KeyLoader::new().entry("2026-02").load_bytes(set.as_bytes())?;
/// assert_eq!(key.algorithm(), private_key_jwt::Algorithm::EdDSA);
/// # Ok::<(), KeyError>(())
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct KeyLoader {
    passphrase: Option<Zeroizing<Vec<u8>>>,
    entry: Option<String>,
}

impl KeyLoader {
    /// A loader without a passphrase, for a file with one key.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens encrypted keys with this passphrase. If the passphrase ends with a line end, as when
    /// read from a file, the loader tries it unchanged and then without that line end.
    pub fn passphrase(mut self, passphrase: impl AsRef<[u8]>) -> Self {
        self.passphrase = Some(Zeroizing::new(passphrase.as_ref().to_vec()));
        self
    }

    /// Selects the key with this name: its alias (the friendly name in PKCS#12, the place in a JSON
    /// document), its `kid` or its RFC 7638 thumbprint. Default: the only key of the file.
    pub fn entry(mut self, name: impl Into<String>) -> Self {
        self.entry = Some(name.into());
        self
    }

    /// Loads from a file.
    ///
    /// # Errors
    ///
    /// [`KeyError::File`] and [`KeyError::KeyAsPath`] if the file cannot be read.
    /// [`KeyError::InFile`] wraps every error of [`KeyLoader::load_bytes`], and names the file;
    /// [`KeyError::reason`] unwraps it.
    pub fn load_file(&self, path: impl AsRef<Path>) -> Result<PrivateKey, KeyError> {
        let path = path.as_ref();
        self.load_bytes(&key_source::read(path)?).map_err(|error| key_source::in_file(path, error))
    }

    /// Loads the value of an environment variable.
    ///
    /// # Errors
    ///
    /// [`KeyError::EnvironmentVariable`] if the variable is empty or not set.
    /// [`KeyError::Environment`] wraps every error of [`KeyLoader::load_bytes`].
    pub fn load_env(&self, variable: &str) -> Result<PrivateKey, KeyError> {
        let name = key_source::variable_name(variable);
        let Some(value) = key_source::environment(variable) else {
            return Err(KeyError::EnvironmentVariable { name });
        };
        self.load_bytes(&value).map_err(|source| KeyError::Environment { name, source: Arc::new(source) })
    }

    /// Loads from bytes in memory.
    ///
    /// # Errors
    ///
    /// The errors of [`PrivateKey::from_encrypted_bytes`]; [`KeyError::SeveralKeys`] for a file
    /// with several keys and no [`entry`](Self::entry); [`KeyError::NoSuchEntry`] if the entry is
    /// not in the file.
    pub fn load_bytes(&self, bytes: &[u8]) -> Result<PrivateKey, KeyError> {
        const LIMIT: usize = PrivateKey::MAX_FILE_LEN;
        if bytes.len() > LIMIT {
            return Err(KeyError::TooLarge { found: bytes.len(), limit: LIMIT });
        }
        let passphrase = self.passphrase.as_ref().map(|passphrase| passphrase.as_slice());
        let mut budget = Budget::default();
        match self.load_with(bytes, passphrase, &mut budget) {
            Err(KeyError::WrongPassphrase) => match passphrase.and_then(without_line_end) {
                Some(passphrase) => self.load_with(bytes, Some(passphrase), &mut budget),
                None => Err(KeyError::WrongPassphrase),
            },
            other => other,
        }
    }

    fn load_with(
        &self,
        bytes: &[u8],
        passphrase: Option<&[u8]>,
        budget: &mut Budget,
    ) -> Result<PrivateKey, KeyError> {
        let mut file = format::load(bytes, passphrase, budget)?;
        let entries = std::mem::take(&mut file.entries);
        let allowance = Allowance::default();
        let certificates = certificate::named(std::mem::take(&mut file.certificates))?;
        let is_only = entries.len() == 1;
        let mut keys: Vec<(KeyEntry, Result<PrivateKey, KeyError>)> = Vec::new();
        for Entry { alias, key_id, loaded } in entries {
            let key =
                loaded.and_then(|loaded| PrivateKey::new(loaded, &file, &certificates, is_only, &allowance));
            // It tells keys apart, so a lone key needs none.
            let is_needed = !is_only || self.entry.is_some();
            let thumbprint = key.as_ref().ok().filter(|_| is_needed).map(PrivateKey::thumbprint);
            // The same key under the same name counts once, regardless of its form in the file.
            let is_same = |(other, loaded): &(KeyEntry, Result<PrivateKey, KeyError>)| {
                let forms = (loaded.as_ref().ok(), key.as_ref().ok());
                other.key_id == key_id
                    && matches!(forms, (Some(one), Some(two)) if one.is_same(two))
                    && (alias.is_none() || other.alias.is_none() || self.entry.is_none())
            };
            if !keys.iter().any(is_same) {
                let problem = key.as_ref().err().map(ToString::to_string);
                keys.push((KeyEntry { alias, key_id, thumbprint, problem }, key));
            }
        }
        match &self.entry {
            None => only(keys),
            Some(name) => called(name, keys),
        }
    }
}

impl PrivateKey {
    /// Reads an unencrypted key from a file.
    ///
    /// # Errors
    ///
    /// [`KeyError::File`] and [`KeyError::KeyAsPath`] if the file cannot be read.
    /// [`KeyError::InFile`] wraps every error of [`PrivateKey::from_bytes`], and names the file.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        KeyLoader::new().load_file(path)
    }

    /// Reads a key from a file and decrypts it with the passphrase if it is encrypted.
    ///
    /// # Errors
    ///
    /// [`KeyError::File`] and [`KeyError::KeyAsPath`] if the file cannot be read.
    /// [`KeyError::InFile`] wraps every error of [`PrivateKey::from_encrypted_bytes`], and names
    /// the file.
    pub fn from_encrypted_file(
        path: impl AsRef<Path>,
        passphrase: impl AsRef<[u8]>,
    ) -> Result<Self, KeyError> {
        KeyLoader::new().passphrase(passphrase).load_file(path)
    }

    /// Reads an unencrypted key from an environment variable, as CI systems and containers provide
    /// it. Accepts everything that [`PrivateKey::from_bytes`] reads, including base64 and PEM with
    /// `\n` spelled out. For an encrypted key, use [`KeyLoader::load_env`].
    ///
    /// ```no_run
    /// # use private_key_jwt::PrivateKey;
    /// let key = PrivateKey::from_env("CLIENT_KEY")?;
    /// # Ok::<(), private_key_jwt::keys::KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyError::EnvironmentVariable`] if the variable is empty or not set.
    /// [`KeyError::Environment`] wraps every error of [`PrivateKey::from_bytes`]. Both name the
    /// variable and never show its value.
    pub fn from_env(variable: impl AsRef<str>) -> Result<Self, KeyError> {
        KeyLoader::new().load_env(variable.as_ref())
    }

    /// Reads an unencrypted key: PEM, DER or JSON. Also opens a PKCS#12 file with an empty
    /// passphrase.
    ///
    /// # Errors
    ///
    /// Every [`KeyError`] of a key that cannot be read or may not be used;
    /// [`KeyError::PassphraseRequired`] for an encrypted key.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        KeyLoader::new().load_bytes(bytes)
    }

    /// Reads a key and decrypts it with the passphrase if it is encrypted: PBES2 (RFC 8018 §6.2)
    /// and, with the feature `pkcs12`, PKCS#12 (RFC 7292).
    ///
    /// The work of key derivations is limited in advance, over all keys of the file: at most 21
    /// million blocks of 64 bytes are hashed or mixed. That allows PBKDF2 with SHA-256 and 10
    /// million iterations, or with SHA-512 and 5 million. scrypt may use 256 MiB of memory.
    ///
    /// The bytes of the passphrase are used unchanged, which means UTF-8 nearly everywhere. The
    /// older encryption of PKCS#12 and its MAC use UTF-16: the passphrase is converted, and if it
    /// is not UTF-8, it is read as Latin-1. If the passphrase ends with a line end, as when read
    /// from a file, it is tried unchanged and then without that line end.
    ///
    /// # Errors
    ///
    /// As [`PrivateKey::from_bytes`]; [`KeyError::WrongPassphrase`],
    /// [`KeyError::UnsupportedEncryption`], [`KeyError::UnsupportedPkcs12`] and
    /// [`KeyError::KeyDerivationCost`] for an encrypted key that cannot be opened. The MAC of a
    /// PKCS#12 file cannot tell a damaged file from a wrong passphrase.
    pub fn from_encrypted_bytes(bytes: &[u8], passphrase: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        KeyLoader::new().passphrase(passphrase).load_bytes(bytes)
    }
}

impl fmt::Debug for KeyLoader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyLoader").field("entry", &self.entry.as_deref().map(Shown)).finish_non_exhaustive()
    }
}

type Loaded = (KeyEntry, Result<PrivateKey, KeyError>);

fn only(mut keys: Vec<Loaded>) -> Result<PrivateKey, KeyError> {
    match (keys.pop(), keys.is_empty()) {
        (Some((_, key)), true) => key,
        (None, _) => Err(KeyError::Empty),
        (Some(last), false) => {
            keys.push(last);
            // A list of encrypted keys does not help: ask for the passphrase first.
            let mut closed = keys.iter().map(|(_, key)| key.as_ref().err().filter(|error| is_closed(error)));
            if let Some(Some(error)) = closed.next()
                && closed.all(|error| error.is_some())
            {
                return Err(error.clone());
            }
            Err(KeyError::SeveralKeys { found: entries(keys) })
        }
    }
}

fn called(name: &str, keys: Vec<Loaded>) -> Result<PrivateKey, KeyError> {
    let is_exact = keys.iter().any(|(entry, _)| entry.is_called(name));
    let (mut fitting, others): (Vec<_>, Vec<_>) = keys.into_iter().partition(|(entry, _)| {
        if is_exact { entry.is_called(name) } else { entry.is_called_in_any_case(name) }
    });
    if !fitting.is_empty() {
        // Several entries with one name are usually the same key.
        let first = fitting.first().and_then(|(_, key)| key.as_ref().ok()).cloned();
        if let Some(first) = first
            && fitting.iter().all(|(_, key)| key.as_ref().is_ok_and(|key| key.is_same(&first)))
        {
            fitting.truncate(1);
        }
        return only(fitting);
    }
    // The name may be the thumbprint of a key that is still encrypted.
    match others.iter().find_map(|(_, key)| key.as_ref().err().filter(|error| is_closed(error))) {
        Some(error) => Err(error.clone()),
        None => Err(KeyError::NoSuchEntry { name: shown(name, 128), found: entries(others) }),
    }
}

const fn is_closed(error: &KeyError) -> bool {
    matches!(error, KeyError::PassphraseRequired | KeyError::WrongPassphrase)
}

fn entries(keys: Vec<Loaded>) -> Vec<KeyEntry> {
    keys.into_iter().map(|(entry, _)| entry).collect()
}

/// Editors and `echo` end a file with a line end.
fn without_line_end(passphrase: &[u8]) -> Option<&[u8]> {
    let shorter = passphrase.strip_suffix(b"\n");
    let shorter = shorter.map(|text| text.strip_suffix(b"\r").unwrap_or(text));
    shorter.or_else(|| passphrase.strip_suffix(b"\r"))
}
