//! Tests with random graphs.

use proptest::prelude::*;

use super::*;

/// The number of random cases, unless `PROPTEST_CASES` gives another.
fn cases(usual: u32) -> ProptestConfig {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(usual),
    }
}

/// A step of a random graph: its operation, the wires that it reads, and its parameters.
#[derive(Clone, Debug)]
struct Step {
    what: u8,
    a: usize,
    b: usize,
    channels_out: usize,
    kernel: usize,
    stride: i64,
    pads: [i64; 4],
    group: bool,
    dilation: i64,
    seed: u64,
    output: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let conv = (1usize..20, prop_oneof![6 => Just(3usize), 1 => 1usize..5]);
    let stride = prop_oneof![5 => Just(1i64), 3 => Just(2i64), 1 => Just(3i64)];
    let odd = (
        prop_oneof![8 => Just([1i64; 4]), 1 => [0i64..3, 0i64..3, 0i64..3, 0i64..3]],
        prop::bool::weighted(0.1),
        prop_oneof![8 => Just(1i64), 1 => Just(2i64)],
        stride,
    );
    let step = (0u8..9, 0usize..3, 0usize..8, conv, odd, any::<u64>(), prop::bool::weighted(0.2));
    let step = step.prop_map(|(what, a, b, conv, odd, seed, output)| {
        let ((channels_out, kernel), (pads, group, dilation, stride)) = (conv, odd);
        Step { what, a, b, channels_out, kernel, stride, pads, group, dilation, seed, output }
    });
    prop::collection::vec(step, 1..12)
}

/// Builds the steps that make a valid graph.
fn random_graph(size: (usize, usize), steps: &[Step]) -> Onnx {
    let mut graph = Onnx::default();
    let input = graph.input(&[1, 4, size.0, size.1]);
    let mut wires = vec![(input, [4, size.0, size.1])];
    for step in steps {
        // Mostly the newest wires are read, so that chains grow.
        let (a, [channels, height, width]) = wires[wires.len() - 1 - step.a % wires.len()].clone();
        let (b, other) = wires[step.b % wires.len()].clone();
        let group = if step.group && channels % 2 == 0 { 2 } else { 1 };
        let along = |n: usize, before: i64, after: i64| {
            let reach = step.dilation * (step.kernel as i64 - 1) + 1;
            let room = n as i64 + before + after - reach;
            (room >= 0).then(|| (room / step.stride + 1) as usize)
        };
        let (wire, shape) = match step.what {
            0..=3 => {
                let (Some(rows), Some(columns)) = (
                    along(height, step.pads[0], step.pads[2]),
                    along(width, step.pads[1], step.pads[3]),
                ) else {
                    continue;
                };
                let channels_out = step.channels_out * group;
                let conv = Conv {
                    channels_in: channels,
                    channels_out,
                    kernel: step.kernel,
                    stride: step.stride,
                    pads: step.pads.to_vec(),
                    group,
                    dilation: step.dilation,
                    bias: step.seed % 3 != 0,
                    half: false,
                };
                let wire = conv.wire(&mut graph, &mut Numbers(step.seed), &a);
                (wire, [channels_out, rows, columns])
            }
            4 | 5 => (graph.relu(&a), [channels, height, width]),
            6 if other == [channels, height, width] => (graph.add(&a, &b), other),
            7 => {
                let conv = Conv {
                    kernel: 1,
                    pads: vec![0; 4],
                    bias: step.seed % 3 != 0,
                    ..Conv::three(channels, step.channels_out)
                };
                let wire = conv.wire(&mut graph, &mut Numbers(step.seed), &a);
                (wire, [step.channels_out, height, width])
            }
            8 => (graph.node("Sigmoid", &[&a], &[]), [channels, height, width]),
            _ => continue,
        };
        if step.output {
            graph.output(&wire);
        }
        wires.push((wire, shape));
    }
    let (last, _) = wires.last().unwrap().clone();
    // A name may be an output only once, and an input of the graph is not an output.
    let end = graph.node("Neg", &[&last], &[]);
    graph.output(&end);
    graph
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn any_graph_answers_as_plain_tract(size in (1usize..16, 1usize..16), steps in steps()) {
        let graph = random_graph(size, &steps);
        // tract itself refuses some graphs.
        if let Ok(model) = graph.load() {
            let input = inputs(&model, 5);
            if let Ok(right) = plan(model.clone()).run(input.clone()) {
                for kind in SimdKind::available() {
                    let (fast, _) = Accelerator::new(kind).accelerate(model.clone()).unwrap();
                    let answer = plan(fast).run(input.clone()).unwrap();
                    // Inner values are about one. An output that is nearly zero is a difference of such values, and has
                    // their rounding error.
                    prop_assert!(distance(&right, &answer, 0.01) < 1e-4);
                }
            }
        }
    }
}
