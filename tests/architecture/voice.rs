//! Comments, messages and documents are plain: short lines, and no turns that must be read twice.

use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit;

use super::{is_test, sources};

/// The longest line, in characters. Tables, addresses, single words and code in fences may be
/// longer.
const LONGEST: usize = 100;

/// Banned turns, and what to write instead.
const BANNED: [(&str, &str); 24] = [
    ("unless said otherwise", "by default"),
    ("unless told otherwise", "by default"),
    ("said otherwise", "by default"),
    ("whoever", "the caller, the server"),
    ("nobody", "no caller"),
    ("somebody", "a caller"),
    ("anybody", "any caller"),
    ("is had", "is obtained"),
    ("are had", "are obtained"),
    ("as of", "since"),
    ("at hand", "cached"),
    ("in hand", "cached"),
    ("what comes back", "the response"),
    ("of which", "whose"),
    ("of whom", "whose"),
    ("beside", "next to, besides, compared with"),
    ("so long", "as long, for this long"),
    ("is good for", "lasts"),
    ("came of", "resulted"),
    ("comes of", "results"),
    ("comes to nothing", "fails"),
    ("in so many words", "the words"),
    ("in the midst", "during"),
    ("without a word", "silently"),
];

/// Plain English that contains a banned turn.
const FINE: [&str; 2] = ["none of which", "each of which"];

/// Files with the documents of the project.
const DOCUMENTS: [&str; 9] = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "benches/README.md",
    "fuzz/README.md",
    "testdata/keys/README.md",
    "tests/interop/README.md",
    "src/guide",
];

/// The first banned turn in a text, with what to write instead.
fn banned(text: &str) -> Option<String> {
    let plain =
        |character: char| if character.is_alphanumeric() { character.to_ascii_lowercase() } else { ' ' };
    let words: String = text.chars().map(plain).collect();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = FINE.iter().fold(format!(" {words} "), |words, fine| words.replace(fine, ""));
    let turn = BANNED.iter().find(|(turn, _)| words.contains(&format!(" {turn} ")));
    turn.map(|(turn, instead)| format!("\"{turn}\": write \"{instead}\""))
}

/// The comment of a line: its text, and whether the line may be of any length.
fn comment(line: &str) -> Option<(&str, bool)> {
    let text = line.trim_start().strip_prefix("//")?.trim_start_matches(['/', '!']).trim();
    Some((text, text.starts_with('|') || text.contains("://") || !text.contains(' ')))
}

/// The comment after the code of a line.
fn trailing_comment(line: &str) -> &str {
    line.rsplit_once(" // ")
        .map_or("", |(code, text)| if code.matches('"').count() % 2 == 0 { text } else { "" })
}

/// Lists the faults of a text by line. `text_of` takes a line apart: its text, and whether it may
/// be of any length; `None` for a line that ends a text. A turn may be spread over two lines.
fn faults_in<'t>(text: &'t str, text_of: impl Fn(&'t str) -> Option<(&'t str, bool)>) -> Vec<String> {
    let mut faults = Vec::new();
    let (mut before, mut is_code) = (String::new(), false);
    for (number, line) in (1..).zip(text.lines()) {
        let Some((text, may_be_long)) = text_of(line) else {
            (before, is_code) = (String::new(), false);
            continue;
        };
        if text.starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            if !may_be_long && line.chars().count() > LONGEST {
                faults.push(format!("{number}: more than {LONGEST} characters"));
            }
            // Code between backquotes is no prose.
            let prose = format!("{before} {text}");
            let prose: String = prose.split('`').step_by(2).collect::<Vec<_>>().join(" x ");
            if let Some(fault) = banned(&prose).filter(|_| banned(&before).is_none()) {
                faults.push(format!("{number}: {fault}"));
            }
            before = text.to_owned();
            continue;
        }
        before.clear();
    }
    faults
}

/// Lists the faults in the comments of a source.
fn faults(source: &str) -> Vec<String> {
    let mut faults = faults_in(source, comment);
    for (number, line) in (1..).zip(source.lines()).filter(|(_, line)| comment(line).is_none()) {
        faults.extend(banned(trailing_comment(line)).map(|fault| format!("{number}: {fault}")));
    }
    faults
}

/// Lists the faults of a document.
fn faults_of_document(text: &str) -> Vec<String> {
    faults_in(text, |line| Some((line.trim(), true)))
}

/// The string literals of a source outside of its tests: messages, and whatever else is text.
#[derive(Default)]
struct Texts(Vec<String>);

impl Texts {
    fn of(source: &str) -> Vec<String> {
        let mut texts = Self::default();
        texts.visit_file(&syn::parse_file(source).expect("a Rust file"));
        texts.0
    }

