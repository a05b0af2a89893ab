//! Tests that a still picture is searched for all faces that a person would see, and a frame fast. Pictures that lie on
//! a side are read with `try_turns`, and their faces are marked without it.
#![allow(missing_docs)]

mod eval;
#[allow(dead_code)]
mod portrait;

use std::io::Cursor;
use std::path::PathBuf;

use face_predict::{
    Format, Image, Input, Model, ModelOptions, Options, Predictions, Quality, Rect, Tracker,
    TrackerOptions, Workspace,
};
use image::imageops::{self, FilterType};
use image::{ImageFormat, Rgb, RgbImage};
use portrait::SIDE;
use prost::Message;
use tract_onnx::pb::ModelProto;

fn model() -> Model {
    Model::load_default().expect("built in")
}

/// Returns options for faces alone, without age and gender.
fn faces_only() -> Options<'static> {
    Options::new().skip_age(true).skip_gender(true)
}

fn search(image: &RgbImage, options: &Options<'_>) -> Predictions {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let view = Image::new(Format::Rgb, width, height, image).expect("a right picture");
    model().predict(&view, options).expect("a prediction")
}

fn rects(found: &Predictions) -> Vec<Rect> {
    found.faces().map(|face| face.rect()).collect()
}

fn portrait() -> RgbImage {
    RgbImage::from_raw(SIDE as u32, SIDE as u32, portrait::rgb()).expect("whole")
}

/// Returns the head of the portrait, whose face has 0.38 of its side.
fn head() -> RgbImage {
    imageops::crop_imm(&portrait(), 90, 0, 270, 270).to_image()
}

/// Returns a plain picture with squares of `side` pixels, one for each person, in rows of `columns`.
fn group(people: &[RgbImage], size: (u32, u32), columns: u32, side: u32) -> RgbImage {
    let mut canvas = RgbImage::from_pixel(size.0, size.1, Rgb([96, 104, 112]));
    for (index, person) in people.iter().enumerate() {
        let (row, column) = (index as u32 / columns, index as u32 % columns);
        let step = size.0 / columns;
        let small = imageops::resize(person, side, side, FilterType::CatmullRom);
        let (x, y) = (column * step + (step - side) / 2, row * step + (step - side) / 2);
        imageops::overlay(&mut canvas, &small, i64::from(x), i64::from(y));
    }
    canvas
}

/// Counts the squares that contain the centre of a face of about their size.
fn held(found: &Predictions, count: u32, width: u32, columns: u32, side: u32) -> usize {
    let (step, side) = ((width / columns) as f32, side as f32);
    let holds = |index: &u32| {
        let (x, y) = ((index % columns) as f32 * step, (index / columns) as f32 * step);
        rects(found).iter().any(|rect| {
            let (center, size) = (rect.center(), rect.area().sqrt());
            let inside = (x..x + step).contains(&center.x) && (y..y + step).contains(&center.y);
            inside && (0.25 * side..1.5 * side).contains(&size)
        })
    };
    (0..count).filter(holds).count()
}

/// Returns test pictures of a set, spread over it.
fn photographs(set: &str, count: usize) -> Vec<RgbImage> {
    let Some(folder) = eval::folder() else { return Vec::new() };
    let files = std::fs::read_dir(folder.join(set)).expect("the pictures");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    let files = files.iter().step_by(files.len() / count).take(count);
    files.map(|file| image::open(file).expect("a picture").into_rgb8()).collect()
}

