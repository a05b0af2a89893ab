//! Runs the inference engine, and explains its failures.
//!
//! The engine returns errors, but it asserts in some places what a file may get wrong, or that an allocation succeeded.

use std::any::Any;
use std::sync::Arc;

use face_predict_kernels::OutOfMemory;
use tract_core::prelude::*;

use crate::error::{Error, ErrorKind, Result};
use crate::memory::room;
use crate::quiet;

/// The start of the engine's assertion that an allocation succeeded (`tract-data`, `blob.rs`). tests/out_of_memory.rs
/// provokes one.
const NO_MEMORY: [&str; 2] = ["failed to allocate", "assertion failed: !self.data.is_null()"];

/// Runs `load`, in which the engine may panic, since a file can contain anything.
pub(super) fn guard<T>(load: impl FnOnce() -> Result<T>) -> Result<T> {
    catch(ErrorKind::Model, "the model file broke the engine", load)
}

/// Runs a plan on normalised planes. There must be `needs` bytes of memory. `read` gets the outputs.
pub(super) fn run<T>(
    plan: &Arc<TypedSimplePlan>,
    height: usize,
    width: usize,
    planes: &[f32],
    needs: usize,
    read: impl FnOnce(&[&[f32]]) -> Result<T>,
) -> Result<T> {
    room(needs)?;
    let failed = |e| engine_error(ErrorKind::Internal, "the network failed to run", e);
    let outputs = catch(ErrorKind::Internal, "the network broke the engine", || {
        let tensor = Tensor::from_shape(&[1, 3, height, width], planes).map_err(failed)?;
        plan.run(tvec!(tensor.into_tvalue())).map_err(failed)
    })?;
    let mut values: TVec<&[f32]> = tvec!();
    for output in &outputs {
        values.push(output.try_as_plain_ram().and_then(|t| t.as_slice::<f32>()).map_err(failed)?);
    }
    read(&values)
}

/// Makes the error of a model that cannot be prepared.
pub(super) fn model_error(message: impl Into<String>, error: TractError) -> Error {
    engine_error(ErrorKind::Model, message, error)
}

/// The error of a network that fails on an empty picture.
pub(super) fn trial_error(error: Error) -> Error {
    match error.kind() {
        ErrorKind::OutOfMemory => error,
        _ => Error::with_source(ErrorKind::Model, "the model fails on an empty picture", error),
    }
}

fn catch<T>(kind: ErrorKind, what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    quiet::catch(work).unwrap_or_else(|panic| Err(caught(kind, what, &*panic)))
}

fn caught(kind: ErrorKind, what: &str, panic: &(dyn Any + Send)) -> Error {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or_default();
    if NO_MEMORY.iter().any(|start| message.starts_with(start)) {
        return Error::caught(ErrorKind::OutOfMemory, "there is no memory for a network", panic);
    }
    Error::caught(kind, what, panic)
}

fn engine_error(kind: ErrorKind, message: impl Into<String>, error: TractError) -> Error {
    let no_memory = error.chain().any(|cause| cause.is::<OutOfMemory>());
    Error::with_source(if no_memory { ErrorKind::OutOfMemory } else { kind }, message, Cause(error))
}

/// Makes tract's error a source of ours.
#[derive(Debug)]
struct Cause(TractError);

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl std::error::Error for Cause {}
