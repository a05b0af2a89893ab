//! Networks with the operators put in against the same in plain tract.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use face_predict_kernels::SimdKind;
use proptest::prelude::*;
use tract_core::internal::*;
use tract_core::prelude::TypedRunnableModel;

use super::Accelerator;

#[path = "../../../tests/numbers/mod.rs"]
mod numbers;

use super::super::onnx::{Onnx, Value};
use numbers::Numbers;

/// So many random cases, or as many as `PROPTEST_CASES` asks for.
fn cases(usual: u32) -> ProptestConfig {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(usual),
    }
}

type Plan = Arc<TypedRunnableModel>;

fn plan(model: TypedModel) -> Plan {
    model.into_optimized().unwrap().into_runnable().unwrap()
}

fn inputs(model: &TypedModel, seed: u64) -> TVec<TValue> {
    let mut numbers = Numbers(seed);
    let outlets = model.input_outlets().unwrap();
    outlets
        .iter()
        .map(|outlet| {
            let fact = model.outlet_fact(*outlet).unwrap();
            let shape = fact.shape.as_concrete().unwrap();
            let values = numbers.take(shape.iter().product());
            Tensor::from_shape(shape, &values).unwrap().into_tvalue()
        })
        .collect()
}

fn numbers(tensor: &Tensor) -> &[f32] {
    tensor.try_as_plain_ram().unwrap().as_slice::<f32>().unwrap()
}

/// How far two answers are from each other, as a part of each output's scale, but of `floor` at
/// least.
fn distance(plain: &[TValue], fast: &[TValue], floor: f32) -> f32 {
    assert_eq!(plain.len(), fast.len());
    let mut worst = 0f32;
    for (plain, fast) in plain.iter().zip(fast) {
        assert_eq!(plain.shape(), fast.shape());
        let scale = numbers(plain).iter().fold(floor, |a, b| a.max(b.abs()));
        for (a, b) in numbers(plain).iter().zip(numbers(fast)) {
            assert!(b.is_finite());
            worst = worst.max((a - b).abs() / scale);
        }
    }
    worst
}

/// Checks that the pass puts in so many operators, and that no output changes, in any kind.
fn replaces(graph: &Onnx, count: usize) {
    let model = graph.load().unwrap();
    let input = inputs(&model, 5);
    let right = plan(model.clone()).run(input.clone()).unwrap();
    for kind in SimdKind::available() {
        let (fast, replaced) = Accelerator::new(kind).accelerate(model.clone()).unwrap();
        assert_eq!(replaced, count, "{}", graph_text(&model));
        let answer = plan(fast).run(input.clone()).unwrap();
        let distance = distance(&right, &answer, 1e-30);
        assert!(distance < 1e-4, "{kind:?}: {distance:e}");
    }
}

fn graph_text(model: &TypedModel) -> String {
    model.nodes().iter().map(|n| format!("{} {} {:?}\n", n.name, n.op.name(), n.inputs)).collect()
}

/// A convolution's attributes, and its weights and bias as random constants.
struct Conv {
    channels_in: usize,
    channels_out: usize,
    kernel: usize,
    stride: i64,
    pads: Vec<i64>,
    group: usize,
    dilation: i64,
    bias: bool,
    half: bool,
}

impl Conv {
    fn three(channels_in: usize, channels_out: usize) -> Conv {
        Conv {
            channels_in,
            channels_out,
            kernel: 3,
            stride: 1,
            pads: vec![1; 4],
            group: 1,
            dilation: 1,
            bias: true,
            half: false,
        }
    }

    fn wire(&self, graph: &mut Onnx, numbers: &mut Numbers, input: &str) -> String {
        let shape = [self.channels_out, self.channels_in / self.group, self.kernel, self.kernel];
        let values: Vec<f32> = numbers
            .take(shape.iter().product())
            .iter()
            .map(|n| n * (3.0 / (shape[1] * shape[2] * shape[3]) as f32).sqrt())
            .collect();
        let weights =
            if self.half { graph.half(&shape, &values) } else { graph.constant(&shape, &values) };
        let bias = self.bias.then(|| {
            let values = numbers.take(self.channels_out);
            graph.constant(&[self.channels_out], &values)
        });
        self.wire_with(graph, input, &weights, bias.as_deref())
    }

