//! The same picture in every format, layout, rotation and mirroring gives the same face, within the loss of the format.
#![allow(missing_docs)]

mod portrait;

use face_predict::{
    Affine, ErrorKind, Face, Format, Image, Layout, Model, Options, Orientation, Point, Rect,
    Region, Warp, Yuv,
};
use portrait::{FACE, SIDE};

const YUV: [Yuv; 4] = [Yuv::Bt601Limited, Yuv::Bt601Full, Yuv::Bt709Limited, Yuv::Bt709Full];

const PACKED: [Format; 6] =
    [Format::Rgb, Format::Bgr, Format::Rgba, Format::Bgra, Format::Argb, Format::Abgr];

const CAMERAS: [Format; 6] =
    [Format::Nv12, Format::Nv21, Format::I420, Format::Yuyv, Format::Uyvy, Format::P010];

/// A picture with its planes, strides and chroma step.
struct Stored {
    format: Format,
    planes: Vec<Vec<u8>>,
    layout: Layout,
    yuv: Yuv,
}

impl Stored {
    fn image(&self, width: usize, height: usize) -> Image<'_> {
        let planes: Vec<&[u8]> = self.planes.iter().map(Vec::as_slice).collect();
        Image::from_planes(self.format, width, height, &planes, &self.layout)
            .expect("a right picture")
            .with_yuv(self.yuv)
    }
}

/// Returns Y, U and V of a colour. The equations are those of the standards, and not those of the library.
fn to_yuv(rgb: [u8; 3], yuv: Yuv) -> [f64; 3] {
    let [r, g, b] = rgb.map(|v| f64::from(v) / 255.0);
    let (kr, kb) = match yuv {
        Yuv::Bt601Limited | Yuv::Bt601Full => (0.299, 0.114),
        _ => (0.2126, 0.0722),
    };
    let y = kr * r + (1.0 - kr - kb) * g + kb * b;
    let (u, v) = ((b - y) / (2.0 * (1.0 - kb)), (r - y) / (2.0 * (1.0 - kr)));
    match yuv {
        Yuv::Bt601Full | Yuv::Bt709Full => [255.0 * y, 255.0 * u + 128.0, 255.0 * v + 128.0],
        _ => [219.0 * y + 16.0, 224.0 * u + 128.0, 224.0 * v + 128.0],
    }
}

/// Returns rows with bytes of padding that must not be read as colours.
fn padded(row: usize, rows: usize, stride: usize, value: impl Fn(usize, usize) -> u8) -> Vec<u8> {
    let mut plane = vec![0xA5; stride * (rows - 1) + row];
    for y in 0..rows {
        for x in 0..row {
            plane[y * stride + x] = value(x, y);
        }
    }
    plane
}

