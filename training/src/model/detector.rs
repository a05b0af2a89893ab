//! Our own network that finds faces. It has no anchors, and one grid of answers for each stride.
//!
//! It has a patch stem, and stages of [`Block`]s that halve the size. On the way back up, the coarse features are added
//! to the fine ones (feature pyramid, Lin et al. 2017), because a small face is recognised by its surroundings. Each
//! cell gives the score of a face, and its box and landmarks (FCOS, Tian et al. 2019; YuNet, Wu et al. 2023).

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use face_predict::DetectSpec;
use serde::{Deserialize, Serialize};
use tch::nn::{self, Module};
use tch::{Kind, Tensor};

use super::block::{Block, Shape};
use super::network::{Network, Outputs, bias, take};
use crate::onnx::{Graph, Value};

/// The usual longer side of the input.
pub const SIDE: usize = 320;
/// The numbers in a cell.
const VALUES: i64 = DetectSpec::VALUES as i64;

/// Size of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detector {
    /// Side of the stem's patches.
    pub stem: i64,
    /// The channels of each stage, with the stem's first. Every further stage halves the size. They are multiples of
    /// 16.
    pub channels: Vec<i64>,
    /// 3 x 3 convolutions of stride 1 in each stage.
    pub blocks: Vec<usize>,
    /// The number of stages that answer, which are the last ones.
    pub grids: usize,
    /// The 3 x 3 convolutions of each stage that answers, after the coarser one was added.
    pub after: Vec<usize>,
}

impl Detector {
    /// Returns the network called `name`, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        let (channels, blocks, after) = match name {
            "detector" => (vec![32, 48, 80, 96], vec![0, 1, 2, 3], vec![1, 1, 0]),
            // The size of detector-open.
            "detector-small" => (vec![32, 48, 80, 96], vec![0, 1, 2, 2], vec![1, 0, 0]),
            _ => return None,
        };
        Some(Self { stem: 4, channels, blocks, grids: 3, after })
    }

    /// Refuses sizes that cannot be built.
    pub fn check(&self) -> Result<()> {
        let stages = self.channels.len();
        ensure!((1..8).contains(&stages), "network.channels must name 1 to 7 stages");
        ensure!((1..=stages).contains(&self.grids), "network.grids must be 1 to {stages}");
        ensure!(self.blocks.len() == stages, "network.blocks must have {stages} numbers");
        ensure!(self.after.len() == self.grids, "network.after must have {} numbers", self.grids);
        let good = |c: &i64| *c > 0 && c % 16 == 0;
        ensure!(self.channels.iter().all(good), "network.channels must be multiples of 16");
        ensure!((1..=16).contains(&self.stem), "network.stem must be 1 to 16");
        Ok(())
    }

    /// The strides of the outputs.
    pub fn strides(&self) -> Vec<usize> {
        let first = self.channels.len() - self.grids;
        (first..self.channels.len()).map(|stage| (self.stem as usize) << stage).collect()
    }

    /// Returns the multiplications and additions for a picture of `width` x `height`, in millions.
    pub fn mega_macs(&self, width: i64, height: i64) -> f64 {
        let cells = |stage: usize| ((width * height) / (self.stem * self.stem)) >> (2 * stage);
        let first = self.channels.len() - self.grids;
        let mut macs = 0;
        for (stage, &to) in self.channels.iter().enumerate() {
            let into = match stage.checked_sub(1) {
                None => Shape::patch(3, to, self.stem),
                Some(before) => Shape::half(self.channels[before], to),
            };
            macs += Block::macs(into, cells(stage));
            let mut same = self.blocks[stage] as i64;
            if stage >= first {
                same += self.after[stage - first] as i64;
                macs += cells(stage) * to * VALUES;
            }
            macs += same * Block::macs(Shape::same(to), cells(stage));
            if stage > first {
                macs += Block::macs(Shape::patch(to, self.channels[stage - 1], 1), cells(stage));
            }
        }
        macs as f64 / 1e6
    }

    /// Makes the variables below `path`: `s0.into`, `s0.b0` and so on, `s1.up`, `s1.a0`, `s1.out`.
    pub fn build(&self, path: &nn::Path<'_>) -> DetectorNet {
        let first = self.channels.len() - self.grids;
        let stages = (0..self.channels.len()).map(|stage| {
            let path = path / format!("s{stage}");
            let to = self.channels[stage];
            let into = match stage.checked_sub(1) {
                None => Shape::patch(3, to, self.stem),
                Some(before) => Shape::half(self.channels[before], to),
            };
            let mut down = vec![Block::new(&(&path / "into"), into)];
            for block in 0..self.blocks[stage] {
                down.push(Block::new(&(&path / format!("b{block}")), Shape::same(to)));
            }
            let grid = (stage >= first).then(|| Grid {
                stride: (self.stem as usize) << stage,
                up: (stage > first).then(|| {
                    let finer = self.channels[stage - 1];
                    Block::new(&(&path / "up"), Shape::patch(to, finer, 1))
                }),
                after: (0..self.after[stage - first])
                    .map(|i| Block::new(&(&path / format!("a{i}")), Shape::same(to)))
                    .collect(),
                out: nn::conv2d(&path / "out", to, VALUES, 1, out_config()),
            });
            if let Some(grid) = &grid {
                start(&grid.out);
            }
            Stage { down, grid }
        });
        DetectorNet { stages: stages.collect(), half: false }
    }
}

