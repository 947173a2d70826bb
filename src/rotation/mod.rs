//! Rotate keys without a failed request.
//!
//! A [`Plan`] says when each key is published, signs and leaves; which key signs follows from the
//! plan and the time alone.

mod plan;

pub use plan::{Move, Phase, Plan, PlannedKey};
