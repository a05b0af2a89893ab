//! Tries many changed pictures and models, from fixed seeds. No signal is raised, nothing is written to stderr, none
//! takes more than 2 seconds, and memory is bounded.
//!
//! `FACE_PREDICT_HOSTILE=full cargo test --release --workspace --test hostile_files -- --nocapture` tries 10,000
//! pictures and 2,000 models. Without it, each hundredth picture and each twentieth model is tried.
#![allow(clippy::unwrap_used, unsafe_code)]

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::io::Cursor;
use std::process::Command;
use std::ptr::{null, null_mut};

use face_predict::Task;
use face_predict::ffi::*;
use numbers::Numbers;
use prost::Message;

#[path = "../crates/jpeg/tests/mutate/mod.rs"]
mod changed;
mod numbers;
#[allow(dead_code)]
mod onnx;
#[allow(dead_code)]
mod small;

const PICTURES: usize = 10_000;
const MODELS: usize = 2_000;
/// The seconds of processor time that one file may take.
const SLOWEST: f64 = 2.0;
/// The megabytes that one file may take in addition to what the process had. Pictures have at most a megapixel here.
const MOST_MB: u64 = 512;

/// Returns the files that are changed: right pictures of each format, of about 40 x 40 pixels, and the JPEGs of
/// crates/jpeg.
fn pictures() -> Vec<Vec<u8>> {
    use image::ImageFormat::{Bmp, Jpeg, Png, WebP};

    let shade = |x: u32, y: u32| image::Rgb([(x * 6) as u8, (y * 6) as u8, (x * y) as u8]);
    let picture = image::RgbImage::from_fn(40, 40, shade);
    let gray = image::DynamicImage::from(picture.clone()).to_luma16();
    let mut seeds = Vec::new();
    for format in [Png, Jpeg, WebP, Bmp] {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        seeds.push(bytes.into_inner());
    }
    let mut bytes = Cursor::new(Vec::new());
    gray.write_to(&mut bytes, Png).unwrap();
    seeds.push(bytes.into_inner());
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/jpeg/tests/cases");
    for name in ["420", "separate_restarts", "progressive", "progressive_restarts", "ycck"] {
        seeds.push(std::fs::read(format!("{folder}/{name}.jpg")).unwrap());
    }
    seeds
}

/// Returns networks of each task, with the operators of the tests.
fn models() -> Vec<Vec<u8>> {
    let mut seeds: Vec<_> =
        [Task::AgeGender, Task::Age, Task::Gender].into_iter().map(small::bytes).collect();
    seeds.push(small::detector().encode_to_vec());
    let deeper = small::graph_around(Task::Age, |graph, wire| {
        let weights = graph.constant(&[8, 8, 3, 3], &small::numbers(8 * 72));
        let pads = [("pads", onnx::Value::Ints(vec![1; 4]))];
        let conv = graph.node("Conv", &[&wire, &weights], &pads);
        let positive = graph.relu(&conv);
        graph.add(&wire, &positive)
    });
    seeds.push(small::finish(deeper, Task::Age).encode_to_vec());
    seeds
}

fn clock() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the place is writable.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Returns the largest number of megabytes that this process has had in memory.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

struct Tried {
    statuses: BTreeMap<String, usize>,
    slowest: (f64, usize),
}

/// Tries each of `numbers`. They are the same for every share that is tried.
fn try_all(count: usize, each: usize, seeds: &[Vec<u8>], one: impl Fn(&[u8]) -> i32) -> Tried {
    let mut tried = Tried { statuses: BTreeMap::new(), slowest: (0.0, 0) };
    for number in (0..count).step_by(each) {
        let mut random = Numbers(number as u64 * 7919 + 1);
        let seed = &seeds[number / 7 % seeds.len()];
        let bytes = changed::mutate(|end| random.below(end), seed, 200);
        let start = clock();
        let status = one(&bytes);
        let seconds = clock() - start;
        assert_ne!(status, FACE_PREDICT_ERROR_INTERNAL, "number {number}");
        // SAFETY: the text is static.
        let name = unsafe { CStr::from_ptr(face_predict_status_name(status)) };
        *tried.statuses.entry(name.to_string_lossy().into_owned()).or_default() += 1;
        if seconds > tried.slowest.0 {
            tried.slowest = (seconds, number);
        }
    }
    tried
}

