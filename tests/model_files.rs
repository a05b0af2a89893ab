//! Tests model files that are wrong, unusual, damaged or hostile. Each ends in an error or in a model that works.
#![allow(clippy::unwrap_used)]

use face_predict::{
    AgeSpec, CropAnchor, CropRule, ErrorKind, Format, Image, Metadata, Model, ModelOptions,
    Options, Quality, Task,
};
use onnx::{Onnx, Value};
use prost::Message;
use small::{SIDE, YEARS, metadata, numbers};
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, StringStringEntryProto, TensorProto};

mod numbers;
#[allow(dead_code)]
mod onnx;
#[allow(dead_code)]
mod portrait;
#[allow(dead_code)]
mod small;

const BOTH: Task = Task::AgeGender;

fn load(proto: &ModelProto) -> face_predict::Result<Model> {
    Model::load_bytes(&proto.encode_to_vec(), &ModelOptions::new())
}

fn predict(model: &Model) -> face_predict::Result<()> {
    let pixels: Vec<u8> = (0..40 * 40 * 3).map(|i| (i % 251) as u8).collect();
    let image = Image::new(Format::Rgb, 40, 40, &pixels).unwrap();
    let predictions = model.predict(&image, &Options::new().cropped(true))?;
    let face = predictions.face(0).unwrap();
    let years = face.age().unwrap().years();
    assert!((years.iter().sum::<f32>() - 1.0).abs() < 1e-3, "{years:?}");
    assert!((0.0..=1.0).contains(&face.female_probability().unwrap()));
    Ok(())
}

#[track_caller]
fn refused(proto: &ModelProto, part: &str) {
    let error = load(proto).expect_err(part);
    assert_eq!(error.kind(), ErrorKind::Model, "{error}");
    assert!(error.to_string().contains(part), "{error:?} lacks {part:?}");
}

/// Returns a right graph with other metadata, which may be wrong.
fn with_metadata(change: impl FnOnce(&mut Metadata)) -> ModelProto {
    let mut metadata = metadata(BOTH);
    change(&mut metadata);
    let mut proto = small::proto(BOTH);
    small::set_props(&mut proto, &metadata.to_props().expect("metadata right by themselves"));
    proto
}

fn with_prop(key: &str, value: Option<&str>) -> ModelProto {
    let mut proto = small::proto(BOTH);
    let key = format!("face_predict.{key}");
    proto.metadata_props.retain(|prop| prop.key != key);
    if let Some(value) = value {
        proto.metadata_props.push(StringStringEntryProto { key, value: value.into() });
    }
    proto
}

/// Returns a right model whose graph is changed.
fn with_graph(change: impl FnOnce(&mut GraphProto)) -> ModelProto {
    let mut proto = small::proto(BOTH);
    change(proto.graph.as_mut().unwrap());
    proto
}

/// Returns a model with other nodes on the path from the picture to `[1, features]`, in place of the small model's
/// convolution.
fn with_body(body: impl FnOnce(&mut Onnx, String) -> String) -> ModelProto {
    let mut graph = Onnx::default();
    let image = graph.input(&[1, 3, SIDE, SIDE]);
    let wire = body(&mut graph, image);
    let wire = graph.node("GlobalAveragePool", &[&wire], &[]);
    let wire = graph.node("Flatten", &[&wire], &[]);
    for width in [YEARS, 1] {
        let weights = graph.constant(&[3, width], &numbers(3 * width));
        let wire = graph.node("MatMul", &[&wire, &weights], &[]);
        graph.output(&wire);
    }
    small::finish(graph, BOTH)
}

/// Returns a model that adds the result of a constant subgraph to the picture.
fn with_constant(constant: impl FnOnce(&mut Onnx) -> String) -> ModelProto {
    with_body(|graph, image| {
        let wire = constant(graph);
        graph.add(&image, &wire)
    })
}

#[test]
fn the_small_models_work() {
    for task in [BOTH, Task::Age, Task::Gender] {
        let model = load(&small::proto(task)).unwrap();
        predict(&model).unwrap();
        assert_eq!(model.name().contains('+'), task != BOTH);
    }
    predict(&load(&with_body(|_, image| image)).unwrap()).unwrap();
    // Unknown keys are ignored.
    predict(&load(&with_prop("later", Some("{}"))).unwrap()).unwrap();
}

