//! Lets every allocation fail in turn, through the C interface. The call returns a status, nothing leaks, and the next
//! call works.
#![allow(clippy::unwrap_used, unsafe_code)]

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::path::Path;
use std::ptr::null;
use std::sync::Mutex;

use face_predict::Task;
use face_predict::ffi::*;
use prost::Message;

mod failing;
#[allow(dead_code)]
mod onnx;
#[allow(dead_code)]
mod portrait;
#[allow(dead_code)]
mod small;

use failing::{
    Fate, Names, crate_of, each_allocation_fails, end_child, held, is_child, status_of_child,
    with_at_most,
};

/// What a child reports with its exit code. With 0 the call failed as it should, or did not need the memory.
const WRONG_STATUS: i32 = 2;
const NEXT_CALL_FAILS: i32 = 3;
const LEAK: i32 = 4;

/// The files on disk that the calls read.
struct Files {
    _folder: tempfile::TempDir,
    models: Vec<CString>,
    png: CString,
    jpeg: CString,
}

impl Files {
    fn new(models: &[&[u8]]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            c_path(&path)
        };
        let picture = image::open(portrait::path()).unwrap().thumbnail(64, 64).into_rgb8();
        let encoded = |format| {
            let mut bytes = std::io::Cursor::new(Vec::new());
            picture.write_to(&mut bytes, format).unwrap();
            bytes.into_inner()
        };
        let png = write("a.png", &encoded(image::ImageFormat::Png));
        let jpeg = write("a.jpg", &encoded(image::ImageFormat::Jpeg));
        let named = models.iter().enumerate();
        let models = named.map(|(i, bytes)| write(&format!("{i}.onnx"), bytes)).collect();
        Self { _folder: folder, models, png, jpeg }
    }
}

fn c_path(path: &Path) -> CString {
    CString::new(path.to_str().unwrap()).unwrap()
}

/// A handle that is freed with its owner.
struct Loaded(*mut face_predict_model);
struct Result_(*mut face_predict_result);
struct Tracker(*mut face_predict_tracker);

impl Loaded {
    fn new(files: &Files) -> Result<Self, i32> {
        let paths: Vec<_> = files.models.iter().map(|path| path.as_ptr()).collect();
        let mut model = std::ptr::null_mut();
        // SAFETY: there are as many paths as stated, and a place for the model.
        let status = unsafe {
            face_predict_model_load_files(paths.as_ptr(), paths.len(), null(), &mut model)
        };
        ok(status).map(|()| Self(model))
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        // SAFETY: the handle comes from the library, and is freed once.
        unsafe { face_predict_model_free(self.0) }
    }
}

impl Result_ {
    fn new() -> Result<Self, i32> {
        let result = face_predict_result_new();
        if result.is_null() { Err(FACE_PREDICT_ERROR_OUT_OF_MEMORY) } else { Ok(Self(result)) }
    }

    /// Returns the number of faces, and the age of the first.
    fn answer(&self) -> (usize, f32) {
        // SAFETY: the handle is alive, and the struct has that size.
        unsafe {
            let count = face_predict_result_count(self.0);
            let mut face = std::mem::zeroed::<face_predict_face>();
            if count > 0 {
                let status = face_predict_result_face(self.0, 0, &mut face, size_of_val(&face));
                assert_eq!(status, FACE_PREDICT_OK);
            }
            (count, face.age)
        }
    }
}

impl Drop for Result_ {
    fn drop(&mut self) {
        // SAFETY: the handle comes from the library, and is freed once.
        unsafe { face_predict_result_free(self.0) }
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        // SAFETY: the handle comes from the library, and is freed once.
        unsafe { face_predict_tracker_free(self.0) }
    }
}

fn ok(status: i32) -> Result<(), i32> {
    if status == FACE_PREDICT_OK { Ok(()) } else { Err(status) }
}

const SIDE: u32 = 64;

