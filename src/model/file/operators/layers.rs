//! Convolutions, pools and matrices.

use tract_core::internal::*;
use tract_core::ops::cnn::{PaddingSpec, PoolSpec};
use tract_core::ops::einsum::EinSum;
use tract_core::ops::{math, nn};
use tract_hir::internal::Expansion;
use tract_hir::ops as hir;
use tract_hir::ops::binary::InferenceBinOp;

#[cfg(test)]
use super::row::Case;
use super::row::{Growth, Operator};
use super::site::{Site, ensure_right, value};
#[cfg(test)]
use super::tests::{ints, numbers};
#[cfg(test)]
use crate::model::onnx::Value;

const WINDOW: &str = "any number of axes; the picture's come last";

pub(super) const OPERATORS: &[Operator] = &[
    Operator {
        name: "AveragePool",
        inputs: (1, 1),
        attributes: &[
            "auto_pad",
            "ceil_mode",
            "count_include_pad",
            "kernel_shape",
            "pads",
            "strides",
        ],
        bounds: WINDOW,
        growth: Growth::Unbounded,
        wire: |s, m| {
            let padded = s.node.flag("count_include_pad")?;
            s.expand(m, hir::cnn::HirSumPool::new(s.pool(m)?, padded, true))
        },
        #[cfg(test)]
        cases: &[Case::Graph(|g, x| {
            let more = [
                ("kernel_shape", ints(&[3, 2])),
                ("pads", ints(&[1, 0, 1, 0])),
                ("count_include_pad", Value::Int(1)),
            ];
            g.node("AveragePool", &[x], &more)
        })],
    },
    Operator {
        name: "BatchNormalization",
        inputs: (5, 5),
        attributes: &["epsilon", "momentum", "training_mode"],
        bounds: "constant parameters, one output",
        growth: Growth::Same,
        wire: |s, m| s.batch_normalization(m),
        #[cfg(test)]
        cases: &[Case::Graph(|g, x| {
            let lists = [
                [1.0, 2.0, -1.0, 0.5],
                [0.1, 0.2, 0.3, 0.4],
                [0.5, 0.0, 0.1, 1.0],
                [1.0, 0.2, 2.0, 0.1],
            ];
            let [a, b, c, d] = lists.map(|list| g.half(&[4], &list));
            g.node("BatchNormalization", &[x, &a, &b, &c, &d], &[])
        })],
    },
    Operator {
        name: "Conv",
        inputs: (2, 3),
        attributes: &["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"],
        bounds: "floating point; weights and bias of a known size",
        growth: Growth::Unbounded,
        wire: |s, m| s.conv(m),
        #[cfg(test)]
        cases: &[
            Case::Graph(|g, x| {
                let (weights, bias) =
                    (g.constant(&[5, 4, 3, 3], &numbers(180)), g.constant(&[5], &numbers(5)));
                let more = [
                    ("pads", ints(&[0, 1, 2, 1])),
                    ("strides", ints(&[2, 1])),
                    ("kernel_shape", ints(&[3, 3])),
                ];
                g.node("Conv", &[x, &weights, &bias], &more)
            }),
            // Reads a convolution in groups.
            Case::Graph(|g, x| {
                let weights = g.half(&[8, 2, 3, 3], &numbers(144));
                let more = [
                    ("group", Value::Int(2)),
                    ("dilations", ints(&[2, 3])),
                    ("auto_pad", Value::Text("SAME_LOWER")),
                ];
                g.node("Conv", &[x, &weights], &more)
            }),
        ],
    },
    Operator {
        name: "Gemm",
        inputs: (2, 3),
        attributes: &["alpha", "beta", "transA", "transB"],
        bounds: "matrices of two dimensions",
        growth: Growth::Product,
        wire: |s, m| s.gemm(m),
        #[cfg(test)]
        cases: &[Case::Graph(|g, x| {
            let flat = g.node("Flatten", &[x], &[]);
            let (b, c) = (g.constant(&[7, 192], &numbers(7 * 192)), g.constant(&[7], &numbers(7)));
            let more = [
                ("transB", Value::Int(1)),
                ("alpha", Value::Float(0.5)),
                ("beta", Value::Float(2.0)),
            ];
            g.node("Gemm", &[&flat, &b, &c], &more)
        })],
    },
    Operator {
        name: "GlobalAveragePool",
        inputs: (1, 1),
        attributes: &[],
        bounds: "",
        growth: Growth::NoLarger,
        wire: |s, m| s.expand(m, hir::nn::GlobalAvgPool::new()),
        #[cfg(test)]
        cases: &[Case::Alone],
    },
    Operator {
        name: "GlobalMaxPool",
        inputs: (1, 1),
        attributes: &[],
        bounds: "",
        growth: Growth::NoLarger,
        wire: |s, m| s.expand(m, hir::nn::GlobalMaxPool::new()),
        #[cfg(test)]
        cases: &[Case::Alone],
    },
    Operator {
        name: "MatMul",
        inputs: (2, 2),
        attributes: &[],
        bounds: "",
        growth: Growth::Product,
        wire: |s, m| s.mat_mul(m),
        #[cfg(test)]
        cases: &[Case::Graph(|g, x| {
            let b = g.constant(&[8, 3], &numbers(24));
            g.node("MatMul", &[x, &b], &[])
        })],
    },
    Operator {
        name: "MaxPool",
        inputs: (1, 1),
        attributes: &[
            "auto_pad",
            "ceil_mode",
            "dilations",
            "kernel_shape",
            "pads",
            "storage_order",
            "strides",
        ],
        bounds: "one output: the indices are not given",
        growth: Growth::Unbounded,
        wire: |s, m| {
            ensure!(s.node.output.len() == 1, "the indices of MaxPool are not supported");
            s.expand(m, hir::cnn::HirMaxPool::new(s.pool(m)?, None))
        },
        #[cfg(test)]
        cases: &[Case::Graph(|g, x| {
            let more = [
                ("kernel_shape", ints(&[3, 2])),
                ("strides", ints(&[2, 2])),
                ("pads", ints(&[1, 0, 1, 0])),
                ("ceil_mode", Value::Int(1)),
            ];
            g.node("MaxPool", &[x], &more)
        })],
    },
];

