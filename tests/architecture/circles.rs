//! Files of one floor do not use each other in a circle, directly or through others.
//!
//! A file uses another if it names, outside of tests, an item that the other defines: in code, or
//! in a private `use`. The name is followed through imports and re-exports to the file that has the
//! definition, so a name that a parent re-exports leads to the child. `mod` and `pub use` (in any
//! visibility) do not count: a parent uses them to list its contents. A parent that does more with
//! a child's items must not define what the child names; move such items into a file of their own.
//! Names of modules, methods and fields are not followed, and in macros only paths with `::` are.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::Visit;

use super::{FLOORS, from_root, is_test, module_of};

type Module = Vec<String>;

/// What one module defines, imports and names.
#[derive(Default)]
struct Contents {
    file: String,
    defined: BTreeSet<String>,
    /// Names in this module that stand for a path.
    imported: BTreeMap<String, Vec<Module>>,
    globs: Vec<Module>,
    /// Paths in code and in private imports.
    named: Vec<Module>,
    /// Children that exist in tests only.
    of_tests: BTreeSet<String>,
}

/// The modules of the library, by their paths.
#[derive(Default)]
struct Library {
    modules: BTreeMap<Module, Contents>,
}

struct Reader<'l> {
    library: &'l mut Library,
    module: Module,
}

impl Reader<'_> {
    fn contents(&mut self) -> &mut Contents {
        self.library.modules.entry(self.module.clone()).or_default()
    }

    fn import(&mut self, prefix: &[String], tree: &syn::UseTree, is_private: bool) {
        let with = |name: String| [prefix, &[name]].concat();
        match tree {
            syn::UseTree::Path(path) => self.import(&with(path.ident.to_string()), &path.tree, is_private),
            syn::UseTree::Name(name) => self.bind(&with(name.ident.to_string()), &name.ident, is_private),
            syn::UseTree::Rename(name) => self.bind(&with(name.ident.to_string()), &name.rename, is_private),
            syn::UseTree::Glob(_) => self.contents().globs.push(prefix.to_vec()),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.import(prefix, tree, is_private));
            }
        }
    }

    fn bind(&mut self, path: &[String], name: &syn::Ident, is_private: bool) {
        let (path, name) = match path {
            [module @ .., last] if last == "self" => (module, module.last().cloned().unwrap_or_default()),
            path => (path, name.to_string()),
        };
        let contents = self.contents();
        contents.imported.entry(name).or_default().push(path.to_vec());
        if is_private {
            contents.named.push(path.to_vec());
        }
    }
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn defined(item: &syn::Item) -> Option<&syn::Ident> {
    match item {
        syn::Item::Const(item) => Some(&item.ident),
        syn::Item::Enum(item) => Some(&item.ident),
        syn::Item::Fn(item) => Some(&item.sig.ident),
        syn::Item::Static(item) => Some(&item.ident),
        syn::Item::Struct(item) => Some(&item.ident),
        syn::Item::Trait(item) => Some(&item.ident),
        syn::Item::Type(item) => Some(&item.ident),
        _ => None,
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if is_test(attributes(item)) {
            if let syn::Item::Mod(item) = item {
                self.contents().of_tests.insert(item.ident.to_string());
            }
            return;
        }
        if let Some(name) = defined(item) {
            self.contents().defined.insert(name.to_string());
        }
        syn::visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.content.is_some() {
            let file = self.contents().file.clone();
            self.module.push(item.ident.to_string());
            self.contents().file = file;
            syn::visit::visit_item_mod(self, item);
            self.module.pop();
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test(&item.attrs) {
            syn::visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.import(&[], &item.tree, matches!(item.vis, syn::Visibility::Inherited));
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let path_segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.contents().named.push(path_segments);
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        let text = item.tokens.to_string().replace(" :: ", "::");
        let words = text.split(|character: char| !(character.is_alphanumeric() || "_:".contains(character)));
        let paths = words.filter(|word| word.contains("::"));
        let paths: Vec<Module> = paths.map(|word| word.split("::").map(str::to_owned).collect()).collect();
        self.contents().named.extend(paths);
        syn::visit::visit_macro(self, item);
    }
}

impl Library {
    fn of<'s>(files: impl IntoIterator<Item = (&'s str, &'s str)>) -> Self {
        let mut library = Self::default();
        for (file, source) in files {
            let module = if file == "lib.rs" { Vec::new() } else { module_of(file) };
            for len in 0..module.len() {
                library.modules.entry(module[..len].to_vec()).or_default();
            }
            let mut reader = Reader { library: &mut library, module };
            reader.contents().file = file.to_owned();
            reader.visit_file(&syn::parse_file(source).expect("a Rust file"));
        }
        library
    }

    fn is_of_tests(&self, module: &[String]) -> bool {
        (1..=module.len()).any(|len| {
            let (parent, child) = (&module[..len - 1], &module[len - 1]);
            self.modules.get(parent).is_some_and(|parent| parent.of_tests.contains(child))
        })
    }

    /// The files that define what a path stands for in a module. Empty for a module, and for
    /// anything outside the library.
    fn files(&self, module: &[String], path: &[String], most: usize) -> BTreeSet<&str> {
        let Some(most) = most.checked_sub(1) else {
            return BTreeSet::new();
        };
        match from_root(module, path) {
            Some(target) => self.item(&[], &target, most),
            None => self.item(module, path, most),
        }
    }

    fn item(&self, module: &[String], path: &[String], most: usize) -> BTreeSet<&str> {
        let (Some(contents), Some((first, rest))) = (self.modules.get(module), path.split_first()) else {
            return BTreeSet::new();
        };
        if contents.defined.contains(first) {
            return BTreeSet::from([contents.file.as_str()]);
        }
        let child = [module, std::slice::from_ref(first)].concat();
        if self.modules.contains_key(&child) {
            return self.item(&child, rest, most);
        }
        if let Some(targets) = contents.imported.get(first) {
            let whole = targets.iter().map(|target| [target, rest].concat());
            return whole.flat_map(|path| self.files(module, &path, most)).collect();
        }
        contents.globs.iter().flat_map(|glob| self.files(module, &[glob, path].concat(), most)).collect()
    }

    /// The files of the same floor that each file uses.
    fn uses(&self) -> Uses<'_> {
        const LONGEST_CHAIN: usize = 12;
        let floor = |file: &str| file.split(['/', '.']).next().unwrap_or_default().to_owned();
        let mut uses = Uses::new();
        let of_house = self.modules.iter().filter(|(module, _)| !self.is_of_tests(module));
        for (module, contents) in of_house {
            let used = contents.named.iter().flat_map(|path| self.files(module, path, LONGEST_CHAIN));
            let used = used.filter(|file| *file != contents.file && floor(file) == floor(&contents.file));
            uses.entry(&contents.file).or_default().extend(used);
        }
        uses
    }
}