fn frame(pixels: &[u8]) -> face_predict_image {
    // SAFETY: zero is a valid value of every field.
    let mut image = unsafe { std::mem::zeroed::<face_predict_image>() };
    image.struct_size = size_of_val(&image) as u32;
    image.format = FACE_PREDICT_FORMAT_RGB;
    (image.width, image.height) = (SIDE, SIDE);
    image.planes[0] = pixels.as_ptr().cast();
    image.sizes[0] = pixels.len();
    image
}

/// Faces with any score count, because the small detector gives low ones.
fn options() -> face_predict_options {
    // SAFETY: zero is a valid value of every field.
    let mut options = unsafe { std::mem::zeroed::<face_predict_options>() };
    options.struct_size = size_of_val(&options) as u32;
    options.min_score = 0.1;
    options.max_faces = 2;
    options
}

type Answer = (usize, f32);

/// The objects that a call works with. They exist before memory runs out.
struct Scene<'a> {
    files: &'a Files,
    pixels: &'a [u8],
    model: Loaded,
    results: Vec<Result_>,
    tracker: Tracker,
    time_us: Cell<i64>,
}

impl<'a> Scene<'a> {
    fn new(files: &'a Files, pixels: &'a [u8]) -> Result<Self, i32> {
        let model = Loaded::new(files)?;
        let results = (0..3).map(|_| Result_::new()).collect::<Result<_, _>>()?;
        let mut tracker = std::ptr::null_mut();
        // SAFETY: the handle is alive, and there is a place for the tracker.
        ok(unsafe { face_predict_tracker_new(model.0, null(), &mut tracker) })?;
        let tracker = Tracker(tracker);
        Ok(Self { files, pixels, model, results, tracker, time_us: Cell::new(0) })
    }

    fn answers(&self) -> Vec<Answer> {
        self.results.iter().map(Result_::answer).collect()
    }
}

