//! Finds, in a decluttered network, the convolutions that the kernels can compute, and what is computed with them.
//!
//! It changes nothing that it cannot prove equal.

use std::collections::HashSet;

use tract_core::internal::*;
use tract_core::ops::binary::TypedBinOp;
use tract_core::ops::cnn::{Conv, KernelFormat};
use tract_core::ops::einsum::EinSum;
use tract_core::ops::math::{Add, Max};
use tract_core::ops::nn::DataFormat;

use face_predict_kernels::layout::padded;
use face_predict_kernels::{Patch, Size, Tiling};

/// The kernel that computes a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Method {
    Winograd { tiling: Tiling },
    Patch { kernel: usize },
    Pointwise,
}

/// A convolution, and the operators behind it that are computed with it.
pub(super) struct Fusion {
    pub(super) method: Method,
    /// The convolution, whose first input is the picture and whose second is the weights.
    pub(super) node: usize,
    /// A constant: one number for each output channel, or one for all.
    pub(super) bias: Option<OutletId>,
    /// The place where the sum in the fusion reads its other operand.
    pub(super) residual: Option<InletId>,
    pub(super) relu: bool,
    /// The outlet with the result of the fusion.
    pub(super) result: OutletId,
    pub(super) images: usize,
    /// Whether the input has an axis for pictures, and whether the result has one.
    pub(super) batched: bool,
    pub(super) batched_out: bool,
    pub(super) channels_in: usize,
    pub(super) channels_out: usize,
    /// The shape of the input.
    pub(super) size: Size,
}

/// Numbers of a padded map that are always fine. A stem with three channels on 1,024 x 1,024 pixels has so many.
const MAP: usize = 1 << 23;

/// Padded pairs of channels that are always fine. The weights of 2,000 convolutions then have 300 MB.
const PAIRS: usize = 1 << 10;

impl Fusion {
    /// Returns whether the memory for the padding of channels to eight is in proportion. A file could otherwise have a map
    /// of 8192 x 8192 with one channel, which is within the limits, and takes 2 GB when it is padded.
    fn pads_little(&self) -> bool {
        let (given, made) = (self.channels_in, self.channels_out);
        let pixels = self.images.saturating_mul(self.size.height).saturating_mul(self.size.width);
        let map = |n: usize| padded(n) <= 2 * n || pixels.saturating_mul(padded(n)) <= MAP;
        let pairs = padded(given).saturating_mul(padded(made));
        map(given) && map(made) && (pairs <= PAIRS || pairs <= given.saturating_mul(4 * made))
    }
}

/// Returns all fusions of a network. The nodes must be given in an order in which they can be computed.
pub(super) fn find_fusions(model: &TypedModel, order: &[usize]) -> TractResult<Vec<Fusion>> {
    let mut fusions = vec![];
    let mut taken = HashSet::new();
    let mut results = HashSet::new();
    for &node in order {
        let fusion = match convolution(model, node)? {
            Some(fusion) => Some(fusion),
            None => pointwise(model, node, &results)?,
        };
        if let Some(mut fusion) = fusion.filter(Fusion::pads_little) {
            extend(model, &mut fusion, &mut taken)?;
            results.insert(fusion.result);
            fusions.push(fusion);
        }
    }
    Ok(fusions)
}

/// Winograd's transforms add weights. Beside one that is larger than this, others would be lost in its rounding. A fuzzer
/// made weights of 10 to the 37th, for which the engine's own convolutions gave another answer.
const LARGEST_WEIGHT: f32 = 1e4;

fn is_moderate(weights: &Tensor) -> bool {
    let numbers = weights.try_as_plain_ram().and_then(|plain| plain.as_slice::<f32>());
    // A weight that is no finite number stays here: the trial run then refuses the file, whereas the engine's ReLU hides it.
    let huge = |weight: &f32| weight.is_finite() && weight.abs() > LARGEST_WEIGHT;
    numbers.is_ok_and(|numbers| !numbers.iter().any(huge))
}