    /// Those in a macro or an attribute, such as `#[error("…")]`.
    fn within(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.within(group.stream()),
                TokenTree::Literal(literal) => {
                    if let syn::Lit::Str(text) = syn::Lit::new(literal) {
                        self.0.push(text.value());
                    }
                }
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Texts {
    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        // A `doc` attribute is a comment.
        if !attribute.path().is_ident("doc") {
            syn::visit::visit_attribute(self, attribute);
        }
    }

    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        self.within(list.tokens.clone());
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.within(item.tokens.clone());
    }

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.0.push(text.value());
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            syn::visit::visit_item_mod(self, item);
        }
    }
}

/// The sources of these folders, each with its text. A distribution of the crate has no `fuzz`.
fn texts(folders: &[&str]) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for folder in folders.iter().filter(|folder| Path::new(folder).exists()) {
        sources(Path::new(folder), &mut files);
    }
    let read = |file: &Path| (file.display().to_string(), std::fs::read_to_string(file).unwrap());
    files.iter().map(|file| read(file)).collect()
}

#[track_caller]
fn assert_plain(found: &[String]) {
    assert!(found.is_empty(), "{} texts to rewrite:\n{}", found.len(), found.join("\n"));
}

#[test]
fn comments_are_short_and_plain() {
    let files = texts(&["src", "tests", "benches", "fuzz", "examples"]);
    assert!(files.len() > 400, "{}", files.len());
    let mut found = Vec::new();
    for (file, source) in files {
        found.extend(faults(&source).into_iter().map(|fault| format!("{file}:{fault}")));
    }
    assert_plain(&found);
}

#[test]
fn messages_are_plain() {
    let mut found = Vec::new();
    for (file, source) in texts(&["src"]) {
        // Files that are part of tests only.
        if file.ends_with("tests.rs") || file.contains("/tests/") {
            continue;
        }
        for text in Texts::of(&source) {
            found.extend(banned(&text).map(|fault| format!("{file}: {fault} in {text:?}")));
        }
    }
    assert_plain(&found);
}

#[test]
fn names_of_tests_are_plain() {
    let mut found = Vec::new();
    for (file, source) in texts(&["tests"]) {
        let names = source.split("fn ").skip(1).filter_map(|rest| rest.split('(').next());
        for name in names.filter(|name| name.contains('_')) {
            found.extend(banned(name).map(|fault| format!("{file}: {fault} in {name}")));
        }
    }
    assert_plain(&found);
}

#[test]
fn documents_are_plain() {
    let mut files = Vec::new();
    for document in DOCUMENTS.map(Path::new).iter().filter(|document| document.exists()) {
        if document.is_dir() {
            let entries = std::fs::read_dir(document).unwrap().map(|entry| entry.unwrap().path());
            files.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
        } else {
            files.push(document.to_path_buf());
        }
    }
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let faults = faults_of_document(&text).into_iter();
        found.extend(faults.map(|fault| format!("{}:{fault}", file.display())));
    }
    assert_plain(&found);
}

#[test]
fn the_check_sees_a_fault() {
    let caller = "\"whoever\": write \"the caller, the server\"";
    assert_eq!(faults("/// Sent by whoever calls it.\nfn f() {}"), [format!("1: {caller}")]);
    assert_eq!(faults("fn f() {} // for whoever"), [format!("1: {caller}")]);
    assert_eq!(
        faults("    // Ten seconds unless\n    // said otherwise."),
        ["2: \"unless said otherwise\": write \"by default\""]
    );
    assert_eq!(faults("//! As of 2026-11."), ["1: \"as of\": write \"since\""]);
    let long = "x ".repeat(60);
    assert_eq!(faults(&format!("// {long}x")), ["1: more than 100 characters"]);
    for fine in [
        format!("/// | {long}x |"),
        format!("/// ```\n/// {long}x nobody\n/// ```"),
        "// Has offered it.".to_owned(),
        "// Files, none of which is read.".to_owned(),
        "// The user `nobody`.".to_owned(),
        "let nobody = 1;".to_owned(),
    ] {
        assert_eq!(faults(&fine), [""; 0], "{fine}");
    }
    assert_eq!(faults_of_document(&format!("{long}\n\nSent by\nwhoever.")), [format!("4: {caller}")]);
    assert_eq!(faults_of_document("```sh\necho nobody\n```\n`nobody`"), [""; 0]);
    let source = "#[error(\"a {0}\")] struct A; fn f() { event!(WARN, x = \"b\", { \"c\" }); g(\"d\"); }
        /// e\n#[doc = \"f\"] struct B; #[cfg(test)] mod tests { const G: &str = \"g\"; }";
    assert_eq!(Texts::of(source), ["a {0}", "b", "c", "d"]);
}
