//! Reads a manifest, and says which line is wrong.

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use time::{Date, Month, OffsetDateTime, Time, UtcOffset};
use toml_edit::{Datetime, Document, Item, Offset, Table};

use super::duration;
use super::error::ManifestError;
use super::key::{self, ManifestKey, PassphraseSource};
use crate::jose::printable::printable;
use crate::jose::{Algorithm, KeyId, SecretForm};
use crate::rotation::plan::{Plan, PlannedKey};

/// The maximum length of a manifest, in bytes.
pub(super) const MAX_LEN: usize = 256 * 1024;
/// The maximum number of keys.
pub(super) const MAX_KEYS: usize = 1000;

const MEMBERS: &str = "propagation, overlap, lifetime and [[key]]";
const KEY_MEMBERS: &str = "file, kid, alg, publish, activate, retire, revoked, forced and passphrase";

/// Reads the times and the keys into a plan without keys, and what is said about each key.
pub(super) fn read(text: &str, plan: &mut Plan) -> Result<Vec<ManifestKey>, ManifestError> {
    let source = Source(text);
    if text.len() > MAX_LEN {
        let why = format!("the manifest has more than {MAX_LEN} bytes; remove keys that are gone");
        return Err(source.error(Some(MAX_LEN..MAX_LEN), why));
    }
    let document = Document::parse(text).map_err(|error| {
        let why = error.message().lines().collect::<Vec<_>>().join(", ");
        source.error(error.span(), format!("not TOML: {}", printable(&why, 256)))
    })?;
    let mut keys = Keys { source, ..Keys::default() };
    for (name, item) in document.as_table() {
        match name {
            "propagation" => plan.propagation = source.duration(name, item)?,
            "overlap" => plan.overlap = source.duration(name, item)?,
            "lifetime" => plan.lifetime = source.duration(name, item)?,
            "key" => {
                let tables = item.as_array_of_tables().ok_or_else(|| {
                    let span = name_span(document.as_table(), name).or(item.span());
                    source.error(span, "`key` is not a list of tables; begin each key with [[key]]")
                })?;
                tables.iter().try_for_each(|table| keys.add(table))?;
            }
            _ => return Err(source.unknown(document.as_table(), name, item, MEMBERS)),
        }
    }
    plan.keys = keys.planned;
    Ok(keys.facts)
}

/// The keys so far, and the lines of what must not occur twice.
#[derive(Default)]
struct Keys<'t> {
    source: Source<'t>,
    planned: Vec<PlannedKey>,
    facts: Vec<ManifestKey>,
    files: HashMap<PathBuf, usize>,
    key_ids: HashMap<String, usize>,
}

impl Keys<'_> {
    fn add(&mut self, table: &Table) -> Result<(), ManifestError> {
        let source = self.source;
        if self.planned.len() == MAX_KEYS {
            let why = format!("more than {MAX_KEYS} keys; remove keys that are gone");
            return Err(source.error(table.span(), why));
        }
        let (mut planned, mut facts) = (PlannedKey::default(), ManifestKey::new(""));
        for (name, item) in table {
            match name {
                "file" => {
                    let file = source.file(item)?;
                    source.once(&mut self.files, PathBuf::from(file), name, item)?;
                    file.clone_into(&mut planned.file);
                    file.clone_into(&mut facts.file);
                }
                "kid" => {
                    let key_id = source.key_id(item)?;
                    source.once(&mut self.key_ids, key_id.to_owned(), name, item)?;
                    facts.key_id = Some(KeyId::from(key_id));
                }
                "alg" => facts.algorithm = Some(source.algorithm(item)?),
                "publish" => planned.publish = Some(source.time(name, item)?),
                "activate" => planned.activate = Some(source.time(name, item)?),
                "retire" => planned.retire = Some(source.time(name, item)?),
                "revoked" => planned.revoke = Some(source.time(name, item)?),
                "forced" => {
                    planned.forced =
                        item.as_bool().ok_or_else(|| source.wrong(name, item, "write true or false"))?;
                }
                "passphrase" => facts.passphrase = Some(source.passphrase(item)?),
                _ => return Err(source.unknown(table, name, item, KEY_MEMBERS)),
            }
        }
        if planned.file.is_empty() {
            return Err(source.error(table.span(), "the key has no `file`; name its file"));
        }
        if let (Some(retire), Some(item)) = (planned.retire, table.get("retire"))
            && let Some((name, _)) = [("activate", planned.activate), ("publish", planned.publish)]
                .into_iter()
                .find(|(_, time)| time.is_some_and(|time| retire < time))
        {
            let other = table.get(name).map(|item| source.found(item)).unwrap_or_default();
            let why = format!(
                "`retire` {} is before `{name}` {other}; swap them or remove one",
                source.found(item)
            );
            return Err(source.error(item.span(), why));
        }
        self.planned.push(planned);
        self.facts.push(facts);
        Ok(())
    }
}

/// The text of a manifest.
#[derive(Clone, Copy, Default)]
struct Source<'t>(&'t str);

impl<'t> Source<'t> {
    fn error(self, span: Option<Range<usize>>, why: impl Into<String>) -> ManifestError {
        ManifestError::new(self.line(span), why)
    }

