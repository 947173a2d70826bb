use super::cause::Cause;
use super::sent::SentAssertion;
use super::table::Server;

/// What a client knows about a request that was rejected.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    pub(super) sent: Option<SentAssertion>,
    /// The kind of server, if it is known.
    pub(super) server: Option<&'static Server>,
    /// Where the assertion differs from what the server accepts.
    pub(super) contradictions: Vec<Cause>,
    /// What to try in place of an audience that the server refuses.
    pub(super) other_audience: Option<String>,
}

impl PartialEq for Context {
    fn eq(&self, other: &Self) -> bool {
        let name = |context: &Self| context.server.map(|server| server.name);
        (&self.sent, name(self), &self.contradictions) == (&other.sent, name(other), &other.contradictions)
    }
}

impl Eq for Context {}

impl Context {
    pub(in crate::oauth) const fn sent(&self) -> Option<&SentAssertion> {
        self.sent.as_ref()
    }
}
