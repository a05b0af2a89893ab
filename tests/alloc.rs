//! What a steady prediction allocates. A file of its own, with one test, because the allocator is the process's.
#![allow(unsafe_code)]
#![allow(clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering::Relaxed};

use face_predict::{Format, Image, Model, Options, Predictions, Rect, Region};

static COUNT: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);
static HELD: AtomicIsize = AtomicIsize::new(0);

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
            HELD.fetch_add(layout.size() as isize, Relaxed);
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

/// Measured: 50 allocations a call with the first built-in network, all of them the engine's own.
const MOST: usize = 100;

#[test]
fn a_steady_call_allocates_the_same_and_keeps_nothing() {
    let model = Model::load_default().unwrap();
    let (width, height) = (96, 96);
    let pixels: Vec<u8> = (0..width * height * 3).map(|i| (i * 31 % 251) as u8).collect();
    let image = Image::new(Format::Rgb, width, height, &pixels).unwrap();
    let regions = [Region::from_box(Rect::new(10.0, 12.0, 70.0, 75.0))];
    let options = Options::new().regions(&regions);
    let mut out = Predictions::new();
    let mut call = |options: &Options<'_>| {
        let before = (COUNT.load(Relaxed), BYTES.load(Relaxed));
        model.predict_into(&image, options, &mut out).unwrap();
        (COUNT.load(Relaxed) - before.0, BYTES.load(Relaxed) - before.1)
    };
    COUNTED.set(true);
    for _ in 0..3 {
        call(&options);
    }
    let held = HELD.load(Relaxed);
    let first = call(&options);
    for number in 1..10_000 {
        let this = call(&options);
        assert_eq!(this, first, "call {number} allocates otherwise (allocations, bytes)");
    }
    let grown = HELD.load(Relaxed) - held;
    println!("{} allocations, {} bytes a call, {grown} bytes kept by 10,000", first.0, first.1);
    assert_eq!(grown, 0, "bytes kept by 10,000 calls");
    assert!(first.0 <= MOST, "{} allocations a call", first.0);
    // Whatever is left is the network's: cutting the face and keeping the answer allocate nothing.
    let faces_alone = options.skip_age(true).skip_gender(true);
    call(&faces_alone);
    assert_eq!(call(&faces_alone), (0, 0), "without the network (allocations, bytes)");
}
