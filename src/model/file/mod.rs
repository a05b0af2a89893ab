//! Model files: the ONNX messages, the operators that this library reads, and the graph that runs.

mod constants;
pub(super) mod graph;
mod onnx;
mod operators;
mod parts;
