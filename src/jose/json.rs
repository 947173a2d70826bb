//! JSON as the specifications want it: an object, each member once.

mod raw;
mod reserved;

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

pub(crate) use raw::{claimed_strings, claims_member, raw_member};

use super::JoseError;
use super::error::excerpt;
use super::text::Text;

/// Reads an object. A member that stands there twice, at any depth, is an error, and so is a
/// [reserved](reserved) name. Every function here refuses the latter.
pub(crate) fn object(what: &'static str, bytes: &[u8]) -> Result<Map<String, Value>, JoseError> {
    object_without(what, bytes, &[])
}

/// As [`object`], but the values of these members, at any depth, are passed over and never copied: they become `null`.
pub(crate) fn object_without(
    what: &'static str,
    bytes: &[u8],
    secret: &[&str],
) -> Result<Map<String, Value>, JoseError> {
    read_object(what, bytes, secret, None, |_| Value::Null)
}

/// As [`object_without`], but what says something becomes `true`: only `null` and `[]` stay what
/// they are.
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

/// As [`object`], but only these members have to be unique, at any depth; of another that is
/// repeated the last one counts.
pub(crate) fn object_with_unique(
    what: &'static str,
    bytes: &[u8],
    unique: &[&str],
) -> Result<Map<String, Value>, JoseError> {
    read_object(what, bytes, &[], Some(unique), |_| Value::Null)
}

/// Any JSON, as a server in trouble writes it, with the values of the secret members passed over as
/// in [`object_without`]. Of a member that is repeated the last one counts; whether one of
/// `watched` is, comes beside.
pub(crate) fn any_without(bytes: &[u8], secret: &[&str], watched: &[&str]) -> Option<(Value, bool)> {
    reserved::refuse("the text", bytes).ok()?;
    let duplicate = RefCell::new(None);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let unique = Unique { duplicate: &duplicate, secret, only: Some(watched), instead: |_| Value::Null };
    let mut value = unique.deserialize(&mut deserializer).map(WipedValue).ok()?;
    deserializer.end().ok()?;
    Some((std::mem::take(&mut value.0), duplicate.into_inner().is_some()))
}

fn read_object(
    what: &'static str,
    bytes: &[u8],
    secret: &[&str],
    only: Option<&[&str]>,
    instead: fn(&str) -> Value,
) -> Result<Map<String, Value>, JoseError> {
    reserved::refuse(what, bytes)?;
    let duplicate = RefCell::new(None);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = Unique { duplicate: &duplicate, secret, only, instead }
        .deserialize(&mut deserializer)
        .map(WipedValue)
        .and_then(|value| deserializer.end().map(|()| value));
    if let Some(member) = duplicate.into_inner() {
        return Err(JoseError::DuplicateMember { what, member });
    }
    match &mut parsed.map_err(|error| syntax(what, &error))?.0 {
        Value::Object(members) => Ok(std::mem::take(members)),
        _ => Err(JoseError::NotAnObject { what }),
    }
}

/// The value of a member: text, or anything else.
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

    /// Whether it is `null`, which serializers write for what is absent.
    pub(crate) const fn is_null(&self) -> bool {
        matches!(self, Self::Other(WipedValue(Value::Null)))
    }
}

/// As [`object`], with the values of these members apart from the others, and their text not copied. Where the members
/// are known, this is much quicker. The values are written where the caller has them, and none is to be there yet.
pub(crate) fn read_members<'a, const N: usize>(
    what: &'static str,
    bytes: &'a [u8],
    names: &'static [&'static str; N],
    values: &mut [Option<Member<'a>>; N],
) -> Result<WipedMembers, JoseError> {
    read_any_members(what, bytes, names, values)
}

/// [`read_members`], once for any number of names.
fn read_any_members<'a>(
    what: &'static str,
    bytes: &'a [u8],
    names: &[&'static str],
    values: &mut [Option<Member<'a>>],
) -> Result<WipedMembers, JoseError> {
    reserved::refuse(what, bytes)?;
    let duplicate = RefCell::new(None);
    // Judged as text at once: the parser would do it string by string.
    let parsed = str::from_utf8(bytes).ok().and_then(|text| {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let unique = Unique { duplicate: &duplicate, secret: &[], only: None, instead: |_| Value::Null };
        let others = deserializer.deserialize_map(Named { names, values, unique });
        others.and_then(|others| deserializer.end().map(|()| others)).ok()
    });
    match parsed {
        Some(others) if duplicate.borrow().is_none() => Ok(others),
        // What is wrong is said in one place only.
        _ => Err(object(what, bytes).err().unwrap_or(JoseError::NotAnObject { what })),
    }
}

/// Members whose strings are wiped on drop: they may be tokens, and a document that turns out to be damaged half-way
/// leaves them behind.
#[derive(Default)]
pub(crate) struct WipedMembers(pub(crate) Map<String, Value>);

impl Drop for WipedMembers {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
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
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The position of a syntax error, without the text that serde quotes.
pub(crate) fn syntax(what: &'static str, error: &serde_json::Error) -> JoseError {
    JoseError::Json { what, line: error.line(), column: error.column() }
}

/// A string member; `None` where there is none, or a `null`.
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

/// The members of [`read_members`]: those with a name are put in their places, the others are returned.
struct Named<'a, 'de> {
    names: &'a [&'static str],
    values: &'a mut [Option<Member<'de>>],
    unique: Unique<'a>,
}

