//! Tests the C interface from C and C++, with every compiler here, and with static and dynamic linking. The programs
//! are the header alone, the beginner's program, tests/c and the examples.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, OnceLock};

use face_predict::Task;

#[allow(dead_code)]
mod bombs;
#[allow(dead_code)]
mod onnx;
#[allow(dead_code)]
mod portrait;
#[allow(dead_code)]
mod small;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-Wpedantic"];

/// These are the libraries that a static library of Rust needs, as `cargo rustc -- --print native-static-libs` lists
/// them. libgcc is left out, because compilers add it in the form that fits: -lgcc_s does not exist for `-static`. The
/// last line is there because one object of tract lacks the note that it needs no executable stack.
const SYSTEM_LIBRARIES: [&str; 6] = ["-lutil", "-lrt", "-lpthread", "-lm", "-ldl", "-lc"];
const NO_EXECUTABLE_STACK: &str = "-Wl,-z,noexecstack";

/// Returns the folder with both libraries. It is the folder of this test, because `cargo test` does not renew the
/// libraries of `cargo build`.
fn libraries() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let folder = test.parent().expect("a folder").to_owned();
    let built = |path: &Path| {
        fs::metadata(path).and_then(|m| m.modified()).unwrap_or_else(|e| panic!("{path:?}: {e}"))
    };
    let sources =
        ["src/ffi/error.rs", "src/ffi/model.rs", "src/ffi/result.rs", "src/predict/pipeline.rs"];
    for name in ["libface_predict.a", "libface_predict.so"] {
        for source in sources.map(|source| Path::new(ROOT).join(source)) {
            assert!(built(&folder.join(name)) >= built(&source), "{name} is older than {source:?}");
        }
    }
    folder
}

/// Returns a folder that the tests and scripts/test/sanitizers.sh share.
fn work() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c_abi");
    fs::create_dir_all(&folder).expect("the target folder is writable");
    folder
}

/// Returns the folder with pictures and models for the C programs. They are written once.
fn inputs() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = work().join("inputs");
        fs::create_dir_all(&folder).expect("a folder");
        let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).expect(name);
        let picture = image::open(portrait::path()).expect("the portrait").into_rgb8();
        write("portrait.png", &fs::read(portrait::path()).expect("the portrait"));
        write("portrait.rgb", picture.as_raw());
        for name in ["portrait.jpg", "portrait.webp", "portrait.bmp"] {
            picture.save(folder.join(name)).expect(name);
        }
        let crop = image::imageops::crop_imm(&picture, 160, 50, 128, 160).to_image();
        crop.save(folder.join("crop.png")).expect("crop.png");
        write("text.txt", b"just text, no picture and no model\n");
        write("empty", b"");
        write("huge_dimensions.png", &bombs::png(60_000, 60_000, 1000, 0));
        write("huge_dimensions.bmp", &bombs::bmp(60_000, 60_000));
        write("inflating.png", &bombs::png(8000, 8000, 8001 * 8000, 0));
        write("inflating_data.png", &bombs::png(16, 16, 1 << 30, 0));
        write("inflating_profile.png", &bombs::png(16, 16, 17 * 16, 1 << 30));
        write_models(&write);
        folder
    })
}

