//! The task that follows a folder: what wakes it, and what ends it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use private_key_jwt::keys::BoxFuture;
use private_key_jwt::observer::{Event, Observer};
use private_key_jwt::rotation::KeyDirectory;
use private_key_jwt::transport::{Clock, SystemClock};
use private_key_jwt::{AuthorizationServer, TokenClient};
use time::OffsetDateTime;
use tokio::sync::{Notify, mpsc};

use super::world::*;

/// Sends the names of keys and files as events come.
struct Channel(mpsc::UnboundedSender<String>);

impl Observer for Channel {
    fn event(&self, event: &Event<'_>) {
        let words = match *event {
            Event::KeyPhaseChanged { key_id, phase, .. } => format!("{key_id} {phase}"),
            Event::KeyFileProblemBegan { file, .. } => format!("{file} began"),
            Event::KeyFileProblemEnded { file, .. } => format!("{file} ended"),
            _ => return,
        };
        let _ = self.0.send(words);
    }
}

/// Waits for an event, within the time in which a change must be seen.
async fn next(events: &mut mpsc::UnboundedReceiver<String>) -> String {
    tokio::time::timeout(Duration::from_secs(2), events.recv()).await.expect("no event").unwrap()
}

#[tokio::test]
async fn a_change_is_seen_within_two_seconds() {
    let world = World::new();
    let (a, b) = (pem(), pem());
    world.write("tls.key", &a.text);
    let (sender, mut events) = mpsc::unbounded_channel();
    // Polling would see it after an hour.
    let builder = KeyDirectory::builder(world.folder.path()).poll_interval(HOUR).observer(Channel(sender));
    let keys = builder.open().await.unwrap();
    assert_eq!(next(&mut events).await, format!("{} active", a.id));
    assert!(keys.status().is_watched);
    world.rename_over("tls.key", &b.text);
    assert_eq!(next(&mut events).await, format!("{} published", b.id));
    world.write("tls.key", "");
    assert_eq!(next(&mut events).await, "tls.key began");
    world.write("tls.key", &b.text);
    assert_eq!(next(&mut events).await, "tls.key ended");
    assert_eq!(active(&keys), a.id);
}

/// A clock whose sleeps end when the test says so. It tells how long each was to be.
#[derive(Clone)]
struct Scripted {
    time: Arc<Mutex<OffsetDateTime>>,
    wake: Arc<Notify>,
    pauses: mpsc::UnboundedSender<Duration>,
    is_held: Arc<()>,
}

impl Clock for Scripted {
    fn now(&self) -> OffsetDateTime {
        *self.time.lock().unwrap()
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        let _ = self.pauses.send(pause);
        Box::pin(self.wake.notified())
    }
}

fn scripted() -> (Scripted, mpsc::UnboundedReceiver<Duration>) {
    let (pauses, slept) = mpsc::unbounded_channel();
    let time = Arc::new(Mutex::new(at(0)));
    (Scripted { time, wake: Arc::default(), pauses, is_held: Arc::default() }, slept)
}

async fn pause(slept: &mut mpsc::UnboundedReceiver<Duration>) -> Duration {
    tokio::time::timeout(Duration::from_secs(20), slept.recv()).await.expect("it does not sleep").unwrap()
}

#[tokio::test]
async fn the_task_sleeps_until_the_next_move_or_poll() {
    let world = World::new();
    let (a, b) = (pem(), pem());
    world.write("a.pem", &a.text);
    world.write("b.pem", &b.text);
    world.write("keys.toml", entry("a.pem", &[]) + &entry("b.pem", &[("publish", 5), ("activate", 600)]));
    let (clock, mut slept) = scripted();
    let (sender, mut events) = mpsc::unbounded_channel();
    let builder = KeyDirectory::builder(world.folder.path()).clock(clock.clone());
    let keys = builder.poll_interval(HOUR / 6).observer(Channel(sender)).open().await.unwrap();
    assert_eq!(next(&mut events).await, format!("{} active", a.id));
    assert_eq!(next(&mut events).await, format!("{} planned", b.id));
    assert_eq!(pause(&mut slept).await, Duration::from_secs(5));
    let pass = |seconds: i64| {
        *clock.time.lock().unwrap() = at(seconds);
        clock.wake.notify_waiters();
    };
    pass(5);
    assert_eq!(next(&mut events).await, format!("{} published", b.id));
    // While it reads, it waits for the next move, too; then for the poll.
    while pause(&mut slept).await != Duration::from_secs(595) {}
    assert_eq!(active(&keys), a.id);
    pass(600);
    let mut moved = [next(&mut events).await, next(&mut events).await];
    moved.sort();
    let mut expected = [format!("{} retiring", a.id), format!("{} active", b.id)];
    expected.sort();
    assert_eq!((moved, active(&keys)), (expected, b.id));
}

#[tokio::test]
async fn the_task_lives_as_long_as_a_client_uses_the_ring_and_no_longer() {
    let world = World::new();
    let a = pem();
    world.write("tls.key", &a.text);
    let (clock, mut slept) = scripted();
    let (sender, mut events) = mpsc::unbounded_channel();
    let is_held = Arc::clone(&clock.is_held);
    let builder = KeyDirectory::builder(world.folder.path()).clock(clock.clone());
    let keys = builder.observer(Channel(sender)).open().await.unwrap();
    drop(clock);
    pause(&mut slept).await;
    let server = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
    let client = TokenClient::new(server, "client", keys.ring()).unwrap();
    drop(keys);
    assert_eq!(next(&mut events).await, format!("{} active", a.id));
    tokio::task::yield_now().await;
    assert!(Arc::strong_count(&is_held) > 1);
    drop(client);
    // The task ends, and with it its channel.
    let ended =
        tokio::time::timeout(Duration::from_secs(20), async { while events.recv().await.is_some() {} });
    ended.await.expect("the task goes on");
    assert_eq!(Arc::strong_count(&is_held), 1);
}

#[test]
fn a_runtime_that_ends_ends_the_task_and_nothing_else() {
    let world = World::new();
    let (a, b) = (pem(), pem());
    world.write("tls.key", &a.text);
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let first = runtime();
    let builder = KeyDirectory::builder(world.folder.path()).clock(SystemClock);
    let keys = first.block_on(builder.open()).unwrap();
    drop(first);
    world.write("tls.key", &b.text);
    check(&keys);
    // It can still be read, in another one.
    runtime().block_on(keys.refresh());
    check(&keys);
    assert_eq!((active(&keys), published(&keys).len()), (a.id, 2));
}
