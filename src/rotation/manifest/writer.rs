//! Edits the text of a manifest. Comments and the order stay.

use time::{OffsetDateTime, UtcOffset};
use toml_edit::{ArrayOfTables, Date, Datetime, DocumentMut, Item, Offset, RawString, Table, Time, value};

use super::error::ManifestError;
use super::key::ManifestKey;
use crate::rotation::plan::PlannedKey;

/// The text with one more key.
pub(super) fn with_key(text: &str, key: &PlannedKey, facts: &ManifestKey) -> Result<String, ManifestError> {
    let mut table = Table::new();
    table.insert("file", value(&*key.file));
    if let Some(key_id) = &facts.key_id {
        table.insert("kid", value(key_id.as_str()));
    }
    if let Some(algorithm) = facts.algorithm {
        table.insert("alg", value(algorithm.as_str()));
    }
    for (name, time) in [
        ("publish", key.publish),
        ("activate", key.activate),
        ("retire", key.retire),
        ("revoked", key.revoke),
    ] {
        if let Some(time) = time {
            table.insert(name, value(moment(time)?));
        }
    }
    if key.forced {
        table.insert("forced", value(true));
    }
    if let Some(passphrase) = &facts.passphrase {
        table.insert("passphrase", value(passphrase.text()));
    }
    edited(text, |keys, _| {
        table.decor_mut().set_prefix("\n");
        keys.push(table);
    })
}

/// The text with another time of a key.
pub(super) fn with_time(
    text: &str,
    index: usize,
    name: &str,
    time: OffsetDateTime,
) -> Result<String, ManifestError> {
    let time = moment(time)?;
    edited(text, |keys, _| {
        let Some(table) = keys.get_mut(index) else { return };
        match table.get_mut(name).and_then(Item::as_value_mut) {
            // The comment after the former value stays.
            Some(former) => {
                let decor = former.decor().clone();
                *former = time.into();
                *former.decor_mut() = decor;
            }
            None => _ = table.insert(name, value(time)),
        }
    })
}

/// The text without the keys at these indices. A comment goes with the key that follows it, unless
/// there is an empty line between them.
pub(super) fn without(text: &str, indices: &[usize]) -> Result<String, ManifestError> {
    edited(text, |keys, end| {
        let mut kept = ArrayOfTables::new();
        let mut comments = String::new();
        for (index, table) in std::mem::take(keys).into_iter().enumerate() {
            let prefix = table.decor().prefix().and_then(RawString::as_str).unwrap_or_default().to_owned();
            if indices.contains(&index) {
                comments.push_str(prefix.rfind("\n\n").and_then(|at| prefix.get(..=at)).unwrap_or_default());
            } else {
                let mut table = table;
                if !comments.is_empty() {
                    table.decor_mut().set_prefix(std::mem::take(&mut comments) + &prefix);
                }
                kept.push(table);
            }
        }
        end.insert_str(0, &comments);
        *keys = kept;
    })
}

/// Edits the keys, and the comments at the end.
fn edited(text: &str, edit: impl FnOnce(&mut ArrayOfTables, &mut String)) -> Result<String, ManifestError> {
    let mut document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| ManifestError::new(1, error.message()))?;
    let mut end = document.trailing().as_str().unwrap_or_default().to_owned();
    let keys = document.entry("key").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    if let Some(keys) = keys.as_array_of_tables_mut() {
        edit(keys, &mut end);
    }
    document.set_trailing(end);
    Ok(document.to_string())
}

fn moment(time: OffsetDateTime) -> Result<Datetime, ManifestError> {
    let time = time.checked_to_offset(UtcOffset::UTC);
    let year = time.and_then(|time| u16::try_from(time.year()).ok().filter(|year| *year <= 9999));
    let (Some(time), Some(year)) = (time, year) else {
        return Err(ManifestError::new(1, "a time is outside of the years 0 to 9999; check the clock"));
    };
    let nanosecond = Some(time.nanosecond()).filter(|nanosecond| *nanosecond > 0);
    Ok(Datetime {
        date: Some(Date { year, month: time.month().into(), day: time.day() }),
        time: Some(Time {
            hour: time.hour(),
            minute: time.minute(),
            second: Some(time.second()),
            nanosecond,
        }),
        offset: Some(Offset::Z),
    })
}