fn write_models(write: &impl Fn(&str, &[u8])) {
    use prost::Message;

    write("age.onnx", &small::bytes(Task::Age));
    write("gender.onnx", &small::bytes(Task::Gender));
    let changed = |key: &str, value: Option<&str>| {
        let mut props = small::metadata(Task::AgeGender).to_props().expect("right metadata");
        match value {
            Some(value) => {
                let prop = props.iter_mut().find(|(k, _)| k == key).expect("a known key");
                prop.1 = value.into();
            }
            None => props.retain(|(k, _)| k != key),
        }
        let mut proto = small::proto(Task::AgeGender);
        small::set_props(&mut proto, &props);
        proto.encode_to_vec()
    };
    write("other_task.onnx", &changed("face_predict.task", Some("landmarks")));
    write("other_contract.onnx", &changed("face_predict.contract", Some("2")));
    write("no_contract.onnx", &changed("face_predict.contract", None));
    let mut metadata = small::metadata(Task::AgeGender);
    (metadata.input.width, metadata.input.height) = (48, 48);
    let mut proto = small::proto(Task::AgeGender);
    small::set_props(&mut proto, &metadata.to_props().expect("right metadata"));
    write("other_size.onnx", &proto.encode_to_vec());
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Link {
    /// Only this library is linked statically.
    Static,
    /// C's own library is static, too.
    AllStatic,
    Shared,
}

/// Returns the compilers of C and C++ on this machine. gcc is required. clang is in CI, and may be missing elsewhere.
fn compilers() -> Vec<(&'static str, &'static str)> {
    let pairs = [("gcc", "g++"), ("clang", "clang++")];
    let here = |name: &str| Command::new(name).arg("--version").output().is_ok();
    let found = pairs.into_iter().filter(|(c, cpp)| {
        let both = here(c) && here(cpp);
        if !both {
            let missing = format!("{c} and {cpp} are not installed");
            assert!(std::env::var_os("CI").is_none(), "{missing}");
            println!("skipped: {missing}");
        }
        both
    });
    let found: Vec<_> = found.collect();
    assert!(found.contains(&pairs[0]), "gcc and g++ are needed");
    found
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Returns the command of a compiler with the header and all warnings. The name of the source decides whether it is C
/// or C++.
fn compiler((c, cpp): (&str, &str), source: &Path) -> Command {
    let is_c = source.extension().is_some_and(|e| e == "c");
    let mut command = Command::new(if is_c { c } else { cpp });
    command.args(WARNINGS).arg(if is_c { "-std=c99" } else { "-std=c++17" });
    command.arg("-I").arg(Path::new(ROOT).join("include"));
    if ["threads.c", "signals.c", "everything.c"].iter().any(|name| source.ends_with(name)) {
        command.arg("-pthread");
    }
    command.arg(source);
    command
}

/// Builds a program once, although several tests run it, and returns its path.
fn build(compilers: (&str, &str), source: &Path, link: Link) -> PathBuf {
    static BUILT: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let name = source.file_stem().expect("a name").to_string_lossy();
    let language = source.extension().expect("a language").to_string_lossy();
    let out = work().join(format!("{name}_{language}_{}_{link:?}", compilers.0));
    // The lock is held meanwhile, because a program cannot be written while another test runs it.
    let mut built = BUILT.lock().unwrap_or_else(|e| e.into_inner());
    if built.contains(&out) {
        return out;
    }
    let mut command = compiler(compilers, source);
    command.arg("-o").arg(&out);
    match link {
        Link::Static | Link::AllStatic => {
            command.args((link == Link::AllStatic).then_some("-static"));
            command.arg(libraries().join("libface_predict.a"));
            command.args(SYSTEM_LIBRARIES).arg(NO_EXECUTABLE_STACK);
        }
        Link::Shared => {
            let folder = shared_library();
            command.arg("-L").arg(&folder).arg("-lface_predict").arg("-lm");
            command.arg(format!("-Wl,-rpath,{}", folder.display()));
        }
    }
    run(&mut command);
    built.insert(out.clone());
    out
}

/// Returns a folder with the shared library under the names that linking and running need.
fn shared_library() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let make = || {
        let folder = work().join("lib");
        // The links of an earlier build would point elsewhere.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        for name in ["libface_predict.so", "libface_predict.so.0"] {
            let library = libraries().join("libface_predict.so");
            std::os::unix::fs::symlink(library, folder.join(name)).expect("a link");
        }
        folder
    };
    FOLDER.get_or_init(make).clone()
}

