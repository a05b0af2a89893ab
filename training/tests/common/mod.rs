//! Makes generated faces, and runs the program itself.

#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs `face-train` in `folder`.
pub fn face_train(folder: &Path, arguments: &str) -> Output {
    let arguments = arguments.split_whitespace();
    let mut command = Command::new(env!("CARGO_BIN_EXE_face-train"));
    command.current_dir(folder).args(arguments).output().expect("the program starts")
}

/// Runs it, demands success, and returns what it printed.
pub fn ok(folder: &Path, arguments: &str) -> String {
    let output = face_train(folder, arguments);
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "face-train {arguments}\n{out}\n{err}");
    out.into_owned()
}

/// Runs it, demands status 1, and returns the error.
pub fn fails(folder: &Path, arguments: &str) -> String {
    let output = face_train(folder, arguments);
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "face-train {arguments}\n{err}");
    err
}

/// Returns a picture of an oval whose brightness grows with age. The background is bluer for men.
pub fn picture(path: &Path, age: u32, male: bool) {
    let noise = |x: u32, y: u32| ((x * 7 + y * 13 + age * 29) % 17) as i32 - 8;
    let image = image::RgbImage::from_fn(72, 80, |x, y| {
        let (dx, dy) = ((x as f32 - 36.0) / 26.0, (y as f32 - 40.0) / 34.0);
        let inside = dx * dx + dy * dy < 1.0;
        let base = if inside { [60 + age as i32 * 2, 90, 70] } else { [40, 60, 80] };
        let blue = if male && !inside { 120 } else { 0 };
        image::Rgb([0, 1, 2].map(|c| {
            let extra = if c == 2 { blue } else { 0 };
            (base[c] + extra + noise(x, y)).clamp(0, 255) as u8
        }))
    });
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    image.save(path).expect("a picture is written");
}

/// Makes `count` pictures below `folder/photos` and their manifest. Every third is for validation, and every fifth for
/// test.
pub fn faces(folder: &Path, count: usize) -> PathBuf {
    let mut text = String::from(
        "# face-train manifest 1 | test\npath,age,gender,race,split,source,box_x,box_y,box_w,box_h\n",
    );
    for i in 0..count {
        let (age, male) = ((i * 37 % 80) as u32, i % 2 == 0);
        let name = format!("face {i}.png");
        picture(&folder.join("photos").join(&name), age, male);
        let split = ["train", "val", "train", "test", "train"][i % 5];
        let gender = if male { "male" } else { "female" };
        let race = ["a", "b"][i / 2 % 2];
        text += &format!("{name},{age},{gender},{race},{split},made,10,6,52,68\n");
    }
    let path = folder.join("faces.csv");
    std::fs::write(&path, text).expect("a manifest is written");
    path
}
