//! JSON of `serde_json` that is kept and may be secret.

use serde_json::Value;
use zeroize::Zeroize;

/// A value whose names and strings are wiped on drop: a response that echoes a secret may have it
/// in place of a name.
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
        Value::Object(members) => {
            for (mut name, mut value) in std::mem::take(members) {
                name.zeroize();
                wipe(&mut value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
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
}
