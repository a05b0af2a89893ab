//! The loss of a detector's training.

use anyhow::{Result, ensure};
use face_predict::DetectSpec;
use tch::{Kind, Reduction, Tensor};

use super::Target;
use super::assign::{Grid, assign};
use crate::config::DetectWeights;

/// Landmarks that are nearer than this share of the face's size cost the square of their distance.
const NEAR: f64 = 0.03;

/// The total loss, and its parts: scores, boxes, landmarks.
///
/// Scores have quality focal loss (Li et al. 2020). Its target follows the overlap of the box, so the better placed of
/// two answers gets the higher score. Boxes have distance-IoU (Zheng et al. 2020). Landmarks have smooth L1 in units of
/// the face's size.
pub fn losses(
    outputs: &[Tensor],
    strides: &[usize],
    faces: &[Vec<Target>],
    weights: &DetectWeights,
) -> Result<Vec<Tensor>> {
    let values = DetectSpec::VALUES as i64;
    let device = outputs[0].device();
    let (_, _, rows, columns) = outputs[0].size4()?;
    let (width, height) = (columns as usize * strides[0], rows as usize * strides[0]);
    let grids = Grid::all(strides, width, height);
    let flat: Vec<Tensor> = outputs.iter().map(|grid| grid.flatten(2, 3)).collect();
    // [pictures, cells, 15]
    let all = Tensor::cat(&flat, 2).transpose(1, 2).contiguous();
    let (pictures, cells, _) = all.size3()?;
    ensure!(pictures as usize == faces.len(), "{pictures} pictures, {} of faces", faces.len());
    let now: Vec<f32> = all.detach().to_device(tch::Device::Cpu).view([-1]).try_into()?;

    let mut wanted = vec![0f32; (pictures * cells) as usize];
    let mut counts = vec![1f32; (pictures * cells) as usize];
    let mut chosen = Vec::new();
    // For each chosen cell: its corner and stride; the box's centre and size; size; landmarks; whether they are known.
    let mut facts: Vec<f32> = Vec::new();
    const FACTS: i64 = 3 + 4 + 1 + 10 + 1;
    for (picture, (values, targets)) in
        now.chunks_exact((cells * values) as usize).zip(faces).enumerate()
    {
        let found = assign(&grids, values, targets);
        let first = picture * cells as usize;
        found.ignored.iter().for_each(|cell| counts[first + cell] = 0.0);
        for m in found.matches {
            wanted[first + m.cell] = quality(m.overlap);
            chosen.push((first + m.cell) as i64);
            let Some(grid) = grids.iter().rev().find(|grid| m.cell >= grid.first) else { continue };
            let (place, stride) = (m.cell - grid.first, grid.stride as f32);
            let (column, row) = (place % grid.columns, place / grid.columns);
            let target = &targets[m.face];
            let centre = target.rect.center();
            facts.extend([column as f32 * stride, row as f32 * stride, stride]);
            facts.extend([centre.x, centre.y, target.rect.width, target.rect.height]);
            facts.push(target.rect.area().sqrt());
            match &target.landmarks {
                Some(points) => {
                    facts.extend(points.iter().flat_map(|p| [p.x, p.y]));
                    facts.push(1.0);
                }
                None => facts.extend([0.0; 11]),
            }
        }
    }
    let of = |values: &[f32]| Tensor::from_slice(values).to_device(device);
    let (wanted, counts) = (of(&wanted), of(&counts));
    let flat = all.view([-1, values]);
    let logits = flat.select(1, 0);
    let entropy =
        logits.binary_cross_entropy_with_logits::<Tensor>(&wanted, None, None, Reduction::None);
    let far = (logits.sigmoid() - &wanted).square();
    let faces = (chosen.len() as f64).max(1.0);
    let score = (entropy * far * counts).sum(Kind::Float) / faces;
    if chosen.is_empty() {
        let nothing = Tensor::zeros([], (Kind::Float, device));
        return Ok(vec![score.shallow_clone(), score, nothing.shallow_clone(), nothing]);
    }
    let told = flat.index_select(0, &Tensor::from_slice(&chosen).to_device(device));
    let facts = of(&facts).view([-1, FACTS]);
    let fact = |from: i64, count: i64| facts.narrow(1, from, count);
    let (corner, stride) = (fact(0, 2), fact(2, 1));
    let centre = told.narrow(1, 1, 2) * &stride + &corner;
    let size = told.narrow(1, 3, 2).clamp(-6.0, 8.0).exp() * &stride;
    let boxes = distance_iou(&centre, &size, &fact(3, 2), &fact(5, 2)).mean(Kind::Float);
    let corners = corner.repeat([1, 5]);
    let points = told.narrow(1, 5, 10) * &stride + corners;
    let off = ((points - fact(8, 10)) / fact(7, 1)).abs();
    let near = off.clamp_max(NEAR);
    // Below NEAR it is half the square over NEAR, and above it the distance less half of NEAR.
    let smooth = &near * (&off - &near * 0.5) / NEAR;
    let known = fact(18, 1);
    let landmarks = (smooth.mean_dim(1, true, Kind::Float) * &known).sum(Kind::Float)
        / known.sum(Kind::Float).clamp_min(1.0);
    let total = &score + &boxes * weights.boxes + &landmarks * weights.landmarks;
    Ok(vec![total, score, boxes, landmarks])
}

