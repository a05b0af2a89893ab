//! Compares the convolution kernels with the definition, for every kind of vector of this machine. `--expect KIND` says
//! which kind must be chosen. Where programs have no arguments, as in WebAssembly, the variable EXPECT says it at build
//! time.

#[path = "../../tests/naive/mod.rs"]
mod naive;

use std::process::ExitCode;

use face_predict_kernels::SimdKind;

fn main() -> ExitCode {
    let mut failed = 0;
    let mut arguments = std::env::args().skip(1);
    for kind in SimdKind::available() {
        let mut worst = 0f64;
        let cases = naive::sweep(usize::MAX);
        for case in &cases {
            let error = case.error(kind);
            worst = worst.max(error);
            if error >= naive::TOLERANCE {
                failed += 1;
                let naive::Case { images, channels_in, channels_out, size, .. } = case;
                let (kernel, stride) = (case.kernel, case.stride);
                println!(
                    "{images} x {channels_in} x {size:?} to {channels_out}, kernel {kernel}, \
                     stride {stride}: {error:e}"
                );
            }
        }
        println!("{kind:?}: {} cases, worst error {worst:.1e}", cases.len());
    }
    // The kind that was asked for must be the one that ran.
    let expected = match arguments.next().as_deref() {
        Some("--expect") => arguments.next(),
        _ => option_env!("EXPECT").map(str::to_owned),
    };
    if let Some(expected) = expected {
        let best = format!("{:?}", SimdKind::best());
        if best != expected {
            println!("{best} was chosen, not {expected}");
            failed += 1;
        }
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
