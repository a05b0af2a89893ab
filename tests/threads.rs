//! Eight threads on one model give the numbers of one thread.
#![allow(clippy::unwrap_used)]

use face_predict::{Format, Image, Model, Options, Predictions, Region, Workspace};
use portrait::{FACE, SIDE};

#[allow(dead_code)]
mod portrait;

const BOXES: usize = 24;

type Memory = (Workspace, Predictions);

fn answer(
    model: &Model,
    rgb: &[u8],
    index: usize,
    (workspace, out): &mut Memory,
) -> (Vec<u32>, u32) {
    let mut region: Region = FACE;
    region.rect.x += index as f32 * 1.5;
    region.rect.width += index as f32;
    let (image, regions) = (Image::new(Format::Rgb, SIDE, SIDE, rgb).unwrap(), [region]);
    model.predict_into(&image, &Options::new().regions(&regions), workspace, out).unwrap();
    let face = out.face(0).unwrap();
    let years = face.age().unwrap().years().iter().map(|year| year.to_bits()).collect();
    (years, face.female_probability().unwrap().to_bits())
}

#[test]
fn eight_threads_give_the_numbers_of_one_to_the_bit() {
    let model = Model::load_default().unwrap();
    let rgb = portrait::rgb();
    let mut out = Memory::default();
    let expected: Vec<_> = (0..BOXES).map(|i| answer(&model, &rgb, i, &mut out)).collect();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (model, rgb, expected) = (&model, &rgb, &expected);
            scope.spawn(move || {
                let mut out = Memory::default();
                for i in 0..BOXES {
                    // Every thread is at another box, so that exchanged memory is seen.
                    let index = (i + thread * 3) % BOXES;
                    assert!(answer(model, rgb, index, &mut out) == expected[index], "box {index}");
                }
            });
        }
    });
}
