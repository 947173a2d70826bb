//! Enforces the floors of CONTRIBUTING.md: a module names only floors below its own, files of one
//! floor do not use each other in a circle, and the lower floors have no clock, no randomness and
//! no I/O.
//! Reads the sources with `syn`, without anything in `#[cfg(test)]`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod causes;
mod circles;
mod dependencies;
mod events;
mod guides;
mod no_backend;
mod voice;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::visit::Visit;

/// Top-level modules and their floors. Two modules of one floor do not know each other.
const FLOORS: [(&str, u8); 12] = [
    ("jose", 1),
    ("keys", 2),
    ("oauth", 3),
    ("verifier", 4),
    ("observer", 4),
    ("transport", 5),
    ("client", 6),
    ("server", 6),
    ("rotation", 6),
    ("dev_server", 7),
    ("doctor", 7),
    ("guide", 8),
];

/// What a floor must not name: pieces of paths, joined with `::`.
const CLOCK: [&str; 4] = ["now_utc", "now_local", "SystemTime::now", "Instant::now"];
const RANDOM: [&str; 4] = ["getrandom", "uuid", "rand", "rand_core"];
const FILES: [&str; 3] = ["std::fs", "std::env", "std::process"];
const SOCKETS: [&str; 5] = ["std::net", "tokio", "reqwest", "hyper", "hyper_util"];
/// Only this file uses the Redis client.
const REDIS: (&str, &str) = ("redis", "server/redis_replay.rs");

fn forbidden(file: &str, module: &str) -> Vec<&'static str> {
    let mut names: Vec<&str> = Vec::new();
    match module {
        "jose" | "oauth" | "verifier" | "observer" => {
            names.extend(CLOCK.iter().chain(&RANDOM).chain(&FILES).chain(&SOCKETS))
        }
        "keys" => {
            names.extend(CLOCK.iter().chain(&SOCKETS));
            // Only this file reads files: one key file.
            if file != "keys/key_source.rs" {
                names.extend(FILES);
            }
        }
        "transport" => names.extend(RANDOM.iter().chain(&FILES)),
        "client" | "server" => {
            names.extend(CLOCK.iter().chain(&FILES).chain(&SOCKETS));
            // A forked process needs random bytes of its own, and its process id reveals the fork.
            if file == "client/fresh.rs" {
                names.retain(|name| *name != "std::process");
            }
            // Its trait has reqwest's requests and responses in it. The caller sends them.
            if file == "client/bearer_middleware.rs" {
                names.retain(|name| *name != "reqwest");
            }
        }
        "doctor" => {
            names.extend(CLOCK.iter().chain(&RANDOM).chain(&SOCKETS));
            // Only these read files: the permissions of the key file, and a JWK Set.
            if !["doctor/key_source.rs", "doctor/published.rs"].contains(&file) {
                names.extend(FILES);
            }
        }
        _ => {}
    }
    let (redis, its_file) = REDIS;
    if file != its_file {
        names.push(redis);
    }
    names
}

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

/// Every path that a file names, as its segments.
#[derive(Default)]
struct Paths {
    found: Vec<Vec<String>>,
}

impl Paths {
    fn of(source: &str) -> Vec<Vec<String>> {
        let mut paths = Self::default();
        paths.visit_file(&syn::parse_file(source).expect("a Rust file"));
        paths.found
    }

    fn tree(&mut self, prefix: &[String], tree: &syn::UseTree) {
        let with = |name: String| [prefix, &[name]].concat();
        match tree {
            syn::UseTree::Path(path) => self.tree(&with(path.ident.to_string()), &path.tree),
            syn::UseTree::Name(name) => self.found.push(with(name.ident.to_string())),
            syn::UseTree::Rename(name) => self.found.push(with(name.ident.to_string())),
            syn::UseTree::Glob(_) => self.found.push(with("*".to_owned())),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(prefix, tree)),
        }
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            syn::visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) {
            syn::visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_test(&item.attrs) {
            self.tree(&[], &item.tree);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.found.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        // A macro contains only tokens: treat words joined by `::` as paths.
        let text = item.tokens.to_string().replace(" :: ", "::");
        let words = text.split(|character: char| !(character.is_alphanumeric() || "_:".contains(character)));
        for word in words.filter(|word| word.contains("::")) {
            self.found.push(word.split("::").map(str::to_owned).collect());
        }
        syn::visit::visit_macro(self, item);
    }
}

/// The module of a file, as path segments: `keys/format/mod.rs` is `["keys", "format"]`.
fn module_of(file: &str) -> Vec<String> {
    let mut segments: Vec<String> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if segments.last().is_some_and(|last| last == "mod") {
        segments.pop();
    }
    segments
}