type Call = fn(&Scene<'_>) -> Result<Vec<Answer>, i32>;

fn load(scene: &Scene<'_>) -> Result<Vec<Answer>, i32> {
    Loaded::new(scene.files)?;
    Ok(Vec::new())
}

fn file(scene: &Scene<'_>, path: &CString) -> Result<Vec<Answer>, i32> {
    // SAFETY: the handles are alive, and the path and options are valid.
    ok(unsafe { face_predict_file(scene.model.0, path.as_ptr(), &options(), scene.results[0].0) })?;
    Ok(vec![scene.results[0].answer()])
}

fn on_frame(scene: &Scene<'_>) -> Result<Vec<Answer>, i32> {
    let image = frame(scene.pixels);
    // SAFETY: the handles are alive, and the picture and options are valid.
    ok(unsafe { face_predict(scene.model.0, &image, &options(), scene.results[0].0) })?;
    Ok(vec![scene.results[0].answer()])
}

/// All handles except the model are new.
fn first_frame(scene: &Scene<'_>) -> Result<Vec<Answer>, i32> {
    let (image, result) = (frame(scene.pixels), Result_::new()?);
    // SAFETY: the handles are alive, and the picture and options are valid.
    ok(unsafe { face_predict(scene.model.0, &image, &options(), result.0) })?;
    Ok(vec![result.answer()])
}

fn batch(scene: &Scene<'_>) -> Result<Vec<Answer>, i32> {
    let image = frame(scene.pixels);
    let images = [&raw const image; 3];
    let out: [_; 3] = std::array::from_fn(|index| scene.results[index].0);
    // SAFETY: there are as many pictures and results as stated.
    ok(unsafe {
        face_predict_batch(scene.model.0, images.as_ptr(), 3, &options(), 1, out.as_ptr())
    })?;
    Ok(scene.answers())
}

/// Runs a new tracker and one that has seen frames.
fn tracker(scene: &Scene<'_>) -> Result<Vec<Answer>, i32> {
    let (image, result) = (frame(scene.pixels), &scene.results[0]);
    let mut tracker = std::ptr::null_mut();
    // SAFETY: the handle is alive, and there is a place for the tracker.
    ok(unsafe { face_predict_tracker_new(scene.model.0, null(), &mut tracker) })?;
    let tracker = Tracker(tracker);
    let mut answers = Vec::new();
    // A failed update leaves the tracker unchanged, so the same time is valid once more.
    for (tracker, time) in [(&tracker, 0), (&scene.tracker, scene.time_us.get())] {
        // SAFETY: the handles are alive, and the picture and options are valid.
        ok(unsafe { face_predict_tracker_update(tracker.0, &image, time, &options(), result.0) })?;
        answers.push(result.answer());
    }
    scene.time_us.set(scene.time_us.get() + 40_000);
    Ok(answers)
}

const CALLS: [(&str, Call); 7] = [
    ("load", load),
    ("a PNG file", |scene| file(scene, &scene.files.png)),
    ("a JPEG file", |scene| file(scene, &scene.files.jpeg)),
    ("the first frame", first_frame),
    ("a frame", on_frame),
    ("a batch", batch),
    ("a tracker", tracker),
];

/// Tries each allocation of a call.
fn each(name: &str, call: Call, files: &Files, pixels: &[u8]) -> Vec<Fate> {
    // Afterwards everything exists that is made once a process.
    drop(Scene::new(files, pixels).unwrap());
    let before = held();
    let scene = Scene::new(files, pixels).unwrap();
    // This is often enough that a tracker's average no longer moves by more than rounding.
    call(&scene).unwrap();
    let expected = call(&scene).unwrap();
    assert!(expected.iter().all(|(count, _)| *count > 0), "{name}: no face");
    let same = |answers: &[Answer]| {
        let near = |(a, b): (&Answer, &Answer)| a.0 == b.0 && (a.1 - b.1).abs() < 0.01;
        answers.len() == expected.len() && answers.iter().zip(&expected).all(near)
    };
    let (done, fates) = each_allocation_fails(|| call(&scene));
    if !is_child() {
        assert!(same(&done.unwrap()), "{name}");
        return fates;
    }
    let right = match &done {
        Ok(answers) => same(answers),
        Err(status) => *status == FACE_PREDICT_ERROR_OUT_OF_MEMORY,
    };
    if !right {
        end_child(WRONG_STATUS);
    }
    if !call(&scene).is_ok_and(|answers| same(&answers)) {
        end_child(NEXT_CALL_FAILS);
    }
    drop((done, scene, expected));
    // The thread's last message stays allocated.
    let message = 4096;
    end_child(if held() - before > message { LEAK } else { 0 });
}

/// Counts of aborts by the function that allocated, and a line for everything else that is wrong.
#[derive(Default)]
struct Tally {
    tried: usize,
    aborts: BTreeMap<String, (usize, usize)>,
    faults: Vec<String>,
    /// The functions of this library that ended the process while it predicted.
    ours: BTreeSet<String>,
}

impl Tally {
    fn add(&mut self, names: &Names, name: &str, fates: &[Fate]) {
        self.tried += fates.len();
        for fate in fates.iter().filter(|fate| fate.status != 0) {
            let owner = names.owner(fate);
            if libc::WIFSIGNALED(fate.status) && libc::WTERMSIG(fate.status) == libc::SIGABRT {
                let entry = self.aborts.entry(owner).or_default();
                *entry = (entry.0 + 1, entry.1.max(fate.bytes));
                continue;
            }
            let what = match libc::WIFEXITED(fate.status).then(|| libc::WEXITSTATUS(fate.status)) {
                Some(WRONG_STATUS) => "another status than OUT_OF_MEMORY".to_owned(),
                Some(NEXT_CALL_FAILS) => "the next call fails".to_owned(),
                Some(LEAK) => "memory is lost".to_owned(),
                _ => format!("ends with status {:#x}", fate.status),
            };
            let Fate { number, bytes, .. } = fate;
            self.faults
                .push(format!("{name}, allocation {number}, {bytes} bytes, {owner}: {what}"));
        }
    }

    fn print(&self) {
        let aborts: usize = self.aborts.values().map(|(count, _)| count).sum();
        println!("{} allocations failed in turn, {aborts} ended the process", self.tried);
        let mut crates = BTreeMap::<String, (usize, usize)>::new();
        for (owner, (count, bytes)) in &self.aborts {
            let entry = crates.entry(crate_of(owner)).or_default();
            *entry = (entry.0 + count, entry.1.max(*bytes));
            println!("    {count} of at most {bytes} bytes: {owner}");
        }
        for (name, (count, bytes)) in crates {
            println!("{name}: {count}, of at most {bytes} bytes");
        }
        self.faults.iter().for_each(|fault| println!("{fault}"));
    }
}

/// The largest block whose failure may end the process. Blocks that grow with a picture or a network fail with a
/// status.
const SMALL: usize = 64 << 10;

fn pixels() -> Vec<u8> {
    image::open(portrait::path()).unwrap().thumbnail(SIDE, SIDE).into_rgb8().into_raw()
}

fn small_files() -> Files {
    let detector = small::detector().encode_to_vec();
    Files::new(&[&small::bytes(Task::AgeGender), &detector])
}

/// Both tests fork, and neither may do so while the other is inside an allocation.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A process that is about to end need not print where.
fn no_backtraces() {
    // SAFETY: the harness's other thread waits.
    unsafe { std::env::set_var("RUST_BACKTRACE", "0") };
}

#[test]
fn every_allocation_fails_in_turn() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|e| e.into_inner());
    no_backtraces();
    let (files, pixels) = (small_files(), pixels());
    let mut tally = Tally::default();
    let names = Names::of_this_program();
    for (name, call) in CALLS {
        let fates = each(name, call, &files, &pixels);
        println!("{name}: {} allocations", fates.len());
        let before = tally.aborts.clone();
        tally.add(&names, name, &fates);
        if name != "load" {
            for (owner, entry) in tally.aborts.iter().filter(|(owner, _)| is_ours(owner)) {
                if before.get(owner) != Some(entry) {
                    println!("{name}: {owner}");
                    tally.ours.insert(owner.clone());
                }
            }
        }
    }
    tally.print();
    assert!(tally.faults.is_empty());
    let largest = tally.aborts.values().map(|(_, bytes)| *bytes).max();
    assert!(largest <= Some(SMALL), "a block of {largest:?} bytes ends the process");
    // These are our own allocations after loading: those of std::thread::scope, and short lists of the JPEG decoder.
    let known =
        |owner: &&String| owner.contains("run_on_threads") || owner.contains("face_predict_jpeg::");
    let ours: Vec<_> = tally.ours.iter().filter(|owner| !known(owner)).collect();
    assert!(ours.is_empty(), "of our own: {ours:?}");
}