/// Builds a program in every way, and calls `each` with each result.
fn for_every_build(source: &Path, each: impl Fn(&Path)) {
    for compilers in compilers() {
        for link in [Link::Static, Link::Shared] {
            each(&build(compilers, source, link));
        }
    }
}

fn source(name: &str) -> PathBuf {
    Path::new(ROOT).join(name)
}

/// Runs a program that prints nothing if everything is right.
fn runs_silently(command: &mut Command) {
    let output = run(command);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(text(&output.stdout) + &text(&output.stderr), "", "{command:?} printed something");
}

#[test]
fn the_header_stands_alone_and_twice_in_c_and_cpp() {
    let cpp = work().join("header.cpp");
    fs::copy(source("tests/c/header.c"), &cpp).expect("a copy");
    for compilers in compilers() {
        for source in [source("tests/c/header.c"), cpp.clone()] {
            run(compiler(compilers, &source).arg("-fsyntax-only"));
        }
    }
}

#[test]
fn the_beginners_program_in_the_header_runs() {
    let header = fs::read_to_string(source("include/face_predict.h")).expect("the header");
    let comment = header.split("*/").next().expect("an opening comment");
    let program: String = comment
        .lines()
        .skip_while(|line| !line.contains("#include <face_predict.h>"))
        .take_while(|line| !line.contains("OWNERSHIP"))
        .map(|line| {
            line.trim_start_matches(" *").strip_prefix("   ").unwrap_or("").to_owned() + "\n"
        })
        .collect();
    assert!(program.contains("int main"), "no program in the header:\n{program}");
    let path = work().join("from_header.c");
    fs::write(&path, program.trim_end().to_owned() + "\n").expect("a source");
    let portrait = portrait::path();
    for_every_build(&path, |program| {
        let output = run(Command::new(program).arg(&portrait));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(text.starts_with("age ") && text.contains(", female "), "{text}");
        let failed = Command::new(program).arg("missing.jpg").output().expect("runs");
        assert!(!failed.status.success());
        assert!(String::from_utf8_lossy(&failed.stderr).contains("missing.jpg cannot be read"));
    });
}

#[test]
fn right_programs() {
    for_every_build(&source("tests/c/test.c"), |program| {
        runs_silently(Command::new(program).arg(inputs()));
    });
}

#[test]
fn wrong_programs_and_hostile_files() {
    for_every_build(&source("tests/c/misuse.c"), |program| {
        // The bombs unpack to a gibibyte. A smaller address space shows whether a call unpacks them.
        let limited = "ulimit -v 1000000; exec \"$0\" \"$1\"";
        runs_silently(Command::new("sh").arg("-c").arg(limited).arg(program).arg(inputs()));
    });
}

#[test]
fn programs_without_any_shared_library() {
    for compilers in compilers() {
        let program = build(compilers, &source("examples/c/hello.c"), Link::AllStatic);
        let output = run(Command::new(&program).arg(portrait::path()));
        assert!(String::from_utf8_lossy(&output.stdout).starts_with("age "), "{output:?}");
        // The program needs no loader, because nothing in it is dynamic.
        let headers = run(Command::new("readelf").arg("--program-headers").arg(&program));
        assert!(!String::from_utf8_lossy(&headers.stdout).contains("INTERP"), "{program:?}");
    }
}

#[test]
fn hosts_that_trap_floating_point_exceptions() {
    for_every_build(&source("tests/c/traps.c"), |program| {
        runs_silently(Command::new(program).arg(inputs()));
    });
}

#[test]
fn unloading_and_loading_again_takes_no_more_memory() {
    for compilers in compilers() {
        let out = work().join(format!("reload_{}", compilers.0));
        let mut command = compiler(compilers, &source("tests/c/reload.c"));
        run(command.arg("-o").arg(&out).args(["-ldl", "-pthread"]));
        let library = libraries().join("libface_predict.so");
        runs_silently(Command::new(out).arg(library).arg(portrait::path()));
    }
}

