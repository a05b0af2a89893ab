//! Checks that the pixels of small pictures of every kind equal those of libjpeg-turbo at each scale. `make_cases.c`
//! wrote them.
#![allow(missing_docs, clippy::unwrap_used)]

use face_predict_jpeg::{Error, ErrorKind, Jpeg, Pixels, Scale};

const KINDS: [&str; 27] = [
    "444",
    "422",
    "440",
    "420",
    "411",
    "410",
    "311",
    "131",
    "fine_chroma",
    "one_fine_chroma",
    "separate",
    "separate_restarts",
    "restarts",
    "gray",
    "gray_2x2",
    "rgb",
    "cmyk",
    "ycck",
    "progressive",
    "progressive_444",
    "progressive_restarts",
    "progressive_gray",
    "fine",
    "coarse",
    "one_pixel",
    "narrow",
    "flat",
];

fn case(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/cases/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn decode(bytes: &[u8], scale: Scale) -> Result<Pixels, Error> {
    Jpeg::new(bytes)?.decode(scale)
}

/// The largest difference at each scale, from the whole to an eighth, and the mean of all.
fn differences(name: &str, bytes: &[u8]) -> ([u8; 4], f64) {
    let raw = case(&format!("{name}.raw"));
    let (mut left, mut sum) = (&raw[..], 0);
    let largest = [Scale::Whole, Scale::Half, Scale::Quarter, Scale::Eighth].map(|scale| {
        let pixels = decode(bytes, scale).unwrap();
        assert_eq!(pixels.data.len(), pixels.width * pixels.height * pixels.channels());
        let want;
        (want, left) = left.split_at(pixels.data.len());
        let each = pixels.data.iter().zip(want).map(|(a, b)| a.abs_diff(*b));
        sum += each.clone().map(u64::from).sum::<u64>();
        each.max().unwrap()
    });
    assert!(left.is_empty(), "{name}");
    (largest, sum as f64 / raw.len() as f64)
}

#[test]
fn every_kind_has_the_pixels_of_libjpeg_turbo() {
    for name in KINDS {
        let (largest, mean) = differences(name, &case(&format!("{name}.jpg")));
        // The largest step in each component, and its part in a colour.
        assert!(largest.iter().all(|largest| *largest <= 3), "{name}: {largest:?}");
        assert!(mean < 0.25, "{name}: {mean}");
    }
}

#[test]
fn any_transform_of_four_colours_but_0_is_ycck() {
    let mut bytes = case("ycck.jpg");
    let right = decode(&bytes, Scale::Whole).unwrap();
    let place = bytes.windows(5).position(|five| five == b"Adobe").unwrap() + 11;
    assert_eq!(bytes[place], 2);
    bytes[place] = 1;
    assert_eq!(decode(&bytes, Scale::Whole).unwrap(), right);
    bytes[place] = 0;
    assert_ne!(decode(&bytes, Scale::Whole).unwrap(), right);
}

/// Returns the segments of a file by marker, without those of `leave_out`, and the rest of the file from the first scan
/// on.
fn without(bytes: &[u8], leave_out: u8) -> Vec<u8> {
    let (mut out, mut at) = (bytes[..2].to_vec(), 2);
    while bytes[at + 1] != 0xDA {
        let end = at + 2 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
        if bytes[at + 1] != leave_out {
            out.extend(&bytes[at..end]);
        }
        at = end;
    }
    out.extend(&bytes[at..]);
    out
}

#[test]
fn tables_that_are_left_out_are_the_standards() {
    for name in ["420", "gray"] {
        let bytes = without(&case(&format!("{name}.jpg")), 0xC4);
        assert!(!bytes.windows(2).any(|two| two == [0xFF, 0xC4]));
        let (largest, _) = differences(name, &bytes);
        assert!(largest.iter().all(|largest| *largest <= 3), "{name}: {largest:?}");
    }
    let error = decode(&without(&case("420.jpg"), 0xDB), Scale::Whole).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
}

#[test]
fn only_the_end_marker_may_be_missing() {
    for name in [
        "420",
        "separate",
        "separate_restarts",
        "restarts",
        "gray",
        "progressive",
        "progressive_restarts",
    ] {
        let whole = case(&format!("{name}.jpg"));
        for scale in Scale::ALL {
            let want = decode(&whole, scale).unwrap();
            assert_eq!(decode(&whole[..whole.len() - 2], scale).unwrap(), want, "{name}");
            assert_eq!(decode(&whole[..whole.len() - 1], scale).unwrap(), want, "{name}");
            let more = [&whole[..], &[0x55; 100]].concat();
            assert_eq!(decode(&more, scale).unwrap(), want, "{name}");
            let more = [&whole[..whole.len() - 2], &[0; 100]].concat();
            assert_eq!(decode(&more, scale).unwrap(), want, "{name}");
            for end in (2..whole.len() - 4).step_by(7) {
                let error = decode(&whole[..end], scale).expect_err(name);
                assert_eq!(
                    error.kind(),
                    ErrorKind::Truncated,
                    "{name} {end} of {}: {error}",
                    whole.len()
                );
            }
        }
    }
}

#[test]
fn what_is_not_supported_is_named() {
    let is = |bytes: &[u8], part: &str| {
        let error = decode(bytes, Scale::Whole).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    };
    is(&case("arithmetic.jpg"), "arithmetic-coded");
    let plain = case("444.jpg");
    let frame = plain.windows(2).position(|two| two == [0xFF, 0xC0]).unwrap();
    let with = |at: usize, value: u8| {
        let mut bytes = plain.clone();
        bytes[frame + at] = value;
        bytes
    };
    is(&with(4, 12), "12 bits");
    is(&with(1, 0xC3), "lossless");
    is(&with(1, 0xC5), "hierarchical");
    is(&with(1, 0xCA), "arithmetic-coded");
    is(&with(9, 2), "components");
    let mut bytes = plain.clone();
    bytes[frame + 5..frame + 7].fill(0);
    is(&bytes, "height");
    // The ratio is two to three.
    let mut bytes = with(11, 0x31);
    bytes[frame + 14] = 0x21;
    is(&bytes, "no whole ratio");
}

#[test]
fn a_component_comes_once() {
    let bytes = case("separate.jpg");
    let scan = bytes.windows(2).position(|two| two == [0xFF, 0xDA]).unwrap();
    let second =
        scan + 2 + bytes[scan + 2..].windows(2).position(|two| two == [0xFF, 0xDA]).unwrap();
    let twice = [&bytes[..second], &bytes[scan..]].concat();
    assert_eq!(decode(&twice, Scale::Whole).unwrap_err().kind(), ErrorKind::Damaged);
}

#[test]
fn a_lost_restart_is_no_picture() {
    let mut bytes = case("restarts.jpg");
    let marker = bytes.windows(2).position(|two| two == [0xFF, 0xD1]).unwrap();
    bytes.drain(marker..marker + 2);
    let error = decode(&bytes, Scale::Whole).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
}