    fn wire_with(
        &self,
        graph: &mut Onnx,
        input: &str,
        weights: &str,
        bias: Option<&str>,
    ) -> String {
        let mut wires = vec![input, weights];
        wires.extend(bias);
        graph.node(
            "Conv",
            &wires,
            &[
                ("kernel_shape", Value::Ints(vec![self.kernel as i64; 2])),
                ("strides", Value::Ints(vec![self.stride; 2])),
                ("pads", Value::Ints(self.pads.clone())),
                ("group", Value::Int(self.group as i64)),
                ("dilations", Value::Ints(vec![self.dilation; 2])),
            ],
        )
    }
}

/// Input, one convolution, output.
fn single(conv: Conv, size: [usize; 2]) -> Onnx {
    let mut graph = Onnx::default();
    let input = graph.input(&[1, conv.channels_in, size[0], size[1]]);
    let wire = conv.wire(&mut graph, &mut Numbers(1), &input);
    graph.output(&wire);
    graph
}

/// The form of the shipped networks: patch stem, stages of 3 x 3 with ReLU, pooled, two heads.
fn estimator(half: bool) -> Onnx {
    let mut graph = Onnx::default();
    let mut numbers = Numbers(2);
    let mut wire = graph.input(&[1, 3, 64, 64]);
    let stem = Conv { kernel: 4, stride: 4, pads: vec![0; 4], half, ..Conv::three(3, 24) };
    wire = stem.wire(&mut graph, &mut numbers, &wire);
    wire = graph.relu(&wire);
    let mut before = 24;
    for (channels, stride) in [(24, 1), (40, 2), (40, 1), (72, 2), (72, 1)] {
        let conv = Conv { stride, half, ..Conv::three(before, channels) };
        wire = conv.wire(&mut graph, &mut numbers, &wire);
        wire = graph.relu(&wire);
        before = channels;
    }
    let pooled = graph.node("GlobalAveragePool", &[&wire], &[]);
    let flat = graph.node("Flatten", &[&pooled], &[]);
    for count in [101, 1] {
        let values = numbers.take(before * count);
        let weights = graph.constant(&[before, count], &values);
        let out = graph.node("MatMul", &[&flat, &weights], &[]);
        graph.output(&out);
    }
    graph
}

#[test]
fn a_whole_network_is_replaced() {
    replaces(&estimator(false), 6);
}

#[test]
fn weights_stored_in_half_precision_are_constants_too() {
    replaces(&estimator(true), 6);
}

#[test]
fn single_convolutions_are_replaced() {
    replaces(&single(Conv::three(8, 16), [12, 12]), 1);
    replaces(&single(Conv { bias: false, ..Conv::three(5, 7) }, [9, 14]), 1);
    for size in [[9, 14], [8, 8], [1, 1], [2, 7]] {
        replaces(&single(Conv { stride: 2, ..Conv::three(5, 7) }, size), 1);
    }
    let stem = |size| {
        replaces(
            &single(Conv { kernel: 4, stride: 4, pads: vec![0; 4], ..Conv::three(3, 20) }, size),
            1,
        )
    };
    stem([32, 32]);
    // The pixels left over belong to no patch.
    stem([35, 33]);
}

/// A detector's form: 1 x 1 heads beside the trunk, with and without bias, and a ReLU behind one.
#[test]
fn heads_are_replaced_with_the_trunk() {
    let mut graph = Onnx::default();
    let mut numbers = Numbers(3);
    let point = |channels_in, channels_out, bias| Conv {
        kernel: 1,
        pads: vec![0; 4],
        bias,
        ..Conv::three(channels_in, channels_out)
    };
    let input = graph.input(&[1, 3, 48, 64]);
    // Nothing lies channels last yet.
    let wire = point(3, 3, true).wire(&mut graph, &mut numbers, &input);
    let stem = Conv { kernel: 4, stride: 4, pads: vec![0; 4], ..Conv::three(3, 12) };
    let wire = stem.wire(&mut graph, &mut numbers, &wire);
    let wire = graph.relu(&wire);
    let wire = Conv::three(12, 20).wire(&mut graph, &mut numbers, &wire);
    let wire = graph.relu(&wire);
    for (channels, bias) in [(15, true), (1, true), (10, false)] {
        let head = point(20, channels, bias).wire(&mut graph, &mut numbers, &wire);
        graph.output(&head);
    }
    let inner = point(20, 24, true).wire(&mut graph, &mut numbers, &wire);
    let inner = graph.relu(&inner);
    let deep = Conv { stride: 2, ..Conv::three(24, 9) }.wire(&mut graph, &mut numbers, &inner);
    let deep = graph.relu(&deep);
    let head = point(9, 15, true).wire(&mut graph, &mut numbers, &deep);
    graph.output(&head);
    replaces(&graph, 8);
}

