//! The form of a token request, as far as client authentication goes (RFC 6749 §3.2, RFC 7521 §4.2).

use super::VerifierError;
use crate::jose::wiped::Text;

/// The parameters that matter here, each once.
#[derive(Default)]
pub(super) struct Form<'a> {
    pub(super) client_assertion: Option<Text<'a>>,
    pub(super) client_assertion_type: Option<Text<'a>>,
    pub(super) client_id: Option<Text<'a>>,
    pub(super) client_secret: Option<Text<'a>>,
    grant_type: Option<Text<'a>>,
    scope: Option<Text<'a>>,
}

impl<'a> Form<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, VerifierError> {
        fn set<'a>(
            slot: &mut Option<Text<'a>>,
            name: &'static str,
            value: Text<'a>,
        ) -> Result<(), VerifierError> {
            match slot.replace(value) {
                None => Ok(()),
                Some(_) => Err(VerifierError::DuplicateParameter { name }),
            }
        }
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            let value = Text::from(value);
            match name.as_ref() {
                "client_assertion" => set(&mut form.client_assertion, "client_assertion", value)?,
                "client_assertion_type" => {
                    set(&mut form.client_assertion_type, "client_assertion_type", value)?
                }
                "client_id" => set(&mut form.client_id, "client_id", value)?,
                "client_secret" => set(&mut form.client_secret, "client_secret", value)?,
                "grant_type" => set(&mut form.grant_type, "grant_type", value)?,
                "scope" => set(&mut form.scope, "scope", value)?,
                _ => {}
            }
        }
        // One without a value counts as left out (RFC 6749 §3.2), and still as one.
        let Self { client_assertion, client_assertion_type, client_id, client_secret, .. } = &mut form;
        for slot in [client_assertion, client_assertion_type, client_id, client_secret] {
            slot.take_if(|value| value.is_empty());
        }
        Ok(form)
    }
}
