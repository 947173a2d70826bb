//! Unparsed pieces of a document: for an array whose elements are checked one by one.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{AsWritten, Blanked, Judged, Name, Strings, Unique, escapes, object, reserved, wipe};
use crate::jose::JoseError;
use crate::jose::error::excerpt;
use crate::jose::text::Text;

/// Reads an object and returns its member `name` unparsed, regardless of its value. The other
/// members are read as strictly as [`object`] does, and dropped.
pub(crate) fn raw_member<'a>(
    what: &'static str,
    bytes: &'a [u8],
    name: &'static str,
) -> Result<Option<&'a str>, JoseError> {
    fn read<'de, 'a, S: Strings<'de, 'a>>(text: &'de str, raw: Raw<'_, S>) -> Option<Option<&'de str>> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let member = deserializer.deserialize_map(raw).ok()?;
        deserializer.end().ok()?;
        Some(member.map(RawValue::get))
    }
    let duplicate = RefCell::new(None);
    let judged = Judged { duplicate: &duplicate, secret: &[], only: None, instead: |_| Value::Null };
    let parsed = if memchr::memchr(b'\\', bytes).is_some() {
        let blanked = Blanked::of(bytes);
        let unique = Unique { judged, strings: blanked.originals() };
        let text = str::from_utf8(blanked.text()).ok();
        let member = text.and_then(|text| read(text, Raw { name, unique }));
        member.map(|member| member.and_then(|member| blanked.originals().written(member)))
    } else {
        let unique = Unique { judged, strings: AsWritten };
        str::from_utf8(bytes).ok().and_then(|text| read(text, Raw { name, unique }))
    };
    match (parsed, duplicate.into_inner()) {
        (Some(_), Some(member)) => Err(JoseError::DuplicateMember { what, member }),
        (Some(member), None) => {
            let (before, after) = around(bytes, member.unwrap_or_default());
            reserved::refuse(what, before)?;
            reserved::refuse(what, after)?;
            Ok(member)
        }
        // Errors are described in one place only.
        (None, _) => Err(object(what, bytes).err().unwrap_or(JoseError::NotAnObject { what })),
    }
}

/// The text before and after a piece of a document. An empty piece has all of it before it.
fn around<'a>(document: &'a [u8], piece: &str) -> (&'a [u8], &'a [u8]) {
    // The piece is borrowed from the document, so the difference of their addresses is its
    // position.
    let start =
        (piece.as_ptr() as usize).checked_sub(document.as_ptr() as usize).filter(|_| !piece.is_empty());
    let parts = start.and_then(|start| Some((document.get(..start)?, document.get(start + piece.len()..)?)));
    parts.unwrap_or((document, &[]))
}

/// All strings that an object has as this member, at most a few. The object may be damaged or have
/// the member twice. For error messages only: base no decision on them.
pub(crate) fn claimed_strings(text: &str, name: &'static str) -> Vec<String> {
    let found = RefCell::new(Vec::new());
    // Strings found before the damage count.
    let _ = serde_json::Deserializer::from_str(text).deserialize_map(Claimed { name, found: &found });
    found.into_inner()
}

/// Whether an object, which may be damaged, has one of these members. Text that is not an object
/// has none.
pub(crate) fn claims_member(text: &str, names: &'static [&'static str]) -> bool {
    let found = Cell::new(false);
    let _ = serde_json::Deserializer::from_str(text).deserialize_map(ClaimedNames { names, found: &found });
    found.get()
}

/// The name of a member of an object that may be damaged.
fn claimed_name(name: &RawValue) -> Option<Text<'_>> {
    let inner = name.get().strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { escapes::text(inner).map(Text::Owned) } else { Some(Text::Borrowed(inner)) }
}

/// The one member of [`raw_member`].
struct Raw<'u, S> {
    name: &'static str,
    unique: Unique<'u, S>,
}

impl<'de, 'a, S: Strings<'de, 'a>> Visitor<'de> for Raw<'_, S> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut member = None;
        let mut names: BTreeSet<Text<'static>> = BTreeSet::new();
        while let Some(name) = entries.next_key_seed(Name(self.unique.strings))? {
            let name = Text::Owned(Zeroizing::new(name));
            if *name == *self.name {
                member = Some(entries.next_value::<&RawValue>()?);
            } else {
                wipe(&mut entries.next_value_seed(self.unique)?);
            }
            if names.contains(&name) {
                self.unique.judged.duplicate.borrow_mut().get_or_insert_with(|| excerpt(&name));
            }
            names.insert(name);
        }
        Ok(member)
    }
}

/// The members of [`claims_member`].
struct ClaimedNames<'a> {
    names: &'static [&'static str],
    found: &'a Cell<bool>,
}

impl<'de> Visitor<'de> for ClaimedNames<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(name) = entries.next_key::<&RawValue>()? {
            if claimed_name(name).is_some_and(|name| self.names.contains(&&*name)) {
                self.found.set(true);
            }
            entries.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// The member of [`claimed_strings`].
struct Claimed<'a> {
    name: &'static str,
    found: &'a RefCell<Vec<String>>,
}

impl<'de> Visitor<'de> for Claimed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        const LIMIT: usize = 4;
        while let Some(name) = entries.next_key::<&RawValue>()? {
            let value = entries.next_value::<&RawValue>()?;
            let mut found = self.found.borrow_mut();
            if claimed_name(name).is_some_and(|name| *name == *self.name)
                && found.len() < LIMIT
                && let Some(mut text) = escapes::first_string(value.get())
            {
                found.push(std::mem::take(&mut text));
            }
        }
        Ok(())
    }
}
