//! Tests with hostile bytes: they cause no panic, and no more work than their size allows.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use face_predict_jpeg::{ErrorKind, Jpeg, Scale};
use mutate::mutate;

mod mutate;

/// The pixels that a mutated file may claim. They are enough for those of `cases`, and too few to take long.
const LIMIT: usize = 1 << 20;

fn cases() -> Vec<(String, Vec<u8>)> {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases")).unwrap();
    let paths = folder.map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "jpg"))
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .collect();
    cases.sort();
    assert!(cases.len() > 20);
    cases
}

/// Decodes within [`LIMIT`], at every scale.
fn decode(bytes: &[u8]) -> bool {
    let Ok(jpeg) = Jpeg::new(bytes) else {
        return false;
    };
    jpeg.exif().for_each(drop);
    if jpeg.width() * jpeg.height() > LIMIT {
        return false;
    }
    let right = Scale::ALL.map(|scale| {
        let Ok(pixels) = jpeg.decode(scale) else {
            return false;
        };
        assert_eq!(pixels.width, jpeg.width().div_ceil(scale.divisor()));
        assert_eq!(pixels.height, jpeg.height().div_ceil(scale.divisor()));
        assert_eq!(pixels.data.len(), pixels.width * pixels.height * pixels.channels());
        true
    });
    // All scales read the same bits.
    assert!(right == [right[0]; 4], "{right:?}");
    right[0]
}

struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

#[test]
fn mutated_files_neither_panic_nor_hang() {
    let mut random = Numbers(0x9E37_79B9_7F4A_7C15);
    let (mut decoded, mut refused) = (0, 0);
    for (name, seed) in cases() {
        for round in 0..200 {
            let bytes = mutate(|end| random.below(end), &seed, 700);
            let start = Instant::now();
            if decode(&bytes) {
                decoded += 1
            } else {
                refused += 1
            }
            assert!(start.elapsed() < Duration::from_secs(5), "{name} {round}");
        }
    }
    // Both ends are tested: what a mutation leaves whole, and what it breaks.
    assert!(decoded > 500 && refused > 500, "{decoded} {refused}");
}

/// The header of a file that claims a size.
fn header(marker: u8, width: u16, height: u16) -> Vec<u8> {
    let mut out = vec![0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0];
    out.extend([1; 64]);
    out.extend([0xFF, marker, 0, 17, 8]);
    out.extend(height.to_be_bytes());
    out.extend(width.to_be_bytes());
    out.extend([3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]);
    out
}

fn progressive_scan(out: &mut Vec<u8>, component: u8, band: [u8; 2], bits: u8, data: &[u8]) {
    out.extend([0xFF, 0xDA, 0, 8, 1, component, 0, band[0], band[1], bits]);
    out.extend(data);
}

#[test]
fn a_claim_without_data_is_refused_at_once() {
    for marker in [0xC0, 0xC1, 0xC2] {
        let mut bytes = header(marker, 65_500, 65_500);
        bytes.extend([
            0xFF,
            0xDA,
            0,
            12,
            3,
            1,
            0,
            2,
            0,
            3,
            0,
            0,
            if marker == 0xC2 { 0 } else { 63 },
            0,
        ]);
        bytes.extend([0x55; 100]);
        let jpeg = Jpeg::new(&bytes).unwrap();
        assert_eq!((jpeg.width(), jpeg.height()), (65_500, 65_500));
        let start = Instant::now();
        // The coefficients of the progressive one would take 25 GB.
        let error = jpeg.decode(Scale::Whole).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
        assert!(start.elapsed() < Duration::from_millis(100), "{:?}", start.elapsed());
    }
}

#[test]
fn a_progressive_bomb_is_refused() {
    // A table whose one-bit code begins a run of 32,767 empty blocks, so that a scan of the whole takes a few bytes.
    let mut bytes = header(0xC2, 2048, 2048);
    let mut table = vec![0xFF, 0xC4, 0, 0, 0x10];
    table.extend([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xE0]);
    table[3] = (table.len() - 2) as u8;
    bytes.extend(table);
    // The first coefficients are 65,536 differences of zero, with the two-bit code of the standard.
    for component in 1..=3 {
        progressive_scan(&mut bytes, component, [0, 0], 0, &[0; 65_536 / 4]);
    }
    for _ in 0..20_000 {
        // Each run is the code and 14 bits for its length. Two runs and a little are needed.
        progressive_scan(
            &mut bytes,
            1,
            [1, 63],
            0,
            &[0x7F, 0xFE, 0xFF, 0, 0xFC, 0x00, 0x00, 0x00, 0, 0, 0],
        );
    }
    bytes.extend([0xFF, 0xD9]);
    let start = Instant::now();
    let error = Jpeg::new(&bytes).unwrap().decode(Scale::Whole).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn segments_without_end_are_read_once() {
    // A million tables are never used.
    let mut bytes = vec![0xFF, 0xD8];
    for _ in 0..1_000_000 {
        bytes.extend([0xFF, 0xC4, 0, 20, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
    let start = Instant::now();
    assert!(Jpeg::new(&bytes).is_err());
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}
