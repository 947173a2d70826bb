use std::borrow::Cow;

use super::super::VerifierError;
use super::super::form::Form;
use super::claims::{Claims, SHOWN};
use super::unverified::UnverifiedAssertion;
use super::verifier::ClientAssertionVerifier;
use crate::jose::error::unlike;
use crate::jose::text::Text;
use crate::oauth::{CLIENT_ASSERTION_TYPE, CLIENT_AUTHENTICATION_JWT};

impl ClientAssertionVerifier {
    /// Parses the form of a token request. Checks that there is one assertion and one method of
    /// authentication, that `client_id` agrees, and that `iss` = `sub`. The signed bytes are not
    /// copied, so the form must outlive the result.
    ///
    /// # Errors
    ///
    /// [`VerifierError`] for everything that is wrong before a key is used.
    pub fn parse<'a>(&'a self, form: &'a [u8]) -> Result<UnverifiedAssertion<'a>, VerifierError> {
        self.parse_form(Form::parse(form)?)
    }

    /// As [`ClientAssertionVerifier::parse`], for a caller that has read the form for its other
    /// parameters.
    pub(crate) fn parse_form<'a>(&'a self, form: Form<'a>) -> Result<UnverifiedAssertion<'a>, VerifierError> {
        let token = form.client_assertion.ok_or(match form.client_secret {
            Some(_) => VerifierError::OtherMethod { found: "client_secret" },
            None => VerifierError::MissingParameter { name: "client_assertion" },
        })?;
        match form.client_assertion_type {
            None => return Err(VerifierError::MissingParameter { name: "client_assertion_type" }),
            Some(found) if &*found != CLIENT_ASSERTION_TYPE => {
                let found = unlike(&found, [CLIENT_ASSERTION_TYPE], 64);
                return Err(VerifierError::AssertionType { found });
            }
            Some(_) => {}
        }
        if form.client_secret.is_some() {
            return Err(VerifierError::TwoMethods);
        }
        let unverified = self.take_apart(token)?;
        match form.client_id {
            Some(client_id) if *client_id != *unverified.client_id => Err(VerifierError::ClientIdMismatch {
                form: unlike(&client_id, [&*unverified.client_id], SHOWN),
                assertion: unlike(&unverified.client_id, [&*client_id], SHOWN),
            }),
            _ => Ok(unverified),
        }
    }

    /// Parses an assertion that did not arrive in a form. Servers should use
    /// [`ClientAssertionVerifier::parse`], which also sees the parameters next to the assertion.
    ///
    /// # Errors
    ///
    /// [`VerifierError::TooLarge`], [`VerifierError::Jose`], [`VerifierError::MissingClaim`],
    /// [`VerifierError::InvalidClaim`], [`VerifierError::IssuerIsNotSubject`],
    /// [`VerifierError::EmptySetting`].
    pub fn parse_assertion<'a>(&'a self, token: &'a str) -> Result<UnverifiedAssertion<'a>, VerifierError> {
        self.take_apart(Text(Cow::Borrowed(token)))
    }

    fn take_apart<'a>(&'a self, token: Text<'a>) -> Result<UnverifiedAssertion<'a>, VerifierError> {
        let jws = self.rules.parse(&token)?;
        let (header, payload, signature) = jws.into_parts();
        let (client_id, claims) = Claims::read(self, &payload, header.is_typed(CLIENT_AUTHENTICATION_JWT))?;
        Ok(UnverifiedAssertion { verifier: self, client_id, header, token, signature, claims, payload })
    }
}