#[test]
fn a_group_of_small_faces_is_found_whole_in_every_form() {
    // The faces have 40 pixels in 1024.
    let people = vec![head(); 35];
    let picture = group(&people, (1024, 768), 7, 106);
    let count = |found: &Predictions| held(found, 35, 1024, 7, 106);
    let pixels = search(&picture, &faces_only());
    assert_eq!(count(&pixels), 35, "pixels");
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Png).expect("memory");
    let (mut workspace, mut out) = (Workspace::new(), Predictions::new());
    model()
        .predict_encoded(file.get_ref(), &faces_only(), &mut workspace, &mut out)
        .expect("an answer");
    assert_eq!(rects(&out), rects(&pixels), "bytes");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("group.png");
    std::fs::write(&path, file.get_ref()).expect("written");
    model().predict_file(&path, &faces_only(), &mut workspace, &mut out).expect("an answer");
    assert_eq!(rects(&out), rects(&pixels), "path");
    let inputs = [Input::from(file.get_ref().as_slice())];
    let mut one = [Predictions::new()];
    let done = model().predict_batch(&inputs, &faces_only(), &mut [Workspace::new()], &mut one);
    assert!(done.expect("a batch").iter().all(Result::is_ok));
    assert_eq!(rects(&one[0]), rects(&pixels), "batch");
}

/// The pictures show real people of two sets, 35 in a picture of 1024 pixels. Their faces have about 40, 30 and 20
/// pixels.
#[test]
fn groups_of_real_people_are_found_better_than_in_a_frame() {
    let people = [photographs("utkface", 140), photographs("fairface", 140)].concat();
    let (mut still, mut frame, mut squares) = ([0; 3], [0; 3], 0);
    for people in people.chunks(35) {
        squares += people.len();
        for (index, side) in [56, 42, 28].into_iter().enumerate() {
            let picture = group(people, (1024, 768), 7, side);
            let count = |found: &Predictions| held(found, people.len() as u32, 1024, 7, side);
            still[index] += count(&search(&picture, &faces_only()));
            frame[index] += count(&search(&picture, &faces_only().fast_search(true)));
        }
    }
    println!("{still:?} of {squares} in still pictures, {frame:?} in frames");
    assert!(still.iter().all(|still| 20 * still >= 19 * squares), "{still:?} of {squares}");
    let better = (1..3).all(|index| still[index] > frame[index]);
    assert!(still[0] >= frame[0] && better || squares == 0, "{still:?} and {frame:?}");
}

#[test]
fn asking_for_a_size_never_finds_fewer_faces_of_that_size() {
    let mut people = photographs("utkface", 70);
    people.resize_with(70, head);
    for (size, columns, side) in
        [((1024, 768), 7, 56), ((1024, 768), 10, 40), ((1600, 1200), 7, 70)]
    {
        let picture = group(&people[..35], size, columns, side);
        for options in [faces_only(), faces_only().fast_search(true)] {
            let plain = rects(&search(&picture, &options));
            for asked in [4.0, 12.0, 20.0, 30.0, 40.0, 60.0, 400.0] {
                let found = rects(&search(&picture, &options.min_face_size(asked)));
                let large = |rect: &&Rect| rect.width.min(rect.height) >= asked;
                let without = plain.iter().filter(large).count();
                let with = found.iter().filter(large).count();
                assert_eq!(with, found.len(), "a face below {asked}");
                assert!(with >= without, "{with} faces of {asked} and more, {without} unasked");
            }
        }
    }
}

#[test]
fn asking_for_the_size_of_a_face_finds_that_face() {
    let mut people = photographs("utkface", 70);
    people.resize_with(70, head);
    for (size, columns, side) in [((1024, 768), 10, 64), ((1600, 1200), 10, 70)] {
        let picture = group(&people, size, columns, side);
        for face in rects(&search(&picture, &faces_only())) {
            let asked = face.width.min(face.height);
            let found = rects(&search(&picture, &faces_only().min_face_size(asked)));
            let same = found.iter().any(|other| other.overlap(&face) > 0.3);
            assert!(same, "{face:?} is lost among {} faces of {asked}", found.len());
        }
    }
}

