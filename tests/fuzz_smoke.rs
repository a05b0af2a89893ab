//! Runs the fuzz targets on a few hundred inputs that are always the same.
#![allow(unsafe_code)]
#![allow(clippy::unwrap_used)]

use face_predict::Task;
use numbers::Numbers;

#[path = "../fuzz/src/bodies.rs"]
mod bodies;
#[allow(dead_code)]
mod bombs;
#[path = "../crates/jpeg/tests/mutate/mod.rs"]
mod changed;
mod numbers;
#[allow(dead_code)]
mod onnx;
#[allow(dead_code)]
mod portrait;
#[allow(dead_code)]
mod small;

/// Returns a file like `seed`, with some of its bytes changed.
fn mutate(random: &mut Numbers, seed: &[u8]) -> Vec<u8> {
    changed::mutate(|end| random.below(end), seed, 200)
}

#[test]
fn image_descriptors() {
    let mut random = Numbers(1);
    for length in 0..300 {
        let bytes: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
        bodies::image_descriptor(&bytes);
    }
    // The inputs are right ones and nearly right ones: 32 x 20 gray pixels and a face of 30 x 30.
    let mut right = vec![90, 14, 1, 30, 25, 50, 50];
    right.extend([20; 10]);
    right.extend([0, 1, 32, 20, 0, 0, 0, 0, 0, 0, 50, 50]);
    for _ in 0..300 {
        bodies::image_descriptor(&mutate(&mut random, &right));
    }
}

#[test]
fn encoded_pictures() {
    let picture = image::open(portrait::path()).unwrap().thumbnail(48, 48).into_rgb8();
    let mut random = Numbers(2);
    for format in [
        image::ImageFormat::Png,
        image::ImageFormat::Jpeg,
        image::ImageFormat::WebP,
        image::ImageFormat::Bmp,
    ] {
        let mut seed = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut seed, format).unwrap();
        bodies::encoded(seed.get_ref());
        for _ in 0..300 {
            bodies::encoded(&mutate(&mut random, seed.get_ref()));
        }
    }
    bodies::encoded(&bombs::png(16, 16, 1 << 24, 1 << 24));
}

/// Files of every kind are tried. `crates/jpeg/tests/hostile.rs` tries more of them.
#[test]
fn jpegs() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/jpeg/tests/cases");
    let mut random = Numbers(5);
    for name in ["420", "separate_restarts", "progressive", "progressive_restarts", "ycck"] {
        let seed = std::fs::read(format!("{folder}/{name}.jpg")).unwrap();
        bodies::jpeg(&seed);
        for _ in 0..100 {
            bodies::jpeg(&mutate(&mut random, &seed));
        }
    }
}

#[test]
fn model_files() {
    let mut random = Numbers(3);
    for task in [Task::AgeGender, Task::Age, Task::Gender] {
        let seed = small::bytes(task);
        bodies::model_bytes(&seed);
        for _ in 0..200 {
            bodies::model_bytes(&mutate(&mut random, &seed));
        }
    }
}

#[test]
fn detector_files() {
    use prost::Message;

    let seed = small::detector().encode_to_vec();
    let options = face_predict::ModelOptions::new();
    let model = face_predict::Model::load_bytes(&seed, &options).expect("a right detector");
    assert!(model.name().ends_with(" + small 1"), "{}", model.name());
    assert!(bodies::detector_bytes(&seed) > 0, "the seed finds nothing");
    let mut random = Numbers(5);
    let mut finding = 0;
    for _ in 0..400 {
        finding += usize::from(bodies::detector_bytes(&mutate(&mut random, &seed)) > 0);
    }
    assert!(finding > 20, "{finding} of the changed files find anything");
}

/// A pass that looks only at kernel and stride would replace these convolutions wrongly.
#[test]
fn graphs_that_a_careless_pass_would_break() {
    let conv = |graph: &mut onnx::Onnx, wire: &str, weights: &str, more: &[(&str, onnx::Value)]| {
        graph.node("Conv", &[wire, weights], more)
    };
    let pads = |pads: [i64; 4]| ("pads", onnx::Value::Ints(pads.to_vec()));
    let pair = |name: &'static str, value: i64| (name, onnx::Value::Ints(vec![value; 2]));
    type Middle<'a> = Box<dyn FnOnce(&mut onnx::Onnx, String) -> String + 'a>;
    let middles: Vec<Middle<'_>> = vec![
        Box::new(|g, wire| {
            let weights = g.constant(&[8, 8, 3, 3], &small::numbers(8 * 72));
            conv(g, &wire, &weights, &[pads([2; 4]), pair("dilations", 2)])
        }),
        Box::new(|g, wire| {
            let weights = g.constant(&[8, 4, 3, 3], &small::numbers(8 * 36));
            conv(g, &wire, &weights, &[pads([1; 4]), ("group", onnx::Value::Int(2))])
        }),
        Box::new(|g, wire| {
            let weights = g.constant(&[8, 8, 3, 3], &small::numbers(8 * 72));
            conv(g, &wire, &weights, &[pads([0, 1, 2, 1]), pair("strides", 2)])
        }),
        Box::new(|g, wire| {
            // Two convolutions share one constant, and the first one's result has two readers.
            let weights = g.constant(&[8, 8, 3, 3], &small::numbers(8 * 72));
            let first = conv(g, &wire, &weights, &[pads([1; 4])]);
            let positive = g.relu(&first);
            let second = conv(g, &positive, &weights, &[pads([1; 4])]);
            g.add(&first, &second)
        }),
        Box::new(|g, wire| {
            // The weights depend on the picture: they are the mean of each channel, spread by a constant.
            let mean = g.node("GlobalAveragePool", &[&wire], &[]);
            let spread = g.constant(&[8, 8, 3, 3], &small::numbers(8 * 72));
            let weights = g.node("Mul", &[&mean, &spread], &[]);
            conv(g, &wire, &weights, &[pads([1; 4])])
        }),
    ];
    let mut random = Numbers(4);
    for middle in middles {
        let graph = small::graph_around(Task::AgeGender, middle);
        let seed = prost::Message::encode_to_vec(&small::finish(graph, Task::AgeGender));
        let loads = face_predict::Model::load_bytes(&seed, &face_predict::ModelOptions::new());
        assert!(loads.is_ok(), "{:?}", loads.err());
        bodies::model_bytes(&seed);
        for _ in 0..60 {
            bodies::model_bytes(&mutate(&mut random, &seed));
        }
    }
}

