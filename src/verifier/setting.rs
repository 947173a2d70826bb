//! Empty settings. A variable that is not set must not disable a check: a verifier with an empty
//! setting rejects everything and names the setting.

use super::VerifierError;

/// The first empty setting, by the name of the method that set it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    empty: Option<&'static str>,
}

impl Settings {
    /// Records whether a text is empty.
    pub(super) fn text(&mut self, setting: &'static str, text: &str) {
        self.note(setting, is_blank(text));
    }

    pub(super) fn note(&mut self, setting: &'static str, is_empty: bool) {
        if is_empty {
            self.empty.get_or_insert(setting);
        }
    }

    /// Rejects everything if a setting is empty.
    pub(super) fn check(self) -> Result<(), VerifierError> {
        match self.empty {
            Some(setting) => Err(VerifierError::EmptySetting { setting }),
            None => Ok(()),
        }
    }
}

/// Whether a text consists only of white space and control characters.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|character| character.is_whitespace() || character.is_control())
}
