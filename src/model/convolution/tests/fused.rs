//! Tests of sums and ReLUs that are computed with a convolution, and of those that are not.

use super::*;

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
            // The other operand of the sum may also come from outside.
            let last = Conv::three(12, 12).wire(&mut graph, &mut numbers, &wire);
            let last = graph.add(&last, &input);
            graph.output(&last);
            replaces(&graph, 3);
            let (fast, _) = accelerated(&graph);
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

    // Here a convolution is added to itself.
    let mut graph = Onnx::default();
    let input = graph.input(&[1, 5, 8, 8]);
    let a = Conv::three(5, 6).wire(&mut graph, &mut numbers, &input);
    let sum = graph.add(&a, &a);
    graph.output(&sum);
    let (_, replaced) = accelerated(&graph);
    replaces(&graph, replaced);
}

#[test]
fn what_others_read_stays() {
    // The value is read before the ReLU, after it, and as an output.
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

    // A clamp at six is a ReLU and a minimum.
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
