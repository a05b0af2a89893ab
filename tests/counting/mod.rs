//! An allocator that counts. Whoever uses it is a file of its own, with one test, because it is the process's.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering::Relaxed};

static COUNT: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);
static HELD: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicIsize = AtomicIsize::new(0);

thread_local! {
    /// Only the thread that predicts is counted: the test harness has one that reports slow tests.
    static COUNTED: Cell<bool> = const { Cell::new(false) };
}

fn counted() -> bool {
    COUNTED.try_with(Cell::get).unwrap_or(false)
}

struct Counting;

// SAFETY: everything is the system's allocator's, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if counted() {
            COUNT.fetch_add(1, Relaxed);
            BYTES.fetch_add(layout.size(), Relaxed);
            let size = layout.size() as isize;
            PEAK.fetch_max(HELD.fetch_add(size, Relaxed) + size, Relaxed);
        }
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if counted() {
            HELD.fetch_sub(layout.size() as isize, Relaxed);
        }
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// From here on this thread is counted.
pub fn start() {
    COUNTED.set(true);
}

/// Allocations and bytes so far.
pub fn so_far() -> (usize, usize) {
    (COUNT.load(Relaxed), BYTES.load(Relaxed))
}

/// Bytes that were allocated and not given back; less than 0 when earlier ones were.
pub fn held() -> isize {
    HELD.load(Relaxed)
}

/// The most bytes that were held at once since `forget_peak`.
pub fn peak() -> isize {
    PEAK.load(Relaxed)
}

/// Counts the peak from what is held now.
pub fn forget_peak() {
    PEAK.store(HELD.load(Relaxed), Relaxed);
}
