//! JSON as the specifications require it: an object with unique members.

pub(crate) mod escapes;
mod raw;
mod reserved;
mod strings;

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

pub(crate) use raw::{claimed_strings, claims_member, raw_member};
use strings::{AsWritten, Blanked, Strings};

use super::JoseError;
use super::error::excerpt;
use super::text::Text;

/// Reads an object. A duplicate member, at any depth, is an error, and so is a [reserved](reserved)
/// name. Every function here rejects reserved names.
pub(crate) fn object(what: &'static str, bytes: &[u8]) -> Result<Map<String, Value>, JoseError> {
    object_without(what, bytes, &[])
}

/// As [`object`], but skips the values of these members, at any depth, without copying them: they
/// become `null`.
pub(crate) fn object_without(
    what: &'static str,
    bytes: &[u8],
    secret: &[&str],
) -> Result<Map<String, Value>, JoseError> {
    read_object(what, bytes, secret, None, |_| Value::Null)
}

/// As [`object_without`], but a skipped value becomes `true`, unless it is `null` or `[]`: those
/// are kept.
pub(crate) fn object_masked(
    what: &'static str,
    bytes: &[u8],
    secret: &[&str],
) -> Result<Map<String, Value>, JoseError> {
    read_object(what, bytes, secret, None, |raw| {
        match raw.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(elements) if elements.trim_ascii().is_empty() => Value::Array(Vec::new()),
            None if raw == "null" => Value::Null,
            _ => Value::Bool(true),
        }
    })
}

/// As [`object`], but only these members must be unique, at any depth. If another member is
/// repeated, the last one counts.
pub(crate) fn object_with_unique(
    what: &'static str,
    bytes: &[u8],
    unique: &[&str],
) -> Result<Map<String, Value>, JoseError> {
    read_object(what, bytes, &[], Some(unique), |_| Value::Null)
}

/// Reads any JSON, such as a failing server may write, and skips the values of the secret members
/// as [`object_without`] does. If a member is repeated, the last one counts. The flag tells whether
/// one of `watched` is repeated.
pub(crate) fn any_without(bytes: &[u8], secret: &[&str], watched: &[&str]) -> Option<(WipedValue, bool)> {
    let has_escapes = reserved::refuse("the text", bytes).ok()?;
    let duplicate = RefCell::new(None);
    let judged = Judged { duplicate: &duplicate, secret, only: Some(watched), instead: |_| Value::Null };
    let value = read_value(bytes, has_escapes, judged).ok()?;
    Some((value, duplicate.into_inner().is_some()))
}

fn read_object(
    what: &'static str,
    bytes: &[u8],
    secret: &[&str],
    only: Option<&[&str]>,
    instead: fn(&str) -> Value,
) -> Result<Map<String, Value>, JoseError> {
    let has_escapes = reserved::refuse(what, bytes)?;
    let duplicate = RefCell::new(None);
    let parsed = read_value(bytes, has_escapes, Judged { duplicate: &duplicate, secret, only, instead });
    if let Some(member) = duplicate.into_inner() {
        return Err(JoseError::DuplicateMember { what, member });
    }
    match &mut parsed.map_err(|error| syntax(what, &error))?.0 {
        Value::Object(members) => Ok(std::mem::take(members)),
        _ => Err(JoseError::NotAnObject { what }),
    }
}

/// Reads a document to its end.
fn read_value(bytes: &[u8], has_escapes: bool, judged: Judged<'_>) -> serde_json::Result<WipedValue> {
    fn read<'de, 'a, S: Strings<'de, 'a>>(
        bytes: &'de [u8],
        unique: Unique<'_, S>,
    ) -> serde_json::Result<WipedValue> {
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let value = WipedValue(unique.deserialize(&mut deserializer)?);
        deserializer.end().map(|()| value)
    }
    if has_escapes {
        let blanked = Blanked::of(bytes);
        read(blanked.text(), Unique { judged, strings: blanked.originals() })
    } else {
        read(bytes, Unique { judged, strings: AsWritten })
    }
}

