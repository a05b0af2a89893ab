//! Tests processes that are interrupted or killed, and disks that are full. Nothing stays half-written, and the next
//! run continues.

mod common;

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::{face_train, faces, fails, ok, picture};

const TINY: &str =
    "train --arch tiny --manifest faces.csv --root photos --batch 5 --epochs 3 --threads 1";

fn start(folder: &Path, arguments: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_face-train"));
    command.current_dir(folder).args(arguments.split_whitespace());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
}

/// Runs the program where no file may grow beyond `blocks` of 512 bytes. To the program this looks like a full disk.
fn cramped(folder: &Path, blocks: usize, arguments: &str) -> String {
    let program = env!("CARGO_BIN_EXE_face-train");
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec '{program}' {arguments}");
    let output = Command::new("sh").current_dir(folder).args(["-c", &script]).output();
    let output = output.expect("a shell");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{arguments}\n{error}");
    assert!(error.contains("File too large"), "{error}");
    error
}

fn wait_until(what: &str, child: &mut Child, so: impl Fn() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < Duration::from_secs(300), "{what} did not come");
        assert!(child.try_wait().expect("a state").is_none(), "it ended before {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn read(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Returns the log without the speed.
fn log(folder: &Path, run: &str) -> Vec<String> {
    let text = String::from_utf8(read(folder, &format!("{run}/log.csv"))).expect("text");
    let timed = ["faces_per_second", "waiting"];
    let heads: Vec<&str> = text.lines().next().expect("a head").split(',').collect();
    assert!(timed.iter().all(|name| heads.contains(name)), "{heads:?}");
    let keep = |line: &str| {
        let fields = line.split(',').zip(&heads).filter(|(_, head)| !timed.contains(head));
        fields.map(|(field, _)| field).collect::<Vec<_>>().join(",")
    };
    text.lines().map(keep).collect()
}

fn same_end(folder: &Path, run: &str) {
    assert_eq!(log(folder, "whole"), log(folder, run));
    let last = |run: &str| read(folder, &format!("{run}/last.safetensors"));
    assert!(last("whole") == last(run), "{run} ended elsewhere");
}

fn pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().expect("mkfifo");
    assert!(made.success(), "{path:?}");
}

#[test]
fn training_goes_on_after_ctrl_c_a_kill_and_a_full_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 30);
    ok(here, &format!("{TINY} --run whole"));
    let part = |run: &str| here.join(run).join("last.safetensors.part");

    // Ctrl-C comes somewhere in the second epoch.
    let mut child = start(here, &format!("{TINY} --run stopped"));
    let logged = here.join("stopped/log.csv");
    wait_until("the first epoch", &mut child, || logged.exists());
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.expect("kill").success());
    let Output { status, stderr, .. } = child.wait_with_output().expect("it ends");
    let error = String::from_utf8_lossy(&stderr);
    assert_eq!(status.code(), Some(1), "{error}");
    assert!(error.contains("interrupted; --resume goes on in epoch"), "{error}");
    assert!(here.join("stopped/last.safetensors").exists() && !part("stopped").exists());
    ok(here, &format!("{TINY} --run stopped --resume"));
    same_end(here, "stopped");

    // The process is killed after the first bytes of a checkpoint. A pipe in its place holds the writer until somebody
    // reads.
    fails(here, &format!("{TINY} --run killed --stop-after 2"));
    let before = read(here, "killed/last.safetensors");
    pipe(&part("killed"));
    let mut child = start(here, &format!("{TINY} --run killed --resume"));
    let mut bytes = vec![0; 1000];
    let mut writer = std::fs::File::open(part("killed")).expect("a writer comes");
    writer.read_exact(&mut bytes).expect("the beginning of a checkpoint");
    child.kill().expect("killed");
    child.wait().expect("dead");
    drop(writer);
    assert_eq!(before, read(here, "killed/last.safetensors"), "the old one is whole");
    std::fs::remove_file(part("killed")).expect("the pipe goes");
    std::fs::write(part("killed"), bytes).expect("what a real disk would have kept");
    ok(here, &format!("{TINY} --run killed --resume"));
    same_end(here, "killed");
    assert!(!part("killed").exists());

    // There is no room for a checkpoint.
    fails(here, &format!("{TINY} --run full --stop-after 2"));
    let before = read(here, "full/last.safetensors");
    let error = cramped(here, 200, &format!("{TINY} --run full --resume"));
    assert!(error.contains("writing full/last.safetensors") || error.contains("writing full/best"));
    assert_eq!(before, read(here, "full/last.safetensors"));
    assert!(!part("full").exists() && !here.join("full/best.safetensors.part").exists());
    ok(here, &format!("{TINY} --run full --resume"));
    same_end(here, "full");

    let error = cramped(here, 200, "export --run whole --out small.onnx");
    assert!(error.contains("writing small.onnx"), "{error}");
    assert!(!here.join("small.onnx").exists() && !here.join("small.onnx.part").exists());
}

#[test]
fn an_interrupted_ingest_goes_on_where_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    for i in 0..400u32 {
        picture(&here.join(format!("own/female/{}/{i:03}.png", i % 80 + 10)), i, i % 2 == 0);
    }
    let ingest = "ingest folder --images own --funnel funnel.json --out";
    ok(here, &format!("{ingest} whole.csv"));
    // The process is killed after the twentieth of 400 pictures, each of which is searched for milliseconds.
    let mut child = start(here, &format!("{ingest} broken.csv"));
    let notes = here.join("broken.csv.seen");
    let lines = || std::fs::read_to_string(&notes).map_or(0, |text| text.lines().count());
    wait_until("the twentieth picture", &mut child, || lines() > 20);
    child.kill().expect("killed");
    child.wait().expect("dead");
    assert!(!here.join("broken.csv").exists());
    // The process was killed in the middle of a line.
    let text = std::fs::read_to_string(&notes).expect("notes");
    let text = text.trim_end();
    std::fs::write(&notes, &text[..text.len() - 4]).expect("written");
    let left = text.lines().count() - 2;
    assert!((19..398).contains(&left), "{left}");
    let error = cramped(here, 4, "ingest folder --images own --out broken.csv");
    let told = format!("continuing after {left} pictures");
    assert!(error.contains(&told) && error.contains("broken.csv"), "{told}: {error}");
    assert!(!here.join("broken.csv").exists() && !here.join("broken.csv.part").exists());
    let output = face_train(here, &format!("{ingest} broken.csv --workers 2"));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && error.contains("continuing after"), "{error}");
    assert_eq!(read(here, "whole.csv"), read(here, "broken.csv"));
    assert!(!notes.exists());

    // A picture is searched again if it was missing, or if its answer came from another folder.
    let error = fails(here, "ingest table --table whole.csv --images own --out none.csv");
    assert!(error.contains("neither path nor file"), "{error}");
    std::fs::write(
        here.join("table.csv"),
        "file,age\nfemale/10/000.png,10\nfemale/11/001.png,11\n",
    )
    .expect("a table");
    let error = fails(here, "ingest table --table table.csv --images elsewhere --out csv.csv");
    assert!(error.contains("no face is left"), "{error}");
    let out = ok(here, "ingest table --table table.csv --images own --out csv.csv");
    assert!(out.contains("csv.csv: 2 faces"), "{out}");
}
