//! Puts the operators in place of what was found.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tract_core::internal::*;

use super::matching::{Fusion, Method, find_fusions};
use super::operator::{ChannelOrder, Convolution, Kernel, ScratchPool};
use face_predict_kernels::{ConvShape, Patch, Pointwise, SimdKind, Tiling, Winograd};

pub(super) fn rewrite(mut model: TypedModel, kind: SimdKind) -> TractResult<(TypedModel, usize)> {
    let order = model.eval_order()?;
    let mut fusions = find_fusions(&model, &order)?;
    if fusions.is_empty() {
        return Ok((model, 0));
    }
    // An operator stands where its last part stood: by then all that it reads is there.
    let place: HashMap<usize, usize> = order.iter().enumerate().map(|(i, n)| (*n, i)).collect();
    fusions.sort_by_key(|fusion| place[&fusion.result.node]);

    let last = channels_last(&model, &fusions);
    let channels =
        |outlet| if last.contains(&outlet) { ChannelOrder::Last } else { ChannelOrder::First };
    let pool = Arc::new(ScratchPool::default());
    let mut patch = TypedModelPatch::new("convolutions");
    let mut wires: HashMap<OutletId, OutletId> = HashMap::new();
    for fusion in &fusions {
        let input = model.node(fusion.node).inputs[0];
        let residual = fusion.residual.map(|inlet| model.node(inlet.node).inputs[inlet.slot]);
        let mut inputs = tvec!();
        for outlet in std::iter::once(input).chain(residual) {
            inputs.push(match wires.get(&outlet) {
                Some(wire) => *wire,
                None => patch.tap_model(&model, outlet)?,
            });
        }
        let op = Convolution {
            kernel: Arc::new(kernel(&model, fusion, kind)?),
            pool: pool.clone(),
            kind,
            images: fusion.images,
            batched: fusion.batched,
            batched_out: fusion.batched_out,
            size: fusion.size,
            input: channels(input),
            residual: residual.map(channels),
            output: channels(fusion.result),
        };
        let wire = patch.wire_node(&model.node(fusion.result.node).name, op, &inputs)?[0];
        wires.insert(fusion.result, wire);
        if channels(fusion.result) == ChannelOrder::First {
            patch.shunt_outside(&model, fusion.result, wire)?;
        }
    }
    patch.apply(&mut model)?;
    model.compact()?;
    Ok((model, fusions.len()))
}

/// The results that nothing but the new operators reads, where channels may lie last.
fn channels_last(model: &TypedModel, fusions: &[Fusion]) -> HashSet<OutletId> {
    // A patch stem reads a picture as it comes.
    let readers: HashSet<InletId> = fusions
        .iter()
        .filter(|fusion| !matches!(fusion.plan, Method::Patch { .. }))
        .flat_map(|fusion| std::iter::once(InletId::new(fusion.node, 0)).chain(fusion.residual))
        .collect();
    fusions
        .iter()
        .map(|fusion| fusion.result)
        .filter(|result| {
            !model.outputs.contains(result)
                && model.outlet_successors(*result).iter().all(|inlet| readers.contains(inlet))
        })
        .collect()
}

/// Packs or transforms the weights of a fusion.
fn kernel(model: &TypedModel, fusion: &Fusion, kind: SimdKind) -> TractResult<Kernel> {
    let constant = |outlet: OutletId| {
        let fact = model.outlet_fact(outlet)?;
        fact.konst.clone().context("weights were found constant")
    };
    let (channels_in, channels_out, relu) = (fusion.channels_in, fusion.channels_out, fusion.relu);
    let weights = constant(model.node(fusion.node).inputs[1])?;
    let weights = weights.try_as_plain_ram()?.as_slice::<f32>()?;
    let bias = match fusion.bias {
        None => vec![0.0; channels_out],
        Some(outlet) => match *constant(outlet)?.try_as_plain_ram()?.as_slice::<f32>()? {
            [all] => vec![all; channels_out],
            ref each => each.to_vec(),
        },
    };
    Ok(match fusion.plan {
        Method::Winograd { stride } => {
            let tiling = Tiling::fastest(stride, fusion.size);
            let shape = ConvShape { channels_in, channels_out, tiling, relu };
            Kernel::Winograd(Winograd::new(kind, shape, weights, &bias)?)
        }
        Method::Patch { kernel } => {
            Kernel::Patch(Patch::new(kind, kernel, channels_in, weights, &bias, relu)?)
        }
        Method::Pointwise => {
            Kernel::Pointwise(Pointwise::new(kind, channels_in, weights, &bias, relu)?)
        }
    })
}
