//! Tests pictures as bytes and files: unusual JPEGs, orientations, and files that are no pictures.
#![allow(missing_docs)]

#[allow(dead_code)]
mod portrait;

use std::io::Cursor;

use face_predict::{
    DecodeLimits, Error, ErrorKind, Model, Options, Picture, Predictions, Workspace,
};
use image::{RgbImage, imageops};
use portrait::SIDE;

fn model() -> Model {
    Model::load_default().expect("built in")
}

fn scene(side: u32) -> RgbImage {
    let image = RgbImage::from_raw(SIDE as u32, SIDE as u32, portrait::rgb()).expect("whole");
    imageops::resize(&image, side, side, imageops::FilterType::CatmullRom)
}

fn jpeg(image: &RgbImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 92);
    image.write_with_encoder(encoder).expect("encoded");
    bytes.into_inner()
}

fn decode(bytes: &[u8]) -> Result<Picture, Error> {
    Picture::decode(bytes, &DecodeLimits::default())
}

fn ask(bytes: &[u8], options: &Options<'_>) -> Predictions {
    let mut out = Predictions::new();
    model().predict_encoded(bytes, options, &mut Workspace::new(), &mut out).expect("an answer");
    out
}

/// Returns an Exif segment with an orientation, stored as SHORT (3) or LONG (4). With 0 it is a block with another
/// entry.
fn exif(orientation: u8, kind: u8) -> Vec<u8> {
    let mut out = b"\xFF\xE1\0\x22Exif\0\0MM\0\x2A\0\0\0\x08\0\x01".to_vec();
    out.extend([0x01, if orientation == 0 { 0x1A } else { 0x12 }, 0, kind, 0, 0, 0, 1]);
    out.extend(if kind == 3 { [0, orientation, 0, 0] } else { [0, 0, 0, orientation] });
    out.extend([0; 4]);
    out
}

/// Returns the JPEG with segments directly after its first marker.
fn with(bytes: &[u8], segments: &[Vec<u8>]) -> Vec<u8> {
    [&bytes[..2], &segments.concat(), &bytes[2..]].concat()
}

/// The files have tables between scans, chroma finer than luma, or a webcam's frame without Huffman tables. Other
/// decoders refuse them, or make them grey.
#[test]
fn odd_jpegs_show_the_face_that_they_have() {
    let want = ask(&jpeg(&scene(320)), &Options::new());
    let (want_age, want_female) = {
        let face = want.face(0).expect("a face");
        (face.age().expect("an age").median(), face.female_probability().expect("a gender"))
    };
    for name in ["noninterleaved", "samp_chroma_big", "cam640_nodht"] {
        let path = format!("{}/tests/encoded/{name}.jpg", env!("CARGO_MANIFEST_DIR"));
        let mut out = Predictions::new();
        model()
            .predict_file(&path, &Options::new().max_faces(1), &mut Workspace::new(), &mut out)
            .expect("an answer");
        let face = out.face(0).expect("a face");
        let share = face.rect().width / out.size().0 as f32;
        assert!((0.1..0.4).contains(&share), "{name}: {:?}", face.rect());
        let age = face.age().expect("an age").median();
        assert!((age - want_age).abs() < 8.0, "{name}: {age} for {want_age}");
        let female = face.female_probability().expect("a gender");
        assert!((female - want_female).abs() < 0.25, "{name}: {female} for {want_female}");
    }
}

/// The pixels at a few places.
type Places = [(u32, u32, [u8; 3]); 6];

const EXPECTED: [(&str, Places); 3] = [
    (
        "noninterleaved",
        [
            (45, 64, [185, 172, 164]),
            (160, 106, [226, 196, 172]),
            (106, 160, [0, 0, 0]),
            (192, 256, [13, 12, 8]),
            (319, 0, [194, 180, 179]),
            (0, 319, [222, 108, 72]),
        ],
    ),
    (
        "samp_chroma_big",
        [
            (45, 64, [184, 174, 165]),
            (160, 106, [228, 193, 171]),
            (106, 160, [0, 0, 0]),
            (192, 256, [24, 20, 17]),
            (319, 0, [198, 182, 182]),
            (0, 319, [213, 90, 59]),
        ],
    ),
    (
        "cam640_nodht",
        [
            (91, 96, [34, 18, 80]),
            (320, 160, [218, 205, 197]),
            (213, 240, [198, 76, 35]),
            (384, 384, [0, 1, 0]),
            (639, 0, [90, 110, 119]),
            (0, 479, [90, 110, 119]),
        ],
    ),
];