#[test]
fn eight_threads_on_one_model() {
    for_every_build(&source("tests/c/threads.c"), |program| {
        runs_silently(Command::new(program).arg(inputs()));
    });
}

/// Builds a program that tests how the library treats its host process. One compiler and each way to link are enough.
fn host_program(name: &str) {
    for link in [Link::Static, Link::Shared] {
        let program = build(("gcc", "g++"), &source(&format!("tests/c/{name}.c")), link);
        runs_silently(Command::new(program).arg(inputs()));
    }
}

#[test]
fn every_read_fails_in_turn() {
    // The program replaces calls of the system, and a static library is linked to them permanently.
    let program = build(("gcc", "g++"), &source("tests/c/reads.c"), Link::Static);
    runs_silently(Command::new(program).arg(inputs()));
}

#[test]
fn signals_that_interrupt_reads() {
    host_program("signals");
}

#[test]
fn children_of_fork() {
    host_program("fork");
}

#[test]
fn eight_threads_load_at_once_and_do_everything_on_small_stacks() {
    host_program("everything");
}

#[test]
fn sizes_offsets_and_constants() {
    let header = fs::read_to_string(source("include/face_predict.h")).expect("the header");
    let expected = layout();
    for_every_build(&source("tests/c/layout.c"), |program| {
        let output = run(&mut Command::new(program));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let seen: Vec<&str> = text.lines().collect();
        assert_eq!(seen, expected.iter().map(String::as_str).collect::<Vec<_>>());
    });
    for line in header.lines() {
        let mut words = line.split_whitespace();
        let (Some("#define"), Some(name), Some(_)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        let is_value = !name.contains("(")
            && !["_API", "_MUST_USE", "_H", "_INIT"].iter().any(|s| name.ends_with(s));
        let known = expected.iter().any(|line| line.starts_with(&format!("constant {name} ")));
        assert!(known || !is_value, "{name} is in the header, and tests/c/layout.c lacks it");
    }
}

/// Returns what tests/c/layout.c must print, computed from the Rust types.
fn layout() -> Vec<String> {
    use face_predict::ffi::*;

    let mut lines = Vec::new();
    macro_rules! structure {
        ($name:literal, $type:ty $(, $field:ident)*) => {
            lines.push(format!("size {} {}", $name, size_of::<$type>()));
            $(lines.push(format!(
                "offset {}.{} {}", $name, stringify!($field), std::mem::offset_of!($type, $field)
            ));)*
        };
    }
    structure!("status", face_predict_status);
    structure!("point", face_predict_point, x, y);
    structure!("region", face_predict_region, x, y, width, height, landmarks);
    structure!("model_options", face_predict_model_options, struct_size, flags, max_pixels);
    structure!(
        "network",
        face_predict_network,
        name,
        version,
        license,
        data,
        tasks,
        input_width,
        input_height,
        reserved
    );
    structure!(
        "image",
        face_predict_image,
        struct_size,
        format,
        width,
        height,
        planes,
        strides,
        sizes,
        rotation,
        mirrored,
        chroma_step,
        yuv,
        bottom_up,
        reserved
    );
    structure!(
        "options",
        face_predict_options,
        struct_size,
        flags,
        max_faces,
        region_count,
        regions,
        age_coverage,
        gender_threshold,
        min_face_size,
        min_score,
        crops,
        region_size
    );
    structure!(
        "face",
        face_predict_face,
        x,
        y,
        width,
        height,
        landmarks,
        score,
        age,
        age_low,
        age_high,
        female_probability,
        gender,
        quality,
        yaw,
        pitch,
        roll,
        track_estimates,
        region_index,
        track_id
    );
    structure!(
        "tracker_options",
        face_predict_tracker_options,
        struct_size,
        detect_every,
        estimate_every,
        memory_seconds,
        lost_seconds
    );
    let number = |text: &str| text.parse::<u32>().expect("a number");
    let (major, minor, patch) = (
        number(env!("CARGO_PKG_VERSION_MAJOR")),
        number(env!("CARGO_PKG_VERSION_MINOR")),
        number(env!("CARGO_PKG_VERSION_PATCH")),
    );
    assert_eq!(face_predict_version(), (major << 16) | (minor << 8) | patch);
    lines.push(format!("constant FACE_PREDICT_VERSION {}", face_predict_version()));
    lines.push(format!("constant FACE_PREDICT_VERSION_MAJOR {major}"));
    lines.push(format!("constant FACE_PREDICT_VERSION_MINOR {minor}"));
    lines.push(format!("constant FACE_PREDICT_VERSION_PATCH {patch}"));
    macro_rules! constants {
        ($($name:ident)*) => {
            $(lines.push(format!("constant {} {}", stringify!($name), $name));)*
        };
    }
    constants!(
        FACE_PREDICT_OK FACE_PREDICT_ERROR_NULL_ARGUMENT FACE_PREDICT_ERROR_INVALID_ARGUMENT
        FACE_PREDICT_ERROR_OUT_OF_RANGE FACE_PREDICT_ERROR_BUFFER_TOO_SMALL FACE_PREDICT_ERROR_UNSUPPORTED
        FACE_PREDICT_ERROR_IO FACE_PREDICT_ERROR_IMAGE FACE_PREDICT_ERROR_LIMIT FACE_PREDICT_ERROR_MODEL
        FACE_PREDICT_ERROR_OUT_OF_MEMORY FACE_PREDICT_ERROR_INTERNAL FACE_PREDICT_LOG_ERROR FACE_PREDICT_LOG_INFO
        FACE_PREDICT_PLAIN_CONVOLUTIONS FACE_PREDICT_TASK_AGE FACE_PREDICT_TASK_GENDER FACE_PREDICT_TASK_DETECT
        FACE_PREDICT_FEATURE_DECODE FACE_PREDICT_FEATURE_DETECTOR FACE_PREDICT_FEATURE_WEIGHTS
        FACE_PREDICT_FEATURE_OPEN_WEIGHTS FACE_PREDICT_FEATURE_ALL_OPERATORS
        FACE_PREDICT_FORMAT_GRAY FACE_PREDICT_FORMAT_RGB FACE_PREDICT_FORMAT_BGR FACE_PREDICT_FORMAT_RGBA
        FACE_PREDICT_FORMAT_BGRA FACE_PREDICT_FORMAT_NV12 FACE_PREDICT_FORMAT_NV21 FACE_PREDICT_FORMAT_I420
        FACE_PREDICT_FORMAT_YUYV FACE_PREDICT_FORMAT_UYVY FACE_PREDICT_FORMAT_ARGB FACE_PREDICT_FORMAT_ABGR
        FACE_PREDICT_FORMAT_P010 FACE_PREDICT_FORMAT_ENCODED FACE_PREDICT_YUV_BT601_LIMITED FACE_PREDICT_YUV_BT601_FULL
        FACE_PREDICT_YUV_BT709_LIMITED FACE_PREDICT_YUV_BT709_FULL FACE_PREDICT_SKIP_AGE FACE_PREDICT_SKIP_GENDER FACE_PREDICT_CROPPED
        FACE_PREDICT_FAST_SEARCH FACE_PREDICT_TRY_TURNS
        FACE_PREDICT_GENDER_UNDECIDED FACE_PREDICT_GENDER_FEMALE FACE_PREDICT_GENDER_MALE
        FACE_PREDICT_QUALITY_SMALL FACE_PREDICT_QUALITY_BLURRED FACE_PREDICT_QUALITY_DARK FACE_PREDICT_QUALITY_BRIGHT
        FACE_PREDICT_QUALITY_TURNED FACE_PREDICT_QUALITY_CUT_OFF FACE_PREDICT_QUALITY_NOT_UPRIGHT FACE_PREDICT_NO_REGION
    );
    lines
}

/// Returns a film of the portrait, as a camera gives it.
fn nv12(frames: usize) -> Vec<u8> {
    let rgb = portrait::rgb();
    let at = |x: usize, y: usize| {
        let i = (y * portrait::SIDE + x) * 3;
        [f32::from(rgb[i]), f32::from(rgb[i + 1]), f32::from(rgb[i + 2])]
    };
    let mut frame = Vec::new();
    for y in 0..portrait::SIDE {
        for x in 0..portrait::SIDE {
            let [r, g, b] = at(x, y);
            frame.push((16.0 + 0.257 * r + 0.504 * g + 0.098 * b) as u8);
        }
    }
    for y in (0..portrait::SIDE).step_by(2) {
        for x in (0..portrait::SIDE).step_by(2) {
            let [r, g, b] = at(x, y);
            frame.push((128.0 - 0.148 * r - 0.291 * g + 0.439 * b) as u8);
            frame.push((128.0 + 0.439 * r - 0.368 * g - 0.071 * b) as u8);
        }
    }
    frame.repeat(frames)
}

#[test]
fn a_film_becomes_lines_with_numbers_that_stay() {
    let size = format!("{0}x{0}", portrait::SIDE);
    for_every_build(&source("examples/c/frames.c"), |program| {
        let film = work().join("film.nv12");
        let play = |bytes: &[u8]| {
            fs::write(&film, bytes).expect("a film");
            let mut command = Command::new(program);
            command.args(["--size", &size, "--fps", "25"]);
            command.stdin(fs::File::open(&film).expect("the film"));
            command.output().expect("runs")
        };
        let output = play(&nv12(3));
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines.len(), 3);
        for (frame, line) in lines.iter().enumerate() {
            assert_eq!(line["frame"], frame);
            assert_eq!(line["faces"][0]["id"], lines[0]["faces"][0]["id"]);
            assert_eq!(line["faces"][0]["estimates"], frame + 1);
        }
        let output = play(&nv12(1)[..1000]);
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).contains("the last frame has 1000 of"));
        // A folder can be opened, but not read.
        let mut command = Command::new(program);
        command.args(["--size", &size]).stdin(fs::File::open(work()).expect("a folder"));
        assert_eq!(command.output().expect("runs").status.code(), Some(1));
        // Lines that cannot be written must not pass for a success.
        if let Ok(full) = fs::File::options().write(true).open("/dev/full") {
            fs::write(&film, nv12(1)).expect("a film");
            let mut command = Command::new(program);
            command.args(["--size", &size]).stdin(fs::File::open(&film).expect("the film"));
            assert_eq!(command.stdout(full).output().expect("runs").status.code(), Some(1));
        }
        let wrong = Command::new(program).args(["--size", "0x5"]).output().expect("runs");
        assert_eq!(wrong.status.code(), Some(2));
    });
}

