//! Reads, decides and applies, one at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::decide::{Decision, Happened, State};
use super::notices::Notices;
use super::settings::Settings;
use crate::jose::error::shown;
use crate::keys::{KeyRing, WeakKeyRing};
use crate::observer::{Event, Observer, emit};
use crate::rotation::plan::{Phase, Plan};
use crate::rotation::read::{Reader, Reading};
use crate::rotation::status::KeyDirectoryStatus;
use crate::transport::Clock;

pub(super) struct Shared {
    settings: Arc<Settings>,
    pub(super) clock: Arc<dyn Clock>,
    observer: Option<Arc<dyn Observer>>,
    folder: String,
    /// The ring keeps the watch alive, and not the other way round.
    ring: WeakKeyRing,
    /// One refresh at a time. It stays with a read that takes long.
    turn: tokio::sync::Mutex<()>,
    reader: Mutex<Reader>,
    known: Mutex<Known>,
    is_watching: bool,
    notices: Mutex<Option<Notices>>,
    is_watched: AtomicBool,
    /// A file of the folder changed.
    pub(super) changes: Arc<Notify>,
}

/// What is known about the folder.
struct Known {
    state: State,
    reading: Reading,
    read_at: OffsetDateTime,
    decided_at: Option<OffsetDateTime>,
    due: Option<OffsetDateTime>,
    /// Events that are not reported yet.
    happened: Vec<Happened>,
}

impl Shared {
    pub(super) fn new(
        settings: Settings,
        clock: Arc<dyn Clock>,
        observer: Option<Arc<dyn Observer>>,
        ring: &KeyRing,
        is_watching: bool,
    ) -> Self {
        let settings = Arc::new(settings);
        let known = Known {
            state: State::default(),
            reading: Reading::default(),
            read_at: clock.now(),
            decided_at: None,
            due: None,
            happened: Vec::new(),
        };
        Self {
            folder: shown(&settings.folder.to_string_lossy(), 256),
            reader: Mutex::new(Reader::new(Arc::clone(&settings))),
            settings,
            clock,
            observer,
            ring: ring.downgrade(),
            turn: tokio::sync::Mutex::new(()),
            known: Mutex::new(known),
            is_watching,
            notices: Mutex::new(None),
            is_watched: AtomicBool::new(false),
            changes: Arc::new(Notify::new()),
        }
    }

    /// Reads the folder, and brings the ring in step with it. `false` while the runtime shuts down.
    pub(super) async fn refresh(self: &Arc<Self>) -> bool {
        let _turn = self.turn.lock().await;
        let is_done = self.on_a_thread(Self::read).await;
        self.report();
        is_done
    }

    /// Brings the ring in step with the time, without a look at the folder, which may take long.
    pub(super) async fn advance(self: &Arc<Self>) {
        self.on_a_thread(|shared| shared.apply(None)).await;
        self.report();
    }

    /// How long nothing happens by the plan; at most the poll interval.
    pub(super) fn pause(&self) -> Duration {
        let due = lock(&self.known).due;
        let until = due.map(|due| Duration::try_from(due - self.clock.now()).unwrap_or_default());
        until.map_or(self.settings.poll_interval, |until| until.min(self.settings.poll_interval))
    }

    pub(super) fn status(&self) -> KeyDirectoryStatus {
        let known = lock(&self.known);
        KeyDirectoryStatus {
            folder: self.folder.clone(),
            source: known.state.source(),
            is_watched: self.is_watched.load(Ordering::Relaxed),
            read_at: known.read_at,
            keys: known.state.keys(),
            problems: known.state.problems(),
        }
    }

    pub(super) fn plan(&self) -> Plan {
        lock(&self.known).state.plan()
    }

    /// Works on a thread that may block, if there is a runtime.
    async fn on_a_thread(self: &Arc<Self>, work: impl FnOnce(&Self) + Send + 'static) -> bool {
        let Ok(runtime) = Handle::try_current() else {
            work(self);
            return true;
        };
        let shared = Arc::clone(self);
        match runtime.spawn_blocking(move || work(&shared)).await {
            Ok(()) => true,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => false,
        }
    }

    fn read(&self) {
        // First, so that no change is missed.
        if self.is_watching {
            let mut notices = lock(&self.notices);
            *notices = Notices::of(&self.settings.folder, notices.take(), &self.changes);
            self.is_watched.store(notices.is_some(), Ordering::Relaxed);
        }
        let reading = lock(&self.reader).read(self.clock.now());
        lock(&self.known).read_at = self.clock.now();
        self.apply(reading);
    }

    /// Decides, unless nothing was read and nothing is due.
    fn apply(&self, reading: Option<Reading>) {
        let mut known = lock(&self.known);
        let now = self.clock.now();
        let is_due = known.decided_at.is_none_or(|at| now < at) || known.due.is_some_and(|due| due <= now);
        match reading {
            Some(reading) => known.reading = reading,
            None if !is_due => return,
            None => {}
        }
        let (state, decision) = known.state.decide(&known.reading, &self.settings, now);
        let Decision { keys, propagation, happened, due } = decision;
        known.state = state;
        (known.due, known.decided_at) = (due, Some(now));
        known.happened.extend(happened);
        if let Some(ring) = self.ring.upgrade() {
            // In the order of decisions, so that a former one does not win.
            ring.with_propagation(propagation).replace(keys);
        }
    }

    /// Reports events in their order. No lock is held while foreign code runs.
    fn report(&self) {
        let happened = std::mem::take(&mut lock(&self.known).happened);
        let folder = self.folder.as_str();
        for happened in &happened {
            let event = match happened {
                Happened::Entered { file, key_id, previous, phase } => Event::KeyPhaseChanged {
                    folder,
                    file,
                    key_id,
                    previous: previous.map(Phase::as_str),
                    phase: phase.as_str(),
                },
                Happened::Began(problem) => {
                    Event::KeyFileProblemBegan { folder, file: &problem.file, error: &*problem.reason }
                }
                Happened::Ended(problem, duration) => Event::KeyFileProblemEnded {
                    folder,
                    file: &problem.file,
                    error: &*problem.reason,
                    duration: *duration,
                },
                Happened::Expiring { file, key_id, remaining } => {
                    Event::CertificateExpiring { folder, file, key_id, remaining: *remaining }
                }
            };
            emit(&event, self.observer.as_ref(), None);
        }
    }
}

/// Every step leaves a consistent value, so a panic elsewhere does not invalidate it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
