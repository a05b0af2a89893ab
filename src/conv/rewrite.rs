//! The pass that finds convolutions in a decluttered network and replaces them.
//!
//! What it cannot prove equal it leaves alone.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tract_core::internal::*;
use tract_core::ops::binary::TypedBinOp;
use tract_core::ops::cnn::{Conv, KernelFormat};
use tract_core::ops::math::{Add, Max};
use tract_core::ops::nn::DataFormat;

use super::kernels::winograd::Shape;
use super::kernels::{Kind, Patch, Size, Winograd, patch};
use super::op::{Convolution, Kernel, Layout, Pool};

/// Which kernel takes a convolution.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plan {
    Winograd { stride: usize },
    Patch { kernel: usize },
}

/// A convolution and what follows it that is computed with it.
struct Group {
    plan: Plan,
    /// The convolution.
    node: usize,
    /// Where a sum that belongs to the group reads what is added.
    residual: Option<InletId>,
    relu: bool,
    /// What it all results in.
    result: OutletId,
    images: usize,
    batched: bool,
    channels_in: usize,
    /// Of the input.
    size: Size,
}

pub(super) fn rewrite(mut model: TypedModel, kind: Kind) -> TractResult<(TypedModel, usize)> {
    let order = model.eval_order()?;
    let mut groups = vec![];
    let mut taken = HashSet::new();
    for &node in &order {
        if let Some(mut group) = convolution(&model, node)? {
            extend(&model, &mut group, &mut taken)?;
            groups.push(group);
        }
    }
    if groups.is_empty() {
        return Ok((model, 0));
    }
    // An operator stands where its last part stood: by then all that it reads is there.
    let place: HashMap<usize, usize> = order.iter().enumerate().map(|(i, n)| (*n, i)).collect();
    groups.sort_by_key(|group| place[&group.result.node]);

    let last = channels_last(&model, &groups);
    let layout = |outlet| if last.contains(&outlet) { Layout::Last } else { Layout::First };
    let pool = Arc::new(Pool::default());
    let mut patch = TypedModelPatch::new("convolutions");
    let mut wires: HashMap<OutletId, OutletId> = HashMap::new();
    for group in &groups {
        let input = model.node(group.node).inputs[0];
        let residual = group.residual.map(|inlet| model.node(inlet.node).inputs[inlet.slot]);
        let mut inputs = tvec!();
        for outlet in std::iter::once(input).chain(residual) {
            inputs.push(match wires.get(&outlet) {
                Some(wire) => *wire,
                None => patch.tap_model(&model, outlet)?,
            });
        }
        let op = Convolution {
            kernel: Arc::new(kernel(&model, group, kind)?),
            pool: pool.clone(),
            kind,
            images: group.images,
            batched: group.batched,
            size: group.size,
            input: layout(input),
            residual: residual.map(layout),
            output: layout(group.result),
        };
        let wire = patch.wire_node(&model.node(group.result.node).name, op, &inputs)?[0];
        wires.insert(group.result, wire);
        if layout(group.result) == Layout::First {
            patch.shunt_outside(&model, group.result, wire)?;
        }
    }
    patch.apply(&mut model)?;
    model.compact()?;
    Ok((model, groups.len()))
}

/// The results that nothing but the new operators reads, where channels may lie last.
fn channels_last(model: &TypedModel, groups: &[Group]) -> HashSet<OutletId> {
    // A patch stem reads a picture as it comes.
    let readers: HashSet<InletId> = groups
        .iter()
        .filter(|group| matches!(group.plan, Plan::Winograd { .. }))
        .flat_map(|group| std::iter::once(InletId::new(group.node, 0)).chain(group.residual))
        .collect();
    groups
        .iter()
        .map(|group| group.result)
        .filter(|result| {
            !model.outputs.contains(result)
                && model.outlet_successors(*result).iter().all(|inlet| readers.contains(inlet))
        })
        .collect()
}

