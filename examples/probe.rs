//! Prints the network's input and the library's answer as a line of JSON for each picture. `scripts/test/parity.py`
//! compares them with another engine.
//!
//! `probe MODEL IMAGE...`: each picture is taken as one face.

use face_predict::{
    DecodeLimits, Error, Image, InputSpec, Model, ModelOptions, Options, Picture, Warp,
};

fn planes(image: &Image<'_>, input: &InputSpec) -> Result<Vec<f32>, Error> {
    let (width, height) = image.upright_size();
    let place = input.crop.place_picture(width, height);
    let mut planes = vec![0.0; input.len()];
    input.cut(&mut Warp::default(), image, &place, &mut planes)?;
    input.normalise(&mut planes);
    Ok(planes)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: probe MODEL IMAGE...")?;
    let model = Model::load_file(path, &ModelOptions::new())?;
    for file in arguments {
        let picture = Picture::open(&file, &DecodeLimits::default())?;
        let predictions = model.predict(&picture.image(), &Options::new().cropped(true))?;
        let face = predictions.face(0).ok_or("no face")?;
        let input = &model.age_metadata().input;
        let line = serde_json::json!({
            "file": file,
            "shape": [1, 3, input.height, input.width],
            "planes": planes(&picture.image(), input)?,
            "years": face.age().map(|age| age.years()),
            "female": face.female_probability(),
            "quality": face.quality().names().collect::<Vec<_>>(),
        });
        println!("{line}");
    }
    Ok(())
}
