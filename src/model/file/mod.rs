//! Model files: the ONNX messages, the operators that are read, and the graph that runs.

mod constants;
pub(super) mod graph;
mod onnx;
mod operators;
