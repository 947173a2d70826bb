//! The form of a token request, as far as client authentication goes (RFC 6749 §3.2, RFC 7521 §4.2).

use super::VerifierError;
use crate::jose::wiped::Wiped;

/// The parameters that matter here, each once.
#[derive(Default)]
pub(super) struct Form {
    pub(super) client_assertion: Option<Wiped<String>>,
    pub(super) client_assertion_type: Option<Wiped<String>>,
    pub(super) client_id: Option<Wiped<String>>,
    pub(super) client_secret: Option<Wiped<String>>,
    grant_type: Option<Wiped<String>>,
    scope: Option<Wiped<String>>,
}

impl Form {
    pub(super) fn parse(body: &[u8]) -> Result<Self, VerifierError> {
        fn set(
            slot: &mut Option<Wiped<String>>,
            name: &'static str,
            value: String,
        ) -> Result<(), VerifierError> {
            match slot.replace(Wiped::new(value)) {
                None => Ok(()),
                Some(_) => Err(VerifierError::DuplicateParameter { name }),
            }
        }
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            let value = value.into_owned();
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
