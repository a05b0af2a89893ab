//! An allocator that counts. It is the allocator of the whole process, so each user of it is a file with one test.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering::Relaxed};

static COUNT: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);
static HELD: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicIsize = AtomicIsize::new(0);

thread_local! {
    /// Only the thread that predicts is counted, because the test harness has one that reports slow tests.
    static COUNTED: Cell<bool> = const { Cell::new(false) };
}

fn counted() -> bool {
    COUNTED.try_with(Cell::get).unwrap_or(false)
}

struct Counting;

// SAFETY: everything is passed to the system's allocator, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if counted() {
            COUNT.fetch_add(1, Relaxed);
            BYTES.fetch_add(layout.size(), Relaxed);
            let size = layout.size() as isize;
            PEAK.fetch_max(HELD.fetch_add(size, Relaxed) + size, Relaxed);
        }
        // SAFETY: the caller promises it.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if counted() {
            HELD.fetch_sub(layout.size() as isize, Relaxed);
        }
        // SAFETY: the caller promises it.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// From here on the system's allocator maps each block of 64 KB or more by itself, and unmaps it when it is freed.
/// Otherwise glibc keeps large blocks in its heap once one was freed, and the heap grows by a megabyte at random.
pub fn map_large_blocks() {
    // SAFETY: it changes a number of the allocator.
    #[cfg(target_env = "gnu")]
    assert_eq!(unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, 64 * 1024) }, 1);
}

/// From here on this thread is counted.
pub fn start() {
    COUNTED.set(true);
}

/// Returns the allocations and bytes so far.
pub fn so_far() -> (usize, usize) {
    (COUNT.load(Relaxed), BYTES.load(Relaxed))
}

/// Returns the bytes that were allocated and not given back. It is less than 0 if earlier ones were given back.
pub fn held() -> isize {
    HELD.load(Relaxed)
}

/// Returns the most bytes that were held at once since `forget_peak`.
pub fn peak() -> isize {
    PEAK.load(Relaxed)
}

/// Counts the peak from what is held now.
pub fn forget_peak() {
    PEAK.store(HELD.load(Relaxed), Relaxed);
}
