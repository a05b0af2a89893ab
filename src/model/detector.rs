//! The detector: one graph, which is optimised for each size of input, and its answers as boxes.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, RwLock};

use tract_core::prelude::*;

use super::contract::{DetectSpec, Metadata};
use super::engine::{guard, run, trial_error};
use super::file::graph::{Graph, LOADING, Ready};
use super::outputs::Detection;
use crate::error::{Error, Result};
use crate::memory::{grow_to, room};

/// The number of sizes whose plans are kept. A further one replaces the plan that was not used for the longest time.
/// Pictures with the same longer side need some twenty sizes. The plans share the weights of fast convolutions, so each
/// plan is small.
const MAX_PLANS: usize = 64;

#[derive(Debug)]
pub(crate) struct Detector {
    graph: Graph,
    spec: DetectSpec,
    fast: bool,
    /// The number of operators that run as fast convolutions.
    pub(super) accelerated: usize,
    plans: RwLock<Vec<SizedPlan>>,
    /// A counter that grows with every use of a plan.
    clock: AtomicU64,
}

/// The plan that runs, and the bytes that a run needs.
#[derive(Clone, Debug)]
struct Plan {
    runnable: Arc<TypedSimplePlan>,
    needs: usize,
}

/// The network for one size of input.
#[derive(Debug)]
struct SizedPlan {
    height: usize,
    width: usize,
    plan: Plan,
    /// The value of the counter at the last use.
    used: AtomicU64,
}

impl Detector {
    /// Checks a parsed file, and optimises it for its own size.
    pub(super) fn new(graph: Graph, fast: bool) -> Result<Self> {
        let spec = graph.metadata.detect.clone();
        let spec = spec.ok_or_else(|| {
            Error::model("the model is a detector, but lacks face_predict.detect")
        })?;
        graph.check_any_size()?;
        let (plans, clock) = (RwLock::default(), AtomicU64::new(0));
        let mut detector = Self { graph, spec, fast, accelerated: 0, plans, clock };
        let input = &detector.graph.metadata.input;
        let (width, height) = detector.whole(input.width, input.height);
        let mut empty = Vec::new();
        let empty = grow_to(&mut empty, 3 * width * height)?;
        let Ready { plan, accelerated, needs } = guard(|| detector.ready(height, width))?;
        detector.accelerated = accelerated;
        detector.keep(height, width, Plan { runnable: plan, needs });
        guard(|| detector.run(height, width, empty, 0.99, &mut Vec::new())).map_err(trial_error)?;
        Ok(detector)
    }

    /// Does the same for a file that is not built in, and checks it at one stride less than twice its height, and at
    /// twice its width. A graph that works at one size alone, or for squares alone, would fail at the first picture.
    pub(super) fn of_file(graph: Graph, fast: bool) -> Result<Self> {
        let detector = Self::new(graph, fast)?;
        let input = &detector.graph.metadata.input;
        let (width, height) = detector.whole(2 * input.width, 2 * input.height);
        let step = detector.spec.strides.last().copied().unwrap_or(1);
        let height = if height > step { height - step } else { height };
        let outputs = detector.spec.outputs(height, width);
        guard(|| detector.graph.check_size(height, width, &outputs))?;
        Ok(detector)
    }

    pub(crate) fn metadata(&self) -> &Metadata {
        &self.graph.metadata
    }

    pub(crate) fn spec(&self) -> &DetectSpec {
        &self.spec
    }

    /// Returns the size of an input that holds a picture of `width` x `height` pixels, in whole steps of the last
    /// stride.
    pub(crate) fn whole(&self, width: usize, height: usize) -> (usize, usize) {
        let step = self.spec.strides.last().copied().unwrap_or(1);
        (width.div_ceil(step) * step, height.div_ceil(step) * step)
    }

    fn plan(&self, height: usize, width: usize) -> Result<Plan> {
        // Plans are added as a whole, so a panic elsewhere leaves nothing half done.
        let kept = self.plans.read().unwrap_or_else(|e| e.into_inner());
        if let Some(plan) = self.find(&kept, height, width) {
            return Ok(plan);
        }
        drop(kept);
        // The lock is not held here: optimising takes milliseconds, and other threads may search meanwhile.
        room(LOADING)?;
        let Ready { plan: runnable, needs, .. } = guard(|| self.ready(height, width))?;
        Ok(self.keep(height, width, Plan { runnable, needs }))
    }

    fn ready(&self, height: usize, width: usize) -> Result<Ready> {
        self.graph.ready(height, width, &self.spec.outputs(height, width), self.fast)
    }

