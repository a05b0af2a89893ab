//! Our own network: plain 3 x 3 convolutions, which become a few dense ones at export.
//!
//! It is a row of [`Block`]s, then two heads.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use tch::nn::{self, Module};
use tch::{Kind, Tensor};

use super::block::{Block, Shape};
use super::network::{Network, Outputs, YEARS, bias, take};
use crate::onnx::{Graph, Value, int, ints};

/// Size of a network. The shipped ones are `tiny` and `base`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimator {
    /// The side of the crop in pixels. It is a multiple of the patch, and of two for each further stage.
    pub input: i64,
    /// The side of the patches of the first convolution, or of the stem.
    pub patch: i64,
    /// The channels between two overlapping 3 x 3 convolutions of stride 2, which replace one convolution of patches of
    /// side 4. Patches side by side alias, so that a small shift of the crop changed the answer (Xiao et al. 2021,
    /// "Early convolutions help transformers see better").
    #[serde(default)]
    pub stem: Option<i64>,
    /// The channels of each stage. They are multiples of 16, since numbers in between take as long (DESIGN.md).
    pub channels: Vec<i64>,
    /// 3 x 3 convolutions of stride 1 in each stage.
    pub blocks: Vec<usize>,
    /// Dropout before the heads.
    pub dropout: f64,
}

impl Estimator {
    /// Returns the network called `name`, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        let (input, stem, channels, blocks) = match name {
            "tiny" => (96, None, vec![32, 64, 96], vec![2, 6, 2]),
            "base" => (96, Some(STEM), vec![48, 96, 192], vec![4, 8, 3]),
            _ => return None,
        };
        Some(Self { input, patch: 4, stem, channels, blocks, dropout: 0.2 })
    }

    /// Refuses sizes that cannot be built.
    pub fn check(&self) -> Result<()> {
        let stages = self.channels.len();
        ensure!(stages > 0 && stages < 8, "network.channels must name 1 to 7 stages");
        ensure!(self.blocks.len() == stages, "network.blocks must have {stages} numbers");
        let good = |c: &i64| *c > 0 && c % 16 == 0 && *c <= 4096;
        ensure!(self.channels.iter().all(good), "network.channels must be multiples of 16");
        ensure!((1..=32).contains(&self.patch), "network.patch must be 1 to 32");
        ensure!(self.stem.is_none() || self.patch == 4, "network.stem wants network.patch 4");
        let stem = self.stem.is_none_or(|stem| (1..=4096).contains(&stem));
        ensure!(stem, "network.stem must be 1 to 4096");
        let step = self.patch << (stages - 1);
        ensure!(
            self.input > 0 && self.input % step == 0 && self.input <= 1024,
            "network.input must be a multiple of {step}, at most 1024"
        );
        ensure!((0.0..1.0).contains(&self.dropout), "network.dropout must be 0 to below 1");
        Ok(())
    }

    /// Returns the multiplications and additions for one face, in millions.
    pub fn mega_macs(&self) -> f64 {
        let mut side = self.input / self.patch;
        let mut macs = match self.stem {
            Some(stem) => side * side * 9 * stem * (4 * 3 + self.channels[0]),
            None => side * side * self.patch * self.patch * 3 * self.channels[0],
        };
        for (stage, (&channels, &blocks)) in self.channels.iter().zip(&self.blocks).enumerate() {
            if stage > 0 {
                side /= 2;
                macs += side * side * 9 * self.channels[stage - 1] * channels;
            }
            macs += side * side * 9 * channels * channels * blocks as i64;
        }
        macs as f64 / 1e6
    }

    /// Makes the variables below `path`: `stem`, with a stem of two also `stem2`, `s0.b0` and so on, `pool`, `age`,
    /// `gender`.
    pub fn build(&self, path: &nn::Path<'_>) -> EstimatorNet {
        let first = self.channels[0];
        let mut blocks = match self.stem {
            Some(stem) => vec![
                Block::new(&(path / "stem"), Shape::half(3, stem)),
                Block::new(&(path / "stem2"), Shape::half(stem, first)),
            ],
            None => vec![Block::new(&(path / "stem"), Shape::patch(3, first, self.patch))],
        };
        let mut from = first;
        for (stage, (&to, &count)) in self.channels.iter().zip(&self.blocks).enumerate() {
            let path = path / format!("s{stage}");
            if stage > 0 {
                blocks.push(Block::new(&(&path / "down"), Shape::half(from, to)));
            }
            for block in 0..count {
                blocks.push(Block::new(&(&path / format!("b{block}")), Shape::same(to)));
            }
            from = to;
        }
        let side = (self.input / self.patch) >> (self.channels.len() - 1);
        // Faces are aligned, so each channel can learn where on the face to look.
        let pool = path.var("pool", &[1, from, side, side], nn::Init::Const(1.0));
        let head = |name: &str, out| {
            let config = nn::LinearConfig {
                ws_init: nn::Init::Randn { mean: 0.0, stdev: 0.01 },
                bs_init: Some(nn::Init::Const(0.0)),
                bias: true,
            };
            nn::linear(path / name, from, out, config)
        };
        EstimatorNet {
            blocks,
            pool,
            age: head("age", YEARS as i64),
            gender: head("gender", 1),
            dropout: self.dropout,
            stem: self.stem,
            half: false,
        }
    }
}