#[test]
fn smaller_faces_are_found_when_they_are_asked_for() {
    // The faces have 16 pixels in 1024. They are also tried in a picture of twice the size, of which the detector sees
    // parts.
    let people = vec![head(); 70];
    for size in [(1024, 768), (2048, 1536)] {
        let picture = group(&people, size, 10, 44);
        let count = |options: &Options<'_>| held(&search(&picture, options), 70, size.0, 10, 44);
        let (unasked, asked) = (count(&faces_only()), count(&faces_only().min_face_size(12.0)));
        assert!(asked >= 68 && asked > unasked, "{size:?}: {asked} asked for, {unasked} unasked");
        let found = search(&picture, &faces_only().min_face_size(12.0));
        assert!(found.len() <= 72, "{} faces, no one twice", found.len());
    }
}

#[test]
fn small_pictures_have_smaller_faces_when_they_are_asked_for() {
    // The faces have 11 pixels. The usual search keeps those from 12.5 pixels on, and a picture of this size has no finer
    // one.
    let picture = group(&vec![head(); 64], (320, 320), 8, 28);
    let count = |options: &Options<'_>| held(&search(&picture, options), 64, 320, 8, 28);
    let (unasked, asked) = (count(&faces_only()), count(&faces_only().min_face_size(6.0)));
    assert!(asked >= 48 && asked > unasked, "{asked} asked for, {unasked} unasked");
}

#[test]
fn a_thousand_faces_are_an_answer() {
    let picture = group(&vec![head(); 1000], (2000, 1250), 40, 48);
    let found = search(&picture, &faces_only().min_face_size(12.0));
    assert!(found.len() >= 950, "{}", found.len());
    let few = search(&picture, &faces_only().min_face_size(12.0).max_faces(3));
    assert_eq!(few.len(), 3);
}

#[test]
fn a_tracker_searches_as_the_fast_option_does() {
    let picture = group(&vec![head(); 35], (1024, 768), 7, 106);
    let view = Image::new(Format::Rgb, 1024, 768, &picture).expect("a right picture");
    let mut tracker = Tracker::new(&model(), TrackerOptions::default()).expect("right options");
    let (mut workspace, mut out) = (Workspace::new(), Predictions::new());
    tracker.update(&view, 0, &faces_only(), &mut workspace, &mut out).expect("an answer");
    let fast = search(&picture, &faces_only().fast_search(true));
    assert_eq!(rects(&out), rects(&fast));
    let scale = |options: &Options<'_>| model().search_scale(1024, 768, options).expect("one");
    assert_eq!(scale(&faces_only()), 2.0 * scale(&faces_only().fast_search(true)));
}

/// How a picture is turned: the degrees clockwise, the function, and the place of a point of the square upright
/// picture.
type Turn = (i32, fn(&RgbImage) -> RgbImage, fn((f32, f32), f32) -> (f32, f32));

const TURNS: [Turn; 3] = [
    (90, |image| imageops::rotate90(image), |(x, y), side| (side - y, x)),
    (180, |image| imageops::rotate180(image), |(x, y), side| (side - x, side - y)),
    (270, |image| imageops::rotate270(image), |(x, y), side| (y, side - x)),
];

#[test]
fn turned_pictures_are_read_when_turns_are_tried() {
    let upright = search(&portrait(), &Options::new());
    let right = upright.face(0).expect("a face");
    for (degrees, turn, place) in TURNS {
        let turned = turn(&portrait());
        let found = search(&turned, &Options::new().try_turns(true));
        let face = found.face(0).expect("a face");
        let years = |age: Option<face_predict::AgeDistribution<'_>>| age.expect("an age").median();
        let (a, b) = (years(face.age()), years(right.age()));
        assert!((a - b).abs() < 2.0, "{degrees}: {a} years, {b} upright");
        assert_eq!(face.gender(), right.gender(), "{degrees}");
        assert_eq!(face.quality(), right.quality(), "{degrees}");
        let landmarks = face.landmarks().expect("landmarks");
        for (got, want) in landmarks.iter().zip(right.landmarks().expect("landmarks")) {
            let want = place((want.x, want.y), SIDE as f32);
            let far = (got.x - want.0).hypot(got.y - want.1);
            assert!(far < 3.0, "{degrees}: {far} pixels");
        }
        let roll = face.pose().expect("a pose").roll;
        let off = (roll - degrees as f32).rem_euclid(360.0);
        assert!(off.min(360.0 - off) < 15.0, "{degrees}: roll {roll}");
    }
    // An upright face gets the same answer with `try_turns`.
    let again = search(&portrait(), &Options::new().try_turns(true));
    let (a, b) = (again.face(0).expect("a face"), right);
    assert_eq!((a.rect(), a.quality()), (b.rect(), b.quality()));
}

