use serde_json::{Map, Number, Value};

use crate::jose::JoseError;
use crate::jose::error::excerpt;
use crate::jose::text::Text;

/// A value. Text is borrowed from the document, unless escapes had to be decoded.
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Text<'a>),
    Array(Vec<Json<'a>>),
    Object(Members<'a>),
    /// The text of a value that stays unparsed.
    Unparsed(&'a str),
}

/// The members of an object, in the order of their names. There are few, and few are asked for, so
/// a search looks at one after the other.
#[derive(Default)]
pub(crate) struct Members<'a>(Vec<(Text<'a>, Json<'a>)>);

impl<'a> Members<'a> {
    /// Sorts the members. If a name occurs twice, the last member counts, unless the name must be
    /// unique; then the error is that name.
    pub(super) fn new(
        mut members: Vec<(Text<'a>, Json<'a>)>,
        is_unique: impl Fn(&str) -> bool,
    ) -> Result<Self, String> {
        // A stable sort: equal names stay in the order of the document.
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut repeated = None;
        members.dedup_by(|later, kept| {
            let is_same = later.0 == kept.0;
            if is_same {
                repeated = repeated.take().or_else(|| is_unique(&kept.0).then(|| excerpt(&kept.0)));
                std::mem::swap(&mut later.1, &mut kept.1);
            }
            is_same
        });
        repeated.map_or(Ok(Self(members)), Err)
    }

    /// The value of a member.
    pub(crate) fn get(&self, name: &str) -> Option<&Json<'a>> {
        self.0.iter().find(|(other, _)| **other == *name).map(|(_, value)| value)
    }

    /// As [`Members::get`], to replace the value.
    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Json<'a>> {
        self.0.iter_mut().find(|(other, _)| **other == *name).map(|(_, value)| value)
    }

    /// Removes a member and returns its value.
    pub(crate) fn take(&mut self, name: &str) -> Option<Json<'a>> {
        let at = self.0.iter().position(|(other, _)| **other == *name)?;
        Some(self.0.remove(at).1)
    }

    /// A string member; `None` if it is absent or `null`.
    pub(crate) fn text(&self, what: &'static str, member: &'static str) -> Result<Option<&str>, JoseError> {
        match self.get(member) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(_) => Err(JoseError::InvalidMember { what, member, expected: "a string" }),
        }
    }

    /// Names and values, in the order of the names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// The members as a map of `serde_json`, which does not wipe them.
    pub(crate) fn into_map(self) -> Map<String, Value> {
        self.0.into_iter().map(|(name, value)| (name.into_plain(), value.into())).collect()
    }
}

impl<'a> Json<'a> {
    /// The text, if it is text.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is a number.
    pub(crate) const fn number(&self) -> Option<&Number> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The elements, if it is an array.
    pub(crate) fn elements(&self) -> Option<&[Json<'a>]> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// The texts, if it is an array of strings.
    pub(crate) fn texts(&self) -> Option<Vec<String>> {
        self.elements()?.iter().map(|element| element.text().map(str::to_owned)).collect()
    }

    /// Whether it is `null`, which serializers write for an absent value.
    pub(crate) const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether it is set: serializers write `null` and `[]` for an unset value.
    pub(crate) fn is_set(&self) -> bool {
        match self {
            Self::Unparsed(text) => {
                let elements = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
                *text != "null" && elements.is_none_or(|elements| !elements.trim_ascii().is_empty())
            }
            _ => !self.is_null() && self.elements().is_none_or(|elements| !elements.is_empty()),
        }
    }
}

/// The value as `serde_json` has it, which does not wipe it. An unparsed value becomes `null`.
impl From<Json<'_>> for Value {
    fn from(value: Json<'_>) -> Self {
        match value {
            Json::Null | Json::Unparsed(_) => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::Number(number) => Self::Number(number),
            Json::Text(text) => Self::String(text.into_plain()),
            Json::Array(elements) => elements.into_iter().map(Self::from).collect(),
            Json::Object(members) => Self::Object(members.into_map()),
        }
    }
}
