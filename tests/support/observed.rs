//! An observer that keeps what it sees.

use std::sync::{Arc, Mutex};

use private_key_jwt::observer::{Event, Observer};

use super::has_mark;

/// Keeps each event in words. Clones are the same observer.
#[derive(Clone, Default)]
pub struct Observed(Arc<Mutex<Vec<String>>>);

impl Observed {
    /// The names of the events since the last call, each followed by `of`, if it says something.
    pub fn events(&self, of: fn(&str) -> Option<&str>) -> Vec<String> {
        let events = std::mem::take(&mut *self.0.lock().unwrap());
        let words = |event: &String| {
            let name = event.split(' ').next().unwrap();
            of(event).map_or_else(|| name.to_owned(), |more| format!("{name} {more}"))
        };
        events.iter().map(words).collect()
    }
}

impl Observer for Observed {
    fn event(&self, event: &Event<'_>) {
        let event = format!("{event:?}");
        assert!(!has_mark(&event), "{event}");
        self.0.lock().unwrap().push(event);
    }
}

/// The value of a field in an event.
pub fn field<'e>(event: &'e str, name: &str) -> Option<&'e str> {
    let (_, rest) = event.split_once(&format!(" {name}: "))?;
    rest.split([',', ' ']).next()
}
