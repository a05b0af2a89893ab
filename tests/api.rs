//! Tests the Rust interface on a real picture.
#![allow(clippy::unwrap_used)]

use std::sync::Barrier;

use face_predict::{
    DecodeLimits, ErrorKind, Format, Gender, Image, Model, ModelOptions, Options, Orientation,
    Picture, Point, Predictions, Quality, Rect, Region, Workspace,
};
use portrait::{FACE, SIDE};

mod eval;
mod portrait;

const FACES: [Region; 1] = [FACE];

fn options() -> Options<'static> {
    Options::new().regions(&FACES)
}

/// Returns the age, its interval and the probability of female of the first face.
fn numbers(predictions: &Predictions) -> [f32; 4] {
    let face = predictions.face(0).unwrap();
    let (low, high) = face.age_interval().unwrap();
    [face.age().unwrap().median(), low, high, face.female_probability().unwrap()]
}

fn assert_near(a: [f32; 4], b: [f32; 4], tolerance: f32, what: &str) {
    let [years, share] = [40.0 * tolerance, tolerance];
    let near =
        a.iter().zip(&b).zip([years, years, years, share]).all(|((a, b), t)| (a - b).abs() <= t);
    assert!(near, "{what}: {a:?} and {b:?}");
}

fn bytes_per_pixel(format: Format) -> usize {
    match format {
        Format::Gray => 1,
        Format::Rgb | Format::Bgr => 3,
        _ => 4,
    }
}

