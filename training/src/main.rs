//! `face-train`: trains the networks of face-predict.
fn main() {}
