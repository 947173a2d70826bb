use super::cause::{Cause, Certainty};
use super::compare::contradictions;
use super::sent::SentAssertion;
use crate::oauth::{AuthorizationServer, Profile, Refusal, provider};

/// The likely causes of a rejection, the most likely first, each with what to change. Empty if
/// nothing is known about the words of the server, and what was sent contradicts nothing.
///
/// `sent` is what the rejected assertion contained. `server` and `profile` say what the server
/// takes, and which server it is: some texts mean something only at one server.
#[must_use]
pub fn explain(
    refusal: &Refusal,
    sent: Option<&SentAssertion>,
    server: Option<&AuthorizationServer>,
    profile: Option<&Profile>,
) -> Vec<Cause> {
    let said = refusal.texts().find_map(provider::hint).map(|hint| Cause::new(hint, Certainty::Likely));
    let found = sent.map(|sent| contradictions(sent, server, profile)).unwrap_or_default();
    said.into_iter().chain(found).collect()
}

/// The likely causes of a line in the log of a server, or of any text that a server answered. Empty
/// if the text is unknown.
#[must_use]
pub fn explain_log(text: &str) -> Vec<Cause> {
    provider::hint(text).map(|hint| Cause::new(hint, Certainty::Likely)).into_iter().collect()
}