#[test]
fn threads_may_race_for_the_built_in_model() {
    let barrier = Barrier::new(8);
    let rgb = portrait::rgb();
    let image = Image::new(Format::Rgb, SIDE, SIDE, &rgb).unwrap();
    let answers: Vec<[f32; 4]> = std::thread::scope(|scope| {
        let work = || {
            barrier.wait();
            numbers(&Model::load_default().unwrap().predict(&image, &options()).unwrap())
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[test]
fn the_portrait_is_a_face() {
    let model = Model::load_default().unwrap();
    let picture = Picture::open(portrait::path(), &DecodeLimits::default()).unwrap();
    let predictions = model.predict(&picture.image(), &options()).unwrap();
    assert_eq!((predictions.len(), predictions.size()), (1, (SIDE, SIDE)));
    let face = predictions.face(0).unwrap();
    assert_eq!((face.rect(), face.landmarks()), (FACE.rect, None));
    assert!(face.quality().is_good());
    let age = face.age().unwrap();
    let (low, high) = face.age_interval().unwrap();
    assert!((0.0..=150.0).contains(&age.median()) && low <= age.median() && age.median() <= high);
    assert!((age.years().iter().sum::<f32>() - 1.0).abs() < 1e-4);
    let female = face.female_probability().unwrap();
    assert!((0.5..=1.0).contains(&female), "{female}");
    assert_ne!(face.gender(), Some(Gender::Male));
    assert!(predictions.face(1).is_none());
    assert_eq!(predictions.faces().len(), 1);
}

/// Returns the portrait in another byte order, with rows that are `padding` bytes longer than needed.
fn converted(rgb: &[u8], format: Format, padding: usize) -> Vec<u8> {
    let pixel = bytes_per_pixel(format);
    let mut out = vec![0xA5; (SIDE * pixel + padding) * SIDE];
    for (y, row) in rgb.chunks_exact(SIDE * 3).enumerate() {
        for (x, p) in row.chunks_exact(3).enumerate() {
            let at = y * (SIDE * pixel + padding) + x * pixel;
            match format {
                Format::Bgr | Format::Bgra => out[at..at + 3].copy_from_slice(&[p[2], p[1], p[0]]),
                Format::Gray => out[at] = p[1],
                _ => out[at..at + 3].copy_from_slice(p),
            }
        }
    }
    out
}

#[test]
fn every_format_and_stride_gives_the_same_answer() {
    let model = Model::load_default().unwrap();
    let mut rgb = portrait::rgb();
    let answer = |format, padding: usize, data: &[u8]| {
        let stride = if padding == 0 { 0 } else { SIDE * bytes_per_pixel(format) + padding };
        let image = Image::with_stride(format, SIDE, SIDE, data, stride).unwrap();
        numbers(&model.predict(&image, &options()).unwrap())
    };
    let expected = answer(Format::Rgb, 0, &rgb);
    for format in [Format::Rgb, Format::Bgr, Format::Rgba, Format::Bgra] {
        for padding in [0, 1, 61] {
            let data = converted(&rgb, format, padding);
            assert_eq!(answer(format, padding, &data), expected, "{format:?}, padding {padding}");
        }
    }
    for pixel in rgb.chunks_exact_mut(3) {
        pixel.fill(pixel[1]);
    }
    let expected = answer(Format::Rgb, 0, &rgb);
    for padding in [0, 13] {
        let gray = answer(Format::Gray, padding, &converted(&rgb, Format::Gray, padding));
        assert_near(gray, expected, 1e-4, "gray");
    }
}

#[test]
fn every_orientation_gives_the_same_answer() {
    let model = Model::load_default().unwrap();
    let rgb = portrait::rgb();
    let expected = numbers(
        &model.predict(&Image::new(Format::Rgb, SIDE, SIDE, &rgb).unwrap(), &options()).unwrap(),
    );
    for exif in 1..=8 {
        let orientation = Orientation::from_exif(exif).unwrap();
        // The crop is not square, so that exchanged sides would be seen.
        let (width, height) = (400, 300);
        let stored = if orientation.swaps_axes() { (height, width) } else { (width, height) };
        let mut data = vec![0; width * height * 3];
        for y in 0..height {
            for x in 0..width {
                let mx = if orientation.is_mirrored() { width - 1 - x } else { x };
                let (sx, sy) = match orientation.degrees() {
                    90 => (y, width - 1 - mx),
                    180 => (width - 1 - mx, height - 1 - y),
                    270 => (height - 1 - y, mx),
                    _ => (mx, y),
                };
                let (from, to) = ((y * SIDE + x) * 3, (sy * stored.0 + sx) * 3);
                data[to..to + 3].copy_from_slice(&rgb[from..from + 3]);
            }
        }
        let image = Image::new(Format::Rgb, stored.0, stored.1, &data)
            .unwrap()
            .with_orientation(orientation);
        assert_eq!(image.upright_size(), (width, height));
        let answer = numbers(&model.predict(&image, &options()).unwrap());
        assert_near(answer, expected, 2e-3, &format!("Exif orientation {exif}"));
    }
}

#[test]
fn faces_come_largest_first() {
    let model = Model::load_default().unwrap();
    let rgb = portrait::rgb();
    let image = Image::new(Format::Rgb, SIDE, SIDE, &rgb).unwrap();
    let region = |x: f32, side: f32| Region::from_box(Rect::new(x, 70.0, side, side));
    let regions =
        [region(200.0, 20.0), region(180.0, 90.0), region(170.0, 110.0), region(150.0, 90.0)];
    let predictions = model.predict(&image, &Options::new().regions(&regions)).unwrap();
    let xs = |p: &Predictions| p.faces().map(|face| face.rect().x).collect::<Vec<_>>();
    // Two faces of the same size keep the order in which they were given.
    assert_eq!(xs(&predictions), [170.0, 180.0, 150.0, 200.0]);
    assert!(predictions.face(3).unwrap().quality().contains(Quality::SMALL));
    for (face, alone) in predictions.faces().zip([2, 1, 3, 0]) {
        let alone = [regions[alone]];
        let alone = model.predict(&image, &Options::new().regions(&alone)).unwrap();
        assert_eq!(face.age().unwrap().years(), alone.face(0).unwrap().age().unwrap().years());
        assert_eq!(face.female_probability(), alone.face(0).unwrap().female_probability());
    }
    let most = model.predict(&image, &Options::new().regions(&regions).max_faces(2)).unwrap();
    assert_eq!(xs(&most), [170.0, 180.0]);
}

#[test]
fn landmarks_place_the_crop() {
    let model = Model::load_default().unwrap();
    let rgb = portrait::rgb();
    let image = Image::new(Format::Rgb, SIDE, SIDE, &rgb).unwrap();
    let landmarks = [[203., 110.], [244., 110.], [224., 135.], [207., 155.], [241., 155.]]
        .map(|[x, y]| Point::new(x, y));
    let known = [Region { landmarks: Some(landmarks), ..FACE }];
    let by_landmarks = model.predict(&image, &Options::new().regions(&known)).unwrap();
    assert_eq!(by_landmarks.face(0).unwrap().landmarks(), Some(landmarks));
    assert_ne!(numbers(&by_landmarks), numbers(&model.predict(&image, &options()).unwrap()));
}

#[test]
fn what_is_skipped_is_absent_and_the_rest_unchanged() {
    let model = Model::load_default().unwrap();
    let rgb = portrait::rgb();
    let image = Image::new(Format::Rgb, SIDE, SIDE, &rgb).unwrap();
    let [age, _, _, female] = numbers(&model.predict(&image, &options()).unwrap());
    let predictions = model.predict(&image, &options().skip_age(true)).unwrap();
    let face = predictions.face(0).unwrap();
    assert!(face.age().is_none() && face.age_interval().is_none());
    assert_eq!(face.female_probability(), Some(female));
    let predictions = model.predict(&image, &options().skip_gender(true)).unwrap();
    let face = predictions.face(0).unwrap();
    assert!(face.female_probability().is_none() && face.gender().is_none());
    assert_eq!(face.age().unwrap().median(), age);
    let neither = options().skip_age(true).skip_gender(true);
    let predictions = model.predict(&image, &neither).unwrap();
    assert_eq!(predictions.face(0).unwrap().rect(), FACE.rect);
    let sure = model.predict(&image, &options().gender_threshold(1.0)).unwrap();
    assert!(sure.face(0).unwrap().gender().is_none() || female == 1.0 || female == 0.0);
}

#[test]
fn a_wider_coverage_gives_a_wider_interval() {
    let model = Model::load_default().unwrap();
    let rgb = portrait::rgb();
    let image = Image::new(Format::Rgb, SIDE, SIDE, &rgb).unwrap();
    let width = |coverage| {
        let predictions = model.predict(&image, &options().age_coverage(coverage)).unwrap();
        let face = predictions.face(0).unwrap();
        assert_eq!(face.age_interval(), Some(face.age().unwrap().interval(coverage)));
        let (low, high) = face.age_interval().unwrap();
        high - low
    };
    assert!(width(0.1) < width(0.5) && width(0.5) < width(0.9) && width(0.9) < width(0.999));
}

#[test]
fn errors_by_kind_and_an_empty_result() {
    let model = Model::load_default().unwrap();
    let rgb = portrait::rgb();
    let image = Image::new(Format::Rgb, SIDE, SIDE, &rgb).unwrap();
    let mut out = model.predict(&image, &options()).unwrap();
    let before = numbers(&out);
    let mut workspace = Workspace::new();
    let mut fails = |options: &Options<'_>, kind: ErrorKind, part: &str| {
        let error = model.predict_into(&image, options, &mut workspace, &mut out).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert!(out.is_empty() && out.size() == (0, 0));
    };
    let invalid = ErrorKind::InvalidArgument;
    for size in [-1.0, f32::NAN, f32::INFINITY] {
        fails(&Options::new().min_face_size(size), invalid, "min_face_size");
    }
    for score in [0.0, 1.0, f32::NAN] {
        fails(&Options::new().min_score(score), invalid, "min_score");
    }
    for crops in [0, 9, usize::MAX] {
        fails(&options().crops(crops), invalid, "crops");
    }
    let size = SIDE as f32;
    for (x, y) in [(size, 0.0), (0.0, size), (-30.0, 0.0), (0.0, -30.0), (9e6, 9e6)] {
        let regions = [FACE, Region::from_box(Rect::new(x, y, 30.0, 30.0))];
        fails(&Options::new().regions(&regions), invalid, "lies outside the picture of 512x512");
    }
    fails(&options().cropped(true), invalid, "one face, but 1 regions");
    for coverage in [0.0, 1.0, -1.0, f32::NAN, f32::INFINITY] {
        fails(&options().age_coverage(coverage), invalid, "age_coverage");
    }
    for threshold in [0.4, 1.1, f32::NAN] {
        fails(&options().gender_threshold(threshold), invalid, "gender_threshold");
    }
    for bad in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e8] {
        let regions = [FACE, Region::from_box(Rect::new(1.0, 2.0, bad, 4.0))];
        fails(&Options::new().regions(&regions), invalid, "region 1: box 1,2 of");
    }

    let (options, mut failed) = (options(), Vec::new());
    let mut file = |model: &Model, path: &std::path::Path| {
        model.predict_file(path, &options, &mut workspace, &mut out)
    };
    let limited = Model::load_default_with(&ModelOptions::new().max_pixels(9)).unwrap();
    failed.push((file(&model, "missing.png".as_ref()), ErrorKind::Io));
    failed.push((file(&limited, &portrait::path()), ErrorKind::Limit));
    let encoded = model.predict_encoded(b"no picture", &options, &mut workspace, &mut out);
    failed.push((encoded, ErrorKind::Image));
    let large = limited.predict_into(&image, &options, &mut workspace, &mut out);
    failed.push((large, ErrorKind::Limit));
    for (failed, kind) in failed {
        assert_eq!(failed.unwrap_err().kind(), kind);
    }
    let kind = |made: face_predict::Result<Image<'_>>| made.unwrap_err().kind();
    assert_eq!(kind(Image::new(Format::Rgb, 513, SIDE, &rgb)), ErrorKind::BufferTooSmall);
    assert_eq!(kind(Image::new(Format::Rgb, 0, SIDE, &rgb)), invalid);
    assert_eq!(kind(Image::new(Format::Rgb, usize::MAX, 2, &rgb)), invalid);
    assert_eq!(kind(Image::with_stride(Format::Rgb, SIDE, SIDE, &rgb, 3)), invalid);
    assert_eq!(kind(Image::with_stride(Format::Rgb, SIDE, SIDE, &rgb, usize::MAX)), invalid);
    assert_eq!(
        Model::load_file("missing.onnx", &ModelOptions::new()).unwrap_err().kind(),
        ErrorKind::Io
    );
    assert_eq!(Model::load_bytes(b"x", &ModelOptions::new()).unwrap_err().kind(), ErrorKind::Model);
    // The failed calls have changed nothing.
    assert_eq!(numbers(&model.predict(&image, &options).unwrap()), before);
}

/// Tests cropped faces of real people, which only developers have.
#[test]
fn real_photographs_are_answered_as_labelled() {
    let Some(folder) = eval::folder() else { return };
    let table = std::fs::read_to_string(folder.join("utkface.csv")).unwrap();
    let model = Model::load_default().unwrap();
    let (mut workspace, mut out) = (Workspace::new(), Predictions::new());
    let header: Vec<&str> = table.lines().next().unwrap().split(',').collect();
    let column = |name: &str| header.iter().position(|c| *c == name).unwrap();
    let boxes = ["box_x", "box_y", "box_w", "box_h"].map(column);
    let (mut error, mut right, mut count) = (0.0, 0, 0);
    for line in table.lines().skip(1).step_by(4) {
        let cells: Vec<&str> = line.split(',').collect();
        let [x, y, width, height] = boxes.map(|i| cells[i].parse().unwrap_or(f32::NAN));
        if !(width > 0.0 && height > 0.0) {
            continue;
        }
        let region = [Region::from_box(Rect::new(x, y, width, height))];
        let path = folder.join("utkface").join(cells[column("file")]);
        let options = Options::new().regions(&region);
        model.predict_file(path, &options, &mut workspace, &mut out).unwrap();
        let face = out.face(0).unwrap();
        let age: f32 = cells[column("age")].parse().unwrap();
        error += (face.age().unwrap().median() - age).abs();
        let female = face.female_probability().unwrap() > 0.5;
        right += usize::from(female == (cells[column("gender")] == "female"));
        count += 1;
    }
    let (error, right) = (error / count as f32, right as f32 / count as f32);
    println!("{count} photographs by box: age off by {error:.2} years, gender right {right:.3}");
    // The bounds are loose. They test that faces are cut and read correctly, and not the quality of the weights.
    assert!(count > 50 && error < 10.0 && right > 0.8, "{count}: {error} years, {right}");
}

#[test]
fn landmarks_that_cannot_be_those_of_the_box_are_forgotten() {
    let model = Model::load_default().unwrap();
    let rgb = portrait::rgb();
    let image = Image::new(Format::Rgb, SIDE, SIDE, &rgb).unwrap();
    let good = [(203.0, 111.0), (244.0, 112.0), (226.0, 137.0), (206.0, 152.0), (243.0, 152.0)]
        .map(|(x, y)| Point::new(x, y));
    let swapped = [good[1], good[0], good[2], good[4], good[3]];
    let far = good.map(|p| Point::new(p.x + 3000.0, p.y));
    let plain = numbers(&model.predict(&image, &options()).unwrap());
    for landmarks in [swapped, far] {
        let regions = [Region { landmarks: Some(landmarks), ..FACE }];
        let found = model.predict(&image, &Options::new().regions(&regions)).unwrap();
        let face = found.face(0).unwrap();
        assert!(face.pose().is_none() && face.landmarks().is_none(), "{:?}", face.pose());
        assert!(!face.quality().contains(Quality::TURNED));
        assert_near(numbers(&found), plain, 1e-5, "as by its box");
    }
    let regions = [Region { landmarks: Some(good), ..FACE }];
    let found = model.predict(&image, &Options::new().regions(&regions)).unwrap();
    assert!(found.face(0).unwrap().pose().is_some());
}

#[test]
fn two_looks_see_a_face_and_its_mirror_image_alike() {
    let model = Model::load_default().unwrap();
    let rgb = portrait::rgb();
    let image = Image::new(Format::Rgb, SIDE, SIDE, &rgb).unwrap();
    let mirrored = image.with_orientation(Orientation::from_degrees(0, true).unwrap());
    let at = [(203.0, 111.0), (244.0, 112.0), (226.0, 137.0), (206.0, 152.0), (243.0, 152.0)];
    let side = SIDE as f32;
    let marks = at.map(|(x, y)| Point::new(x, y));
    let there = at.map(|(x, y)| Point::new(side - x, y));
    let ours = [Region { landmarks: Some(marks), ..FACE }];
    let rect = Rect { x: side - FACE.rect.x - FACE.rect.width, ..FACE.rect };
    let landmarks = Some([there[1], there[0], there[2], there[4], there[3]]);
    let theirs = [Region { rect, landmarks }];
    let answer = |image: &Image<'_>, regions: &[Region], crops| {
        numbers(&model.predict(image, &Options::new().regions(regions).crops(crops)).unwrap())
    };
    let both = answer(&image, &ours, 2);
    assert_near(both, answer(&mirrored, &theirs, 2), 1e-3, "two crops");
    let (one, other) = (answer(&image, &ours, 1), answer(&mirrored, &theirs, 1));
    assert!((one[3] - other[3]).abs() > 0.01, "one crop does not: {one:?} {other:?}");
    let between = one[3].min(other[3])..=one[3].max(other[3]);
    assert!(between.contains(&both[3]), "{one:?} {other:?} {both:?}");
    let eight = answer(&image, &ours, 8);
    assert!(eight != both && eight.iter().all(|v| v.is_finite()), "{eight:?}");
}

#[test]
fn a_jpeg_that_ends_early_is_damaged() {
    let model = Model::load_default().unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/pictures/face.jpg");
    let whole = std::fs::read(path).unwrap();
    let (mut workspace, mut out) = (Workspace::new(), Predictions::new());
    for part in [whole.len() / 2, whole.len() * 9 / 10, whole.len() - 4] {
        for options in [Options::new(), Options::new().cropped(true)] {
            let part = &whole[..part];
            let error =
                model.predict_encoded(part, &options, &mut workspace, &mut out).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Image, "{error}");
            assert!(out.is_empty());
        }
    }
    // The file has a phone's film behind its photograph.
    let more = [whole.clone(), vec![0x55; 1000]].concat();
    let options = Options::new().cropped(true);
    model.predict_encoded(&more, &options, &mut workspace, &mut out).unwrap();
    assert_eq!(out.len(), 1);
}
