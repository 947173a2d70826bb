//! `pkjwt jwks`: one public JWK Set of private and public keys, to register or to publish.

use std::path::{Path, PathBuf};

use private_key_jwt::dev_server::ClientKeys;
use private_key_jwt::jose::JoseError;
use private_key_jwt::keys::{KeyFormat, KeyStructure};
use private_key_jwt::{Algorithm, Jwk, JwkSet, KeyRing, PrivateKey, PublicKey};
use time::OffsetDateTime;

use crate::error::{Context, Failure};
use crate::key::{self, KeyOptions};
use crate::{key_folder, output, rotation_steps, source};

const EXAMPLE: &str = "Examples:
  pkjwt jwks key.pem > jwks.json
  pkjwt jwks key.pem old-jwks.json other-cert.pem > jwks.json.new    # during a rotation
  pkjwt jwks --json-string key.pem    # one string: PingOne's `jwks`, Keycloak's `jwks.string`, Terraform
  pkjwt jwks --json-string keys/      # of a folder of keys; stderr says in which order to rotate them";

/// Print one public JWK Set of private and public keys
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    #[command(flatten)]
    keys: Keys,
    /// Key id (kid) of a single key [default: the one in the file, or the RFC 7638 thumbprint]
    #[arg(long, value_name = "KID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    kid: Option<String>,
    /// Print one line, quoted and escaped as a JSON string
    #[arg(long)]
    json_string: bool,
}

/// The keys of a JWK Set.
#[derive(Clone, clap::Args)]
pub(crate) struct Keys {
    /// Private key, public key, certificate or JWK Set: a file, - for standard input, or env:VAR
    /// for an environment variable; or one folder of private keys. Private values are never printed
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<PathBuf>,
    /// Algorithm of the keys [default: the one in the file, or the usual one for the type of a
    /// private key]
    #[arg(long, value_name = "ALG", value_parser = key::algorithm_parser())]
    alg: Option<Algorithm>,
    #[command(flatten)]
    options: KeyOptions,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    const SEVERAL: &str = "names one key, but several were given";
    let jwks = if let Some(folder) = arguments.keys.folder()? {
        if arguments.kid.is_some() {
            return Err(Failure::usage("--kid", "a folder's keys have their own"));
        }
        let open = key_folder::open(folder, arguments.keys.options(), KeyRing::PROPAGATION);
        let opened = crate::block_on(open)??;
        let steps = rotation_steps::steps(&opened.plan(), OffsetDateTime::now_utc());
        steps.iter().for_each(|line| output::note(line));
        // The bytes that `serve-jwks` serves.
        JwkSet::from_json(opened.jwks_response().body().as_bytes()).context("jwks")?
    } else {
        if arguments.kid.is_some() && arguments.keys.keys.len() > 1 {
            return Err(Failure::usage("--kid", SEVERAL));
        }
        let mut keys = arguments.keys.files()?;
        if let (Some(kid), [key]) = (&arguments.kid, keys.as_mut_slice()) {
            *key = key.clone().with_key_id(kid.as_str());
        } else if arguments.kid.is_some() {
            return Err(Failure::usage("--kid", SEVERAL));
        }
        JwkSet::from_iter(keys)
    };
    if arguments.json_string {
        let string = serde_json::to_string(&output::ascii(&jwks.to_json())).context("jwks")?;
        output::line(&string)
    } else {
        output::json(&jwks)
    }
}

impl Keys {
    /// How keys are taken out of their files.
    pub(crate) fn options(&self) -> &KeyOptions {
        &self.options
    }

    /// The arguments, as they were given.
    pub(crate) fn paths(&self) -> &[PathBuf] {
        &self.keys
    }

    /// The folder, if there is one instead of files.
    pub(crate) fn folder(&self) -> Result<Option<&Path>, Failure> {
        let Some(folder) = self.keys.iter().find(|path| path.is_dir()) else { return Ok(None) };
        if self.keys.len() > 1 {
            return Err(Failure::usage(source::name(folder), "expected one folder, or files; found both"));
        }
        if self.alg.is_some() {
            return Err(Failure::usage("--alg", "a folder's keys have their own"));
        }
        Ok(Some(folder))
    }

    /// The public keys of all files, each of them once.
    pub(crate) fn files(&self) -> Result<Vec<Jwk>, Failure> {
        source::one_stdin(self.keys.iter().map(PathBuf::as_path))?;
        let mut keys: Vec<Jwk> = Vec::new();
        for path in &self.keys {
            for key in load(path, self)? {
                if let Some(known) = keys.iter().find(|known| known.key_id() == key.key_id()) {
                    let key_id = known.key_id().map(ToString::to_string).unwrap_or_default();
                    let why = format!("key `{key_id}` is already in the set");
                    return Err(Failure::refused(source::name(path), why));
                }
                keys.push(key);
            }
        }
        Ok(keys)
    }
}

/// The public keys of a file, each with a `kid`.
fn load(path: &Path, arguments: &Keys) -> Result<Vec<Jwk>, Failure> {
    let name = source::name(path);
    let bytes = source::read(path, PrivateKey::MAX_FILE_LEN)?;
    let public = || public(&name, &bytes, arguments.alg);
    let format = match KeyFormat::of(&bytes) {
        Ok(format) if !format.is_private() => return public(),
        format => format,
    };
    // If the format is unknown, this says so.
    let mut key = key::open(&name, &bytes, &arguments.options)?;
    if let Some(algorithm) = arguments.alg {
        key = key.with_algorithm(algorithm).context(&name)?;
    }
    let mut keys = vec![key.public_jwk().clone()];
    // Public keys of a set with a private key.
    if format.is_ok_and(|format| format.structure() == KeyStructure::JwkSet) {
        let others = public()?.into_iter();
        keys.extend(others.filter(|other| other.thumbprint() != key.thumbprint()));
    }
    Ok(keys)
}

/// The usable keys of a file without a private key, or next to one.
fn public(name: &str, bytes: &[u8], algorithm: Option<Algorithm>) -> Result<Vec<Jwk>, Failure> {
    let keys = match ClientKeys::from_bytes(bytes).context(name)? {
        ClientKeys::Jwks(set) => {
            for skipped in set.skipped() {
                if !matches!(skipped.reason, JoseError::PrivateMember { .. }) {
                    let place = skipped.index + 1;
                    output::note(&format!("pkjwt: {name}: key {place} left out: {}", skipped.reason));
                }
            }
            set.keys().to_vec()
        }
        ClientKeys::PublicKey(key) => vec![key.jwk().clone()],
        _ => Vec::new(),
    };
    keys.into_iter()
        .map(|key| {
            let key = match algorithm {
                Some(algorithm) => key.for_signatures(algorithm).context(name)?,
                None => key,
            };
            // A key that no verifier would use does not belong in the set.
            PublicKey::from_jwk(&key).context(name)?;
            Ok(match key.key_id() {
                Some(_) => key,
                None => {
                    let thumbprint = key.thumbprint().to_string();
                    key.with_key_id(thumbprint)
                }
            })
        })
        .collect()
}
