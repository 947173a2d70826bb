//! Extracts a server's own words from an error document of any format: RFC 9457, the platforms of
//! Google, Microsoft, AWS and PingOne, Okta, Apigee, Spring, JSON:API, and similar ones.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// The short name of an error, and a text for people.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) code: Option<Zeroizing<String>>,
    pub(super) message: Option<Zeroizing<String>>,
}

/// Names of members, compared without case, `_` and `-`, the most telling first.
const MESSAGES: [&str; 13] = [
    "errordescription",
    "errormessage",
    "errorsummary",
    "message",
    "msg",
    "detail",
    "faultstring",
    "description",
    "errortext",
    "errormsg",
    "errmsg",
    "reason",
    "title",
];
const CODES: [&str; 6] = ["error", "errorcode", "errcode", "code", "type", "status"];
/// Members whose text adds to that of another member.
const DETAILS: [&str; 2] = ["detail", "description"];
/// Members that may contain the remaining words.
const NESTED: [&str; 14] = [
    "error",
    "fault",
    "detail",
    "details",
    "errors",
    "errorcauses",
    "causes",
    "innererror",
    "exception",
    "response",
    "errordescription",
    "errormessages",
    "message",
    "messages",
];
/// Members that name what an error is about.
const TARGETS: [&str; 3] = ["target", "field", "param"];
/// How deep a document is searched, and how many causes are shown.
const DEPTH: u8 = 4;
const CAUSES: usize = 4;

impl Words {
    /// The words of a response. A code that only repeats its status is ignored.
    pub(super) fn of(status: u16, document: &Value) -> Self {
        let Said { code, message, mut causes } = Said::of(status, document, DEPTH);
        causes.retain(|cause| !message.as_ref().is_some_and(|message| message.contains(cause.as_str())));
        causes.dedup();
        causes.truncate(CAUSES);
        let causes: Vec<&str> = causes.iter().map(|cause| cause.as_str()).collect();
        let causes = Zeroizing::new(causes.join("; "));
        let message = match message {
            Some(message) if causes.is_empty() => Some(message),
            Some(message) => Some(concat(&[&message, " (", &causes, ")"])),
            None => Some(causes).filter(|causes| !causes.is_empty()),
        };
        Self { code: code.filter(|code| Some(code) != message.as_ref()), message }
    }

    pub(super) fn of_text(text: Zeroizing<String>) -> Self {
        Self { code: None, message: Some(text).filter(|text| !text.is_empty()) }
    }
}

#[derive(Default)]
struct Said {
    code: Option<Zeroizing<String>>,
    message: Option<Zeroizing<String>>,
    causes: Vec<Zeroizing<String>>,
}

impl Said {
    fn of(status: u16, value: &Value, depth: u8) -> Self {
        let Some(deeper) = depth.checked_sub(1) else { return Self::default() };
        match value {
            Value::String(text) => Self { message: filled(text), ..Self::default() },
            Value::Array(elements) => {
                let mut said = Self::default();
                elements.iter().take(CAUSES).for_each(|element| said.add(Self::of(status, element, deeper)));
                said
            }
            Value::Object(members) => Self::of_members(status, members, deeper),
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::default(),
        }
    }

    fn of_members(status: u16, members: &Map<String, Value>, deeper: u8) -> Self {
        let named = |wanted: &'static str| members.iter().filter(move |(name, _)| is_plainly(name, wanted));
        let text = |name: &'static str| named(name).find_map(|(_, value)| value.as_str().and_then(filled));
        let title = || text("title");
        let message = MESSAGES.into_iter().find_map(text);
        let causes = DETAILS.into_iter().filter_map(text).filter(|detail| Some(detail) != message.as_ref());
        let causes = causes.collect();
        let codes =
            CODES.into_iter().filter_map(|name| named(name).find_map(|(_, value)| code(status, name, value)));
        // Some servers write the text where the code belongs, and the code somewhere else.
        let (texts, codes): (Vec<_>, Vec<_>) = codes.partition(|code| code.contains(' '));
        let (code, sentence) = match (codes.into_iter().next(), texts.into_iter().next()) {
            (None, sentence) => (sentence, None),
            both => both,
        };
        let message = message.or(sentence);
        let code = code.or_else(|| title().filter(|title| Some(title) != message.as_ref()));
        let mut said = Self { code, message, causes };
        for name in NESTED {
            for (_, value) in named(name) {
                match value {
                    Value::Object(fields) if name == "errors" => {
                        said.add(Self::of_fields(status, fields, deeper))
                    }
                    Value::Object(_) | Value::Array(_) => said.add(Self::of(status, value, deeper)),
                    _ => {}
                }
            }
        }
        if let Some(target) = TARGETS.into_iter().find_map(text)
            && let Some(message) = said.message.take()
        {
            said.message = Some(concat(&[&target, ": ", &message]));
        }
        said
    }