/// `crate::…`, `self::…` and `super::…` as seen from the root; `None` for other paths.
fn from_root(module: &[String], path: &[String]) -> Option<Vec<String>> {
    let mut base = module.to_vec();
    let mut rest = path;
    match rest.first().map(String::as_str) {
        Some("crate") => {
            base.clear();
            rest = &rest[1..];
        }
        Some("self") => rest = &rest[1..],
        Some("super") => {}
        _ => return None,
    }
    while rest.first().is_some_and(|segment| segment == "super") {
        base.pop()?;
        rest = &rest[1..];
    }
    base.extend(rest.iter().cloned());
    Some(base)
}

/// The re-exports of `lib.rs`: the name, and the module that defines it.
fn reexports(lib: &str) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for item in syn::parse_file(lib).expect("lib.rs").items {
        if let syn::Item::Use(item) = item {
            let mut paths = Paths::default();
            paths.tree(&[], &item.tree);
            for path in paths.found.iter().filter(|path| path.len() > 1) {
                let module = path.iter().find(|segment| *segment != "crate").expect("a module");
                names.insert(path.last().expect("a name").clone(), module.clone());
            }
        }
    }
    names
}

/// Every arrow of one file that leads up, sideways, or out of the library.
fn violations(file: &str, source: &str, reexports: &BTreeMap<String, String>) -> BTreeSet<String> {
    let module = module_of(file);
    let Some(own) = module.first().filter(|name| floor(name).is_some()) else {
        return BTreeSet::new();
    };
    let mut found = BTreeSet::new();
    for path in Paths::of(source) {
        if let Some(target) = from_root(&module, &path)
            && let Some(first) = target.first()
        {
            let target = reexports.get(first).unwrap_or(first);
            match floor(target) {
                Some(floor_of_target) if target != own && Some(floor_of_target) >= floor(own) => {
                    found.insert(format!("{file}: {own} names {target} ({})", path.join("::")));
                }
                None if target != "*" => {
                    found.insert(format!("{file}: `{}` leads to no floor", path.join("::")));
                }
                _ => {}
            }
        }
        let joined = format!("::{}::", path.join("::"));
        for name in forbidden(file, own) {
            // The name of a crate matches at the start of a path, a longer piece anywhere.
            let matches = if name.contains("::") || CLOCK.contains(&name) {
                joined.contains(&format!("::{name}::"))
            } else {
                joined.starts_with(&format!("::{name}::"))
            };
            if matches {
                found.insert(format!("{file}: {own} names {}", path.join("::")));
            }
        }
    }
    found
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.ends_with("target") {
            continue;
        }
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// The source files, by their paths under `src`, and their texts.
fn house() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 30, "only {} source files found", files.len());
    let named = files.into_iter().map(|file| {
        let name = file.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        (name, std::fs::read_to_string(&file).unwrap())
    });
    named.collect()
}

#[test]
fn every_module_names_only_floors_below_its_own() {
    let files = house();
    let reexports = reexports(&files["lib.rs"]);
    let mut found = BTreeSet::new();
    for (name, source) in &files {
        found.extend(violations(name, source, &reexports));
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// What each file may name of reqwest. HTTP clients are built in `transport/door.rs` and nowhere
/// else.
const REQWEST: [(&str, &[&str], usize); 6] = [
    (
        "transport/door.rs",
        &["redirect::Policy", "Client::builder", "ClientBuilder", "Client", "retry::never"],
        1,
    ),
    (
        "transport/reqwest_client.rs",
        &["Client", "ClientBuilder", "Url", "Request", "Response", "Request::new", "Result", "Error"],
        1,
    ),
    (
        "transport/public_network_client.rs",
        &["ClientBuilder", "dns::Addrs", "dns::Name", "dns::Resolve", "dns::Resolving"],
        1,
    ),
    ("transport/tls_advice.rs", &["Error"], 0),
    ("client/bearer_middleware.rs", &["ClientBuilder", "redirect::Policy", "Request", "Response"], 1),
    (
        "bin/pkjwt/http.rs",
        &["ClientBuilder", "ClientBuilder::add_root_certificate", "Certificate::from_pem_bundle"],
        0,
    ),
];
/// Other ways to a socket that an HTTP client would need.
const CLIENTS: [&str; 5] =
    ["hyper::client", "hyper_util::client", "TcpStream::connect", "reqwest::get", "blocking::get"];

#[derive(Default)]
struct Builds(usize);

impl<'ast> Visit<'ast> for Builds {
    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.0 += usize::from(call.method == "build");
        syn::visit::visit_expr_method_call(self, call);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            syn::visit::visit_item_mod(self, item);
        }
    }
}