/// The value of a member: text or other JSON.
pub(crate) enum Member<'a> {
    Text(Text<'a>),
    Other(WipedValue),
}

impl Member<'_> {
    /// The text, if it is text.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Other(_) => None,
        }
    }

    /// Whether it is `null`, which serializers write for an absent value.
    pub(crate) const fn is_null(&self) -> bool {
        matches!(self, Self::Other(WipedValue(Value::Null)))
    }
}

/// As [`object`], but keeps the values of these members apart from the others, and does not copy
/// their text. This is much faster if the names are known. The values go into the caller's array,
/// in which none may be set yet.
pub(crate) fn read_members<'a, const N: usize>(
    what: &'static str,
    bytes: &'a [u8],
    names: &'static [&'static str; N],
    values: &mut [Option<Member<'a>>; N],
) -> Result<WipedMembers, JoseError> {
    read_any_members(what, bytes, names, values)
}

/// [`read_members`], compiled once for any number of names.
fn read_any_members<'a>(
    what: &'static str,
    bytes: &'a [u8],
    names: &[&'static str],
    values: &mut [Option<Member<'a>>],
) -> Result<WipedMembers, JoseError> {
    fn read<'de, 'a, S: Strings<'de, 'a>>(
        text: &'de str,
        named: Named<'_, 'a, S>,
    ) -> serde_json::Result<WipedMembers> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let others = deserializer.deserialize_map(named)?;
        deserializer.end().map(|()| others)
    }
    let has_escapes = reserved::refuse(what, bytes)?;
    let duplicate = RefCell::new(None);
    let judged = Judged { duplicate: &duplicate, secret: &[], only: None, instead: |_| Value::Null };
    // Validate UTF-8 for the whole text at once: the parser would do it string by string.
    let parsed = if has_escapes {
        let blanked = Blanked::of(bytes);
        let unique = Unique { judged, strings: blanked.originals() };
        let text = str::from_utf8(blanked.text()).ok();
        text.and_then(|text| read(text, Named { names, values, unique }).ok())
    } else {
        let unique = Unique { judged, strings: AsWritten };
        let text = str::from_utf8(bytes).ok();
        text.and_then(|text| read(text, Named { names, values, unique }).ok())
    };
    match parsed {
        Some(others) if duplicate.borrow().is_none() => Ok(others),
        // Errors are described in one place only.
        _ => Err(object(what, bytes).err().unwrap_or(JoseError::NotAnObject { what })),
    }
}

/// Members whose strings are wiped on drop. They may be tokens, and a document that turns out to be
/// damaged half-way leaves them behind.
#[derive(Default)]
pub(crate) struct WipedMembers(pub(crate) Map<String, Value>);

impl Drop for WipedMembers {
    fn drop(&mut self) {
        wipe_members(&mut self.0);
    }
}

/// As [`WipedMembers`], for an array.
#[derive(Default)]
struct WipedElements(Vec<Value>);

impl Drop for WipedElements {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(wipe);
    }
}

/// As [`WipedMembers`], for one value.
#[derive(Default)]
pub(crate) struct WipedValue(pub(crate) Value);