impl<'de> Visitor<'de> for Named<'_, 'de> {
    type Value = WipedMembers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        const TWICE: &str = "a member that stands there twice";
        let mut others = WipedMembers::default();
        let mut expected = 0;
        while let Some(place) = entries.next_key_seed(Place { names: self.names, expected })? {
            match place {
                Found::At(place) => {
                    let slot = self.values.get_mut(place).filter(|slot| slot.is_none());
                    let slot = slot.ok_or_else(|| serde::de::Error::custom(TWICE))?;
                    *slot = Some(entries.next_value_seed(Borrowing(self.unique))?);
                    expected = place + 1;
                }
                Found::Other(name) => {
                    let value = entries.next_value_seed(self.unique)?;
                    if let Some(mut replaced) = others.0.insert(name.into_owned(), value) {
                        wipe(&mut replaced);
                        return Err(serde::de::Error::custom(TWICE));
                    }
                }
            }
        }
        Ok(others)
    }
}

/// Reads the name of a member and looks for it, first where it is expected: whoever writes the members in the order of
/// the names has each found at the first look.
struct Place<'a> {
    names: &'a [&'static str],
    expected: usize,
}

enum Found<'a> {
    At(usize),
    Other(Cow<'a, str>),
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Found<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found<'de>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Place<'_> {
    fn of(&self, name: &str) -> Option<usize> {
        let at = |place: &usize| self.names.get(*place) == Some(&name);
        (self.expected..self.names.len()).chain(0..self.expected).find(at)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Found<'de>, E> {
        Ok(self.of(name).map_or(Found::Other(Cow::Borrowed(name)), Found::At))
    }

    fn visit_str<E>(self, name: &str) -> Result<Found<'de>, E> {
        Ok(self.of(name).map_or_else(|| Found::Other(Cow::Owned(name.to_owned())), Found::At))
    }
}

/// With its feature `arbitrary_precision`, which any crate of a program may turn on, serde_json
/// hands a number over as an object with this one member. A document that has such a member itself
/// never gets here ([`reserved`]).
const NUMBER: &str = "$serde_json::private::Number";

#[derive(Clone, Copy)]
struct Unique<'a> {
    duplicate: &'a RefCell<Option<String>>,
    secret: &'a [&'a str],
    /// The members that have to be unique, where it is not all.
    only: Option<&'a [&'a str]>,
    /// What stands in the place of a secret value, by its text.
    instead: fn(&str) -> Value,
}

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
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

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = WipedElements::default();
        while let Some(element) = elements.next_element_seed(Unique { ..self })? {
            array.0.push(element);
        }
        Ok(Value::Array(std::mem::take(&mut array.0)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members = WipedMembers::default();
        while let Some(name) = entries.next_key::<String>()? {
            if name == NUMBER && members.0.is_empty() {
                let number: serde_json::Number =
                    entries.next_value::<String>()?.parse().map_err(serde::de::Error::custom)?;
                return Ok(Value::Number(number));
            }
            let value = if self.secret.contains(&name.as_str()) {
                (self.instead)(entries.next_value::<&RawValue>()?.get())
            } else {
                entries.next_value_seed(Unique { ..self })?
            };
            let is_judged = self.only.is_none_or(|only| only.contains(&name.as_str()));
            if is_judged && members.0.contains_key(&name) {
                self.duplicate.borrow_mut().get_or_insert_with(|| excerpt(&name));
            }
            if let Some(mut replaced) = members.0.insert(name, value) {
                wipe(&mut replaced);
            }
        }
        Ok(Value::Object(std::mem::take(&mut members.0)))
    }
}

/// As [`Unique`], and text is borrowed from the document where that can be.
struct Borrowing<'a>(Unique<'a>);

impl<'de> DeserializeSeed<'de> for Borrowing<'_> {
    type Value = Member<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Member<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Borrowing<'_> {
    type Value = Member<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Member<'de>, E> {
        Ok(Member::Text(Text::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Member<'de>, E> {
        Ok(Member::Text(Text::Owned(Zeroizing::new(value.to_owned()))))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Member<'de>, E> {
        self.0.visit_unit().map(other)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Member<'de>, E> {
        self.0.visit_bool(value).map(other)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Member<'de>, E> {
        self.0.visit_i64(value).map(other)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Member<'de>, E> {
        self.0.visit_u64(value).map(other)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Member<'de>, E> {
        self.0.visit_f64(value).map(other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<Member<'de>, A::Error> {
        self.0.visit_seq(elements).map(other)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Member<'de>, A::Error> {
        self.0.visit_map(entries).map(other)
    }
}

fn other<'a>(value: Value) -> Member<'a> {
    Member::Other(WipedValue(value))
}

#[cfg(test)]
mod tests;
