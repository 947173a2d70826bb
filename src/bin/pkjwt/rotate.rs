//! `pkjwt rotate`: the next key of a folder, its keys and their next moves, a compromised key, and
//! keys that are gone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use private_key_jwt::rotation::{
    FolderStatus, KeyFolder, KeyFolderError, KeyName, KeyStatus, Manifest, Pruned, RevocationCost, Revoked,
    RotateOptions, Rotated,
};
use private_key_jwt::{Algorithm, KeyId};
use serde_json::json;
use time::OffsetDateTime;

use crate::error::Failure;
use crate::findings::{relative, rfc3339};
use crate::{key, new_file, output, source};

const EXAMPLE: &str = "Examples:
  pkjwt rotate keys --alg ES256                # a new key, which signs in 10 minutes
  pkjwt rotate keys --status                   # the keys, their phases and what happens next
  pkjwt rotate keys --revoke KID               # a compromised key
  pkjwt rotate keys --prune                    # remove keys that are gone or revoked

The folder has a manifest, keys.toml, which the first run writes. Every process that reads the folder publishes,
activates and retires the keys as the manifest says. A run that is interrupted leaves the folder as it was before or as
it is afterwards.";

/// Rotate the keys of a folder: make the next one, show, revoke or remove keys
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// Folder of the keys
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Make the next key, for this algorithm
    #[arg(
        long,
        value_name = "ALG",
        value_parser = key::algorithm_parser(),
        required_unless_present_any = ["status", "revoke", "prune"],
        conflicts_with_all = ["status", "revoke", "prune"],
    )]
    alg: Option<Algorithm>,
    /// How long the new key is only published before it signs: 90s, 10m, 24h or 7d [default: twice
    /// the propagation time of the folder; the first key signs at once]
    #[arg(long = "in", value_name = "DURATION", value_parser = duration, conflicts_with_all = ["status", "revoke", "prune"])]
    activate_in: Option<Duration>,
    /// How long the key before it stays published after its last signature [default: the overlap of
    /// the folder, 24h]
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with_all = ["status", "revoke", "prune"])]
    overlap: Option<Duration>,
    /// Let the new key sign before servers know it: requests can fail until they do
    #[arg(long, conflicts_with_all = ["status", "revoke", "prune"])]
    force: bool,
    /// Print the keys, their phases and their next moves
    #[arg(long, conflicts_with_all = ["revoke", "prune"])]
    status: bool,
    /// Revoke this key: it leaves the JWKS at once, and never signs again
    #[arg(long, value_name = "KID", value_parser = NonEmptyStringValueParser::new(), conflicts_with = "prune")]
    revoke: Option<String>,
    /// Remove the keys that are gone or revoked
    #[arg(long)]
    prune: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    new_file::check_name(&arguments.folder)?;
    let (path, is_json) = (arguments.folder.as_path(), arguments.json);
    let folder = KeyFolder::open(path).map_err(|error| failure(path, &error))?;
    let now = OffsetDateTime::now_utc();
    if let Some(algorithm) = arguments.alg {
        let rotated = rotate(&folder, algorithm, arguments, now).map_err(|error| failure(path, &error))?;
        print(is_json, || json_of_rotated(&rotated), || lines_of_rotated(&rotated, now))
    } else if let Some(key_id) = &arguments.revoke {
        let key_id = KeyId::from(key_id.as_str());
        let revoked = folder.revoke(&key_id, now).map_err(|error| failure(path, &error))?;
        let status = folder.status(now).map_err(|error| failure(path, &error))?;
        print(
            is_json,
            || json_of_revoked(&key_id, &revoked),
            || lines_of_revoked(&key_id, &revoked, path, status.propagation),
        )
    } else if arguments.prune {
        let pruned = folder.prune(now).map_err(|error| failure(path, &error))?;
        print(
            is_json,
            || json!({ "removed": pruned.removed, "kept": pruned.kept }),
            || lines_of_pruned(&pruned),
        )
    } else {
        let status = folder.status(now).map_err(|error| failure(path, &error))?;
        for key in &status.keys {
            if let Some(problem) = &key.problem {
                output::note(&format!("pkjwt: {}: {problem}", key.file));
            }
        }
        if is_json { output::json(&status) } else { output::line(&table(&status, now)) }
    }
}

fn rotate(
    folder: &KeyFolder,
    algorithm: Algorithm,
    arguments: &Arguments,
    now: OffsetDateTime,
) -> Result<Rotated, KeyFolderError> {
    let mut options = RotateOptions::new(algorithm);
    if let Some(time) = arguments.activate_in {
        options = options.activate_in(time);
    }
    if let Some(time) = arguments.overlap {
        options = options.overlap(time);
    }
    if arguments.force {
        options = options.forced();
    }
    if algorithm.key_type() == private_key_jwt::jose::KeyType::Rsa {
        output::progress("generating an RSA key");
    }
    folder.rotate(&options, now)
}

fn print(
    is_json: bool,
    json: impl FnOnce() -> serde_json::Value,
    lines: impl FnOnce() -> Vec<String>,
) -> Result<(), Failure> {
    if is_json {
        return output::json(&json());
    }
    output::line(&lines().iter().map(|line| output::printable(line)).collect::<Vec<_>>().join("\n"))
}

