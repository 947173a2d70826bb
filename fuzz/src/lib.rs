//! What the fuzz targets share, above all the checks that hold for every input of every target.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use base64ct::{Base64UrlUnpadded, Encoding};
use private_key_jwt::{AuthorizationServer, PrivateKey};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use time::OffsetDateTime;

/// The passphrase of the encrypted keys in `testdata/keys`.
pub const PASSPHRASE: &str = "correct horse";

/// The issuer of every target.
pub const ISSUER: &str = "https://as.example/tenant";

/// The time in every target. Nothing depends on the real time.
pub fn now() -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(NOW)
}

/// [`now`] in seconds.
pub const NOW: i64 = 1_800_000_000;

/// The authorization server of every target.
pub static SERVER: LazyLock<AuthorizationServer> =
    LazyLock::new(|| AuthorizationServer::new(ISSUER, format!("{ISSUER}/token")).unwrap());

/// The key that signs by default.
pub static ED25519: LazyLock<PrivateKey> =
    LazyLock::new(|| key(include_bytes!("../../testdata/keys/ed25519.pkcs8.pem")));

/// The key that signs under `"alg":"ES256"`.
pub static P256: LazyLock<PrivateKey> =
    LazyLock::new(|| key(include_bytes!("../../testdata/keys/p256.pkcs8.pem")));

fn key(file: &[u8]) -> PrivateKey {
    PrivateKey::from_bytes(file).unwrap()
}

/// Whether a character controls a terminal, ends a line, or is invisible.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Asserts that a text is one printable line of at most a page.
#[track_caller]
pub fn check_line(text: &str) {
    assert!(!text.contains(is_hidden), "hidden characters in {text:?}");
    assert!(text.chars().count() <= 8192, "{} characters: {text}", text.chars().count());
}

/// Asserts that an error and its sources are each fit for a log.
#[track_caller]
pub fn check_error(error: &(dyn Error + 'static)) {
    let mut next = Some(error);
    while let Some(error) = next {
        check_line(&error.to_string());
        // `Debug` shows the same facts. It must not panic, and it must be bounded too.
        assert!(format!("{error:?}").len() <= 1 << 16, "a Debug of more than 64 KiB");
        next = error.source();
    }
}

/// Like [`check_error`]. Returns the value of a result that is not an error.
#[track_caller]
pub fn checked<T, E: Error + 'static>(result: Result<T, E>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            check_error(&error);
            None
        }
    }
}

/// An error in every form in which a log could show it.
pub fn texts_of(error: &(dyn Error + 'static)) -> String {
    let mut texts = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        texts.push_str(&format!("{error}\n{error:?}\n{error:#?}\n"));
        next = error.source();
    }
    texts
}

/// The header and the claims of an input, separated by a line feed, as a signed JWT. [`P256`] signs
/// if the header has `"alg":"ES256"`, otherwise [`ED25519`].
pub fn signed(input: &[u8]) -> Jwt<'_> {
    let (header, claims) = match input.iter().position(|byte| *byte == b'\n') {
        Some(place) => (&input[..place], &input[place + 1..]),
        None => (&b"{\"alg\":\"EdDSA\"}"[..], input),
    };
    let signing_input =
        format!("{}.{}", Base64UrlUnpadded::encode_string(header), Base64UrlUnpadded::encode_string(claims));
    let es256 = b"\"ES256\"";
    let key = if header.windows(es256.len()).any(|window| window == es256) { &*P256 } else { &*ED25519 };
    let signature = key.sign(signing_input.as_bytes()).unwrap();
    let token = format!("{signing_input}.{}", Base64UrlUnpadded::encode_string(signature.as_bytes()));
    Jwt { token, header, claims }
}

/// See [`signed`].
pub struct Jwt<'a> {
    pub token: String,
    pub header: &'a [u8],
    pub claims: &'a [u8],
}

/// A JSON object without repeated members, as another parser reads it.
#[track_caller]
pub fn object(json: &[u8]) -> BTreeMap<String, Json> {
    let mut object = BTreeMap::new();
    for (name, value) in members(json) {
        assert!(!object.contains_key(&name), "{name:?} is there twice");
        object.insert(name, value);
    }
    object
}

/// The members of an object, sorted by their names, repeated ones included.
#[track_caller]
pub fn members(json: &[u8]) -> Vec<(String, Json)> {
    match serde_json::from_slice(json).expect("JSON") {
        Json::Object(members) => members,
        other => panic!("no object: {other:?}"),
    }
}

/// A JSON value without special member names. `serde_json::Value` takes some objects for numbers or
/// for raw text.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

impl From<&Value> for Json {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.as_f64().unwrap()),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(elements) => Self::Array(elements.iter().map(Self::from).collect()),
            Value::Object(members) => Self::Object(members_of(members).into_iter().collect()),
        }
    }
}

/// The members of one of the crate's objects.
pub fn members_of(object: &serde_json::Map<String, Value>) -> BTreeMap<String, Json> {
    object.iter().map(|(name, value)| (name.clone(), value.into())).collect()
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Json, A::Error> {
        let mut all = Vec::new();
        while let Some(element) = elements.next_element()? {
            all.push(element);
        }
        Ok(Json::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut all = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            all.push(entry);
        }
        all.sort_by(|(one, _): &(String, Json), (other, _)| one.cmp(other));
        Ok(Json::Object(all))
    }
}

/// A `typ`, normalised as RFC 7515 §4.1.9 compares it.
pub fn media_type(typ: &Json) -> String {
    let typ = typ.text().expect("a typ that is text").to_ascii_lowercase();
    typ.strip_prefix("application/").map(str::to_owned).unwrap_or(typ)
}

/// The value that the first letter of a line selects; without a letter, the first value.
pub fn choice<T: Copy>(of: &[T], line: Option<&[u8]>, place: usize) -> T {
    let letter = line.and_then(|line| line.get(place)).map_or(0, |byte| byte.wrapping_sub(b'a'));
    of[usize::from(letter) % of.len()]
}

/// Runs a future that never waits.
pub fn run<F: Future>(future: F) -> F::Output {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits"),
    }
}
