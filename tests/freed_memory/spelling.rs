//! The ways in which a text is spelled.

use std::fmt::Write as _;

/// A JSON string, spelled in each way that means the same.
pub(crate) fn json(text: &str) -> [String; 4] {
    let plain = serde_json::Value::from(text).to_string();
    let slashes = plain.replace('/', "\\/").replace('+', "\\u002B");
    let mut all = String::from("\"");
    text.encode_utf16().for_each(|unit| write!(all, "\\u{unit:04X}").unwrap());
    all.push('"');
    // As after something that is escaped itself.
    let late = format!("{}\\u{:04x}\"", &plain[..plain.len() - 1], u32::from(' '));
    [plain, slashes, all, late]
}

/// A value of a form, spelled in each way that means the same.
pub(crate) fn form(text: &str) -> [String; 3] {
    let plain: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let all = text.bytes().fold(String::new(), |mut all, byte| {
        write!(all, "%{byte:02x}").unwrap();
        all
    });
    // What makes a reader copy all of it, at the end.
    let late = format!("{plain}+%20");
    [plain, all, late]
}
