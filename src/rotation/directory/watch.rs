//! Waits for changes of the folder and for the moves of the plan.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::task::AbortHandle;

use super::shared::Shared;
/// Changes come in bursts: after the first one, the folder is read when this has passed.
const BURST: Duration = Duration::from_millis(200);

/// The task that follows a folder. It ends when this is dropped.
pub(super) struct Follower(AbortHandle);

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Keeps the ring of the directory in step with the folder and the time.
pub(super) fn follow(shared: Arc<Shared>) -> Follower {
    let task = tokio::spawn(async move {
        let clock = Arc::clone(&shared.clock);
        loop {
            let change = pin!(shared.changes.notified());
            if let Either::Left(_) = select(change, clock.sleep(shared.pause())).await {
                clock.sleep(BURST).await;
            }
            let mut read = pin!(shared.refresh());
            // A read takes long if the folder is on a server that does not answer. The time goes
            // on meanwhile.
            while let Either::Right(_) = select(read.as_mut(), clock.sleep(shared.pause())).await {
                shared.advance().await;
            }
        }
    });
    Follower(task.abort_handle())
}