#[test]
fn a_batch_is_replaced() {
    let mut graph = Onnx::default();
    let input = graph.input(&[3, 4, 10, 7]);
    let wire = Conv::three(4, 8).wire(&mut graph, &mut Numbers(1), &input);
    let wire = graph.relu(&wire);
    let wire = Conv::three(8, 3).wire(&mut graph, &mut Numbers(2), &wire);
    graph.output(&wire);
    replaces(&graph, 2);
}

/// On an even map the far side's padding is never read, so that this is the symmetric one.
#[test]
fn padding_that_is_never_read_may_differ() {
    let conv = || Conv { stride: 2, pads: vec![1, 1, 0, 0], ..Conv::three(5, 7) };
    replaces(&single(conv(), [8, 10]), 1);
    replaces(&single(conv(), [9, 10]), 0);
}

#[test]
fn a_separate_pad_is_part_of_the_convolution() {
    let mut graph = Onnx::default();
    let input = graph.input(&[1, 4, 10, 10]);
    let pads = graph.integers(&[0, 0, 1, 1, 0, 0, 1, 1]);
    let padded = graph.node("Pad", &[&input, &pads], &[]);
    let conv = Conv { pads: vec![0; 4], ..Conv::three(4, 8) };
    let wire = conv.wire(&mut graph, &mut Numbers(1), &padded);
    graph.output(&wire);
    replaces(&graph, 1);
}

#[test]
fn same_padding_is_replaced_where_it_is_symmetric() {
    for (stride, replaced) in [(1, 1), (2, 0)] {
        let mut graph = Onnx::default();
        let input = graph.input(&[1, 4, 10, 10]);
        let weights = graph.constant(&[8, 4, 3, 3], &Numbers(1).take(288));
        let wire = graph.node(
            "Conv",
            &[&input, &weights],
            &[("auto_pad", Value::Text("SAME_UPPER")), ("strides", Value::Ints(vec![stride; 2]))],
        );
        graph.output(&wire);
        replaces(&graph, replaced);
    }
}

#[test]
fn what_no_kernel_takes_is_left_alone() {
    let left = |conv, size| replaces(&single(conv, size), 0);
    left(Conv { dilation: 2, pads: vec![2; 4], ..Conv::three(4, 8) }, [10, 10]);
    left(Conv { dilation: 2, ..Conv::three(4, 8) }, [10, 10]);
    left(Conv { group: 2, ..Conv::three(4, 8) }, [10, 10]);
    left(Conv { group: 8, ..Conv::three(8, 8) }, [10, 10]);
    left(Conv { pads: vec![0, 0, 1, 1], ..Conv::three(4, 8) }, [10, 10]);
    left(Conv { pads: vec![0, 1, 2, 1], ..Conv::three(4, 8) }, [10, 10]);
    left(Conv { pads: vec![2; 4], ..Conv::three(4, 8) }, [10, 10]);
    left(Conv { pads: vec![0; 4], ..Conv::three(4, 8) }, [10, 10]);
    left(Conv { stride: 2, pads: vec![0, 0, 1, 1], ..Conv::three(4, 8) }, [10, 10]);
    left(Conv { stride: 3, ..Conv::three(4, 8) }, [10, 10]);
    left(Conv { kernel: 5, pads: vec![2; 4], ..Conv::three(4, 8) }, [10, 10]);
    left(Conv { kernel: 1, pads: vec![0; 4], ..Conv::three(4, 8) }, [10, 10]);
    left(Conv { kernel: 4, stride: 4, pads: vec![2; 4], ..Conv::three(3, 8) }, [12, 12]);
    left(Conv { kernel: 4, stride: 4, pads: vec![0; 4], group: 3, ..Conv::three(3, 9) }, [12, 12]);
}

