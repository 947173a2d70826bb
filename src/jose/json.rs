//! JSON as the specifications want it: an object, each member once.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::error::excerpt;
use super::{JoseError, wiped};

/// Reads an object; a member that stands there twice, at any depth, is an error.
pub(crate) fn object(what: &'static str, bytes: &[u8]) -> Result<Map<String, Value>, JoseError> {
    object_without(what, bytes, &[])
}

/// As [`object`], but the values of these members, at any depth, are passed over and never copied: they become `null`.
pub(crate) fn object_without(
    what: &'static str,
    bytes: &[u8],
    secret: &[&str],
) -> Result<Map<String, Value>, JoseError> {
    let duplicate = RefCell::new(None);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = Unique { duplicate: &duplicate, secret }
        .deserialize(&mut deserializer)
        .map(|value| WipedElements(vec![value]))
        .and_then(|value| deserializer.end().map(|()| value));
    if let Some(member) = duplicate.into_inner() {
        return Err(JoseError::DuplicateMember { what, member });
    }
    match parsed.map_err(|error| syntax(what, &error))?.0.as_mut_slice() {
        [Value::Object(members)] => Ok(std::mem::take(members)),
        _ => Err(JoseError::NotAnObject { what }),
    }
}

/// As [`object`], with the values of these members apart from the others. Where the members are known, this is much
/// quicker.
pub(crate) fn values<const N: usize>(
    what: &'static str,
    bytes: &[u8],
    names: [&'static str; N],
) -> Result<([Option<Value>; N], WipedMembers), JoseError> {
    let duplicate = RefCell::new(None);
    // Judged as text at once: the parser would do it string by string.
    let parsed = str::from_utf8(bytes).ok().and_then(|text| {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        deserializer
            .deserialize_map(Named { names, unique: Unique { duplicate: &duplicate, secret: &[] } })
            .and_then(|values| deserializer.end().map(|()| values))
            .ok()
    });
    match parsed {
        Some((mut values, others)) if duplicate.borrow().is_none() => {
            Ok((std::mem::replace(&mut values.0, [const { None }; N]), others))
        }
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

/// As [`WipedMembers`], for values that are named.
struct WipedValues<const N: usize>([Option<Value>; N]);

impl<const N: usize> Drop for WipedValues<N> {
    fn drop(&mut self) {
        self.0.iter_mut().flatten().for_each(wipe);
    }
}

pub(crate) fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => wiped::wipe(text),
        Value::Array(elements) => elements.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The position of a syntax error, without the text that serde quotes.
pub(crate) fn syntax(what: &'static str, error: &serde_json::Error) -> JoseError {
    JoseError::Json { what, line: error.line(), column: error.column() }
}

/// A string member, or `None` where there is none.
pub(crate) fn string(
    what: &'static str,
    members: &Map<String, Value>,
    member: &'static str,
) -> Result<Option<String>, JoseError> {
    text(what, member, members.get(member).cloned())
}

/// As [`string`], of the value alone.
pub(crate) fn text(
    what: &'static str,
    member: &'static str,
    value: Option<Value>,
) -> Result<Option<String>, JoseError> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JoseError::InvalidMember { what, member, expected: "a string" }),
    }
}

/// Text that may be hostile, with control characters escaped, cut to `limit` characters; an ellipsis says so.
pub(crate) fn printable(text: &str, limit: usize) -> String {
    let mut printable = String::new();
    let mut room = limit;
    for character in text.chars() {
        let escape = character.is_control() || is_invisible(character);
        let len = if escape { character.escape_unicode().len() } else { 1 };
        let Some(left) = room.checked_sub(len) else {
            printable.push('…');
            break;
        };
        room = left;
        if escape {
            printable.extend(character.escape_unicode());
        } else {
            printable.push(character);
        }
    }
    printable
}

/// Line separators, bidirectional controls and zero-width characters: they can forge a log line or reorder it.
const fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{061C}')
}

/// The members of [`values`].
struct Named<'a, const N: usize> {
    names: [&'static str; N],
    unique: Unique<'a>,
}

impl<'de, const N: usize> Visitor<'de> for Named<'_, N> {
    type Value = (WipedValues<N>, WipedMembers);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut values = WipedValues([const { None }; N]);
        let mut others = WipedMembers::default();
        let mut is_first = true;
        let mut expected = 0;
        while let Some(Name(name)) = entries.next_key()? {
            if std::mem::take(&mut is_first) && name == NUMBER {
                return Err(serde::de::Error::custom("a number"));
            }
            let value = entries.next_value_seed(self.unique)?;
            // Whoever writes the members in this order has each found at the first look.
            let place =
                (expected..N).chain(0..expected).find(|place| self.names.get(*place) == Some(&&*name));
            let replaced = match place.and_then(|place| values.0.get_mut(place)) {
                Some(slot) => {
                    expected = place.map_or(0, |place| place + 1);
                    slot.replace(value)
                }
                None => others.0.insert(name.into_owned(), value),
            };
            if let Some(mut replaced) = replaced {
                wipe(&mut replaced);
                return Err(serde::de::Error::custom("a member that stands there twice"));
            }
        }
        Ok((values, others))
    }
}

