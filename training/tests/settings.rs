//! Tests settings from files, from `--set` and from flags. Tests what the folder of a run contains, and with which
//! settings a run may be continued.

mod common;

use std::path::Path;
use std::process::{Command, Stdio};

use common::{face_train, faces, fails, ok};

const TINY: &str =
    "train --arch tiny --manifest faces.csv --root photos --batch-size 5 --epochs 2 --threads 1";

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("written");
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Returns the log without the speed.
fn log(folder: &Path, run: &str) -> Vec<String> {
    let text = read(folder, &format!("{run}/log.csv"));
    let head = text.lines().next().expect("a header");
    let kept: Vec<bool> =
        head.split(',').map(|name| name != "faces_per_second" && name != "waiting").collect();
    let keep = |line: &str| {
        let fields = line.split(',').zip(&kept).filter(|(_, keep)| **keep);
        fields.map(|(field, _)| field).collect::<Vec<_>>().join(",")
    };
    text.lines().map(keep).collect()
}

#[test]
fn a_run_folder_is_enough_to_repeat_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 30);
    write(
        here,
        "run.toml",
        "arch = 'tiny'\nmanifest = ['faces.csv']\nroot = 'photos'\nbatch_size = 5\nepochs = 9\nthreads = 1\n\
         [augment]\nflip = 0.25\n[network]\ninput = 64\n",
    );
    let out = ok(here, "train --config run.toml --set epochs=2 --run first --seed 7");
    assert!(out.contains("18 faces to train on, 6 to validate with"), "{out}");
    let saved = read(here, "first/config.toml");
    for line in ["epochs = 2", "seed = 7", "flip = 0.25", "input = 64", "sha256 = ", "revision = "]
    {
        assert!(saved.contains(line), "{line} is not in\n{saved}");
    }
    // The manifest changes, but the run has its own copy.
    let manifest = read(here, "faces.csv");
    write(here, "faces.csv", &manifest.replace(",male,", ",female,"));
    ok(here, "train --config first --run second");
    assert_eq!(log(here, "first"), log(here, "second"));
    let weights = |run: &str| std::fs::read(here.join(run).join("last.safetensors")).expect("one");
    assert!(weights("first") == weights("second"), "the same run ends elsewhere");
    // The copy and a flag are given.
    ok(here, "train --config first --run third --set network.dropout=0.5 --epochs 1");
    assert!(read(here, "third/config.toml").contains("dropout = 0.5"));
    // To continue a run, only its name is needed.
    let error = fails(here, "train --config first --run fourth --stop-after 2");
    assert!(error.contains("interrupted"), "{error}");
    ok(here, "train --run fourth --resume");
    assert_eq!(log(here, "first"), log(here, "fourth"));
    // The weights that a run started from are not needed to continue it.
    let best = here.join("first/best.safetensors");
    std::fs::copy(&best, here.join("start.safetensors")).expect("copied");
    let start = "--init-from start.safetensors --stop-after 2";
    fails(here, &format!("train --config first --run from {start}"));
    std::fs::remove_file(here.join("start.safetensors")).expect("removed");
    ok(here, "train --run from --resume");
    assert!(fails(here, "train --config from --run again").contains("start.safetensors"));
    // Another network has its own sizes.
    let out = ok(here, "train --config first --run sixth --arch base --dry-run");
    assert!(out.contains("# base: 1"), "{out}");
    // A changed copy is detected.
    let copy = read(here, "first/manifests/faces0.csv");
    write(here, "first/manifests/faces0.csv", &copy.replace(",male,", ",female,"));
    let error = fails(here, "train --config first --run fifth");
    assert!(error.contains("is not what the run used"), "{error}");
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_starts() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 20);
    write(here, "typo.toml", "arch = 'tiny'\nlearning_rat = 0.1\n");
    write(here, "broken.toml", "arch = \n");
    let wrong = [
        ("--config typo.toml", "no setting is called learning_rat; did you mean learning_rate?"),
        ("--config broken.toml", "configuration broken.toml"),
        ("--config none.toml", "configuration none.toml"),
        ("--set augment.flop=1", "did you mean augment.flip?"),
        ("--set flip", "--set needs key=value"),
        ("--set loss.label_smoothing=0.9", "loss.label_smoothing is 0.9, but it must be 0 to 0.5"),
        ("--set network.channels=[5,5,5]", "network.channels must be multiples of 16"),
        ("--augment strong", "augment is \"strong\", but it must be none, detector or paper"),
        ("--device gpu", "it must be auto, cpu or cuda"),
        ("--learning-rate 0", "learning_rate is 0, but it must be above 0"),
        ("--set loss.gender=-1", "loss.gender is -1, but it must be 0 to 1000"),
        ("--set loss.expectation=nan", "loss.expectation is NaN"),
        ("--set loss.apparent=1.5", "loss.apparent is 1.5, but it must be 0 to 1"),
        ("--freeze nothing", "no variable starts with \"nothing\""),
        ("--freeze s --freeze pool --freeze age --freeze gender", "all variables are frozen"),
        ("--set network.stem=-3", "network.stem must be 1 to 4096"),
        ("--init-from gone", "there is no gone"),
    ];
    for (arguments, told) in wrong {
        let error = fails(here, &format!("{TINY} --run refused {arguments}"));
        assert!(error.contains(told), "{arguments}: {error}");
    }
    assert!(fails(here, "train --run refused").contains("no manifest"));
    assert!(!here.join("refused").exists(), "a refused run leaves nothing");
}