#[test]
fn contract_and_task() {
    refused(&with_prop("contract", None), "not a face-predict model");
    refused(
        &with_prop("contract", Some("2")),
        "contract is \"2\", but this library knows only \"1\"",
    );
    refused(&with_prop("contract", Some("")), "contract is \"\"");
    refused(&with_prop("task", None), "face_predict.task is \"\"");
    refused(&with_prop("task", Some("landmarks")), "face_predict.task is \"landmarks\"");
    refused(&with_prop("task", Some("Age")), "face_predict.task is \"Age\"");
    refused(&with_prop("name", None), "face_predict.name");
    refused(&with_prop("name", Some(&"x".repeat(101))), "longer than 100");
    for key in ["input", "age", "gender"] {
        refused(&with_prop(key, None), &format!("face_predict.{key} is missing"));
        for bad in ["", "{}", "null", "[]", "{\"width\":", "\u{0}", &"[".repeat(100_000)] {
            refused(&with_prop(key, Some(bad)), &format!("face_predict.{key}: "));
        }
    }
}

#[test]
fn metadata_wrong_by_themselves() {
    let input = |change: &str, to: &str| {
        let props = metadata(BOTH).to_props().unwrap();
        let (_, json) = props.iter().find(|(key, _)| key == "face_predict.input").unwrap();
        assert!(json.contains(change), "{json}");
        with_prop("input", Some(&json.replace(change, to)))
    };
    refused(&input("\"width\":32", "\"width\":7"), "size 7x32 is not within 8 to 1024");
    refused(&input("\"width\":32", "\"width\":1025"), "size 1025x32");
    refused(&input("\"width\":32", "\"width\":1e99"), "face_predict.input");
    refused(&input("\"width\":32", "\"width\":-1"), "face_predict.input");
    refused(&input("\"width\":32", "\"width\":64"), "size 64x32 is not square");
    refused(&input("\"RGB\"", "\"BGR\""), "channels are \"BGR\"");
    refused(&input("[0.25,0.25,0.25]", "[0.25,0,0.25]"), "std is not a positive number");
    refused(&input("[0.25,0.25,0.25]", "[0.25,1e39,0.25]"), "face_predict.input");
    refused(&input("[0.25,0.25,0.25]", "[0.25,0.25]"), "face_predict.input");
    refused(&input("\"landmarks\"", "\"ears\""), "face_predict.input");
    refused(&input("\"side\":0.8", "\"side\":0"), "an anchor's side");
    refused(&input("[0.3,0.3]", "[0.3,1e9]"), "template");
    let age = |json: &str| with_prop("age", Some(json));
    let distribution = |first: &str, count: &str, range: &str, temperature: &str| {
        age(&format!(
            "{{\"kind\":\"distribution\",\"first\":{first},\"count\":{count},\"range\":{range},\
             \"temperature\":{temperature}}}"
        ))
    };
    load(&distribution("0", "101", "[0,100]", "1")).unwrap();
    refused(&distribution("0", "101", "[100,0]", "1"), "range");
    refused(&distribution("0", "101", "[0,1000]", "1"), "range");
    refused(&distribution("0", "101", "[0,100]", "0"), "temperature is 0");
    refused(&distribution("0", "101", "[0,100]", "-1"), "temperature is -1");
    refused(&distribution("51", "101", "[0,100]", "1"), "101 years from 51");
    refused(&distribution("18446744073709551615", "101", "[0,100]", "1"), "years from");
    refused(&distribution("0", "1", "[0,100]", "1"), "1 years from 0");
    let regression = |residuals: &str| {
        age(&format!("{{\"kind\":\"regression\",\"range\":[0,100],\"residuals\":{residuals}}}"))
    };
    for residuals in
        ["[]", "[[0,0]]", "[[0,0],[0,1]]", "[[0,1],[1,0]]", "[[-1,0],[1,1]]", "[[0,0],[2,1]]"]
    {
        refused(&regression(residuals), "residuals");
    }
    let gender = |temperature: &str, threshold: &str| {
        with_prop(
            "gender",
            Some(&format!(
                "{{\"positive\":\"male\",\"temperature\":{temperature},\"threshold\":{threshold}}}"
            )),
        )
    };
    load(&gender("1", "0.5")).unwrap();
    refused(&gender("1", "0.4"), "threshold is 0.4");
    refused(&gender("1000", "0.5"), "temperature is 1000");
    load(&gender("1", "0.5,\"doubt\":{\"dark\":2}")).unwrap();
    refused(&gender("1", "0.5,\"doubt\":{\"dark\":20}"), "doubt dark is 20");
    refused(&gender("1", "0.5,\"doubt\":{\"dim\":2}"), "no reason for doubt called \"dim\"");
}