    /// The problem of each field of a request, by the field's name.
    fn of_fields(status: u16, fields: &Map<String, Value>, deeper: u8) -> Self {
        let said = Self::of_members(status, fields, deeper);
        if said.message.is_some() || said.code.is_some() {
            return said;
        }
        let causes = fields.iter().filter_map(|(name, value)| {
            let message = Self::of(status, value, deeper).message?;
            Some(concat(&[name, ": ", &message]))
        });
        Self { causes: causes.take(CAUSES).collect(), ..Self::default() }
    }

    /// Adds what is still missing. A second message becomes a cause of the first.
    fn add(&mut self, other: Self) {
        self.code = self.code.take().or(other.code);
        match other.message {
            Some(message) if self.message.is_none() => self.message = Some(message),
            Some(message) => self.causes.push(message),
            None => {}
        }
        self.causes.extend(other.causes);
    }
}

/// A value that names an error. A status, a URL, or a word that appears in every error does not
/// count.
fn code(status: u16, name: &str, value: &Value) -> Option<Zeroizing<String>> {
    match value {
        Value::String(code) if name == "type" && code.contains([':', '/']) => None,
        Value::String(code) if matches!(code.as_str(), "error" | "fail" | "failure") && name != "error" => {
            None
        }
        Value::String(code)
            if code.parse() == Ok(status) || name == "status" && code.parse::<u16>().is_ok() =>
        {
            None
        }
        // AWS puts a namespace before some of these names.
        Value::String(code) if name == "type" => filled(code.rsplit('#').next().unwrap_or_default()),
        Value::String(code) => filled(code),
        Value::Number(code) if name != "status" && code.as_u64() != Some(status.into()) => {
            Some(code.to_string().into())
        }
        _ => None,
    }
}

fn filled(text: &str) -> Option<Zeroizing<String>> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(|text| Zeroizing::new(text.to_owned()))
}

/// Concatenates the texts in a buffer that does not grow: a growing buffer leaves copies behind.
fn concat(texts: &[&str]) -> Zeroizing<String> {
    Zeroizing::new(texts.concat())
}

