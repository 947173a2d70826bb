use std::future::{pending, ready};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use tokio::sync::oneshot;

use super::*;

const LIMIT: Duration = Duration::from_secs(70);
const SECOND: Duration = Duration::from_secs(1);
const PAUSE: Pause = Pause { serving: Duration::from_secs(4), waiting: SECOND };

fn at(milliseconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap() + time::Duration::milliseconds(milliseconds)
}

mod decisions {
    use super::*;

    /// The fetches of a server, without their requests.
    struct Fetches(Server, State<Server>);

    impl Fetches {
        fn new() -> Self {
            Self(Server::new(always(Ok(0))), State::new())
        }

        /// After a fetch at 0 that failed.
        fn failing() -> Self {
            let mut fetches = Self::new();
            let first = fetches.begin(0);
            assert_eq!(fetches.failed(&first, Some(0)), Some(PAUSE));
            fetches
        }

        fn begin(&mut self, milliseconds: i64) -> Flight<Server> {
            self.1.begin(None, at(milliseconds)).1
        }

        fn succeeded(&mut self, flight: &Flight<Server>) {
            self.1.succeeded(flight.generation);
        }

        fn failed(&mut self, flight: &Flight<Server>, milliseconds: Option<i64>) -> Option<Pause> {
            self.1.failed(&self.0, flight, milliseconds.map(|now| (&"down", at(now))))
        }

        fn is_late(&self, flight: &Flight<Server>) -> bool {
            self.1.is_late(flight.generation)
        }

        fn decide(&self, phase: Phase, milliseconds: i64) -> Decision {
            self.1.decide(phase, false, LIMIT, at(milliseconds))
        }

        fn newer(&self, milliseconds: i64) -> Decision {
            self.1.decide(Phase::Over, true, 30 * SECOND, at(milliseconds))
        }
    }

    #[test]
    fn one_fetch_at_a_time_and_only_when_there_is_need() {
        let mut fetches = Fetches::new();
        assert_eq!(fetches.decide(Phase::Fresh, 0), Decision::Serve);
        assert_eq!(fetches.decide(Phase::Ageing, 0), Decision::Fetch);
        assert_eq!(fetches.decide(Phase::Over, 0), Decision::Fetch);
        let first = fetches.begin(0);
        assert_eq!(fetches.decide(Phase::Fresh, 1), Decision::Serve);
        assert_eq!(fetches.decide(Phase::Ageing, 1), Decision::Serve);
        assert_eq!(fetches.decide(Phase::Over, 1), Decision::Wait);
        fetches.succeeded(&first);
        // A value that was over when it came.
        assert_eq!(fetches.decide(Phase::Over, 1), Decision::Fetch);
    }

    #[test]
    fn a_failure_pauses_as_long_as_its_policy_says_and_a_success_forgets_it() {
        let mut fetches = Fetches::failing();
        for (phase, milliseconds, expected) in [
            (Phase::Fresh, 0, Decision::Serve),
            (Phase::Ageing, 3999, Decision::Serve),
            (Phase::Ageing, 4000, Decision::Fetch),
            (Phase::Over, 999, Decision::Refuse),
            (Phase::Over, 1000, Decision::Fetch),
        ] {
            assert_eq!(fetches.decide(phase, milliseconds), expected, "{phase:?} {milliseconds}");
        }
        for expected in [2, 3] {
            let next = fetches.begin(0);
            fetches.failed(&next, Some(0));
            assert_eq!((fetches.1.failures, fetches.1.error), (expected, Some("down")));
        }
        let last = fetches.begin(0);
        fetches.succeeded(&last);
        let State { generation, succeeded, began, flight, failures, pause, error } = fetches.1;
        assert_eq!((generation, succeeded, began), (last.generation, last.generation, Some(at(0))));
        assert_eq!((flight.is_none(), failures, pause, error), (true, 0, None, None));
    }

    #[test]
    fn a_newer_value_is_fetched_once_in_a_while_whatever_the_last_fetch_was_for() {
        let mut fetches = Fetches::new();
        assert_eq!(fetches.newer(0), Decision::Fetch);
        let first = fetches.begin(0);
        assert_eq!(fetches.newer(1), Decision::Wait);
        fetches.succeeded(&first);
        for (now, expected) in [
            (29_999, Decision::Refuse),
            (-29_999, Decision::Refuse),
            (30_000, Decision::Fetch),
            (-30_000, Decision::Fetch),
        ] {
            assert_eq!(fetches.newer(now), expected, "{now}");
        }
        // A failed fetch counts, too.
        let second = fetches.begin(30_000);
        fetches.failed(&second, Some(30_001));
        assert_eq!(fetches.newer(59_999), Decision::Refuse);
        assert_eq!(fetches.newer(60_000), Decision::Fetch);
    }

