//! Our own network: plain 3 x 3 convolutions that fold into a few dense ones at export.
//!
//! A row of [`Block`]s, then two heads.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tch::nn::{self, Module};
use tch::{Kind, Tensor};

use super::block::{Block, Shape};
use super::{Network, Outputs, bias, take};
use crate::data::loader::YEARS;
use crate::onnx::{Graph, Value, int, ints};

/// Size of a network. The shipped ones are `tiny` and `base`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimator {
    /// Crop side in pixels; a multiple of the patch and of two for each further stage.
    pub input: i64,
    /// Side of the patches of the first convolution.
    pub patch: i64,
    /// Channels of each stage, multiples of 16: what is in between costs as much (DESIGN.md).
    pub channels: Vec<i64>,
    /// 3 x 3 convolutions of stride 1 in each stage.
    pub blocks: Vec<usize>,
    /// Dropout before the heads.
    pub dropout: f64,
}

impl Estimator {
    /// The network called `name`, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        let (input, channels, blocks) = match name {
            "tiny" => (96, vec![32, 64, 96], vec![2, 4, 1]),
            "base" => (96, vec![48, 96, 192], vec![4, 6, 2]),
            _ => return None,
        };
        Some(Self { input, patch: 4, channels, blocks, dropout: 0.2 })
    }

    /// Multiplications and additions for one face, in millions.
    pub fn mega_macs(&self) -> f64 {
        let mut side = self.input / self.patch;
        let mut macs = side * side * self.patch * self.patch * 3 * self.channels[0];
        for (stage, (&channels, &blocks)) in self.channels.iter().zip(&self.blocks).enumerate() {
            if stage > 0 {
                side /= 2;
                macs += side * side * 9 * self.channels[stage - 1] * channels;
            }
            macs += side * side * 9 * channels * channels * blocks as i64;
        }
        macs as f64 / 1e6
    }

    /// Variables below `path`: `stem`, `s0.b0` and so on, `pool`, `age`, `gender`.
    pub fn build(&self, path: &nn::Path<'_>) -> EstimatorNet {
        let first = self.channels[0];
        let mut blocks = vec![Block::new(&(path / "stem"), Shape::patch(3, first, self.patch))];
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
        // Faces are aligned, so each channel may learn where on the face to look.
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
            half: false,
        }
    }
}

/// The trainable form.
#[derive(Debug)]
pub struct EstimatorNet {
    blocks: Vec<Block>,
    pool: Tensor,
    age: nn::Linear,
    gender: nn::Linear,
    dropout: f64,
    half: bool,
}

impl Network for EstimatorNet {
    fn set_half(&mut self, half: bool) {
        self.half = half;
    }

    fn forward(&self, images: &Tensor, train: bool) -> Outputs {
        // Convolutions alone in half precision; evaluation and export see the full one.
        let kind = if train && self.half { Kind::BFloat16 } else { Kind::Float };
        let mut x = images.to_kind(kind);
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

    /// A network whose batch norms have seen something.
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
        // Statistics of the batch itself are what batch norm was given.
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
