//! The ways to the guides: every page is linked wherever jobs are listed, and every module opens
//! with what it is for.

use std::collections::BTreeSet;
use std::path::Path;

/// A text that lists the jobs, and its link to a page.
type List = (&'static str, fn(&str) -> String);

const LISTS: [List; 4] = [
    ("README.md", |page| format!("[{}]: src/guide/{page}.md", reference(page))),
    ("src/guide/links.md", |page| format!("[{}]: crate::guide::{page}", reference(page))),
    ("src/guide/how_do_i.md", |page| format!("][{}]", reference(page))),
    ("src/guide/mod.rs", |page| format!("| [`{page}`] |")),
];
/// Texts in the same folder that are no pages.
const NO_PAGES: [&str; 2] = ["links", "how_do_i"];

fn reference(page: &str) -> String {
    page.replace('_', "-")
}

fn text(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

fn pages() -> BTreeSet<String> {
    let folder = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/guide")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
        .filter(|name| !NO_PAGES.contains(&name.as_str()))
        .collect()
}

#[test]
fn every_list_of_jobs_links_to_every_guide() {
    let pages = pages();
    assert!(pages.len() >= 12, "{pages:?}");
    for (file, link) in LISTS {
        let text = text(file);
        let missing: Vec<&String> = pages.iter().filter(|page| !text.contains(&link(page))).collect();
        assert!(missing.is_empty(), "{file} does not link to {missing:?}");
    }
    let readme = text("README.md");
    for page in &pages {
        assert!(readme.contains(&format!("][{}]", reference(page))), "the README's table lacks {page}");
    }
}

/// The table of the floors is in CONTRIBUTING.md.
#[test]
fn a_module_opens_with_what_it_is_for() {
    let contributing = text("CONTRIBUTING.md");
    for (module, floor) in super::FLOORS {
        let row = format!("| {floor} | `{module}` |");
        assert!(contributing.contains(&row), "CONTRIBUTING.md has no row `{row}`");
        let text = text(&format!("src/{module}/mod.rs"));
        let opening: String = text.lines().take_while(|line| line.starts_with("//! ")).collect();
        assert!(opening.len() > 40 && !opening.to_lowercase().contains("floor"), "{module}: {opening}");
    }
}
