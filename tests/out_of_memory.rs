//! If memory runs out while a network loads or runs, there is an error for it, and the next call works.
#![allow(clippy::unwrap_used, unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use face_predict::{
    ErrorKind, Format, Image, Model, ModelOptions, Options, Predictions, Task, Workspace,
};
use onnx::{Onnx, Value};
use prost::Message;
use small::{SIDE, YEARS, numbers};

#[allow(dead_code)]
mod onnx;
#[allow(dead_code)]
mod small;

thread_local! {
    /// The largest block that this thread gets.
    static LIMIT: Cell<usize> = const { Cell::new(usize::MAX) };
}

struct Limited;

// SAFETY: everything is passed to the system's allocator, which keeps the contract. An allocator refuses with null.
unsafe impl GlobalAlloc for Limited {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > LIMIT.try_with(Cell::get).unwrap_or(usize::MAX) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller promises it.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller promises it.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Limited = Limited;

fn limited<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    LIMIT.set(bytes);
    let done = work();
    LIMIT.set(usize::MAX);
    done
}

/// Returns a model file with one 3 x 3 convolution behind `before`, which makes a wire of `channels` channels of the
/// picture.
fn file(channels: usize, before: impl FnOnce(&mut Onnx, String) -> String) -> Vec<u8> {
    let mut graph = Onnx::default();
    let image = graph.input(&[1, 3, SIDE, SIDE]);
    let wire = before(&mut graph, image);
    let weights = graph.constant(&[channels, channels, 3, 3], &numbers(channels * channels * 9));
    let wire = graph.node("Conv", &[&wire, &weights], &[("pads", Value::Ints(vec![1; 4]))]);
    let wire = graph.node("GlobalAveragePool", &[&wire], &[]);
    let wire = graph.node("Flatten", &[&wire], &[]);
    let weights = graph.constant(&[channels, YEARS], &numbers(channels * YEARS));
    let wire = graph.node("MatMul", &[&wire, &weights], &[]);
    graph.output(&wire);
    small::finish(graph, Task::Age).encode_to_vec()
}

/// The weights have 2.4 MB, and 9.4 MB once they are transformed.
fn heavy() -> Vec<u8> {
    file(256, |graph, image| {
        let weights = graph.constant(&[256, 3, 1, 1], &numbers(3 * 256));
        graph.node("Conv", &[&image, &weights], &[])
    })
}

/// There is a map of 3 x 1024 x 1024 in between, which has 12.6 MB.
fn wide() -> Vec<u8> {
    file(3, |graph, image| {
        let scales = graph.constant(&[4], &[1.0, 1.0, 32.0, 32.0]);
        graph.node("Resize", &[&image, "", &scales], &[])
    })
}

const LIMIT_BYTES: usize = 8 << 20;

#[test]
fn memory_that_runs_out_while_a_network_loads() {
    for (what, bytes, plain) in
        [("weights", heavy(), false), ("maps", wide(), false), ("maps", wide(), true)]
    {
        let options = ModelOptions::new().plain_convolutions(plain);
        let error = limited(LIMIT_BYTES, || Model::load_bytes(&bytes, &options)).expect_err(what);
        assert_eq!(error.kind(), ErrorKind::OutOfMemory, "{what}: {error}");
        println!("{what}: {error}");
        Model::load_bytes(&bytes, &options).expect("memory is there again");
    }
}

#[test]
fn memory_that_runs_out_while_a_network_runs() {
    let pixels: Vec<u8> = (0..SIDE * SIDE * 3).map(|i| (i % 251) as u8).collect();
    let image = Image::new(Format::Rgb, SIDE, SIDE, &pixels).unwrap();
    let options = Options::new().cropped(true).skip_gender(true);
    for plain in [false, true] {
        let loading = ModelOptions::new().plain_convolutions(plain);
        let model = Model::load_bytes(&wide(), &loading).unwrap();
        let (mut workspace, mut predictions) = (Workspace::new(), Predictions::new());
        model.predict_into(&image, &options, &mut workspace, &mut predictions).unwrap();
        let before = predictions.face(0).unwrap().age().unwrap().mean();
        let error = limited(LIMIT_BYTES, || {
            model.predict_into(&image, &options, &mut workspace, &mut predictions)
        })
        .expect_err("a map of 12 MB");
        assert_eq!(error.kind(), ErrorKind::OutOfMemory, "{error}");
        println!("{error}");
        model.predict_into(&image, &options, &mut workspace, &mut predictions).unwrap();
        assert_eq!(predictions.face(0).unwrap().age().unwrap().mean(), before);
    }
}

/// The engine panics if memory is short. A Rust program that uses the library must not find that on its stderr.
#[test]
fn a_panic_that_is_caught_prints_nothing() {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    // Without `--nocapture` the harness would take what a panic prints.
    let output = command
        .args(["--exact", "memory_that_runs_out_while_a_network_loads", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert!(said.contains("maps: "), "nothing ran out: {said}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// A panic of the program itself is still printed.
#[test]
fn panics_of_others_are_still_told() {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    static TOLD: AtomicBool = AtomicBool::new(false);
    std::panic::set_hook(Box::new(|_| TOLD.store(true, Relaxed)));
    Model::load_bytes(&small::bytes(Task::Age), &ModelOptions::new()).unwrap();
    let panicked = std::thread::spawn(|| panic!("of the program's own")).join();
    assert!(panicked.is_err() && TOLD.load(Relaxed));
}
