//! Tests whole pictures. The faces in them are found in every format, and nothing is found in empty pictures.
#![allow(missing_docs)]

mod portrait;

use std::io::Cursor;

use face_predict::{
    ErrorKind, Face, Format, Image, Input, Model, ModelOptions, Options, Orientation, Predictions,
    Quality, Rect, Tracker, TrackerOptions, Workspace,
};
use image::{ImageFormat, RgbImage, imageops};
use portrait::{FACE, SIDE};

fn model() -> Model {
    Model::load_default().expect("built in")
}

fn picture() -> RgbImage {
    RgbImage::from_raw(SIDE as u32, SIDE as u32, portrait::rgb()).expect("whole")
}

fn search(image: &RgbImage, options: &Options<'_>) -> Predictions {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let view = Image::new(Format::Rgb, width, height, image).expect("a right picture");
    model().predict(&view, options).expect("a prediction")
}

#[test]
fn the_portrait_is_found_where_it_is() {
    let found = search(&picture(), &Options::new());
    let face = found.face(0).expect("a face");
    assert!(face.rect().overlap(&FACE.rect) > 0.5, "{:?}", face.rect());
    assert!(face.score().is_some_and(|score| (0.0..=1.0).contains(&score)));
    let [left, right, nose, left_mouth, right_mouth] = face.landmarks().expect("landmarks");
    assert!(left.x < nose.x && nose.x < right.x, "{left:?} {nose:?} {right:?}");
    assert!(nose.y > left.y && left_mouth.y > nose.y && right_mouth.y > nose.y);
    let pose = face.pose().expect("a pose");
    assert!(pose.yaw.abs() < 35.0 && pose.pitch.abs() < 35.0 && pose.roll.abs() < 15.0, "{pose:?}");
    assert!(!face.quality().contains(Quality::SMALL));
}

#[test]
fn turned_pictures_give_the_same_faces() {
    let upright = search(&picture(), &Options::new());
    let want = upright.face(0).expect("a face").rect();
    let turned = imageops::rotate270(&picture());
    let image = Image::new(Format::Rgb, SIDE, SIDE, &turned)
        .expect("a right picture")
        .with_orientation(Orientation::ROTATE_90);
    let found = model().predict(&image, &Options::new()).expect("a prediction");
    let got = found.face(0).expect("a face").rect();
    assert!(got.overlap(&want) > 0.95, "{got:?} for {want:?}");
}

#[test]
fn several_faces_come_largest_first_and_may_be_limited() {
    let mut canvas = RgbImage::from_pixel(1280, 720, image::Rgb([90, 100, 110]));
    let face = imageops::crop_imm(&picture(), 90, 0, 270, 270).to_image();
    let large = imageops::resize(&face, 500, 500, imageops::FilterType::Triangle);
    imageops::overlay(&mut canvas, &face, 60, 400);
    imageops::overlay(&mut canvas, &large, 700, 150);
    let found = search(&canvas, &Options::new());
    assert!(found.len() >= 2, "{}", found.len());
    let rects: Vec<Rect> = found.faces().map(|face| face.rect()).collect();
    assert!(rects.windows(2).all(|w| w[0].area() >= w[1].area()), "{rects:?}");
    assert!(rects[0].center().x > 700.0 && rects[1].center().x < 300.0, "{rects:?}");
    assert_eq!(search(&canvas, &Options::new().max_faces(1)).len(), 1);
    // The box of the small face has about 80 pixels.
    let large = search(&canvas, &Options::new().min_face_size(110.0));
    assert_eq!(large.len(), 1, "{:?}", large.faces().map(|f| f.rect()).collect::<Vec<_>>());
}

#[test]
fn no_face_is_a_normal_answer() {
    for side in [1, 2, 7, 33, 320, 1000] {
        let image = RgbImage::from_pixel(side, side, image::Rgb([128, 128, 128]));
        let found = search(&image, &Options::new());
        assert!(found.is_empty(), "{side}: {:?}", found.face(0).map(|f| f.rect()));
        assert_eq!(found.size(), (side as usize, side as usize));
    }
    for (width, height) in [(4000, 1), (1, 4000), (3000, 20)] {
        let image = RgbImage::from_pixel(width, height, image::Rgb([60, 80, 40]));
        assert!(search(&image, &Options::new()).is_empty(), "{width}x{height}");
    }
    // An empty list of regions means that nothing is searched.
    assert!(search(&picture(), &Options::new().regions(&[])).is_empty());
}

