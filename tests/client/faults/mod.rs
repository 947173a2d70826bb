//! Failures between a token client and its server, each with its typed error, the number of
//! requests and a time limit, and how the client handles them. Servers are scripted below HTTP.
//! Nothing sleeps: the back-off pauses on a clock that records the pauses and skips them.

mod connections;
mod deadline;
mod hints;
mod isolation;
mod log;
mod observer;
mod outcome;
mod refusals;
mod retries;
mod rotations;
mod server_clock;
pub(crate) mod simulation;
mod soak;
mod standing_refusals;
mod table;
#[cfg(any(feature = "rustls", feature = "native-tls"))]
mod tls;
