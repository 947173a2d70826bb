//! The allocator of this program: the system's, which also shows each freed block to a lens.
#![allow(unsafe_code, reason = "it stands in for the system's allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Called with every block that is freed.
pub(crate) type Lens = Box<dyn Fn(&[u8]) + Send + Sync>;

pub(crate) struct Watching;

/// Whether there is a lens. Checked first, because most of the time there is none.
static IS_WATCHING: AtomicBool = AtomicBool::new(false);
static LENS: RwLock<Option<Lens>> = RwLock::new(None);

thread_local! {
    /// Whether the lens runs on this thread: its own allocations are not inspected.
    static IS_LOOKING: Cell<bool> = const { Cell::new(false) };
}

/// Installs or removes a lens.
pub(crate) fn set_lens(lens: Option<Lens>) {
    IS_WATCHING.store(false, Ordering::SeqCst);
    let is_watching = lens.is_some();
    let before = std::mem::replace(&mut *LENS.write().unwrap(), lens);
    drop(before);
    IS_WATCHING.store(is_watching, Ordering::SeqCst);
}

fn look(block: *const u8, len: usize) {
    if !IS_WATCHING.load(Ordering::Relaxed) || IS_LOOKING.replace(true) {
        return;
    }
    if let Ok(lens) = LENS.try_read()
        && let Some(lens) = lens.as_ref()
    {
        // SAFETY: the block is allocated, this long, and freed after this; all of it was written
        // once.
        lens(unsafe { std::slice::from_raw_parts(block, len) });
    }
    IS_LOOKING.set(false);
}

// SAFETY: every block comes from the system's allocator and goes back to it with its layout.
unsafe impl GlobalAlloc for Watching {
    /// Zeroed: a block that is not filled would show its earlier content.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        look(block, layout.size());
        unsafe { System.dealloc(block, layout) };
    }

    /// Moves the block each time: the system's allocator may, too.
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let moved =
            unsafe { System.alloc_zeroed(Layout::from_size_align_unchecked(new_size, layout.align())) };
        if !moved.is_null() {
            unsafe {
                ptr::copy_nonoverlapping(block, moved, layout.size().min(new_size));
                self.dealloc(block, layout);
            }
        }
        moved
    }
}
