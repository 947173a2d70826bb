//! The pages for a browser: a form with two buttons, or one line of text. They load nothing from
//! elsewhere.

use http::Method;

use super::answer::SCRIPT;
use super::form::Parameters;
use super::grant::is_printable_ascii;
use super::refused::Refused;
use crate::jose::error::excerpt;

/// The user, if the form names no other.
pub(super) const DEFAULT_SUBJECT: &str = "user-1";

/// The user's decision.
#[derive(Clone)]
pub(super) enum Decision {
    Approved { subject: String },
    Denied,
}

impl Decision {
    /// Reads a page's form: `decision` and, optionally, `subject`.
    fn of(parameters: &Parameters<'_>) -> Result<Self, Refused> {
        match parameters.required("decision")? {
            "approve" => {
                let subject = parameters.value("subject").unwrap_or(DEFAULT_SUBJECT);
                if subject.len() > 255 || !is_printable_ascii(subject) {
                    let description = "the subject must be at most 255 characters of printable ASCII";
                    return Err(Refused::invalid_request(description));
                }
                Ok(Self::Approved { subject: subject.to_owned() })
            }
            "deny" => Ok(Self::Denied),
            other => {
                let description =
                    format!("the decision is `{}`, expected `approve` or `deny`", excerpt(other));
                Err(Refused::invalid_request(&description))
            }
        }
    }

    /// Reads the parameters of a page. GET shows the page. POST does too, unless it carries a
    /// decision.
    pub(super) fn asked(request: &http::Request<Vec<u8>>) -> Result<(Parameters<'_>, Option<Self>), Refused> {
        match *request.method() {
            Method::GET | Method::HEAD => Ok((Parameters::of_query(request)?, None)),
            Method::POST => {
                let parameters = Parameters::of_form(request)?;
                let decision = parameters.value("decision").map(|_| Self::of(&parameters)).transpose()?;
                Ok((parameters, decision))
            }
            ref other => Err(Refused::method_not_allowed(other, "GET, POST")),
        }
    }

    /// The decision, for the log.
    pub(super) fn note(&self) -> String {
        match self {
            Self::Approved { subject } => format!("approved sub=\"{subject}\""),
            Self::Denied => "denied".to_owned(),
        }
    }
}

/// A page of one line.
pub(super) fn message(text: &str) -> String {
    page(&format!("<p>{}</p>", escape(text)))
}

/// A page that asks for a user code.
pub(super) fn ask_for_code(text: &str) -> String {
    let text = escape(text);
    page(&format!(
        "<p>{text}</p>\n<form>\n<p><label>Code <input name=\"user_code\" autofocus></label></p>\n\
         <p><button>Continue</button></p>\n</form>"
    ))
}

/// A page that asks whether to approve a client. The form posts these pairs to a path of this
/// server.
pub(super) fn ask_for_decision<'a>(
    client_id: &str,
    scope: Option<&str>,
    path: &str,
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let hidden = hidden(pairs);
    page(&format!(
        "<p>The client <b>{client}</b> asks for <b>{scope}</b>.</p>\n<form method=\"post\" action=\"{path}\">\n\
         {hidden}<p><label>User <input name=\"subject\" value=\"{subject}\"></label></p>\n\
         <p><button name=\"decision\" value=\"approve\">Approve</button>\n\
         <button name=\"decision\" value=\"deny\">Deny</button></p>\n</form>",
        client = escape(client_id),
        scope = escape(scope.unwrap_or("no particular scope")),
        path = escape(path),
        subject = escape(DEFAULT_SUBJECT),
    ))
}

/// A page that posts these pairs to another address at once. In a browser without scripts, the user
/// presses a button.
pub(super) fn post_itself<'a>(address: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    page(&format!(
        "<form method=\"post\" action=\"{}\">\n{}<p><button>Continue</button></p>\n</form>\n\
         <script>{SCRIPT}</script>",
        escape(address),
        hidden(pairs)
    ))
}

fn hidden<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let input = |(name, value)| {
        format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">\n", escape(name), escape(value))
    };
    pairs.into_iter().map(input).collect()
}

fn page(body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Dev server</title></head>\n\
         <body>\n<h1>Dev server</h1>\n{body}\n</body>\n</html>\n"
    )
}

/// Escapes text for the body of a page and for a quoted attribute value.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_a_page_is_text() {
        let hostile = "\"><script>alert('1')</script>&";
        let escaped = "&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;";
        for page in [
            message(hostile),
            ask_for_code(hostile),
            ask_for_decision(hostile, None, "/x", []),
            ask_for_decision("c", Some(hostile), "/x", []),
            ask_for_decision("c", None, hostile, []),
            ask_for_decision("c", None, "/x", [(hostile, "v")]),
            ask_for_decision("c", None, "/x", [("n", hostile)]),
            post_itself(hostile, []),
            post_itself("/x", [(hostile, "v")]),
            post_itself("/x", [("n", hostile)]),
        ] {
            let page = page.replace(&format!("<script>{SCRIPT}</script>"), "");
            assert!(page.contains(escaped) && !page.contains("<script"), "{page}");
        }
    }
}
