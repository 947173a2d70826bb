//! Reads JSON in one pass, without a copy that is not wiped.
//!
//! Structure and strings are read here, because `serde_json` decodes escapes in a buffer that it
//! does not wipe, lets the last of several equal names win, and takes an object with a reserved
//! name for a number or for other JSON. `serde_json` reads numbers, literals and unparsed values.
//! Errors have the positions that `serde_json` reports.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::escapes;
use super::value::{Json, Members};
use crate::jose::JoseError;
use crate::jose::error::excerpt;
use crate::jose::text::Text;

/// One level more than `serde_json` accepts.
const TOO_DEEP: usize = 128;

/// With its features `raw_value` (enabled here) and `arbitrary_precision` (any crate of a program
/// may enable it), `serde_json` passes values as objects with one member of such a name.
const RESERVED: &str = "$serde_json::private::";

/// Few token responses, claims sets and keys have more members.
const USUAL_MEMBERS: usize = 16;

/// How a document is read. Default: every value is parsed, and every name is unique in its object.
#[derive(Clone, Copy, Default)]
pub(crate) struct Rules<'r> {
    /// Members whose values stay unparsed: their contents affect nothing else.
    pub(crate) unparsed: &'r [&'r str],
    /// Whether `unparsed` applies only to members of the document itself, not of nested objects.
    pub(crate) top_level_only: bool,
    /// The only members that must be unique. If another is repeated, the last one counts.
    pub(crate) unique: Option<&'r [&'r str]>,
}

/// An error is much larger than a value.
type Read<T> = Result<T, Box<JoseError>>;

/// Reads one document.
pub(super) struct Reader<'a, 'r> {
    what: &'static str,
    document: &'a [u8],
    /// The document as text, if it is UTF-8. One check of the whole is cheaper than one per string.
    text: Option<&'a str>,
    at: usize,
    depth: usize,
    rules: Rules<'r>,
}

impl<'a, 'r> Reader<'a, 'r> {
    pub(super) fn new(what: &'static str, document: &'a [u8], rules: Rules<'r>) -> Self {
        Self { what, document, text: str::from_utf8(document).ok(), at: 0, depth: 0, rules }
    }

