//! JSON as the specifications want it: an object, each member once.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

use super::JoseError;
use super::error::excerpt;
use super::text::Text;

/// Reads an object; a member that stands there twice, at any depth, is an error.
pub(crate) fn object(what: &'static str, bytes: &[u8]) -> Result<Map<String, Value>, JoseError> {
    object_without(what, bytes, &[])
}

/// As [`object`], but the values of these members, at any depth, are passed over and never copied: they become `true`, or
/// stay `null`.
pub(crate) fn object_without(
    what: &'static str,
    bytes: &[u8],
    secret: &[&str],
) -> Result<Map<String, Value>, JoseError> {
    read_object(what, bytes, secret, None)
}

/// As [`object`], but only these members have to be unique, at any depth; of another that is repeated the last one counts.
pub(crate) fn object_with_unique(
    what: &'static str,
    bytes: &[u8],
    unique: &[&str],
) -> Result<Map<String, Value>, JoseError> {
    read_object(what, bytes, &[], Some(unique))
}

/// Any JSON, as a server in trouble writes it, with the values of the secret members passed over as in
/// [`object_without`]. Of a member that is repeated the last one counts; whether one of `watched` is, comes beside.
pub(crate) fn any_without(bytes: &[u8], secret: &[&str], watched: &[&str]) -> Option<(Value, bool)> {
    let duplicate = RefCell::new(None);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let unique = Unique { duplicate: &duplicate, secret, only: Some(watched) };
    let mut value = unique.deserialize(&mut deserializer).map(WipedValue).ok()?;
    deserializer.end().ok()?;
    Some((std::mem::take(&mut value.0), duplicate.into_inner().is_some()))
}

fn read_object(
    what: &'static str,
    bytes: &[u8],
    secret: &[&str],
    only: Option<&[&str]>,
) -> Result<Map<String, Value>, JoseError> {
    let duplicate = RefCell::new(None);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = Unique { duplicate: &duplicate, secret, only }
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

/// Reads an object whose one member `name` is handed over as it is written, whatever its value; the others are read as
/// strictly as [`object`] does, and dropped.
pub(crate) fn raw_member<'a>(
    what: &'static str,
    bytes: &'a [u8],
    name: &'static str,
) -> Result<Option<&'a RawValue>, JoseError> {
    let duplicate = RefCell::new(None);
    let parsed = str::from_utf8(bytes).ok().and_then(|text| {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let raw = Raw { name, unique: Unique { duplicate: &duplicate, secret: &[] } };
        let member = deserializer.deserialize_map(raw);
        member.and_then(|member| deserializer.end().map(|()| member)).ok()
    });
    match (parsed, duplicate.into_inner()) {
        (Some(_), Some(member)) => Err(JoseError::DuplicateMember { what, member }),
        (Some(member), None) => Ok(member),
        // What is wrong is said in one place only.
        (None, _) => Err(object(what, bytes).err().unwrap_or(JoseError::NotAnObject { what })),
    }
}