#[test]
fn a_dry_run_says_what_would_happen_and_does_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 30);
    let out = ok(here, &format!("{TINY} --run run --dry-run --set ema_decay=0.5"));
    for told in ["4 steps in an epoch, 8 in all", "run would be made", "ema_decay = 0.5"] {
        assert!(out.contains(told), "{told} is not in\n{out}");
    }
    assert!(!here.join("run").exists());
    // The printed text is a file of settings.
    write(here, "run.toml", &out);
    ok(here, "train --config run.toml --run run --epochs 1");
    let out = ok(here, &format!("{TINY} --run run --dry-run"));
    assert!(out.contains("it would be refused: run has a run already"), "{out}");
    let out = ok(here, &format!("{TINY} --run run --dry-run --resume --learning-rate 0.1"));
    let told = "it would be refused: the run was started with other arguments";
    assert!(out.contains(told) && out.contains("learning_rate was 0.002, now 0.1"), "{out}");
    let out = ok(here, "train --run run --dry-run --resume");
    assert!(out.contains("run would continue from its last checkpoint"), "{out}");
    // Faces without a label do not make an epoch longer: seven of the 18 have one.
    let bare = |(line, text): (usize, &str)| {
        let mut fields: Vec<&str> = text.split(',').collect();
        if line > 12 && fields[4] == "train" {
            (fields[1], fields[2]) = ("", "");
        }
        fields.join(",")
    };
    let lines: Vec<String> = read(here, "faces.csv").lines().enumerate().map(bare).collect();
    write(here, "bare.csv", &lines.join("\n"));
    let out = ok(here, &format!("{TINY} --run bare --dry-run").replace("faces.csv", "bare.csv"));
    assert!(out.contains("7 faces to train on") && out.contains("2 steps in an epoch"), "{out}");
    let frozen = face_train(here, &format!("{TINY} --run other --dry-run --freeze stem"));
    let told = String::from_utf8_lossy(&frozen.stderr);
    assert!(told.contains("stem is frozen at random"), "{told}");
    // The help tells the default that is used.
    let gender = TINY.replace("tiny", "paper-gender") + " --run other --dry-run";
    let (help, age) = (ok(here, "train --help"), gender.replace("paper-gender", "paper-age"));
    assert!(help.contains("paper-gender: paper; paper-age and paper-multi: none"), "{help}");
    assert!(ok(here, &gender).contains("turn = 40.0") && ok(here, &age).contains("turn = 0.0"));
    let sheet = ok(here, &format!("{TINY} --run other --preview sheet.png"));
    assert!(!here.join("other").exists(), "{sheet}");
    let sheet = image::open(here.join("sheet.png")).expect("a picture");
    assert_eq!((sheet.width(), sheet.height()), (8 * 96, 6 * 96));
}

#[test]
fn other_faces_and_mistyped_runs_are_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 30);
    fails(here, &format!("{TINY} --run runs/one --stop-after 2"));
    let error = fails(here, &format!("{TINY} --run runs/on --resume"));
    assert!(error.contains("runs/on has no run"), "{error}");
    assert!(error.contains("runs there: one"), "{error}");
    assert!(!here.join("runs/on").exists());
    assert!(fails(here, "train --run runs/on --resume").contains("has no run"));
    // The file has as many rows, but other labels.
    let text = read(here, "faces.csv");
    write(here, "other.csv", &text.replacen(",37,", ",38,", 1));
    let other = TINY.replace("faces.csv", "other.csv");
    let error = fails(here, &format!("{other} --run runs/one --resume"));
    assert!(error.contains("started with other faces"), "{error}");
    // The same rows were made by another command.
    let (_, rows) = text.split_once('\n').expect("two lines");
    write(here, "same.csv", &format!("# face-train manifest 1 | another way\n{rows}"));
    let error = fails(here, &format!("{TINY} --run runs/one --resume --learning-rate 0.1"));
    assert!(error.contains("learning_rate was 0.002, now 0.1"), "{error}");
    // A setting that is not given again is that of the run.
    ok(here, "train --run runs/one --resume --manifest same.csv --root photos");
}