#[test]
fn weights_that_are_not_constant_are_left_alone() {
    let mut graph = Onnx::default();
    let input = graph.input(&[1, 4, 10, 10]);
    let weights = graph.input(&[8, 4, 3, 3]);
    let wire = Conv::three(4, 8).wire_with(&mut graph, &input, &weights, None);
    graph.output(&wire);
    replaces(&graph, 0);

    let mut graph = Onnx::default();
    let input = graph.input(&[1, 4, 10, 10]);
    let weights = graph.constant(&[8, 4, 3, 3], &Numbers(1).take(288));
    let bias = graph.input(&[8]);
    let wire = Conv::three(4, 8).wire_with(&mut graph, &input, &weights, Some(&bias));
    graph.output(&wire);
    replaces(&graph, 0);
}

#[test]
fn free_sizes_are_left_alone() {
    let mut graph = Onnx::default();
    let input = graph.input(&[1, 4, usize::MAX, 10]);
    let wire = Conv::three(4, 8).wire(&mut graph, &mut Numbers(1), &input);
    graph.output(&wire);
    let (_, replaced) = Accelerator::default().accelerate(graph.load().unwrap()).unwrap();
    assert_eq!(replaced, 0);
}

#[test]
fn shared_weights_serve_each_convolution() {
    let mut graph = Onnx::default();
    let input = graph.input(&[1, 8, 10, 10]);
    let weights = graph.constant(&[8, 8, 3, 3], &Numbers(1).take(576));
    let conv = Conv::three(8, 8);
    let a = conv.wire_with(&mut graph, &input, &weights, None);
    let b = Conv { dilation: 2, pads: vec![2; 4], ..Conv::three(8, 8) };
    let b = b.wire_with(&mut graph, &a, &weights, None);
    let c = Conv { stride: 2, ..Conv::three(8, 8) }.wire_with(&mut graph, &b, &weights, None);
    graph.output(&c);
    replaces(&graph, 2);
}

#[test]
fn residual_sums_are_taken_in() {
    for relu in [false, true] {
        for swapped in [false, true] {
            let mut graph = Onnx::default();
            let mut numbers = Numbers(4);
            let input = graph.input(&[2, 12, 11, 9]);
            let first = Conv::three(12, 12).wire(&mut graph, &mut numbers, &input);
            let first = graph.relu(&first);
            let inner = Conv::three(12, 12).wire(&mut graph, &mut numbers, &first);
            let mut wire =
                if swapped { graph.add(&inner, &first) } else { graph.add(&first, &inner) };
            if relu {
                wire = graph.relu(&wire);
            }
            // The sum's other side may also come from outside.
            let last = Conv::three(12, 12).wire(&mut graph, &mut numbers, &wire);
            let last = graph.add(&last, &input);
            graph.output(&last);
            replaces(&graph, 3);
            let (fast, _) = Accelerator::default().accelerate(graph.load().unwrap()).unwrap();
            assert!(!graph_text(&fast).contains(" Add "), "{}", graph_text(&fast));
            assert!(!graph_text(&fast).contains(" Max "), "{}", graph_text(&fast));
        }
    }
}

#[test]
fn two_convolutions_in_one_sum() {
    let mut graph = Onnx::default();
    let mut numbers = Numbers(4);
    let input = graph.input(&[1, 5, 8, 8]);
    let a = Conv::three(5, 6).wire(&mut graph, &mut numbers, &input);
    let b = Conv::three(5, 6).wire(&mut graph, &mut numbers, &input);
    let sum = graph.add(&a, &b);
    let sum = graph.relu(&sum);
    graph.output(&sum);
    replaces(&graph, 2);

    // A convolution that is added to itself.
    let mut graph = Onnx::default();
    let input = graph.input(&[1, 5, 8, 8]);
    let a = Conv::three(5, 6).wire(&mut graph, &mut numbers, &input);
    let sum = graph.add(&a, &a);
    graph.output(&sum);
    let (_, replaced) = Accelerator::default().accelerate(graph.load().unwrap()).unwrap();
    replaces(&graph, replaced);
}

