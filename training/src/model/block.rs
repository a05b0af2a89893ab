//! The unit of our networks: `relu(bn(conv(x)) + x)`, which is one convolution in the exported file.
//!
//! It is that of RepVGG (Ding et al. 2021) without the 1 x 1 branch. By its own table, the identity brings most of the
//! gain. The 1 x 1 branch takes a third of the training time.

use std::collections::BTreeMap;

use anyhow::Result;
use tch::nn::{self, ModuleT};
use tch::{Kind, Tensor};

use super::network::{gain_and_offset, take};
use crate::onnx::{Graph, Value};

/// The number that is added to batch norm's variance.
const EPSILON: f64 = 1e-5;

/// Shape of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// The channels of the input.
    pub from: i64,
    /// The channels of the output.
    pub to: i64,
    /// Side of the kernel.
    pub kernel: i64,
    /// Step of the kernel.
    pub stride: i64,
    /// The zeros around the input.
    pub padding: i64,
}

impl Shape {
    /// Makes a 3 x 3 convolution that keeps the size.
    pub const fn same(channels: i64) -> Self {
        Self { from: channels, to: channels, kernel: 3, stride: 1, padding: 1 }
    }

    /// Makes a 3 x 3 convolution that halves the size.
    pub const fn half(from: i64, to: i64) -> Self {
        Self { from, to, kernel: 3, stride: 2, padding: 1 }
    }

    /// Makes a convolution of patches side by side.
    pub const fn patch(from: i64, to: i64, side: i64) -> Self {
        Self { from, to, kernel: side, stride: side, padding: 0 }
    }
}

/// A convolution, batch norm, the identity if input and output have one shape, and ReLU.
#[derive(Debug)]
pub struct Block {
    conv: nn::Conv2D,
    norm: nn::BatchNorm,
    shape: Shape,
}

impl Block {
    /// Makes the variables below `path`: `conv` and `norm`.
    pub fn new(path: &nn::Path<'_>, shape: Shape) -> Self {
        let Shape { from, to, kernel, stride, padding } = shape;
        // There is no bias, since batch norm has one.
        let config = nn::ConvConfig {
            stride,
            padding,
            bias: false,
            ws_init: nn::init::DEFAULT_KAIMING_NORMAL,
            ..Default::default()
        };
        let conv = nn::conv2d(path / "conv", from, to, kernel, config);
        let norm_config = nn::BatchNormConfig { eps: EPSILON, ..Default::default() };
        let norm = nn::batch_norm2d(path / "norm", to, norm_config);
        Self { conv, norm, shape }
    }

    fn identity(&self) -> bool {
        self.shape.stride == 1 && self.shape.from == self.shape.to
    }

    fn convolve(&self, x: &Tensor, kind: Kind) -> Tensor {
        let Shape { stride, padding, .. } = self.shape;
        let w = self.conv.ws.to_kind(kind);
        x.conv2d(&w, None::<Tensor>, [stride, stride], [padding, padding], [1, 1], 1)
    }

    /// `kind` is the type of numbers for the convolution, and `x` has it already.
    pub fn forward(&self, x: &Tensor, kind: Kind, train: bool) -> Tensor {
        let y = self.norm.forward_t(&self.convolve(x, kind), train);
        if self.identity() { y + x } else { y }.relu()
    }

    /// Folds batch norm and the identity into the convolution.
    fn fold(&self) -> Result<(Tensor, Tensor)> {
        let (gain, offset) = gain_and_offset(&self.norm)?;
        let scale = gain / (&self.norm.running_var + EPSILON).sqrt();
        let weight = &self.conv.ws * scale.view([-1, 1, 1, 1]);
        let bias = offset - &self.norm.running_mean * &scale;
        if self.identity() {
            let (channels, kernel) = (weight.size()[0], weight.size()[2]);
            let eye = Tensor::eye(channels, (Kind::Float, weight.device()));
            let _ = weight.select(3, kernel / 2).select(2, kernel / 2).g_add_(&eye);
        }
        Ok((weight, bias))
    }

    /// Loads weights that [`Block::export`] wrote as `name`. Batch norm gets what it would find over `x`, so that it
    /// changes nothing at first. Returns the output for `x`.
    pub fn adopt(
        &self,
        constants: &BTreeMap<String, Tensor>,
        name: &str,
        x: &Tensor,
    ) -> Result<Tensor> {
        take(constants, &format!("{name}.weight"), &self.conv.ws)?;
        let (gain, offset) = gain_and_offset(&self.norm)?;
        take(constants, &format!("{name}.bias"), offset)?;
        if self.identity() {
            let Shape { to, kernel, .. } = self.shape;
            let eye = Tensor::eye(to, (Kind::Float, x.device()));
            let mut middle = self.conv.ws.select(3, kernel / 2).select(2, kernel / 2);
            let _ = middle.g_sub_(&eye);
        }
        let y = self.convolve(x, Kind::Float);
        let over = [0i64, 2, 3];
        let mean = y.mean_dim(over.as_slice(), false, Kind::Float);
        let var = y.var_dim(over.as_slice(), false, false);
        gain.shallow_clone().copy_(&(&var + EPSILON).sqrt());
        let _ = offset.shallow_clone().g_add_(&mean);
        self.norm.running_mean.shallow_clone().copy_(&mean);
        self.norm.running_var.shallow_clone().copy_(&var);
        Ok(self.forward(x, Kind::Float, false))
    }

    /// Adds it to `graph` under `name`.
    pub fn export(&self, graph: &mut Graph, name: &str, x: &Value) -> Result<Value> {
        let (weight, bias) = self.fold()?;
        let pads = [self.shape.padding; 4];
        let y = graph.conv(name, x, &weight, &bias, self.shape.stride, pads)?;
        Ok(graph.relu(&y))
    }

    /// Returns the multiplications and additions for an output of `cells` places.
    pub fn macs(shape: Shape, cells: i64) -> i64 {
        cells * shape.kernel * shape.kernel * shape.from * shape.to
    }
}