/// Returns the target of a box's score. A box counts as right from an overlap of a half on. A face that fills the
/// frame, whose size is hard to tell, must not score lower than one that is told to the pixel. A box beside the face
/// must not score half as much.
fn quality(overlap: f32) -> f32 {
    ((overlap - 0.2) / 0.6).clamp(0.0, 1.0)
}

/// It is 1 - IoU + the square of the centres' distance over that of the diagonal around both boxes. All are `[n, 2]`.
fn distance_iou(centre: &Tensor, size: &Tensor, to_centre: &Tensor, to_size: &Tensor) -> Tensor {
    let (low, high) = (centre - size * 0.5, centre + size * 0.5);
    let (to_low, to_high) = (to_centre - to_size * 0.5, to_centre + to_size * 0.5);
    let both = (high.minimum(&to_high) - low.maximum(&to_low)).clamp_min(0.0);
    let area = |sides: &Tensor| sides.select(1, 0) * sides.select(1, 1);
    let both = area(&both);
    let iou = &both / (area(size) + area(to_size) - &both + 1e-6);
    let length = |v: &Tensor| v.square().sum_dim_intlist(1, false, Kind::Float);
    let around = length(&(high.maximum(&to_high) - low.minimum(&to_low)));
    let apart = length(&(centre - to_centre)) / (around + 1e-6);
    1.0 - iou + apart
}

#[cfg(test)]
mod tests {
    use super::*;
    use face_predict::{Point, Rect};

    #[test]
    fn a_box_in_its_place_costs_nothing() {
        let t = |v: [f32; 2]| Tensor::from_slice(&v).view([1, 2]);
        let same = distance_iou(&t([5., 5.]), &t([4., 2.]), &t([5., 5.]), &t([4., 2.]));
        assert!(same.double_value(&[0]).abs() < 1e-5);
        // Two squares of 2 lie side by side: no overlap, centres 2 apart, diagonal 4^2 + 2^2.
        let apart = distance_iou(&t([1., 1.]), &t([2., 2.]), &t([3., 1.]), &t([2., 2.]));
        assert!((apart.double_value(&[0]) - (1.0 + 4.0 / 20.0)).abs() < 1e-5);
    }

    #[test]
    fn the_right_answer_costs_little_and_every_part_has_a_gradient() {
        let rect = Rect::new(8.0, 8.0, 16.0, 16.0);
        let points = [(12.0, 12.0), (20.0, 12.0), (16.0, 16.0), (12.0, 20.0), (20.0, 20.0)];
        let landmarks = Some(points.map(|(x, y)| Point::new(x, y)));
        let faces = vec![vec![Target { rect, landmarks, ignored: false }]];
        // The box is not at the face's own place, where some parts of the loss would be zero.
        let start = Tensor::full([1, 15, 4, 4], 0.1, (Kind::Float, tch::Device::Cpu));
        let start = start.set_requires_grad(true);
        let parts = losses(&[start.shallow_clone()], &[8], &faces, &DetectWeights::default());
        let parts = parts.expect("a loss");
        parts[0].backward();
        let grad = start.grad().abs().sum_dim_intlist([0i64, 2, 3].as_slice(), false, Kind::Float);
        let grad: Vec<f32> = grad.try_into().expect("numbers");
        assert!(grad.iter().all(|g| *g > 0.0), "{grad:?}");

        // The cell at (1, 1) describes the face, and has a high score.
        let mut right = [[0f32; 16]; 15];
        right[0] = [-12.0; 16];
        right[0][5] = 12.0;
        let numbers =
            [1.0, 1.0, 2f32.ln(), 2f32.ln(), 0.5, 0.5, 1.5, 0.5, 1., 1., 0.5, 1.5, 1.5, 1.5];
        for (row, value) in right[1..].iter_mut().zip(numbers) {
            row[5] = value;
        }
        let right = Tensor::from_slice(&right.concat()).view([1, 15, 4, 4]);
        let parts = losses(&[right], &[8], &faces, &DetectWeights::default()).expect("a loss");
        assert!(parts[0].double_value(&[]) < 1e-3, "{parts:?}");
    }
}