    /// The line in which something begins.
    fn line(self, span: Option<Range<usize>>) -> usize {
        let before = span.and_then(|span| self.0.as_bytes().get(..span.start)).unwrap_or_default();
        1 + memchr::memchr_iter(b'\n', before).count()
    }

    /// A value as it is written, or the form of a secret.
    fn found(self, item: &Item) -> String {
        let written = item.span().and_then(|span| self.0.get(span)).unwrap_or_default();
        match SecretForm::of(item.as_str().unwrap_or(written)) {
            Some(form) => format!("({form}, not shown)"),
            None => printable(written, 64),
        }
    }

    fn wrong(self, name: &str, item: &Item, advice: impl Display) -> ManifestError {
        self.error(item.span(), format!("`{name}` is {}; {advice}", self.found(item)))
    }

    fn unknown(self, table: &Table, name: &str, item: &Item, members: &str) -> ManifestError {
        let name_shown = SecretForm::of(name)
            .map_or_else(|| format!("`{}`", printable(name, 64)), |form| format!("({form}, not shown)"));
        let why = format!("unknown member {name_shown}; remove it, known members are {members}");
        self.error(name_span(table, name).or(item.span()), why)
    }

    /// Refuses a second occurrence of a value.
    fn once<T: Hash + Eq>(
        self,
        lines: &mut HashMap<T, usize>,
        value: T,
        name: &str,
        item: &Item,
    ) -> Result<(), ManifestError> {
        match lines.insert(value, self.line(item.span())) {
            Some(line) => {
                let advice = format_args!("line {line} has the same; each key needs its own");
                Err(self.wrong(name, item, advice))
            }
            None => Ok(()),
        }
    }

    fn duration(self, name: &str, item: &Item) -> Result<Duration, ManifestError> {
        let duration = item.as_str().and_then(duration::parse);
        duration.ok_or_else(|| {
            self.wrong(name, item, "write a duration such as \"90s\", \"10m\", \"24h\" or \"7d\"")
        })
    }

    fn file(self, item: &Item) -> Result<&str, ManifestError> {
        let file = item.as_str().ok_or_else(|| self.wrong("file", item, "write the name of a file"))?;
        if key::is_uri(file) {
            // A manifest is readable for more people than a key.
            if file.to_ascii_lowercase().contains("pin-value") {
                return Err(self
                    .error(item.span(), "`file` is a URI with a PIN; use pin-source in place of pin-value"));
            }
            return Ok(file);
        }
        if !key::is_inside(file) {
            let why = format!(
                "`file` is {}, not a path inside the folder; name a file of the folder",
                self.found(item)
            );
            return Err(self.error(item.span(), why));
        }
        if key::is_reserved(file) {
            return Err(self.wrong("file", item, "this name is not for keys; rename the file"));
        }
        Ok(file)
    }

    fn key_id(self, item: &Item) -> Result<&str, ManifestError> {
        let key_id = item.as_str().filter(|key_id| !key_id.is_empty());
        key_id.ok_or_else(|| self.wrong("kid", item, "write a name, or remove it for the default"))
    }

    fn algorithm(self, item: &Item) -> Result<Algorithm, ManifestError> {
        let algorithm = item.as_str().and_then(|name| name.parse().ok());
        algorithm.ok_or_else(|| {
            let names = Algorithm::ALL.map(Algorithm::as_str).join(", ");
            self.wrong("alg", item, format_args!("write one of {names}"))
        })
    }

    fn passphrase(self, item: &Item) -> Result<PassphraseSource, ManifestError> {
        // It may be the passphrase itself, so it is not shown.
        let source = item.as_str().and_then(PassphraseSource::parse);
        source.ok_or_else(|| {
            self.error(
                item.span(),
                "`passphrase` does not say where the passphrase is; write \"env:NAME\" or \"file:PATH\"",
            )
        })
    }

    fn time(self, name: &str, item: &Item) -> Result<OffsetDateTime, ManifestError> {
        let time = item.as_datetime().and_then(moment);
        time.ok_or_else(|| {
            let advice = match item.as_datetime() {
                Some(found) if found.offset.is_none() => {
                    "write a date and a time with an offset, such as 2026-12-01T00:00:00Z"
                }
                Some(_) => "write a time that exists",
                None => "write a time without quotes, such as 2026-12-01T00:00:00Z",
            };
            self.wrong(name, item, advice)
        })
    }
}

fn name_span(table: &Table, name: &str) -> Option<Range<usize>> {
    table.key(name).and_then(toml_edit::Key::span)
}

fn moment(found: &Datetime) -> Option<OffsetDateTime> {
    let (date, time) = (found.date?, found.time?);
    let minutes = match found.offset? {
        Offset::Z => 0,
        Offset::Custom { minutes } => i32::from(minutes),
    };
    let date =
        Date::from_calendar_date(i32::from(date.year), Month::try_from(date.month).ok()?, date.day).ok()?;
    let (second, nanosecond) = (time.second.unwrap_or_default(), time.nanosecond.unwrap_or_default());
    let time = Time::from_hms_nano(time.hour, time.minute, second, nanosecond).ok()?;
    let offset = UtcOffset::from_whole_seconds(minutes * 60).ok()?;
    OffsetDateTime::new_in_offset(date, time, offset).checked_to_offset(UtcOffset::UTC)
}
