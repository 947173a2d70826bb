//! Events compile with the feature `log` of `tracing`, which any other crate may turn on: its
//! macros then import a module `log` next to their arguments, and hide the module of that name
//! here.

use syn::visit::Visit;

#[derive(Default)]
struct Hidden {
    events: usize,
    found: Vec<String>,
}

impl<'ast> Visit<'ast> for Hidden {
    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        const EVENTS: [&str; 13] = [
            "event",
            "line",
            "client_line",
            "detail",
            "span",
            "trace",
            "debug",
            "info",
            "warn",
            "error",
            "info_span",
            "warn_span",
            "error_span",
        ];
        let name = item.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        if EVENTS.contains(&name.as_str()) {
            self.events += 1;
            let tokens = item.tokens.to_string();
            if tokens.starts_with("log ::") || tokens.contains(" log ::") || tokens.contains("(log ::") {
                self.found.push(tokens);
            }
        }
    }
}

fn hidden(source: &str) -> Hidden {
    let mut hidden = Hidden::default();
    hidden.visit_file(&syn::parse_file(source).unwrap());
    hidden
}

#[test]
fn no_event_names_the_module_log_in_its_arguments() {
    let mut all = Hidden::default();
    for source in super::house().values() {
        let Hidden { events, found } = hidden(source);
        all.events += events;
        all.found.extend(found);
    }
    assert!(all.found.is_empty(), "compute it before the event: {:?}", all.found);
    assert!(all.events >= 8, "only {} events", all.events);
    let wrong = r#"fn f() { event!(WARN, pause_ms = log::ms(pause), "x"); event!(WARN, %error, "log::x"); }"#;
    assert_eq!(hidden(wrong).found.len(), 1);
}