/// The channels in the stem of `base`: 12 hold the pixels of a 2 x 2 square, and the others are free.
const STEM: i64 = 16;

/// Converts the constants of a file whose first convolution has patches of side 4, for a network whose stem has `stem`
/// channels. Those of other files are not changed.
///
/// The stem computes exactly the patches. Its first convolution passes on the pixels of each 2 x 2 square, raised so
/// that ReLU keeps them. The second one weights four such squares. Channels beyond these 12 see random edges, and have
/// no weight yet.
fn with_stem(constants: &BTreeMap<String, Tensor>, stem: i64) -> Result<BTreeMap<String, Tensor>> {
    let mut all: BTreeMap<String, Tensor> =
        constants.iter().map(|(name, value)| (name.clone(), value.shallow_clone())).collect();
    let Some(patches) = constants.get("conv0.weight").filter(|w| w.size()[1..] == [3, 4, 4]) else {
        return Ok(all);
    };
    ensure!(stem >= PIXELS, "a stem of {stem} channels cannot hold the {PIXELS} of a square");
    for (name, value) in constants {
        if let Some((index, part)) = name.strip_prefix("conv").and_then(|n| n.split_once('.')) {
            let index: usize = index.parse().with_context(|| format!("constant {name}"))?;
            all.insert(format!("conv{}.{part}", index + 1), value.shallow_clone());
        }
    }
    let first = Tensor::randn([stem, 3, 3, 3], (Kind::Float, patches.device())) * 0.2;
    let second = Tensor::zeros([patches.size()[0], stem, 3, 3], (Kind::Float, patches.device()));
    let bias = Tensor::full([stem], RAISED, (Kind::Float, patches.device()));
    let _ = first.narrow(0, 0, PIXELS).zero_();
    for (pixel, (colour, y, x)) in pixels().enumerate() {
        let pixel = pixel as i64;
        // Windows start a pixel before the square.
        let _ = first.get(pixel).get(colour).get(1 + y).get(1 + x).fill_(1.0);
        for (from, to) in [(0, 1), (2, 2)] {
            for (from_x, to_x) in [(0, 1), (2, 2)] {
                let taken = patches.select(1, colour).select(1, from + y).select(1, from_x + x);
                second.select(1, pixel).select(1, to).select(1, to_x).copy_(&taken);
            }
        }
    }
    let over = [1i64, 2, 3];
    let raised = second.sum_dim_intlist(over.as_slice(), false, Kind::Float) * RAISED;
    let bias_before = constants.get("conv0.bias").context("the file lacks conv0.bias")?;
    let lowered = bias_before - raised;
    let parts = [("conv0", first, bias), ("conv1", second, lowered)];
    for (name, weight, bias) in parts {
        all.insert(format!("{name}.weight"), weight);
        all.insert(format!("{name}.bias"), bias);
    }
    Ok(all)
}

/// Numbers in a square of 2 x 2 pixels.
const PIXELS: i64 = 12;

/// This is more than the darkest normalised pixel lies below 0.
const RAISED: f64 = 2.5;

/// The colour, row and column of each number of a 2 x 2 square.
fn pixels() -> impl Iterator<Item = (i64, i64, i64)> {
    (0..3).flat_map(|colour| (0..2).flat_map(move |y| (0..2).map(move |x| (colour, y, x))))
}

/// The trainable form.
#[derive(Debug)]
pub struct EstimatorNet {
    blocks: Vec<Block>,
    pool: Tensor,
    age: nn::Linear,
    gender: nn::Linear,
    dropout: f64,
    stem: Option<i64>,
    half: bool,
}

impl Network for EstimatorNet {
    fn set_half(&mut self, half: bool) {
        self.half = half;
    }

    fn forward(&self, images: &Tensor, train: bool) -> Outputs {
        // Only convolutions are in half precision. Evaluation and export use the full one.
        let kind = if train && self.half { Kind::BFloat16 } else { Kind::Float };
        let mut x = images.to_kind(kind);
        if train && (self.half || x.device().is_cuda()) {
            x = super::network::channels_last(&x);
        }
        for block in &self.blocks {
            x = block.forward(&x, kind, train);
        }
        let pooled = (x.to_kind(Kind::Float) * &self.pool).mean_dim(
            [2i64, 3].as_slice(),
            false,
            Kind::Float,
        );
        let features = pooled.dropout(self.dropout, train);
        Outputs {
            age_logits: Some(self.age.forward(&features)),
            gender_logit: Some(self.gender.forward(&features)),
            ..Outputs::default()
        }
    }