    #[test]
    fn a_value_that_comes_after_a_later_one_is_late() {
        let mut fetches = Fetches::new();
        let (first, second) = (fetches.begin(0), fetches.begin(1));
        fetches.succeeded(&second);
        let third = fetches.begin(2);
        assert!(fetches.is_late(&first) && !fetches.is_late(&third));
        fetches.succeeded(&first);
        assert!(fetches.is_late(&first));
        assert_eq!(fetches.decide(Phase::Over, 2), Decision::Wait);
    }

    #[test]
    fn a_fetch_that_is_never_heard_of_again_blocks_nothing() {
        let mut fetches = Fetches::new();
        let first = fetches.begin(0);
        assert_eq!(fetches.decide(Phase::Over, 69_999), Decision::Wait);
        assert_eq!(fetches.decide(Phase::Over, 70_000), Decision::Fetch);
        let second = fetches.begin(70_000);
        // Its late outcome does not end the next one.
        assert_eq!(fetches.failed(&first, Some(70_001)), None);
        fetches.failed(&first, None);
        assert_eq!(fetches.decide(Phase::Over, 70_001), Decision::Wait);
        fetches.failed(&second, None);
        assert_eq!(fetches.decide(Phase::Over, 70_001), Decision::Fetch);
        // The pause counts from its start.
        assert_eq!(fetches.decide(Phase::Ageing, 73_999), Decision::Serve);
        assert_eq!(fetches.decide(Phase::Ageing, 74_000), Decision::Fetch);
        // It is lost once.
        fetches.failed(&second, None);
        assert_eq!(fetches.1.failures, 1);
    }

    #[test]
    fn a_clock_that_is_set_back_prolongs_no_pause() {
        let fetches = Fetches::failing();
        assert_eq!(fetches.decide(Phase::Over, -999), Decision::Refuse);
        assert_eq!(fetches.decide(Phase::Over, -1000), Decision::Fetch);
        let mut fetches = Fetches::new();
        fetches.begin(0);
        assert_eq!(fetches.decide(Phase::Over, -69_999), Decision::Wait);
        assert_eq!(fetches.decide(Phase::Over, -70_000), Decision::Fetch);
    }
}

type Answer = Result<i64, &'static str>;
type Answers = Box<dyn Fn(usize) -> BoxFuture<'static, Answer> + Send + Sync>;

/// A value is the time until which it is fresh, in milliseconds. It serves for ten more seconds.
struct Values {
    refreshing: Refreshing<Server>,
    now: Arc<Time>,
    fetches: AtomicUsize,
    answers: Mutex<Answers>,
    logged: Mutex<Vec<(&'static str, Duration)>>,
}

#[derive(Clone)]
struct Server(Arc<Values>);

impl Server {
    fn new(answers: impl Fn(usize) -> BoxFuture<'static, Answer> + Send + Sync + 'static) -> Self {
        let now = Arc::new(Time(AtomicI64::new(0)));
        Self(Arc::new(Values {
            refreshing: Refreshing::new(None, Arc::clone(&now) as _),
            now,
            fetches: AtomicUsize::new(0),
            answers: Mutex::new(Box::new(answers)),
            logged: Mutex::default(),
        }))
    }

    fn answers(&self, answers: impl Fn(usize) -> BoxFuture<'static, Answer> + Send + Sync + 'static) {
        *self.0.answers.lock().unwrap() = Box::new(answers);
    }

    /// The next fetch waits for this.
    fn next(&self) -> oneshot::Sender<Answer> {
        let (sender, receiver) = oneshot::channel();
        let receiver = Mutex::new(Some(receiver));
        self.answers(move |_| {
            let receiver = receiver.lock().unwrap().take().unwrap();
            Box::pin(async { receiver.await.unwrap() })
        });
        sender
    }

    fn set(&self, milliseconds: i64) {
        self.0.now.0.store(milliseconds, Ordering::SeqCst);
    }

    fn fetches(&self) -> usize {
        self.0.fetches.load(Ordering::SeqCst)
    }

    async fn get(&self) -> Result<i64, &'static str> {
        Refreshing::get(self).await.map(|held| *held)
    }

    fn spawn(&self) -> tokio::task::JoinHandle<Result<i64, &'static str>> {
        let server = self.clone();
        tokio::spawn(async move { server.get().await })
    }

    fn fetch(&self) -> BoxFuture<'static, Answer> {
        let number = self.0.fetches.fetch_add(1, Ordering::SeqCst) + 1;
        (self.0.answers.lock().unwrap())(number)
    }
}

