//! Inspects the memory that is freed while a closure runs.

use std::backtrace::Backtrace;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::allocator::set_lens;
use crate::known;
use crate::marks::Marks;

/// One test at a time: the lens sees the whole program.
static TURN: Mutex<()> = Mutex::new(());

/// A freed block with a part of a secret in it.
pub(crate) struct Leak {
    pub(crate) secret: String,
    pub(crate) len: usize,
    /// The functions that led to it, the innermost first.
    pub(crate) functions: Vec<String>,
}

/// A test's turn. Drop everything that contains secrets before it ends.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The leaks while the closure runs. It may free secrets only through the crate.
pub(crate) fn leaks(_turn: &MutexGuard<'static, ()>, marks: &Arc<Marks>, work: impl FnOnce()) -> Vec<Leak> {
    // A marked block of each secret shows that the lens sees it.
    let planted = marks.secrets().to_vec();
    let count = planted.len();
    let seen = look(marks, || drop(planted), false);
    assert_eq!(seen.len(), count, "the detector is blind");
    look(marks, work, true)
}

/// Fails if there is a leak that is not [known](known::is_known).
#[track_caller]
pub(crate) fn is_clean(turn: &MutexGuard<'static, ()>, what: &str, marks: &Arc<Marks>, work: impl FnOnce()) {
    report(what, leaks(turn, marks, work));
}

#[track_caller]
fn report(what: &str, leaks: Vec<Leak>) {
    let mut text = String::new();
    let mut shown = std::collections::HashSet::new();
    const SERVERS: [&str; 2] = ["freed_memory::client::Echo as", "freed_memory::connections::serve"];
    let is_of_server =
        |leak: &&Leak| leak.functions.iter().any(|name| SERVERS.iter().any(|server| name.contains(server)));
    let is_known = |leak: &&Leak| is_of_server(leak) || known::is_known(&leak.functions);
    for leak in leaks.iter().filter(|leak| !is_known(leak)) {
        let way = leak.functions[..leak.functions.len().min(28)].join("\n    < ");
        if shown.insert((leak.secret.clone(), way.clone())) {
            let _ = writeln!(text, "\n  {} in {} freed bytes:\n    {way}", leak.secret, leak.len);
        }
    }
    assert!(text.is_empty(), "{what}: secrets in freed memory{text}");
}

fn look(marks: &Arc<Marks>, work: impl FnOnce(), with_trace: bool) -> Vec<Leak> {
    type Found = (String, usize, Option<Backtrace>);
    let found: Arc<Mutex<Vec<Found>>> = Arc::default();
    let (seen, marks) = (Arc::clone(&found), Arc::clone(marks));
    set_lens(Some(Box::new(move |block| {
        if let Some((secret, len)) = marks.find(block) {
            let trace = with_trace.then(Backtrace::force_capture);
            let secret = format!("{len} bytes of {secret}");
            seen.lock().unwrap().push((secret, block.len(), trace));
        }
    })));
    let done = catch_unwind(AssertUnwindSafe(work));
    set_lens(None);
    done.unwrap_or_else(|panic| resume_unwind(panic));
    let found = std::mem::take(&mut *found.lock().unwrap());
    let leak = |(secret, len, trace): Found| Leak {
        secret,
        len,
        functions: trace.map(|trace| functions(&trace)).unwrap_or_default(),
    };
    found.into_iter().map(leak).collect()
}

/// The content of a block, and how it was freed.
type Block = (Vec<u8>, Backtrace);

/// The blocks that were freed while a closure ran whose secrets are known only afterwards.
pub(crate) struct Recording {
    blocks: Vec<Block>,
}

/// Records every block that is freed. For code that frees few.
pub(crate) fn record(_turn: &MutexGuard<'static, ()>, work: impl FnOnce()) -> Recording {
    let recorded: Arc<Mutex<Vec<Block>>> = Arc::default();
    let kept = Arc::clone(&recorded);
    set_lens(Some(Box::new(move |block| {
        if block.len() >= crate::marks::PIECE && block.iter().any(|byte| *byte != 0) {
            kept.lock().unwrap().push((block.to_vec(), Backtrace::force_capture()));
        }
    })));
    let done = catch_unwind(AssertUnwindSafe(work));
    set_lens(None);
    done.unwrap_or_else(|panic| resume_unwind(panic));
    let blocks = std::mem::take(&mut *recorded.lock().unwrap());
    Recording { blocks }
}

impl Recording {
    /// The leaks of these secrets.
    pub(crate) fn leaks(&self, marks: &Marks) -> Vec<Leak> {
        let leak = |(block, trace): &Block| {
            let (secret, len) = marks.find(block)?;
            let secret = format!("{len} bytes of {secret}");
            Some(Leak { secret, len: block.len(), functions: functions(trace) })
        };
        self.blocks.iter().filter_map(leak).collect()
    }

    /// Fails if there is a leak that is not [known](known::is_known).
    #[track_caller]
    pub(crate) fn is_clean(&self, what: &str, marks: &Marks) {
        report(what, self.leaks(marks));
    }
}

/// The names in a backtrace, from the function that freed on.
fn functions(trace: &Backtrace) -> Vec<String> {
    let text = trace.to_string();
    let named = text.lines().filter_map(|line| {
        let (number, name) = line.trim_start().split_once(": ")?;
        number.parse::<usize>().ok().map(|_| name.to_owned())
    });
    let all: Vec<String> = named.collect();
    let first = all.iter().rposition(|name| name.contains("freed_memory::allocator")).map_or(0, |at| at + 1);
    all[first..].to_vec()
}