fn is_ours(owner: &str) -> bool {
    crate_of(owner).starts_with("face_predict")
}

/// The kilobytes that are left for messages in any case.
const LEAST: usize = 16;

/// In practice memory runs out because only a certain amount is available. Then each call works or returns an error,
/// because it asks beforehand for memory whose lack would end the process.
#[test]
fn memory_runs_out_at_every_place() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|e| e.into_inner());
    no_backtraces();
    let (files, pixels) = (small_files(), pixels());
    drop(Scene::new(&files, &pixels).unwrap());
    let mut aborts = Vec::new();
    for (name, call) in CALLS {
        let scene = Scene::new(&files, &pixels).unwrap();
        let mut outcomes = [0; 2];
        for kilobytes in (LEAST..8 << 10).step_by(80) {
            let status = status_of_child(|| {
                let done = with_at_most(kilobytes << 10, || call(&scene));
                match (done, call(&scene)) {
                    (_, Err(_)) => NEXT_CALL_FAILS,
                    (Ok(_), _) => 0,
                    (Err(FACE_PREDICT_ERROR_OUT_OF_MEMORY), _) => 1,
                    _ => WRONG_STATUS,
                }
            });
            match libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)) {
                Some(code @ (0 | 1)) => outcomes[code as usize] += 1,
                _ => aborts.push(format!("{name} with {kilobytes} KB: status {status:#x}")),
            }
        }
        let [works, says_so] = outcomes;
        println!("{name}: {says_so} times OUT_OF_MEMORY, {works} times an answer");
        assert!(works > 0 && says_so > 0, "{name}");
    }
    assert!(aborts.is_empty(), "{aborts:#?}");
}