fn store(rgb: &[u8], width: usize, height: usize, format: Format, yuv: Yuv, pad: usize) -> Stored {
    let at = |x: usize, y: usize| -> [u8; 3] {
        let i = (y.min(height - 1) * width + x.min(width - 1)) * 3;
        [rgb[i], rgb[i + 1], rgb[i + 2]]
    };
    let packed = |order: &[usize]| {
        let step = order.len();
        let row = width * step;
        let plane = padded(row, height, row + pad, |x, y| {
            order[x % step].checked_sub(9).map_or_else(|| at(x / step, y)[order[x % step]], |_| 7)
        });
        (vec![plane], Layout { strides: [row + pad, 0, 0], ..Layout::default() })
    };
    let round = |v: f64| v.round().clamp(0.0, 255.0) as u8;
    let luma = |x: usize, y: usize| round(to_yuv(at(x, y), yuv)[0]);
    // The mean of a block of two by `rows` pixels.
    let chroma = |x: usize, y: usize, rows: usize, which: usize| {
        let block = (0..2).flat_map(|dx| (0..rows).map(move |dy| (2 * x + dx, rows * y + dy)));
        let sum: f64 = block.map(|(x, y)| to_yuv(at(x, y), yuv)[which]).sum();
        round(sum / (2 * rows) as f64)
    };
    let (across, down) = (width.div_ceil(2), height.div_ceil(2));
    let (planes, layout) = match format {
        Format::Gray => {
            let plane = padded(width, height, width + pad, |x, y| {
                let [r, g, b] = at(x, y).map(f64::from);
                round(0.299 * r + 0.587 * g + 0.114 * b)
            });
            (vec![plane], Layout { strides: [width + pad, 0, 0], ..Layout::default() })
        }
        Format::Rgb => packed(&[0, 1, 2]),
        Format::Bgr => packed(&[2, 1, 0]),
        Format::Rgba => packed(&[0, 1, 2, 9]),
        Format::Bgra => packed(&[2, 1, 0, 9]),
        Format::Argb => packed(&[9, 0, 1, 2]),
        Format::Abgr => packed(&[9, 2, 1, 0]),
        Format::P010 => {
            // The lower byte of each sample is not read.
            let y = padded(2 * width, height, 2 * width + pad, |x, y| {
                if x % 2 == 0 { 0xC0 } else { luma(x / 2, y) }
            });
            let uv = padded(4 * across, down, 4 * across + pad, |x, y| match x % 4 {
                1 => chroma(x / 4, y, 2, 1),
                3 => chroma(x / 4, y, 2, 2),
                _ => 0x40,
            });
            let strides = [2 * width + pad, 4 * across + pad, 0];
            (vec![y, uv], Layout { strides, ..Layout::default() })
        }
        Format::Nv12 | Format::Nv21 => {
            let first = if format == Format::Nv12 { 1 } else { 2 };
            let uv = padded(2 * across, down, 2 * across + pad, |x, y| {
                chroma(x / 2, y, 2, if x % 2 == 0 { first } else { 3 - first })
            });
            let strides = [width + pad, 2 * across + pad, 0];
            let y = padded(width, height, width + pad, luma);
            (vec![y, uv], Layout { strides, ..Layout::default() })
        }
        Format::I420 => {
            // Android stores a sample in every other byte.
            let step = if pad > 0 { 2 } else { 1 };
            let row = (across - 1) * step + 1;
            let plane = |which| {
                padded(row, down, across * step + pad, |x, y| {
                    if x % step == 0 { chroma(x / step, y, 2, which) } else { 0x5A }
                })
            };
            let strides = [width + pad, across * step + pad, across * step + pad];
            let y = padded(width, height, width + pad, luma);
            (vec![y, plane(1), plane(2)], Layout { strides, chroma_step: step })
        }
        Format::Yuyv => {
            let row = across * 4;
            let plane = padded(row, height, row + pad, |x, y| match x % 4 {
                0 => luma(x / 4 * 2, y),
                2 => luma(x / 4 * 2 + 1, y),
                1 => chroma(x / 4, y, 1, 1),
                _ => chroma(x / 4, y, 1, 2),
            });
            (vec![plane], Layout { strides: [row + pad, 0, 0], ..Layout::default() })
        }
        Format::Uyvy => {
            let row = across * 4;
            let plane = padded(row, height, row + pad, |x, y| match x % 4 {
                1 => luma(x / 4 * 2, y),
                3 => luma(x / 4 * 2 + 1, y),
                0 => chroma(x / 4, y, 1, 1),
                _ => chroma(x / 4, y, 1, 2),
            });
            (vec![plane], Layout { strides: [row + pad, 0, 0], ..Layout::default() })
        }
        other => panic!("a format without a test: {other:?}"),
    };
    Stored { format, planes, layout, yuv }
}

struct Answer {
    age: f32,
    female: f32,
}

fn answer(face: &Face<'_>) -> Answer {
    let age = face.age().expect("an age").median();
    Answer { age, female: face.female_probability().expect("a gender") }
}

fn ask(model: &Model, image: &Image<'_>, region: Region) -> Answer {
    let regions = [region];
    let predictions =
        model.predict(image, &Options::new().regions(&regions)).expect("a prediction");
    answer(&predictions.face(0).expect("one face"))
}

