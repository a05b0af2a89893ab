//! The detector: one graph, optimised for each size of input it meets, and its answers as boxes.

use std::sync::{Arc, RwLock};

use tract_core::prelude::*;

use super::graph::{Graph, guard, run};
use super::metadata::{DetectSpec, Metadata};
use crate::align::Region;
use crate::error::{Error, ErrorKind, Result};
use crate::geometry::{Point, Rect};

/// Sizes whose plans are kept; one more drops the oldest. A plan holds transformed weights of a few megabytes.
const KEPT: usize = 12;

/// Candidates that are compared with each other; a frame of a thousand faces has fewer.
const MAX_FOUND: usize = 4000;

/// A face that was found, in pixels of the input or, later, of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) region: Region,
    /// 0 to 1.
    pub(crate) score: f32,
}

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
        let (width, height) = detector.whole(
            detector.graph.metadata.input.width as f32,
            detector.graph.metadata.input.height as f32,
        );
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

    /// The size of input, in whole steps of the last stride, that holds a picture of `width` x `height`.
    pub(crate) fn whole(&self, width: f32, height: f32) -> (usize, usize) {
        let step = self.spec.strides.last().copied().unwrap_or(1);
        let whole = |side: f32| (side.ceil().max(1.0) as usize).div_ceil(step) * step;
        (whole(width), whole(height))
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
        let mut kept = self.plans.write().unwrap_or_else(|e| e.into_inner());
        if let Some(plan) = find(&kept) {
            return Ok(plan);
        }
        let wanted: Vec<_> = self
            .spec
            .strides
            .iter()
            .map(|s| (format!("stride{s}"), tvec!(1, DetectSpec::VALUES, height / s, width / s)))
            .collect();
        let plan = self.graph.ready(height, width, &wanted, self.fast)?.plan;
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
        found: &mut Vec<Found>,
    ) -> Result<()> {
        found.clear();
        let plan = self.plan(height, width)?;
        run(&plan, height, width, planes, |outputs| {
            for (values, stride) in outputs.iter().zip(&self.spec.strides) {
                decode(values, *stride, width / stride, threshold, found)?;
            }
            Ok(())
        })?;
        suppress(found, self.spec.overlap);
        Ok(())
    }
}

/// Reads one output (see [`DetectSpec`]), in rows of `columns` cells.
fn decode(
    values: &[f32],
    stride: usize,
    columns: usize,
    threshold: f32,
    found: &mut Vec<Found>,
) -> Result<()> {
    let cells = values.len() / DetectSpec::VALUES;
    let logits = &values[..cells];
    // Written so that NaN fails.
    if !logits.iter().all(|v| v.is_finite()) {
        return Err(Error::new(ErrorKind::Model, "a score of the detector is not a finite number"));
    }
    let least = (threshold / (1.0 - threshold)).ln();
    let size = stride as f32;
    for (cell, logit) in logits.iter().enumerate().filter(|(_, logit)| **logit >= least) {
        let value = |index: usize| values[index * cells + cell];
        let corner = Point::new((cell % columns) as f32, (cell / columns) as f32);
        let place = |index: usize| {
            Point::new((corner.x + value(index)) * size, (corner.y + value(index + 1)) * size)
        };
        let (center, width, height) = (place(1), value(3).exp() * size, value(4).exp() * size);
        let rect = Rect::new(center.x - width / 2.0, center.y - height / 2.0, width, height);
        let landmarks = Some(std::array::from_fn(|i| place(5 + 2 * i)));
        if !(rect.is_finite() && width > 0.0 && height > 0.0) {
            return Err(Error::new(ErrorKind::Model, "a box of the detector is not finite"));
        }
        let score = 1.0 / (1.0 + (-logit).exp());
        found.push(Found { region: Region { rect, landmarks }, score });
    }
    Ok(())
}

/// Drops the weaker of two faces whose boxes share more than `overlap` of their union.
fn suppress(found: &mut Vec<Found>, overlap: f32) {
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found.truncate(MAX_FOUND);
    let mut kept = 0;
    for i in 0..found.len() {
        let face = found[i];
        let apart = |other: &Found| face.region.rect.overlap(&other.region.rect) <= overlap;
        if found[..kept].iter().all(apart) {
            found[kept] = face;
            kept += 1;
        }
    }
    found.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_becomes_a_box_with_landmarks() {
        let (columns, cells) = (3, 6);
        let mut values = vec![0.0; DetectSpec::VALUES * cells];
        values[..cells].fill(-9.0);
        // Column 1 of row 1.
        let cell = 4;
        for (index, value) in [2.0, 0.5, 0.25, 0.0, 2f32.ln()].into_iter().enumerate() {
            values[index * cells + cell] = value;
        }
        values[13 * cells + cell] = -1.0;
        let mut found = Vec::new();
        decode(&values, 8, columns, 0.5, &mut found).expect("finite");
        assert_eq!(found.len(), 1);
        let face = found[0];
        assert!((face.score - 0.880_797).abs() < 1e-5);
        let Region { rect, landmarks } = face.region;
        assert_eq!((rect.center(), rect.width), (Point::new(12.0, 10.0), 8.0));
        assert!((rect.height - 16.0).abs() < 1e-4);
        let landmarks = landmarks.expect("a detector gives landmarks");
        assert_eq!(landmarks[0], Point::new(8.0, 8.0));
        assert_eq!(landmarks[4], Point::new(0.0, 8.0));
        values[3 * cells + cell] = 1e9;
        assert!(decode(&values, 8, columns, 0.5, &mut found).is_err());
        values[0] = f32::NAN;
        assert!(decode(&values, 8, columns, 0.5, &mut found).is_err());
    }

    #[test]
    fn the_surer_of_two_that_overlap_stays() {
        let face = |x: f32, score: f32| {
            let region = Region::from_box(Rect::new(x, 0.0, 10.0, 10.0));
            Found { region, score }
        };
        let mut found = vec![face(0.0, 0.6), face(2.0, 0.9), face(30.0, 0.7), face(7.0, 0.65)];
        suppress(&mut found, 0.4);
        assert_eq!(found, [face(2.0, 0.9), face(30.0, 0.7), face(7.0, 0.65)]);
    }
}