#[test]
fn a_large_jpeg_gives_the_answers_of_its_whole_at_a_reduced_scale() {
    let large = imageops::resize(&picture(), 3072, 3072, imageops::FilterType::CatmullRom);
    let mut bytes = Vec::new();
    image::DynamicImage::ImageRgb8(large)
        .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Jpeg)
        .expect("encoded");
    let (model, mut workspace, mut reduced) = (model(), Workspace::new(), Predictions::new());
    let largest = Options::new().max_faces(1);
    model.predict_encoded(&bytes, &largest, &mut workspace, &mut reduced).expect("a prediction");
    let whole = image::load_from_memory(&bytes).expect("decoded").into_rgb8();
    let whole = search(&whole, &largest);
    assert_eq!((reduced.len(), reduced.size()), (1, (3072, 3072)));
    let (a, b) = (reduced.face(0).expect("a face"), whole.face(0).expect("a face"));
    assert!(a.rect().overlap(&b.rect()) > 0.9, "{:?} {:?}", a.rect(), b.rect());
    alike(&a, &b, 0.06);
    // A small face is estimated from a larger picture than the one in which it was found.
    let mut canvas = RgbImage::from_pixel(3072, 3072, image::Rgb([90, 100, 110]));
    let middle = imageops::resize(&picture(), 1400, 1400, imageops::FilterType::CatmullRom);
    imageops::overlay(&mut canvas, &middle, 800, 900);
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 95);
    canvas.write_with_encoder(encoder).expect("encoded");
    model.predict_encoded(&bytes, &largest, &mut workspace, &mut reduced).expect("an answer");
    let whole = image::load_from_memory(&bytes).expect("decoded").into_rgb8();
    let whole = search(&whole, &largest);
    let (a, b) = (reduced.face(0).expect("a face"), whole.face(0).expect("a face"));
    assert!(a.rect().overlap(&b.rect()) > 0.8, "{:?} {:?}", a.rect(), b.rect());
    alike(&a, &b, 0.06);
}

/// The face is large in the photograph, and small in the reduced picture that is searched. Nothing is estimated, so no
/// larger picture is decoded.
#[test]
fn quality_is_judged_in_the_pixels_of_the_original() {
    let mut canvas = RgbImage::from_pixel(4000, 3000, image::Rgb([90, 100, 110]));
    let person = imageops::resize(&picture(), 745, 745, imageops::FilterType::CatmullRom);
    imageops::overlay(&mut canvas, &person, 1600, 1100);
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 95);
    canvas.write_with_encoder(encoder).expect("encoded");
    let (mut workspace, mut out) = (Workspace::new(), Predictions::new());
    let options = Options::new().skip_age(true).skip_gender(true).max_faces(1);
    model().predict_encoded(&bytes, &options, &mut workspace, &mut out).expect("an answer");
    assert_eq!(out.size(), (4000, 3000));
    let face = out.face(0).expect("a face");
    assert!(face.rect().width > 100.0 && face.rect().width < 160.0, "{:?}", face.rect());
    assert!(!face.quality().contains(Quality::SMALL), "{:?}", face.quality());
}

/// Compares two faces. The landmarks may differ by `share` of the box. The age may differ by 8 years, which is how
/// steady the estimator is on this face for such shifts (training/EXPERIMENTS.md, base3).
fn alike(a: &Face<'_>, b: &Face<'_>, share: f32) {
    let (here, there) = (a.landmarks().expect("landmarks"), b.landmarks().expect("landmarks"));
    for (here, there) in here.iter().zip(there) {
        let far = (here.x - there.x).hypot(here.y - there.y) / a.rect().width;
        assert!(far < share, "{here:?} {there:?}: {far} of the box");
    }
    let (x, y) = (a.age().expect("an age").median(), b.age().expect("an age").median());
    assert!((x - y).abs() < 8.0, "{x} at a reduced scale, {y} of the whole");
}

