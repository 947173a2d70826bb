//! Calls at a steady rate, and their results.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::pin;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

/// Further calls wait.
const MOST_IN_FLIGHT: usize = 200;
/// A call that takes longer than this after the load hangs: its deadline is 30 s.
const AT_LAST: Duration = Duration::from_secs(60);

/// The results of all calls.
pub struct Outcome<E> {
    pub errors: Vec<E>,
    /// How long each call took.
    times: Vec<Duration>,
    /// How long the calls began.
    duration: Duration,
}

impl<E> Default for Outcome<E> {
    fn default() -> Self {
        Self { errors: Vec::new(), times: Vec::new(), duration: Duration::ZERO }
    }
}

impl<E> Outcome<E> {
    pub fn add(&mut self, time: Duration, error: Option<E>) {
        self.times.push(time);
        self.errors.extend(error);
    }

    /// Sets how long the calls began.
    pub fn lasted(&mut self, duration: Duration) {
        self.duration = duration;
    }

    pub fn calls(&self) -> usize {
        self.times.len()
    }

    /// Calls a second.
    #[allow(clippy::cast_precision_loss)]
    pub fn rate(&self) -> f64 {
        self.calls() as f64 / self.duration.as_secs_f64()
    }
}

impl<E: fmt::Display> fmt::Display for Outcome<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut times, seconds) = (self.times.clone(), self.duration.as_secs_f64());
        times.sort_unstable();
        write!(f, "{} calls in {seconds:.1} s, {:.0} a second, ", times.len(), self.rate())?;
        write!(f, "{} failed", self.errors.len())?;
        if let Some(longest) = times.last() {
            let [half, most] = [50, 99].map(|percent| times[(times.len() - 1) * percent / 100]);
            write!(f, "; {half:.1?} for half of them, {most:.1?} for 99 %, {longest:.1?} at the longest")?;
        }
        let mut texts = BTreeMap::<String, usize>::new();
        for error in &self.errors {
            *texts.entry(error.to_string()).or_default() += 1;
        }
        texts.iter().try_for_each(|(text, count)| write!(f, "; {count} times `{text}`"))
    }
}

/// Calls this many times a second until the work is done, in a task for each call, and waits for
/// all of them.
pub async fn during<T, E: Send + 'static, C>(
    work: impl Future<Output = T>,
    per_second: u32,
    call: impl Fn() -> C,
) -> (T, Outcome<E>)
where
    C: Future<Output = Result<(), E>> + Send + 'static,
{
    let mut work = pin!(work);
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / per_second);
    let (mut calls, mut outcome, began) = (JoinSet::new(), Outcome::default(), Instant::now());
    let done = loop {
        tokio::select! {
            biased;
            done = &mut work => break done,
            Some(ended) = calls.join_next() => {
                let (time, error) = ended.unwrap();
                outcome.add(time, error);
            }
            _ = ticks.tick(), if calls.len() < MOST_IN_FLIGHT => {
                let call = call();
                calls.spawn(async move {
                    let began = Instant::now();
                    let result = call.await;
                    (began.elapsed(), result.err())
                });
            }
        }
    };
    outcome.lasted(began.elapsed());
    let rest = async {
        while let Some(ended) = calls.join_next().await {
            let (time, error) = ended.unwrap();
            outcome.add(time, error);
        }
    };
    tokio::time::timeout(AT_LAST, rest).await.expect("a call hangs");
    (done, outcome)
}