/// The face has landmarks, so that turning the picture does not change the crop.
fn face() -> Region {
    let landmarks = [[203., 110.], [244., 110.], [224., 135.], [207., 155.], [241., 155.]]
        .map(|[x, y]| Point::new(x, y));
    Region { landmarks: Some(landmarks), ..FACE }
}

fn close(got: &Answer, want: &Answer, years: f32, share: f32, what: &str) {
    assert!((got.age - want.age).abs() < years, "{what}: age {} for {}", got.age, want.age);
    assert!(
        (got.female - want.female).abs() < share,
        "{what}: female {} for {}",
        got.female,
        want.female
    );
}

#[test]
fn formats_without_loss_agree_to_rounding() {
    let (model, rgb) = (Model::load_default().expect("built in"), portrait::rgb());
    let plain = Image::new(Format::Rgb, SIDE, SIDE, &rgb).expect("a right picture");
    let want = ask(&model, &plain, face());
    for format in PACKED {
        for pad in [0, 13] {
            let stored = store(&rgb, SIDE, SIDE, format, Yuv::default(), pad);
            let got = ask(&model, &stored.image(SIDE, SIDE), face());
            close(&got, &want, 1e-3, 1e-5, &format!("{format:?} {pad}"));
        }
    }
}

#[test]
fn camera_formats_agree_within_their_loss() {
    let (model, rgb) = (Model::load_default().expect("built in"), portrait::rgb());
    let plain = Image::new(Format::Rgb, SIDE, SIDE, &rgb).expect("a right picture");
    let want = ask(&model, &plain, face());
    for format in CAMERAS {
        for yuv in YUV {
            for pad in [0, 6] {
                let stored = store(&rgb, SIDE, SIDE, format, yuv, pad);
                let got = ask(&model, &stored.image(SIDE, SIDE), face());
                close(&got, &want, 1.0, 0.04, &format!("{format:?} {yuv:?} {pad}"));
            }
        }
    }
}

#[test]
fn grey_is_the_grey_of_the_colours() {
    let (model, rgb) = (Model::load_default().expect("built in"), portrait::rgb());
    let grey: Vec<u8> = store(&rgb, SIDE, SIDE, Format::Gray, Yuv::default(), 0).planes[0].clone();
    let tripled: Vec<u8> = grey.iter().flat_map(|v| [*v; 3]).collect();
    let as_rgb = Image::new(Format::Rgb, SIDE, SIDE, &tripled).expect("a right picture");
    let stored = store(&rgb, SIDE, SIDE, Format::Gray, Yuv::default(), 13);
    let (got, want) =
        (ask(&model, &stored.image(SIDE, SIDE), face()), ask(&model, &as_rgb, face()));
    close(&got, &want, 1e-3, 1e-5, "grey");
}

/// Stores a picture turned, so that `orientation` turns it upright again.
fn turned(rgb: &[u8], side: usize, exif: u32) -> Vec<u8> {
    let mut out = vec![0; rgb.len()];
    for y in 0..side {
        for x in 0..side {
            let last = side - 1;
            // The place where upright (x, y) is stored comes from the Exif standard's table.
            let (column, row) = match exif {
                1 => (x, y),
                2 => (last - x, y),
                3 => (last - x, last - y),
                4 => (x, last - y),
                5 => (y, x),
                6 => (y, last - x),
                7 => (last - y, last - x),
                _ => (last - y, x),
            };
            let (from, to) = ((y * side + x) * 3, (row * side + column) * 3);
            out[to..to + 3].copy_from_slice(&rgb[from..from + 3]);
        }
    }
    out
}

#[test]
fn every_rotation_and_mirroring_shows_the_same_face() {
    let (model, rgb) = (Model::load_default().expect("built in"), portrait::rgb());
    let plain = Image::new(Format::Rgb, SIDE, SIDE, &rgb).expect("a right picture");
    let want = ask(&model, &plain, face());
    for exif in 1..=8 {
        let stored = turned(&rgb, SIDE, exif);
        let orientation = Orientation::from_exif(exif).expect("1 to 8");
        for format in [Format::Rgb, Format::Nv12, Format::Yuyv] {
            let stored = store(&stored, SIDE, SIDE, format, Yuv::Bt601Full, 6);
            let image = stored.image(SIDE, SIDE).with_orientation(orientation);
            let (years, share) = if format == Format::Rgb { (1e-2, 1e-4) } else { (1.0, 0.04) };
            close(&ask(&model, &image, face()), &want, years, share, &format!("{format:?} {exif}"));
        }
    }
}

