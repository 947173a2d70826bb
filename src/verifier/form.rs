//! The form of a token request, as far as client authentication goes (RFC 6749 §3.2, RFC 7521 §4.2).

use std::collections::BTreeSet;

use super::VerifierError;
use crate::jose::error::excerpt;
use crate::jose::wiped::Text;

/// The parameters that matter here, each once.
#[derive(Default)]
pub(super) struct Form<'a> {
    pub(super) client_assertion: Option<Text<'a>>,
    pub(super) client_assertion_type: Option<Text<'a>>,
    pub(super) client_id: Option<Text<'a>>,
    pub(super) client_secret: Option<Text<'a>>,
}

impl<'a> Form<'a> {
    /// Reads the whole form. What comes twice is refused, whatever it is, so that no other reader of the same form can
    /// take another value than was looked at here.
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, VerifierError> {
        let mut form = Self::default();
        let mut others = BTreeSet::new();
        for (name, value) in form_urlencoded::parse(body) {
            // Wiped also where nobody asks for it: it may be a code or a password.
            let value = Text::from(value);
            let slot = match name.as_ref() {
                "client_assertion" => &mut form.client_assertion,
                "client_assertion_type" => &mut form.client_assertion_type,
                "client_id" => &mut form.client_id,
                "client_secret" => &mut form.client_secret,
                // These two may be there several times (RFC 8707 §2, RFC 8693 §2.1).
                "resource" | "audience" => continue,
                _ if others.contains(&name) => {
                    return Err(VerifierError::DuplicateParameter { name: excerpt(&name) });
                }
                _ => {
                    others.insert(name);
                    continue;
                }
            };
            if slot.replace(value).is_some() {
                return Err(VerifierError::DuplicateParameter { name: name.into_owned() });
            }
        }
        // One without a value counts as left out (RFC 6749 §3.2), and still as one.
        let Self { client_assertion, client_assertion_type, client_id, client_secret } = &mut form;
        for slot in [client_assertion, client_assertion_type, client_id, client_secret] {
            slot.take_if(|value| value.is_empty());
        }
        Ok(form)
    }
}