#[test]
fn a_batch_answers_as_single_calls_do_on_any_number_of_threads() {
    let rgb = portrait::rgb();
    let images: Vec<Image<'_>> =
        [Orientation::UPRIGHT, Orientation::ROTATE_90, Orientation::ROTATE_180]
            .into_iter()
            .map(|turn| {
                Image::new(Format::Rgb, SIDE, SIDE, &rgb).expect("right").with_orientation(turn)
            })
            .collect();
    let single: Vec<Predictions> = images
        .iter()
        .map(|image| model().predict(image, &Options::new()).expect("a prediction"))
        .collect();
    let (model, options) = (model(), Options::new());
    let inputs: Vec<Input<'_>> = images.iter().map(Input::from).collect();
    for threads in [1, 3, 9] {
        let mut workspaces: Vec<Workspace> = (0..threads).map(|_| Workspace::new()).collect();
        let mut out: Vec<Predictions> = images.iter().map(|_| Predictions::new()).collect();
        let done = model.predict_batch(&inputs, &options, &mut workspaces, &mut out);
        let done = done.expect("a batch");
        assert!(done.iter().all(Result::is_ok));
        for (a, b) in out.iter().zip(&single) {
            assert_eq!(a.len(), b.len());
            for (a, b) in a.faces().zip(b.faces()) {
                assert_eq!(a.rect(), b.rect());
                assert_eq!(a.age().map(|age| age.median()), b.age().map(|age| age.median()));
            }
        }
    }
    let mut short = vec![Predictions::new()];
    let mut one = [Workspace::new()];
    assert!(model.predict_batch(&inputs, &options, &mut one, &mut short).is_err());
    let wrong = Options::new().age_coverage(3.0);
    let error = model.predict_batch(&inputs[..1], &wrong, &mut one, &mut short);
    let error = error.expect_err("wrong options concern all pictures");
    assert!(error.to_string().starts_with("age_coverage is 3"), "{error}");
    let none = model.predict_batch(&inputs[..1], &options, &mut [], &mut short);
    assert!(none.is_err(), "a batch without a workspace does nothing");
}

/// Returns the portrait as a file of this kind, lying on its side.
fn encoded(format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let large = imageops::resize(&picture(), 1600, 1600, imageops::FilterType::Triangle);
    imageops::rotate270(&large).write_to(&mut bytes, format).expect("memory");
    bytes.into_inner()
}

#[test]
fn bytes_of_files_are_turned_as_their_camera_lies_and_mix_with_pixels_in_a_batch() {
    let model = model();
    let [jpeg, png] = [ImageFormat::Jpeg, ImageFormat::Png].map(encoded);
    let rgb = portrait::rgb();
    let image = Image::new(Format::Rgb, SIDE, SIDE, &rgb).expect("a right picture");
    let turned = |bytes| Input::Encoded { bytes, orientation: Orientation::ROTATE_90 };
    let inputs = [turned(&jpeg), Input::from(image), turned(&png), Input::from(&b"no picture"[..])];
    let mut out: Vec<_> = inputs.iter().map(|_| Predictions::new()).collect();
    let mut workspaces = [Workspace::new(), Workspace::new()];
    let done = model.predict_batch(&inputs, &Options::new(), &mut workspaces, &mut out);
    let done = done.expect("a batch");
    assert!(done[..3].iter().all(Result::is_ok), "{done:?}");
    assert!(done[3].as_ref().is_err_and(|e| e.to_string().contains("no JPEG")), "{done:?}");
    assert!(out[3].is_empty());
    let want = out[1].face(0).expect("a face").rect();
    for (file, scale) in [(&out[0], 1600.0), (&out[2], 1600.0)] {
        assert_eq!(file.size(), (1600, 1600));
        let got = file.face(0).expect("a face").rect();
        let scale = SIDE as f32 / scale;
        let got = Rect::new(got.x * scale, got.y * scale, got.width * scale, got.height * scale);
        assert!(got.overlap(&want) > 0.8, "{got:?} for {want:?}");
    }
}

