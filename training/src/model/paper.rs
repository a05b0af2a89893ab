//! The published study's networks, layer by layer (DESIGN.md section 3).
//!
//! Sizes, order and initial values are those of Keras, in which the study was written. Padding "same" at stride 2 adds
//! a row below and a column to the right. Batch norm follows the pool. Kernels start by Glorot and Bengio 2010. The
//! multi-task form shares the convolutions; each head keeps its dense layers.

use anyhow::{Result, ensure};
use face_predict::Task;
use serde::{Deserialize, Serialize};
use tch::nn::{self, Module, ModuleT};
use tch::{Kind, Tensor};

use super::network::{Network, Outputs, bias, gain_and_offset};
use crate::onnx::{Graph, Value, float, int, ints};

/// The side of the crop in pixels.
pub const SIDE: i64 = 128;
const FLAT: i64 = 31 * 31 * 128;
/// The number that is added to batch norm's variance, as in Keras's default.
const EPSILON: f64 = 1e-3;

/// A network of the study.
// All of its fields but one may be missing. Without this it would take another network's fields for its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paper {
    /// The units of the hidden layers before the age, if it has that head.
    pub age: Option<Vec<i64>>,
    /// The units before the gender, if it has that head.
    pub gender: Option<Vec<i64>>,
    /// The dropout after each hidden dense layer.
    pub dropout: f64,
}

/// A row of the study's table of layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// The kind of layer.
    pub name: String,
    /// Its output, without the batch.
    pub output: String,
    /// The parameters. Batch norm counts its statistics, as in Keras.
    pub parameters: i64,
    /// The parameters that the gradient does not move.
    pub untrained: i64,
}

impl Paper {
    /// `paper-age`, `paper-gender` or `paper-multi`.
    pub fn named(name: &str) -> Option<Self> {
        let (age, gender) = (Some(vec![256, 512]), Some(vec![512]));
        let (age, gender) = match name {
            "paper-age" => (age, None),
            "paper-gender" => (None, gender),
            "paper-multi" => (age, gender),
            _ => return None,
        };
        Some(Self { age, gender, dropout: 0.4 })
    }

    /// Refuses sizes that cannot be built.
    pub fn check(&self) -> Result<()> {
        let units = || self.age.iter().chain(&self.gender).flatten();
        ensure!(self.age.is_some() || self.gender.is_some(), "network needs age or gender");
        ensure!(units().all(|units| *units > 0), "units of network.age and gender start at 1");
        ensure!((0.0..1.0).contains(&self.dropout), "network.dropout must be 0 to below 1");
        Ok(())
    }

    /// Returns its tasks.
    pub fn task(&self) -> Task {
        match (&self.age, &self.gender) {
            (Some(_), Some(_)) => Task::AgeGender,
            (Some(_), None) => Task::Age,
            _ => Task::Gender,
        }
    }

    fn heads(&self) -> impl Iterator<Item = (&'static str, &Vec<i64>)> {
        let age = self.age.iter().map(|units| ("age", units));
        age.chain(self.gender.iter().map(|units| ("gender", units)))
    }

    /// Multiplications and additions for one face, in millions.
    pub fn mega_macs(&self) -> f64 {
        let mut macs = 64 * 64 * 27 * 32 + 31 * 31 * 9 * (32 * 64 + 64 * 128);
        for (_, units) in self.heads() {
            let mut from = FLAT;
            for to in units.iter().copied().chain([1]) {
                macs += from * to;
                from = to;
            }
        }
        macs as f64 / 1e6
    }

    /// The table of layers.
    pub fn layers(&self) -> Vec<Layer> {
        let map = |side: i64, channels: i64| format!("{side} x {side} x {channels}");
        let mut rows = Vec::new();
        let mut row = |name: String, output: String, parameters: i64, untrained: i64| {
            rows.push(Layer { name, output, parameters, untrained });
        };
        let conv = |from: i64, to: i64| 9 * from * to + to;
        row("conv 32, stride 2, same".into(), map(64, 32), conv(3, 32), 0);
        row("max pool 3, stride 2, valid".into(), map(31, 32), 0, 0);
        row("batch norm".into(), map(31, 32), 4 * 32, 2 * 32);
        row("conv 64, same".into(), map(31, 64), conv(32, 64), 0);
        row("batch norm".into(), map(31, 64), 4 * 64, 2 * 64);
        row("conv 128, same".into(), map(31, 128), conv(64, 128), 0);
        row("flatten".into(), thousands(FLAT), 0, 0);
        let both = self.age.is_some() && self.gender.is_some();
        for (head, units) in self.heads() {
            let of = if both { format!("{head}: ") } else { String::new() };
            let mut from = FLAT;
            for &to in units {
                let name = format!("{of}dense {to}, dropout {}", self.dropout);
                row(name, to.to_string(), from * to + to, 0);
                from = to;
            }
            let last = if head == "age" { "linear (age)" } else { "sigmoid (gender)" };
            row(format!("{of}dense 1, {last}"), "1".into(), from + 1, 0);
        }
        rows
    }

