//! JSON as the specifications require it: an object with unique members.
//!
//! Every function here rejects a member, at any depth, with a name that `serde_json` reserves.

pub(crate) mod escapes;
mod reader;
mod value;
mod wiped;
mod writer;

use serde_json::{Map, Value};

use reader::Reader;
pub(crate) use reader::{Rules, first_string};
pub(crate) use value::{Json, Members};
pub(crate) use wiped::WipedValue;
pub(crate) use writer::{ObjectWriter, to_bytes};

use super::JoseError;
use super::text::Text;

/// Reads an object. A duplicate member, at any depth, is an error.
pub(crate) fn read<'a>(what: &'static str, bytes: &'a [u8]) -> Result<Members<'a>, JoseError> {
    read_by(Rules::default(), what, bytes)
}

/// As [`read`], by other rules.
pub(crate) fn read_by<'a>(
    rules: Rules<'_>,
    what: &'static str,
    bytes: &'a [u8],
) -> Result<Members<'a>, JoseError> {
    match Reader::new(what, bytes, rules).document()? {
        Json::Object(members) => Ok(members),
        _ => Err(JoseError::NotAnObject { what }),
    }
}

/// As [`read`], for a caller that wants all members.
pub(crate) fn object(what: &'static str, bytes: &[u8]) -> Result<Map<String, Value>, JoseError> {
    read(what, bytes).map(Members::into_map)
}

/// Reads any JSON, such as a failing server may write. The values of the secret members become
/// `null`. If a member is repeated, the last one counts. The flag tells whether one of `watched` is
/// repeated.
pub(crate) fn any_without(bytes: &[u8], secret: &[&str], watched: &[&str]) -> Option<(WipedValue, bool)> {
    let read = |unique| {
        let rules = Rules { unparsed: secret, unique: Some(unique), ..Rules::default() };
        Reader::new("the text", bytes, rules).document()
    };
    let (value, is_repeated) = match read(watched) {
        Err(JoseError::DuplicateMember { .. }) => (read(&[]), true),
        other => (other, false),
    };
    Some((WipedValue(value.ok()?.into()), is_repeated))
}

/// The names and values of an object that may be damaged, up to the damage. Base no decision on
/// them that a sound document would decide otherwise.
fn claimed(text: &str) -> impl Iterator<Item = (Option<Text<'_>>, &str)> {
    Reader::new("an object", text.as_bytes(), Rules::default()).claimed()
}

/// All strings that an object has as this member, at most a few. The object may be damaged or have
/// the member twice. For error messages only.
pub(crate) fn claimed_strings(text: &str, member: &str) -> Vec<String> {
    const LIMIT: usize = 4;
    claimed(text)
        .filter(|(name, _)| name.as_deref() == Some(member))
        .filter_map(|(_, value)| first_string(value).map(Text::into_plain))
        .take(LIMIT)
        .collect()
}

/// Whether an object, which may be damaged, has one of these members. Text that is not an object
/// has none.
pub(crate) fn claims_member(text: &str, members: &[&str]) -> bool {
    claimed(text).any(|(name, _)| name.is_some_and(|name| members.contains(&&*name)))
}

/// The position of a syntax error, without the text that serde quotes.
pub(crate) fn syntax(what: &'static str, error: &serde_json::Error) -> JoseError {
    JoseError::Json { what, line: error.line(), column: error.column() }
}

#[cfg(test)]
mod tests;
