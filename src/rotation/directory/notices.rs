//! Notices of changes in a folder, by the operating system.

use std::path::Path;
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use crate::rotation::read::Stamp;

/// Wakes the task when a file of the folder changes.
pub(super) struct Notices {
    _watcher: RecommendedWatcher,
    place: Stamp,
}

impl Notices {
    /// Watches the folder, if that is possible. A folder that was replaced is watched anew.
    pub(super) fn of(folder: &Path, before: Option<Self>, changes: &Arc<Notify>) -> Option<Self> {
        let place = Stamp::of_path(folder).ok()?;
        if let Some(before) = before.filter(|before| before.place.is_same_place(&place)) {
            return Some(before);
        }
        let changes = Arc::clone(changes);
        let notice = move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !is_change(event.kind)) {
                return;
            }
            changes.notify_one();
        };
        let mut watcher = notify::recommended_watcher(notice).ok()?;
        watcher.watch(folder, RecursiveMode::NonRecursive).ok()?;
        Some(Self { _watcher: watcher, place })
    }
}

/// Reading a file is none.
const fn is_change(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if !matches!(access, AccessKind::Close(AccessMode::Write)))
}
