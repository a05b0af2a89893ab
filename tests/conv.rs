//! Convolutions of the fast kind: numbers against the definition, graphs against plain tract.

use face_predict::conv::kernels;

mod naive;

use kernels::{Kind, Size};
use naive::{Case, TOLERANCE, sweep};

#[test]
fn every_kind_is_right_on_a_fixed_sweep() {
    for kind in Kind::available() {
        for case in sweep() {
            let error = case.error(kind);
            let Case { images, channels_in, channels_out, size, kernel, stride, .. } = case;
            assert!(
                error < TOLERANCE,
                "{kind:?}: {images} x {channels_in} x {size:?} to {channels_out}, kernel {kernel}, \
                 stride {stride}: {error:e}"
            );
        }
    }
}