#[test]
fn the_examples_answer() {
    let portrait = portrait::path();
    for name in ["examples/c/predict.c", "examples/cpp/predict.cpp"] {
        for_every_build(&source(name), |program| {
            let predict = || {
                let mut command = Command::new(program);
                command.args(["--json", "--box", "177,66,94,122"]);
                command
            };
            let output = run(predict().arg(&portrait));
            let text = String::from_utf8(output.stdout).expect("UTF-8");
            let keys = [
                "file",
                "face",
                "x",
                "y",
                "width",
                "height",
                "score",
                "age",
                "age_low",
                "age_high",
                "female_probability",
                "gender",
                "quality",
                "yaw",
                "pitch",
                "roll",
            ];
            let places: Vec<_> =
                keys.iter().map(|key| text.find(&format!("\"{key}\":")).expect(key)).collect();
            assert!(places.is_sorted(), "{text}");
            serde_json::from_str::<serde_json::Value>(&text).expect("JSON");
            // A picture that fails does not stop the others.
            let list = work().join("list.txt");
            fs::write(&list, format!("missing.png\n{}\n", portrait.display())).expect("a list");
            let output = predict().arg(format!("@{}", list.display())).output().expect("runs");
            assert_eq!(output.status.code(), Some(1));
            let text = String::from_utf8(output.stdout).expect("UTF-8");
            let lines: Vec<serde_json::Value> =
                text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
            assert_eq!(lines.len(), 2, "{text}");
            assert!(lines[0]["error"].as_str().expect("text").contains("cannot be read"));
            assert!(lines[1]["age"].is_number());
            assert_eq!(Command::new(program).output().expect("runs").status.code(), Some(2));
            // Answers that cannot be written must not pass for a success.
            if let Ok(full) = fs::File::options().write(true).open("/dev/full") {
                let output = predict().arg(&portrait).stdout(full).output().expect("runs");
                assert_eq!(output.status.code(), Some(1));
            }
            // The picture lies on its side.
            let turned = work().join("turned.png");
            let upright = image::open(&portrait).expect("the portrait");
            upright.rotate90().save(&turned).expect("written");
            let answer = |command: &mut Command| {
                let output = run(command.arg(&turned));
                String::from_utf8(output.stdout).expect("UTF-8")
            };
            let marked = answer(&mut Command::new(program));
            assert!(!marked.contains(" years") || marked.contains("not_upright"), "{marked}");
            let read = answer(Command::new(program).arg("--try-turns"));
            assert!(read.contains(" years") && !read.contains("not_upright"), "{read}");
        });
    }
}

