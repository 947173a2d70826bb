//! Why a server rejected a client, and what to change.
//!
//! [`explain`] combines what the server said with what was sent.

mod cause;
mod compare;
mod context;
mod explain;
mod kind;
mod known;
mod refused;
mod sent;
mod table;
#[cfg(test)]
mod tests;
mod words;

pub use cause::{Cause, Certainty, Contradiction};
pub use compare::contradictions;
pub use explain::{explain, explain_log};
pub use kind::CauseKind;
pub use sent::SentAssertion;

pub(crate) use context::Context;
#[cfg(feature = "client")]
pub(crate) use known::profile_of;