fn json_of_rotated(rotated: &Rotated) -> serde_json::Value {
    json!({
        "kid": rotated.key_id.as_str(),
        "file": rotated.file,
        "signs": rotated.signs.map(rfc3339),
        "before": rotated.before.as_ref().map(json_of_name),
        "before_leaves": rotated.before_leaves.map(rfc3339),
    })
}

fn lines_of_rotated(rotated: &Rotated, now: OffsetDateTime) -> Vec<String> {
    let mut lines = vec![format!("new key {} in {}", rotated.key_id.as_str(), rotated.file)];
    lines.push(match rotated.signs {
        Some(at) if at <= now => "it signs from now on".to_owned(),
        Some(at) => format!("it signs {}", when(at, now)),
        None => "it does not sign, because another key replaces it before".to_owned(),
    });
    if let Some(before) = &rotated.before {
        lines.push(format!("until then, {} signs", shown(before)));
        if let Some(at) = rotated.before_leaves {
            lines.push(format!("that key leaves the JWKS {}", when(at, now)));
        }
    }
    lines
}

fn json_of_revoked(key_id: &KeyId, revoked: &Revoked) -> serde_json::Value {
    let (cost, signer) = match &revoked.cost {
        RevocationCost::Replaced(name) => ("replaced", Some(name)),
        RevocationCost::Unknown(name) => ("unknown", Some(name)),
        RevocationCost::NoKey => ("no_key", None),
        _ => ("none", None),
    };
    json!({
        "kid": key_id.as_str(),
        "file": revoked.file,
        "since": rfc3339(revoked.since),
        "cost": cost,
        "signer": signer.map(json_of_name),
    })
}

fn lines_of_revoked(key_id: &KeyId, revoked: &Revoked, folder: &Path, propagation: Duration) -> Vec<String> {
    let folder = output::quoted(&folder.to_string_lossy());
    let cost = match &revoked.cost {
        RevocationCost::Replaced(name) => format!("from now on, {} signs; servers know it", shown(name)),
        RevocationCost::Unknown(name) => format!(
            "from now on, {} signs; requests can fail for {}, until servers have read the JWKS again",
            shown(name),
            output::words(propagation)
        ),
        RevocationCost::NoKey => {
            format!("no key signs, and every request fails; make a key: pkjwt rotate {folder} --alg ALG")
        }
        _ => "it did not sign, so requests go on".to_owned(),
    };
    vec![
        format!("revoked {} in {}, since {}", key_id.as_str(), revoked.file, rfc3339(revoked.since)),
        cost,
        "servers accept what it signs until they read the JWKS again; if a server has a copy, remove the key there"
            .to_owned(),
    ]
}

fn lines_of_pruned(pruned: &Pruned) -> Vec<String> {
    let mut lines: Vec<String> = pruned.removed.iter().map(|file| format!("removed {file}")).collect();
    lines.extend(
        pruned.kept.iter().map(|file| format!("kept {file}: without it, other keys would leave early")),
    );
    if lines.is_empty() {
        lines.push("no key is gone or revoked".to_owned());
    }
    lines
}

/// A row for each key.
fn table(status: &FolderStatus, now: OffsetDateTime) -> String {
    let none = || "-".to_owned();
    let row = |key: &KeyStatus| {
        let next = key.next.map(|next| format!("{} {}", next.phase, when(next.at, now)));
        vec![
            key.phase.to_string(),
            key.since.map_or_else(none, rfc3339),
            key.key_id.as_ref().map_or_else(none, |key_id| output::printable(key_id.as_str())),
            key.algorithm.map_or_else(none, |algorithm| algorithm.to_string()),
            output::printable(&key.file),
            next.unwrap_or_else(none),
        ]
    };
    let head = ["phase", "since", "kid", "alg", "file", "next"].map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(status.keys.iter().map(row)).collect();
    let mut text = output::table(&rows);
    for file in &status.unlisted {
        text.push_str(&format!("not in {}, so not used: {}\n", Manifest::FILE, output::printable(file)));
    }
    text
}

fn json_of_name(name: &KeyName) -> serde_json::Value {
    json!({ "kid": name.key_id.as_ref().map(KeyId::as_str), "file": name.file })
}

fn shown(name: &KeyName) -> String {
    match &name.key_id {
        Some(key_id) => format!("{} in {}", key_id.as_str(), name.file),
        None => name.file.clone(),
    }
}

/// A time and how far away it is.
fn when(at: OffsetDateTime, now: OffsetDateTime) -> String {
    format!("{} ({})", rfc3339(at), relative(at, now))
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    Manifest::duration(text).ok_or("expected seconds (90s), minutes (10m), hours (24h) or days (7d)")
}

/// A wrong duration is wrong usage. Everything else is refused.
fn failure(folder: &Path, error: &KeyFolderError) -> Failure {
    match error {
        KeyFolderError::TooSoon { .. } => Failure::usage("--in", format!("{error} with --force")),
        // These name the folder or the file.
        KeyFolderError::NoFolder { .. }
        | KeyFolderError::File { .. }
        | KeyFolderError::Busy { .. }
        | KeyFolderError::NotRegular { .. }
        | KeyFolderError::NotAKey { .. } => Failure::caused("rotate", error),
        _ => Failure::caused(source::name(folder), error),
    }
}
