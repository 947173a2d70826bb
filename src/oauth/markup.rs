//! The text of an HTML page or of XML, as sent by a gateway, a firewall or a servlet container.

use zeroize::Zeroizing;

/// The text, preceded by the title unless the text begins with it. Entities are decoded.
pub(super) fn text(markup: &str) -> Zeroizing<String> {
    // Reserve the full capacity: a buffer that grows leaves copies behind. Nothing is longer
    // decoded than as written, except that a tag becomes a space.
    let room = || Zeroizing::new(String::with_capacity(markup.len()));
    let (mut title, mut body) = (room(), room());
    let lower = Zeroizing::new(markup.to_ascii_lowercase());
    let mut is_title = false;
    let mut at = 0;
    while let Some(rest) = markup.get(at..).filter(|rest| !rest.is_empty()) {
        let lower = lower.get(at..).unwrap_or_default();
        let len = if let Some(inner) = rest.strip_prefix("<![CDATA[") {
            let inner = inner.split("]]>").next().unwrap_or_default();
            body.push_str(inner);
            "<![CDATA[]]>".len() + inner.len()
        } else if rest.starts_with("<!--") {
            end(lower, "-->")
        } else if let Some(close) = skipped(lower) {
            end(lower, close)
        } else if rest.starts_with('<') {
            is_title = match () {
                () if is_tag(lower, "<title") => true,
                () if lower.starts_with("</title") => false,
                () => is_title,
            };
            body.push(' ');
            end(lower, ">")
        } else {
            let run = rest.split('<').next().unwrap_or_default();
            let text = if is_title { &mut title } else { &mut body };
            push_unescaped(text, run);
            run.len()
        };
        at += len.max(1);
    }
    let (title, body) = (words(&title), words(&body));
    match (title.is_empty(), body.is_empty()) {
        (false, false) if !body.starts_with(title.as_str()) => {
            Zeroizing::new([title.as_str(), ": ", &body].concat())
        }
        (false, true) => title,
        _ => body,
    }
}

/// The end mark of an element that is not shown, if one begins here.
fn skipped(lower: &str) -> Option<&'static str> {
    [("<script", "</script>"), ("<style", "</style>"), ("<svg", "</svg>")]
        .into_iter()
        .find_map(|(open, close)| is_tag(lower, open).then_some(close))
}

fn is_tag(lower: &str, open: &str) -> bool {
    let after = lower.strip_prefix(open).map(|rest| rest.chars().next());
    after.is_some_and(|next| next.is_none_or(|next| !next.is_ascii_alphanumeric()))
}

/// The index after `close`, or the end of the text if it is missing.
fn end(text: &str, close: &str) -> usize {
    text.find(close).map_or(text.len(), |at| at + close.len())
}

/// The words of a text, separated by single spaces.
pub(super) fn words(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn push_unescaped(text: &mut String, run: &str) {
    let mut rest = run;
    while let Some((before, after)) = rest.split_once('&') {
        text.push_str(before);
        // The longest name is short. The limit keeps a run of ampersands from being searched
        // repeatedly.
        let end = after.bytes().take(9).position(|byte| byte == b';');
        let entity = end.and_then(|end| {
            let (name, after) = after.split_at_checked(end)?;
            Some((entity(name)?, after.strip_prefix(';')?))
        });
        match entity {
            Some((character, after)) => {
                text.push(character);
                rest = after;
            }
            None => {
                text.push('&');
                rest = after;
            }
        }
    }
    text.push_str(rest);
}

/// The character of an entity, by its name without `&` and `;`.
pub(super) fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "plus" => '+',
        "sol" => '/',
        "bsol" => '\\',
        "equals" => '=',
        "lowbar" => '_',
        "hyphen" | "dash" => '-',
        "period" => '.',
        "percnt" => '%',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn a_page_says_its_title_and_its_text() {
        for (markup, expected) in [
            (
                "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center>\
                 <hr><center>nginx</center></body></html>",
                "502 Bad Gateway nginx",
            ),
            (
                "<!doctype html><HTML><TITLE>Error</TITLE><style>p { color: red }</style><script>if (a<b) x()</script>\
                 <p>Bad\n client &quot;a&quot; &amp; &#39;b&#x27; &lt;c&gt;&nbsp;&bogus; &#xd800; R&D</p><!-- <p>x --></HTML>",
                "Error: Bad client \"a\" & 'b' <c> &bogus; &#xd800; R&D",
            ),
            (
                "<?xml version=\"1.0\"?><ErrorResponse><Error><Code>AccessDenied</Code><Message><![CDATA[no <key>]]></Message>\
                 </Error></ErrorResponse>",
                "AccessDenied no <key>",
            ),
            ("<title>only a title</title>", "only a title"),
            ("<titles>no title</titles>", "no title"),
            ("<p>never closed <b", "never closed"),
            ("<script>never closed", ""),
            ("<!-- never closed", ""),
            ("<![CDATA[never closed", "never closed"),
            ("<", ""),
            ("<html></html>", ""),
        ] {
            assert_eq!(*text(markup), expected, "{markup}");
        }
    }

    #[test]
    fn a_page_of_any_characters_is_read_in_one_pass() {
        assert_eq!(*text("<p>\u{e9}\u{1f600}&\u{e9};</p>\u{e9}"), "\u{e9}\u{1f600}&\u{e9}; \u{e9}");
        for piece in ["<", "<!--", "<![CDATA[", "<script", "&", "<title>", "</"] {
            assert!(text(&piece.repeat(100_000)).len() <= piece.len() * 100_000, "{piece}");
        }
    }
}