fn out_config() -> nn::ConvConfig {
    let ws_init = nn::Init::Randn { mean: 0.0, stdev: 0.01 };
    nn::ConvConfig { ws_init, bs_init: nn::Init::Const(0.0), ..Default::default() }
}

/// The start of a grid: faces are rare (focal loss, Lin et al. 2017), in the middle of their cell, and three cells
/// wide.
fn start(out: &nn::Conv2D) {
    let mut bias = [0.5f32; VALUES as usize];
    bias[0] = -4.6;
    (bias[3], bias[4]) = (1.1, 1.1);
    if let Some(value) = &out.bs {
        tch::no_grad(|| value.shallow_clone().copy_(&Tensor::from_slice(&bias)));
    }
}

/// The layers that answer for one stride.
#[derive(Debug)]
struct Grid {
    stride: usize,
    /// The layer towards the finer stage.
    up: Option<Block>,
    after: Vec<Block>,
    out: nn::Conv2D,
}

#[derive(Debug)]
struct Stage {
    down: Vec<Block>,
    grid: Option<Grid>,
}

/// The trainable form.
#[derive(Debug)]
pub struct DetectorNet {
    stages: Vec<Stage>,
    half: bool,
}

/// Repeats every pixel twice in both directions. This way works for every type of number.
fn double(x: &Tensor) -> Tensor {
    let [n, c, h, w] = x.size()[..] else { unreachable!("features have four dimensions") };
    x.view([n, c, h, 1, w, 1]).expand([n, c, h, 2, w, 2], false).reshape([n, c, 2 * h, 2 * w])
}

impl Network for DetectorNet {
    fn set_half(&mut self, half: bool) {
        self.half = half;
    }

    fn forward(&self, images: &Tensor, train: bool) -> Outputs {
        // Only convolutions are in half precision. Evaluation and export use the full one.
        let kind = if train && self.half { Kind::BFloat16 } else { Kind::Float };
        let mut x = images.to_kind(kind);
        let mut features = Vec::new();
        for stage in &self.stages {
            for block in &stage.down {
                x = block.forward(&x, kind, train);
            }
            if let Some(grid) = &stage.grid {
                features.push((x.shallow_clone(), grid));
            }
        }
        let mut coarser: Option<Tensor> = None;
        let mut grids = Vec::new();
        for (x, grid) in features.iter().rev() {
            let mut x = match coarser {
                Some(coarser) => x + double(&coarser),
                None => x.shallow_clone(),
            };
            for block in &grid.after {
                x = block.forward(&x, kind, train);
            }
            coarser = grid.up.as_ref().map(|up| up.forward(&x, kind, train));
            // Places need more than the eight bits of bfloat16.
            grids.push(grid.out.forward(&x.to_kind(Kind::Float)));
        }
        grids.reverse();
        Outputs { grids, ..Outputs::default() }
    }

