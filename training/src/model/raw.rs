//! A network's outputs as numbers, before calibration.

use anyhow::Result;
use face_predict::Quality;
use tch::{Device, Tensor};

use super::network::{Outputs, YEARS};

/// The raw outputs for one face. They are empty or absent if the network lacks the head.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Raw {
    /// The logits of the years.
    pub age_logits: Vec<f32>,
    /// The years of a regression.
    pub age: Option<f32>,
    /// Positive for male.
    pub gender_logit: Option<f32>,
    /// The library's quality flags of the crop.
    pub quality: Quality,
    /// A detector's numbers, with one list for each stride.
    pub grids: Vec<Vec<f32>>,
}

/// Splits a batch's outputs by face.
pub fn split(outputs: &Outputs, faces: usize) -> Result<Vec<Raw>> {
    let flat = |t: &Option<Tensor>| -> Result<Vec<f32>> {
        Ok(match t {
            Some(t) => Vec::try_from(t.detach().to_device(Device::Cpu).contiguous().view([-1]))?,
            None => Vec::new(),
        })
    };
    let (logits, ages, genders) =
        (flat(&outputs.age_logits)?, flat(&outputs.age)?, flat(&outputs.gender_logit)?);
    let grids = outputs.grids.iter().map(|grid| {
        let values = flat(&Some(grid.shallow_clone()))?;
        let each = values.len() / faces.max(1);
        Ok((values, each))
    });
    let grids: Vec<(Vec<f32>, usize)> = grids.collect::<Result<_>>()?;
    let face = |i: usize| Raw {
        age_logits: logits.chunks(YEARS).nth(i).unwrap_or_default().to_vec(),
        age: ages.get(i).copied(),
        gender_logit: genders.get(i).copied(),
        quality: Quality::default(),
        grids: grids.iter().map(|(grid, each)| grid[i * each..(i + 1) * each].to_vec()).collect(),
    };
    Ok((0..faces).map(face).collect())
}