/// Returns the inputs that the fuzzer starts from. They are right inputs of each kind, they are small, and none shows a
/// person.
fn seeds() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    use prost::Message;

    let shade = |x: u32, y: u32| image::Rgb([(x * 15) as u8, (y * 15) as u8, (x * y) as u8]);
    let picture = image::RgbImage::from_fn(17, 13, shade);
    let encoded = |format| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    let jpeg = encoded(image::ImageFormat::Jpeg);
    let mut face = vec![90, 14, 1, 30, 25, 50, 50];
    face.extend([20; 10]);
    face.extend([0, 1, 32, 20, 0, 0, 0, 0, 0, 0, 50, 50]);
    // The calls are given by their numbers: a tracker and frames, a batch, and everything freed and used again. Numbers
    // from 16 on use the second result.
    let session = |calls: &[u8]| -> Vec<u8> {
        let steps = calls.iter().flat_map(|call| {
            let mut step = vec![*call, 0, call >> 4, 5, 5, 20, 15, 0, 0, 1, 1, 1, 40, 0, 1];
            // Each call takes as many bytes of its own, and reading the answer takes one.
            let own = match call % 16 {
                4 | 5 => 3,
                7..=10 => 1,
                _ => 0,
            };
            step.extend(vec![*call; own + 1]);
            step
        });
        std::iter::once(0).chain(steps).collect()
    };
    vec![
        ("encoded", "png", encoded(image::ImageFormat::Png)),
        ("encoded", "webp", encoded(image::ImageFormat::WebP)),
        ("encoded", "bmp", encoded(image::ImageFormat::Bmp)),
        ("encoded", "jpeg", jpeg.clone()),
        ("jpeg", "baseline", jpeg),
        ("image_descriptor", "face", face),
        ("session", "tracker", session(&[4, 7, 8, 9, 6, 7])),
        ("session", "batch", session(&[2, 18, 10, 13, 11, 12, 14])),
        ("session", "freed", session(&[13, 1, 13, 3, 13, 0, 2, 13, 4, 7])),
        ("model_bytes", "both", small::bytes(Task::AgeGender)),
        ("model_bytes", "age", small::bytes(Task::Age)),
        ("model_bytes", "gender", small::bytes(Task::Gender)),
        ("detector_bytes", "detector", small::detector().encode_to_vec()),
    ]
}

/// `UPDATE_SEEDS=1` writes them again. The inputs that the fuzzer found are put beside them. `FUZZ_FOUND=build/fuzz`
/// also runs all inputs that a fuzzer has gathered there, as scripts/test/fuzz_lines.sh does.
#[test]
fn committed_seeds() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    for (target, name, bytes) in seeds() {
        let path = folder.join(target).join(name);
        if std::env::var_os("UPDATE_SEEDS").is_some() {
            std::fs::create_dir_all(folder.join(target)).unwrap();
            std::fs::write(&path, &bytes).unwrap();
        }
        assert!(path.exists(), "{path:?} is missing");
    }
    let mut count = 0;
    for (target, body) in [
        ("encoded", bodies::encoded as fn(&[u8])),
        ("jpeg", bodies::jpeg),
        ("image_descriptor", bodies::image_descriptor),
        ("session", bodies::session),
        ("model_bytes", bodies::model_bytes),
        ("detector_bytes", |bytes| {
            let _ = bodies::detector_bytes(bytes);
        }),
    ] {
        let found = std::env::var_os("FUZZ_FOUND");
        let found = found.map(|found| std::path::Path::new(&found).join(target).join("corpus"));
        for inputs in std::iter::once(folder.join(target)).chain(found) {
            for file in std::fs::read_dir(inputs).unwrap() {
                body(&std::fs::read(file.unwrap().path()).unwrap());
                count += 1;
            }
        }
    }
    println!("{count} inputs");
    assert!(count >= seeds().len());
}

/// Runs random sessions of calls.
#[test]
fn sessions() {
    let mut random = Numbers(6);
    for length in 0..150 {
        let bytes: Vec<u8> = (0..3 * length).map(|_| random.below(256) as u8).collect();
        bodies::session(&bytes);
    }
}
