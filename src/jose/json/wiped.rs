//! JSON of `serde_json` that is kept and may be secret.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

use crate::jose::text::push_str;

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
    /// Grows without leaving copies behind.
    struct Growing(Zeroizing<String>);

    impl std::fmt::Write for Growing {
        fn write_str(&mut self, piece: &str) -> std::fmt::Result {
            push_str(&mut self.0, piece);
            Ok(())
        }
    }

    let mut text = Growing(Zeroizing::default());
    // Writing to memory cannot fail.
    let _ = write!(text, "{value}");
    text.0
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
        assert_eq!(*to_text(&value), value.to_string());
    }
}
