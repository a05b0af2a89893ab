//! Small files that would become large while they are read. Each takes no more memory than a multiple of its own size.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
mod bombs;
#[allow(dead_code)]
mod counting;

use face_predict::{DecodeLimits, ErrorKind, Model, ModelOptions, Options, Picture, Result};

const MB: isize = 1 << 20;

/// Writes a field with a length, as in a model file.
fn field(number: u8, data: &[u8]) -> Vec<u8> {
    let mut out = vec![8 * number + 2];
    let mut length = data.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend(data);
    out
}

/// Returns the most megabytes that `call` held at once, and its answer.
fn peak<T>(call: impl FnOnce() -> T) -> (T, isize) {
    let before = counting::held();
    counting::forget_peak();
    let answer = call();
    (answer, (counting::peak() - before) / MB)
}

#[test]
fn files_that_unpack_to_a_gigabyte_take_a_few_megabytes() {
    let model = Model::load_default().unwrap();
    let plain = bombs::png(40, 40, 41 * 40, 0);
    let search = |bytes: &[u8]| {
        let picture = Picture::decode(bytes, &DecodeLimits::default())?;
        model.predict(&picture.image(), &Options::new()).map(|out| out.len())
    };
    assert_eq!(search(&plain).unwrap(), 0);
    counting::start();

    // The profile has 1 GiB in 6.7 MB, and is of no use. The text is larger than the picture, and is of no use either.
    let profile = bombs::png(40, 40, 41 * 40, 1 << 30);
    let text = [&b"Comment\0"[..], &vec![b'a'; 8 << 20]].concat();
    let text = bombs::with_chunk(&plain, b"tEXt", &text);
    for (name, bytes) in [("a profile", profile), ("a text", text)] {
        let (answer, most) = peak(|| search(&bytes));
        println!("{name}: {most} MB for {} bytes", bytes.len());
        assert_eq!(answer.unwrap(), 0, "{name}");
        assert!(most <= 7 * bytes.len() as isize / MB, "{name}: {most} MB");
    }

    let exif = [&[0xFF, 0xD8][..], &b"\xFF\xE1\x00\x08Exif\0\0".repeat(4_000_000)].concat();
    let (answer, most) = peak(|| search(&exif));
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::Image);
    assert!(most <= 1, "{most} MB for Exif blocks");

    // An empty part of a model takes two bytes of the file, and up to 390 of memory.
    let empty = |number: u8, count: usize| field(number, &[]).repeat(count);
    let nodes = field(7, &empty(1, 10_000_000));
    let attributes = field(7, &field(1, &empty(5, 10_000_000)));
    let integers = field(7, &field(5, &field(1, &vec![1; 20_000_000])));
    let unknown = field(7, &empty(13, 10_000_000));
    let load =
        |bytes: &[u8]| -> Result<()> { Model::load_bytes(bytes, &ModelOptions::new()).map(|_| ()) };
    for (name, bytes) in [
        ("nodes", nodes),
        ("attributes", attributes),
        ("integers", integers),
        ("parts that are not read", unknown),
    ] {
        let (answer, most) = peak(|| load(&bytes));
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Model, "{name}");
        assert!(error.to_string().contains("more than 200000 parts"), "{name}: {error}");
        assert_eq!(most, 0, "{name}");
    }
    // As many as may be read.
    let attributes = field(7, &field(1, &empty(5, 199_000)));
    let (answer, most) = peak(|| load(&attributes));
    println!("199,000 attributes: {most} MB");
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::Model);
    assert!(most <= 160, "{most} MB");
    // A group has no length, so what it holds cannot be skipped.
    let group = [&[0x0B][..], &empty(7, 3), &[0x0C]].concat();
    assert!(load(&group).unwrap_err().to_string().contains("no ONNX file"));
}