    /// Variables below `path`: `conv0` to `conv2`, `norm0`, `norm1`, `age0` and so on, `gender0` and so on.
    pub fn build(&self, path: &nn::Path<'_>) -> PaperNet {
        let glorot = |fans: i64| {
            let limit = (6.0 / fans as f64).sqrt();
            nn::Init::Uniform { lo: -limit, up: limit }
        };
        let conv = |name: &str, from, to, stride, padding| {
            let ws_init = glorot(9 * (from + to));
            let bs_init = nn::Init::Const(0.0);
            let config = nn::ConvConfig { stride, padding, ws_init, bs_init, ..Default::default() };
            nn::conv2d(path / name, from, to, 3, config)
        };
        let norm = |name: &str, channels| {
            let ws_init = nn::Init::Const(1.0);
            let config =
                nn::BatchNormConfig { eps: EPSILON, momentum: 0.01, ws_init, ..Default::default() };
            nn::batch_norm2d(path / name, channels, config)
        };
        let head = |name: &str, units: &Option<Vec<i64>>| {
            let mut from = FLAT;
            let units = units.iter().flat_map(|units| units.iter().copied().chain([1]));
            let dense = |(index, to): (usize, i64)| {
                let config = nn::LinearConfig {
                    ws_init: glorot(from + to),
                    bs_init: Some(nn::Init::Const(0.0)),
                    bias: true,
                };
                let layer = nn::linear(path / format!("{name}{index}"), from, to, config);
                from = to;
                layer
            };
            units.enumerate().map(dense).collect()
        };
        PaperNet {
            convs: [
                conv("conv0", 3, 32, 2, 0),
                conv("conv1", 32, 64, 1, 1),
                conv("conv2", 64, 128, 1, 1),
            ],
            norms: [norm("norm0", 32), norm("norm1", 64)],
            age: head("age", &self.age),
            gender: head("gender", &self.gender),
            dropout: self.dropout,
            half: false,
        }
    }
}