/// The values are those of Pillow 13.
#[test]
fn odd_jpegs_have_the_right_pixels() {
    for (name, places) in EXPECTED {
        let path = format!("{}/tests/encoded/{name}.jpg", env!("CARGO_MANIFEST_DIR"));
        let picture = image_of(&std::fs::read(path).expect("a file"));
        for (x, y, want) in places {
            let got = picture.get_pixel(x, y).0;
            let near = got.iter().zip(want).all(|(a, b)| a.abs_diff(b) <= 3);
            assert!(near, "{name} {x} {y}: {got:?} for {want:?}");
        }
    }
}

/// Returns the pixels of a picture through crops, which are the only public way to read them.
fn image_of(bytes: &[u8]) -> RgbImage {
    let picture = decode(bytes).expect("decoded");
    let (width, height) = picture.image().upright_size();
    let pixels = face_predict::Warp::default()
        .cut_rgb(&picture.image(), &face_predict::Affine::IDENTITY, width, height)
        .expect("cut");
    RgbImage::from_raw(width as u32, height as u32, pixels).expect("whole")
}

#[test]
fn the_first_orientation_counts_at_every_size() {
    // The picture is wider than high, so that a quarter turn is seen. The larger one is searched at a reduced scale.
    for side in [320, 1440] {
        let plain = jpeg(&imageops::crop_imm(&scene(side), 0, 0, side, side * 3 / 4).to_image());
        let upright = (side as usize, side as usize * 3 / 4);
        let turned = (upright.1, upright.0);
        let cases = [
            (vec![exif(6, 3)], turned),
            (vec![exif(6, 4)], turned),
            (vec![exif(6, 3), exif(1, 3)], turned),
            (vec![exif(1, 3), exif(6, 3)], upright),
            (vec![exif(0, 3), exif(6, 4), exif(1, 4)], turned),
            (vec![exif(9, 3), exif(6, 3)], turned),
            (vec![], upright),
        ];
        for (segments, want) in cases {
            let bytes = with(&plain, &segments);
            assert_eq!(decode(&bytes).expect("decoded").image().upright_size(), want);
            assert_eq!(ask(&bytes, &Options::new()).size(), want, "{side} {segments:x?}");
        }
    }
}

#[test]
fn a_missing_end_marker_is_forgiven_and_a_missing_block_is_not() {
    for side in [320, 1440] {
        let whole = jpeg(&scene(side));
        let options = Options::new().max_faces(1);
        let (a, b) = (ask(&whole, &options), ask(&whole[..whole.len() - 2], &options));
        let median = |out: &Predictions| out.face(0).and_then(|f| f.age().map(|age| age.median()));
        assert!(median(&a).is_some() && median(&a) == median(&b));
        let mut out = Predictions::new();
        let cut = &whole[..whole.len() * 2 / 3];
        let error = model()
            .predict_encoded(cut, &options, &mut Workspace::new(), &mut out)
            .expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Image);
        assert_eq!(
            error.to_string(),
            "the picture is damaged: the JPEG ends before all of its blocks have come"
        );
    }
}