#[test]
fn metadata_that_do_not_fit_the_graph() {
    let larger = || {
        with_metadata(|m| {
            m.input.width = 48;
            m.input.height = 48;
        })
    };
    refused(
        &larger(),
        "input \"image\" has shape [1, 3, 32, 32], but face_predict.input says [1, 3, 48, 48]",
    );
    // A batch of any size, as most exporters write it, does not hide the other sizes.
    for (shape, told) in [
        (&[usize::MAX, 3, SIDE, SIDE][..], "[?, 3, 32, 32]"),
        (&[usize::MAX, 1, usize::MAX, usize::MAX], "[?, 1, ?, ?]"),
        (&[usize::MAX, 3, SIDE], "[?, 3, 32]"),
    ] {
        let mut proto = larger();
        proto.graph.as_mut().unwrap().input[0] = Onnx::value("image", shape);
        refused(&proto, &format!("has shape {told}, but"));
    }
    let any_batch = with_graph(|g| {
        g.input[0] = Onnx::value("image", &[usize::MAX, 3, SIDE, SIDE]);
    });
    predict(&load(&any_batch).unwrap()).unwrap();
    let count = |count| {
        let mut age = metadata(BOTH).age;
        if let Some(AgeSpec::Distribution { count: given, .. }) = &mut age {
            *given = count;
        }
        age
    };
    refused(&with_metadata(|m| m.age = count(100)), "but the metadata say [1, 100]");
    refused(&with_metadata(|m| m.age = count(102)), "but the metadata say [1, 102]");
    let residuals = vec![[0.0, -1.0], [1.0, 1.0]];
    let regression = AgeSpec::Regression { range: [0.0, 100.0], residuals };
    refused(&with_metadata(|m| m.age = Some(regression)), "no output \"age\"");
    // The graph does not have the output of the task.
    let mut age = small::proto(Task::Age);
    small::set_props(&mut age, &metadata(BOTH).to_props().unwrap());
    refused(&age, "no output \"gender_logit\", which its task needs");
    // A graph with more outputs than its tasks is cut down.
    let mut more = small::proto(BOTH);
    small::set_props(&mut more, &metadata(Task::Age).to_props().unwrap());
    predict(&load(&more).unwrap()).unwrap();
    // Any shape of the input is accepted if the file leaves it open.
    let open = with_graph(|g| g.input[0] = Onnx::value("image", &[usize::MAX; 4]));
    predict(&load(&open).unwrap()).unwrap();
}

/// A search runs a detector at several sizes, so a file that loads must be able to do so.
#[test]
fn a_detector_of_one_size_is_refused() {
    let detector = small::detector();
    load(&detector).expect("a detector of any size");
    let fixed = |shape: &[usize]| {
        let mut detector = detector.clone();
        let graph = detector.graph.as_mut().expect("a graph");
        graph.input[0] = Onnx::value("image", shape);
        detector
    };
    refused(&fixed(&[1, 3, SIDE, SIDE]), "must leave height and width open");
    refused(&fixed(&[usize::MAX, 3, SIDE, SIDE]), "the fixed shape [?, 3, 32, 32]");
    load(&fixed(&[1, 3, usize::MAX, usize::MAX])).expect("open sides");
    // The file promises any size, but its graph has one alone.
    let mut one_size = detector.clone();
    let graph = one_size.graph.as_mut().expect("a graph");
    let mut other = Onnx::default();
    let sizes = [1, 15, 4, 4];
    let shape = other.integers(&sizes);
    other.node("Reshape", &["cells", &shape], &[]);
    let mut added = other.proto().graph.expect("a graph");
    graph.node[0].output[0] = "cells".into();
    added.node[0].output[0] = "stride8".into();
    graph.node.append(&mut added.node);
    graph.initializer.append(&mut added.initializer);
    refused(&one_size, "[1, 3, 56, 64]");
}