impl Site<'_> {
    fn padding(&self, pooling: bool) -> TractResult<PaddingSpec> {
        let up = self.node.flag("ceil_mode")?;
        let explicit = |before: TVec<usize>, after: TVec<usize>| {
            if pooling {
                PaddingSpec::ExplicitOnnxPool(before, after, up)
            } else {
                PaddingSpec::Explicit(before, after)
            }
        };
        if let Some(pads) = self.node.sizes("pads")? {
            let (before, after) = pads.split_at(pads.len() / 2);
            return Ok(explicit(before.into(), after.into()));
        }
        Ok(match self.text("auto_pad", "NOTSET")? {
            "NOTSET" => match self.node.ints("kernel_shape")? {
                Some(shape) => explicit(tvec!(0; shape.len()), tvec!(0; shape.len())),
                None => PaddingSpec::Valid,
            },
            "VALID" => PaddingSpec::Valid,
            "SAME_UPPER" => PaddingSpec::SameUpper,
            "SAME_LOWER" => PaddingSpec::SameLower,
            other => bail!("auto_pad {other:?} is not supported"),
        })
    }

    /// Reads strides or dilations. The attribute may be missing; else it has one number above zero for each of the
    /// picture's axes.
    fn steps(&self, name: &str, axes: usize) -> TractResult<Option<TVec<usize>>> {
        let steps = self.node.sizes(name)?;
        let right = |steps: &TVec<usize>| steps.len() == axes && !steps.contains(&0);
        ensure!(
            steps.as_ref().is_none_or(right),
            "{name} are {steps:?}, which is not supported for {axes} axes"
        );
        Ok(steps)
    }

    fn pool(&self, model: &TypedModel) -> TractResult<PoolSpec> {
        let kernel =
            self.node.sizes("kernel_shape")?.context("the attribute kernel_shape is missing")?;
        let rank = model.outlet_fact(self.input(0)?)?.rank();
        ensure_right(rank == kernel.len() + 2, || {
            format!("a window of {kernel:?} does not fit an input of {rank} dimensions")
        })?;
        let dilations = self.steps("dilations", kernel.len())?;
        let strides = self.steps("strides", kernel.len())?;
        let padding = self.padding(true)?;
        Ok(PoolSpec::new(nn::DataFormat::NCHW, kernel, padding, dilations, strides, 0, 0))
    }

    fn conv(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let kernel_shape = self.node.sizes("kernel_shape")?;
        let input = model.outlet_fact(self.input(0)?)?;
        let kernel = model.outlet_fact(self.input(1)?)?;
        let shape = kernel.shape.as_concrete().context("the size of the kernel is not known")?;
        let (on, kind) = (&input.shape, input.datum_type);
        ensure_right(shape.len() > 2 && input.rank() == shape.len(), || {
            format!("a kernel of shape {shape:?} does not fit an input of shape {on:?}")
        })?;
        ensure!(
            kind.is_float() && kernel.datum_type == kind,
            "the kernel and the input have different types"
        );
        if let Some(claimed) = &kernel_shape {
            ensure!(
                claimed[..] == shape[2..],
                "kernel_shape is {claimed:?}, but the weights have shape {shape:?}"
            );
        }
        if let Some(bias) = self.optional(2) {
            let bias = &model.outlet_fact(bias)?.shape;
            ensure!(
                bias.as_concrete() == Some(&shape[..1]),
                "a bias of shape {bias:?} does not fit weights of shape {shape:?}"
            );
        }
        let group = self.node.int("group")?.map_or(Ok(1), usize::try_from)?;
        ensure!(
            group > 0 && shape[0] % group == 0,
            "{group} groups do not fit {} channels",
            shape[0]
        );
        let axes = shape.len() - 2;
        let op = hir::cnn::Conv {
            kernel_shape,
            padding: self.padding(false)?,
            dilations: self.steps("dilations", axes)?,
            strides: self.steps("strides", axes)?,
            group: Some(group),
            bias_input: self.optional(2).map(|_| 2),
            ..Default::default()
        };
        self.expand(model, op)
    }

    fn mat_mul(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let (a, b) = (model.outlet_fact(self.input(0)?)?, model.outlet_fact(self.input(1)?)?);
        // A list of numbers is a row on the left, and a column on the right.
        let left = (a.rank().saturating_sub(1), b.rank().saturating_sub(2));
        check_product(&a.shape, &b.shape, left)?;
        self.expand(model, hir::matmul::MatMulInference::default())
    }

    fn gemm(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let (a, b) = (self.input(0)?, self.input(1)?);
        for wire in [a, b] {
            let fact = model.outlet_fact(wire)?;
            ensure!(
                fact.rank() == 2,
                "the matrix has shape {:?}, but it must have two dimensions",
                fact.shape
            );
        }
        let turned = (self.node.flag("transA")?, self.node.flag("transB")?);
        let (left, right) = (&model.outlet_fact(a)?.shape, &model.outlet_fact(b)?.shape);
        check_product(left, right, (usize::from(!turned.0), usize::from(turned.1)))?;
        let axes = AxesMapping::for_numpy_matmul(2, turned.0, turned.1, false)?;
        let op = EinSum::new(axes, model.outlet_fact(a)?.datum_type);
        let product = model.wire_node(format!("{}.product", self.name), op, &[a, b])?[0];
        let product = self.times(model, product, "alpha")?;
        let Some(c) = self.optional(2) else { return Ok(tvec!(product)) };
        let c = self.times(model, c, "beta")?;
        InferenceBinOp(Box::new(math::Add)).wire(self.name, model, &[product, c])
    }

    /// Multiplies by a factor that is an attribute, and 1 unless it is given.
    fn times(&self, model: &mut TypedModel, wire: OutletId, by: &str) -> TractResult<OutletId> {
        let factor = self.float(by, 1.0)?;
        if factor == 1.0 {
            return Ok(wire);
        }
        let factor = model.add_const(format!("{}.{by}", self.name), tensor0(factor))?;
        let name = format!("{}.times_{by}", self.name);
        Ok(InferenceBinOp(Box::new(math::Mul)).wire(&name, model, &[wire, factor])?[0])
    }

    fn batch_normalization(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        ensure!(
            self.node.output.len() == 1,
            "outputs with statistics, as in training, are not supported"
        );
        let epsilon = self.float("epsilon", 1e-5)?;
        let fact = model.outlet_fact(self.input(0)?)?;
        let (rank, kind) = (fact.rank(), fact.datum_type);
        ensure_right(rank > 1, || format!("{:?} has no channels", fact.shape))?;
        let channels = fact.shape.as_concrete().and_then(|shape| shape.get(1).copied());
        let mut lists = Vec::new();
        for index in 1..5 {
            let list = value(model, self.input(index)?).context("a parameter is not constant")?;
            let list = list.cast_to::<f32>()?.try_as_plain_ram()?.as_slice::<f32>()?.to_vec();
            ensure!(
                Some(list.len()) == channels,
                "a parameter has {} numbers, which do not fit {channels:?} channels",
                list.len()
            );
            lists.push(list);
        }
        let [scale, bias, mean, variance] = &lists[..] else { bail!("parameters are missing") };
        let slope: Vec<f32> =
            scale.iter().zip(variance).map(|(s, v)| s / (v + epsilon).sqrt()).collect();
        let offset: Vec<f32> =
            bias.iter().zip(mean).zip(&slope).map(|((b, m), s)| b - m * s).collect();
        let mut shape = vec![1; rank];
        shape[1] = slope.len();
        let list = |model: &mut TypedModel, what: &str, list: &[f32]| {
            let list = tensor1(list).cast_to_dt(kind)?.into_owned().into_shape(&shape)?;
            model.add_const(format!("{}.{what}", self.name), list)
        };
        let (slope, offset) = (list(model, "slope", &slope)?, list(model, "offset", &offset)?);
        let name = format!("{}.scaled", self.name);
        let wire = model.wire_node(name, math::mul(), &[self.input(0)?, slope])?[0];
        model.wire_node(self.name, math::add(), &[wire, offset])
    }
}

/// Refuses a product of two shapes that do not fit along the axes that are summed over. The engine does not check this
/// for constants, and would read beyond the smaller one.
fn check_product(a: &ShapeFact, b: &ShapeFact, axes: (usize, usize)) -> TractResult<()> {
    let sizes = (a.get(axes.0), b.get(axes.1));
    ensure_right(sizes.0.is_some() && sizes.0 == sizes.1, || {
        format!("a matrix of shape {a:?} cannot be multiplied by one of shape {b:?}")
    })
}
