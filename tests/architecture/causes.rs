//! `{:#}` prints the causes of every public error: a variant with a source writes its message with
//! `keys::caused!`.

use syn::visit::Visit;
use syn::{Attribute, Fields, ItemEnum, Meta, Visibility};

/// The public errors of a file: how many variants have a source, and those that do not print it.
#[derive(Default)]
struct Sources {
    count: usize,
    unprinted: Vec<String>,
}

impl<'ast> Visit<'ast> for Sources {
    fn visit_item_enum(&mut self, item: &'ast ItemEnum) {
        let is_error = attributes(&item.attrs, "derive").any(|derived| derived.contains("thiserror"));
        if !is_error || !matches!(item.vis, Visibility::Public(_)) {
            return;
        }
        for variant in &item.variants {
            let message: String = attributes(&variant.attrs, "error").collect();
            if !has_source(&variant.fields) || message == "transparent" {
                continue;
            }
            self.count += 1;
            if !message.starts_with("fmt =") {
                self.unprinted.push(format!("{}::{}", item.ident, variant.ident));
            }
        }
    }
}

fn has_source(fields: &Fields) -> bool {
    fields.iter().any(|field| {
        let is_named = field.ident.as_ref().is_some_and(|name| name == "source");
        is_named || ["source", "from"].iter().any(|name| attributes(&field.attrs, name).count() > 0)
    })
}

/// The texts inside the attributes of this name.
fn attributes<'a>(all: &'a [Attribute], name: &'a str) -> impl Iterator<Item = String> + 'a {
    all.iter().filter(move |attribute| attribute.path().is_ident(name)).map(|attribute| {
        match &attribute.meta {
            Meta::List(list) => list.tokens.to_string(),
            _ => String::new(),
        }
    })
}

fn sources(source: &str) -> Sources {
    let mut sources = Sources::default();
    sources.visit_file(&syn::parse_file(source).unwrap());
    sources
}

#[test]
fn every_public_error_prints_its_causes() {
    let mut all = Sources::default();
    for source in super::house().values() {
        let Sources { count, unprinted } = sources(source);
        all.count += count;
        all.unprinted.extend(unprinted);
    }
    assert!(all.unprinted.is_empty(), "without their causes in {{:#}}: {:?}", all.unprinted);
    assert!(all.count >= 20, "only {} variants with a source", all.count);
}

#[test]
fn a_variant_that_drops_its_cause_is_found() {
    let error = r#"
        #[derive(Debug, thiserror::Error)]
        pub enum E {
            #[error("a")] A { source: X },
            #[error("b")] B(#[source] X),
            #[error(fmt = c)] C(#[from] X),
            #[error(transparent)] D(#[from] X),
            #[error("e")] E,
        }
    "#;
    let Sources { count, unprinted } = sources(error);
    assert_eq!((count, unprinted), (3, vec!["E::A".to_owned(), "E::B".to_owned()]));
}