/// The engine does not check this for constants. A fuzzer found that it then read beyond the smaller matrix.
#[test]
fn matrices_that_do_not_fit_are_refused() {
    let flags = |a, b| [("transA", Value::Int(a)), ("transB", Value::Int(b))];
    let product = |op: &'static str, a: [usize; 2], b: [usize; 2], more: &[(&str, Value)]| {
        with_constant(|graph| {
            let a = graph.constant(&a, &numbers(a[0] * a[1]));
            let b = graph.constant(&b, &numbers(b[0] * b[1]));
            let wire = graph.node(op, &[&a, &b], more);
            graph.node("ReduceMean", &[&wire], &[])
        })
    };
    predict(&load(&product("MatMul", [8, 101], [101, 8], &[])).unwrap()).unwrap();
    for (a, b, turned) in
        [([8, 101], [101, 8], (0, 0)), ([101, 8], [101, 8], (1, 0)), ([8, 101], [8, 101], (0, 1))]
    {
        predict(&load(&product("Gemm", a, b, &flags(turned.0, turned.1))).unwrap()).unwrap();
    }
    for (a, b) in [([8, 101], [8, 101]), ([101, 8], [101, 8]), ([2, 1], [2, 3]), ([1, 2], [1, 2])] {
        let unfit = "cannot be multiplied";
        refused(&product("MatMul", a, b, &[]), unfit);
        refused(&product("Gemm", a, b, &flags(0, 0)), unfit);
        let (turned_a, turned_b) = ([a[1], a[0]], [b[1], b[0]]);
        refused(&product("Gemm", turned_a, b, &flags(1, 0)), unfit);
        refused(&product("Gemm", a, turned_b, &flags(0, 1)), unfit);
        // tract-onnx reads the whole graph if one operator is not in the table.
        let other = with_constant(|graph| {
            let a = graph.constant(&a, &numbers(a[0] * a[1]));
            let b = graph.constant(&b, &numbers(b[0] * b[1]));
            let equation = [("equation", Value::Text("ij,jk->ik"))];
            let wire = graph.node("Einsum", &[&a, &b], &equation);
            graph.node("ReduceMean", &[&wire], &[])
        });
        refused(&other, "");
    }
    // Here the left matrix is not constant.
    let of_picture = |rows: usize| {
        with_body(|graph, image| {
            let weights = graph.constant(&[rows, 5], &numbers(5 * rows));
            graph.node("MatMul", &[&image, &weights], &[])
        })
    };
    predict(&load(&of_picture(SIDE)).unwrap()).unwrap();
    refused(&of_picture(SIDE + 1), "");
    refused(&of_picture(1), "");
}

/// The engine takes all numbers of a constant for equal if there are none, and then read the first.
#[test]
fn inputs_without_numbers_are_refused() {
    for op in ["Pow", "Add", "Mul", "Max", "PRelu", "MatMul"] {
        let of_picture = with_body(|graph, image| {
            let none = graph.constant(&[0], &[]);
            graph.node(op, &[&image, &none], &[])
        });
        refused(&of_picture, "has no numbers");
        let of_constant = with_constant(|graph| {
            let (some, none) = (graph.constant(&[1], &[2.0]), graph.constant(&[1, 0], &[]));
            let wire = graph.node(op, &[&some, &none], &[]);
            graph.node("ReduceMean", &[&wire], &[])
        });
        refused(&of_constant, "has no numbers");
    }
    // A scalar has no channels.
    let scalar = with_constant(|graph| {
        let one = graph.constant(&[], &[1.0]);
        let [a, b, c, d] = [(); 4].map(|()| graph.constant(&[1], &[1.0]));
        graph.node("BatchNormalization", &[&one, &a, &b, &c, &d], &[])
    });
    refused(&scalar, "has no channels");
}

