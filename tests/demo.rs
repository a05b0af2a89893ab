//! What the demo shows a newcomer: the portrait is of a woman of 42 or 43.

use face_predict::{DecodeLimits, Gender, Model, Options, Picture, Rect, Region};

#[test]
fn the_portrait_is_a_woman_of_about_forty() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/images/eileen_collins.png");
    let picture = Picture::open(path, &DecodeLimits::default()).expect("the portrait");
    let faces = [Region::from_box(Rect::new(177.0, 66.0, 94.0, 122.0))];
    let model = Model::load_default().expect("built in");
    let predictions =
        model.predict(&picture.image(), &Options::new().regions(&faces)).expect("a prediction");
    let face = predictions.face(0).expect("one face");
    assert_ne!(face.gender(), Some(Gender::Male));
    let age = face.age().expect("an age");
    assert!((28.0..55.0).contains(&age.median()), "{}", age.median());
    let (low, high) = face.age_interval().expect("an interval");
    assert!(low < 42.0 && 42.0 < high, "{low} to {high}");
    assert!(age.at_least(18.0) > 0.9);
}
