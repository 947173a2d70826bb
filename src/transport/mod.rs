//! Configure or replace the HTTP client and the clock: [`ReqwestClient`], [`HttpClient`],
//! [`PublicNetworkClient`], [`Clock`].
//!
//! Discovery, the pool for long computations and values kept fresh are here, too. `client` and
//! `server` use tokio's executor, timers and sockets only through this module.

mod clock;
mod computation;
mod deadline;
mod discovery;
mod door;
mod error;
pub(crate) mod freshness;
mod http_client;
mod metadata;
mod protected_resource;
mod public_address;
mod public_network_client;
pub(crate) mod refreshing;
mod reqwest_client;
mod shared_clients;
mod tls_advice;

pub use clock::{Clock, SystemClock};
pub(crate) use computation::Place;
#[cfg(test)]
pub(crate) use computation::all_places;
pub(crate) use deadline::Deadline;
pub(crate) use discovery::{get_json, get_request};
#[cfg(feature = "reqwest-middleware")]
pub(crate) use door::client_with_tokens;
pub use error::TransportError;
pub use http_client::HttpClient;
pub(crate) use metadata::Metadata;
pub use metadata::MetadataSource;
pub use public_network_client::{PublicNetworkClient, PublicNetworkClientBuilder};
pub use reqwest_client::ReqwestClient;