/// The name of a member, copied only where it has escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// With its feature `arbitrary_precision`, which any crate of a program may turn on, serde_json hands a number over as an
/// object with this one member.
const NUMBER: &str = "$serde_json::private::Number";

#[derive(Clone, Copy)]
struct Unique<'a> {
    duplicate: &'a RefCell<Option<String>>,
    secret: &'a [&'a str],
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
                entries.next_value::<serde::de::IgnoredAny>()?;
                Value::Null
            } else {
                entries.next_value_seed(Unique { ..self })?
            };
            if members.0.contains_key(&name) {
                self.duplicate.borrow_mut().get_or_insert_with(|| excerpt(&name));
            }
            if let Some(mut replaced) = members.0.insert(name, value) {
                wipe(&mut replaced);
            }
        }
        Ok(Value::Object(std::mem::take(&mut members.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc7515_4_member_names_are_unique_at_every_depth() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"b":[{"a":1,"a":2}]}"#, r#"{"\u0061":1,"a":2}"#] {
            assert_eq!(
                object("x", text.as_bytes()),
                Err(JoseError::DuplicateMember { what: "x", member: "a".to_owned() })
            );
        }
    }

    #[test]
    fn the_values_of_some_members_come_with_every_check_of_the_whole() {
        let names = ["a", "b", "c"];
        let text = br#"{"x":{"y":[1]},"b":"2","a":1,"\u0063":null}"#;
        let (named, others) = values("x", text, names).unwrap();
        assert_eq!(named, [Some(Value::from(1)), Some(Value::from("2")), Some(Value::Null)]);
        assert_eq!(others.0, object("x", br#"{"x":{"y":[1]}}"#).unwrap());
        assert_eq!(values("x", b"{}", names).unwrap().0, [None, None, None]);
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"x":1,"x":1}"#,
            r#"{"x":1,"\u0078":1}"#,
            r#"{"a":{"y":1,"y":1}}"#,
            r#"{"x":[{"y":1,"y":1}]}"#,
            r#"{"$serde_json::private::Number":"1"}"#,
            r#"{"$serde_json::private::Number":"1","a":1}"#,
            r#"{"x":{"$serde_json::private::Number":"1","a":1}}"#,
            "[]",
            "7",
            "{} {}",
            "{",
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            "",
            "[1,",
            "\u{feff}{}",
        ] {
            assert_eq!(
                values("x", text.as_bytes(), names).err(),
                object("x", text.as_bytes()).err(),
                "{text}"
            );
            assert!(values("x", text.as_bytes(), names).is_err(), "{text}");
        }
        assert!(matches!(values("x", b"{\"\xff\":1}", names), Err(JoseError::Json { .. })));
    }

    #[test]
    fn secret_members_are_seen_and_not_copied() {
        let text = br#"{"d":"secret","a":{"d":["secret"]},"b":1}"#;
        let members = object_without("x", text, &["d"]).unwrap();
        assert_eq!(Value::Object(members).to_string(), r#"{"a":{"d":null},"b":1,"d":null}"#);
        assert_eq!(
            object_without("x", br#"{"d":"secret","d":"secret"}"#, &["d"]),
            Err(JoseError::DuplicateMember { what: "x", member: "d".to_owned() })
        );
    }

    #[test]
    fn a_number_is_a_number_with_arbitrary_precision_too() {
        let members = object("x", br#"{"exp":{"$serde_json::private::Number":"1800000000"}}"#).unwrap();
        assert_eq!(members["exp"].as_i64(), Some(1_800_000_000));
        assert!(object("x", br#"{"exp":{"$serde_json::private::Number":"soon"}}"#).is_err());
    }

    #[test]
    fn wiping_reaches_every_string() {
        let mut value = serde_json::json!({"a": "secret", "b": ["secret", {"c": "secret"}], "d": 1});
        wipe(&mut value);
        assert_eq!(value, serde_json::json!({"a": "", "b": ["", {"c": ""}], "d": 1}));
    }

    #[test]
    fn only_one_object_and_nothing_after_it() {
        assert_eq!(object("x", b"[]"), Err(JoseError::NotAnObject { what: "x" }));
        assert!(matches!(object("x", b"{} {}"), Err(JoseError::Json { .. })));
        assert!(matches!(object("x", b"\xef\xbb\xbf{}"), Err(JoseError::Json { .. })));
        assert!(matches!(object("x", b"{\"a\":\"\xff\"}"), Err(JoseError::Json { .. })));
        assert!(matches!(object("x", "[".repeat(100_000).as_bytes()), Err(JoseError::Json { .. })));
    }

    #[test]
    fn printable_escapes_and_cuts() {
        assert_eq!(printable("a\u{1b}[31m\u{202e}b\n", 64), "a\\u{1b}[31m\\u{202e}b\\u{a}");
        assert_eq!(printable("abcdef", 3), "abc…");
        assert_eq!(printable("abc", 3), "abc");
        // What is escaped counts as it is written.
        assert_eq!(printable(&"\u{202e}".repeat(100), 17), "\\u{202e}\\u{202e}…");
    }
}