#[test]
fn what_is_not_read_is_named_once() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/jpeg/tests/cases/arithmetic.jpg");
    let bytes = std::fs::read(path).expect("a file");
    let mut out = Predictions::new();
    for options in [Options::new(), Options::new().cropped(true)] {
        let error = model()
            .predict_encoded(&bytes, &options, &mut Workspace::new(), &mut out)
            .expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Image);
        assert_eq!(error.to_string(), "arithmetic-coded JPEG is not supported");
    }
    let named: [(&[u8], &str); 8] = [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x1Cftypavif\0\0\0\0avifmif1", "AVIF"),
        (b"\0\0\0\x0CJXL \r\n\x87\n", "JPEG XL"),
        (b"\0\0\0\x0CjP  \r\n\x87\n", "JPEG 2000"),
        (b"%PDF-1.4\n", "PDF"),
        (b"<!DOCTYPE html><title>404</title>", "HTML"),
        (b"GIF89a\x01\0\x01\0", "GIF"),
        (b"II*\0\x08\0\0\0", "TIFF"),
    ];
    for (bytes, name) in named {
        let error = decode(bytes).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Image);
        let want = format!("the {} bytes are {name}, not JPEG, PNG, WebP or BMP", bytes.len());
        assert_eq!(error.to_string(), want);
    }
    let error = decode(b"anything else").expect_err("refused");
    assert_eq!(error.to_string(), "the 13 bytes are no JPEG, PNG, WebP or BMP");
}

#[test]
fn paths_are_shown_short_and_urls_are_named() {
    let message = |path: &str| {
        let error = Picture::open(path, &DecodeLimits::default()).expect_err("refused");
        (error.kind(), error.to_string())
    };
    let (kind, text) = message(&format!("data:image/jpeg;base64,{}", "/9j/4AAQ".repeat(5000)));
    assert_eq!(kind, ErrorKind::Unsupported);
    assert!(text.contains("is a data URL, which must be decoded and given as bytes"), "{text}");
    assert!(text.starts_with("data:image/jpeg;base64,") && text.len() < 400, "{text}");
    let (kind, text) = message("https://example.org/face.jpg");
    assert!(kind == ErrorKind::Unsupported && text.contains("is a URL"), "{text}");
    let (kind, text) = message(&format!("{}/face.jpg", "ä".repeat(300)));
    assert!(kind == ErrorKind::Io && text.contains("ä/face.jpg") && text.len() < 500, "{text}");
    let empty = tempfile::NamedTempFile::new().expect("a file");
    let path = empty.path().to_str().expect("a path");
    let (kind, text) = message(path);
    assert_eq!(kind, ErrorKind::Image);
    assert_eq!(text, format!("{path}: the 0 bytes are no JPEG, PNG, WebP or BMP"));
    let model = model();
    let (mut workspace, mut out) = (Workspace::new(), Predictions::new());
    let error = model.predict_file(path, &Options::new(), &mut workspace, &mut out);
    assert_eq!(error.expect_err("refused").to_string(), text);
    // An error in the options does not depend on the file.
    let error = model.predict_file(path, &Options::new().crops(9), &mut workspace, &mut out);
    assert!(error.expect_err("refused").to_string().starts_with("crops is 9"));
    let (kind, text) = message("missing.jpg");
    assert!(kind == ErrorKind::Io && text.starts_with("missing.jpg cannot be read"), "{text}");
}

/// The header promises that no thread starts without being asked for.
#[cfg(target_os = "linux")]
#[test]
fn decoding_starts_no_thread() {
    use std::sync::atomic::{AtomicBool, Ordering};

    let bytes = jpeg(&scene(2048));
    // The other tests of this program have their own threads, so this runs in a separate process.
    if std::env::var_os("FP_ALONE").is_none() {
        let program = std::env::current_exe().expect("this program");
        let status = std::process::Command::new(program)
            .args(["--exact", "decoding_starts_no_thread", "--test-threads=1"])
            .env("FP_ALONE", "1")
            .status()
            .expect("runs");
        assert!(status.success());
        return;
    }
    let threads = || std::fs::read_dir("/proc/self/task").expect("linux").count();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // A thread watches, and counts as one more.
        let most = scope.spawn(|| {
            let mut most = 0;
            while !stop.load(Ordering::Relaxed) {
                most = most.max(threads());
            }
            most
        });
        let before = threads();
        let mut out = Predictions::new();
        for _ in 0..3 {
            model()
                .predict_encoded(&bytes, &Options::new(), &mut Workspace::new(), &mut out)
                .expect("an answer");
            decode(&bytes).expect("decoded");
        }
        stop.store(true, Ordering::Relaxed);
        assert_eq!(most.join().expect("no panic"), before);
    });
}