/// Returns the fusion of this node alone, if it is a convolution for the Winograd or the patch kernel.
fn convolution(model: &TypedModel, id: usize) -> TractResult<Option<Fusion>> {
    let node = model.node(id);
    let Some(conv) = node.op_as::<Conv>() else { return Ok(None) };
    let &[input, weights, bias_outlet] = &*node.inputs else { return Ok(None) };
    let (input, weights, bias) =
        (model.outlet_fact(input)?, model.outlet_fact(weights)?, model.outlet_fact(bias_outlet)?);
    let batched = match conv.pool_spec.data_format {
        DataFormat::NCHW => true,
        DataFormat::CHW => false,
        _ => return Ok(None),
    };
    let f32 = f32::datum_type();
    let ordinary = conv.group == 1
        && conv.q_params.is_none()
        && conv.kernel_fmt == KernelFormat::OIHW
        && conv.pool_spec.rank() == 2
        && conv.pool_spec.dilations().iter().all(|dilation| *dilation == 1)
        && node.outputs.len() == 1
        && [input, weights, bias].iter().all(|fact| fact.datum_type == f32 && !fact.is_exotic())
        && weights.konst.as_deref().is_some_and(is_moderate)
        && bias.konst.is_some();
    let (Some(shape), Some(output)) =
        (input.shape.as_concrete(), node.outputs[0].fact.shape.as_concrete())
    else {
        return Ok(None);
    };
    if !ordinary || shape.len() != 3 + usize::from(batched) || shape.contains(&0) {
        return Ok(None);
    }
    let images = if batched { shape[0] } else { 1 };
    let &[channels_in, height, width] = &shape[shape.len() - 3..] else { return Ok(None) };
    let channels_out = conv.output_channels();
    let &[kernel_height, kernel_width] = &*conv.pool_spec.kernel_shape else { return Ok(None) };
    let biases = [Some(&[] as &[usize]), Some(&[1]), Some(&[channels_out])];
    let fits = kernel_height == kernel_width
        && biases.contains(&bias.shape.as_concrete())
        && conv.input_channels() == channels_in
        && channels_out > 0
        && weights.shape.as_concrete()
            == Some(&[channels_out, channels_in, kernel_height, kernel_width])
        && output.len() == shape.len()
        && output[output.len() - 3] == channels_out;
    let (stride, kernel) = (conv.pool_spec.stride(0), kernel_height);
    if !fits || conv.pool_spec.stride(1) != stride {
        return Ok(None);
    }
    // The kernels know one place for the first window, and one number of windows. Beyond the picture they read zeros,
    // which is what padding is.
    let pads = conv.pool_spec.computed_padding(&[height, width]);
    let windows = |before: usize, outputs: [usize; 2]| {
        pads.iter().zip(outputs).all(|(pad, n)| pad.pad_before == before && pad.convoluted == n)
            && output[output.len() - 2..] == outputs
    };
    let method = if kernel == 3
        && (stride == 1 || stride == 2)
        && windows(1, [height.div_ceil(stride), width.div_ceil(stride)])
    {
        Method::Winograd { tiling: Tiling::fastest(stride, Size { height, width }) }
    } else if kernel == stride
        && Patch::takes(kernel, channels_in)
        && windows(0, [height / kernel, width / kernel])
    {
        Method::Patch { kernel }
    } else {
        return Ok(None);
    };
    Ok(Some(Fusion {
        method,
        node: id,
        bias: Some(bias_outlet),
        residual: None,
        relu: false,
        result: OutletId::new(id, 0),
        images,
        batched,
        batched_out: batched,
        channels_in,
        channels_out,
        size: Size { height, width },
    }))
}