#[test]
fn odd_sizes_read_every_pixel_and_no_further() {
    let model = Model::load_default().expect("built in");
    for (width, height) in [(1, 1), (1, 2), (2, 1), (3, 3), (5, 4), (31, 17)] {
        let rgb: Vec<u8> = (0..width * height * 3).map(|i| (i * 37 % 251) as u8).collect();
        for format in PACKED.into_iter().chain(CAMERAS).chain([Format::Gray]) {
            for pad in [0, 3] {
                // The planes end with their last sample, so a read beyond it is out of bounds.
                let stored = store(&rgb, width, height, format, Yuv::default(), pad);
                let rect = Rect::new(0.0, 0.0, width as f32, height as f32);
                let answer = ask(&model, &stored.image(width, height), Region::from_box(rect));
                assert!(answer.age.is_finite() && (0.0..=1.0).contains(&answer.female));
            }
        }
    }
}

/// Returns all pixels as red, green and blue.
fn colours(image: &Image<'_>) -> Vec<u8> {
    let (width, height) = image.upright_size();
    Warp::default().cut_rgb(image, &Affine::IDENTITY, width, height).expect("colours")
}

#[test]
fn odd_sizes_show_the_right_colours() {
    for (width, height) in [(1, 1), (1, 2), (2, 1), (3, 3), (5, 4), (6, 5), (31, 17)] {
        // Blocks of two by two pixels have one colour. So formats that store one colour for such a block lose nothing.
        let pixel = |i: usize| (i % width / 2, i / width / 2);
        let rgb: Vec<u8> = (0..width * height)
            .flat_map(|i| {
                let (x, y) = pixel(i);
                [60 + x * 37 % 120, 70 + y * 53 % 120, 80 + (x * 17 + y * 29) % 120]
            })
            .map(|value| value as u8)
            .collect();
        for format in PACKED.into_iter().chain(CAMERAS) {
            for pad in [0, 6] {
                for yuv in YUV {
                    let stored = store(&rgb, width, height, format, yuv, pad);
                    let got = colours(&stored.image(width, height));
                    let worst = got.iter().zip(&rgb).map(|(a, b)| a.abs_diff(*b)).max();
                    // Y, U and V are rounded, and limited ranges make the error larger.
                    let loss = if PACKED.contains(&format) { 0 } else { 3 };
                    assert!(
                        worst.is_some_and(|worst| worst <= loss),
                        "{width}x{height} {format:?} {yuv:?} {pad}: {worst:?}"
                    );
                }
            }
        }
    }
}

/// Copies rows that are `from` bytes apart, so that they are `to` bytes apart with other bytes between them.
fn restride(plane: &[u8], from: usize, to: usize) -> Vec<u8> {
    let row = |row: &[u8]| [row, &vec![0xA5; to - from]].concat();
    plane.chunks_exact(from).flat_map(row).collect()
}

#[test]
fn colours_that_follow_have_the_padding_of_the_brightness() {
    let (width, height) = (30, 17);
    let rgb: Vec<u8> = (0..width * height * 3).map(|i| (i * 37 % 251) as u8).collect();
    for format in [Format::Nv12, Format::Nv21, Format::I420, Format::P010] {
        let stored = store(&rgb, width, height, format, Yuv::Bt601Full, 0);
        let want = colours(&stored.image(width, height));
        let row = if format == Format::P010 { 2 * width } else { width };
        for stride in [row, row + 2, row + 66] {
            let chroma = |bytes: usize| if format == Format::I420 { bytes / 2 } else { bytes };
            let mut joined = restride(&stored.planes[0], row, stride);
            for plane in &stored.planes[1..] {
                joined.extend(restride(plane, chroma(row), chroma(stride)));
            }
            // The last row need not be padded.
            joined.truncate(joined.len() - chroma(stride) + chroma(row));
            let image = Image::with_stride(format, width, height, &joined, stride).expect("whole");
            assert!(colours(&image.with_yuv(Yuv::Bt601Full)) == want, "{format:?} {stride}");
            joined.pop();
            let error = Image::with_stride(format, width, height, &joined, stride).err();
            assert_eq!(error.map(|e| e.kind()), Some(ErrorKind::BufferTooSmall), "{format:?}");
        }
    }
}

