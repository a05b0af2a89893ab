//! MobileNet (Howard et al. 2017) with an age and a gender head. It is a teacher, whose body was trained elsewhere to
//! tell people apart.
//!
//! Its weights come from a safetensors file that `scripts/models/teacher_weights.py` makes. Batch norm is folded in
//! there, and stays so, since a teacher is trained for only a few epochs. It is not shipped, so it has no ONNX form.

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};
use tch::nn::{self, Module};
use tch::{Kind, Tensor};

use super::network::{Network, Outputs, YEARS};
use crate::onnx::{Graph, Value};

/// Strides of the blocks.
const STRIDES: [i64; 13] = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1];
/// Channels that come out of them.
const CHANNELS: [i64; 13] = [64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024];
/// Channels of the first convolution.
const STEM: i64 = 32;

/// Size of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MobileNet {
    /// Crop side in pixels.
    pub side: i64,
    /// Dropout before the heads.
    pub dropout: f64,
}

impl MobileNet {
    /// Returns the network called `name`, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        (name == "mobilenet").then_some(Self { side: 160, dropout: 0.3 })
    }

    /// Refuses sizes that cannot be built.
    pub fn check(&self) -> Result<()> {
        ensure!((32..=512).contains(&self.side), "network.side must be 32 to 512");
        ensure!((0.0..1.0).contains(&self.dropout), "network.dropout must be 0 to below 1");
        Ok(())
    }

    /// Returns the multiplications and additions for one face, in millions.
    pub fn mega_macs(&self) -> f64 {
        let mut side = (self.side + 1) / 2;
        let (mut from, mut macs) = (STEM, side * side * 27 * STEM);
        for (stride, to) in STRIDES.into_iter().zip(CHANNELS) {
            side = (side + stride - 1) / stride;
            macs += side * side * from * (9 + to);
            from = to;
        }
        macs as f64 / 1e6
    }

    /// Makes the variables below `path`: `stem`, `b0.depth`, `b0.point` and so on, `age`, `gender`.
    pub fn build(&self, path: &nn::Path<'_>) -> MobileNetNet {
        let layer = |path: nn::Path<'_>, shape: [i64; 4], stride: i64| {
            let kernel = path.var("weight", &shape, nn::init::DEFAULT_KAIMING_NORMAL);
            let offset = path.var("bias", &shape[..1], nn::Init::Const(0.0));
            Layer { kernel, offset, stride }
        };
        let mut layers = vec![layer(path / "stem", [STEM, 3, 3, 3], 2)];
        let mut from = STEM;
        for (block, (stride, to)) in STRIDES.into_iter().zip(CHANNELS).enumerate() {
            let path = path / format!("b{block}");
            layers.push(layer(&path / "depth", [from, 1, 3, 3], stride));
            layers.push(layer(&path / "point", [to, from, 1, 1], 1));
            from = to;
        }
        let head = |name: &str, out| {
            let config = nn::LinearConfig {
                ws_init: nn::Init::Randn { mean: 0.0, stdev: 0.01 },
                bs_init: Some(nn::Init::Const(0.0)),
                bias: true,
            };
            nn::linear(path / name, from, out, config)
        };
        let (age, gender) = (head("age", YEARS as i64), head("gender", 1));
        MobileNetNet { layers, age, gender, dropout: self.dropout, half: false }
    }
}

/// A convolution with offset, and ReLU up to 6.
#[derive(Debug)]
struct Layer {
    kernel: Tensor,
    offset: Tensor,
    stride: i64,
}

impl Layer {
    fn forward(&self, x: &Tensor, kind: Kind) -> Tensor {
        let size = self.kernel.size();
        let groups = if size[1] == 1 { x.size()[1] } else { 1 };
        // oneDNN computes the gradient of a depthwise convolution of stride 2 three to ten times as slowly in bf16 as in
        // f32. Below it, frozen layers need none.
        let taught = x.requires_grad() || self.kernel.requires_grad();
        let slow = groups > 1 && self.stride == 2 && taught && !x.device().is_cuda();
        let own = if slow { Kind::Float } else { kind };
        let (x, kernel) = (x.to_kind(own), self.kernel.to_kind(own));
        let offset = self.offset.to_kind(own);
        let stride = [self.stride; 2];
        // This is TensorFlow's "same": at stride 2 the zeros come after the pixels.
        let y = if self.stride == 2 {
            let padded = x.constant_pad_nd([0, 1, 0, 1]);
            padded.conv2d(&kernel, Some(&offset), stride, [0, 0], [1, 1], groups)
        } else {
            let pad = [size[2] / 2; 2];
            x.conv2d(&kernel, Some(&offset), stride, pad, [1, 1], groups)
        };
        // `relu6` is `clamp`, but its gradient is one step instead of four. `relu6_` takes five times as long in bf16.
        y.to_kind(kind).relu6()
    }
}

/// The trainable form.
#[derive(Debug)]
pub struct MobileNetNet {
    layers: Vec<Layer>,
    age: nn::Linear,
    gender: nn::Linear,
    dropout: f64,
    half: bool,
}

impl Network for MobileNetNet {
    fn set_half(&mut self, half: bool) {
        self.half = half;
    }

    fn forward(&self, images: &Tensor, train: bool) -> Outputs {
        let kind = if train && self.half { Kind::BFloat16 } else { Kind::Float };
        let mut x = super::network::channels_last(&images.to_kind(kind));
        for layer in &self.layers {
            x = layer.forward(&x, kind);
        }
        let pooled = x.to_kind(Kind::Float).mean_dim([2i64, 3].as_slice(), false, Kind::Float);
        let features = pooled.dropout(self.dropout, train);
        Outputs {
            age_logits: Some(self.age.forward(&features)),
            gender_logit: Some(self.gender.forward(&features)),
            ..Outputs::default()
        }
    }

    fn export(&self, _graph: &mut Graph, _image: &Value) -> Result<()> {
        bail!("mobilenet is a teacher: it answers, and is not exported")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_the_published_size_and_padding() {
        let vars = nn::VarStore::new(tch::Device::Cpu);
        let arch = MobileNet::named("mobilenet").expect("known");
        let net = arch.build(&vars.root());
        // Keras has 3,206,976 trainable numbers without the head. It has two for each channel of a norm, where one
        // offset is left here.
        let body: usize = vars
            .variables()
            .iter()
            .filter(|(name, _)| name.starts_with('b') || name.starts_with("stem"))
            .map(|(_, value)| value.numel())
            .sum();
        assert_eq!(body, 3_206_976 - 10_944);
        let outputs = tch::no_grad(|| {
            net.forward(&Tensor::zeros([2, 3, 160, 160], tch::kind::FLOAT_CPU), false)
        });
        assert_eq!(outputs.age_logits.expect("ages").size(), [2, 101]);
        assert!((arch.mega_macs() - 290.0).abs() < 15.0, "{}", arch.mega_macs());
    }

    #[test]
    fn stride_two_looks_to_the_right_and_below() {
        let kernel = Tensor::zeros([1, 1, 3, 3], tch::kind::FLOAT_CPU);
        let _ = kernel.get(0).get(0).get(0).get(0).fill_(1.0);
        let layer = Layer { kernel, offset: Tensor::zeros([1], tch::kind::FLOAT_CPU), stride: 2 };
        let x = Tensor::arange(16, tch::kind::FLOAT_CPU).view([1, 1, 4, 4]) / 4.0;
        let y = layer.forward(&x, Kind::Float);
        assert_eq!(Vec::<f32>::try_from(y.view([-1])).expect("numbers"), [0.0, 0.5, 2.0, 2.5]);
    }
}