/// All strings that an object has as this member, of an object that may be damaged or have it twice; a few at most.
/// For error messages: nothing may be decided by them.
pub(crate) fn claimed_strings(text: &str, name: &'static str) -> Vec<String> {
    let found = RefCell::new(Vec::new());
    // What was found before the damage counts.
    let _ = serde_json::Deserializer::from_str(text).deserialize_map(Claimed { name, found: &found });
    found.into_inner()
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
    let duplicate = RefCell::new(None);
    // Judged as text at once: the parser would do it string by string.
    let parsed = str::from_utf8(bytes).ok().and_then(|text| {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let unique = Unique { duplicate: &duplicate, secret: &[], only: None };
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

/// The one member of [`raw_member`].
struct Raw<'a> {
    name: &'static str,
    unique: Unique<'a>,
}

impl<'de> Visitor<'de> for Raw<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut member = None;
        let mut names = BTreeSet::new();
        while let Some(name) = entries.next_key::<String>()? {
            if name == self.name {
                member = Some(entries.next_value::<&RawValue>()?);
            } else {
                wipe(&mut entries.next_value_seed(self.unique)?);
            }
            if names.contains(&name) {
                self.unique.duplicate.borrow_mut().get_or_insert_with(|| excerpt(&name));
            }
            names.insert(name);
        }
        Ok(member)
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
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value::<&RawValue>()?;
            let mut found = self.found.borrow_mut();
            if name == self.name
                && found.len() < LIMIT
                && let Ok(text) = serde_json::from_str(value.get())
            {
                found.push(text);
            }
        }
        Ok(())
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
        let mut is_first = true;
        let mut expected = 0;
        while let Some(place) = entries.next_key_seed(Place { names: self.names, expected })? {
            match place {
                Found::At(place) => {
                    let slot = self.values.get_mut(place).filter(|slot| slot.is_none());
                    let slot = slot.ok_or_else(|| serde::de::Error::custom(TWICE))?;
                    *slot = Some(entries.next_value_seed(Borrowing(self.unique))?);
                    expected = place + 1;
                }
                Found::Other(name) if is_first && name == NUMBER => {
                    return Err(serde::de::Error::custom("a number"));
                }
                Found::Other(name) => {
                    let value = entries.next_value_seed(self.unique)?;
                    if let Some(mut replaced) = others.0.insert(name.into_owned(), value) {
                        wipe(&mut replaced);
                        return Err(serde::de::Error::custom(TWICE));
                    }
                }
            }
            is_first = false;
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

/// With its feature `arbitrary_precision`, which any crate of a program may turn on, serde_json hands a number over as an
/// object with this one member.
const NUMBER: &str = "$serde_json::private::Number";

#[derive(Clone, Copy)]
struct Unique<'a> {
    duplicate: &'a RefCell<Option<String>>,
    secret: &'a [&'a str],
    /// The members that have to be unique, where it is not all.
    only: Option<&'a [&'a str]>,
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
                let value = entries.next_value::<Option<serde::de::IgnoredAny>>()?;
                value.map_or(Value::Null, |_| Value::Bool(true))
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
        fn read(text: &[u8]) -> Result<([Option<Member<'_>>; 3], WipedMembers), JoseError> {
            let mut values = [const { None }; 3];
            let others = read_members("x", text, &["a", "b", "c"], &mut values)?;
            Ok((values, others))
        }
        let (values, others) = read(br#"{"x":{"y":[1]},"b":"2","a":1,"\u0063":null}"#).unwrap();
        let [Some(Member::Other(a)), Some(Member::Text(Text::Borrowed("2"))), Some(Member::Other(c))] =
            values
        else {
            panic!("other values");
        };
        assert_eq!((&a.0, &c.0), (&Value::from(1), &Value::Null));
        assert_eq!(others.0, object("x", br#"{"x":{"y":[1]}}"#).unwrap());
        assert!(matches!(read(b"{}").unwrap().0, [None, None, None]));
        let (escaped, _) = read(br#"{"a":"\u0061\n"}"#).unwrap();
        assert!(matches!(escaped, [Some(Member::Text(Text::Owned(text))), None, None] if *text == "a\n"));
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"x":1,"x":1}"#,
            r#"{"x":1,"\u0078":1}"#,
            r#"{"a":1,"\u0061":1}"#,
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
            let refused = object("x", text.as_bytes()).unwrap_err();
            assert_eq!(read(text.as_bytes()).err(), Some(refused), "{text}");
        }
        assert!(matches!(read(b"{\"\xff\":1}"), Err(JoseError::Json { .. })));
    }

    #[test]
    fn secret_members_are_seen_and_not_copied() {
        let text = br#"{"d":"secret","a":{"d":["secret"]},"b":1,"c":{"d":null}}"#;
        let members = object_without("x", text, &["d"]).unwrap();
        assert_eq!(Value::Object(members).to_string(), r#"{"a":{"d":true},"b":1,"c":{"d":null},"d":true}"#);
        assert_eq!(
            object_without("x", br#"{"d":"secret","d":"secret"}"#, &["d"]),
            Err(JoseError::DuplicateMember { what: "x", member: "d".to_owned() })
        );
    }

    #[test]
    fn one_member_is_handed_over_as_it_is_and_the_rest_is_checked() {
        let read =
            |text: &str| raw_member("x", text.as_bytes(), "a").map(|raw| raw.map(|raw| raw.get().to_owned()));
        assert_eq!(read(r#"{"b":{"c":1},"a":[{"c":1,"c":2}] }"#), Ok(Some(r#"[{"c":1,"c":2}]"#.to_owned())));
        assert_eq!(read(r#"{"b":1}"#), Ok(None));
        for (text, member) in
            [(r#"{"a":1,"a":1}"#, "a"), (r#"{"b":1,"a":1,"b":2}"#, "b"), (r#"{"b":{"c":1,"c":1}}"#, "c")]
        {
            let member = member.to_owned();
            assert_eq!(read(text), Err(JoseError::DuplicateMember { what: "x", member }), "{text}");
        }
        for text in
            ["[]", "7", "{} {}", "{", r#"{"a":}"#, r#"{"a":[1,}"#, "", "\u{feff}{}", r#"{"b":"\ud800"}"#]
        {
            assert_eq!(read(text), Err(object("x", text.as_bytes()).unwrap_err()), "{text}");
        }
        assert!(matches!(raw_member("x", b"{\"b\":\"\xff\"}", "a"), Err(JoseError::Json { .. })));
    }

    #[test]
    fn the_name_of_a_damaged_object_is_found_where_it_can_be() {
        let many = format!("{{{}\"b\":1}}", r#""a":"1","#.repeat(9));
        for (text, found) in [
            (r#"{"b":1,"a":"1"}"#, &["1"][..]),
            (r#"{"a":"1","\u0061":"2"}"#, &["1", "2"]),
            (r#"{"a":1,"a":"2"}"#, &["2"]),
            (r#"{"a":"1","b":{"a":"2""#, &["1"]),
            (r#"[{"a":"1"}]"#, &[]),
            ("7", &[]),
            (&many, &["1", "1", "1", "1"]),
        ] {
            assert_eq!(claimed_strings(text, "a"), found, "{text}");
        }
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