type Uses<'l> = BTreeMap<&'l str, BTreeSet<&'l str>>;

/// Whether a file leads to another through what it uses.
fn leads(uses: &Uses<'_>, from: &str, to: &str) -> bool {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut next = vec![from];
    while let Some(file) = next.pop() {
        let used = uses.get(file).into_iter().flatten();
        next.extend(used.filter(|used| seen.insert(used)));
    }
    seen.contains(to)
}

/// The arrows that are part of a circle.
fn circular<'l>(uses: &Uses<'l>) -> Vec<(&'l str, &'l str)> {
    let arrows = uses.iter().flat_map(|(file, used)| used.iter().map(|used| (*file, *used)));
    arrows.filter(|(file, used)| leads(uses, used, file)).collect()
}

#[test]
fn files_of_a_floor_use_each_other_in_no_circle() {
    let files = super::house();
    let of_floors = files.iter().filter(|(file, _)| {
        let top = file.split(['/', '.']).next().unwrap_or_default();
        *file == "lib.rs" || FLOORS.iter().any(|(name, _)| *name == top)
    });
    let library = Library::of(of_floors.map(|(file, source)| (file.as_str(), source.as_str())));
    assert_eq!(circular(&library.uses()), [], "these arrows make circles");
}

#[test]
fn the_check_sees_a_circle() {
    let circles = |files: &[(&str, &str)]| circular(&Library::of(files.iter().copied()).uses()).len();
    // By a path, by an import and a method, through a third file, through a re-export, in a macro.
    assert_eq!(
        circles(&[
            ("keys/a.rs", "pub struct A; fn f() { super::b::f() }"),
            ("keys/b.rs", "use super::a::A; pub fn f() {}"),
        ]),
        2
    );
    assert_eq!(
        circles(&[
            ("keys/a.rs", "use super::b; pub struct A; fn f() { b::f() }"),
            ("keys/b.rs", "use crate::keys::c::C; pub fn f() {}"),
            ("keys/c.rs", "use super::a::A as Other; pub enum C {}"),
        ]),
        3
    );
    let reexported = [
        ("lib.rs", "mod keys; pub use keys::A;"),
        ("keys/mod.rs", "mod a; mod b; pub use a::A; pub use b::*;"),
        ("keys/a.rs", "pub struct A; fn f() { vec![super::f(1)]; }"),
        ("keys/b.rs", "use crate::A; pub fn f() {}"),
    ];
    assert_eq!(circles(&reexported), 2);
    // A parent that uses a child, and the child an item of the parent.
    assert_eq!(
        circles(&[
            ("keys/mod.rs", "mod a; struct Own; fn f() { a::f() }"),
            ("keys/a.rs", "use super::Own; pub fn f() {}"),
        ]),
        2
    );
    // The parent only lists the child; the child is for tests; another floor; a module's name.
    for files in [
        [
            ("keys/mod.rs", "mod a; pub(crate) use a::f; struct Own;"),
            ("keys/a.rs", "use super::Own; pub fn f() {}"),
        ],
        [
            ("keys/a.rs", "#[cfg(test)] mod tests; struct Own; fn f() { tests::f() }"),
            ("keys/a/tests.rs", "use super::*; pub fn f() { Own; }"),
        ],
        [
            ("keys/a.rs", "pub struct A; use crate::oauth::B;"),
            ("oauth/b.rs", "pub struct B; use crate::keys::a::A;"),
        ],
        [("keys/a.rs", "use super::b; pub fn f() {}"), ("keys/b.rs", "use super::a; pub fn f() { a::f() }")],
    ] {
        assert_eq!(circles(&files), 0, "{files:?}");
    }
}
