//! Counts the allocations of a steady prediction.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
mod counting;

use face_predict::{Format, Image, Model, Options, Predictions, Rect, Region, Workspace};

/// The first built-in network was measured with 50 allocations a call, all of them in the engine.
const MAX_ALLOCATIONS: usize = 100;

#[test]
fn a_steady_call_allocates_the_same_and_keeps_nothing() {
    let model = Model::load_default().unwrap();
    let (width, height) = (96, 96);
    let pixels: Vec<u8> = (0..width * height * 3).map(|i| (i * 31 % 251) as u8).collect();
    let image = Image::new(Format::Rgb, width, height, &pixels).unwrap();
    let regions = [Region::from_box(Rect::new(10.0, 12.0, 70.0, 75.0))];
    let options = Options::new().regions(&regions);
    let (mut workspace, mut out) = (Workspace::new(), Predictions::new());
    let mut call = |options: &Options<'_>| {
        let before = counting::so_far();
        model.predict_into(&image, options, &mut workspace, &mut out).unwrap();
        let after = counting::so_far();
        (after.0 - before.0, after.1 - before.1)
    };
    counting::start();
    for _ in 0..3 {
        call(&options);
    }
    let held = counting::held();
    let first = call(&options);
    for number in 1..1_000 {
        let this = call(&options);
        assert_eq!(this, first, "call {number} allocates otherwise (allocations, bytes)");
    }
    let grown = counting::held() - held;
    println!("{} allocations, {} bytes a call, {grown} bytes kept by 1,000", first.0, first.1);
    assert_eq!(grown, 0, "bytes kept by 1,000 calls");
    assert!(first.0 <= MAX_ALLOCATIONS, "{} allocations a call", first.0);
    // The rest belongs to the network: cutting the face and storing the answer allocate nothing.
    let faces_alone = options.skip_age(true).skip_gender(true);
    call(&faces_alone);
    assert_eq!(call(&faces_alone), (0, 0), "without the network (allocations, bytes)");
}