impl Source for Server {
    type Value = i64;
    type Answer = Answer;
    type Error = &'static str;

    fn refreshing(&self) -> &Refreshing<Self> {
        &self.0.refreshing
    }

    fn limit(&self) -> Duration {
        LIMIT
    }

    fn phase(&self, value: &i64, now: OffsetDateTime) -> Phase {
        match now {
            _ if now < at(*value) => Phase::Fresh,
            _ if now < at(value + 10_000) => Phase::Ageing,
            _ => Phase::Over,
        }
    }

    fn window(&self, _: &i64) -> Duration {
        10 * SECOND
    }

    fn fetch(
        &self,
        _: Option<Arc<i64>>,
        _: OffsetDateTime,
    ) -> Result<BoxFuture<'static, Answer>, &'static str> {
        let server = self.clone();
        Ok(Box::pin(async move { Self::fetch(&server).await }))
    }

    fn read(&self, answer: Answer, _: bool, _: OffsetDateTime) -> Answer {
        answer
    }

    fn pause(&self, failure: &Failure<'_, &'static str>) -> Pause {
        let failed = failure.error.is_some() && failure.window.is_none();
        Pause { waiting: if failed { PAUSE.waiting } else { Duration::ZERO }, ..PAUSE }
    }

    fn lost() -> &'static str {
        "lost"
    }

    fn failed(&self, error: &&'static str, pause: Duration, serves: bool) {
        if serves {
            self.0.logged.lock().unwrap().push((error, pause));
        }
    }
}

struct Time(AtomicI64);