/// Does the work in a child, whose end, output and memory are checked from outside.
fn in_child(what: &str, count: usize, share: usize, work: impl FnOnce(usize) -> Tried) {
    const CHILD: &str = "FACE_PREDICT_HOSTILE_CHILD";
    let full = std::env::var_os("FACE_PREDICT_HOSTILE").is_some();
    let each = if full { 1 } else { share };
    if std::env::var_os(CHILD).is_some() {
        let before = peak();
        let Tried { statuses, slowest: (seconds, number) } = work(each);
        let tried: usize = statuses.values().sum();
        println!("{tried} of {count} {what}: {statuses:?}");
        println!("slowest: number {number} with {seconds:.3} s; {} MB at most", peak() - before);
        assert!(seconds < SLOWEST, "number {number} takes {seconds} s");
        assert!(peak() - before < MOST_MB, "{} MB", peak() - before);
        return;
    }
    let test = format!("mutated_{what}");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &test, "--nocapture"]).env(CHILD, "1");
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, complained) = (text(&output.stdout), text(&output.stderr));
    said.lines()
        .filter(|line| line.contains(" of ") || line.contains("slowest"))
        .for_each(|line| println!("{line}"));
    assert!(output.status.success(), "{}\n{said}\n{complained}", output.status);
    assert!(said.contains("1 passed"), "{said}");
    assert_eq!(complained, "", "something was printed");
}

#[test]
fn mutated_pictures() {
    in_child("pictures", PICTURES, 100, |each| {
        // SAFETY: zero is a valid value of every field.
        let mut options = unsafe { std::mem::zeroed::<face_predict_model_options>() };
        options.struct_size = size_of_val(&options) as u32;
        options.max_pixels = 1 << 20;
        let (mut model, result) = (null_mut(), face_predict_result_new());
        // SAFETY: the options are valid, and there is a place for the model.
        let status = unsafe { face_predict_model_load_default(&options, &mut model) };
        assert_eq!(status, FACE_PREDICT_OK);
        let tried = try_all(PICTURES, each, &pictures(), |bytes| {
            // SAFETY: the handles are alive, and the bytes are valid.
            unsafe {
                face_predict_encoded(model, bytes.as_ptr().cast(), bytes.len(), null(), result)
            }
        });
        // SAFETY: it is freed once.
        unsafe {
            face_predict_result_free(result);
            face_predict_model_free(model);
        }
        tried
    });
}

#[test]
fn mutated_models() {
    in_child("models", MODELS, 20, |each| {
        let pixels: Vec<u8> = (0..32 * 32).map(|i| (i * 37 % 251) as u8).collect();
        let result = face_predict_result_new();
        let tried = try_all(MODELS, each, &models(), |bytes| {
            let mut model = null_mut();
            // SAFETY: the bytes are valid, and there is a place for the model.
            let status = unsafe {
                face_predict_model_load_memory(
                    bytes.as_ptr().cast(),
                    bytes.len(),
                    null(),
                    &mut model,
                )
            };
            if status != FACE_PREDICT_OK {
                return status;
            }
            // SAFETY: zero is a valid value of every field.
            let mut image = unsafe { std::mem::zeroed::<face_predict_image>() };
            image.struct_size = size_of_val(&image) as u32;
            image.format = FACE_PREDICT_FORMAT_GRAY;
            (image.width, image.height) = (32, 32);
            image.planes[0] = pixels.as_ptr().cast();
            image.sizes[0] = pixels.len();
            // SAFETY: the handles are alive, and are freed once.
            unsafe {
                let status = face_predict(model, &image, null(), result);
                face_predict_model_free(model);
                status
            }
        });
        // SAFETY: it is freed once.
        unsafe { face_predict_result_free(result) };
        tried
    });
}
