//! What can go wrong between a token client and its server, each with its typed error, the number
//! of requests that were made, and a bound on the time; and what the client does about it. Servers
//! are scripted below HTTP, time is not waited for: the back-off sleeps on a clock that notes the
//! pauses and goes on by them.

mod connections;
mod deadline;
mod isolation;
mod log;
mod outcome;
mod refusals;
mod retries;
mod server;
mod server_clock;
mod simulation;
mod soak;
mod standing_refusals;
mod table;
#[cfg(any(feature = "rustls", feature = "native-tls"))]
mod tls;