/// A whole number with commas.
pub fn thousands(value: i64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The trainable form.
#[derive(Debug)]
pub struct PaperNet {
    convs: [nn::Conv2D; 3],
    norms: [nn::BatchNorm; 2],
    age: Vec<nn::Linear>,
    gender: Vec<nn::Linear>,
    dropout: f64,
    half: bool,
}

impl PaperNet {
    fn head(&self, layers: &[nn::Linear], features: &Tensor, train: bool) -> Option<Tensor> {
        let (last, hidden) = layers.split_last()?;
        let mut x = features.shallow_clone();
        for layer in hidden {
            x = layer.forward(&x).relu().dropout(self.dropout, train);
        }
        Some(last.forward(&x))
    }
}

impl Network for PaperNet {
    fn set_half(&mut self, half: bool) {
        self.half = half;
    }

    fn forward(&self, images: &Tensor, train: bool) -> Outputs {
        let kind = if train && self.half { Kind::BFloat16 } else { Kind::Float };
        let conv = |x: &Tensor, layer: &nn::Conv2D, stride: i64, padding: i64| {
            let bias = layer.bs.as_ref().map(|b| b.to_kind(kind));
            let (s, p) = ([stride, stride], [padding, padding]);
            x.conv2d(&layer.ws.to_kind(kind), bias, s, p, [1, 1], 1).relu()
        };
        let x = images.to_kind(kind).constant_pad_nd([0, 1, 0, 1]);
        let x = conv(&x, &self.convs[0], 2, 0);
        let x = x.max_pool2d([3, 3], [2, 2], [0, 0], [1, 1], false);
        let x = self.norms[0].forward_t(&x, train);
        let x = self.norms[1].forward_t(&conv(&x, &self.convs[1], 1, 1), train);
        let x = conv(&x, &self.convs[2], 1, 1).to_kind(Kind::Float).flatten(1, -1);
        Outputs {
            age_logits: None,
            age: self.head(&self.age, &x, train),
            gender_logit: self.head(&self.gender, &x, train),
            ..Outputs::default()
        }
    }

    fn export(&self, graph: &mut Graph, image: &Value) -> Result<()> {
        let conv = |graph: &mut Graph, x: &Value, index: usize, stride, pads| {
            let layer = &self.convs[index];
            let y = graph.conv(
                &format!("conv{index}"),
                x,
                &layer.ws,
                bias(&layer.bs)?,
                stride,
                pads,
            )?;
            anyhow::Ok(graph.relu(&y))
        };
        // It is not folded into the next convolution, whose padding is zero after the norm, and not before.
        let norm = |graph: &mut Graph, x: &Value, index: usize| {
            let layer = &self.norms[index];
            let (scale, offset) = gain_and_offset(layer)?;
            let name = format!("norm{index}");
            let inputs = [
                graph.weights(&format!("{name}.scale"), scale)?,
                graph.weights(&format!("{name}.bias"), offset)?,
                graph.weights(&format!("{name}.mean"), &layer.running_mean)?,
                graph.weights(&format!("{name}.var"), &layer.running_var)?,
            ];
            let inputs = [x, &inputs[0], &inputs[1], &inputs[2], &inputs[3]];
            let epsilon = vec![float("epsilon", EPSILON as f32)];
            anyhow::Ok(graph.named("BatchNormalization", &name, &inputs, epsilon))
        };
        let x = conv(graph, image, 0, 2, [0, 0, 1, 1])?;
        let pool = vec![ints("kernel_shape", &[3, 3]), ints("strides", &[2, 2])];
        let x = graph.named("MaxPool", "pool", &[&x], pool);
        let x = norm(graph, &x, 0)?;
        let x = conv(graph, &x, 1, 1, [1; 4])?;
        let x = norm(graph, &x, 1)?;
        let x = conv(graph, &x, 2, 1, [1; 4])?;
        let flat = graph.named("Flatten", "flat", &[&x], vec![int("axis", 1)]);
        for (name, output, layers) in
            [("age", "age", &self.age), ("gender", "gender_logit", &self.gender)]
        {
            let Some((last, hidden)) = layers.split_last() else { continue };
            let mut x = flat.clone();
            for (index, layer) in hidden.iter().enumerate() {
                let y = graph.dense(&format!("{name}{index}"), &x, &layer.ws, bias(&layer.bs)?)?;
                x = graph.relu(&y);
            }
            let value = graph.dense(output, &x, &last.ws, bias(&last.bs)?)?;
            graph.output(&value, 1);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(name: &str) -> (Vec<(String, String, i64)>, i64, i64) {
        let paper = Paper::named(name).expect("a network of the study");
        let layers = paper.layers();
        let vars = nn::VarStore::new(tch::Device::Cpu);
        let _net = paper.build(&vars.root());
        let size = |tensors: Vec<Tensor>| tensors.iter().map(|t| t.numel() as i64).sum::<i64>();
        let total: i64 = layers.iter().map(|l| l.parameters).sum();
        let untrained: i64 = layers.iter().map(|l| l.untrained).sum();
        assert_eq!(size(vars.variables().into_values().collect()), total);
        assert_eq!(size(vars.trainable_variables()), total - untrained);
        let rows = layers.into_iter().map(|l| (l.name, l.output, l.parameters)).collect();
        (rows, total, untrained)
    }

    #[test]
    fn every_number_of_the_age_network_is_the_published_one() {
        let (rows, total, untrained) = counts("paper-age");
        let published = [
            ("conv 32, stride 2, same", "64 x 64 x 32", 896),
            ("max pool 3, stride 2, valid", "31 x 31 x 32", 0),
            ("batch norm", "31 x 31 x 32", 128),
            ("conv 64, same", "31 x 31 x 64", 18_496),
            ("batch norm", "31 x 31 x 64", 256),
            ("conv 128, same", "31 x 31 x 128", 73_856),
            ("flatten", "123,008", 0),
            ("dense 256, dropout 0.4", "256", 31_490_304),
            ("dense 512, dropout 0.4", "512", 131_584),
            ("dense 1, linear (age)", "1", 513),
        ]
        .map(|(name, output, parameters)| (name.to_owned(), output.to_owned(), parameters));
        assert_eq!(rows, published);
        assert_eq!((total, total - untrained, untrained), (31_716_033, 31_715_841, 192));
    }

    #[test]
    fn the_gender_network_has_the_published_totals() {
        let (rows, total, untrained) = counts("paper-gender");
        assert_eq!(rows[7], ("dense 512, dropout 0.4".into(), "512".into(), 62_980_608));
        assert_eq!(rows[8], ("dense 1, sigmoid (gender)".into(), "1".into(), 513));
        assert_eq!((total, total - untrained, untrained), (63_074_753, 63_074_561, 192));
    }

    #[test]
    fn layers_have_the_sizes_that_the_table_says() {
        let vars = nn::VarStore::new(tch::Device::Cpu);
        let net = Paper::named("paper-gender").expect("known").build(&vars.root());
        let outputs = net.forward(&Tensor::zeros([2, 3, SIDE, SIDE], tch::kind::FLOAT_CPU), false);
        assert_eq!(outputs.gender_logit.expect("a gender head").size(), [2, 1]);
        assert!(outputs.age.is_none());
    }
}
