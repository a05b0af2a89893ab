//! Compares the kernels with the definition of a convolution, for every kind of vector that this machine has.
//!
//! `cargo +nightly miri test --package face-predict-kernels` checks every access of memory, with plain lanes alone. Miri
//! is a thousand times as slow, so each test has fewer and smaller cases there.
#![allow(clippy::unwrap_used)]

use face_predict_kernels::memory::{Buffer, count};
use face_predict_kernels::{SimdKind, Size};
use naive::{Case, TOLERANCE, sweep};
use proptest::prelude::*;

mod naive;

/// Returns the number for a usual run, or the smaller one for Miri.
const fn unless_miri(usual: usize, under_miri: usize) -> usize {
    if cfg!(miri) { under_miri } else { usual }
}

/// The number of random cases, unless `PROPTEST_CASES` gives another.
fn cases(usual: usize) -> ProptestConfig {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(usual as u32),
    }
}

fn check(case: &Case) {
    for kind in SimdKind::available() {
        let error = case.error(kind);
        let Case { images, channels_in, channels_out, size, kernel, stride, .. } = case;
        assert!(
            error < TOLERANCE,
            "{kind:?}: {images} x {channels_in} x {size:?} to {channels_out}, kernel {kernel}, \
             stride {stride}: {error:e}"
        );
    }
}

#[test]
fn every_kind_is_right_on_a_fixed_sweep() {
    assert!(SimdKind::available().contains(&SimdKind::best()));
    let cases = sweep(unless_miri(usize::MAX, 2_000));
    assert!(cases.len() > 20);
    cases.iter().for_each(check);
}

proptest! {
    #![proptest_config(cases(unless_miri(200, 4)))]

    #[test]
    fn three_by_three_is_right(
        (height, width) in (1..unless_miri(30, 8), 1..unless_miri(30, 8)),
        (channels_in, channels_out) in (1..unless_miri(36, 10), 1..unless_miri(36, 10)),
        images in 1usize..3,
        stride in 1usize..3,
        relu: bool,
        residual: bool,
        seed: u64,
    ) {
        let size = Size { height, width };
        check(&Case::three(
            images, channels_in, channels_out, size, stride, relu, residual, seed,
        ));
    }

    #[test]
    fn patches_are_right(
        (height, width) in (0..unless_miri(40, 6), 0..unless_miri(40, 6)),
        (channels_in, channels_out) in (1usize..6, 1..unless_miri(36, 10)),
        images in 1usize..3,
        kernel in 1..unless_miri(10, 5),
        relu: bool,
        seed: u64,
    ) {
        let size = Size { height: height + kernel, width: width + kernel };
        check(&Case::patch(images, channels_in, channels_out, size, kernel, relu, seed));
    }
}

#[test]
fn extreme_values_keep_their_scale() {
    let size = Size { height: unless_miri(13, 6), width: unless_miri(11, 7) };
    for stride in [1, 2] {
        for scale in [0.0, f32::MIN_POSITIVE, 1e-30, 1e-10, 1e10, 1e30] {
            let mut case =
                Case::three(1, unless_miri(5, 2), unless_miri(9, 3), size, stride, true, false, 7);
            case.input.iter_mut().for_each(|n| *n *= scale);
            case.bias.iter_mut().for_each(|n| *n *= scale);
            check(&case);
        }
        // There is one large number among small ones. The error stays a part of the large one.
        let mut case =
            Case::three(1, unless_miri(5, 2), unless_miri(9, 3), size, stride, false, true, 8);
        case.input[70] = 1e20;
        check(&case);
        // The input is a constant, so that all terms of a window add up or cancel.
        for constant in [1.0, -3e4] {
            let channels = (unless_miri(8, 3), unless_miri(16, 4));
            let mut case = Case::three(2, channels.0, channels.1, size, stride, false, false, 9);
            case.input.fill(constant);
            check(&case);
        }
    }
}

/// This is the rule that `Winograd` states.
#[test]
fn what_is_not_finite_stays_in_its_tile() {
    // Some tiles do not read the number.
    let size = Size { height: unless_miri(14, 6), width: unless_miri(19, 8) };
    let (y, x) = (unless_miri(6, 1), unless_miri(9, 1));
    for kind in SimdKind::available() {
        for (stride, tile, relu) in [(1, 4, false), (1, 4, true), (2, 2, false), (2, 2, true)] {
            for poison in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let clean = Case::three(1, 3, 4, size, stride, relu, false, 3);
                let mut dirty = clean.clone();
                dirty.input[y * size.width + x] = poison;
                let out = clean.output_size();
                let (right, clean, dirty) = (dirty.naive(), clean.run(kind), dirty.run(kind));
                // The inputs that an output, or a tile that starts at it, reads.
                let reads = |at: usize, outputs: usize, input: usize| {
                    (at * stride..=(at + outputs - 1) * stride + 2).contains(&(input + 1))
                };
                let mut poisoned = 0;
                for (i, (dirty, clean)) in dirty.iter().zip(&clean).enumerate() {
                    let (row, column) = (i / out.width % out.height, i % out.width);
                    let tile = (row - row % tile, column - column % tile, tile);
                    if reads(row, 1, y) && reads(column, 1, x) {
                        poisoned += 1;
                        let right = right[i];
                        let same = f64::from(*dirty) == right && (relu || right.is_infinite());
                        assert!(dirty.is_nan() || same, "{dirty} where {right} is right");
                    } else if !(reads(tile.0, tile.2, y) && reads(tile.1, tile.2, x)) {
                        assert_eq!(dirty.to_bits(), clean.to_bits(), "output {i}");
                    }
                }
                assert!(poisoned > 0);
            }
        }
    }
}

#[test]
fn memory_that_is_not_there_is_an_error() {
    // One shape needs more than any address space has, and one product fits into no number.
    let most = isize::MAX as usize / size_of::<f32>();
    let error = Buffer::zeroed(most).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("bytes"));
    assert!(count(&[usize::MAX, 2]).is_err());
    assert!(count(&[most, 2]).is_err());
    assert_eq!(count(&[3, 4]), Ok(12));
}
