//! JSON of `serde_json` that is kept and may be secret.

use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

use super::escapes;

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
    fn a_value_is_written_into_a_buffer_that_does_not_grow() {
        let value = serde_json::json!({"a": ["b\n", 1.5, null], "c": {"d": true}});
        let text = to_text(&value);
        assert_eq!(*text, value.to_string());
        assert_eq!(text.capacity(), text.len());
    }
}