/// The group of this node alone, if it is a convolution that a kernel takes.
fn convolution(model: &TypedModel, id: usize) -> TractResult<Option<Group>> {
    let node = model.node(id);
    let Some(conv) = node.op_as::<Conv>() else { return Ok(None) };
    let &[input, weights, bias] = &*node.inputs else { return Ok(None) };
    let (input, weights, bias) =
        (model.outlet_fact(input)?, model.outlet_fact(weights)?, model.outlet_fact(bias)?);
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
        && weights.konst.is_some()
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
    let fits = kernel_height == kernel_width
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
    // The kernels know one place for the first window and one number of windows; beyond the
    // picture they read zeros, which is what padding is.
    let pads = conv.pool_spec.computed_padding(&[height, width]);
    let windows = |before: usize, outputs: [usize; 2]| {
        pads.iter().zip(outputs).all(|(pad, n)| pad.pad_before == before && pad.convoluted == n)
            && output[output.len() - 2..] == outputs
    };
    let plan = if kernel == 3
        && (stride == 1 || stride == 2)
        && windows(1, [height.div_ceil(stride), width.div_ceil(stride)])
    {
        Plan::Winograd { stride }
    } else if kernel == stride
        && patch::fits(kernel, channels_in)
        && windows(0, [height / kernel, width / kernel])
    {
        Plan::Patch { kernel }
    } else {
        return Ok(None);
    };
    Ok(Some(Group {
        plan,
        node: id,
        residual: None,
        relu: false,
        result: OutletId::new(id, 0),
        images,
        batched,
        channels_in,
        size: Size { height, width },
    }))
}

/// Takes a residual sum and a ReLU into the group, where nothing else reads what is between.
fn extend(model: &TypedModel, group: &mut Group, taken: &mut HashSet<usize>) -> TractResult<()> {
    let shape = model.outlet_fact(group.result)?.shape.clone();
    let same = |fact: &TypedFact| fact.datum_type == f32::datum_type() && fact.shape == shape;
    if let Some((inlet, op)) = only_reader(model, group.result)
        && op.0.is::<Add>()
        && matches!(group.plan, Plan::Winograd { .. })
        && !taken.contains(&inlet.node)
    {
        let other = InletId::new(inlet.node, 1 - inlet.slot);
        let added = model.outlet_fact(model.node(other.node).inputs[other.slot])?;
        let sum = OutletId::new(inlet.node, 0);
        if same(added) && added.konst.is_none() && same(model.outlet_fact(sum)?) {
            taken.insert(inlet.node);
            group.residual = Some(other);
            group.result = sum;
        }
    }
    if let Some((inlet, op)) = only_reader(model, group.result)
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
            group.relu = true;
            group.result = result;
        }
    }
    Ok(())
}

/// What reads this outlet, if it is one operator of two operands, and the outlet no output.
fn only_reader(model: &TypedModel, outlet: OutletId) -> Option<(InletId, &TypedBinOp)> {
    let &[inlet] = model.outlet_successors(outlet) else { return None };
    let op = model.node(inlet.node).op_as::<TypedBinOp>()?;
    let plain = op.1.is_none_or(|dt| dt == f32::datum_type());
    (plain && !model.outputs.contains(&outlet)).then_some((inlet, op))
}

/// Packs or transforms the weights of a group.
fn kernel(model: &TypedModel, group: &Group, kind: Kind) -> TractResult<Kernel> {
    let constant = |slot: usize| {
        let fact = model.outlet_fact(model.node(group.node).inputs[slot])?;
        fact.konst.clone().context("a convolution's weights are constant")
    };
    let (weights, bias) = (constant(1)?, constant(2)?);
    let (weights, bias) = (weights.try_as_plain_ram()?, bias.try_as_plain_ram()?);
    let (weights, mut bias) = (weights.as_slice::<f32>()?, bias.as_slice::<f32>()?.to_vec());
    let taps = match group.plan {
        Plan::Winograd { .. } => 9,
        Plan::Patch { kernel } => kernel * kernel,
    };
    let (channels_in, relu) = (group.channels_in, group.relu);
    let channels_out = weights.len() / (channels_in * taps);
    if let [all] = *bias {
        bias = vec![all; channels_out];
    }
    ensure!(bias.len() == channels_out, "{} biases for {channels_out} channels", bias.len());
    Ok(match group.plan {
        Plan::Winograd { stride } => {
            let shape = Shape { channels_in, channels_out, stride, size: group.size, relu };
            Kernel::Winograd(Winograd::new(kind, shape, weights, &bias)?)
        }
        Plan::Patch { kernel } => {
            Kernel::Patch(Patch::new(kind, kernel, channels_in, weights, &bias, relu)?)
        }
    })
}