    /// Returns the plan for this size, and notes that it is used now.
    fn find(&self, plans: &[SizedPlan], height: usize, width: usize) -> Option<Plan> {
        let found = plans.iter().find(|plan| plan.height == height && plan.width == width)?;
        found.used.store(self.clock.fetch_add(1, Relaxed), Relaxed);
        Some(found.plan.clone())
    }

    /// Keeps a plan, in place of the one that was not used for the longest time. If another thread was faster, its plan
    /// is used.
    fn keep(&self, height: usize, width: usize, plan: Plan) -> Plan {
        let mut kept = self.plans.write().unwrap_or_else(|e| e.into_inner());
        if let Some(plan) = self.find(&kept, height, width) {
            return plan;
        }
        if kept.len() >= MAX_PLANS {
            let used = |(_, plan): &(usize, &SizedPlan)| plan.used.load(Relaxed);
            if let Some((oldest, _)) = kept.iter().enumerate().min_by_key(used) {
                kept.swap_remove(oldest);
            }
        }
        let used = AtomicU64::new(self.clock.fetch_add(1, Relaxed));
        kept.push(SizedPlan { height, width, plan: plan.clone(), used });
        plan
    }

    /// Finds the faces with a score of at least `threshold` in normalised planes, with the highest score first.
    pub(crate) fn run(
        &self,
        height: usize,
        width: usize,
        planes: &[f32],
        threshold: f32,
        found: &mut Vec<Detection>,
    ) -> Result<()> {
        let plan = self.plan(height, width)?;
        run(&plan.runnable, height, width, planes, plan.needs, |outputs| {
            self.spec.read(outputs, width, threshold, found)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn detector() -> Detector {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/models/detector.onnx");
        let bytes = std::fs::read(path).expect("a shipped file");
        Detector::new(Graph::parse(&bytes).expect("a model"), true).expect("a detector")
    }

    /// Asks for plans of these sizes, in steps of the last stride, and counts those that had to be made.
    fn built(detector: &Detector, sizes: impl Iterator<Item = (usize, usize)>) -> usize {
        let pointers = |plans: &[SizedPlan]| -> HashSet<usize> {
            plans.iter().map(|plan| Arc::as_ptr(&plan.plan.runnable) as usize).collect()
        };
        // The plans that were seen stay alive, so that no address is used again.
        let mut alive = Vec::new();
        let mut count = 0;
        for (rows, columns) in sizes {
            let before = pointers(&detector.plans.read().expect("no panic"));
            let plan = detector.plan(32 * rows, 32 * columns).expect("a plan");
            count += usize::from(!before.contains(&(Arc::as_ptr(&plan.runnable) as usize)));
            alive.push(plan);
        }
        count
    }

    #[test]
    fn many_sizes_in_turn_are_each_built_once() {
        let detector = detector();
        // The plan for the file's own size, 320 x 320, is there already.
        let sizes = || (1..=9).map(|n| (n, 10)).chain((5..=9).map(|n| (10, n)));
        assert_eq!(built(&detector, sizes()), 14);
        assert_eq!(built(&detector, sizes().chain(sizes()).chain([(10, 10)])), 0);
    }

    #[test]
    fn the_plan_that_was_used_longest_ago_goes() {
        let detector = detector();
        let sizes = |count: usize| (0..count).map(|i| (1 + i % 8, 1 + i / 8));
        assert_eq!(built(&detector, sizes(MAX_PLANS)), MAX_PLANS);
        // The last plan replaced the file's own. The first is used once more, so the second is replaced next.
        assert_eq!(built(&detector, [(1, 1), (10, 10), (1, 1)].into_iter()), 1);
        assert_eq!(built(&detector, [(3, 1), (1, 1)].into_iter()), 0);
        assert_eq!(built(&detector, [(2, 1)].into_iter()), 1);
        assert_eq!(detector.plans.read().expect("no panic").len(), MAX_PLANS);
    }

    #[test]
    fn weights_are_transformed_once_for_all_sizes() {
        let detector = detector();
        let own = detector.graph.accelerator.kernels();
        assert!(own > 0);
        built(&detector, [(9, 10), (8, 10), (7, 10), (10, 8)].into_iter());
        assert_eq!(detector.graph.accelerator.kernels(), own);
        // Small maps are cut into smaller tiles, which adds one kind of kernel.
        built(&detector, (1..=10).flat_map(|n| [(n, 10), (10, n), (n, n)]));
        assert!(detector.graph.accelerator.kernels() <= 2 * own);
    }
}