/// Returns the built-in network with a crop around the box, as networks of others have it.
fn box_model() -> Model {
    let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/models/base.onnx"));
    let mut proto = ModelProto::decode(&*bytes.expect("a file")).expect("ONNX");
    let input = proto.metadata_props.iter_mut().find(|prop| prop.key == "face_predict.input");
    let spec = r#"{"width":96,"height":96,"channels":"RGB","mean":[0.5,0.5,0.5],"std":[0.25,0.25,0.25],"align":"box","margin":0.1}"#;
    input.expect("an input").value = spec.into();
    Model::load_bytes(&proto.encode_to_vec(), &ModelOptions::new()).expect("a model")
}

#[test]
fn a_crop_around_the_box_turns_with_the_face() {
    let model = box_model();
    let age = |image: &RgbImage| {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let view = Image::new(Format::Rgb, width, height, image).expect("a right picture");
        let found = model.predict(&view, &Options::new().try_turns(true)).expect("a prediction");
        found.face(0).expect("a face").age().expect("an age").median()
    };
    let upright = age(&portrait());
    for (degrees, turn, _) in TURNS {
        let turned = age(&turn(&portrait()));
        assert!((turned - upright).abs() < 2.0, "{degrees}: {turned} years, {upright} upright");
    }
}

/// Real people stand in the middle of a picture that lies on a side or is upside down.
#[test]
fn people_in_turned_pictures_are_read_or_marked() {
    let people = [photographs("utkface", 40), photographs("fairface", 40)].concat();
    let (mut read, mut unmarked, mut shown, mut good) = (0, 0, 0, 0);
    for person in &people {
        let mut canvas = RgbImage::from_pixel(480, 480, Rgb([96, 104, 112]));
        imageops::overlay(&mut canvas, person, 140, 140);
        let largest = Options::new().max_faces(1);
        let upright = search(&canvas, &largest);
        let Some(right) = upright.face(0) else { continue };
        good += usize::from(!right.quality().contains(Quality::NOT_UPRIGHT));
        for (_, turn, _) in TURNS {
            shown += 1;
            let turned = turn(&canvas);
            let found = search(&turned, &largest.try_turns(true));
            let age = |face: &face_predict::Face<'_>| face.age().expect("an age").median();
            let alike = found.face(0).is_some_and(|face| (age(&face) - age(&right)).abs() < 5.0);
            read += usize::from(alike);
            let wrong = search(&turned, &largest);
            let marked =
                |face: face_predict::Face<'_>| face.quality().contains(Quality::NOT_UPRIGHT);
            unmarked += usize::from(!wrong.face(0).is_none_or(marked));
            // A fast search does not look for turned faces.
            assert!(!search(&turned, &largest.fast_search(true)).faces().any(marked));
        }
    }
    println!(
        "{read} of {shown} read rightly, {unmarked} answered and not marked; {good} upright not marked"
    );
    assert!(100 * read >= 95 * shown, "{read} of {shown} are read as they are upright");
    assert!(100 * unmarked <= 2 * shown, "{unmarked} of {shown} are answered and not marked");
    assert!(3 * good >= shown - shown / 50, "{good} upright ones are not marked");
}
