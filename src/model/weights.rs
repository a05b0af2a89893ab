//! The built-in weights. Each file is parsed once, when it is first asked for.

use std::sync::Arc;

use once_cell::sync::OnceCell;

use super::detector::Detector;
use super::file::graph::Graph;
use super::network::Network;
use crate::error::{Error, ErrorKind, Result};

/// The files of `models/`, as `face-train export` wrote them, with the features that build them in. All features of a
/// row must be on.
macro_rules! weights {
    ($($($feature:literal)&&+: $file:literal,)*) => {
        &[$(#[cfg(all($(feature = $feature),+))] include_bytes!(concat!("../../models/", $file)),)*]
    };
}

/// The built-in estimator. The first file whose features are on is used. The default feature's comes last, so that one
/// more feature chooses another. A program that asks for the open weights never gets others.
static ESTIMATOR: Option<&[u8]> = {
    const WEIGHTS: &[&[u8]] = weights! {
        "weights-open": "base-open.onnx",
        "weights-tiny": "tiny.onnx",
        "weights-base": "base.onnx",
    };
    WEIGHTS.first().copied()
};

/// The built-in detector.
static DETECTOR: Option<&[u8]> = {
    const WEIGHTS: &[&[u8]] = weights! {
        "detector" && "weights-open": "detector-open.onnx",
        "detector": "detector.onnx",
    };
    WEIGHTS.first().copied()
};

/// Returns whether an estimator is built in.
pub(super) fn has_estimator() -> bool {
    ESTIMATOR.is_some()
}

/// The built-in estimator, with fast convolutions or the engine's.
pub(super) fn estimator(plain: bool) -> Result<Arc<Network>> {
    static FAST: OnceCell<Arc<Network>> = OnceCell::new();
    static PLAIN: OnceCell<Arc<Network>> = OnceCell::new();
    let Some(bytes) = ESTIMATOR else {
        let none = "this build has no built-in model: load a model file";
        return Err(Error::new(ErrorKind::Unsupported, none));
    };
    let cell = if plain { &PLAIN } else { &FAST };
    let load = || Network::new(Graph::parse(bytes)?, !plain).map(Arc::new);
    cell.get_or_try_init(load).cloned().map_err(broken)
}

/// The built-in detector, with fast convolutions or the engine's.
pub(super) fn detector(plain: bool) -> Result<&'static Detector> {
    static FAST: OnceCell<Detector> = OnceCell::new();
    static PLAIN: OnceCell<Detector> = OnceCell::new();
    let Some(bytes) = DETECTOR else {
        let none =
            "this build has no detector: pass the faces as regions, or load a detector's file";
        return Err(Error::new(ErrorKind::Unsupported, none));
    };
    let cell = if plain { &PLAIN } else { &FAST };
    cell.get_or_try_init(|| Detector::new(Graph::parse(bytes)?, !plain)).map_err(broken)
}

fn broken(e: Error) -> Error {
    let kind = match e.kind() {
        ErrorKind::OutOfMemory => ErrorKind::OutOfMemory,
        _ => ErrorKind::Internal,
    };
    Error::with_source(kind, "the built-in model cannot be loaded", e)
}