impl Drop for WipedValue {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(elements) => elements.iter_mut().for_each(wipe),
        Value::Object(members) => wipe_members(members),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Wipes the names too: a response that echoes a secret may have it in place of a name.
fn wipe_members(members: &mut Map<String, Value>) {
    if members.is_empty() {
        return;
    }
    for (mut name, mut value) in std::mem::take(members) {
        name.zeroize();
        wipe(&mut value);
    }
}

/// The value as single-line JSON.
pub(crate) fn to_text(value: &Value) -> Zeroizing<String> {
    /// Counts the bytes written.
    struct Length(usize);

    impl std::io::Write for Length {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let mut length = Length(0);
    // Writing to memory cannot fail.
    let _ = serde_json::to_writer(&mut length, value);
    // Allocate in full at once: a buffer that grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(length.0));
    let _ = serde_json::to_writer(&mut *text, value);
    escapes::into_text(text).unwrap_or_default()
}

/// The position of a syntax error, without the text that serde quotes.
pub(crate) fn syntax(what: &'static str, error: &serde_json::Error) -> JoseError {
    JoseError::Json { what, line: error.line(), column: error.column() }
}

/// A string member; `None` if it is absent or `null`.
pub(crate) fn string(
    what: &'static str,
    members: &Map<String, Value>,
    member: &'static str,
) -> Result<Option<String>, JoseError> {
    match members.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(JoseError::InvalidMember { what, member, expected: "a string" }),
    }
}

/// The members of [`read_members`]: those with a known name go into their places, the others are
/// returned.
struct Named<'u, 'a, S> {
    names: &'u [&'static str],
    values: &'u mut [Option<Member<'a>>],
    unique: Unique<'u, S>,
}

impl<'de, 'a, S: Strings<'de, 'a>> Visitor<'de> for Named<'_, 'a, S> {
    type Value = WipedMembers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    #[inline(always)]
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        const TWICE: &str = "a member that stands there twice";
        let Self { names, values, unique } = self;
        let mut others = WipedMembers::default();
        let mut expected = 0;
        while let Some(place) = entries.next_key_seed(Place { names, expected, strings: unique.strings })? {
            match place {
                Found::At(place) => {
                    let slot = values.get_mut(place).filter(|slot| slot.is_none());
                    let slot = slot.ok_or_else(|| serde::de::Error::custom(TWICE))?;
                    *slot = Some(entries.next_value_seed(Borrowing { unique, document: PhantomData })?);
                    expected = place + 1;
                }
                Found::Other(mut name) => {
                    if others.0.contains_key(&name) {
                        name.zeroize();
                        return Err(serde::de::Error::custom(TWICE));
                    }
                    // Insert a placeholder before the value is read: from there on, the value is
                    // wiped.
                    *others.0.entry(name).or_insert(Value::Null) = entries.next_value_seed(unique)?;
                }
            }
        }
        Ok(others)
    }
}

/// Reads the name of a member and looks it up, first at the expected position: if the members are
/// in the order of the names, the first comparison finds each.
struct Place<'u, S> {
    names: &'u [&'static str],
    expected: usize,
    strings: S,
}

enum Found {
    At(usize),
    Other(String),
}

impl<'de, 'a, S: Strings<'de, 'a>> DeserializeSeed<'de> for Place<'_, S> {
    type Value = Found;

    // Compiled twice, for documents with escapes and for others, so the compiler no longer inlines
    // these by itself.
    #[inline(always)]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<S> Place<'_, S> {
    #[inline(always)]
    fn of(&self, name: Text<'_>) -> Found {
        let at = |place: &usize| self.names.get(*place).is_some_and(|known| **known == *name);
        let place = (self.expected..self.names.len()).chain(0..self.expected).find(at);
        place.map_or_else(|| Found::Other(name.into_plain()), Found::At)
    }
}

impl<'de, 'a, S: Strings<'de, 'a>> Visitor<'de> for Place<'_, S> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    #[inline(always)]
    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Found, E> {
        Ok(self.of(self.strings.text(name)))
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Found, E> {
        Ok(self.of(self.strings.copied(name)?))
    }
}

/// Reads the name of a member.
struct Name<S>(S);

impl<'de, 'a, S: Strings<'de, 'a>> DeserializeSeed<'de> for Name<S> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de, 'a, S: Strings<'de, 'a>> Visitor<'de> for Name<S> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(self.0.text(name).into_plain())
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.copied(name)?.into_plain())
    }
}

