//! The detector: one graph, optimised for each size of input it meets, and its answers as boxes.

use std::sync::{Arc, RwLock};

use tract_core::prelude::*;

use super::contract::{DetectSpec, Metadata};
use super::file::graph::{Graph, guard, run};
use super::outputs::Detection;
use crate::error::{Error, ErrorKind, Result};

/// Sizes whose plans are kept; one more drops the oldest. A plan holds transformed weights of a few megabytes.
const KEPT: usize = 12;

#[derive(Debug)]
pub(crate) struct Detector {
    graph: Graph,
    spec: DetectSpec,
    fast: bool,
    plans: RwLock<Vec<Sized>>,
}

#[derive(Clone, Debug)]
struct Sized {
    height: usize,
    width: usize,
    plan: Arc<TypedSimplePlan>,
}

impl Detector {
    /// Checks a parsed file, and optimises it for the size that it was made for.
    pub(super) fn new(graph: Graph, fast: bool) -> Result<Self> {
        let spec = graph.metadata.detect.clone();
        let spec = spec.ok_or_else(|| Error::model("a detector without face_predict.detect"))?;
        let detector = Self { graph, spec, fast, plans: RwLock::default() };
        let input = &detector.graph.metadata.input;
        let (width, height) = detector.whole(input.width, input.height);
        let empty = vec![0.0; 3 * width * height];
        guard(|| detector.run(height, width, &empty, 0.99, &mut Vec::new())).map_err(|e| {
            Error::with_source(ErrorKind::Model, "the model fails on an empty picture", e)
        })?;
        Ok(detector)
    }

    pub(crate) fn metadata(&self) -> &Metadata {
        &self.graph.metadata
    }

    pub(crate) fn spec(&self) -> &DetectSpec {
        &self.spec
    }

    /// The size of input, in whole steps of the last stride, that holds a picture of `width` x `height` pixels.
    pub(crate) fn whole(&self, width: usize, height: usize) -> (usize, usize) {
        let step = self.spec.strides.last().copied().unwrap_or(1);
        (width.div_ceil(step) * step, height.div_ceil(step) * step)
    }

    fn plan(&self, height: usize, width: usize) -> Result<Arc<TypedSimplePlan>> {
        let find = |plans: &[Sized]| {
            let found = plans.iter().find(|p| p.height == height && p.width == width);
            found.map(|p| Arc::clone(&p.plan))
        };
        // Plans are only ever added whole, so a panic elsewhere leaves nothing half done.
        let kept = self.plans.read().unwrap_or_else(|e| e.into_inner());
        if let Some(plan) = find(&kept) {
            return Ok(plan);
        }
        drop(kept);
        let wanted = self.spec.outputs(height, width);
        // Not while it is locked: it takes milliseconds, and others may search meanwhile.
        let plan = self.graph.ready(height, width, &wanted, self.fast)?.plan;
        let mut kept = self.plans.write().unwrap_or_else(|e| e.into_inner());
        if let Some(plan) = find(&kept) {
            return Ok(plan);
        }
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push(Sized { height, width, plan: Arc::clone(&plan) });
        Ok(plan)
    }

    /// Finds faces of at least `threshold` in normalised planes, the surest first.
    pub(crate) fn run(
        &self,
        height: usize,
        width: usize,
        planes: &[f32],
        threshold: f32,
        found: &mut Vec<Detection>,
    ) -> Result<()> {
        let plan = self.plan(height, width)?;
        run(&plan, height, width, planes, |outputs| {
            self.spec.read(outputs, width, threshold, found)
        })
    }
}