/// Returns the fusion of this node alone, if it is a 1 x 1 convolution of the result of another fusion. tract writes
/// such a convolution as a sum over channels. Elsewhere tract is as fast.
///
/// In the letters of `einsum`, a convolution from 20 channels to 15 over a map of 6 x 8 comes in three forms:
///
/// ```text
/// nkhw,mk->nmhw   [1, 20, 6, 8], [15, 20] -> [1, 15, 6, 8]    as it was written
///  khw,mk->nmhw      [20, 6, 8], [15, 20] -> [1, 15, 6, 8]    tract took the axis for pictures away before, and brings it back
/// nkhw,k->nmhw    [1, 20, 6, 8],     [20] -> [1,  1, 6, 8]    one output channel, whose axis the weights lack
/// ```
///
/// So these axes must be there: `k`, which the output lacks; `m`, which the input lacks; and `h`, `w` and `n`, which
/// the weights lack. A sum with another axis is something else.
fn pointwise(
    model: &TypedModel,
    id: usize,
    results: &HashSet<OutletId>,
) -> TractResult<Option<Fusion>> {
    let node = model.node(id);
    let Some(sum) = node.op_as::<EinSum>() else { return Ok(None) };
    let &[input, weights] = &*node.inputs else { return Ok(None) };
    if !results.contains(&input) || sum.q_params.is_some() || node.outputs.len() != 1 {
        return Ok(None);
    }
    let (input, weights) = (model.outlet_fact(input)?, model.outlet_fact(weights)?);
    let f32 = f32::datum_type();
    let ordinary = sum.operating_dt == f32
        && [input, weights].iter().all(|fact| fact.datum_type == f32 && !fact.is_exotic())
        && weights.konst.is_some();
    let (Some(shape), Some(weights)) = (input.shape.as_concrete(), weights.shape.as_concrete())
    else {
        return Ok(None);
    };
    // Weights for one output channel have no axis for it.
    let (channels_out, inner, axis_out, axis_in) = match *weights {
        [channels_out, inner] => (channels_out, inner, Some(0), 1),
        [inner] => (1, inner, None, 0),
        _ => return Ok(None),
    };
    let output = &node.outputs[0].fact;
    let Some(out_shape) = output.shape.as_concrete() else { return Ok(None) };
    let (batched, batched_out) = (shape.len() == 4, out_shape.len() == 4);
    let ranks = 3..=4;
    if !ordinary || !ranks.contains(&shape.len()) || !ranks.contains(&out_shape.len()) {
        return Ok(None);
    }
    let (channel, channel_out) = (shape.len() - 3, out_shape.len() - 3);
    let &[channels_in, height, width] = &shape[channel..] else { return Ok(None) };
    let images = if batched { shape[0] } else { 1 };
    if shape.contains(&0) || channels_out == 0 || (batched && !batched_out) {
        return Ok(None);
    }
    // Rows, columns and pictures are kept, and the weights exchange the channel. In this operator, tract may also bring
    // back the axis for pictures that it removed earlier.
    let axis = |inputs: [Option<usize>; 2], output: Option<usize>| {
        let list = |place: Option<usize>| place.into_iter().collect::<TVec<usize>>();
        sum.axes
            .iter_all_axes()
            .any(|axis| *axis.inputs == inputs.map(list) && *axis.outputs == [list(output)])
    };
    let exchanged =
        axis([Some(channel), Some(axis_in)], None) && axis([None, axis_out], Some(channel_out));
    let kept = [1, 2].iter().all(|i| axis([Some(channel + i), None], Some(channel_out + i)))
        && (!batched_out || axis([batched.then_some(0), None], Some(0)));
    let mut expected = vec![channels_out, height, width];
    if batched_out {
        expected.insert(0, images);
    }
    let fits = exchanged
        && kept
        && sum.axes.iter_all_axes().count() == 1 + out_shape.len()
        && inner == channels_in
        && output.datum_type == f32
        && out_shape == expected;
    Ok(fits.then(|| Fusion {
        method: Method::Pointwise,
        node: id,
        bias: None,
        residual: None,
        relu: false,
        result: OutletId::new(id, 0),
        images,
        batched,
        batched_out,
        channels_in,
        channels_out,
        size: Size { height, width },
    }))
}