/// With its feature `arbitrary_precision`, which any crate of a program may enable, serde_json
/// passes a number as an object with this one member. A document with such a member of its own
/// never gets here ([`reserved`]).
const NUMBER: &str = "$serde_json::private::Number";

/// How the members of a document are checked.
#[derive(Clone, Copy)]
struct Judged<'u> {
    duplicate: &'u RefCell<Option<String>>,
    secret: &'u [&'u str],
    /// The members that must be unique, if not all.
    only: Option<&'u [&'u str]>,
    /// Replaces a secret value, given its text.
    instead: fn(&str) -> Value,
}

#[derive(Clone, Copy)]
struct Unique<'u, S> {
    judged: Judged<'u>,
    strings: S,
}

impl<'de, 'a, S: Strings<'de, 'a>> DeserializeSeed<'de> for Unique<'_, S> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, 'a, S: Strings<'de, 'a>> Visitor<'de> for Unique<'_, S> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Value, E> {
        Ok(Value::String(self.strings.text(value).into_plain()))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(self.strings.copied(value)?.into_plain()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = WipedElements::default();
        while let Some(element) = elements.next_element_seed(self)? {
            array.0.push(element);
        }
        Ok(Value::Array(std::mem::take(&mut array.0)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let Judged { duplicate, secret, only, instead } = self.judged;
        let mut members = WipedMembers::default();
        while let Some(mut name) = entries.next_key_seed(Name(self.strings))? {
            if name == NUMBER && members.0.is_empty() {
                let number: serde_json::Number =
                    entries.next_value::<String>()?.parse().map_err(serde::de::Error::custom)?;
                return Ok(Value::Number(number));
            }
            let is_secret = secret.contains(&name.as_str());
            // Insert a placeholder before the value is read: from there on, the value is wiped.
            let slot = if members.0.contains_key(&name) {
                if only.is_none_or(|only| only.contains(&name.as_str())) {
                    duplicate.borrow_mut().get_or_insert_with(|| excerpt(&name));
                }
                let slot = members.0.get_mut(&name);
                name.zeroize();
                slot
            } else {
                Some(members.0.entry(name).or_insert(Value::Null))
            };
            let value = if is_secret {
                instead(entries.next_value::<&RawValue>()?.get())
            } else {
                entries.next_value_seed(self)?
            };
            if let Some(slot) = slot {
                wipe(&mut std::mem::replace(slot, value));
            }
        }
        Ok(Value::Object(std::mem::take(&mut members.0)))
    }
}

/// As [`Unique`], but borrows text from the document if possible.
struct Borrowing<'u, 'a, S> {
    unique: Unique<'u, S>,
    document: PhantomData<&'a str>,
}

impl<'de, 'a, S: Strings<'de, 'a>> DeserializeSeed<'de> for Borrowing<'_, 'a, S> {
    type Value = Member<'a>;

    #[inline(always)]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Member<'a>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, 'a, S: Strings<'de, 'a>> Visitor<'de> for Borrowing<'_, 'a, S> {
    type Value = Member<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.unique.expecting(f)
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Member<'a>, E> {
        Ok(Member::Text(self.unique.strings.text(value)))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Member<'a>, E> {
        Ok(Member::Text(self.unique.strings.copied(value)?))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Member<'a>, E> {
        self.unique.visit_unit().map(other)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Member<'a>, E> {
        self.unique.visit_bool(value).map(other)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Member<'a>, E> {
        self.unique.visit_i64(value).map(other)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Member<'a>, E> {
        self.unique.visit_u64(value).map(other)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Member<'a>, E> {
        self.unique.visit_f64(value).map(other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<Member<'a>, A::Error> {
        self.unique.visit_seq(elements).map(other)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Member<'a>, A::Error> {
        self.unique.visit_map(entries).map(other)
    }
}

fn other<'a>(value: Value) -> Member<'a> {
    Member::Other(WipedValue(value))
}

#[cfg(test)]
mod tests;
