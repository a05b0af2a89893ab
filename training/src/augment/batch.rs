//! Changes the pixels of many faces at once, by the same operations on the processor and on a GPU. None of them waits
//! for the device, since the random numbers are known beforehand.

use tch::Tensor;

use super::columns::to_device;
use super::draw::Draw;
use super::{cover, detail, jpeg, light};

/// The faces that are changed together on the processor: as many as stay in its cache from one change to the next. When
/// a whole batch went through memory for each change, that took longer than the changes.
const TOGETHER: usize = 8;

/// Returns how many faces of a batch are changed together on the device of `tensor`. A GPU is faster with all of them.
pub fn together(tensor: &Tensor, faces: usize) -> usize {
    if tensor.device().is_cuda() { faces.max(1) } else { TOGETHER }
}

/// Changes `images`, `[N, 3, H, W]` from 0 to 255, each by its own draw. Their memory is used again.
pub fn apply(images: Tensor, draws: &[Draw]) -> Tensor {
    if draws.iter().all(|draw| *draw == Draw::NOTHING) {
        return images;
    }
    let mut faces = Faces { images, draws };
    faces.on(|draw| draw.border, cover::borders);
    faces.on(light::drawn, light::colours);
    faces.on(|draw| draw.cap, light::caps);
    faces.on(|draw| draw.shadow, light::shadows);
    faces.on(|draw| draw.lights, light::lights);
    faces.on(|draw| draw.gamma, light::gamma);
    faces.on(|draw| draw.motion, |x, drawn| detail::motion(&x, drawn));
    faces.each(|draw| draw.small, detail::shrink);
    faces.each(|draw| draw.blur, detail::blur);
    faces.on(|draw| draw.noise, detail::noise);
    faces.each(|draw| draw.coarse, detail::coarse_colours);
    for pass in 0..2 {
        faces.on(move |draw| draw.jpeg[pass], |x, qualities| jpeg::jpeg(&x, qualities));
    }
    faces.on(|draw| draw.erase, cover::erase);
    faces.images.clamp_(0.0, 255.0)
}

struct Faces<'a> {
    images: Tensor,
    draws: &'a [Draw],
}

impl Faces<'_> {
    /// Changes the faces for which `which` draws something, all at once.
    fn on<T>(
        &mut self,
        which: impl Fn(&Draw) -> Option<T>,
        change: impl FnOnce(Tensor, &[T]) -> Tensor,
    ) {
        let (mut places, mut drawn) = (Vec::new(), Vec::new());
        for (place, draw) in self.draws.iter().enumerate() {
            if let Some(value) = which(draw) {
                places.push(place as i64);
                drawn.push(value);
            }
        }
        if places.is_empty() {
            return;
        }
        let places = to_device(Tensor::from_slice(&places), &self.images);
        let changed = change(self.images.index_select(0, &places), &drawn);
        // It works in place, since a copy of the whole batch for each change took longer than all changes.
        let _ = self.images.index_copy_(0, &places, &changed);
    }

    /// Does the same, for faces that draw the same together.
    fn each<T: PartialEq + Copy>(
        &mut self,
        which: impl Fn(&Draw) -> Option<T>,
        change: impl Fn(&Tensor, T) -> Tensor,
    ) {
        let mut kinds: Vec<T> = Vec::new();
        for value in self.draws.iter().filter_map(&which) {
            if !kinds.contains(&value) {
                kinds.push(value);
            }
        }
        for kind in kinds {
            self.on(|draw| which(draw).filter(|value| *value == kind), |x, _| change(&x, kind));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::Augment;
    use crate::data::sampler::generator;

    #[test]
    fn each_face_has_its_own_draw() {
        let images = Tensor::full([3, 3, 8, 8], 100.0, tch::kind::FLOAT_CPU);
        let gain = |gain| Draw { gain, ..Draw::NOTHING };
        let changed = apply(images, &[gain(0.5), Draw::NOTHING, gain(2.0)]);
        let value = |i: i64| changed.double_value(&[i, 1, 4, 4]);
        assert_eq!([value(0), value(1), value(2)], [50.0, 100.0, 200.0]);
    }

    #[test]
    fn draws_are_the_same_for_the_same_seed_and_stay_within_bytes() {
        let draws = |seed| -> Vec<Draw> {
            let mut rng = generator(seed, 0, 1);
            (0..64).map(|_| Draw::new(&Augment::DETECTOR, &mut rng)).collect()
        };
        assert_eq!(draws(5), draws(5));
        assert_ne!(draws(5), draws(6));
        let images = Tensor::rand([64, 3, 96, 96], tch::kind::FLOAT_CPU) * 255.0;
        let strong =
            Augment { light: 0.9, degrade: 0.9, cover: 0.9, outdoor: 0.9, ..Augment::DETECTOR };
        let mut rng = generator(1, 0, 1);
        let drawn: Vec<Draw> = (0..64).map(|_| Draw::new(&strong, &mut rng)).collect();
        let changed = apply(images.copy(), &drawn);
        assert_eq!(changed.size(), images.size());
        let (low, high) = (changed.min().double_value(&[]), changed.max().double_value(&[]));
        assert!(low >= 0.0 && high <= 255.0, "{low} {high}");
        assert_eq!(Draw::new(&Augment::NONE, &mut rng), Draw::NOTHING);
    }
}
