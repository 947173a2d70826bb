//! The connections that all clients without settings of their own share.
//!
//! A connection is driven by the runtime that opened it, and stalls while that runtime does not
//! run. So each runtime has its own connections, which end with it.

use std::future::pending;
use std::sync::{Mutex, PoisonError, RwLock};

use tokio::runtime::{Handle, Id};

use super::TransportError;
use super::door::Clients;

static OF_RUNTIMES: RwLock<Vec<(Id, Clients)>> = RwLock::new(Vec::new());
/// Built outside of a runtime, for the next one.
static SPARE: Mutex<Option<Clients>> = Mutex::new(None);

/// Builds the shared clients if there are none yet, so that an error shows early.
pub(super) fn prepare() -> Result<(), TransportError> {
    match Handle::try_current() {
        Ok(runtime) => of(&runtime, |_| ()),
        Err(_) => {
            let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
            if spare.is_none() {
                *spare = Some(Clients::build(|builder| builder)?);
            }
            Ok(())
        }
    }
}

/// Uses the clients of a runtime.
pub(super) fn of<T>(runtime: &Handle, choose: impl Fn(&Clients) -> T) -> Result<T, TransportError> {
    let id = runtime.id();
    let find =
        |all: &[(Id, Clients)]| all.iter().find(|(of, _)| *of == id).map(|(_, clients)| choose(clients));
    if let Some(found) = find(&OF_RUNTIMES.read().unwrap_or_else(PoisonError::into_inner)) {
        return Ok(found);
    }
    let spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner).take();
    let clients = spare.map_or_else(|| Clients::build(|builder| builder), Ok)?;
    let chosen = choose(&clients);
    let mut all = OF_RUNTIMES.write().unwrap_or_else(PoisonError::into_inner);
    // Another task may have been first.
    if let Some(found) = find(&all) {
        return Ok(found);
    }
    all.push((id, clients));
    drop(all);
    let entry = Entry(id);
    runtime.spawn(async move {
        let _entry = entry;
        pending::<()>().await;
    });
    Ok(chosen)
}

/// Lives in a task of the runtime, which is dropped with it.
struct Entry(Id);

impl Drop for Entry {
    fn drop(&mut self) {
        let mut all = OF_RUNTIMES.write().unwrap_or_else(PoisonError::into_inner);
        let place = all.iter().position(|(id, _)| *id == self.0);
        let ended = place.map(|place| all.swap_remove(place));
        drop(all);
        drop(ended);
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::{Builder, Runtime};

    use super::*;

    fn runtime() -> Runtime {
        Builder::new_current_thread().enable_all().build().unwrap()
    }

    fn is_listed(id: Id) -> bool {
        OF_RUNTIMES.read().unwrap().iter().any(|(of, _)| *of == id)
    }

    #[test]
    fn each_runtime_has_clients_of_its_own_until_it_ends() {
        let (first, second) = (runtime(), runtime());
        let ids = [first.handle().id(), second.handle().id()];
        for runtime in [&first, &second, &first] {
            runtime.block_on(async { prepare().unwrap() });
        }
        assert_eq!(ids.map(is_listed), [true, true]);
        let entries = |id| OF_RUNTIMES.read().unwrap().iter().filter(|(of, _)| *of == id).count();
        assert_eq!(ids.map(entries), [1, 1]);
        drop(first);
        assert_eq!(ids.map(is_listed), [false, true]);
        // Also if the runtime ends at once.
        second.shutdown_background();
        assert!(!is_listed(ids[1]));
    }

    #[test]
    fn what_was_built_outside_of_a_runtime_is_used_by_the_next_one() {
        prepare().unwrap();
        let runtime = runtime();
        runtime.block_on(async { prepare().unwrap() });
        assert!(is_listed(runtime.handle().id()));
    }
}
