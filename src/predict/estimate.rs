//! Estimates one face: its crops, the networks, and the quality of its pixels.

use super::crops;
use super::options::Options;
use super::source::Source;
use super::upright;
use super::workspace::Workspace;
use crate::error::Result;
use crate::face::candidate::{Candidate, Observation};
use crate::face::quality::{CropStats, Quality};
use crate::geometry::Affine;
use crate::memory::{grow_to, reserve};
use crate::model::{Model, Network};

/// Estimates a face into `workspace.estimate`. Only what the options ask for is estimated. If that is nothing, no pixel
/// is read.
pub(super) fn estimate_face(
    model: &Model,
    source: &Source<'_>,
    face: &Candidate,
    options: &Options<'_>,
    workspace: &mut Workspace,
) -> Result<Observation> {
    let mut observation = Observation::default();
    observation.observe_place(face, source.size());
    workspace.estimate.clear();
    let answers = networks(model, options).next().is_some();
    // There is no time for this in a frame, and somebody would notice a camera that lies on its side.
    let unsure = answers && !options.try_turns && !options.fast_search;
    if unsure && face.score.is_some() {
        let lies = upright::lies(model.detector()?, source, face, workspace)?;
        observation.observe_pixels(if lies { Quality::NOT_UPRIGHT } else { Quality::default() });
    }
    for (network, age, gender) in networks(model, options) {
        let input = &network.metadata.input;
        let place = source.original_to_here().after(&place(network, face, source.size())?);
        let Workspace { warp, planes, crop_estimate, estimate, .. } = &mut *workspace;
        let image = source.image();
        const SIDE: usize = CropStats::SIDE;
        let judged = |planes: &[f32]| Quality::of_crop(&CropStats::of(planes, SIDE, SIDE));
        let shared = (input.width, input.height) == (SIDE, SIDE);
        if !shared {
            // The marks must not depend on the size of a network's input.
            let planes = grow_to(planes, 3 * SIDE * SIDE)?;
            let to_unit = Affine::scale(1.0 / SIDE as f32, 1.0 / SIDE as f32);
            warp.cut_planes(&image, &place.after(&to_unit), SIDE, SIDE, planes)?;
            observation.observe_pixels(judged(planes));
        }
        let planes = grow_to(planes, input.len())?;
        for index in 0..options.crops {
            input.cut(warp, &image, &place.after(&crops::view(index)), planes)?;
            if index == 0 && shared {
                observation.observe_pixels(judged(planes));
            }
            input.normalise(planes);
            crop_estimate.clear();
            network.run(planes, age, gender, observation.quality(), crop_estimate)?;
            let more = crop_estimate.years.len().saturating_sub(estimate.years.len());
            reserve(&mut estimate.years, more)?;
            crops::blend(estimate, crop_estimate, index);
        }
    }
    Ok(observation)
}

/// Returns how many pixels of the original, along a line, one pixel of a crop may stand for. It is the smallest number
/// over all `faces`, and over the networks that will cut them. It is infinite if nothing is cut.
pub(super) fn finest_crop(
    model: &Model,
    faces: &[Candidate],
    size: (usize, usize),
    options: &Options<'_>,
) -> Result<f32> {
    let mut finest = f32::INFINITY;
    for face in faces {
        for (network, _, _) in networks(model, options) {
            let input = &network.metadata.input;
            // The quality is judged on a crop of this side.
            let side = input.width.max(input.height).max(CropStats::SIDE) as f32;
            finest = finest.min(place(network, face, size)?.magnification() / side);
        }
    }
    Ok(finest)
}

/// Returns the networks to run, each with whether its age and its gender are wanted.
fn networks<'a>(
    model: &'a Model,
    options: &Options<'_>,
) -> impl Iterator<Item = (&'a Network, bool, bool)> {
    let (age, gender) = (!options.skip_age, !options.skip_gender);
    let one = model.is_one_network();
    let first = (model.age_network(), age, one && gender);
    let second = (model.gender_network(), false, !one && gender);
    [first, second].into_iter().filter(|(_, age, gender)| *age || *gender)
}

/// Returns the map from a network's crop of a face, in units of its sides, to the original of `width` x `height`
/// pixels.
fn place(network: &Network, face: &Candidate, (width, height): (usize, usize)) -> Result<Affine> {
    let rule = &network.metadata.input.crop;
    if face.is_picture { Ok(rule.place_picture(width, height)) } else { rule.place(&face.region) }
}
