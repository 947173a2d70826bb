//! A key that a directory knows, and what it decided about it.

use std::sync::Arc;

use time::OffsetDateTime;

use crate::jose::{Algorithm, KeyId};
use crate::keys::Signer;
use crate::rotation::plan::{Phase, PlannedKey};
use crate::rotation::status::NextMove;

#[derive(Clone)]
pub(super) struct Held {
    pub(super) key_id: KeyId,
    pub(super) signer: Arc<dyn Signer>,
    pub(super) algorithm: Algorithm,
    pub(super) not_after: Option<OffsetDateTime>,
    /// When the key appeared. `None`: it was there when the folder was opened.
    pub(super) seen: Option<OffsetDateTime>,
    /// The last good plan for it.
    pub(super) planned: PlannedKey,
    /// Set for a key that is no longer in the plan.
    pub(super) left: Option<Left>,
    /// `None` before the first decision about it.
    pub(super) phase: Option<Phase>,
    pub(super) since: Option<OffsetDateTime>,
    pub(super) next: Option<NextMove>,
}

/// A key left the plan while servers may still have signatures of it.
#[derive(Clone, Copy)]
pub(super) struct Left {
    pub(super) at: OffsetDateTime,
    /// When it leaves the JWKS, unless it signs then.
    pub(super) retire: OffsetDateTime,
}

impl Held {
    /// When servers could see the key first.
    pub(super) fn publish(&self) -> Option<OffsetDateTime> {
        self.planned.publish.max(self.seen)
    }

    pub(super) fn file(&self) -> &str {
        &self.planned.file
    }

    /// Whether signatures of the key may be on their way.
    pub(super) fn has_signed(&self) -> bool {
        matches!(self.phase, Some(Phase::Active | Phase::Retiring))
    }

    pub(super) fn is_published(&self) -> bool {
        self.phase.is_some_and(Phase::is_published)
    }
}