/// The time to load a file is bounded, whatever it asks for.
#[test]
fn graphs_that_take_too_long_are_refused() {
    let long = |count: usize| {
        with_body(|graph, image| (0..count).fold(image, |wire, _| graph.relu(&wire)))
    };
    predict(&load(&long(300)).unwrap()).unwrap();
    refused(&long(3000), "nodes, but at most 2000 are supported");
    // The engine moves each transposition along the chain, and rewrites the chain each time.
    let turned = with_body(|graph, image| {
        (0..600).fold(image, |wire, _| {
            let wire = graph.node("Sigmoid", &[&wire], &[]);
            let wire = graph.node("Exp", &[&wire], &[]);
            graph.node("Transpose", &[&wire], &[("perm", Value::Ints(vec![0, 1, 3, 2]))])
        })
    });
    predict(&load(&turned).unwrap()).unwrap();
    // 512 * 512 * 64 * 64 * 121 multiplications follow from weights of 2 MB.
    let wide = with_body(|graph, image| {
        let sizes = graph.integers(&[1, 3, 512, 512]);
        let size_of = [("mode", Value::Text("linear"))];
        let image = graph.node("Resize", &[&image, "", "", &sizes], &size_of);
        let (first, second) = (numbers(64 * 3), numbers(64 * 64 * 121));
        let pads = |side| [("pads", Value::Ints(vec![side; 4]))];
        let weights = graph.constant(&[64, 3, 1, 1], &first);
        let wire = graph.node("Conv", &[&image, &weights], &pads(0));
        let weights = graph.constant(&[64, 64, 11, 11], &second);
        let wire = graph.node("Conv", &[&wire, &weights], &pads(5));
        let weights = graph.constant(&[3, 64, 1, 1], &first);
        graph.node("Conv", &[&wire, &weights], &pads(0))
    });
    refused(&wide, "multiplications, but the limit is 100000000000");
    let window = with_body(|graph, image| {
        let sizes = graph.integers(&[1, 3, 1024, 1024]);
        let wire =
            graph.node("Resize", &[&image, "", "", &sizes], &[("mode", Value::Text("linear"))]);
        let window =
            [("kernel_shape", Value::Ints(vec![301; 2])), ("pads", Value::Ints(vec![150; 4]))];
        graph.node("MaxPool", &[&wire], &window)
    });
    refused(&window, "multiplications, but the limit is 100000000000");
}

/// Whether a face is blurred must not depend on the input of a network.
#[test]
fn a_blurred_face_is_marked_for_networks_of_any_input() {
    let small = load(&small::proto(BOTH)).unwrap();
    let built_in = Model::load_default().unwrap();
    let sharp =
        image::RgbImage::from_raw(portrait::SIDE as u32, portrait::SIDE as u32, portrait::rgb())
            .unwrap();
    let blurred = image::imageops::fast_blur(&sharp, 14.0);
    for (picture, expected) in [(&sharp, false), (&blurred, true)] {
        let view = Image::new(Format::Rgb, portrait::SIDE, portrait::SIDE, picture).unwrap();
        for model in [&small, &built_in] {
            let found = model.predict(&view, &Options::new().cropped(true)).unwrap();
            let quality = found.face(0).unwrap().quality();
            assert_eq!(quality.contains(Quality::BLURRED), expected, "{}", model.name());
        }
    }
}

#[test]
fn inputs_outputs_and_nodes_that_are_missing_or_too_many() {
    refused(&with_graph(|g| g.input.clear()), "");
    refused(&with_graph(|g| g.output.clear()), "no output \"age_logits\"");
    refused(&with_graph(|g| g.node.clear()), "");
    refused(&with_graph(|g| g.initializer.clear()), "");
    refused(&with_graph(|g| g.input.push(Onnx::value("more", &[1]))), "2 inputs");
    refused(&with_graph(|g| g.input[0].name = "x".into()), "");
    refused(&with_graph(|g| g.output[0].name = "other".into()), "");
    let swapped = with_graph(|g| {
        g.output.swap(0, 1);
    });
    predict(&load(&swapped).unwrap()).unwrap();
    refused(&with_graph(|g| g.node[0].op_type = "NoSuchOperator".into()), "NoSuchOperator");
    refused(&with_graph(|g| g.node[0].input.clear()), "");
    refused(&with_graph(|g| g.node[0].input[1] = "nowhere".into()), "");
    // The graph has a loop.
    refused(
        &with_graph(|g| {
            let end = g.node.last().unwrap().output[0].clone();
            g.node[1].input[0] = end;
        }),
        "",
    );
    refused(&ModelProto { graph: None, ..small::proto(BOTH) }, "no ONNX file");
    refused(&ModelProto::default(), "no ONNX file");
}

