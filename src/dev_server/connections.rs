//! How many connections the server has at once, and what it does when there are more.

use std::future::Future;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Maximum number of connections at a time. Each takes a file descriptor, and some systems allow a
/// process 256 by default. Further connections wait for their turn.
const MAX: usize = 256;

/// Serves connections. They are tasks of this future, so they end with it.
pub(super) async fn accept<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    serve: impl Fn(TcpStream, Turn) -> F,
) {
    let (crowds, _) = watch::channel(0_u64);
    let mut was_told = false;
    let mut connections = JoinSet::new();
    loop {
        let accepted = listener.accept().await;
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, or the client closed the connection at once. Neither lasts.
            crowds.send_modify(|crowds| *crowds = crowds.wrapping_add(1));
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        if connections.len() >= MAX {
            if !was_told {
                was_told = true;
                tell();
            }
            // Those that are idle leave at once, the others after their next answer.
            crowds.send_modify(|crowds| *crowds = crowds.wrapping_add(1));
            connections.join_next().await;
        }
        connections.spawn(serve(stream, Turn::new(&crowds)));
    }
}

/// How long a connection may stay: until others wait.
pub(super) struct Turn {
    crowds: watch::Receiver<u64>,
    /// Others have waited before this one began.
    before: u64,
    has_asked: AtomicBool,
}

impl Turn {
    fn new(crowds: &watch::Sender<u64>) -> Self {
        let before = *crowds.borrow();
        Self { crowds: crowds.subscribe(), before, has_asked: AtomicBool::new(false) }
    }

    /// A request has begun.
    pub(super) fn ask(&self) {
        self.has_asked.store(true, Ordering::Relaxed);
    }

    /// Whether others wait, so that the connection has to close after its answer.
    pub(super) fn is_over(&self) -> bool {
        *self.crowds.borrow() != self.before
    }

    /// Returns when others wait, if the connection has had an answer, or is about to. One without a
    /// request is not closed: its client may already have sent one.
    pub(super) async fn over(&self) {
        let mut crowds = self.crowds.clone();
        while crowds.changed().await.is_ok() {
            if self.has_asked.load(Ordering::Relaxed) {
                return;
            }
        }
        std::future::pending().await
    }
}

fn tell() {
    // Without stderr there is no place for an error.
    let _ = writeln!(
        std::io::stderr().lock(),
        "dev server: more than {MAX} connections at once: further ones wait, and connections close after an answer"
    );
}