    fn adopt(&self, constants: &BTreeMap<String, Tensor>, images: &Tensor) -> Result<()> {
        let mut x = images.shallow_clone();
        let mut features = Vec::new();
        for (s, stage) in self.stages.iter().enumerate() {
            for (b, block) in stage.down.iter().enumerate() {
                x = block.adopt(constants, &format!("s{s}.conv{b}"), &x)?;
            }
            if let Some(grid) = &stage.grid {
                features.push((x.shallow_clone(), s, grid));
            }
        }
        let mut coarser: Option<Tensor> = None;
        for (x, s, grid) in features.iter().rev() {
            let mut x = match coarser {
                Some(coarser) => x + double(&coarser),
                None => x.shallow_clone(),
            };
            for (a, block) in grid.after.iter().enumerate() {
                x = block.adopt(constants, &format!("s{s}.after{a}"), &x)?;
            }
            coarser = match &grid.up {
                Some(up) => Some(up.adopt(constants, &format!("s{s}.up"), &x)?),
                None => None,
            };
            take(constants, &format!("stride{}.weight", grid.stride), &grid.out.ws)?;
            take(constants, &format!("stride{}.bias", grid.stride), bias(&grid.out.bs)?)?;
        }
        Ok(())
    }

    fn export(&self, graph: &mut Graph, image: &Value) -> Result<()> {
        let mut x = image.clone();
        let mut features = Vec::new();
        for (s, stage) in self.stages.iter().enumerate() {
            for (b, block) in stage.down.iter().enumerate() {
                x = block.export(graph, &format!("s{s}.conv{b}"), &x)?;
            }
            if let Some(grid) = &stage.grid {
                features.push((x.clone(), s, grid));
            }
        }
        let mut coarser: Option<Value> = None;
        let mut outputs = Vec::new();
        for (x, s, grid) in features.iter().rev() {
            let mut x = x.clone();
            if let Some(coarser) = coarser {
                let coarser = graph.double(&format!("s{s}.double"), &coarser);
                x = graph.named("Add", &format!("s{s}.sum"), &[&x, &coarser], Vec::new());
            }
            for (a, block) in grid.after.iter().enumerate() {
                x = block.export(graph, &format!("s{s}.after{a}"), &x)?;
            }
            coarser = match &grid.up {
                Some(up) => Some(up.export(graph, &format!("s{s}.up"), &x)?),
                None => None,
            };
            let name = format!("stride{}", grid.stride);
            outputs.push(graph.conv(&name, &x, &grid.out.ws, bias(&grid.out.bs)?, 1, [0; 4])?);
        }
        for value in outputs.iter().rev() {
            graph.output_grid(value, VALUES);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::{self, Storage};

    #[test]
    fn an_exported_file_gives_back_the_detector() {
        tch::manual_seed(7);
        let arch = Detector::named("detector").expect("known");
        let images = Tensor::randn([2, 3, 64, 96], tch::kind::FLOAT_CPU);
        let (vars, fresh) =
            (nn::VarStore::new(tch::Device::Cpu), nn::VarStore::new(tch::Device::Cpu));
        let net = arch.build(&vars.root());
        tch::no_grad(|| (0..20).for_each(|_| drop(net.forward(&images, true))));
        let (mut graph, image) = Graph::of_any_size("it", Storage::F32);
        net.export(&mut graph, &image).expect("exports");
        let file = onnx::decode(&graph.finish(Vec::new())).expect("decodes");
        let again = arch.build(&fresh.root());
        let constants = onnx::constants(&file).expect("constants");
        tch::no_grad(|| again.adopt(&constants, &images)).expect("the same shapes");
        let seen = Tensor::randn([1, 3, 96, 64], tch::kind::FLOAT_CPU);
        let (wanted, got) = (net.forward(&seen, false).grids, again.forward(&seen, false).grids);
        assert_eq!(wanted.len(), 3);
        for (wanted, got) in wanted.iter().zip(&got) {
            let size = wanted.abs().max().double_value(&[]);
            let off = (got - wanted).abs().max().double_value(&[]);
            assert!(off < 1e-4 * size, "{off} of {size}");
        }
    }
}