    fn adopt(&self, constants: &BTreeMap<String, Tensor>, images: &Tensor) -> Result<()> {
        let with_stem = self.stem.map(|stem| with_stem(constants, stem)).transpose()?;
        let constants = with_stem.as_ref().unwrap_or(constants);
        let mut x = images.shallow_clone();
        for (index, block) in self.blocks.iter().enumerate() {
            x = block.adopt(constants, &format!("conv{index}"), &x)?;
        }
        take(constants, "pool", &self.pool)?;
        for (name, head) in [("age_logits", &self.age), ("gender_logit", &self.gender)] {
            take(constants, &format!("{name}.weight"), &head.ws)?;
            take(constants, &format!("{name}.bias"), bias(&head.bs)?)?;
        }
        Ok(())
    }

    fn export(&self, graph: &mut Graph, image: &Value) -> Result<()> {
        let mut x = image.clone();
        for (index, block) in self.blocks.iter().enumerate() {
            x = block.export(graph, &format!("conv{index}"), &x)?;
        }
        let pool = graph.weights("pool", &self.pool)?;
        let weighted = graph.named("Mul", "weighted", &[&x, &pool], Vec::new());
        let mean = vec![ints("axes", &[2, 3]), int("keepdims", 0)];
        let features = graph.named("ReduceMean", "features", &[&weighted], mean);
        for (name, head, size) in
            [("age_logits", &self.age, YEARS as i64), ("gender_logit", &self.gender, 1)]
        {
            let value = graph.dense(name, &features, &head.ws, bias(&head.bs)?)?;
            graph.output(&value, size);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::{self, Storage};

    /// The batch norms of this network have seen pictures.
    fn trained(arch: &Estimator, vars: &nn::VarStore, images: &Tensor) -> EstimatorNet {
        let net = arch.build(&vars.root());
        tch::no_grad(|| {
            for (name, mut value) in vars.variables() {
                if name.contains("norm") && !name.ends_with("running_var") {
                    let _ = value.uniform_(0.2, 1.2);
                }
            }
            for _ in 0..20 {
                net.forward(images, true);
            }
        });
        net
    }

    #[test]
    fn a_stem_takes_over_what_patches_learned() {
        tch::manual_seed(7);
        let arch = Estimator::named("base").expect("known");
        let old = Estimator { stem: None, ..arch.clone() };
        let images = Tensor::randn([8, 3, 96, 96], tch::kind::FLOAT_CPU).clamp(-2.0, 2.0);
        let (vars, fresh) =
            (nn::VarStore::new(tch::Device::Cpu), nn::VarStore::new(tch::Device::Cpu));
        let net = trained(&old, &vars, &images);
        let (mut graph, image) = Graph::new("it", 96, 96, Storage::F32);
        net.export(&mut graph, &image).expect("exports");
        let file = onnx::decode(&graph.finish(Vec::new())).expect("decodes");
        let again = arch.build(&fresh.root());
        let constants = onnx::constants(&file).expect("constants");
        tch::no_grad(|| again.adopt(&constants, &images)).expect("a stem for patches");
        let wanted = net.forward(&images, false).age_logits.expect("ages");
        let got = again.forward(&images, false).age_logits.expect("ages");
        let size = wanted.abs().max().double_value(&[]);
        let off = (&got - &wanted).abs().max().double_value(&[]);
        assert!(size > 1e-3 && off < 1e-4 * size.max(1.0), "{off} of {size}");
    }

    #[test]
    fn an_exported_file_gives_back_the_network() {
        tch::manual_seed(7);
        let arch = Estimator::named("tiny").expect("known");
        let images = Tensor::randn([12, 3, 96, 96], tch::kind::FLOAT_CPU);
        let (vars, fresh) =
            (nn::VarStore::new(tch::Device::Cpu), nn::VarStore::new(tch::Device::Cpu));
        let net = trained(&arch, &vars, &images);
        let (mut graph, image) = Graph::new("it", 96, 96, Storage::F32);
        net.export(&mut graph, &image).expect("exports");
        let file = onnx::decode(&graph.finish(Vec::new())).expect("decodes");
        let again = arch.build(&fresh.root());
        let constants = onnx::constants(&file).expect("constants");
        tch::no_grad(|| again.adopt(&constants, &images)).expect("the same shapes");
        // Batch norm got the statistics of the batch itself.
        let seen = Tensor::randn([3, 3, 96, 96], tch::kind::FLOAT_CPU);
        let wanted = net.forward(&seen, false).age_logits.expect("ages");
        let got = again.forward(&seen, false).age_logits.expect("ages");
        let size = wanted.abs().max().double_value(&[]);
        let off = (&got - &wanted).abs().max().double_value(&[]);
        assert!(size > 1e-3 && off < 1e-4 * size.max(1.0), "{off} of {size}");
        let wanted = again.forward(&images, false).age_logits.expect("ages");
        let calm = EstimatorNet { dropout: 0.0, ..again };
        let got = calm.forward(&images, true).age_logits.expect("ages");
        let off = (&got - &wanted).abs().max().double_value(&[]);
        assert!(off < 1e-2 * size.max(1.0), "{off} of {size} with the batch's own statistics");
    }
}
