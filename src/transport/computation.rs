//! Long computations next to an async executor: on its own threads, they would block other tasks.
//! The blocking pool of tokio starts hundreds of threads, so at most three compute for each core.
//! With one, the core would idle until the executor sends the next, at the cost of a third of the
//! rate; with two, a tenth (`benches/README.md`).

use std::num::NonZero;
use std::sync::LazyLock;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit};

const PER_CORE: usize = 3;
static PLACES: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(PER_CORE * cores()));

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// The right to one computation. It is separate from the work, so that the caller can prepare
/// time-dependent parts after the wait. The semaphore is never closed.
pub(crate) struct Place(Option<SemaphorePermit<'static>>);

impl Place {
    /// Waits for one of the process's places.
    pub(crate) async fn free() -> Self {
        Self::free_of(&PLACES).await
    }

    async fn free_of(places: &'static Semaphore) -> Self {
        Self(places.acquire().await.ok())
    }

    /// Computes on the blocking pool. `None` outside of a tokio runtime, and at its shutdown.
    pub(crate) async fn compute<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let task = Handle::try_current().ok()?.spawn_blocking(move || {
            // Released when the work is done, even if the caller has gone away meanwhile.
            let _place = self.0;
            work()
        });
        match task.await {
            Ok(done) => Some(done),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => None,
        }
    }
}

/// Every place of the process: nothing is computed while they are held.
#[cfg(test)]
pub(crate) async fn all_places() -> tokio::sync::SemaphorePermit<'static> {
    PLACES.acquire_many(u32::try_from(PER_CORE * cores()).unwrap()).await.unwrap()
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::thread;

    use super::*;

    fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn work_waits_for_a_place_and_is_done_on_another_thread() {
        let places: &Semaphore = Box::leak(Box::new(Semaphore::new(2)));
        let all = places.acquire_many(2).await.unwrap();
        let mut work = pin!(async { Place::free_of(places).await.compute(|| thread::current().id()).await });
        assert_eq!(poll(work.as_mut()), Poll::Pending);
        drop(all);
        assert_ne!(work.await.unwrap(), thread::current().id());
        assert_eq!(places.available_permits(), 2);
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_does_not_free_the_place_of_its_work() {
        let (finish, wait) = std::sync::mpsc::channel::<()>();
        let places: &Semaphore = Box::leak(Box::new(Semaphore::new(1)));
        let mut work = Box::pin(async { Place::free_of(places).await.compute(move || wait.recv()).await });
        assert!(poll(work.as_mut()).is_pending());
        drop(work);
        assert_eq!(places.available_permits(), 0);
        finish.send(()).unwrap();
        assert!(places.acquire().await.is_ok());
    }

    #[tokio::test]
    #[should_panic(expected = "on purpose")]
    async fn a_panic_of_the_work_is_the_callers() {
        Place::free().await.compute(|| panic!("on purpose")).await;
    }

    #[test]
    fn without_a_runtime_nothing_is_computed() {
        let work = pin!(async { Place::free().await.compute(|| ()).await });
        assert_eq!(poll(work), Poll::Ready(None));
    }
}