/// Whether a name is this one, ignoring the differences between formats.
fn is_plainly(name: &str, wanted: &str) -> bool {
    let plain = name.bytes().filter(|byte| !matches!(byte, b'_' | b'-'));
    plain.map(|byte| byte.to_ascii_lowercase()).eq(wanted.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(document: &str) -> (Option<String>, Option<String>) {
        let Words { code, message } = Words::of(401, &serde_json::from_str(document).unwrap());
        [code, message].map(|text| text.map(|text| text.to_string())).into()
    }

    #[test]
    fn every_make_says_its_name_and_its_text() {
        for (make, document, code, message) in [
            (
                "RFC 9457",
                r#"{"type":"about:blank","title":"Unauthorized","status":401,"detail":"it has expired"}"#,
                Some("Unauthorized"),
                Some("it has expired"),
            ),
            ("RFC 9457, short", r#"{"title":"Unauthorized","status":401}"#, None, Some("Unauthorized")),
            (
                "Azure",
                r#"{"error":{"code":"AccessDenied","message":"wrong audience","innererror":{"code":"X"}}}"#,
                Some("AccessDenied"),
                Some("wrong audience"),
            ),
            (
                "Google",
                r#"{"error":{"code":401,"message":"no such key","status":"UNAUTHENTICATED"}}"#,
                Some("UNAUTHENTICATED"),
                Some("no such key"),
            ),
            (
                "Okta",
                r#"{"errorCode":"E0000011","errorSummary":"Invalid token","errorLink":"E0000011","errorId":"o1",
                    "errorCauses":[{"errorSummary":"it is too old"},{"errorSummary":"it is revoked"}]}"#,
                Some("E0000011"),
                Some("Invalid token (it is too old; it is revoked)"),
            ),
            (
                "Apigee's gateway",
                r#"{"fault":{"faultstring":"Invalid client","detail":{"errorcode":"oauth.v2.InvalidClient"}}}"#,
                Some("oauth.v2.InvalidClient"),
                Some("Invalid client"),
            ),
            (
                "Apigee",
                r#"{"ErrorCode":"invalid_client","Error":"ClientId is Invalid"}"#,
                Some("invalid_client"),
                Some("ClientId is Invalid"),
            ),
            ("texts in a list", r#"{"error":"e","error_description":["one","two"]}"#, Some("e"), {
                Some("one (two)")
            }),
            (
                "Atlassian",
                r#"{"errorMessages":["no such client"],"errors":{}}"#,
                None,
                Some("no such client"),
            ),
            ("WeChat", r#"{"errcode":40013,"errmsg":"invalid appid"}"#, Some("40013"), Some("invalid appid")),
            ("a code of words alone", r#"{"error":"Not Allowed","code":401}"#, Some("Not Allowed"), None),
            (
                "AWS",
                r#"{"__type":"com.example.api#NotAuthorizedException","message":"no such client"}"#,
                Some("NotAuthorizedException"),
                Some("no such client"),
            ),
            ("API Gateway", r#"{"Message":"Forbidden"}"#, None, Some("Forbidden")),
            (
                "PingOne",
                r#"{"id":"8f8d6f1e","code":"INVALID_DATA","message":"It failed.",
                    "details":[{"code":"INVALID_VALUE","target":"client_assertion","message":"must be a JWT"}]}"#,
                Some("INVALID_DATA"),
                Some("It failed. (client_assertion: must be a JWT)"),
            ),
            (
                "Spring Boot",
                r#"{"timestamp":"t","status":401,"error":"Unauthorized","message":"Bad credentials","path":"/t"}"#,
                Some("Unauthorized"),
                Some("Bad credentials"),
            ),
            (
                "JSON:API",
                r#"{"errors":[{"status":"401","code":"015-0008","title":"No","detail":"bad assertion"}]}"#,
                Some("015-0008"),
                Some("bad assertion"),
            ),
            ("ASP.NET", r#"{"title":"Invalid","status":401,"errors":{"scope":["is unknown","x"]}}"#, None, {
                Some("Invalid (scope: is unknown)")
            }),
            (
                "FastAPI",
                r#"{"detail":[{"loc":["body"],"msg":"field required","type":"missing"}]}"#,
                { Some("missing") },
                Some("field required"),
            ),
            (
                "WSO2",
                r#"{"fault":{"code":900901,"type":"Status report","message":"Failed","description":"No such client"}}"#,
                Some("900901"),
                Some("Failed (No such client)"),
            ),
            ("one text twice", r#"{"message":"No such client","description":"No such client"}"#, None, {
                Some("No such client")
            }),
            ("Django", r#"{"detail":"Invalid client."}"#, None, Some("Invalid client.")),
            (
                "nested",
                r#"{"error":{"error":"invalid_client","error_description":"why"}}"#,
                Some("invalid_client"),
                { Some("why") },
            ),
            (
                "a list",
                r#"[{"message":"expired","errorCode":"INVALID_SESSION_ID"}]"#,
                Some("INVALID_SESSION_ID"),
                { Some("expired") },
            ),
            ("a list of texts", r#"{"errors":["one","two"]}"#, None, Some("one (two)")),
            ("a text", r#""no""#, None, Some("no")),
            ("nothing", r#"{"x":{"message":"not looked for"},"message":"","error":null}"#, None, None),
            ("numbers", "[1,true,null]", None, None),
        ] {
            let found = words(document);
            assert_eq!((found.0.as_deref(), found.1.as_deref()), (code, message), "{make}");
        }
    }

    #[test]
    fn a_document_is_looked_into_so_far_and_no_further() {
        let nested = |depth: usize| {
            format!("{}{}{}", r#"{"error":"#.repeat(depth), r#"{"message":"m"}"#, "}".repeat(depth))
        };
        assert_eq!(words(&nested(3)).1.as_deref(), Some("m"));
        assert_eq!(words(&nested(4)).1, None);
        let many = format!(r#"{{"message":"m","errors":[{}"x"]}}"#, r#""c","#.repeat(3));
        assert_eq!(words(&many).1.as_deref(), Some("m (c; x)"));
    }
}
