//! Comments of the library and the program have short lines, and no turns that must be read twice.

use std::path::Path;

use super::sources;

/// The longest line, in characters. Tables, addresses, single words and code in fences may be
/// longer.
const LONGEST: usize = 100;

/// Banned turns. The comments say what to write instead.
const BANNED: [&str; 13] = [
    "unless said otherwise", // By default,
    "unless told otherwise", // By default,
    "said otherwise",        // By default,
    "whoever",               // the caller, the server
    "nobody",                // no caller
    "somebody",              // a caller
    "anybody",               // any caller
    "is had",                // is obtained
    "are had",               // are obtained
    "as of",                 // since
    "at hand",               // cached, held
    "what comes back",       // the response
    "of whom",               // whose
];

/// The comment of a line: its text, and whether the line may be of any length.
fn comment(line: &str) -> Option<(&str, bool)> {
    let text = line.trim_start().strip_prefix("//")?.trim_start_matches(['/', '!']).trim();
    Some((text, text.starts_with('|') || text.contains("://") || !text.contains(' ')))
}

/// The first banned turn in a text.
fn banned(text: &str) -> Option<&'static str> {
    let plain =
        |character: char| if character.is_alphanumeric() { character.to_ascii_lowercase() } else { ' ' };
    let words: String = format!(" {text} ").chars().map(plain).collect();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    BANNED.into_iter().find(|turn| format!(" {words} ").contains(&format!(" {turn} ")))
}

/// Lists the faults in the comments of a source, by line. A turn may be spread over two lines.
fn faults(source: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let (mut before, mut is_code) = (String::new(), false);
    for (number, line) in (1..).zip(source.lines()) {
        let Some((text, may_be_long)) = comment(line) else {
            (before, is_code) = (String::new(), false);
            continue;
        };
        if text.starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            if !may_be_long && line.chars().count() > LONGEST {
                faults.push(format!("{number}: more than {LONGEST} characters"));
            }
            let with_before = format!("{before} {text}");
            if let Some(turn) = banned(&with_before).filter(|_| banned(&before).is_none()) {
                faults.push(format!("{number}: \"{turn}\""));
            }
            before = text.to_owned();
            continue;
        }
        before.clear();
    }
    faults
}

#[test]
fn comments_are_short_and_plain() {
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    assert!(files.len() > 200, "{}", files.len());
    let mut found = Vec::new();
    for file in files {
        let source = std::fs::read_to_string(&file).unwrap();
        found.extend(faults(&source).into_iter().map(|fault| format!("{}:{fault}", file.display())));
    }
    assert!(found.is_empty(), "{} comments to be mended:\n{}", found.len(), found.join("\n"));
}

#[test]
fn the_check_sees_a_fault() {
    assert_eq!(faults("/// Sent by whoever calls it.\nfn f() {}"), ["1: \"whoever\""]);
    assert_eq!(faults("    // Ten seconds unless\n    // said otherwise."), ["2: \"unless said otherwise\""]);
    assert_eq!(faults("//! As of 2026-11."), ["1: \"as of\""]);
    let long = "x ".repeat(60);
    assert_eq!(faults(&format!("// {long}x")), ["1: more than 100 characters"]);
    for fine in [
        format!("/// | {long}x |"),
        format!("/// ```\n/// {long}x nobody\n/// ```"),
        "// Has offered it.".to_owned(),
        "let nobody = 1;".to_owned(),
    ] {
        assert_eq!(faults(&fine), [""; 0], "{fine}");
    }
}
