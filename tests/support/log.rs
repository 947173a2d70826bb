//! The log lines of a test.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::sync::Once;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::has_mark;

thread_local! {
    /// The lines of the test on this thread, if it listens.
    static LINES: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Records each span, its fields, and each event, one line each, for the test on the same thread.
/// The whole process has one subscriber, because `tracing` decides once for all threads whether a
/// call site is enabled.
struct Lines;

static SUBSCRIBED: Once = Once::new();

/// From now on, records the lines of this thread.
pub fn listen() {
    SUBSCRIBED.call_once(|| {
        tracing::subscriber::set_global_default(Lines).unwrap();
        tracing::callsite::rebuild_interest_cache();
    });
    LINES.set(Some(Vec::new()));
}

fn push(begin: impl std::fmt::Display, fields: impl FnOnce(&mut Fields)) {
    LINES.with_borrow_mut(|lines| {
        if let Some(lines) = lines {
            let mut line = Fields(begin.to_string());
            fields(&mut line);
            lines.push(line.0);
        }
    });
}

/// All lines so far, without the numbers that differ between runs. Checks them for secrets.
pub fn lines() -> Vec<String> {
    let lines = LINES.replace(Some(Vec::new())).unwrap();
    assert!(!has_mark(&lines.join("\n")), "{lines:#?}");
    assert!(!lines.join("\n").contains("eyJ"), "{lines:#?}");
    let without_numbers = |line: &String| {
        let words = line.split(' ').map(|word| match word.split_once("_ms=") {
            Some((name, _)) if name != "offset" => format!("{name}_ms=…"),
            _ => word.to_owned(),
        });
        words.collect::<Vec<_>>().join(" ")
    };
    lines.iter().map(without_numbers).collect()
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        match field.name() {
            "message" => write!(self.0, " {value:?}:").unwrap(),
            name => write!(self.0, " {name}={value:?}").unwrap(),
        }
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "private_key_jwt"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        push(format_args!("{} span {}", span.metadata().level(), span.metadata().name()), |line| {
            span.record(line);
        });
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        push("recorded", |line| values.record(line));
    }

    fn event(&self, event: &Event<'_>) {
        push(event.metadata().level(), |line| event.record(line));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
