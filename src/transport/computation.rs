//! Long computations beside an async executor. One of milliseconds on a thread of the executor keeps every other task
//! of that thread waiting; on tokio's blocking pool the operating system shares the cores out. That pool starts hundreds
//! of threads if it is let, so no more of them compute at a time than twice the cores, for the whole process. With as
//! many as cores, one would stand still whenever a computation is done, until the executor has sent the next: a quarter
//! of all signatures (`benches/loopback.rs`).

use std::num::NonZero;
use std::sync::{Arc, LazyLock};

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

static PLACES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(2 * cores())));

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// Computes on the blocking pool; on the spot where no runtime of tokio is, since nothing is known to wait there.
/// `None` when the runtime is being shut down.
pub(crate) async fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    compute_in(&PLACES, work).await
}

async fn compute_in<T: Send + 'static>(
    places: &Arc<Semaphore>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let Ok(runtime) = Handle::try_current() else {
        return Some(work());
    };
    let place = Arc::clone(places).acquire_owned().await;
    let task = runtime.spawn_blocking(move || {
        // Given back when the work is done, also when the caller has gone away meanwhile.
        let _place = place;
        work()
    });
    task.await.ok()
}

/// Every place of the process: nothing is computed while they are held.
#[cfg(test)]
pub(crate) async fn all_places() -> tokio::sync::SemaphorePermit<'static> {
    PLACES.acquire_many(u32::try_from(2 * cores()).unwrap()).await.unwrap()
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
        let places = Arc::new(Semaphore::new(2));
        let all = places.acquire_many(2).await.unwrap();
        let mut work = pin!(compute_in(&places, || thread::current().id()));
        assert_eq!(poll(work.as_mut()), Poll::Pending);
        drop(all);
        assert_ne!(work.await.unwrap(), thread::current().id());
        assert_eq!(places.available_permits(), 2);
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_does_not_free_the_place_of_its_work() {
        let (finish, wait) = std::sync::mpsc::channel::<()>();
        let places = Arc::new(Semaphore::new(1));
        let mut work = Box::pin(compute_in(&places, move || wait.recv()));
        assert!(poll(work.as_mut()).is_pending());
        drop(work);
        assert_eq!(places.available_permits(), 0);
        finish.send(()).unwrap();
        assert!(places.acquire().await.is_ok());
    }

    #[test]
    fn without_a_runtime_it_is_done_on_the_spot() {
        let work = pin!(compute(|| thread::current().id()));
        assert_eq!(poll(work), Poll::Ready(Some(thread::current().id())));
    }
}
