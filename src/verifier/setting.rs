//! Settings that say nothing. A variable that is not set must not switch a check off, so an empty
//! setting is never "no check": as long as there is one, a verifier accepts nothing and says which
//! setting it is.

use super::VerifierError;

/// The first empty setting, by the name of the method that set it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    empty: Option<&'static str>,
}

impl Settings {
    /// Notes a text that has to say something.
    pub(super) fn text(&mut self, setting: &'static str, text: &str) {
        self.note(setting, is_blank(text));
    }

    pub(super) fn note(&mut self, setting: &'static str, is_empty: bool) {
        if is_empty {
            self.empty.get_or_insert(setting);
        }
    }

    /// Refuses everything if a setting is empty.
    pub(super) fn check(self) -> Result<(), VerifierError> {
        match self.empty {
            Some(setting) => Err(VerifierError::EmptySetting { setting }),
            None => Ok(()),
        }
    }
}

/// Whether a text has nothing but white space and control characters.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|character| character.is_whitespace() || character.is_control())
}