impl Clock for Time {
    fn now(&self) -> OffsetDateTime {
        at(self.0.load(Ordering::SeqCst))
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn poll<T>(call: impl Future<Output = T>) -> Poll<T> {
    pin!(call).poll(&mut Context::from_waker(Waker::noop()))
}

async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

fn always(answer: Answer) -> impl Fn(usize) -> BoxFuture<'static, Answer> + Send + Sync + 'static {
    move |_| Box::pin(ready(answer))
}

#[tokio::test]
async fn many_callers_wait_for_one_fetch_and_any_of_them_may_go_away() {
    let server = Server::new(always(Ok(0)));
    let answer = server.next();
    let callers: Vec<_> = (0..20).map(|_| server.spawn()).collect();
    settle().await;
    for caller in callers.iter().step_by(2) {
        caller.abort();
    }
    answer.send(Ok(1000)).unwrap();
    for (number, caller) in callers.into_iter().enumerate() {
        match caller.await {
            Ok(value) => assert_eq!(value, Ok(1000)),
            Err(error) => assert!(error.is_cancelled() && number % 2 == 0),
        }
    }
    assert_eq!(server.fetches(), 1);
}

#[tokio::test]
async fn an_ageing_value_serves_while_it_is_refreshed_and_while_that_fails() {
    let server = Server::new(always(Ok(1000)));
    assert_eq!(server.get().await, Ok(1000));
    server.set(1000);
    server.answers(always(Err("down")));
    for (now, fetches) in [(1000, 2), (4999, 2), (5000, 3)] {
        server.set(now);
        assert_eq!(server.get().await, Ok(1000), "{now}");
        settle().await;
        assert_eq!(server.fetches(), fetches, "{now}");
    }
    assert_eq!(*server.0.logged.lock().unwrap(), [("down", PAUSE.serving); 2]);
    // Over: the fetch for it is another.
    server.set(11_000);
    assert_eq!(server.get().await, Err("down"));
    assert_eq!(server.get().await, Err("down"));
    assert_eq!((server.fetches(), server.0.refreshing.error()), (4, Some("down")));
    server.set(12_000);
    server.answers(always(Ok(20_000)));
    assert_eq!(server.get().await, Ok(20_000));
    assert_eq!((server.fetches(), server.0.refreshing.error()), (5, None));
}

#[tokio::test]
async fn who_comes_to_wait_for_a_background_fetch_that_fails_gets_another() {
    let server = Server::new(always(Ok(1000)));
    server.get().await.unwrap();
    let answer = server.next();
    server.set(1000);
    assert_eq!(server.get().await, Ok(1000));
    settle().await;
    server.set(11_000);
    let waiting = server.spawn();
    settle().await;
    server.answers(always(Ok(20_000)));
    answer.send(Err("down")).unwrap();
    assert_eq!(waiting.await.unwrap(), Ok(20_000));
    assert_eq!(server.fetches(), 3);
}

#[tokio::test]
async fn a_slow_old_answer_takes_the_place_of_nothing_newer() {
    let server = Server::new(always(Ok(0)));
    let slow = server.next();
    let waiting = server.spawn();
    settle().await;
    server.set(70_000);
    server.answers(always(Ok(100_000)));
    assert_eq!(server.get().await, Ok(100_000));
    slow.send(Ok(90_000)).unwrap();
    assert_eq!(waiting.await.unwrap(), Ok(100_000));
    assert_eq!(server.get().await, Ok(100_000));
    // Nor does an old failure.
    server.set(110_000);
    let slow = server.next();
    let waiting = server.spawn();
    settle().await;
    server.set(180_000);
    server.answers(always(Ok(200_000)));
    assert_eq!(server.get().await, Ok(200_000));
    slow.send(Err("down")).unwrap();
    assert_eq!(waiting.await.unwrap(), Err("down"));
    assert_eq!(server.0.refreshing.error(), None);
}

#[tokio::test]
async fn a_newer_value_than_the_cached_one_is_waited_for() {
    let server = Server::new(always(Ok(1_000_000)));
    let first = Refreshing::get(&server).await.unwrap();
    let other = Arc::new(0);
    assert!(Arc::ptr_eq(&Refreshing::newer(&server, &other).await.unwrap(), &first), "it is there");
    assert_eq!(Refreshing::newer(&server, &first).await.unwrap_err(), None);
    server.set(70_000);
    assert!(!Arc::ptr_eq(&Refreshing::newer(&server, &first).await.unwrap(), &first));
    assert_eq!(server.fetches(), 2);
}

#[tokio::test]
async fn a_value_that_is_dropped_is_fetched_again() {
    let server = Server::new(always(Ok(1000)));
    server.get().await.unwrap();
    assert!(!server.0.refreshing.drop_if(|value| *value == 7));
    assert!(server.0.refreshing.drop_if(|value| *value == 1000));
    assert!(!server.0.refreshing.drop_if(|_| true));
    assert_eq!(server.get().await, Ok(1000));
    assert_eq!(server.fetches(), 2);
}

#[tokio::test]
async fn a_fresh_value_is_read_while_the_state_is_locked() {
    let server = Server::new(always(Ok(1000)));
    server.get().await.unwrap();
    let _locked = server.0.refreshing.state();
    assert_eq!(server.0.refreshing.held().as_deref(), Some(&1000));
}

#[tokio::test]
async fn a_fetch_that_panics_is_lost_and_tried_once_more() {
    let server = Server::new(|_| Box::pin(async { panic!("on purpose") }));
    assert_eq!(server.get().await, Err("lost"));
    assert_eq!(server.fetches(), 2);
}

#[test]
fn a_fetch_is_lost_with_its_runtime_and_waiters_elsewhere_start_another() {
    let server = Server::new(|_| Box::pin(pending()));
    let first = runtime();
    first.block_on(async {
        server.spawn();
        settle().await;
    });
    runtime().block_on(async {
        let waiting = server.spawn();
        settle().await;
        server.answers(always(Ok(1000)));
        drop(std::thread::spawn(move || drop(first)).join());
        assert_eq!(waiting.await.unwrap(), Ok(1000));
    });
    assert_eq!(server.fetches(), 2);
}

#[test]
fn a_runtime_that_stands_still_is_given_up_and_one_that_shuts_down_is_no_endless_loop() {
    let server = Server::new(|_| Box::pin(pending()));
    let first = runtime();
    first.block_on(async {
        server.spawn();
        settle().await;
    });
    server.answers(always(Ok(1000)));
    let second =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    assert_eq!(second.block_on(server.get()), Ok(1000));
    server.set(11_000);
    let handle = second.handle().clone();
    drop(second);
    let _entered = handle.enter();
    assert_eq!(poll(server.get()), Poll::Ready(Err("lost")));
    assert_eq!(server.fetches(), 2);
}

#[test]
fn without_a_runtime_nothing_is_fetched_and_a_value_serves_until_it_is_over() {
    let server = Server::new(always(Ok(1000)));
    assert_eq!(poll(server.get()), Poll::Ready(Err("lost")));
    assert_eq!(runtime().block_on(server.get()), Ok(1000));
    server.set(1000);
    assert_eq!(poll(server.get()), Poll::Ready(Ok(1000)));
    // Nor does it wait for a fetch elsewhere.
    server.set(11_000);
    server.answers(|_| Box::pin(pending()));
    let elsewhere = runtime();
    elsewhere.block_on(async {
        server.spawn();
        settle().await;
    });
    assert_eq!(poll(server.get()), Poll::Ready(Err("lost")));
    assert_eq!(server.fetches(), 2);
}