#[test]
fn weights_that_lie_elsewhere_or_are_not_there() {
    let weight = |change: fn(&mut TensorProto)| with_graph(|g| change(&mut g.initializer[0]));
    refused(
        &weight(|t| {
            t.data_location = Some(1);
            t.external_data = vec![StringStringEntryProto {
                key: "location".into(),
                value: "/etc/passwd".into(),
            }];
        }),
        "lie in another file",
    );
    refused(&weight(|t| t.data_location = Some(1)), "lie in another file");
    refused(&weight(|t| t.dims = vec![1 << 40, 1 << 40]), "exceed the limit");
    refused(&weight(|t| t.dims = vec![i64::MAX; 8]), "exceed the limit");
    refused(&weight(|t| t.dims = vec![-1, 3, 3, 3]), "");
    refused(&weight(|t| t.dims = vec![1 << 20, 3, 3, 3]), "");
    refused(&weight(|t| t.dims = vec![8, 3, 3, 4]), "");
    refused(&weight(|t| t.dims = vec![]), "");
    refused(&weight(|t| t.raw_data.truncate(7)), "");
    refused(&weight(|t| t.raw_data.clear()), "");
    refused(&weight(|t| t.data_type = 99), "");
    refused(&weight(|t| t.data_type = -1), "");
    refused(&weight(|t| t.data_type = 8), "");
    // The same inside a node's attribute.
    let constant = |tensor: TensorProto| {
        with_constant(|graph| {
            let wire = graph.node("Constant", &[], &[]);
            let attribute = AttributeProto {
                name: "value".into(),
                r#type: 4,
                t: Some(tensor),
                ..Default::default()
            };
            graph.last_node().attribute.push(attribute);
            wire
        })
    };
    let one =
        TensorProto { dims: vec![1], data_type: 1, raw_data: vec![0; 4], ..Default::default() };
    predict(&load(&constant(one.clone())).unwrap()).unwrap();
    refused(
        &constant(TensorProto { data_location: Some(1), ..one.clone() }),
        "lie in another file",
    );
    refused(&constant(TensorProto { dims: vec![1 << 50], ..one.clone() }), "exceed the limit");
    refused(&constant(TensorProto { dims: vec![2], ..one }), "");
}

#[test]
fn numbers_that_are_none() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for tensor in 0..3 {
            let proto = with_graph(|g| {
                let data = &mut g.initializer[tensor].raw_data;
                data.chunks_exact_mut(4).for_each(|n| n.copy_from_slice(&bad.to_le_bytes()));
            });
            refused(&proto, "");
        }
    }
    // The weights are so large that the picture decides the answer.
    let proto = with_graph(|g| {
        let data = &mut g.initializer[0].raw_data;
        data.chunks_exact_mut(4).for_each(|n| n.copy_from_slice(&f32::MAX.to_le_bytes()));
    });
    if let Ok(model) = load(&proto) {
        let _ = predict(&model);
    }
}

