//! Tests of which convolutions are replaced, and which are left alone.

use super::*;

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

/// Channels are padded to eight. A large map of one channel would take eight times its memory.
#[test]
fn convolutions_that_are_mostly_padding_are_left_alone() {
    let replaced = |conv: Conv, size| {
        let model = single(conv, size).load().and_then(TypedModel::into_decluttered);
        Accelerator::default().accelerate(model.expect("a network")).expect("a pass").1
    };
    assert_eq!(replaced(Conv::three(3, 8), [1024, 1024]), 1);
    assert_eq!(replaced(Conv::three(1, 8), [2048, 2048]), 0);
    assert_eq!(replaced(Conv::three(8, 3), [2048, 2048]), 0);
    assert_eq!(replaced(Conv::three(8, 16), [2048, 2048]), 1);
    assert_eq!(replaced(Conv::three(1, 128), [8, 8]), 1);
    assert_eq!(replaced(Conv::three(1, 136), [8, 8]), 0);
    assert_eq!(replaced(Conv::three(4, 512), [8, 8]), 1);
}

/// This network has the form of a detector: 1 x 1 heads beside the trunk, with and without bias, and a ReLU behind one.
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
    // No map has its channels last yet.
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

/// On a map with an even side, the padding on the far side is never read. So this padding acts like a symmetric one.
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
fn weights_beyond_all_measure_are_left_alone() {
    for (largest, count) in [(1e4, 1), (2e4, 0), (-6e37, 0), (f32::NAN, 1)] {
        let mut graph = Onnx::default();
        let input = graph.input(&[1, 3, 16, 16]);
        let mut values = Numbers(3).take(8 * 3 * 9);
        values[91] = largest;
        let weights = graph.constant(&[8, 3, 3, 3], &values);
        let wire = Conv::three(3, 8).wire_with(&mut graph, &input, &weights, None);
        graph.output(&wire);
        let (_, replaced) = accelerated(&graph);
        assert_eq!(replaced, count, "{largest}");
    }
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
    let (_, replaced) = accelerated(&graph);
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
