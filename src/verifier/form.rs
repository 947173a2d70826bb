//! The parts of a request's form that concern client authentication (RFC 6749 §3.2, RFC 7521 §4.2).

use std::collections::BTreeSet;

use super::VerifierError;
use crate::jose::error::excerpt;
use crate::jose::text::Text;
use crate::jose::urlencoded;

/// The maximum length of a form, in bytes. Longer forms are not decoded.
pub(super) const MAX_LEN: usize = 64 * 1024;

/// The parameters that authenticate a client. Each appears once.
#[derive(Default)]
pub(crate) struct Form<'a> {
    pub(crate) client_assertion: Option<Text<'a>>,
    pub(super) client_assertion_type: Option<Text<'a>>,
    pub(super) client_id: Option<Text<'a>>,
    pub(super) client_secret: Option<Text<'a>>,
}

impl<'a> Form<'a> {
    /// Reads the whole form. Every duplicate is rejected, so that no other reader of the same form
    /// can take another value than this one.
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, VerifierError> {
        let mut names: BTreeSet<Text<'a>> = BTreeSet::new();
        Self::parse_with(body, |name, _| match &*name {
            // These two may be repeated (RFC 8707 §2, RFC 8693 §2.1).
            "resource" | "audience" => Ok(()),
            _ if names.contains(&name) => Err(VerifierError::DuplicateParameter { name: excerpt(&name) }),
            _ => {
                names.insert(name);
                Ok(())
            }
        })
    }

    /// Passes every other parameter to `other`, including duplicates.
    pub(crate) fn parse_with<E: From<VerifierError>>(
        body: &'a [u8],
        mut other: impl FnMut(Text<'a>, Text<'a>) -> Result<(), E>,
    ) -> Result<Self, E> {
        if body.len() > MAX_LEN {
            return Err(VerifierError::FormTooLarge { found: body.len(), limit: MAX_LEN }.into());
        }
        let mut form = Self::default();
        let mut has_other_jwt = false;
        for (name, value) in urlencoded::pairs(body) {
            match &*name {
                "client_assertion" => set(&mut form.client_assertion, "client_assertion", value)?,
                "client_assertion_type" => {
                    set(&mut form.client_assertion_type, "client_assertion_type", value)?
                }
                "client_id" => set(&mut form.client_id, "client_id", value)?,
                "client_secret" => set(&mut form.client_secret, "client_secret", value)?,
                _ => {
                    has_other_jwt |= OTHER_JWTS.contains(&&*name);
                    other(name, value)?;
                }
            }
        }
        if has_other_jwt {
            form.check_purpose(body)?;
        }
        // A parameter without a value counts as absent (RFC 6749 §3.2), but still as an occurrence.
        let Self { client_assertion, client_assertion_type, client_id, client_secret } = &mut form;
        for slot in [client_assertion, client_assertion_type, client_id, client_secret] {
            slot.take_if(|value| value.is_empty());
        }
        Ok(form)
    }
}

/// Parameters that may be JWTs, for purposes of their own (RFC 7523 §2.1, RFC 8693 §2.1).
const OTHER_JWTS: [&str; 3] = ["assertion", "subject_token", "actor_token"];

impl Form<'_> {
    /// Rejects a form whose client assertion is also another of its JWTs.
    fn check_purpose(&self, body: &[u8]) -> Result<(), VerifierError> {
        let Some(assertion) = self.client_assertion.as_ref().filter(|assertion| !assertion.is_empty()) else {
            return Ok(());
        };
        // Most forms have no second JWT, so none is stored. The form is read again instead.
        let same = urlencoded::pairs(body).find_map(|(name, value)| {
            let name = OTHER_JWTS.into_iter().find(|other| **other == *name)?;
            (*value == **assertion).then_some(name)
        });
        match same {
            Some(name) => Err(VerifierError::TwoPurposes { name }),
            None => Ok(()),
        }
    }
}

fn set<'a>(slot: &mut Option<Text<'a>>, name: &'static str, value: Text<'a>) -> Result<(), VerifierError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(VerifierError::DuplicateParameter { name: name.to_owned() }),
    }
}