#[test]
fn what_others_read_stays() {
    // Before ReLU, after it, and as an output.
    let mut graph = Onnx::default();
    let mut numbers = Numbers(4);
    let input = graph.input(&[1, 5, 8, 8]);
    let a = Conv::three(5, 8).wire(&mut graph, &mut numbers, &input);
    let relu = graph.relu(&a);
    let other = graph.node("Sigmoid", &[&a], &[]);
    let b = Conv::three(8, 8).wire(&mut graph, &mut numbers, &relu);
    let b = graph.add(&b, &other);
    graph.output(&a);
    graph.output(&relu);
    graph.output(&b);
    replaces(&graph, 2);

    // A clamp at six is a ReLU and something more.
    let mut graph = Onnx::default();
    let input = graph.input(&[1, 5, 8, 8]);
    let a = Conv::three(5, 8).wire(&mut graph, &mut numbers, &input);
    let (low, high) = (graph.constant(&[], &[0.0]), graph.constant(&[], &[0.2]));
    let clip = graph.node("Clip", &[&a, &low, &high], &[]);
    graph.output(&clip);
    replaces(&graph, 1);

    // A floor other than zero is no ReLU.
    let mut graph = Onnx::default();
    let input = graph.input(&[1, 5, 8, 8]);
    let a = Conv::three(5, 8).wire(&mut graph, &mut numbers, &input);
    let floor = graph.constant(&[], &[0.1]);
    let max = graph.node("Max", &[&a, &floor], &[]);
    graph.output(&max);
    replaces(&graph, 1);
}

/// A sum or a maximum that broadcasts is no part of a convolution.
#[test]
fn broadcasts_stay() {
    let mut graph = Onnx::default();
    let mut numbers = Numbers(4);
    let input = graph.input(&[1, 5, 8, 8]);
    let row = graph.input(&[1, 8, 1, 8]);
    let a = Conv::three(5, 8).wire(&mut graph, &mut numbers, &input);
    let sum = graph.add(&a, &row);
    graph.output(&sum);
    replaces(&graph, 1);
    let mut graph = Onnx::default();
    let input = graph.input(&[1, 5, 8, 8]);
    let a = Conv::three(5, 1).wire(&mut graph, &mut numbers, &input);
    let zeros = graph.constant(&[1, 4, 8, 8], &[0.0; 256]);
    let max = graph.node("Max", &[&a, &zeros], &[]);
    graph.output(&max);
    replaces(&graph, 1);
}

#[test]
fn threads_of_one_plan_agree_to_the_bit() {
    let model = estimator(false).load().unwrap();
    let (fast, replaced) = Accelerator::default().accelerate(model.clone()).unwrap();
    assert_eq!(replaced, 6);
    let plan = plan(fast);
    let right: Vec<_> = (0..4).map(|seed| plan.run(inputs(&model, seed)).unwrap()).collect();
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let (plan, model, right) = (&plan, &model, &right[seed as usize]);
            scope.spawn(move || {
                for _ in 0..25 {
                    assert_eq!(&plan.run(inputs(model, seed)).unwrap(), right);
                }
            });
        }
    });
}

// ---- Graphs that nobody wrote.

/// A step of a random graph: what it does, which wires it reads, and how.
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

/// Builds what of the steps makes sense.
fn random_graph(size: (usize, usize), steps: &[Step]) -> Onnx {
    let mut graph = Onnx::default();
    let input = graph.input(&[1, 4, size.0, size.1]);
    let mut wires = vec![(input, [4, size.0, size.1])];
    for step in steps {
        // Mostly the newest wires, so that chains grow.
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
    // A name may be an output once, and a graph's input is not its own.
    let end = graph.node("Neg", &[&last], &[]);
    graph.output(&end);
    graph
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn any_graph_answers_as_plain_tract(size in (1usize..16, 1usize..16), steps in steps()) {
        let graph = random_graph(size, &steps);
        // tract itself turns some down.
        if let Ok(model) = graph.load() {
            let input = inputs(&model, 5);
            if let Ok(right) = plan(model.clone()).run(input.clone()) {
                for kind in SimdKind::available() {
                    let (fast, _) = Accelerator::new(kind).accelerate(model.clone()).unwrap();
                    let answer = plan(fast).run(input.clone()).unwrap();
                    // What is inside is about one: an output that is nearly nothing is a
                    // difference of that, and rounded as that.
                    prop_assert!(distance(&right, &answer, 0.01) < 1e-4);
                }
            }
        }
    }
}