/// The shape of the weights, and the attributes.
type Odd = ([usize; 4], Vec<(&'static str, Value)>);

#[test]
fn odd_convolutions_work_or_are_refused() {
    let conv = |shape: [usize; 4], attributes: Vec<(&'static str, Value)>| {
        with_body(|graph, image| {
            let weights = graph.constant(&shape, &numbers(shape.iter().product()));
            let wire = graph.node("Conv", &[&image, &weights], &attributes);
            let back = graph.constant(&[3, shape[0], 1, 1], &numbers(3 * shape[0]));
            graph.node("Conv", &[&wire, &back], &[])
        })
    };
    let ints = |name, values: &[i64]| vec![(name, Value::Ints(values.to_vec()))];
    let works: [Odd; 9] = [
        ([4, 3, 3, 3], ints("dilations", &[2, 3])),
        ([4, 3, 3, 3], ints("strides", &[3, 1])),
        ([4, 3, 3, 3], ints("pads", &[0, 1, 2, 3])),
        ([3, 1, 3, 3], vec![("group", Value::Int(3))]),
        ([4, 3, 1, 1], vec![]),
        ([4, 3, 1, 7], vec![]),
        ([4, 3, 32, 32], vec![]),
        ([4, 3, 3, 3], vec![("auto_pad", Value::Text("SAME_UPPER"))]),
        ([1, 3, 5, 5], ints("strides", &[32, 32])),
    ];
    for (shape, attributes) in works {
        predict(&load(&conv(shape, attributes)).unwrap()).unwrap();
    }
    for name in ["pads", "dilations", "strides"] {
        let proto =
            conv([4, 3, 3, 3], ints(name, &[i64::MAX; 4][..if name == "pads" { 4 } else { 2 }]));
        refused(&proto, &format!("has {name} of {}", i64::MAX));
    }
    let broken: [Odd; 14] = [
        ([4, 3, 33, 33], vec![]),
        ([4, 3, 3, 3], ints("dilations", &[20, 20])),
        ([4, 3, 3, 3], ints("dilations", &[0, 0])),
        ([4, 3, 3, 3], ints("dilations", &[i64::MAX, 1])),
        ([4, 3, 3, 3], ints("strides", &[0, 1])),
        ([4, 3, 3, 3], ints("strides", &[-1, 1])),
        ([4, 3, 3, 3], ints("strides", &[1])),
        ([4, 3, 3, 3], ints("pads", &[-20, -20, -20, -20])),
        ([4, 3, 3, 3], ints("pads", &[1 << 40; 4])),
        ([4, 3, 3, 3], ints("pads", &[i64::MAX; 4])),
        ([4, 3, 3, 3], ints("kernel_shape", &[5, 5])),
        ([4, 3, 3, 3], vec![("group", Value::Int(2))]),
        ([4, 3, 3, 3], vec![("group", Value::Int(0))]),
        ([4, 2, 3, 3], vec![]),
    ];
    for (shape, attributes) in broken {
        if let Ok(model) = load(&conv(shape, attributes)) {
            let _ = predict(&model);
        }
    }
}

/// A small file may have constants that would not fit into memory once they are computed. The engine computes what is
/// constant before it knows how large it is, so such graphs must be refused by their structure.
#[test]
fn constants_that_grow() {
    let huge = [1i64 << 20, 1 << 20];
    let grows: [(&str, ModelProto); 11] = [
        (
            "ConstantOfShape",
            with_constant(|g| {
                let shape = g.integers(&huge);
                g.node("ConstantOfShape", &[&shape], &[])
            }),
        ),
        (
            "Expand",
            with_constant(|g| {
                let (one, shape) = (g.constant(&[1, 1], &[1.0]), g.integers(&huge));
                g.node("Expand", &[&one, &shape], &[])
            }),
        ),
        (
            "Tile",
            with_constant(|g| {
                let (one, repeats) = (g.constant(&[1, 1], &[1.0]), g.integers(&huge));
                g.node("Tile", &[&one, &repeats], &[])
            }),
        ),
        (
            "Pad",
            with_constant(|g| {
                let (one, pads) =
                    (g.constant(&[1, 1], &[1.0]), g.integers(&[0, 0, 1 << 20, 1 << 20]));
                g.node("Pad", &[&one, &pads], &[])
            }),
        ),
        (
            "Range",
            with_constant(|g| {
                let numbers = [[0.0], [1e12], [1.0]].map(|n| g.constant(&[], &n));
                g.node("Range", &numbers.each_ref().map(String::as_str), &[])
            }),
        ),
        (
            "OneHot",
            with_constant(|g| {
                let indices = g.integers(&[0; 1 << 10]);
                let (depth, values) = (g.integers(&[1 << 40]), g.constant(&[2], &[0.0, 1.0]));
                g.node("OneHot", &[&indices, &depth, &values], &[])
            }),
        ),
        (
            "Add",
            with_constant(|g| {
                let a = g.constant(&[1 << 18, 1], &vec![1.0; 1 << 18]);
                let b = g.constant(&[1, 1 << 18], &vec![1.0; 1 << 18]);
                g.add(&a, &b)
            }),
        ),
        (
            "MatMul",
            with_constant(|g| {
                let a = g.constant(&[1 << 18, 1], &vec![1.0; 1 << 18]);
                let b = g.constant(&[1, 1 << 18], &vec![1.0; 1 << 18]);
                g.node("MatMul", &[&a, &b], &[])
            }),
        ),
        (
            "Gather",
            with_constant(|g| {
                let data = g.constant(&[1, 1 << 18], &vec![1.0; 1 << 18]);
                let indices = g.integers(&[0; 1 << 18]);
                g.node("Gather", &[&data, &indices], &[])
            }),
        ),
        (
            "Concat, again and again",
            with_constant(|g| {
                let mut wire = g.constant(&[1 << 10], &vec![1.0; 1 << 10]);
                for _ in 0..34 {
                    wire = g.node("Concat", &[&wire, &wire], &[("axis", Value::Int(0))]);
                }
                wire
            }),
        ),
        (
            "Resize",
            with_constant(|g| {
                let (one, none) = (g.constant(&[1, 1, 1, 1], &[1.0]), g.constant(&[0], &[]));
                let sizes = g.integers(&[1, 1, 1 << 20, 1 << 20]);
                g.node("Resize", &[&one, &none, &none, &sizes], &[])
            }),
        ),
    ];
    for (name, proto) in &grows {
        let error = load(proto).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Model, "{name}: {error}");
        println!("{name}: {error}");
    }
    // The same operators take their sizes from the picture, or work on the picture itself.
    let pads = with_body(|g, image| {
        let pads = g.integers(&[0, 0, 0, 0, 0, 0, 1 << 20, 1 << 20]);
        g.node("Pad", &[&image, &pads], &[])
    });
    refused(&pads, "");
    let from_shape = with_body(|g, image| {
        let shape = g.node("Shape", &[&image], &[]);
        let large = g.integers(&[1 << 12]);
        let shape = g.node("Mul", &[&shape, &large], &[]);
        let wire = g.node("ConstantOfShape", &[&shape], &[]);
        g.node("Add", &[&image, &wire], &[])
    });
    refused(&from_shape, "");
}

/// The same operators are accepted if their results are small.
#[test]
fn constants_of_a_listed_shape_load() {
    let works = [
        with_constant(|g| {
            let shape = g.integers(&[3, 1, 1]);
            g.node("ConstantOfShape", &[&shape], &[])
        }),
        with_constant(|g| {
            let (column, shape) = (g.constant(&[SIDE, 1], &[0.5; SIDE]), g.integers(&[3, 1, 2]));
            let wide = g.node("Expand", &[&column, &shape], &[]);
            g.node("ReduceMean", &[&wide], &[("axes", Value::Ints(vec![2]))])
        }),
        // The size comes from the picture.
        with_body(|g, image| {
            let shape = g.node("Shape", &[&image], &[]);
            let zeros = g.node("ConstantOfShape", &[&shape], &[]);
            g.add(&image, &zeros)
        }),
        with_body(|g, image| {
            let (half, shape) = (g.constant(&[1], &[0.5]), g.node("Shape", &[&image], &[]));
            let halves = g.node("Expand", &[&half, &shape], &[]);
            g.add(&image, &halves)
        }),
    ];
    for proto in &works {
        predict(&load(proto).unwrap()).unwrap();
    }
}

#[test]
fn a_file_cut_short_is_refused_at_every_length() {
    let bytes = small::bytes(BOTH);
    for length in (0..bytes.len()).step_by(37) {
        let error = Model::load_bytes(&bytes[..length], &ModelOptions::new()).expect_err("cut");
        assert_eq!(error.kind(), ErrorKind::Model, "{length}: {error}");
    }
    let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/models/base.onnx")).unwrap();
    for part in [1, 2, 3, 5, 10, 100, 500, 900, 990, 999] {
        let length = bytes.len() * part / 1000;
        let error = Model::load_bytes(&bytes[..length], &ModelOptions::new()).expect_err("cut");
        assert_eq!(error.kind(), ErrorKind::Model, "{length}: {error}");
    }
}

/// The test has its own generator, so that a failure can be repeated.
#[test]
fn flipped_bytes_end_in_an_error_or_a_working_model() {
    let small = small::bytes(BOTH);
    let shipped = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/models/base.onnx")).unwrap();
    let (mut working, mut random) = (0, numbers::Numbers(1));
    for (bytes, rounds) in [(&small, 600), (&shipped, 25)] {
        for _ in 0..rounds {
            let mut bytes = bytes.clone();
            for _ in 0..1 + random.below(3) {
                let at = random.below(bytes.len());
                bytes[at] = random.below(256) as u8;
            }
            match Model::load_bytes(&bytes, &ModelOptions::new()) {
                Ok(model) => {
                    working += usize::from(predict(&model).is_ok());
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::Model, "{error}"),
            }
        }
    }
    println!("{working} of 625 still work");
    assert!(working > 100, "{working} of 625 still work");
}

#[test]
fn crops_of_all_kinds_work() {
    let rule = |crop| with_metadata(|m| m.input.crop = crop);
    predict(&load(&rule(CropRule::Box { margin: 0.4 })).unwrap()).unwrap();
    let frame = CropAnchor { x: -3.0, y: 50.0, side: 0.02 };
    let template = [[0.0, 0.0], [1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [1.0, 1.0]];
    let odd = CropRule::Landmarks { template, face: frame, picture: frame };
    predict(&load(&rule(odd)).unwrap()).unwrap();
}
