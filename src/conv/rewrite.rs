//! Puts the operators in place of what was found.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tract_core::internal::*;

use super::find::{Group, Plan, groups};
use super::kernels::winograd::Shape;
use super::kernels::{Kind, Patch, Point, Winograd};
use super::op::{Convolution, Kernel, Layout, Pool};

pub(super) fn rewrite(mut model: TypedModel, kind: Kind) -> TractResult<(TypedModel, usize)> {
    let order = model.eval_order()?;
    let mut groups = groups(&model, &order)?;
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
            batched_out: group.batched_out,
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
        .filter(|group| !matches!(group.plan, Plan::Patch { .. }))
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

/// Packs or transforms the weights of a group.
fn kernel(model: &TypedModel, group: &Group, kind: Kind) -> TractResult<Kernel> {
    let constant = |outlet: OutletId| {
        let fact = model.outlet_fact(outlet)?;
        fact.konst.clone().context("weights were found constant")
    };
    let (channels_in, channels_out, relu) = (group.channels_in, group.channels_out, group.relu);
    let weights = constant(model.node(group.node).inputs[1])?;
    let weights = weights.try_as_plain_ram()?.as_slice::<f32>()?;
    let bias = match group.bias {
        None => vec![0.0; channels_out],
        Some(outlet) => match *constant(outlet)?.try_as_plain_ram()?.as_slice::<f32>()? {
            [all] => vec![all; channels_out],
            ref each => each.to_vec(),
        },
    };
    Ok(match group.plan {
        Plan::Winograd { stride } => {
            let shape = Shape { channels_in, channels_out, stride, size: group.size, relu };
            Kernel::Winograd(Winograd::new(kind, shape, weights, &bias)?)
        }
        Plan::Patch { kernel } => {
            Kernel::Patch(Patch::new(kind, kernel, channels_in, weights, &bias, relu)?)
        }
        Plan::Point => Kernel::Point(Point::new(kind, channels_in, weights, &bias, relu)?),
    })
}