/// Takes a bias, a residual sum and a ReLU into the fusion, if nothing else reads the values in between.
///
/// ```text
/// a = Conv(x)   b = Add(a, y)   c = Max(b, 0)   d = Conv(c)   e = Add(c, d)
/// ```
///
/// At the start, the first fusion is `a` alone. Only `b` reads `a`, and `y` has the shape of `a`. So the result becomes
/// `b`, and the residual `y`. Only `c` reads `b`, and the bound is zero. So the result becomes `c`, with a ReLU. `d`
/// and `e` both read `c`, so the fusion ends there. The second fusion starts with `d`, and takes `e` in with `c` as its
/// residual. If `y` were the result of a convolution, too, the one that comes first would [take](find_fusions) `b`. For
/// 1 x 1 convolutions a sum is the bias, if `y` is a constant `[1, channels, 1, 1]`.
fn extend(model: &TypedModel, fusion: &mut Fusion, taken: &mut HashSet<usize>) -> TractResult<()> {
    let shape = model.outlet_fact(fusion.result)?.shape.clone();
    let same = |fact: &TypedFact| fact.datum_type == f32::datum_type() && fact.shape == shape;
    if let Some((inlet, op)) = only_reader(model, fusion.result)
        && op.0.is::<Add>()
        && fusion.method == Method::Pointwise
    {
        let other = model.node(inlet.node).inputs[1 - inlet.slot];
        let added = model.outlet_fact(other)?;
        let sum = OutletId::new(inlet.node, 0);
        let mut each = vec![1; shape.rank()];
        each[shape.rank() - 3] = fusion.channels_out;
        if added.konst.is_some()
            && added.datum_type == f32::datum_type()
            && added.shape.as_concrete() == Some(&each)
            && same(model.outlet_fact(sum)?)
        {
            fusion.bias = Some(other);
            fusion.result = sum;
        }
    }
    if let Some((inlet, op)) = only_reader(model, fusion.result)
        && op.0.is::<Add>()
        && matches!(fusion.method, Method::Winograd { .. })
        && !taken.contains(&inlet.node)
    {
        let other = InletId::new(inlet.node, 1 - inlet.slot);
        let added = model.outlet_fact(model.node(other.node).inputs[other.slot])?;
        let sum = OutletId::new(inlet.node, 0);
        if same(added) && added.konst.is_none() && same(model.outlet_fact(sum)?) {
            taken.insert(inlet.node);
            fusion.residual = Some(other);
            fusion.result = sum;
        }
    }
    if let Some((inlet, op)) = only_reader(model, fusion.result)
        && op.0.is::<Max>()
    {
        let bound = model.outlet_fact(model.node(inlet.node).inputs[1 - inlet.slot])?;
        let zero = match bound.konst.as_ref().or(bound.uniform.as_ref()) {
            Some(value) if value.datum_type() == f32::datum_type() => {
                value.try_as_plain_ram()?.as_slice::<f32>()?.iter().all(|bound| *bound == 0.0)
            }
            _ => false,
        };
        let result = OutletId::new(inlet.node, 0);
        if zero && same(model.outlet_fact(result)?) {
            fusion.relu = true;
            fusion.result = result;
        }
    }
    Ok(())
}

/// Returns the reader of this outlet, if there is one operator of two operands, and the outlet is no output.
fn only_reader(model: &TypedModel, outlet: OutletId) -> Option<(InletId, &TypedBinOp)> {
    let &[inlet] = model.outlet_successors(outlet) else { return None };
    let op = model.node(inlet.node).op_as::<TypedBinOp>()?;
    let plain = op.1.is_none_or(|dt| dt == f32::datum_type());
    (plain && !model.outputs.contains(&outlet)).then_some((inlet, op))
}
