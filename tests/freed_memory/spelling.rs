//! The spellings of a text.

use std::fmt::Write as _;

/// A JSON string in each equivalent spelling.
pub(crate) fn json(text: &str) -> [String; 4] {
    let plain = serde_json::Value::from(text).to_string();
    let slashes = plain.replace('/', "\\/").replace('+', "\\u002B");
    let mut all = String::from("\"");
    text.encode_utf16().for_each(|unit| write!(all, "\\u{unit:04X}").unwrap());
    all.push('"');
    // Like a string inside an escaped string.
    let late = format!("{}\\u{:04x}\"", &plain[..plain.len() - 1], u32::from(' '));
    [plain, slashes, all, late]
}

/// A form value in each equivalent spelling.
pub(crate) fn form(text: &str) -> [String; 3] {
    let plain: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let all = text.bytes().fold(String::new(), |mut all, byte| {
        write!(all, "%{byte:02x}").unwrap();
        all
    });
    // Makes a reader copy the whole text, at its end.
    let late = format!("{plain}+%20");
    [plain, all, late]
}