#[test]
fn bottom_up_pictures_are_turned_over() {
    let (width, height) = (5, 4);
    let rgb: Vec<u8> = (0..width * height * 3).map(|i| (i * 4) as u8).collect();
    let upside: Vec<u8> = rgb.chunks_exact(width * 3).rev().flatten().copied().collect();
    for exif in 1..=8 {
        let orientation = Orientation::from_exif(exif).expect("1 to 8");
        let image = |rgb| Image::new(Format::Rgb, width, height, rgb).expect("a right picture");
        let want = image(&rgb).with_orientation(orientation);
        let got = image(&upside).with_orientation(orientation).bottom_up();
        assert_eq!(got.upright_size(), want.upright_size());
        assert_eq!(colours(&got), colours(&want), "{exif}");
    }
}

#[test]
fn planes_that_are_not_given_follow_without_a_gap() {
    let (model, rgb) = (Model::load_default().expect("built in"), portrait::rgb());
    for format in [Format::Nv12, Format::I420] {
        let stored = store(&rgb, SIDE, SIDE, format, Yuv::Bt601Full, 0);
        let joined = stored.planes.concat();
        let image =
            Image::new(format, SIDE, SIDE, &joined).expect("whole").with_yuv(Yuv::Bt601Full);
        let (got, want) =
            (ask(&model, &image, face()), ask(&model, &stored.image(SIDE, SIDE), face()));
        close(&got, &want, 1e-4, 1e-6, &format!("{format:?}"));
        let error =
            Image::new(format, SIDE, SIDE, &joined[..joined.len() - 1]).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::BufferTooSmall, "{error}");
    }
}

#[test]
fn layouts_that_cannot_be() {
    let data = vec![0u8; 4096];
    let refused = |format, planes: &[&[u8]], layout: Layout, kind, part: &str| {
        let error = Image::from_planes(format, 16, 16, planes, &layout).expect_err("refused");
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    };
    let (invalid, short) = (ErrorKind::InvalidArgument, ErrorKind::BufferTooSmall);
    let plain = Layout::default();
    refused(Format::Nv12, &[], plain, invalid, "the format NV12 has 2 planes, but 0 are given");
    refused(
        Format::Rgb,
        &[&data, &data],
        plain,
        invalid,
        "the format RGB has 1 planes, but 2 are given",
    );
    refused(Format::Nv12, &[&data[..255]], plain, short, "plane 0 has 255 bytes");
    refused(Format::Nv12, &[&data, &data[..127]], plain, short, "plane 1 has 127 bytes");
    refused(Format::I420, &[&data, &data, &data[..63]], plain, short, "plane 2 has 63 bytes");
    let strides = |strides| Layout { strides, ..plain };
    refused(Format::I420, &[&data], strides([16, 7, 0]), invalid, "stride 1 is 7 bytes");
    refused(Format::Yuyv, &[&data], strides([31, 0, 0]), invalid, "stride 0 is 31 bytes");
    refused(Format::Gray, &[&data], strides([usize::MAX, 0, 0]), invalid, "overflow");
    let step = |chroma_step| Layout { chroma_step, ..plain };
    refused(
        Format::Nv12,
        &[&data],
        step(2),
        invalid,
        "chroma step is 2, but only I420 has one, and the format is NV12",
    );
    refused(Format::I420, &[&data], step(1000), invalid, "chroma step is 1000");
}
