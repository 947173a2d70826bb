//! The claims by name. Those that are read from every token are in an array, the others in a map.

use serde_json::Value;

use super::super::VerifierError;
use crate::jose::json::{self, Member, WipedMembers};

/// The name of the parsed document, for errors.
pub(super) const WHAT: &str = "the claims set";

/// The claims that are read from every token.
pub(super) const NAMES: [&str; 10] =
    ["iss", "aud", "sub", "client_id", "jti", "scope", "iat", "exp", "nbf", "cnf"];

/// Their values, in the same order.
pub(super) type Named<'a> = [Option<Member<'a>>; NAMES.len()];

/// The claims of a token. A `null` is an absent claim.
pub(super) struct ClaimSet<'a, 'p> {
    named: &'a Named<'p>,
    others: &'a WipedMembers,
}

/// A claim that is present.
#[derive(Clone, Copy)]
pub(super) enum Claim<'a> {
    Text(&'a str),
    Other(&'a Value),
}

impl<'a, 'p> ClaimSet<'a, 'p> {
    /// Parses the payload. Writes the named claims to `named` and returns the others.
    pub(super) fn read(payload: &'p [u8], named: &mut Named<'p>) -> Result<WipedMembers, VerifierError> {
        Ok(json::read_members(WHAT, payload, &NAMES, named)?)
    }

    pub(super) const fn new(named: &'a Named<'p>, others: &'a WipedMembers) -> Self {
        Self { named, others }
    }

    /// The named claims.
    pub(super) fn named(&self) -> [Option<&'a Member<'p>>; NAMES.len()] {
        self.named.each_ref().map(|claim| claim.as_ref().filter(|claim| !claim.is_null()))
    }

    /// The claim of this name. A name that begins with a slash is a JSON Pointer (RFC 6901).
    pub(super) fn claim(&self, name: &str) -> Option<Claim<'a>> {
        match name.strip_prefix('/') {
            Some(pointer) => self.pointed(pointer),
            None => self.top_level(name),
        }
    }

    fn top_level(&self, name: &str) -> Option<Claim<'a>> {
        let place = NAMES.iter().position(|known| *known == name);
        match place.and_then(|place| self.named.get(place)) {
            Some(Some(Member::Text(text))) => Some(Claim::Text(text)),
            Some(Some(Member::Other(value))) => Claim::of(&value.0),
            Some(None) => None,
            None => self.others.0.get(name).and_then(Claim::of),
        }
    }

    fn pointed(&self, pointer: &str) -> Option<Claim<'a>> {
        let len = pointer.find('/').unwrap_or(pointer.len());
        let (first, rest) = pointer.split_at_checked(len)?;
        match self.top_level(&first.replace("~1", "/").replace("~0", "~"))? {
            Claim::Text(text) => rest.is_empty().then_some(Claim::Text(text)),
            Claim::Other(value) => value.pointer(rest).and_then(Claim::of),
        }
    }
}

impl<'a> Claim<'a> {
    fn of(value: &'a Value) -> Option<Self> {
        match value {
            Value::Null => None,
            Value::String(text) => Some(Self::Text(text)),
            other => Some(Self::Other(other)),
        }
    }

    pub(super) const fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Other(_) => None,
        }
    }
}