#[test]
fn the_examples_of_c_and_cpp_answer_alike() {
    let portrait = portrait::path().display().to_string();
    let list = work().join("both.txt");
    fs::write(&list, format!("missing.png\r\n\n{portrait}\r\n{portrait}")).expect("a list");
    let list = format!("@{}", list.display());
    let all_arguments: [&[&str]; 14] = [
        &[&portrait],
        &["--try-turns", &portrait],
        &["--json", &portrait],
        &["--box", "177,66,94,122", "--box", "-60,380,120,120", &portrait, "missing.png"],
        &["--json", "--box", "10,300,30,30", &portrait, "missing.png"],
        &["--cropped", &list, "@missing.txt", &portrait],
        // A folder can be opened, but not read.
        &["--cropped", "@/", &portrait],
        &["--json", "--cropped", &list],
        &["--box", "1,2,3"],
        &["--repeat", "0", &portrait],
        &["--nonsense", &portrait],
        &["--help"],
        &["--version"],
        &[],
    ];
    for compilers in compilers() {
        let [c, cpp] = ["examples/c/predict.c", "examples/cpp/predict.cpp"]
            .map(|name| build(compilers, &source(name), Link::Static));
        for arguments in all_arguments {
            let [c, cpp] =
                [&c, &cpp].map(|p| Command::new(p).args(arguments).output().expect("runs"));
            let text = |output: &Output| {
                let [out, err] = [&output.stdout, &output.stderr]
                    .map(|b| String::from_utf8_lossy(b).into_owned());
                (output.status.code(), out, err)
            };
            assert_eq!(text(&c), text(&cpp), "{arguments:?}");
        }
    }
}

/// Makes what scripts/test/sanitizers.sh needs when it is called alone.
#[test]
fn inputs_are_written() {
    inputs();
}

#[test]
fn memory_is_used_rightly() {
    let here = |tool: &str| Command::new(tool).arg("--version").output().is_ok();
    if !here("valgrind") {
        assert!(std::env::var_os("CI").is_none(), "valgrind is not installed");
        println!("skipped: valgrind is not installed");
        return;
    }
    let mut script = Command::new(source("scripts/test/sanitizers.sh"));
    script.arg(libraries()).arg(inputs()).arg(work());
    println!("{}", String::from_utf8_lossy(&run(&mut script).stdout));
}
