//! JSON of `serde_json` that is kept and may be secret.

use std::io;

use serde::Serialize;
use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

/// Members whose names and strings are wiped on drop: a response that echoes a secret may have it
/// in place of a name.
#[derive(Default)]
pub(crate) struct WipedMembers(pub(crate) Map<String, Value>);

impl Drop for WipedMembers {
    fn drop(&mut self) {
        wipe_members(&mut self.0);
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
        Value::Object(members) => wipe_members(members),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn wipe_members(members: &mut Map<String, Value>) {
    for (mut name, mut value) in std::mem::take(members) {
        name.zeroize();
        wipe(&mut value);
    }
}

/// JSON that grows without leaving copies behind.
struct Growing(Zeroizing<Vec<u8>>);

impl Growing {
    #[cold]
    fn grow(&mut self, more: usize) {
        let len = self.0.len().saturating_add(more);
        let mut larger = Zeroizing::new(Vec::with_capacity(len.max(2 * self.0.capacity())));
        larger.extend_from_slice(&self.0);
        self.0 = larger;
    }
}

impl io::Write for Growing {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.write_all(piece).map(|()| piece.len())
    }

    #[inline]
    fn write_all(&mut self, piece: &[u8]) -> io::Result<()> {
        if self.0.capacity() - self.0.len() < piece.len() {
            self.grow(piece.len());
        }
        self.0.extend_from_slice(piece);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The value as single-line JSON. Only for values whose serialization cannot fail, such as
/// structures of strings and numbers.
pub(crate) fn to_bytes(value: &impl Serialize) -> Zeroizing<Vec<u8>> {
    let mut json = Growing(Zeroizing::new(Vec::with_capacity(256)));
    let _ = serde_json::to_writer(&mut json, value);
    json.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wiping_reaches_every_string() {
        let mut value = serde_json::json!({"a": "secret", "b": ["secret", {"c": "secret"}], "d": 1});
        wipe(&mut value);
        assert_eq!(value, serde_json::json!({}));
        let mut value = serde_json::json!(["secret", ["secret"]]);
        wipe(&mut value);
        assert_eq!(value, serde_json::json!(["", [""]]));
    }

    #[test]
    fn a_value_is_written_as_serde_json_writes_it() {
        let value = serde_json::json!({"a": ["b\n", 1.5, null], "c": {"d": true}});
        assert_eq!(*to_bytes(&value), value.to_string().into_bytes());
        let long = serde_json::json!(["a".repeat(200), "b".repeat(200), "c".repeat(2000)]);
        assert_eq!(*to_bytes(&long), long.to_string().into_bytes());
    }
}
