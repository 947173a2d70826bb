use serde::Serialize;

use crate::jose::Wiped;

/// An object that is written member by member, in one line.
pub(crate) struct ObjectWriter(Wiped<Vec<u8>>);

impl ObjectWriter {
    /// Reserves space for `capacity` bytes.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        let mut json = Wiped::new(Vec::with_capacity(capacity));
        json.push(b"{");
        Self(json)
    }

    /// Adds a string. The name needs no escape.
    pub(crate) fn text(&mut self, name: &'static str, value: &str) {
        self.comma();
        self.0.push(b"\"");
        self.0.push(name.as_bytes());
        self.0.push(b"\":");
        push_text(&mut self.0, value);
    }

    /// Adds any value whose serialization cannot fail, such as a structure of strings and numbers.
    pub(crate) fn value(&mut self, name: &str, value: &impl Serialize) {
        self.comma();
        push_text(&mut self.0, name);
        self.0.push(b":");
        let _ = serde_json::to_writer(&mut self.0, value);
    }

    /// The finished object.
    pub(crate) fn finish(mut self) -> Wiped<Vec<u8>> {
        self.0.push(b"}");
        self.0
    }

    fn comma(&mut self) {
        if self.0.len() > 1 {
            self.0.push(b",");
        }
    }
}

/// Appends a string. `serde_json` looks at each byte; a request consists of strings that need no
/// escape (RFC 8259 §7), which are found faster in bulk.
fn push_text(json: &mut Wiped<Vec<u8>>, text: &str) {
    let is_plain = |byte| (byte >= 0x20) & (byte != b'"') & (byte != b'\\');
    if text.bytes().fold(true, |all, byte| all & is_plain(byte)) {
        json.push(b"\"");
        json.push(text.as_bytes());
        json.push(b"\"");
    } else {
        let _ = serde_json::to_writer(json, text);
    }
}

/// The value as single-line JSON. Only for values whose serialization cannot fail, such as
/// structures of strings and numbers.
pub(crate) fn to_bytes(value: &impl Serialize) -> Wiped<Vec<u8>> {
    let mut json = Wiped::new(Vec::with_capacity(256));
    let _ = serde_json::to_writer(&mut json, value);
    json
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_empty_object_has_no_member() {
        assert_eq!(ObjectWriter::with_capacity(0).finish().as_slice(), b"{}");
    }

    #[test]
    fn a_value_is_written_as_serde_json_writes_it() {
        let long = json!(["a".repeat(200), "b".repeat(200), "c".repeat(2000)]);
        for value in [json!({"a": ["b\n", 1.5, null], "c": {"d": true}}), long] {
            assert_eq!(to_bytes(&value).as_slice(), value.to_string().into_bytes());
        }
    }

    proptest! {
        #[test]
        fn rfc8259_7_an_object_is_read_as_it_was_written(
            text in any::<String>(),
            name in "[ -~]*",
            control in "[\\x00-\\x40\\\\\"]*",
            number in any::<i64>(),
        ) {
            let mut object = ObjectWriter::with_capacity(0);
            object.text("text", &text);
            object.text("control", &control);
            object.value("number", &number);
            object.value(&format!("_{name}"), &[&text]);
            let read: Value = serde_json::from_slice(object.finish().as_slice()).unwrap();
            let mut expected = json!({"text": text, "control": control, "number": number});
            expected[format!("_{name}")] = json!([text]);
            prop_assert_eq!(read, expected);
        }
    }
}