/// Violations of [`REQWEST`] in a file.
fn doors(file: &str, source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let allowed = REQWEST.iter().find(|(name, ..)| *name == file);
    let mut names_reqwest = false;
    for path in Paths::of(source) {
        let joined = path.join("::");
        if CLIENTS.iter().any(|name| format!("::{joined}::").contains(&format!("::{name}::"))) {
            found.push(format!("{file} names {joined}"));
        }
        let Some(name) =
            joined.strip_prefix("reqwest::").or_else(|| joined.strip_prefix("reqwest_middleware::reqwest::"))
        else {
            continue;
        };
        names_reqwest = true;
        if !allowed.is_some_and(|(_, names, _)| names.contains(&name)) {
            found.push(format!("{file} names {joined}"));
        }
    }
    let mut builds = Builds::default();
    builds.visit_file(&syn::parse_file(source).expect("a Rust file"));
    if names_reqwest && allowed.is_none_or(|(.., most)| builds.0 > *most) {
        found.push(format!("{file} calls `build` {} times", builds.0));
    }
    found
}

/// Everything that sends a secret uses one hardened HTTP client.
#[test]
fn http_clients_are_built_in_one_place() {
    let mut found = Vec::new();
    for (name, source) in house() {
        found.extend(doors(&name, &source));
    }
    assert!(found.is_empty(), "{found:#?}");
    // The check detects a second client.
    for source in [
        "fn f() { reqwest::Client::new(); }",
        "use reqwest::Client; fn f() { Client::new(); }",
        "fn f() { reqwest::Client::builder(); }",
        "fn f(builder: reqwest::ClientBuilder) { builder.build(); }",
        "use reqwest_middleware::reqwest::Client;",
        "async fn f() { tokio::net::TcpStream::connect(()).await; }",
        "use hyper_util::client::legacy::Client;",
        "use hyper::client::conn::http1;",
    ] {
        assert!(!doors("server/jwks/source.rs", source).is_empty(), "{source}");
        assert!(
            !doors("client/bearer_middleware.rs", source).is_empty() || source.contains(".build()"),
            "{source}"
        );
    }
    let twice = "fn f(a: reqwest::ClientBuilder, b: reqwest::ClientBuilder) { a.build(); b.build(); }";
    assert!(!doors("client/bearer_middleware.rs", twice).is_empty());
}

#[test]
fn every_top_level_module_has_a_floor() {
    let lib = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    for item in syn::parse_file(&lib).unwrap().items {
        if let syn::Item::Mod(item) = item {
            assert!(floor(&item.ident.to_string()).is_some(), "`{}` has no floor", item.ident);
        }
    }
}

#[test]
fn the_check_sees_what_it_should() {
    let reexports = reexports("pub use oauth::{AccessToken, Scope}; pub use crate::client::Error;");
    let check = |file: &str, source: &str| violations(file, source, &reexports).len();
    // Up, sideways, through a re-export, through super::super, nested, in an expression, in a
    // macro.
    assert_eq!(check("jose/jws.rs", "use crate::keys::KeyError;"), 1);
    assert_eq!(check("client/cache.rs", "use crate::server::RemoteJwks;"), 1);
    assert_eq!(check("keys/ring.rs", "use crate::AccessToken;"), 1);
    assert_eq!(check("keys/format/pem.rs", "use super::super::super::{oauth::Scope, jose::Jwk};"), 1);
    assert_eq!(check("oauth/scope.rs", "fn f() -> crate::client::Error { loop {} }"), 1);
    assert_eq!(check("oauth/scope.rs", "fn f() { vec![crate::verifier::X] ; }"), 1);
    assert_eq!(
        check("oauth/scope.rs", "fn f() { OffsetDateTime::now_utc(); std::time::SystemTime::now(); }"),
        2
    );
    assert_eq!(check("jose/jwk.rs", "fn f() { getrandom::fill(&mut []); std::fs::read(\"\"); }"), 2);
    assert_eq!(check("keys/ring.rs", "fn f() { std::fs::read(\"\"); }"), 1);
    assert_eq!(check("keys/ring.rs", "use crate::Nowhere;"), 1);
    assert_eq!(check("verifier/replay/mod.rs", "use redis::Client;"), 1);
    assert_eq!(check("server/remote_jwks.rs", "fn f() { redis::cmd(\"SET\"); }"), 1);
    // Down, and in a test.
    assert_eq!(check("server/redis_replay.rs", "use redis::Client; use crate::verifier::ReplayStore;"), 0);
    assert_eq!(check("client/cache.rs", "use crate::{jose::Jwk, AccessToken}; use super::Error;"), 0);
    assert_eq!(check("jose/jws.rs", "#[cfg(test)] mod tests { use crate::client::Error; }"), 0);
    assert_eq!(check("keys/key_source.rs", "fn f() { std::fs::read(\"\"); }"), 0);
}