    /// The whole document: one value.
    pub(super) fn document(mut self) -> Result<Json<'a>, JoseError> {
        let mut value = Json::Null;
        self.value(&mut value).map_err(|error| *error)?;
        if self.peek().is_some() { Err(*self.unexpected()) } else { Ok(value) }
    }

    /// Reads a value into its place: returning it would move it through every caller.
    fn value(&mut self, place: &mut Json<'a>) -> Read<()> {
        *place = match self.peek() {
            Some(b'"') => Json::Text(self.string()?),
            Some(b'[') => Json::Array(self.array()?),
            Some(b'{') => Json::Object(self.object()?),
            Some(b'-' | b'0'..=b'9') => Json::Number(self.delegated()?),
            _ => self.delegated::<Option<bool>>()?.map_or(Json::Null, Json::Bool),
        };
        Ok(())
    }

    fn array(&mut self) -> Read<Vec<Json<'a>>> {
        self.descend()?;
        let mut elements = Vec::new();
        while self.has_next(b']', elements.is_empty())? {
            let mut element = Json::Null;
            self.value(&mut element)?;
            elements.push(element);
        }
        self.depth -= 1;
        Ok(elements)
    }

    fn object(&mut self) -> Read<Members<'a>> {
        self.descend()?;
        let Rules { unparsed, top_level_only, unique } = self.rules;
        // Nested objects may be many and small.
        let mut members = Vec::with_capacity(if self.depth == 1 { USUAL_MEMBERS } else { 0 });
        while self.has_next(b'}', members.is_empty())? {
            let name = self.name()?;
            if name.starts_with(RESERVED) {
                let member = excerpt(&name);
                return Err(JoseError::ReservedMember { what: self.what, member }.into());
            }
            self.colon()?;
            let is_unparsed = unparsed.contains(&&*name) && (self.depth == 1 || !top_level_only);
            members.push((name, Json::Null));
            let Some((_, place)) = members.last_mut() else { continue };
            if is_unparsed {
                *place = Json::Unparsed(self.unparsed()?);
            } else {
                self.value(place)?;
            }
        }
        self.depth -= 1;
        let is_unique = |name: &str| unique.is_none_or(|unique| unique.contains(&name));
        let members = Members::new(members, is_unique);
        members.map_err(|member| JoseError::DuplicateMember { what: self.what, member }.into())
    }

    /// The members of an object that may be damaged: each name, if it is readable, and its unparsed
    /// value.
    pub(super) fn claimed(mut self) -> impl Iterator<Item = (Option<Text<'a>>, &'a str)> {
        let is_object = self.peek() == Some(b'{') && self.descend().is_ok();
        let mut is_first = true;
        std::iter::from_fn(move || {
            let has_next = is_object && self.has_next(b'}', std::mem::take(&mut is_first)).ok()?;
            if !has_next || self.peek() != Some(b'"') {
                return None;
            }
            let name = self.unparsed().ok()?;
            self.colon().ok()?;
            Some((first_string(name), self.unparsed().ok()?))
        })
    }

    fn name(&mut self) -> Read<Text<'a>> {
        if self.peek() == Some(b'"') { self.string() } else { Err(self.unexpected()) }
    }

    fn colon(&mut self) -> Read<()> {
        if self.peek() != Some(b':') {
            return Err(self.unexpected());
        }
        self.at += 1;
        Ok(())
    }

    fn descend(&mut self) -> Read<()> {
        self.depth += 1;
        if self.depth == TOO_DEEP {
            return Err(self.unexpected());
        }
        self.at += 1;
        Ok(())
    }

    /// Whether another element or member follows. Steps over the comma before it, or over the end.
    fn has_next(&mut self, end: u8, is_first: bool) -> Read<bool> {
        let next = self.peek();
        if next == Some(end) || next == Some(b',') && !is_first {
            self.at += 1;
        } else if !is_first {
            return Err(self.unexpected());
        }
        Ok(next != Some(end))
    }

    /// The string at the current position.
    fn string(&mut self) -> Read<Text<'a>> {
        self.at += 1;
        let start = self.at;
        let mut has_escapes = false;
        loop {
            let rest = self.rest();
            let len = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
            let plain = rest.get(..len).unwrap_or_default();
            let is_control = |byte: &u8| *byte < 0x20;
            // The least of all bytes is found faster than the first control character.
            if is_control(&plain.iter().fold(u8::MAX, |least, byte| least.min(*byte))) {
                let before = plain.iter().take_while(|byte| !is_control(byte)).count();
                return Err(self.damaged(self.at + before + 1));
            }
            self.at += len;
            if self.rest().starts_with(b"\"") {
                break;
            }
            has_escapes = true;
            let (len, _) = escapes::escape(self.rest()).map_err(|len| self.damaged(self.at + len))?;
            self.at += len;
        }
        let inner = match self.text {
            Some(text) => text.get(start..self.at),
            None => str::from_utf8(self.document.get(start..self.at).unwrap_or_default()).ok(),
        };
        let inner = inner.ok_or_else(|| self.damaged(self.at))?;
        self.at += 1;
        let decoded = if has_escapes { escapes::string(inner.as_bytes()) } else { None };
        // Decoded text is text, so nothing is lost that would have to be wiped.
        let decoded = decoded.and_then(|mut bytes| String::from_utf8(std::mem::take(&mut bytes)).ok());
        Ok(Text(decoded.map_or(Cow::Borrowed(inner), Cow::Owned)))
    }

    /// The text of the value at the current position, checked only as far as finding its end
    /// requires.
    fn unparsed(&mut self) -> Read<&'a str> {
        self.delegated::<&RawValue>().map(RawValue::get)
    }

    /// The value at the current position, read by `serde_json`.
    fn delegated<T: Deserialize<'a>>(&mut self) -> Read<T> {
        let mut values = serde_json::Deserializer::from_slice(self.rest()).into_iter::<T>();
        match values.next() {
            Some(Ok(value)) => {
                self.at += values.byte_offset();
                Ok(value)
            }
            Some(Err(error)) => {
                let (line, column) = self.position(self.at);
                let column = if error.line() == 1 { column } else { 0 } + error.column();
                let line = line + error.line().saturating_sub(1);
                Err(JoseError::Json { what: self.what, line, column }.into())
            }
            None => Err(self.unexpected()),
        }
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.rest();
        self.at += rest.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\t' | b'\r')).count();
        self.document.get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.document.get(self.at..).unwrap_or_default()
    }

    /// The error for the byte at the current position, or for the end.
    fn unexpected(&self) -> Box<JoseError> {
        self.damaged(self.document.len().min(self.at + 1))
    }

    /// The error for the byte before a position.
    fn damaged(&self, at: usize) -> Box<JoseError> {
        let (line, column) = self.position(at);
        JoseError::Json { what: self.what, line, column }.into()
    }

    fn position(&self, at: usize) -> (usize, usize) {
        let before = self.document.get(..at).unwrap_or(self.document);
        let line = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
        let lines = memchr::memchr_iter(b'\n', before).count();
        (1 + lines, before.len() - line)
    }
}

/// The string at the start of a text.
pub(crate) fn first_string(text: &str) -> Option<Text<'_>> {
    Reader::new("a string", text.as_bytes(), Rules::default()).name().ok()
}