#[test]
fn a_tracker_follows_through_the_bytes_of_files() {
    let jpeg = encoded(ImageFormat::Jpeg);
    let mut tracker = Tracker::new(&model(), TrackerOptions::default()).expect("right options");
    let input = Input::Encoded { bytes: &jpeg, orientation: Orientation::ROTATE_90 };
    let (mut out, options) = (Predictions::new(), Options::new());
    let mut space = Workspace::new();
    let mut ids = Vec::new();
    for frame in 0..3 {
        tracker
            .update_input(input, frame * 33_333, &options, &mut space, &mut out)
            .expect("an answer");
        assert_eq!(out.size(), (1600, 1600));
        ids.push(out.face(0).expect("a face").track().expect("a number").id);
    }
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let broken = Input::from(&jpeg[..jpeg.len() / 2]);
    assert!(tracker.update_input(broken, 200_000, &options, &mut space, &mut out).is_err());
    assert!(out.is_empty());
    // The failed call has changed nothing.
    tracker.update_input(input, 100_000, &options, &mut space, &mut out).expect("an answer");
    assert_eq!(out.face(0).and_then(|face| face.track()).expect("a number").id, ids[0]);
}

#[test]
fn warming_up_does_what_the_first_search_would() {
    let model = model();
    model.warm_up(1280, 720, &Options::new()).expect("a detector");
    model.warm_up(1, 1, &Options::new()).expect("a detector");
    for (width, height) in [(0, 1), (1, 0), (usize::MAX, 1)] {
        let error = model.warm_up(width, height, &Options::new()).expect_err("refused");
        assert!(error.to_string().contains("picture size"), "{error}");
    }
    assert!(model.warm_up(64, 64, &Options::new().age_coverage(2.0)).is_err());
    // A model's limit holds for the pictures to come, too.
    let small = Model::load_default_with(&ModelOptions::new().max_pixels(1000));
    let error = small.expect("built in").warm_up(40, 40, &Options::new()).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    // Only one part of each pass is tried. All of them would take minutes.
    let large = Model::load_default_with(&ModelOptions::new().max_pixels(u64::MAX));
    let options = Options::new().min_face_size(1.0);
    large.expect("built in").warm_up(1 << 24, 1 << 24, &options).expect("a detector");
}

#[test]
fn the_licences_of_all_networks_are_told() {
    let license = model().license();
    assert!(
        license.starts_with("base 0.7.0: non-commercial research (UTKFace and others)"),
        "{license}"
    );
    assert!(license.contains("; detector "), "{license}");
    assert!(license.contains("WIDER FACE"), "{license}");
}

#[test]
fn a_photo_is_annotated() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out.png");
    // Cargo builds the examples before it runs the tests.
    let tests = std::env::current_exe().expect("this program");
    let program = tests.parent().and_then(|deps| deps.parent()).expect("a folder");
    let output = std::process::Command::new(program.join("examples/annotate"))
        .arg(portrait::path())
        .arg(&out)
        .output()
        .expect("runs");
    assert!(output.status.success(), "{output:?}");
    let changed = |before: &image::RgbImage, out: &std::path::Path| {
        let drawn = image::open(out).expect("a picture").into_rgb8();
        assert_eq!(drawn.dimensions(), before.dimensions());
        drawn.pixels().zip(before.pixels()).filter(|(a, b)| a != b).count() as f64
    };
    let once = changed(&picture(), &out);
    assert!(once > 500.0, "{once}");

    // Lines and letters grow with the picture, and twice its size means four times as many pixels.
    let (wide, twice) = (folder.path().join("wide.png"), folder.path().join("twice.png"));
    let larger = image::imageops::resize(
        &picture(),
        2 * SIDE as u32,
        2 * SIDE as u32,
        image::imageops::FilterType::Triangle,
    );
    larger.save(&wide).expect("written");
    let output = std::process::Command::new(program.join("examples/annotate"))
        .args([&wide, &twice])
        .output()
        .expect("runs");
    assert!(output.status.success(), "{output:?}");
    let share = changed(&larger, &twice) / once;
    assert!((3.4..4.6).contains(&share), "{share}");
    let missing = std::process::Command::new(program.join("examples/annotate"))
        .arg("missing.jpg")
        .arg(&out)
        .output()
        .expect("runs");
    assert!(!missing.status.success());
    assert!(String::from_utf8_lossy(&missing.stderr).contains("missing.jpg cannot be read"));
}
