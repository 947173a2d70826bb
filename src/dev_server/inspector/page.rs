//! The page: one document with its style and its script. It loads nothing, and runs nothing else.

use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use crate::dev_server::page::escape;
use crate::jose::base64url;

const HTML: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The document, with the URLs of the server and what it stands in for.
pub(super) fn html(issuer: &str, token_endpoint: &str, title: Option<&str>) -> String {
    let rules = title.map_or_else(|| "its own rules".to_owned(), |title| format!("the rules of {title}"));
    let texts = [
        ("{style}", STYLE.to_owned()),
        ("{script}", SCRIPT.to_owned()),
        ("{issuer}", escape(issuer)),
        ("{token_endpoint}", escape(token_endpoint)),
        ("{rules}", escape(&rules)),
    ];
    texts.iter().fold(HTML.to_owned(), |html, (name, text)| html.replace(name, text))
}

/// The `Content-Security-Policy`: only this style and this script, and requests to this server.
/// The script cannot turn text into markup.
pub(super) fn policy() -> &'static str {
    static POLICY: OnceLock<String> = OnceLock::new();
    POLICY.get_or_init(|| {
        let hash = |text: &str| base64url::encode_standard(Sha256::digest(text));
        format!(
            "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; img-src data:; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
             trusted-types 'none'",
            hash(SCRIPT),
            hash(STYLE)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_its_style_and_script_and_nothing_that_runs_besides() {
        let html = html("http://127.0.0.1/<issuer>", "{script}", Some("<b>"));
        assert!(html.contains("http://127.0.0.1/&lt;issuer&gt;") && html.contains("the rules of &lt;b&gt;"));
        assert!(html.contains(&format!("<style>{STYLE}</style>")));
        assert!(html.contains(&format!("<script>{SCRIPT}</script>")));
        assert_eq!((html.matches("<script").count(), html.matches("<style").count()), (1, 1));
        let lower = html.replace(SCRIPT, "").to_ascii_lowercase();
        for handler in ["onclick", "onload", "onerror", "onsubmit", "javascript:", "http-equiv", "src="] {
            assert!(!lower.contains(handler), "{handler}");
        }
        // They would break out of the elements.
        assert!(!SCRIPT.contains("</") && !STYLE.contains("</"));
        for markup in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("]
        {
            assert!(!SCRIPT.contains(markup), "{markup}");
        }
    }
}
