//! Pictures of 20,000 x 20,000 pixels: refused at once by default, and answered within bounded memory where `max_pixels` lets
//! them pass.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
mod bombs;
#[allow(dead_code)]
mod counting;

use face_predict::{
    ErrorKind, Format, Image, Model, ModelOptions, Options, Predictions, Result, Workspace,
};

const SIDE: usize = 20_000;
const MB: isize = 1_000_000;
/// Megabytes for a picture that is refused: no more than the files themselves have.
const REFUSED: isize = 3;

/// A gray JPEG of one colour. Its codes have one bit each: a block is "no difference" and "no more", two bits that are 0.
fn jpeg(side: usize) -> Vec<u8> {
    let [high, low] = (side as u16).to_be_bytes();
    let mut out = vec![0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0];
    out.extend([1; 64]);
    out.extend([0xFF, 0xC0, 0, 11, 8, high, low, high, low, 1, 1, 0x11, 0]);
    for table in [0x00, 0x10] {
        out.extend([0xFF, 0xC4, 0, 20, table, 1]);
        out.extend([0; 15]);
        out.push(0);
    }
    out.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0]);
    let blocks = side.div_ceil(8).pow(2);
    out.resize(out.len() + blocks.div_ceil(4), 0);
    out.extend([0xFF, 0xD9]);
    out
}

#[test]
fn huge_pictures_are_refused_or_answered_within_bounded_memory() {
    let pixels = vec![0u8; SIDE * SIDE];
    let image = Image::new(Format::Gray, SIDE, SIDE, &pixels).unwrap();
    let side = SIDE as u32;
    let (jpeg, png) = (jpeg(SIDE), bombs::png(side, side, (SIDE + 1) * SIDE, 0));
    let options = Options::new();
    type Call<'a> = &'a dyn Fn(&Model, &mut Workspace, &mut Predictions) -> Result<()>;
    let memory: Call<'_> =
        &|model, workspace, out| model.predict_into(&image, &options, workspace, out);
    let packed: Call<'_> =
        &|model, workspace, out| model.predict_encoded(&png, &options, workspace, out);
    let reduced: Call<'_> =
        &|model, workspace, out| model.predict_encoded(&jpeg, &options, workspace, out);

    let usual = Model::load_default().unwrap();
    let raised = ModelOptions::new().max_pixels((SIDE * SIDE) as u64);
    let raised = Model::load_default_with(&raised).unwrap();
    // Plans of the detector are the model's, and stay. All large squares have the same.
    usual.warm_up(SIDE / 4, SIDE / 4, &options).unwrap();
    raised.warm_up(SIDE, SIDE, &options).unwrap();
    let refused = usual.warm_up(SIDE, SIDE, &options).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Limit);
    counting::start();
    let peak = |model: &Model, call: Call<'_>| {
        let (mut workspace, mut out) = (Workspace::new(), Predictions::new());
        let before = counting::held();
        counting::forget_peak();
        let answer = call(model, &mut workspace, &mut out).map(|()| out.len());
        (answer, (counting::peak() - before) / MB)
    };
    for (name, call, most) in [
        ("pixels in memory", memory, 60),
        ("a JPEG, decoded at an eighth", reduced, 80),
        // Before decoding, room for twice the pixels is asked for, and given back untouched.
        ("a PNG, decoded whole", packed, 820),
    ] {
        let (answer, peak_mb) = peak(&usual, call);
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::Limit, "{name}");
        assert!(peak_mb <= REFUSED, "{name}: {peak_mb} MB for a picture that is refused");
        let (answer, peak_mb) = peak(&raised, call);
        println!("{name}: {peak_mb} MB at most");
        assert_eq!(answer.unwrap(), 0, "{name}: a face in one colour");
        assert!(peak_mb <= most, "{name}: {peak_mb} MB, {most} are stated");
    }
}
