//! What servers say when they reject a client, and what it stands for. The texts are facts, from
//! the sources, the documentation and the answers of the servers.
//!
//! To add a text, add a row to the list of its server, before the rows that also match it, and a
//! line to `testdata/refusals.tsv`.

mod clouds;
mod logs;
mod more_products;
mod own;
mod products;
mod public_services;
mod row;
mod server;

pub(super) use logs::LOGS;
pub(super) use row::Row;
pub(super) use server::{ALL, Server};
