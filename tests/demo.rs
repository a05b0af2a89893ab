//! What the demo shows a newcomer: a woman, who was 42 or 43. The network takes her for younger; a better one may move these
//! bounds up, never down.

use face_predict::{DecodeLimits, Gender, Model, Options, Picture};

#[test]
fn the_portrait_is_a_grown_woman() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/images/eileen_collins.png");
    let picture = Picture::open(path, &DecodeLimits::default()).expect("the portrait");
    let model = Model::load_default().expect("built in");
    let predictions = model.predict(&picture.image(), &Options::new()).expect("a prediction");
    let face = predictions.face(0).expect("one face");
    assert_eq!(face.gender(), Some(Gender::Female));
    let age = face.age().expect("an age");
    assert!((25.0..55.0).contains(&age.median()), "{}", age.median());
    assert!(age.at_least(18.0) > 0.9);
}