#[test]
fn a_run_is_trained_by_one_process_at_a_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 30);
    std::fs::create_dir(here.join("run")).expect("a folder");
    let other = std::fs::File::open(here.join("run")).expect("a folder");
    other.lock().expect("locked");
    let error = fails(here, &format!("{TINY} --run run"));
    assert!(error.contains("run: another training is at work there"), "{error}");
    assert!(!here.join("run/config.toml").exists());
    drop(other);
    ok(here, &format!("{TINY} --run run"));
}

#[test]
fn a_repeated_run_shows_all_faces_of_its_own_manifest() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 30);
    let steps = |arguments: &str| {
        let out = ok(here, &format!("{arguments} --dry-run"));
        out.lines().find(|line| line.contains("steps in an epoch")).expect("a line").to_owned()
    };
    ok(here, &format!("{TINY} --run run"));
    let before = steps("train --config run --run other");
    let half: Vec<String> = read(here, "faces.csv").lines().take(17).map(str::to_owned).collect();
    write(here, "half.csv", &(half.join("\n") + "\n"));
    let now = steps("train --config run --run other --manifest half.csv");
    assert_ne!(before, now);
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_face-train"));
    command.current_dir(folder.path()).args(["summary", "--arch", "base"]);
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    // The stream is closed before the first line is written.
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    let error = String::from_utf8_lossy(&output.stderr);
    // The status that a shell reports for SIGPIPE, since the work may be unfinished.
    assert_eq!((output.status.code(), &*error), (Some(141), ""));
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 30);
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a full device");
    let mut command = Command::new(env!("CARGO_BIN_EXE_face-train"));
    command.current_dir(here).args(format!("{TINY} --run run").split_whitespace());
    let output = command.stdout(full).output().expect("it starts");
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("face-train: writing to stdout: No space left on device"), "{error}");
    assert!(!error.contains("panicked"), "{error}");
}

#[test]
fn crops_are_kept_and_shared() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 30);
    ok(here, &format!("{TINY} --run first --cache kept"));
    // Of the pictures only the name, size and time are needed.
    let kept: Vec<_> = std::fs::read_dir(here.join("kept")).expect("a folder").collect();
    assert_eq!(kept.len(), 1, "one file for one kind of crop");
    // All 24 faces of train and val have a key, two maps, and 128 x 128 pixels.
    let file = kept[0].as_ref().expect("a file").metadata().expect("a size");
    assert_eq!((file.len() - 32) / (16 + 48 + 3 * 128 * 128), 24);
    ok(here, &format!("{TINY} --run second --cache kept"));
    assert_eq!(log(here, "first"), log(here, "second"));
    ok(here, &format!("{TINY} --run third"));
    assert!(here.join("third/crops").exists());
    assert_eq!(log(here, "first"), log(here, "third"));
    // The error names a cache of another kind.
    let file = std::fs::read_dir(here.join("kept")).expect("a folder").next().expect("one");
    std::fs::write(file.expect("a file").path(), [7; 100]).expect("written");
    let error = fails(here, &format!("{TINY} --run fourth --cache kept"));
    assert!(error.contains("delete it"), "{error}");
}

#[test]
fn losses_that_are_no_numbers_end_the_run_with_a_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 30);
    let error =
        fails(here, &format!("{TINY} --run run --learning-rate 1e30 --set grad_clip_norm=0"));
    assert!(error.contains("no step of epoch") && error.contains("learning_rate"), "{error}");
    let run = face_train(here, &format!("{TINY} --run calm"));
    assert!(run.status.success());
    let text = read(here, "calm/log.csv");
    assert!(!text.to_lowercase().contains("nan"), "{text}");
}

#[test]
fn it_stops_when_nothing_gets_better() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 30);
    // The weights do not change, because the body is frozen and the heads almost are.
    let frozen = "--freeze stem --freeze s0 --freeze s1 --freeze s2 --learning-rate 1e-20";
    let line = TINY.replace("--epochs 2", "--epochs 9");
    let out = ok(here, &format!("{line} --run run --patience 2 --weight-decay 0 {frozen}"));
    assert!(out.contains("done after 3 epochs"), "{out}");
    assert!(out.contains("1 of 2 without gain") && out.contains("2 of 2 without gain"), "{out}");
    assert_eq!(log(here, "run").len(), 1 + 3);
}
